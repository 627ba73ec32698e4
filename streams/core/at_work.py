"""What is going on now: which incidents are open, which of them wait for a unit, which units are at work.

For gauges only: no count, alert or KPI follows from it. Each source partition keeps its own part of a city, from the
statuses that its messages say, and what nothing is said of for a day of event time is let go: publishers forget to
close. Hearing costs O(1) and, as it is done for every message, as little as can be; asking O(what goes on), in a few quick passes.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from schemas.vocabulary import WITHDRAWING, IncidentStatus, UnitStatus
from streams.core.dispatches import NO_PRIORITY, Fact
from streams.core.timeline import DAY_MS

LET_GO_MS: Final = DAY_MS
"""What nothing was said of for so long, up to twice as long, is let go. A choice: longer than any shift."""

_WAITING, _WORKED, _OVER = range(3)
_STAGE_BITS: Final = 2
_STAGE: Final = 3
STAGE_OF: Final[Mapping[IncidentStatus | None, int | None]] = {
    **dict.fromkeys(IncidentStatus, _WORKED),
    **dict.fromkeys(WITHDRAWING, _OVER),
    IncidentStatus.CLOSED: _OVER,
    IncidentStatus.RECEIVED: _WAITING,
    IncidentStatus.PENDING: _WAITING,
    # These say that something else changed, and nothing about units.
    IncidentStatus.UPDATED: None,
    IncidentStatus.RECLASSIFIED: None,
    IncidentStatus.MOVED: None,
    None: None,
}
_RANK_OF: Final = {status.value: rank for rank, status in enumerate(UnitStatus)}
_RANK_BITS: Final = 3
_RELEASED: Final = _RANK_OF[UnitStatus.AVAILABLE.value]
"""This status and the one after it: the unit is not at work on the incident any more."""


class Holding(NamedTuple):
    """Calls that wait for a unit."""

    calls: int
    oldest_since: int  # ms


class _Recent:
    """Numbers by name, of two generations: what was not put again during a whole one is let go when it ends."""

    __slots__ = ("new", "old", "turns_at")

    def __init__(self) -> None:
        self.new: dict[Any, int] = {}
        self.old: dict[Any, int] = {}
        self.turns_at = -1

    def turn(self, at: int) -> dict[Any, int]:
        """Begin another generation at the instant `at`; what is let go."""
        gone, self.old, self.new = self.old, self.new, {}
        if at >= self.turns_at + LET_GO_MS:
            gone, self.old = gone | self.old, {}  # nothing was heard for longer than a generation
        self.turns_at = at + LET_GO_MS
        return gone


class OpenCalls:
    """The incidents of one (source partition, jurisdiction) by the status last said of each."""

    __slots__ = ("_calls", "_priorities", "_waiting", "open")

    def __init__(self) -> None:
        """Nothing is known."""
        self.open = 0
        self._calls = _Recent()  # incident → updated_at of its stage, and the stage in the lowest bits
        self._priorities: dict[str, str] = {}  # of those that wait
        self._waiting: dict[str, dict[str, int]] = {}  # priority → incident → since when, ms

    def hear(
        self, incident_id: str, status: IncidentStatus | None, updated_at: int, about: tuple[Any, int | None]
    ) -> None:
        """Take in what a message says; of all that came the latest stage holds.

        Args:
            incident_id: the incident.
            status: as said; None says that it is an exercise.
            updated_at: since when that is known, ms.
            about: its priority, and when it was reported (ms), as far as the message says so.
        """
        self.hear_stage(incident_id, _OVER if status is None else STAGE_OF[status], updated_at, about)

    def hear_stage(
        self, incident_id: str, stage: int | None, updated_at: int, about: tuple[Any, int | None]
    ) -> None:
        """As `hear`, with `STAGE_OF` the status."""
        calls = self._calls
        if updated_at >= calls.turns_at:
            self._let_go(calls.turn(updated_at))
        new = calls.new
        known = new.get(incident_id) or calls.old.pop(incident_id, 0)
        was = known & _STAGE if known else _OVER
        if stage is None:
            stage = was if known else _WORKED
            updated_at = known >> _STAGE_BITS
        said = updated_at << _STAGE_BITS | stage
        if said < known:
            said, stage = known, was
        new[incident_id] = said
        if stage != was:
            self.open += (stage != _OVER) - (was != _OVER)
            if was == _WAITING:
                self._wait_no_more(incident_id)
        if stage == _WAITING:
            self._wait(incident_id, updated_at, about)

    def begin(self, incident_id: str, stage: int | None, updated_at: int, about: tuple[Any, int]) -> None:
        """As `hear`, of an incident that is most likely new and not over; `stage` is `STAGE_OF` its status."""
        new = self._calls.new
        if updated_at >= self._calls.turns_at or incident_id in new or incident_id in self._calls.old:
            self.hear_stage(incident_id, stage, updated_at, about)
            return
        if stage is None:
            stage, updated_at = _WORKED, 0
        new[incident_id] = updated_at << _STAGE_BITS | stage
        self.open += 1
        if stage == _WAITING:
            priority = about[0]
            if priority.__class__ is not str or not priority:
                priority = NO_PRIORITY if priority in (None, "") else str(priority)
            self._priorities[incident_id] = priority
            calls = self._waiting.get(priority)
            if calls is None:
                calls = self._waiting[priority] = {}
            calls[incident_id] = about[1]

    def holding(self) -> dict[str, Holding]:
        """Priority → the calls that wait for a unit."""
        return {
            priority: Holding(len(calls), min(calls.values())) for priority, calls in self._waiting.items()
        }

    def _wait(self, incident_id: str, updated_at: int, about: tuple[Any, int | None]) -> None:
        said, reported_at = about
        since = updated_at if reported_at is None else reported_at
        priority = self._priorities.get(incident_id)
        if priority is not None:
            since = min(since, self._wait_no_more(incident_id))
        if said not in (None, ""):
            priority = str(said)
        priority = self._priorities[incident_id] = priority or NO_PRIORITY
        self._waiting.setdefault(priority, {})[incident_id] = since

    def _wait_no_more(self, incident_id: str) -> int:
        """Take a call out of those that wait; since when it did."""
        priority = self._priorities.pop(incident_id)
        calls = self._waiting[priority]
        since = calls.pop(incident_id)
        if not calls:
            del self._waiting[priority]
        return since

    def _let_go(self, gone: Mapping[str, int]) -> None:
        for incident_id, said in gone.items():
            stage = said & _STAGE
            self.open -= stage != _OVER
            if stage == _WAITING:
                self._wait_no_more(incident_id)


class CommittedUnits:
    """The units at work on an incident, of one (source partition, jurisdiction), by the last fact of each."""

    __slots__ = ("_agencies", "_units")

    def __init__(self) -> None:
        """Nobody is at work."""
        self._units = (
            _Recent()
        )  # (incident, unit) → since when its status holds, and its rank in the lowest bits
        self._agencies: dict[tuple[str, str], str] = {}  # of those at work

    def hear(self, incident_id: str, fact: Fact) -> None:
        """Take a fact in; of those of one millisecond the later in the usual order holds."""
        at, units, name = fact.at, self._units, (incident_id, fact.unit_id)
        if at >= units.turns_at:
            for unit in units.turn(at):
                self._agencies.pop(unit, None)
        rank = _RANK_OF[fact.status]
        said, known = at << _RANK_BITS | rank, units.new.get(name) or units.old.pop(name, 0)
        if said < known:
            units.new[name] = known
            return
        units.new[name] = said
        if rank < _RELEASED:
            self._agencies[name] = fact.agency
        elif known:
            self._agencies.pop(name, None)

    def by_agency(self) -> Counter[str]:
        """Agency → units at work, once for each incident."""
        return Counter(self._agencies.values())
