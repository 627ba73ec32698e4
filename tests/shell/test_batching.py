"""The parts of the Faust consumer that need neither Faust nor a broker."""

import asyncio
import random
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiokafka import TopicPartition
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment
from aiokafka.errors import (
    GroupAuthorizationFailedError,
    IllegalGenerationError,
    KafkaError,
    NotCoordinatorForGroupError,
    OffsetMetadataTooLargeError,
    UnknownMemberIdError,
)
from hypothesis import given
from hypothesis import strategies as st

from streams.batching.member import Fetched, Member, new_assignor, split
from streams.recovery import Commit
from tests.shell.fakes import entries

HERE = TopicPartition("in", 0)


@given(
    offsets=st.sets(st.integers(10, 60), max_size=30),
    before=st.integers(0, 10),
    after=st.integers(0, 10),
    most=st.integers(1, 12),
)
def test_batches_cover_what_was_fetched_in_order_without_a_gap(
    offsets: set[int], before: int, after: int, most: int
) -> None:
    records = entries(sorted(offsets))
    start = min(offsets, default=10) - before
    end = max(offsets, default=start) + 1 + after if offsets else start + after
    batches = list(split([Fetched(HERE, cast(Any, records), start, end, end, 1.0)], 3, most))
    assert [record for batch in batches for record in batch.records] == records
    assert all(len(batch.records) <= most for batch in batches)
    assert all(batch.start < batch.end and batch.generation == 3 for batch in batches)
    assert all(batch.start <= record.offset < batch.end for batch in batches for record in batch.records)
    edges = [start, *(batch.end for batch in batches)]
    assert [batch.start for batch in batches] == edges[:-1]
    assert edges[-1] == end


def member_of(consumer: Any) -> Member:
    member = Member.__new__(Member)
    member.consumer = consumer
    return member


class FakeCoordinator:
    def __init__(self, *answers: Exception | None) -> None:
        self.generation = 4
        self._commit_lock = asyncio.Lock()
        self.answers = list(answers)
        self.requests: list[Any] = []

    async def ensure_coordinator_known(self) -> None:
        await asyncio.sleep(0)

    async def _do_commit_offsets(self, assignment: None, offsets: Any) -> None:
        self.requests.append(offsets)
        answer = self.answers.pop(0)
        if answer is not None:
            raise answer


async def commit(coordinator: FakeCoordinator, generation: int = 4) -> bool:
    member = member_of(SimpleNamespace(_coordinator=coordinator))
    return await member.commit_as({HERE: Commit(7, "m")}, generation)


async def test_commit_asks_once_and_carries_metadata() -> None:
    coordinator = FakeCoordinator(None)
    assert await commit(coordinator)
    assert coordinator.requests == [{TopicPartition("in", 0): (7, "m")}]


@pytest.mark.parametrize("present", [5, -1], ids=["rejoined", "lost its generation"])
async def test_commit_of_an_old_generation_is_not_even_asked_for(present: int) -> None:
    coordinator = FakeCoordinator()
    coordinator.generation = present
    assert not await commit(coordinator)
    assert coordinator.requests == []


async def test_generation_lost_while_waiting_for_the_lock_is_not_committed() -> None:
    coordinator = FakeCoordinator()
    async with coordinator._commit_lock:
        committing = asyncio.ensure_future(commit(coordinator))
        await asyncio.sleep(0.01)
        coordinator.generation = -1
    assert not await committing
    assert coordinator.requests == []


@pytest.mark.parametrize("refusal", [IllegalGenerationError(), UnknownMemberIdError()])
async def test_commit_that_the_broker_refuses_as_stale_moved_nothing(refusal: Exception) -> None:
    assert not await commit(FakeCoordinator(refusal))


async def test_commit_is_tried_again_when_the_coordinator_moved() -> None:
    coordinator = FakeCoordinator(NotCoordinatorForGroupError(), None)
    assert await commit(coordinator)
    assert len(coordinator.requests) == 2


async def test_commit_that_can_never_succeed_raises() -> None:
    with pytest.raises(OffsetMetadataTooLargeError):
        await commit(FakeCoordinator(OffsetMetadataTooLargeError()))


class FakeConsumer:
    """aiokafka's consumer, as far as a fetch touches it."""

    def __init__(self) -> None:
        self._coordinator = SimpleNamespace(generation=4, check_errors=lambda: None)
        self._subscription = SimpleNamespace(
            reassignment_in_progress=False,
            fetch_context=nullcontext,
            subscription=SimpleNamespace(assignment=self),
        )
        self._fetcher = self
        self.error_future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.position = 10
        self.records: dict[TopicPartition, list[Any]] = {}
        self.taken = 0

    def state_value(self, tp: TopicPartition) -> Any:
        return SimpleNamespace(position=self.position, has_valid_position=True, timestamp=None)

    def highwater(self, tp: TopicPartition) -> int:
        return 20

    async def fetched_records(self, tps: Any, **options: Any) -> dict[TopicPartition, list[Any]]:
        assert options["timeout"] == 0, "it must not wait: the generation could change meanwhile"
        self.taken += 1
        found, self.records = self.records, {}
        self.position = found[HERE][-1].offset + 1 if found else self.position
        return found

    def _create_fetch_waiter(self) -> asyncio.Future[None]:
        return self.waiting


async def fetch(consumer: FakeConsumer, timeout_s: float = 0.01) -> list[Fetched]:
    return await member_of(consumer).fetch([HERE], 4, 100, timeout_s)


async def test_fetch_gives_records_with_positions() -> None:
    consumer = FakeConsumer()
    consumer.records = {HERE: entries(range(10, 15))}
    assert await fetch(consumer) == [Fetched(HERE, cast(Any, entries(range(10, 15))), 10, 15, 20, None)]


async def test_fetch_waits_for_records_and_tells_the_end_when_none_come() -> None:
    consumer = FakeConsumer()
    assert await fetch(consumer) == [Fetched(HERE, (), 10, 10, 20, None)]
    assert consumer.waiting.cancelled()


async def test_fetch_that_outlives_its_generation_takes_nothing() -> None:
    consumer = FakeConsumer()
    fetching = asyncio.ensure_future(fetch(consumer, timeout_s=5.0))
    await asyncio.sleep(0)
    consumer.records = {HERE: entries(range(10, 15))}
    consumer._coordinator.generation = 5
    consumer.waiting.set_result(None)
    assert await fetching == []
    assert consumer.records, "they are there for the next owner"


async def test_fetch_takes_nothing_while_the_group_rebalances() -> None:
    consumer = FakeConsumer()
    consumer.records = {HERE: entries(range(10, 15))}
    consumer._subscription.reassignment_in_progress = True
    assert await fetch(consumer) == []
    assert consumer.taken == 0


async def test_errors_nobody_asks_for_are_heard_when_fetching() -> None:
    consumer = FakeConsumer()
    consumer.error_future.set_exception(KafkaError("the fetcher is dead"))
    with pytest.raises(KafkaError, match="the fetcher is dead"):
        await fetch(consumer)

    def refused() -> None:
        raise GroupAuthorizationFailedError

    consumer._coordinator.check_errors = refused
    with pytest.raises(GroupAuthorizationFailedError):
        await fetch(consumer)


class Cluster:
    def __init__(self, partitions: dict[str, int]) -> None:
        self.partitions = partitions

    def topics(self) -> set[str]:
        return set(self.partitions)

    def partitions_for_topic(self, topic: str) -> set[int]:
        return set(range(self.partitions[topic]))


@pytest.mark.parametrize("seed", range(20))
def test_assignor_gives_every_partition_to_one_worker_evenly_and_keeps_places(seed: int) -> None:
    rng = random.Random(seed)
    topics = {"incidents": rng.randint(1, 12), "dispatches": rng.randint(1, 12), "cells": rng.randint(1, 12)}
    everything = {TopicPartition(topic, number) for topic, count in topics.items() for number in range(count)}
    present: dict[str, Any] = {"w0": new_assignor()}
    paused: dict[str, Any] = {}
    held: dict[str, set[TopicPartition]] = {}
    for generation in range(1, 25):
        joined = rng.random() < 0.5
        if joined:
            name, assignor = (
                paused.popitem() if paused and rng.random() < 0.5 else (f"w{generation}", new_assignor())
            )
            present[name] = assignor
        elif len(present) > 1:
            name = rng.choice(sorted(present))
            assignor = present.pop(name)
            if rng.random() < 0.5:
                paused[name] = assignor  # it comes back later with what it held long ago
        leader = present[rng.choice(sorted(present))]
        members = {name: assignor.metadata(list(topics)) for name, assignor in present.items()}
        given = leader.assign(Cluster(topics), members)
        now = {name: set(assignment.partitions()) for name, assignment in given.items()}
        assert sorted(tp for tps in now.values() for tp in tps) == sorted(everything)
        sizes = [len(tps) for tps in now.values()]
        assert max(sizes) - min(sizes) <= 1
        if not joined:  # whoever stays keeps what it had
            assert all(held[name] <= tps for name, tps in now.items() if name in held)
        for name, assignor in present.items():
            assignor.on_assignment(cast(ConsumerProtocolMemberAssignment, given[name]))
            assignor.on_generation_assignment(generation)
        held = now
