"""Whether a contract may take the place of a released one: nobody who keeps to the released one may be let down.

- In: whatever a publisher may write today, it may write tomorrow, and it is read.
- Out: whatever comes tomorrow, a reader of today can read. Readers skip fields that they do not know.

A change that breaks this makes a new version, beside the old one. Descriptions and examples may change freely.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from schemas.codec import from_json, to_json
from streams.contracts.catalogue import CONTRACTS, Direction
from streams.contracts.documents import document_of
from streams.contracts.shapes import Schema

ANNOTATIONS: Final = frozenset(
    {
        "$schema",
        "$id",
        "$defs",
        "title",
        "description",
        "examples",
        "deprecated",
        "format",
        "default",
        "$comment",
    }
)
_LOWER: Final = ("minLength", "minimum", "exclusiveMinimum", "minItems", "minProperties")
_UPPER: Final = ("maxLength", "maximum", "exclusiveMaximum", "maxItems", "maxProperties")
_BRANCHES: Final = ("oneOf", "anyOf")
_JUDGED: Final = frozenset(
    {"type", "enum", "pattern", "properties", "required", "additionalProperties", "items", "$ref"}
    | {*_LOWER, *_UPPER, *_BRANCHES}
)
_ALL_TYPES: Final = frozenset({"object", "array", "string", "number", "integer", "boolean", "null"})


def refusals(released: Path) -> list[str]:
    """Why the contracts of this program may not take the place of the released ones in a folder; empty when they may."""
    current = {contract.file: contract for contract in CONTRACTS if contract.records}
    found: list[str] = []
    for path in sorted(released.glob("*.v*.json")):
        contract = current.get(path.name)
        if contract is None:
            found.append(f"{path.stem}: was released and is no longer there; keep it until nobody uses it")
        else:
            old = from_json(path.read_bytes())
            found += changes(old, document_of(contract), contract.direction, contract.name)
    return found


def changes(old: Schema, new: Schema, direction: Direction, name: str) -> list[str]:
    """What in a new schema lets somebody down who keeps to the old one, one sentence each."""
    incoming = direction is Direction.IN
    wide, narrow = (new, old) if incoming else (old, new)
    found = _Inclusion(wide, narrow, incoming).reasons(wide, narrow, "")
    topic, _, version = name.rpartition(".v")
    remedy = f"take it back, or make it {topic}.v{int(version) + 1} beside this one"
    return [f"{name}: {reason}; {remedy}" for reason in dict.fromkeys(found)]


class _Inclusion:
    """Whether everything that the schema `narrow` allows, the schema `wide` allows too."""

    def __init__(self, wide: Schema, narrow: Schema, incoming: bool) -> None:
        self._wide, self._narrow, self._incoming = wide, narrow, incoming

    def reasons(self, wide: Any, narrow: Any, at: str) -> list[str]:
        """Why not, empty when it does; `at` names the field."""
        if isinstance(narrow, dict) and "$ref" in narrow and not at:
            at = narrow["$ref"].rpartition("/")[2]
            twins = [branch for branch in wide.get("oneOf", ()) if branch == narrow]
            wide = twins[0] if twins else wide
        wide, narrow = _followed(wide, self._wide), _followed(narrow, self._narrow)
        for keyword in _BRANCHES:
            if keyword in narrow:
                return [why for branch in narrow[keyword] for why in self.reasons(wide, branch, at)]
        for keyword in _BRANCHES:
            if keyword in wide:
                return min((self.reasons(branch, narrow, at) for branch in wide[keyword]), key=len)
        return [*self._values(wide, narrow, at), *self._object(wide, narrow, at)]

    def _values(self, wide: Schema, narrow: Schema, at: str) -> Iterator[str]:
        """What plain values may be."""
        words = _words(narrow)
        if words is not None:
            for word in (word for word in words if not _fits(word, wide)):
                yield self._say(at, f"may be {to_json(word).decode()}", "may not")
            return
        types, others = _types(wide), _types(narrow)
        if lost := sorted(others - types):
            yield self._say(
                at, f"may be {' or '.join(lost)}", f"only {' or '.join(sorted(types)) or 'nothing'}"
            )
            return
        if (listed := _words(wide)) is not None:
            yield self._say(at, "may be any word", f"only one of {len(listed)}")
        for keyword in (*_LOWER, *_UPPER):
            if keyword in wide and not _within(keyword, wide[keyword], narrow.get(keyword)):
                yield self._say(at, f"has {keyword} {narrow.get(keyword, 'unbounded')}", str(wide[keyword]))
        if "pattern" in wide and wide["pattern"] != narrow.get("pattern"):
            yield self._say(at, f"matches {narrow.get('pattern', 'anything')}", wide["pattern"])
        for keyword in sorted(wide.keys() - ANNOTATIONS - _JUDGED):
            if wide[keyword] != narrow.get(keyword):
                yield f'{at}: "{keyword}" has changed, and nobody can say here whether that does harm'

    def _object(self, wide: Schema, narrow: Schema, at: str) -> Iterator[str]:
        """What objects and lists may hold."""
        fields, others = wide.get("properties", {}), narrow.get("properties", {})
        for name in sorted(set(wide.get("required", ())) - set(narrow.get("required", ()))):
            if self._incoming:
                yield f"{at}.{name} has become required: publishers that leave it out would be refused"
            elif name in others:
                yield f"{at}.{name} may now be missing: readers rely on it"
        old, new = (others, fields) if self._incoming else (fields, others)
        for name in sorted(old.keys() - new.keys()):
            yield (
                f"{at}.{name} is no longer read: what publishers say in it would be lost"
                if self._incoming
                else f"{at}.{name} has been removed: readers would miss it"
            )
        for name in sorted(fields.keys() & others.keys()):
            yield from self.reasons(fields[name], others[name], f"{at}.{name}")
        for keyword in ("additionalProperties", "items"):
            if keyword in wide:
                yield from self.reasons(wide[keyword], narrow.get(keyword, True), f"{at}[]")

    def _say(self, at: str, narrow: str, wide: str) -> str:
        """What the released schema allowed or promised, and what has become of it."""
        if self._incoming:
            return f"{at} {narrow} by the released contract, and {wide} now: publishers would be refused"
        return f"{at} {narrow} now, and {wide} by the released contract: readers do not expect it"


def _followed(schema: Any, document: Schema) -> Schema:
    if schema is True:
        return {}
    if schema is False:
        return {"type": []}
    while "$ref" in schema:
        followed = document["$defs"][schema["$ref"].rpartition("/")[2]]
        schema = {**{key: value for key, value in schema.items() if key != "$ref"}, **followed}
    found: Schema = schema
    return found


def _types(schema: Mapping[str, Any]) -> frozenset[str]:
    said = schema.get("type", _ALL_TYPES)
    types = frozenset([said] if isinstance(said, str) else said)
    return types | {"integer"} if "number" in types else types


def _words(schema: Mapping[str, Any]) -> list[Any] | None:
    """All values of a schema that lists them."""
    if _types(schema) == {"null"}:
        return [None]
    listed: list[Any] | None = schema.get("enum")
    return listed


def _fits(word: Any, schema: Mapping[str, Any]) -> bool:
    """Whether a word, or null, is a value of a schema."""
    kind = "null" if word is None else "string"
    if kind not in _types(schema) or word not in (_words(schema) or [word]):
        return False
    length = len(word or "")
    in_bounds = schema.get("minLength", 0) <= length <= schema.get("maxLength", length)
    return word is None or (in_bounds and re.search(schema.get("pattern", ""), word) is not None)


def _within(keyword: str, bound: float, other: float | None) -> bool:
    if other is None:
        return False
    return other >= bound if keyword in _LOWER else other <= bound
