"""What a round of heartbeats asks the group, and what it sends."""

from collections.abc import Mapping

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from schemas.codec import encode_event, from_json
from schemas.events import Entry, Incident
from streams.beating import Beating
from streams.core.heartbeats import BeatRules
from streams.core.incident_fold import IncidentFold
from streams.core.source_fold import IntakeRules, Source
from streams.core.watch_fold import WatchFold
from streams.recovery import Commit
from tests.cluster import plain_watch_rules, timeline_of
from tests.shell.fakes import FakeGroup, FakePublisher
from tests.worlds import CITY

NOW = 1_772_323_200_000
RULES = BeatRules(trail_ms=60_000, interval_ms=15_000, patience_ms=120_000, lateness_ms=3_600_000)
HERE, THERE = TopicPartition("incidents", 0), TopicPartition("incidents", 1)


def watched() -> WatchFold:
    """A city that was heard of in partition 0 of 2."""
    rules = IntakeRules(timeline_of(CITY))
    event = Incident("i1", "sf", NOW - 300_000, reported_at=NOW - 300_000)
    (cells,) = (
        IncidentFold(Source("incidents", 0, 2), rules)
        .step([Entry(0, event.updated_at, b"i1", encode_event(event))])
        .emissions
    )
    fold = WatchFold(0, plain_watch_rules(rules.timeline))
    fold.step([Entry(0, 0, cells.key, cells.value)])
    return fold


async def rounds(group: FakeGroup, *steady_ms: int) -> list[tuple[int | None, int]]:
    """(partition, heartbeat_at) of what is sent in rounds at these instants."""
    fold, publisher = watched(), FakePublisher()
    beating = Beating(RULES, lambda: [fold], group, publisher)
    for at in steady_ms:
        await beating.round(NOW, at)
    return [(out.partition, from_json(out.value or b"")["heartbeat_at"]) for out in publisher.sent]


def group_at(committed: Mapping[TopicPartition, int], ends: Mapping[TopicPartition, int]) -> FakeGroup:
    group = FakeGroup()
    group.commits = {tp: Commit(offset, "") for tp, offset in committed.items()}
    group.log_ends = dict(ends)
    return group


async def test_quiet_partitions_are_told_how_far_time_has_come() -> None:
    group = group_at({HERE: 1, THERE: 0}, {HERE: 1, THERE: 0})
    (first, second) = await rounds(group, 0, 120_000)
    assert {first[0], second[0]} == {0, 1}


async def test_a_partition_with_lag_or_without_a_commit_is_told_nothing() -> None:
    assert await rounds(group_at({HERE: 0}, {HERE: 1, THERE: 0}), 0, 200_000) == []


async def test_a_partition_that_was_told_is_told_again_only_when_it_is_behind_again() -> None:
    group = group_at({HERE: 1, THERE: 0}, {HERE: 1, THERE: 5})
    assert [partition for partition, _ in await rounds(group, 0, 20_000)] == [0]


async def test_a_group_that_does_not_answer_leaves_a_round_out() -> None:
    class Silent(FakeGroup):
        async def ends(self, tps: object) -> dict[TopicPartition, int]:
            raise KafkaError

    assert await rounds(Silent(), 0, 200_000) == []
