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
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from schemas.vocabulary import Kpi, UnitStatus
from streams.core.cells import Cell, Key
from streams.core.history import History, forget, insert, value_at

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

# Plain texts: looking a member up in an enum costs more than comparing it.
_DISPATCHED: Final = UnitStatus.DISPATCHED.value
_EN_ROUTE: Final = UnitStatus.EN_ROUTE.value
_ON_SCENE: Final = UnitStatus.ON_SCENE.value
_AVAILABLE: Final = UnitStatus.AVAILABLE.value
_PROCESSING: Final = Kpi.PROCESSING.value
_TURNOUT: Final = Kpi.TURNOUT.value
_TRAVEL: Final = Kpi.TRAVEL.value
_RESPONSE: Final = Kpi.RESPONSE.value
_COMMITTED: Final = Kpi.COMMITTED.value


class Fact(NamedTuple):
    """What one dispatch message says. Instants in ms; None: not said."""

    unit_id: str
    agency: str
    status: str
    at: int
    received_at: int | None
    priority: str | None


Interval = tuple[str, str, int | None, int]
"""(agency, priority, start or None where it is missing, end); ms."""

Values = Mapping[tuple[str, str], Any]
"""What is known of a call at a tick: (unit, status) → at, (unit, "agency") → agency, and the call's own fields."""


class Call:
    """Everything said of one call's units: a history per (unit, status), and of the call itself."""

    __slots__ = ("fields",)

    def __init__(self) -> None:
        """Nothing said yet."""
        self.fields: dict[tuple[str, str], History] = {}

    def hear(self, since: int, updated_at: int, fact: Fact, news: "News") -> Iterable[tuple[Key, int]]:
        """Merge one fact, known from tick `since` on: which keys change, by how much (of any size; 0 among them)."""
        said = [
            ((fact.unit_id, fact.status), fact.at),
            ((fact.unit_id, "agency"), fact.agency),
            (_RECEIVED, fact.received_at),
            (_PRIORITY, fact.priority),
        ]
        before: dict[tuple[str, str], History] = {}
        for name, value in said:
            if value is None:
                continue
            history = self.fields.get(name, ())
            if len(history) > 1:
                history = forget(history, news.oldest_open)
            longer = insert(history, (since, updated_at, value))
            if longer is not history:
                before[name], self.fields[name] = history, longer
        return self._changes(since, before, news.buckets) if before else ()

    def _changes(
        self, since: int, before: Mapping[tuple[str, str], History], buckets: "Buckets"
    ) -> Iterable[tuple[Key, int]]:
        """What its intervals add to each (cell, pane, tick) more than when these fields were as before."""
        ticks = {since}
        for history in (*self.fields.values(), *before.values()):
            # The last entry is the latest: in most calls everything was known before, and one tick is looked at.
            if history and history[-1][0] > since:
                ticks.update(known for known, *_ in history if known > since)
        found: dict[Key, int] = {}
        more: dict[tuple[Cell, int], int] = {}  # at the tick before
        for tick in sorted(ticks):
            now = self._more(tick, before, buckets)
            for place in {**now, **more} if more else now:
                by = now.get(place, 0) - more.get(place, 0)
                if by:
                    found[*place, tick] = by
            more = now
        return found.items()

    def _more(
        self, tick: int, before: Mapping[tuple[str, str], History], buckets: "Buckets"
    ) -> dict[tuple[Cell, int], int]:
        """(cell, pane) → how much more the intervals known at a tick count than when these fields were as before."""
        now = {
            name: value
            for name, history in self.fields.items()
            if (value := value_at(history, tick)) is not None
        }
        was = dict(now)
        for name, history in before.items():
            value = value_at(history, tick)
            if value is None:
                was.pop(name, None)
            else:
                was[name] = value
        if was == now:
            return {}
        more: dict[tuple[Cell, int], int] = {}
        old, new = intervals(was), intervals(now)
        for some, others, sign in ((old, new, -1), (new, old, 1)):
            for of, interval in some.items():
                if others.get(of) == interval:
                    continue
                agency, priority, start, end = interval
                for bucket, n in buckets.of(start, end):
                    place = (agency, priority, of[0], bucket), end // buckets.pane_ms
                    more[place] = more.get(place, 0) + sign * n
        return more


def intervals(values: Values) -> dict[tuple[str, str], Interval]:
    """(kpi, unit) → interval, of all that follow from what is known of a call."""
    priority = values.get(_PRIORITY, NO_PRIORITY)
    found: dict[tuple[str, str], Interval] = {}
    dispatched: tuple[int, str] | None = None
    arrived: tuple[int, str] | None = None
    for (unit, status), at in values.items():
        # Of units of the same millisecond the first is that of the least name.
        if status == _DISPATCHED:
            dispatched = (at, unit) if dispatched is None else min(dispatched, (at, unit))
        elif status == _ON_SCENE:
            arrived = (at, unit) if arrived is None else min(arrived, (at, unit))
        elif status == _EN_ROUTE:
            found[_TURNOUT, unit] = (values[unit, "agency"], priority, values.get((unit, _DISPATCHED)), at)
        elif status == _AVAILABLE:
            found[_COMMITTED, unit] = (values[unit, "agency"], priority, values.get((unit, _DISPATCHED)), at)
    received = values.get(_RECEIVED)
    if dispatched is not None:
        at, unit = dispatched
        found[_PROCESSING, unit] = (values[unit, "agency"], priority, received, at)
    if arrived is not None:
        at, unit = arrived
        agency = values[unit, "agency"]
        found[_TRAVEL, unit] = (agency, priority, values.get((unit, _EN_ROUTE)), at)
        found[_RESPONSE, unit] = (agency, priority, received, at)
    return found


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


class News(NamedTuple):
    """What merging a fact needs to know: the oldest tick that may still change, and the buckets of the intervals."""

    oldest_open: int
    buckets: Buckets
