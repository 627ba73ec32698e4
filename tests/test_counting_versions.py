"""A new counting version takes the place of the old one in one step, whatever crashes, pauses and runs beside it.

Two versions live at once, one replaces the other, and a third goes back to what the first counted. Until the swap of
a partition its counts are those of the old version; from F on, the oldest tick that may still change at that moment,
they are those of the new one; no incident counts twice or not at all.
"""

import os
import random
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise
from typing import Any, Final

import pytest

from schemas.codec import encode_event, from_json
from schemas.emissions import Outgoing
from schemas.events import Entry, Heartbeat, Incident
from streams.core.incident_fold import IncidentFold
from streams.core.merging import SourcePartition, Swap
from streams.core.rules import RuleDetector
from streams.core.scores import Arrival, Score
from streams.core.source_fold import IntakeRules, Locality, Source
from streams.core.watch_fold import WatchFold
from streams.core.watch_start import Start, start_before, versions_said
from tests.cluster import Cluster, plain_watch_rules, timeline_of
from tests.oracle_bridge import Cell, Rules, announced, expected_late, load_oracle, messages_of, said_by
from tests.worlds import CITY, SHORT, START_MS, Shape, World, random_world

WORLDS = int(os.environ.get("VIGIL_WORLDS", "12"))
"""Random worlds per rule set; more of them by VIGIL_WORLDS (`make soak`)."""

OLD: Final = {"burglary": "burglary", "larceny": "larceny"}
NEW: Final = {"burglary": "larceny", "larceny": "robbery"}
TYPES: Final = {1: OLD, 2: NEW, 3: OLD}
"""Counting version → type map; a code that is not listed is `other`."""

ROLLOUT: Final = ((1,), (1, 2), (2,), (2, 1), (2,), (2, 3), (3,))
"""A rolling change, half of it taken back for a while, and later the way back under a version of its own."""


def coded(world: World) -> World:
    """The world whose incidents say local codes."""
    logs = tuple(
        tuple(
            entry._replace(event=replace(entry.event, type_code=entry.event.crime_type, crime_type=None))
            if isinstance(entry.event, Incident)
            else entry
            for entry in log
        )
        for log in world.logs
    )
    return replace(world, logs=logs)


def type_under(version: int, event: Incident) -> str | None:
    """The crime type that an incident message says under a counting version."""
    return TYPES[version].get(event.type_code, "other") if event.type_code else None


def cluster_of(seed: int, rules: Rules, crash_share: float) -> Cluster:
    """A cluster through which the versions are rolled."""
    world = coded(random_world(seed, rules, Shape(messages=500, incidents=(4, 20, 60)[seed % 3])))
    timeline = timeline_of(rules)

    def intake(version: int) -> IntakeRules:
        return IntakeRules(timeline, version, f"content {version}", elsewhere=Locality(TYPES[version]))

    watch = plain_watch_rules(timeline)
    return Cluster(world, random.Random(seed), intake, watch, crash_share, largest_batch=20, rollout=ROLLOUT)


SwapTick = tuple[int, int]
"""(F as a tick in ms, or 0 where nothing was published yet; counting version from there on)."""


def swaps_of(cluster: Cluster) -> Mapping[tuple[int, str], Sequence[SwapTick]]:
    """(partition, jurisdiction) → its swaps, as an owner sees them that reads `cells` once and without a fault."""
    fold, pane_ms = WatchFold(0, cluster.watch_rules), cluster.world.rules.pane_ms
    swaps: dict[tuple[int, str], list[SwapTick]] = defaultdict(list)
    in_force: dict[int, int] = {}
    for entry in cluster.cells:
        oldest = {name: city.oldest_open("incidents") or 0 for name, city in fold.cities.items()}
        fold.step([entry])
        number = from_json(entry.value or b"")["partition"]
        active = fold.sources["incidents", number].active
        assert active is not None
        if in_force.setdefault(number, active.number) != active.number:
            in_force[number] = active.number
            for name in ("city0", "city1"):
                swaps[number, name].append((oldest.get(name, 0) * pane_ms, active.number))
        elif not swaps[number, "city0"]:
            for name in ("city0", "city1"):
                swaps[number, name] = [(0, active.number)]
    return swaps


def true_counts(cluster: Cluster) -> dict[Cell, dict[int, dict[str, int]]]:
    """What has to be said in the end: per partition what its version in force says, together."""
    world, oracle = cluster.world, load_oracle()
    assert isinstance(world, World)
    rules, late = world.rules, announced(cluster.records("late-events"))
    swaps = swaps_of(cluster)
    parts: list[tuple[dict[Cell, dict[int, dict[str, int]]], int, int | None]] = []
    for number in range(len(world.logs)):
        mine = [message for message in world.accepted() if message.partition == number]
        for name in ("city0", "city1"):
            heard = [message for message in mine if message.event.jurisdiction == name]  # type: ignore[attr-defined]
            bounds = [*swaps[number, name], (None, 0)]
            for (since, version), (until, _) in pairwise(bounds):
                counting = replace(world.counting, type_of=partial(type_under, version))
                messages = messages_of(heard, late, counting)
                parts.append((oracle.truth(messages, rules.windows, rules.pane_ms), since, until))  # type: ignore[arg-type]
    return together(parts, rules)


def together(
    parts: Sequence[tuple[Any, int, int | None]], rules: Rules
) -> dict[Cell, dict[int, dict[str, int]]]:
    """The sum of counts, each of which holds in `[since, until)` (ticks in ms)."""
    change: dict[Cell, dict[int, dict[str, int]]] = defaultdict(
        lambda: defaultdict(lambda: dict.fromkeys(rules.windows, 0))
    )
    for counts, since, until in parts:
        for cell, ticks in counts.items():
            bounds = [*sorted(ticks), None]
            for first, after in pairwise(bounds):
                start = max(first, since)
                end = min((end for end in (after, until) if end is not None), default=None)
                for at, sign in ((start, 1), (end, -1)):
                    if at is not None and (end is None or start < end):
                        for window, n in ticks[first].items():
                            change[cell][at][window] += sign * n
    found: dict[Cell, dict[int, dict[str, int]]] = {}
    for cell, changes in change.items():
        now, found[cell] = dict.fromkeys(rules.windows, 0), {}
        for tick in sorted(changes):
            now = found[cell][tick] = {window: now[window] + by for window, by in changes[tick].items()}
    return found


@pytest.mark.parametrize(
    "rules", [pytest.param(SHORT, id="short"), pytest.param(CITY, id="city", marks=pytest.mark.slow)]
)
def test_counts_are_those_of_the_version_in_force_while_versions_roll_on_and_back(rules: Rules) -> None:
    crashes = zombie_steps = swaps = late_swaps = 0
    for seed in range(WORLDS):
        cluster = cluster_of(seed, rules, crash_share=0.1 if seed % 4 else 0.0)
        cluster.run()
        world = cluster.world
        assert isinstance(world, World)
        late = announced(cluster.records("late-events"))
        assert late == expected_late(world.accepted(), world.counting)
        said, true = said_by(cluster.records("window-counts")), true_counts(cluster)
        assert load_oracle().differences(said, true, rules.windows) == [], seed
        found = [swap for each in swaps_of(cluster).values() for swap in each[1:]]
        assert {each[-1][1] for each in swaps_of(cluster).values()} == {3}
        crashes += cluster.crashes
        zombie_steps += cluster.zombie_steps
        swaps += len(found)
        late_swaps += sum(since > 0 for since, _ in found)
    assert crashes > 4 * WORLDS
    assert zombie_steps > 3 * WORLDS
    assert late_swaps > 3 * WORLDS


@pytest.mark.parametrize("seed", range(20))
def test_a_taken_over_watch_goes_through_the_same_swaps_at_the_same_messages(seed: int) -> None:
    """From any commit on, a fold from the commit's start sends what the uninterrupted fold sends, byte by byte."""
    cluster = cluster_of(seed, SHORT, crash_share=0.12)
    cluster.run()
    rng = random.Random(seed)
    for _ in range(4):
        whole = WatchFold(0, cluster.watch_rules)
        cut = rng.randrange(len(cluster.cells))
        for entry in cluster.cells[:cut]:
            whole.step([entry])
        cluster.commits["cells-0"] = (whole.position, whole.metadata())
        again = cluster.take_over("cells-0").fold
        for entry in cluster.cells[cut:]:
            assert counts_in(again.step([entry]).emissions) == counts_in(whole.step([entry]).emissions)


def counts_in(emissions: Sequence[Outgoing]) -> list[Outgoing]:
    """Those that are no snapshot: one that is taken over from comes with the next day."""
    return [each for each in emissions if each.topic != "watch-state"]


def test_a_take_over_begins_where_the_old_version_is_heard_before_a_swap() -> None:
    source = SourcePartition()
    for offset, (version, label) in enumerate([(1, 5), (2, 2), (1, 6), (2, 4), (2, 6), (1, 9)]):
        said = {"version": version, "fingerprint": "", "offset": label, "of": 1, "cities": []}
        source.take(said, offset)
    sources = {("incidents", 0): source}
    assert source.swaps == [Swap(offset=4, before=1, last_heard=2)]
    assert start_before(5, sources) == Start(5, {("incidents", 0): 2})
    assert start_before(4, sources) == Start(2, {("incidents", 0): 1})
    assert start_before(1, sources) == Start(1, {("incidents", 0): 1})
    source.forget_swaps(4)
    assert source.swaps
    source.forget_swaps(5)
    assert not source.swaps


def test_the_versions_in_force_are_carried_by_spans_of_partitions() -> None:
    versions = {("incidents", n): 2 for n in range(60)} | {("incidents", 61): 3, ("dispatches", 0): 1}
    said = Start(7, versions).said()
    assert said == {"start": 7, "versions": {"dispatches": [[1, 1]], "incidents": [[2, 60], [0, 1], [3, 1]]}}
    assert versions_said(said) == versions
    assert versions_said({"start": 7}) == {}


class Listening(RuleDetector):
    """Says nothing, and remembers what it was told."""

    def __init__(self) -> None:
        super().__init__(())
        self.told: list[Arrival] = []

    def advance(self, now_pane: int, arrivals: Iterable[Arrival]) -> Sequence[Score]:
        self.told += arrivals
        return []


def test_detectors_are_not_told_again_of_what_the_windows_have_left_when_a_version_is_swapped() -> None:
    """The new version counts the whole log again, and Watch holds only the panes of its windows."""
    timeline, hour = timeline_of(CITY), 3_600_000
    events = [
        Incident(
            f"i{n}",
            "city",
            START_MS + n * hour,
            crime_type="burglary",
            zone="A1",
            reported_at=START_MS + n * hour,
        )
        for n in range(100)
    ]
    log = [Entry(n, e.updated_at, e.incident_id.encode(), encode_event(e)) for n, e in enumerate(events)]
    beat = Heartbeat("city", START_MS + 200 * hour)
    detector = Listening()
    watch = WatchFold(0, replace(plain_watch_rules(timeline), detectors=lambda _: [detector]))
    offset = 0
    for version in (1, 2):
        intake = IncidentFold(Source("incidents", 0, 1), IntakeRules(timeline, version))
        # The old version has not heard of the heartbeat when the new one comes: it is told after the swap.
        for entry in [*log, Entry(100, beat.heartbeat_at, None, encode_event(beat))][: 99 + version]:
            for outgoing in intake.step([entry]).emissions:
                watch.step([Entry(offset, 0, outgoing.key, outgoing.value)])
                offset += 1
    assert watch.sources["incidents", 0].version == 2
    assert sum(arrival.n for arrival in detector.told) == len(detector.told) == 100
