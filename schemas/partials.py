"""The messages of `cells`, read back with all their types: somebody else may write there, or a log be damaged."""

from typing import Annotated, Any, NotRequired, TypedDict

import msgspec

from schemas.instants import EARLIEST_MS, LATEST_MS
from schemas.vocabulary import Verdict

Number = Annotated[int, msgspec.Meta(ge=-(1 << 53), le=1 << 53)]
Count = Annotated[int, msgspec.Meta(ge=0, le=1 << 53)]
Instant = Annotated[int, msgspec.Meta(ge=EARLIEST_MS, le=LATEST_MS)]
Partitions = Annotated[int, msgspec.Meta(ge=1, le=100_000)]


class Part(TypedDict):
    """What a message says of one jurisdiction: how far its time is, and columns of partials, one row per key."""

    jurisdiction: str
    greatest: Instant
    whole_from: NotRequired[Number]
    cells: NotRequired[list[list[str]]]
    cell: NotRequired[list[Count]]
    pane: NotRequired[list[Number]]
    known: NotRequired[list[Number]]
    net: NotRequired[list[Number]]
    ids: NotRequired[list[list[str]]]
    gone: NotRequired[dict[str, list[str]]]


class Answer(TypedDict):
    """An answer to an alert, handed on."""

    alert_id: str
    verdict: Verdict
    by: str
    at: Instant
    note: NotRequired[str | None]


class Label(TypedDict):
    """One message: who says it, up to which offset, under which counting version."""

    topic: str
    partition: Count
    of: Partitions
    version: Count
    fingerprint: str
    offset: Count
    cities: list[Part]
    acks: NotRequired[list[Answer]]


_COLUMNS = ("cell", "pane", "known", "net", "ids")
_decode = msgspec.json.Decoder(Label).decode


def read_partials(value: bytes | None) -> dict[str, Any] | None:
    """A message of `cells` as plain values; None when it is none of ours."""
    try:
        label: dict[str, Any] = dict(_decode(value or b""))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    whole = label["partition"] < label["of"] and all(_is_whole(part) for part in label["cities"])
    return label if whole else None


def _is_whole(part: dict[str, Any]) -> bool:
    """Whether all columns are there, of one length, and every row names a cell."""
    columns = [part[name] for name in _COLUMNS if name in part]
    if not columns:
        return "cells" not in part
    if len(columns) < len(_COLUMNS) or "cells" not in part or "gone" not in part:
        return False
    rows, cells = len(columns[0]), part["cells"]
    return all(len(column) == rows for column in columns) and max(part["cell"], default=-1) < len(cells)
