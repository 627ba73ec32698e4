"""What a message becomes, in words: the answer of `vigil check`, for people and for programs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any, Final, NamedTuple


class Becomes(StrEnum):
    """What Vigil makes of a message."""

    COUNTED = "counted"  # the incident enters a cell: a first time, or again
    MOVED = "moved"  # it leaves one cell, or time, for another
    WITHDRAWN = "withdrawn"  # it leaves the counts
    NOT_COUNTED = "not-counted"  # it was not in the counts, and is not now
    UNCHANGED = "unchanged"  # it says something, but nothing that moves a count
    DUPLICATE = "duplicate"  # the same message came before
    MEASURED = "measured"  # a fact about a unit that completes or corrects a response interval
    NOTED = "noted"  # a fact about a unit that completes none
    ANSWER = "answer"  # to an alert
    HEARTBEAT = "heartbeat"
    DEAD_LETTER = "dead-letter"


class Place(NamedTuple):
    """Where a message stands: `calls.csv`, line 12; or `incidents-3`, offset 81002."""

    source: str
    number: int

    def __str__(self) -> str:
        """`calls.csv:12`."""
        return f"{self.source}:{self.number}"


class Cell(NamedTuple):
    """Where an incident counts."""

    zone: str
    crime_type: str
    counts_in: str  # RFC 3339, the start of its minute


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one message becomes, and what is to be said about it.

    Args:
        place: where it stands.
        topic: without the prefix.
        key: of the record, as text.
        becomes: in a word.
        cell: where the incident counts now.
        left: where it counted before.
        known_from: the tick from which on the message has effect, RFC 3339.
        intervals: response intervals that it completes or corrects: "response within 360 s".
        reason: of the dead letter, in a word.
        why: of the dead letter, or of what is not counted.
        late_by_s: how much too late it came; it has effect from `known_from` on all the same.
        unknown_code: the local code that is not mapped, so that the incident counts as `other`.
        unlocatable: with it the incident comes to count in no zone: all that was said of it names none, and lies in none.
        personal: fields that can hold personal data, which are dropped.
        hint: something that is accepted, but is hardly meant.
    """

    place: Place
    topic: str
    key: str | None
    becomes: Becomes
    cell: Cell | None = None
    left: Cell | None = None
    known_from: str | None = None
    intervals: Sequence[str] = ()
    reason: str | None = None
    why: str = ""
    late_by_s: float | None = None
    unknown_code: str | None = None
    unlocatable: bool = False
    personal: Sequence[str] = ()
    hint: str = ""

    @property
    def usable(self) -> bool:
        """Whether Vigil can use it."""
        return self.becomes is not Becomes.DEAD_LETTER

    @property
    def notes(self) -> list[str]:
        """What is to be said about it, one thing each; nothing where all is as one would expect."""
        said = [self.why] if self.why else []
        if self.late_by_s is not None:
            said.append(f"late by {self.late_by_s:,.0f} s: has effect from {self.known_from} on")
        if self.unknown_code is not None:
            said.append(f'the code "{self.unknown_code}" is not mapped: counts as other')
        if self.unlocatable:
            said.append("no zone: counts in unknown")
        if self.personal:
            said.append(f"dropped, for it can hold personal data: {', '.join(self.personal)}")
        return [*said, self.hint] if self.hint else said

    def as_json(self) -> Mapping[str, Any]:
        """Whatever is said of it, as JSON-able values."""
        found = {field.name: getattr(self, field.name) for field in fields(self)}
        for name in ("cell", "left"):
            found[name] = None if found[name] is None else found[name]._asdict()
        found["place"] = self.place._asdict()
        return {name: value for name, value in found.items() if value not in _NOTHING}


_NOTHING: Final = (None, "", (), False)
