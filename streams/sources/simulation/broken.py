"""Messages that are none, on demand: one of each reason for a dead letter, in turn."""

import json
from collections.abc import Callable
from itertools import count
from typing import Any, Final, NamedTuple

from schemas.codec import LARGEST_EVENT, encode_event
from schemas.events import Dispatch, Incident
from schemas.vocabulary import RejectReason


class Broken(NamedTuple):
    """The bytes of a broken message, and what is wrong with them."""

    key: bytes
    raw: bytes
    flaw: RejectReason


def _with(**fields: Any) -> Callable[[dict[str, Any]], bytes]:
    """Bytes of a message in which these fields say something else (`...`: are missing)."""

    def change(message: dict[str, Any]) -> bytes:
        said = {name: value for name, value in {**message, **fields}.items() if value is not ...}
        return json.dumps(said).encode()

    return change


def _dumps(message: dict[str, Any]) -> bytes:
    return json.dumps(message).encode()


_BREAK: Final[dict[RejectReason, Callable[[dict[str, Any]], bytes]]] = {
    RejectReason.NOT_JSON: lambda message: _dumps(message)[:-7],
    RejectReason.EMPTY: lambda _: b"",
    RejectReason.WRONG_TYPE: _with(updated_at=True),
    RejectReason.MISSING_FIELD: _with(jurisdiction=...),
    RejectReason.UNKNOWN_WORD: _with(status="teleported"),
    RejectReason.NAIVE_TIME: _with(updated_at="2026-01-05T12:00:00"),
    RejectReason.TIME_OUT_OF_RANGE: _with(updated_at="1969-07-20T20:17:40Z"),
    RejectReason.FROM_THE_FUTURE: _with(updated_at="2099-12-31T00:00:00.000Z"),
    RejectReason.KEY_MISMATCH: _dumps,
    RejectReason.TOO_LARGE: _with(attachment="0" * LARGEST_EVENT),
}


class Breaker:
    """Breaks copies of good messages, each time in the next way."""

    def __init__(self) -> None:
        """Start with the first way."""
        self._turn = count()

    def copy_of(self, event: Incident | Dispatch) -> Broken:
        """A broken copy of an event; its own message is not touched."""
        flaw = tuple(_BREAK)[next(self._turn) % len(_BREAK)]
        message: dict[str, Any] = json.loads(encode_event(event))
        key = event.incident_id.encode()
        if flaw is RejectReason.KEY_MISMATCH:
            key = b"not-" + key
        return Broken(key, _BREAK[flaw](message), flaw)
