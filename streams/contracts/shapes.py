"""Types of fields → JSON Schema 2020-12, as publishers may write them (in) or as Vigil writes them (out).

In both directions a field that says nothing is left out; publishers may also write `null`.
"""

import types
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Final, Union, get_args, get_origin

Schema = dict[str, Any]

EARLIEST_MS: Final = 31_536_000_000
"""1971-01-01. Epoch seconds of today are less: who sends them by mistake learns it from the schema."""
LATEST_MS: Final = 4_070_908_800_000
"""2099-01-01, exclusively."""

_YEAR: Final = "(197[1-9]|19[89][0-9]|20[0-8][0-9]|209[0-8])"
_LEAP_YEAR: Final = "(19(7[26]|8[048]|9[26])|20([02468][048]|[13579][26]))"
_DAY: Final = (
    "((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))"
)
_CLOCK: Final = "([01][0-9]|2[0-3]):[0-5][0-9]"

SAID_TIME: Final[Schema] = {
    "description": "An instant: RFC 3339 with an offset or Z, or integer UTC epoch milliseconds.",
    "anyOf": [
        {
            "type": "string",
            "format": "date-time",
            "pattern": f"^({_YEAR}-{_DAY}|{_LEAP_YEAR}-02-29)T{_CLOCK}:[0-5][0-9](\\.[0-9]+)?(Z|[+-]{_CLOCK})$",
            "examples": ["2026-11-23T11:45:00.000Z", "2026-11-23T05:45:00-06:00"],
        },
        {
            "type": "integer",
            "minimum": EARLIEST_MS,
            "exclusiveMaximum": LATEST_MS,
            "examples": [1795434300000],
        },
    ],
}
"""How a publisher writes an instant."""

WRITTEN_TIME: Final[Schema] = {
    "description": "An instant: RFC 3339 in UTC with milliseconds.",
    "type": "string",
    "format": "date-time",
    "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z$",
    "examples": ["2026-11-23T11:45:00.000Z"],
}
"""How Vigil writes an instant."""

NULL: Final[Schema] = {"type": "null"}
_PLAIN: Final[Mapping[type, str]] = {str: "string", int: "integer", float: "number", bool: "boolean"}
_BOUNDS: Final = {"min_length": "minLength", "max_length": "maxLength"}


def shape_of(hint: Any) -> Schema:
    """The schema of a type.

    Raises:
        TypeError: nobody has said what this type looks like in JSON.
    """
    origin = get_origin(hint)
    if origin is Annotated:
        return _bounded(*get_args(hint))
    if origin in (Union, types.UnionType):
        return _any_of([each for each in get_args(hint) if each is not type(None)])
    if origin is tuple:
        return {"type": "array", "items": shape_of(get_args(hint)[0])}
    if origin is not None and issubclass(origin, Mapping):
        return {"type": "object", "additionalProperties": shape_of(get_args(hint)[1])}
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return {"type": "string", "enum": [str(word) for word in hint]}
    if hint is Any:
        return {}
    if hint in _PLAIN:
        return {"type": _PLAIN[hint]}
    message = f"{hint!r} has no JSON Schema here; say it in streams/contracts/shapes.py"
    raise TypeError(message)


def nullable(schema: Schema) -> Schema:
    """The schema, or null: the message says nothing about the field."""
    if "anyOf" in schema:
        return {**schema, "anyOf": [*schema["anyOf"], NULL]}
    if "$ref" in schema:
        return {"anyOf": [schema, NULL]}
    words = {"enum": [*schema["enum"], None]} if "enum" in schema else {}
    return {**schema, "type": [schema["type"], "null"], **words}


def _bounded(hint: Any, *notes: Any) -> Schema:
    """A type with the bounds of its annotations (`msgspec.Meta`)."""
    schema = shape_of(hint)
    for note in notes:
        for name, keyword in _BOUNDS.items():
            if getattr(note, name, None) is not None:
                schema[keyword] = getattr(note, name)
    return schema


def _any_of(hints: list[Any]) -> Schema:
    if set(hints) == {datetime, int}:
        return {"$ref": "#/$defs/Time"}
    if len(hints) == 1:
        return shape_of(hints[0])
    return {"anyOf": [shape_of(hint) for hint in hints]}
