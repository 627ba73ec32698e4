"""Answers as dataclasses whose fields say what they mean, and the JSON Schema (2020-12) made of them."""

from collections.abc import Mapping
from dataclasses import MISSING, field, fields, is_dataclass
from enum import Enum
from types import NoneType, UnionType
from typing import Any, Final, Union, get_args, get_origin, get_type_hints

INSTANT: Final = {"format": "date-time"}

_PLAIN: Final[Mapping[Any, str]] = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    NoneType: "null",
}


def said(meaning: str, **schema: Any) -> Any:
    """A field with its meaning, and what else its schema says."""
    return field(metadata={"description": meaning, **schema})


def schemas_of(answer: type) -> dict[str, Any]:
    """Name → schema of a dataclass and of every dataclass in it.

    Raises:
        TypeError: a field has a type that no schema is known for.
    """
    found: dict[str, Any] = {}
    _add(answer, found)
    return found


def _add(of: type, found: dict[str, Any]) -> None:
    hints = get_type_hints(of)
    properties = {each.name: {**_schema(hints[each.name], found), **each.metadata} for each in fields(of)}
    needed = [each.name for each in fields(of) if each.default is MISSING and each.default_factory is MISSING]
    meaning = (of.__doc__ or "").partition("\n")[0]
    found[of.__name__] = {
        "type": "object",
        "description": meaning,
        "properties": properties,
        "required": needed,
    }


def _schema(of: Any, found: dict[str, Any]) -> dict[str, Any]:
    origin, inner = get_origin(of), get_args(of)
    if of in _PLAIN:
        return {"type": _PLAIN[of]}
    if isinstance(of, type) and issubclass(of, Enum):
        return {"type": "string", "enum": [str(each.value) for each in of]}
    if is_dataclass(of):
        assert isinstance(of, type)
        _add(of, found)
        return {"$ref": f"#/components/schemas/{of.__name__}"}
    if origin is tuple:
        return {"type": "array", "items": _schema(inner[0], found)}
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return {"type": "object", "additionalProperties": _schema(inner[1], found)}
    if origin in (Union, UnionType):
        return {"type": [_schema(each, found)["type"] for each in inner]}
    msg = f"no JSON Schema is known for {of!r}; give the field a plain type"
    raise TypeError(msg)
