"""What a source hands on: events, unusable rows, facts about them, and how far reading has come."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from schemas.events import Dispatch, Incident
from schemas.quoting import quoted
from schemas.vocabulary import RejectReason

_SHOWN_LENGTH: Final = 60  # characters of a value that a message repeats


class SourceEvent(NamedTuple):
    """One event, when it became known, and the row that says it."""

    known_from: int  # UTC ms, `event.updated_at`
    event: Incident | Dispatch
    file: str
    line: int  # of the file's text, from 1, where the row begins


class UnusableRow(NamedTuple):
    """A row, or one of its fields, that cannot be used: a dead letter with its place."""

    known_from: int | None  # UTC ms: its place among the events; None: before all of them
    file: str
    line: int
    field: str  # the column as the file calls it; empty where the row as a whole is broken
    value: str
    reason: RejectReason
    problem: str  # of the field, what it must be; of a whole row, what is wrong with it; and what to do
    raw: bytes  # the row as it came, without its line end
    partly: bool = False  # the rest of the row was used: only this field is missing from its events

    @property
    def message(self) -> str:
        """Field, problem and value: for the person who has the file, and for nobody else."""
        more = "…" if len(self.value) > _SHOWN_LENGTH else ""
        return self._said(f'"{self.value[:_SHOWN_LENGTH]}{more}"')

    @property
    def message_to_send(self) -> str:
        """The same for headers and records, which travel: the value only where it names nobody."""
        return self._said(quoted(self.value))

    def _said(self, value: str) -> str:
        if not self.field:
            return self.problem
        return f"{self.field} {self.problem} ({f'got {value}' if self.value else 'it is empty'})"


class Progress(NamedTuple):
    """How far reading has come."""

    file: str
    rows: int  # of this file
    bytes_read: int  # of this file as it lies on the disk, compressed or not
    bytes_total: int


OnProgress = Callable[[Progress], None]


@dataclass(slots=True)
class Facts:
    """What was found while reading; everything is counted, nothing is dropped in silence."""

    rows: int = 0  # of all files, headers and blank lines left out
    unusable: int = 0  # rows and fields handed on as `UnusableRow`
    incidents: int = 0  # messages about incidents
    dispatches: int = 0
    ambiguous_times: int = 0  # local times that the clock showed twice: read as the first
    nonexistent_times: int = 0  # local times that the clock skipped: moved forward by the gap
    without_zone: int = 0  # messages that say no zone, those with coordinates included
    bad_coordinates: int = 0  # rows with coordinates that cannot be read: taken as having none
    unmapped: Counter[str] = field(default_factory=Counter)  # local code → rows; they count as `other`
