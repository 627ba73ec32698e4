"""The JSON Schema of each topic, generated from the dataclasses and the structs that decode."""

import dataclasses
from collections.abc import Mapping
from typing import Any, Final, get_type_hints

from schemas.codec import PERSONAL_FIELDS, dead_letter_headers
from schemas.emissions import DeadLetter
from schemas.vocabulary import RejectReason
from streams.contracts.catalogue import Contract, Direction, Record
from streams.contracts.shapes import NULL, SAID_TIME, WRITTEN_TIME, Schema, nullable, shape_of
from streams.contracts.wording import FIELDS, PERSONAL, Field

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
TIME: Final[Schema] = {"$ref": "#/$defs/Time"}
WRITTEN_TIMES: Final = frozenset({"at", "since", "updated_at", "effective_from"})
"""Fields of output that are instants: integers inside, RFC 3339 on the topic."""

HEARTBEAT_AT: Final = "heartbeat_at"


def document_of(contract: Contract) -> Schema:
    """The JSON Schema of the messages of a topic (of a dead letter: of its headers)."""
    incoming = contract.direction is Direction.IN
    records = {record.name: (_read(record) if incoming else _written(record)) for record in contract.records}
    return {
        "$schema": DIALECT,
        "$id": f"urn:vigil:contract:{contract.topic}:v{contract.version}",
        "title": f"{contract.topic}, version {contract.version}",
        "description": contract.text,
        "oneOf": [{"$ref": f"#/$defs/{name}"} for name in records],
        "$defs": {**records, "Time": SAID_TIME if incoming else WRITTEN_TIME},
    }


def _read(record: Record) -> Schema:
    """A record as publishers write it: fields beyond it are accepted and skipped."""
    assert record.wire is not None
    hints = get_type_hints(record.wire, include_extras=True)
    fields = [field.name for field in dataclasses.fields(record.cls)]
    properties: dict[str, Schema] = {}
    for name in fields:
        said = FIELDS[record.name][name]
        shape = _meant(shape_of(hints[name]), said)
        properties[name] = _described(shape if name in record.required else nullable(shape), said)
    for name in hints:
        if name not in fields and name not in PERSONAL_FIELDS:
            properties[name] = {**NULL, "description": _NOT_BOTH}
    if HEARTBEAT_AT in hints:  # what dispatch systems send
        properties |= {name: {"description": PERSONAL, "deprecated": True} for name in PERSONAL_FIELDS}
    return _object(record, properties, record.required)


_NOT_BOTH: Final = "A message that says heartbeat_at is a heartbeat, and says nothing else."


def _written(record: Record) -> Schema:
    """A record as Vigil writes it. Readers skip fields that they do not know: more may come within a version."""
    if record.cls is DeadLetter:
        return _headers(record)
    hints = get_type_hints(record.cls)
    properties, required = {}, []
    for field in dataclasses.fields(record.cls):
        said = FIELDS[record.name][field.name]
        shape = TIME if field.name in WRITTEN_TIMES else _meant(shape_of(hints[field.name]), said)
        properties[field.name] = _described(shape, said)
        if not _may_be_left_out(hints[field.name]):
            required.append(field.name)
    return _object(record, properties, required)


def _headers(record: Record) -> Schema:
    """The headers of a dead letter, each a text in UTF-8."""
    example = DeadLetter("incidents", 3, 81_002, 0, None, None, RejectReason.NOT_JSON, "")
    names = [name for name, _ in dead_letter_headers(example)]
    said = FIELDS[record.name]
    properties = {name: _described(_meant({"type": "string"}, said[name]), said[name]) for name in names}
    properties["vigil-reason"]["examples"] = [str(word) for word in RejectReason]
    properties["vigil-at"] = _described(TIME, said["vigil-at"])
    return _object(record, properties, names)


def _object(record: Record, properties: Mapping[str, Schema], required: Any) -> Schema:
    return {
        "type": "object",
        "description": _docstring(record.cls),
        "properties": dict(properties),
        "required": [name for name in properties if name in required],
        "additionalProperties": True,
    }


def _meant(shape: Schema, said: Field) -> Schema:
    """A shape within the bounds of its meaning."""
    bounded = {**shape, **said.bounds}
    if "enum" in said.bounds:
        del bounded["maxLength"]
    return bounded


def _described(shape: Schema, said: Field) -> Schema:
    return {"description": said.text, **shape}


def _may_be_left_out(hint: Any) -> bool:
    return type(None) in getattr(hint, "__args__", ())


def _docstring(cls: type[Any]) -> str:
    """The text of a class, blank lines kept, lines of a paragraph joined."""
    paragraphs = (cls.__doc__ or "").split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)
