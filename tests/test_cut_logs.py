"""After a log was cut short nothing is told until the longest window is whole again; from there on all is exact.

What is gone may have counted up to a day ahead of what is still there, so an owner that begins at a cut keeps its
outputs back for a day and the longest window of event time. Then it says how every cell stands.
"""

import random
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any, Final

import pytest

from schemas.codec import encode_event, from_json
from schemas.events import Entry, Heartbeat, Incident
from streams.core.incident_fold import IncidentFold
from streams.core.source_fold import IntakeRules, Source, read_metadata
from streams.core.watch_fold import WatchFold
from tests.cluster import Cluster, plain_watch_rules, timeline_of
from tests.oracle_bridge import DAY_MS, announced, differences, load_oracle, messages_of, ms, said_by
from tests.worlds import CITY, START_MS, Shape, World, known_at, random_world

SEEDS: Final = range(8)
HOUR_MS: Final = 3_600_000


def days(seed: int) -> World:
    """Two weeks of incidents that are heard of for half an hour at most, so that a cut parts few of them."""
    world = random_world(seed, CITY, Shape(messages=500, incidents=40, silences=False))
    logs = []
    for log in world.logs:
        begun: dict[
            tuple[str, str], tuple[int, int]
        ] = {}  # when the incident of this name began, how many before
        entries = []
        for number, entry in enumerate(log):
            event = entry.event
            shift = number * HOUR_MS * 24 * 14 // len(log)
            if isinstance(event, Incident):
                event = later(event, shift)
                name = (event.jurisdiction, event.incident_id)
                first, which = begun.get(name, (event.updated_at, 0))
                if abs(event.updated_at - first) > HOUR_MS // 2:
                    first, which = event.updated_at, which + 1
                begun[name] = (first, which)
                event = replace(event, incident_id=f"{event.incident_id}.{which}")
                entries.append(
                    entry._replace(
                        event=event, key=event.incident_id.encode(), timestamp=entry.timestamp + shift
                    )
                )
            else:
                beat = replace(event, heartbeat_at=event.heartbeat_at + shift)
                entries.append(entry._replace(event=beat, timestamp=entry.timestamp + shift))
        logs.append(tuple(entries))
    return replace(world, logs=tuple(logs))


def later(event: Incident, by_ms: int) -> Incident:
    """The same incident another time."""
    times = {name: getattr(event, name) for name in ("updated_at", "reported_at", "occurred_at")}
    return replace(event, **{name: at + by_ms for name, at in times.items() if at is not None})


def cluster_of(seed: int) -> Cluster:
    """A cluster that counts two weeks."""
    timeline = timeline_of(CITY)
    rules = IntakeRules(timeline)
    return Cluster(days(seed), random.Random(seed), lambda _: rules, plain_watch_rules(timeline), 0.05)


def told_again(cluster: Cluster) -> tuple[int, dict[str, int]]:
    """(the cells offset from which on something is kept back, jurisdiction → the tick, ms, from which it is told).

    Of the cities of which all partitions are heard after the cut; of the others nothing can be told.
    """
    first = cluster.log_start("cells-0")
    fold, since = WatchFold(0, cluster.watch_rules, cut=first or None), cluster.end("cells-0")
    for entry in cluster.cells:
        fold.step([entry])
        if fold.short():
            since = min(since, entry.offset)
    ticks = {
        name: city.gates["incidents"].tick
        for name, city in fold.cities.items()
        if city.reached("incidents", fold.sources) is not None
    }
    return since, {name: tick * CITY.pane_ms for name, tick in ticks.items() if tick is not None}


def wrong_from(cluster: Cluster, jurisdiction: str, tick: int) -> Iterator[Any]:
    """Every (cell, tick, said, true) of a jurisdiction that differs at `tick` or later."""
    world, oracle = cluster.world, load_oracle()
    assert isinstance(world, World)
    messages = messages_of(world.accepted(), announced(cluster.records("late-events")), world.counting)
    said = said_by(cluster.records("window-counts"))
    true = oracle.truth(messages, CITY.windows, CITY.pane_ms)
    for cell in sorted({*said, *true}):
        ticks = sorted(at for at in {*said.get(cell, {}), *true.get(cell, {})} if at > tick)
        for at in [tick, *ticks] if cell[0] == jurisdiction else ():
            # What is not told with the first tick stands at nothing.
            since = {told: numbers for told, numbers in said.get(cell, {}).items() if told >= tick}
            a, b = standing(since, at), standing(true.get(cell, {}), at)
            if a != b:
                yield cell, at, a, b


def standing(numbers: Mapping[int, Mapping[str, int]], at: int) -> Mapping[str, int]:
    """How a cell stands at a tick."""
    before = [tick for tick in numbers if tick <= at]
    return numbers[max(before)] if before else dict.fromkeys(CITY.windows, 0)


def cut_and_run(cluster: Cluster, name: str, *, forget_commit: bool, lost: int) -> int:
    """Let a log be cut when half is read, its owner begin anew, and all be read; the `cells` offset of the cut.

    Args:
        cluster: one that has not begun.
        name: of the log.
        forget_commit: whether the group's commit is gone too.
        lost: how many records are gone that no owner has read.
    """
    world = cluster.world
    half = sum(len(log) for log in world.logs) // 2
    while sum(cluster.commits.get(f"incidents-{n}", (0,))[0] for n in range(len(world.logs))) < half:
        cluster.go_on(5)
    while name not in cluster.commits:
        cluster.act(name)
    committed, metadata = cluster.commits[name]
    assert read_metadata(metadata)["start"] < committed
    cluster.cut(name, min(committed + lost, cluster.end(name) - 1))
    if forget_commit:
        del cluster.commits[name]
    cluster.owners.pop(name, None)
    cluster.zombies.clear()
    at = cluster.end("cells-0")
    cluster.go_on()
    return at


@pytest.mark.parametrize("forget_commit", [False, True], ids=["commit-kept", "commit-lost"])
@pytest.mark.parametrize("name", ["cells-0", "incidents-0", "incidents-1"])
def test_after_a_cut_nothing_is_told_until_the_longest_window_is_whole_and_then_all_is_exact(
    name: str, forget_commit: bool
) -> None:
    kept_back = told = 0
    for seed in SEEDS:
        cluster = cluster_of(seed)
        at = cut_and_run(cluster, name, forget_commit=forget_commit, lost=3 if name == "cells-0" else 0)
        since, told_from = told_again(cluster)
        for record in cluster.records("window-counts"):
            if record["revision"] >= max(at, since) and record["jurisdiction"] in told_from:
                assert ms(record["at"]) >= told_from[record["jurisdiction"]]
                told += 1
        for jurisdiction, tick in told_from.items():
            assert list(wrong_from(cluster, jurisdiction, tick)) == [], seed
            kept_back += 1
    assert kept_back > len(SEEDS)
    assert told > 100


def test_logs_whose_beginning_is_gone_are_counted_exactly_once_their_windows_are_whole() -> None:
    told = 0
    for seed in SEEDS:
        cluster = cluster_of(seed)
        for number, log in enumerate(cluster.world.logs):
            rising = [b.offset for a, b in pairwise(log) if known_at(b.event) > known_at(a.event)]
            cluster.cut(f"incidents-{number}", rising[len(rising) // 3])
        cluster.run()
        since, told_from = told_again(cluster)
        assert since == 0
        for jurisdiction, tick in told_from.items():
            counts = [r for r in cluster.records("window-counts") if r["jurisdiction"] == jurisdiction]
            assert all(ms(record["at"]) >= tick for record in counts)
            assert list(wrong_from(cluster, jurisdiction, tick)) == [], seed
            told += len(counts)
    assert told > 300


def incidents_of_days(days: int, silent: int = 1) -> list[Entry]:
    """An incident every six hours, told by `city`; `quiet` is heard of for the first of `silent` days only."""
    found: list[Entry] = []
    for n in range(4 * days):
        at = START_MS + n * 6 * HOUR_MS
        for name in ("city", "quiet") if n < 4 * silent else ("city",):
            event = Incident(f"{name}{n}", name, at, crime_type="burglary", zone="A1", reported_at=at)
            found.append(Entry(10 + len(found), at, event.incident_id.encode(), encode_event(event)))
    return found


def test_a_cut_is_forgotten_some_days_after_all_is_whole_even_when_a_city_has_fallen_silent() -> None:
    rules = IntakeRules(timeline_of(CITY))
    intake = IncidentFold(Source("incidents", 0, 1), rules, cut=10)
    watch = WatchFold(0, plain_watch_rules(rules.timeline), cut=3)
    cells, cuts = 3, []
    for day in range(9):
        for entry in incidents_of_days(9)[4 * day + min(day, 1) * 4 :][: 4 + 4 * (day == 0)]:
            for outgoing in intake.step([entry]).emissions:
                watch.step([Entry(cells, cells * HOUR_MS, outgoing.key, outgoing.value)])
                cells += 1
        said = [from_json(fold.metadata().encode()) for fold in (intake, watch)]
        cuts.append([each.get("cut") for each in said])
        assert [each["start"] for each in said if "cut" in each] == [
            each["cut"] for each in said if "cut" in each
        ]
    assert cuts == [[10, 3]] * 6 + [[None, None]] * 3


def test_what_is_short_is_said_with_the_tick_from_which_each_window_is_whole() -> None:
    rules = IntakeRules(timeline_of(CITY))
    intake = IncidentFold(Source("incidents", 0, 1), rules, cut=10)
    watch = WatchFold(0, plain_watch_rules(rules.timeline))
    assert watch.short() == []
    for offset, outgoing in enumerate(intake.step(incidents_of_days(1)).emissions):
        watch.step([Entry(offset, 0, outgoing.key, outgoing.value)])
    first, second = watch.short()
    whole = START_MS // CITY.pane_ms * CITY.pane_ms + DAY_MS + HOUR_MS
    assert (first.jurisdiction, second.jurisdiction, first.topic) == ("city", "quiet", "incidents")
    assert abs(first.whole_from - whole) <= 4 * CITY.pane_ms
    assert first.windows == {name: first.whole_from + width for name, width in CITY.windows.items()}
    assert first.until == first.windows["24h"]


@pytest.mark.parametrize("name", ["cells-0", "incidents-1"])
def test_a_lost_commit_alone_changes_nothing_the_whole_log_is_there(name: str) -> None:
    """Also where snapshots are left, which begin later than the log."""
    for seed in SEEDS:
        cluster = cluster_of(seed)
        world = cluster.world
        assert isinstance(world, World)
        while len(cluster.sent.get("watch-state", [])) < 6:
            cluster.go_on(5)
        cluster.commits.pop(name, None)
        cluster.owners.pop(name, None)
        cluster.zombies.clear()
        cluster.go_on()
        late = cluster.records("late-events")
        assert differences(world.accepted(), late, cluster.records("window-counts"), world.counting) == []


def test_a_new_counting_version_that_reads_the_whole_log_ends_it_sooner() -> None:
    log, timeline = incidents_of_days(6, silent=0), timeline_of(CITY)
    watch, offset = WatchFold(0, plain_watch_rules(timeline), cut=3), 3
    told: list[str] = []
    for version, begins in (
        (1, 20),
        (2, 0),
    ):  # all that the first version said of the first five days is gone
        intake = IncidentFold(Source("incidents", 0, 1), IntakeRules(timeline, version, str(version)))
        for number, entry in enumerate(log):
            for outgoing in intake.step([entry]).emissions:
                if number >= begins:
                    sent = watch.step([Entry(offset, offset * HOUR_MS, outgoing.key, outgoing.value)])
                    told += [out.topic for out in sent.emissions]
                    offset += 1
        if version == 1:
            (short,) = watch.short()
            assert short.until > START_MS + 6 * DAY_MS
            assert told == []
    beat = Heartbeat("city", START_MS + 6 * DAY_MS)
    log.append(Entry(1_000, beat.heartbeat_at, None, encode_event(beat)))
    for outgoing in intake.step(log[-1:]).emissions:
        sent = watch.step([Entry(offset, offset * HOUR_MS, outgoing.key, outgoing.value)])
    assert watch.short() == []
    counts = [from_json(out.value or b"") for out in sent.emissions if out.topic == "window-counts"]
    assert counts[0]["counts"] == {"15m": 0, "1h": 0, "6h": 1, "24h": 4}
