"""The facts of a call's units → response intervals, as far as they are known at a tick.

    received ──processing──▶ first dispatch
    each unit:   dispatched ──turnout──▶ en route ──travel (first-arriving unit)──▶ on scene … ──▶ available
    received ──────────────────response──────────────────────▶ first on scene
    each unit:   dispatched ───────────────────committed──────────────────────────────▶ available

An interval lies in the pane of its end and in one *bucket*, named by its upper bound in seconds (inclusive), so that
compliance with a threshold on a bound is exact. Missing, negative and absurd intervals are counted by that name and
left out. Source of the definitions: NFPA 1710 and NFPA 1225 (DOMAIN, README "Response intervals").
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from schemas.vocabulary import Kpi, UnitStatus
from streams.core.cells import Cell, Key
from streams.core.history import History, entry, forget, insert, value_at

MISSING: Final = "missing"
NEGATIVE: Final = "negative"
ABSURD: Final = "absurd"
BEYOND: Final = "inf"
SUM: Final = "sum"
"""Bucket words beside the bounds; `sum` carries milliseconds, all others count intervals."""

ABSURD_MS: Final = 86_400_000
"""A day: no unit is committed that long to one call; such a value is a typing error."""

NO_PRIORITY: Final = "unknown"

_RECEIVED: Final = ("", "received")
_PRIORITY: Final = ("", "priority")


class Fact(NamedTuple):
    """What one dispatch message says. Instants in ms; None: not said."""

    unit_id: str
    agency: str
    status: str
    at: int
    received_at: int | None
    priority: str | None


class Call:
    """Everything said of one call's units: a history per (unit, status), and of the call itself."""

    __slots__ = ("fields",)

    def __init__(self) -> None:
        """Nothing said yet."""
        self.fields: dict[tuple[str, str], History] = {}

    def hear(self, known: int, updated_at: int, fact: Fact) -> bool:
        """Merge one fact; False when it changes nothing at any tick."""
        said: list[tuple[tuple[str, str], Any]] = [
            ((fact.unit_id, fact.status), fact.at),
            ((fact.unit_id, "agency"), fact.agency),
            (_RECEIVED, fact.received_at),
            (_PRIORITY, fact.priority),
        ]
        changed = False
        for name, value in said:
            if value is not None:
                changed |= insert(self.fields.setdefault(name, []), entry(known, updated_at, value))
        return changed

    def forget(self, oldest_open: int) -> None:
        """Drop what can no longer make a difference at ticks that may still change."""
        for history in self.fields.values():
            if len(history) > 1:
                forget(history, oldest_open)

    def contributions(self, since: int, buckets: "Buckets") -> dict[Key, int]:
        """What its intervals add to each (cell, pane, tick), for ticks from `since` on."""
        ticks = sorted({said[0] for history in self.fields.values() for said in history if said[0] >= since})
        found: dict[Key, int] = {}
        before = Counter(dict(self._intervals(since - 1, buckets)))
        for tick in ticks:
            now = Counter(dict(self._intervals(tick, buckets)))
            for place in before.keys() | now.keys():
                if now[place] != before[place]:
                    found[*place, tick] = now[place] - before[place]
            before = now
        return found

    def _intervals(self, tick: int, buckets: "Buckets") -> Mapping[tuple[Cell, int], int]:
        """(cell, pane) → how much, of all intervals known at a tick."""
        values = {
            name: at for name, history in self.fields.items() if (at := value_at(history, tick)) is not None
        }
        counted: Counter[tuple[Cell, int]] = Counter()
        priority = values.get(_PRIORITY, NO_PRIORITY)
        for kpi, unit, start, end in intervals(values):
            agency = values[unit, "agency"]
            for bucket, n in buckets.of(start, end):
                counted[(agency, priority, kpi, bucket), end // buckets.pane_ms] += n
        return counted


def intervals(values: Mapping[tuple[str, str], Any]) -> Iterator[tuple[str, str, int | None, int]]:
    """(kpi, unit, start or None where it is missing, end) of what is known of a call; ms."""
    received = values.get(_RECEIVED)
    first_dispatch = _first(values, UnitStatus.DISPATCHED)
    if first_dispatch is not None:
        yield Kpi.PROCESSING.value, first_dispatch[1], received, first_dispatch[0]
    arrival = _first(values, UnitStatus.ON_SCENE)
    if arrival is not None:
        yield Kpi.TRAVEL.value, arrival[1], values.get((arrival[1], UnitStatus.EN_ROUTE)), arrival[0]
        yield Kpi.RESPONSE.value, arrival[1], received, arrival[0]
    for (unit, status), at in values.items():
        if status == UnitStatus.EN_ROUTE:
            yield Kpi.TURNOUT.value, unit, values.get((unit, UnitStatus.DISPATCHED)), at
        elif status == UnitStatus.AVAILABLE:
            yield Kpi.COMMITTED.value, unit, values.get((unit, UnitStatus.DISPATCHED)), at


def _first(values: Mapping[tuple[str, str], Any], status: str) -> tuple[int, str] | None:
    """(when, unit) of the first unit with a status; of units of the same millisecond the least name."""
    return min(((at, unit) for (unit, said), at in values.items() if said == status), default=None)


class Buckets:
    """Into which bucket an interval falls."""

    def __init__(self, bounds_s: Sequence[float], pane_ms: int) -> None:
        """`bounds_s`: upper bounds in seconds, inclusive, ascending."""
        self.pane_ms = pane_ms
        self.bounds_ms = [round(bound * 1000) for bound in bounds_s]
        self.words = [f"{bound:g}" for bound in bounds_s]

    def of(self, start: int | None, end: int) -> list[tuple[str, int]]:
        """(bucket, how much) of an interval: one more in its bucket and its length in the sum, or why it is left out."""
        if start is None:
            return [(MISSING, 1)]
        length = end - start
        if length < 0:
            return [(NEGATIVE, 1)]
        if length > ABSURD_MS:
            return [(ABSURD, 1)]
        at = bisect_left(self.bounds_ms, length)
        return [(self.words[at] if at < len(self.words) else BEYOND, 1), (SUM, length)]
