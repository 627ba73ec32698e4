"""What every response KPI has to be, read off the dispatch log alone: the definition once more, as a plain program.

    messages of one partition ──▶ calls (a record that ended starts anew) ──▶ what is known at tick T
    ──▶ its intervals (README, "Response intervals") ──▶ those that ended in [T - W, T), in groups

Nothing of the code under test is used but its events; the rules of time come from `tests.oracle_bridge`.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from schemas.events import Dispatch, Heartbeat
from tests.dispatch_worlds import DispatchWorld
from tests.oracle_bridge import DAY_MS, Coordinates, Rules, ms

Measure = tuple[str, str, str, str, str]
"""(jurisdiction, agency, priority or "*", kpi, window name)."""


class Known(NamedTuple):
    """A message, and the tick (ms) from which it has effect."""

    since: int
    said: Dispatch


class Interval(NamedTuple):
    """One interval of a call; `start` None where that is not known."""

    agency: str
    priority: str
    kpi: str
    start: int | None
    end: int


class Numbers(NamedTuple):
    """What a record on `kpis` says of one measure at one tick."""

    count: int = 0
    within: int = 0
    total_ms: int = 0
    left_out: int = 0

    def plus(self, other: "Numbers", sign: int = 1) -> "Numbers":
        """Both together."""
        return Numbers(*(a + sign * b for a, b in zip(self, other, strict=True)))


class Judge(NamedTuple):
    """How intervals are judged: windows by name (ms), and (kpi, agency, priority) → threshold in ms."""

    rules: Rules
    thresholds: Mapping[tuple[str, str, str], int]

    def numbers(self, interval: Interval, priority: str) -> Numbers:
        """What one interval adds to the measures of its agency, this priority (or `*`) and kpi."""
        if interval.start is None or not 0 <= interval.end - interval.start <= DAY_MS:
            return Numbers(left_out=1)
        length = interval.end - interval.start
        limit = self.thresholds.get((interval.kpi, interval.agency, priority))
        return Numbers(1, int(limit is not None and length <= limit), length)


def calls_of(world: DispatchWorld) -> tuple[dict[Any, list[Known]], dict[Coordinates, int]]:
    """((partition, jurisdiction, call, how many of its records ended before) → its messages, late announcements)."""
    calls: dict[Any, list[Known]] = defaultdict(list)
    late: dict[Coordinates, int] = {}
    for partition, log in enumerate(world.logs):
        greatest: dict[str, int] = {}
        lasts_until: dict[tuple[str, str], int] = {}
        ended: dict[tuple[str, str], int] = defaultdict(int)
        for entry in log:
            event, rules = entry.event, world.rules
            name = event.jurisdiction
            oldest = rules.oldest_open(greatest[name]) if name in greatest else None
            if isinstance(event, Heartbeat):
                greatest[name] = max(event.heartbeat_at, greatest.get(name, event.heartbeat_at))
                continue
            since = rules.tick_after(event.updated_at)
            if oldest is not None and since < oldest:
                since = late[world.topic, partition, entry.offset] = oldest
            key = (name, event.incident_id)
            if key in lasts_until and oldest is not None and lasts_until[key] < oldest:
                ended[key] += 1
                del lasts_until[key]
            until = max(since, event.at // rules.pane_ms * rules.pane_ms) + rules.longest_ms
            lasts_until[key] = max(until, lasts_until.get(key, until))
            calls[(partition, *key, ended[key])].append(Known(since, event))
            greatest[name] = max(event.updated_at, greatest.get(name, event.updated_at))
    return calls, late


def latest(said: Iterable[tuple[int, Any]]) -> Any:
    """The value said last; in the same millisecond the greater canonical JSON. None when nothing was said."""
    ranked = [
        (at, json.dumps(value, ensure_ascii=False).encode(), value) for at, value in said if value is not None
    ]
    return max(ranked)[2] if ranked else None


def intervals(call: Sequence[Known], tick: int) -> Iterator[Interval]:
    """The intervals of one call as known at a tick."""
    known = [said for since, said in call if since <= tick]
    if not known:
        return
    received = latest((said.updated_at, said.received_at) for said in known)
    priority = latest((said.updated_at, said.priority) for said in known) or "unknown"
    units: dict[str, dict[str, Any]] = {}
    for unit in {said.unit_id for said in known}:
        of_unit = [said for said in known if said.unit_id == unit]
        words = {str(said.status) for said in of_unit}
        units[unit] = {
            word: latest((said.updated_at, said.at) for said in of_unit if str(said.status) == word)
            for word in words
        }
        units[unit]["agency"] = latest((said.updated_at, str(said.agency)) for said in of_unit)
    for times in units.values():
        for kpi, word in (("turnout", "en_route"), ("committed", "available")):
            if word in times:
                yield Interval(times["agency"], priority, kpi, times.get("dispatched"), times[word])
    for word, found in (("dispatched", ("processing",)), ("on_scene", ("travel", "response"))):
        first = min(((times[word], unit) for unit, times in units.items() if word in times), default=None)
        for kpi in found if first else ():
            at, unit = first  # type: ignore[misc]
            start = units[unit].get("en_route") if kpi == "travel" else received
            yield Interval(units[unit]["agency"], priority, kpi, start, at)


def truth(calls: Mapping[Any, Sequence[Known]], judge: Judge) -> dict[Measure, dict[int, Numbers]]:
    """Measure → tick → numbers, for every tick at which something may change."""
    rules = judge.rules
    change: dict[Measure, dict[int, Numbers]] = defaultdict(lambda: defaultdict(Numbers))
    for (_, jurisdiction, *_), call in calls.items():
        ticks = sorted({known.since for known in call})
        for since, until in zip(ticks, [*ticks[1:], None], strict=True):
            for interval in intervals(call, since):
                enters = rules.tick_after(interval.end)
                for priority in {interval.priority, "*"}:
                    numbers = judge.numbers(interval, priority)
                    for over, width in rules.windows.items():
                        # in [T - W, T) for T from the tick after its end to the last whose window reaches back to it
                        first, after = max(since, enters), enters + width
                        after = after if until is None else min(after, until)
                        if first < after:
                            of = change[jurisdiction, interval.agency, priority, interval.kpi, over]
                            of[first] = of[first].plus(numbers)
                            of[after] = of[after].plus(numbers, -1)
    found: dict[Measure, dict[int, Numbers]] = {}
    for measure, changes in change.items():
        standing = Numbers()
        found[measure] = {}
        for tick in sorted(changes):
            standing = found[measure][tick] = standing.plus(changes[tick])
    return found


def measured(calls: Mapping[Any, Sequence[Known]], judge: Judge, measure: Measure, tick: int) -> Numbers:
    """The definition: one measure at one tick."""
    jurisdiction, agency, priority, kpi, over = measure
    total = Numbers()
    for (_, name, *_), call in calls.items():
        for interval in intervals(call, tick) if name == jurisdiction else ():
            mine = (interval.agency, interval.kpi) == (agency, kpi) and priority in (interval.priority, "*")
            if mine and tick - judge.rules.windows[over] <= interval.end < tick:
                total = total.plus(judge.numbers(interval, priority))
    return total


def said_by(records: Iterable[Mapping[str, Any]]) -> dict[Measure, dict[int, Numbers]]:
    """What the records on `kpis` say in the end: of each (measure, tick) the highest revision."""
    best: dict[tuple[Measure, int], tuple[int, Numbers]] = {}
    for said in records:
        measure = (said["jurisdiction"], *(said[name] for name in ("agency", "priority", "kpi", "over")))
        count, mean_s = said["count"], said.get("mean_s")
        numbers = Numbers(
            count, said.get("within") or 0, round((mean_s or 0) * 1000 * count), said["left_out"]
        )
        assert said.get("value") == (
            None if said.get("threshold_s") is None or not count else numbers.within / count
        )
        key, revision = (measure, ms(said["at"])), said["revision"]
        old = best.get(key)
        assert old is None or old[0] != revision or old[1] == numbers, f"{key}: one revision, two contents"
        if old is None or revision > old[0]:
            best[key] = (revision, numbers)
    found: dict[Measure, dict[int, Numbers]] = defaultdict(dict)
    for (measure, tick), (_, numbers) in best.items():
        found[measure][tick] = numbers
    return found


def differences(
    said: Mapping[Measure, Mapping[int, Numbers]], true: Mapping[Measure, Mapping[int, Numbers]]
) -> list[tuple[Measure, int, Numbers, Numbers]]:
    """Every (measure, tick, said, true) that differs, both carried forward over ticks they do not mention."""
    found = []
    for measure in sorted({*said, *true}):
        a, b = said.get(measure, {}), true.get(measure, {})
        now_said = now_true = Numbers()
        for tick in sorted({*a, *b}):
            now_said, now_true = a.get(tick, now_said), b.get(tick, now_true)
            if now_said != now_true:
                found.append((measure, tick, now_said, now_true))
    return found
