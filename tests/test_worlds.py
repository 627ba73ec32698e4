"""The random worlds hold what they promise."""

import random
from collections import Counter

import pytest
from hypothesis import given, settings

from schemas.events import Heartbeat, Incident
from schemas.vocabulary import WITHDRAWING, IncidentStatus
from tests import oracle_bridge as bridge
from tests.oracle_bridge import DAY_MS
from tests.worlds import (
    CITY,
    FUTURE_MS,
    SHORT,
    Shape,
    World,
    known_at,
    partition_of,
    random_world,
    schedule,
    worlds,
)


def assert_well_formed(world: World) -> None:
    """Offsets ascend, keys are ids in their partition, and no message would be a dead letter."""
    for number, log in enumerate(world.logs):
        offsets = [entry.offset for entry in log]
        assert offsets == sorted(set(offsets))
        for _, timestamp, key, event in log:
            assert known_at(event) <= timestamp + FUTURE_MS
            if isinstance(event, Incident):
                assert key == event.incident_id.encode()
                assert partition_of(event.incident_id, len(world.logs)) == number
                times = [at for at in (event.reported_at, event.occurred_at) if at is not None]
                assert all(at <= event.updated_at + DAY_MS for at in times)


@settings(max_examples=50, deadline=None)
@given(worlds())
def test_every_world_is_well_formed(world: World) -> None:
    assert_well_formed(world)


def test_a_seeded_world_is_always_the_same() -> None:
    assert random_world(7) == random_world(7)
    assert random_world(7) != random_world(8)


@pytest.mark.parametrize("rules", [SHORT, CITY], ids=["short", "city"])
def test_a_seeded_world_holds_everything_that_can_go_wrong(rules: bridge.Rules) -> None:
    world = random_world(1, rules, Shape(messages=3_000))
    assert_well_formed(world)
    events = [entry.event for log in world.logs for entry in log]
    said = [event for event in events if isinstance(event, Incident)]
    late = bridge.expected_late(world.accepted(), world.counting)
    records = Counter(heard.record > 0 for heard in bridge.walk(world.accepted(), world.counting))
    keys = Counter((e.jurisdiction, e.incident_id, e.updated_at) for e in set(said))
    found = {
        "heartbeats": sum(isinstance(event, Heartbeat) for event in events),
        "copies": len(said) - len(set(said)),
        "ties": sum(n > 1 for n in keys.values()),
        "too late": len(late),
        "new records": records[True],
        "withdrawn": sum(e.status in WITHDRAWING for e in said),
        "reopened": sum(e.status is IncidentStatus.REOPENED for e in said),
        "closed": sum(e.status is IncidentStatus.CLOSED for e in said),
        "exercises": sum(bool(e.exercise) for e in said),
        "partial": sum(e.zone is None or e.reported_at is None for e in said),
        "ahead": sum(e.reported_at is not None and e.reported_at > e.updated_at for e in said),
        "a day ahead": sum(e.reported_at == e.updated_at + DAY_MS for e in said),
        "holes": sum(log[-1].offset + 1 - len(log) for log in world.logs),
    }
    assert all(number > 10 for number in found.values()), found


def test_every_partition_closes_for_every_jurisdiction_after_all_windows() -> None:
    world = random_world(3)
    for log in world.logs:
        ends = {entry.event.jurisdiction: entry.event for entry in log[-world.shape.jurisdictions :]}
        assert len(ends) == world.shape.jurisdictions
        for event in ends.values():
            assert isinstance(event, Heartbeat)
            last = max(known_at(entry.event) for entry in log[: -world.shape.jurisdictions])
            assert world.rules.oldest_open(event.heartbeat_at) > last + world.rules.longest_ms


def test_no_message_is_close_to_the_end_of_a_record() -> None:
    world = random_world(5, SHORT, Shape(messages=2_000, partitions=1))
    ends = bridge.RecordEnds(world.counting)
    for entry in world.logs[0]:
        assert not (isinstance(entry.event, Incident) and ends.is_close(entry.event, 2))
        ends.hear(entry.event)
    everything = random_world(5, SHORT, Shape(messages=2_000, partitions=1, margin_panes=0))
    assert len(everything.logs[0]) > len(world.logs[0])


def test_a_schedule_reads_every_log_whole_and_in_order() -> None:
    world = random_world(2)
    read: dict[int, list[int]] = {number: [] for number in range(len(world.logs))}
    for partition, start, end in schedule(world, random.Random(1), largest=7):
        read[partition] += range(start, end)
    assert {number: len(indices) for number, indices in read.items()} == {
        n: len(log) for n, log in enumerate(world.logs)
    }
    assert all(indices == sorted(indices) for indices in read.values())
