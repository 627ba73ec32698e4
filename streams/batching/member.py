"""This worker as a member of its consumer group: aiokafka's consumer, with what Faust does not ask of it.

Everything here runs in the event loop of the thread in which the consumer lives.
"""

import asyncio
import logging
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from aiokafka import TopicPartition
from aiokafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor
from aiokafka.errors import (
    CommitFailedError,
    IllegalGenerationError,
    KafkaError,
    RebalanceInProgressError,
    UnknownMemberIdError,
)
from aiokafka.structs import OffsetAndMetadata

from schemas.events import LogRecord
from streams.logs import event
from streams.ownership import Batch
from streams.plain_consumer import PlainConsumer
from streams.recovery import Commit

logger = logging.getLogger(__name__)

STALE = (UnknownMemberIdError, IllegalGenerationError, RebalanceInProgressError, CommitFailedError)
"""How a broker says that a commit is of an old generation."""


class Fetched(NamedTuple):
    """What one fetch gave of one partition: offsets `[start, end)`."""

    tp: TopicPartition
    records: Sequence[LogRecord]
    start: int
    end: int  # past holes too: compacted records, control records
    log_end: int | None
    heard_at: float | None  # monotonic seconds


def split(fetched: Iterable[Fetched], generation: int, most: int) -> Iterator[Batch]:
    """What was fetched, as batches of at most so many records; together they cover its offsets without a gap."""
    for part in fetched:
        at = part.start
        for first in range(0, len(part.records), most):
            records = part.records[first : first + most]
            end = part.end if first + most >= len(part.records) else records[-1].offset + 1
            yield Batch(part.tp, generation, records, at, end)
            at = end
        if at < part.end:
            yield Batch(part.tp, generation, (), at, part.end)


def new_assignor() -> Any:
    """An assignor that leaves partitions where their folds are.

    aiokafka's keeps what it was assigned in its class, which other workers of the same process must not share.
    """
    return type("Sticky", (StickyPartitionAssignor,), {})


class Member:
    """A member of a consumer group."""

    def __init__(self, client: Mapping[str, Any], group: str, **settings: Any) -> None:
        """Not connected before `consumer.start()`.

        Args:
            client: where and how to connect, as aiokafka names it.
            group: the consumer group.
            settings: timeouts and names, as `AIOKafkaConsumer` has them.
        """
        self.assignor = new_assignor()
        self.consumer = PlainConsumer(
            **client,
            group_id=group,
            partition_assignment_strategy=[self.assignor],
            enable_auto_commit=False,
            auto_offset_reset="none",  # positions are ours: a jump to elsewhere would be a loss without a word
            isolation_level="read_committed",  # what a publisher aborted was never said
            **settings,
        )

    async def leave(self, timeout_s: float) -> None:
        """Leave the group and disconnect, unless that takes too long: a broker forgets us by itself."""
        try:
            async with asyncio.timeout(timeout_s):
                await self.consumer.stop()
        except TimeoutError:
            logger.warning(
                "leaving the group took more than %.1f s",
                timeout_s,
                extra=event("group_not_left", waited_s=timeout_s),
            )

    async def fetch(
        self, tps: Sequence[TopicPartition], generation: int, most: int, timeout_s: float
    ) -> list[Fetched]:
        """What was fetched of `tps`, at most so many records; one entry for each, also when nothing came.

        A fetch that outlives its generation takes nothing: its records would be thrown away, and missing in the next.

        Raises:
            KafkaError: the coordinator or the fetcher has failed. Faust never asks them, and would stand still.
        """
        consumer = self.consumer
        consumer._coordinator.check_errors()
        if consumer._fetcher.error_future.done():
            consumer._fetcher.error_future.result()
        with consumer._subscription.fetch_context():
            fetched = await self._take(tps, generation, most)
            if any(part.end > part.start for part in fetched):
                return fetched
            # Ends at once when anything comes; `fetched_records` itself would wait for the next generation.
            waiter = consumer._fetcher._create_fetch_waiter()
            try:
                await asyncio.wait([waiter], timeout=timeout_s)
            finally:
                waiter.cancel()
            return await self._take(tps, generation, most)

    async def _take(self, tps: Sequence[TopicPartition], generation: int, most: int) -> list[Fetched]:
        """Take what is there, without waiting: from the check to the positions nothing else runs in this thread."""
        consumer = self.consumer
        if not tps or consumer._subscription.reassignment_in_progress or self.generation != generation:
            return []
        before = self._positions(tps)
        records = await consumer._fetcher.fetched_records(tps, timeout=0, max_records=most)
        return [
            Fetched(tp, records.get(tp, ()), before[tp], end, consumer.highwater(tp), self._heard_at(tp))
            for tp, end in self._positions(before).items()
        ]

    @property
    def generation(self) -> int:
        """Of the group, as far as we know it; -1 when we were left out."""
        return int(self.consumer._coordinator.generation)

    def _state(self, tp: TopicPartition) -> Any:
        subscription = self.consumer._subscription.subscription
        return subscription and subscription.assignment and subscription.assignment.state_value(tp)

    def _positions(self, tps: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        states = ((tp, self._state(tp)) for tp in tps)
        return {tp: state.position for tp, state in states if state and state.has_valid_position}

    def _heard_at(self, tp: TopicPartition) -> float | None:
        wall_ms = self._state(tp).timestamp
        return None if wall_ms is None else time.monotonic() - max(time.time() - wall_ms / 1000, 0.0)

    async def committed(self, tps: Sequence[TopicPartition]) -> dict[TopicPartition, Commit]:
        """What the group has committed, with metadata."""
        found = await self.consumer._coordinator.fetch_committed_offsets(tps)
        return {tp: Commit(at.offset, at.metadata or "") for tp, at in found.items()}

    async def ends(self, tps: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """Ends of logs, also of partitions of others."""
        return dict(await self.consumer.end_offsets(tps))

    async def read_from(self, tp: TopicPartition, offset: int, generation: int) -> None:
        """Set the position of a partition, if it is still ours."""
        if self.generation == generation and tp in self.consumer.assignment():
            self.consumer.seek(tp, offset)

    async def commit_as(self, offsets: Mapping[TopicPartition, Commit], generation: int) -> bool:
        """Commit as a member of this generation, or not at all.

        aiokafka fills in its present generation, and "none" (-1) while it has lost its own, which a broker accepts
        when the group happens to be empty; so the generation is compared in the same step that makes the request.
        """
        coordinator = self.consumer._coordinator
        request = {tp: OffsetAndMetadata(*commit) for tp, commit in offsets.items()}
        while True:
            await coordinator.ensure_coordinator_known()
            async with coordinator._commit_lock:
                if self.generation != generation:
                    return False
                try:
                    await coordinator._do_commit_offsets(None, request)
                except STALE:
                    return False
                except KafkaError as error:
                    if not error.retriable:
                        raise
                else:
                    return True
            await asyncio.sleep(0.1)
