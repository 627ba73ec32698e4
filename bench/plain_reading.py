"""What a log says, read plainly: no batches, no partials, no state to take over. Every benchmarked result is held to it."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from bench.logs import MINUTE_MS, Fact, Said

Pane = tuple[str, str, int]
"""(zone, crime type, minute in which it counts)."""


LEFT_OUT = ("sum", "missing", "negative", "absurd")
"""Words that stand beside the buckets: these count no measured interval."""

Standing = tuple[str, str, int]
"""(zone, crime type, tick as minute)."""

WINDOWS = {"15m": 15, "1h": 60, "6h": 360, "24h": 1440, "7d": 10_080}
"""Name → panes: the default configuration."""


class WrongResult(Exception):
    """A benchmarked run gave another result than the plain reading: its speed means nothing."""


def latest(incidents: Iterable[Said]) -> dict[int, Said]:
    """Incident → the last that was said of it (each message here says all fields)."""
    found: dict[int, Said] = {}
    for said in incidents:
        before = found.get(said.incident)
        if before is None or said.updated_at > before.updated_at:
            found[said.incident] = said
    return found


def counts(incidents: Iterable[Said]) -> Counter[Pane]:
    """How many incidents count in each pane in the end."""
    return Counter(
        (said.zone, said.crime_type, said.reported_at // MINUTE_MS)
        for said in latest(incidents).values()
        if said.status != "cancelled"
    )


def measured_intervals(facts: Iterable[Fact]) -> Counter[tuple[str, str]]:
    """(priority, kpi) → how many intervals: each call here has one unit that says everything."""
    ended = {"dispatched": ("processing",), "en_route": ("turnout",), "on_scene": ("travel", "response")}
    ended["available"] = ("committed",)
    return Counter((fact.priority, kpi) for fact in facts for kpi in ended[fact.status])


def window_counts(incidents: Iterable[Said], until: int) -> dict[Standing, tuple[int, ...]]:
    """(zone, type, tick) → the counts of the windows, at each tick up to `until` at which one changed.

    Of incidents with one message each, none of them late.
    """
    changes: defaultdict[tuple[str, str], defaultdict[int, list[int]]]
    changes = defaultdict(lambda: defaultdict(lambda: [0] * len(WINDOWS)))
    for said in incidents:
        pane = said.reported_at // MINUTE_MS
        ticks = changes[said.zone, said.crime_type]
        enters = max(pane, said.updated_at // MINUTE_MS) + 1
        for number, width in enumerate(WINDOWS.values()):
            ticks[enters][number] += 1
            ticks[pane + width + 1][number] -= 1
    found: dict[Standing, tuple[int, ...]] = {}
    for (zone, crime_type), ticks in changes.items():
        now = (0,) * len(WINDOWS)
        for tick in sorted(ticks):
            if tick <= until and any(ticks[tick]):
                now = tuple(map(sum, zip(now, ticks[tick], strict=True)))
                found[zone, crime_type, tick] = now
    return found


def standing(records: Iterable[Mapping[str, Any]]) -> dict[Standing, tuple[int, ...]]:
    """What records of `window-counts` say in the end: the greatest revision holds."""
    found: dict[Standing, tuple[int, tuple[int, ...]]] = {}
    for record in records:
        key = (record["zone"], record["crime_type"], ms(record["at"]) // MINUTE_MS)
        said = (record["revision"], tuple(record["counts"][name] for name in WINDOWS))
        found[key] = max(said, found.get(key, said))
    return {key: numbers for key, (_, numbers) in found.items()}


@lru_cache(65_536)
def ms(text: str) -> int:
    """Epoch milliseconds of RFC 3339 text."""
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def partials(messages: Iterable[Mapping[str, Any]]) -> dict[tuple[str, int, tuple[Any, ...], int, int], int]:
    """What messages of `cells` say in the end: (topic, partition, cell, pane, known) → net."""
    nets: dict[tuple[str, int, tuple[Any, ...], int, int], int] = {}
    for message in messages:
        where = (message["topic"], message["partition"])
        for city in message["cities"]:
            if "net" not in city:
                continue
            cells = [tuple(cell) for cell in city["cells"]]
            rows = zip(city["cell"], city["pane"], city["known"], city["net"], strict=True)
            for cell, pane, known, net in rows:
                nets[*where, cells[cell], pane, known] = net
    return nets


def counts_of(nets: Mapping[tuple[str, int, tuple[Any, ...], int, int], int]) -> Counter[Pane]:
    """The counts that partials of incidents add up to."""
    found: Counter[Pane] = Counter()
    for (topic, _, cell, pane, _), net in nets.items():
        if topic.endswith("incidents"):
            found[*cell, pane] += net  # type: ignore[index]
    return +found


def intervals_of(
    nets: Mapping[tuple[str, int, tuple[Any, ...], int, int], int],
) -> Counter[tuple[str, str]]:
    """(priority, kpi) → intervals that partials of dispatches add up to, over all buckets of the agency."""
    found: Counter[tuple[str, str]] = Counter()
    for (topic, _, cell, _, _), net in nets.items():
        if topic.endswith("dispatches"):
            _, priority, kpi, bucket = cell
            found[priority, kpi] += 0 if bucket in LEFT_OUT else net
    return +found


def must_equal(what: str, got: Mapping[Any, int], expected: Mapping[Any, int]) -> None:
    """Refuse a result that differs.

    Raises:
        WrongResult: it does; the message names some of the differences.
    """
    if got == expected:
        return
    differing = [key for key in expected.keys() | got.keys() if got.get(key) != expected.get(key)]
    some = ", ".join(f"{key}: {got.get(key)} for {expected.get(key)}" for key in sorted(differing)[:3])
    message = f"{what}: {len(differing)} of {len(expected)} differ: {some}"
    raise WrongResult(message)
