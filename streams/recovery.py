"""Taking a partition over: fold its log again up to the committed offset, outputs off.

A plain consumer without a group reads it (`assign` and `seek`), 30 times faster than Faust recovers a table. Every
way in which a log can be unreadable ends in `TakeOverFailed` with what to do about it, never in a wait without end.
"""

import asyncio
from bisect import bisect_left
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from inspect import isawaitable
from time import monotonic
from typing import Any, NamedTuple, Protocol

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from streams.core.fold import Fold, TakeOver
from streams.outbox import Publisher

CHUNK = 2000
"""Records folded without letting the event loop go on: at 6 µs each, 12 ms."""


class TakeOverFailed(Exception):
    """A partition could not be taken over; the message says what to do."""


class Commit(NamedTuple):
    """A committed position of the group."""

    offset: int
    metadata: str


class Log(NamedTuple):
    """One partition as it stands when it is taken over."""

    tp: TopicPartition
    commit: Commit | None  # None: the group has none for this partition
    start: int  # offset of the oldest record that is kept
    end: int  # offset of the next record that will be written


class OpenFold(Protocol):
    """Makes the fold of a partition and says where to start reading."""

    def __call__(
        self, tp: TopicPartition, committed: int | None, metadata: str, log_start: int, log_end: int, /
    ) -> TakeOver | Awaitable[TakeOver]:
        """Open the fold of `tp`; `committed` None means that the group never had a commit for it."""


@dataclass(slots=True)
class Progress:
    """How far a take-over is; read by health and metrics at any time."""

    start: int = 0
    position: int = 0
    until: int = 0
    records: int = 0
    began_at: float = field(default_factory=monotonic)  # monotonic seconds


def whole_log(fold: Fold, committed: int | None, log_start: int) -> TakeOver:
    """Start at the beginning of the log; what was committed before was also sent."""
    return TakeOver(fold, log_start, log_start if committed is None else committed)


@dataclass(frozen=True, slots=True)
class Recovery:
    """Takes partitions over.

    Attributes:
        client: where and how to connect, as `AIOKafkaConsumer` names it.
        publisher: for the outputs of a new counting version, which are sent while reading.
        chunk: records folded at once.
        stall_s: a read that gets no further for this long has failed.
    """

    client: Mapping[str, Any]
    publisher: Publisher
    chunk: int = CHUNK
    stall_s: float = 30.0

    async def take_over(
        self, tp: TopicPartition, commit: Commit | None, open_fold: OpenFold, progress: Progress
    ) -> tuple[Fold, int]:
        """Make the fold of a partition and bring it to the committed offset.

        Args:
            tp: the partition.
            commit: what the group has committed for it.
            open_fold: makes the fold.
            progress: kept up to date while reading.

        Returns:
            The fold, and the offset at which reading goes on.

        Raises:
            TakeOverFailed: the log cannot be read as far as the commit says.
        """
        try:
            async with self._connected() as consumer:
                log = await self._look(consumer, tp, commit)
                opened = open_fold(
                    tp, commit and commit.offset, commit.metadata if commit else "", log.start, log.end
                )
                opening = await opened if isawaitable(opened) else opened
                plan = _plan(log, opening)
                progress.start, progress.position, progress.until = plan.start, plan.start, plan.until
                async for records in self._read(consumer, log, plan, progress):
                    await self._fold(opening, records)
                return opening.fold, plan.until
        except KafkaError as cause:
            msg = f"log of {tp.topic}[{tp.partition}] cannot be read: {cause!r}; {_UNREADABLE}"
            raise TakeOverFailed(msg) from cause

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[AIOKafkaConsumer]:
        consumer = AIOKafkaConsumer(
            **self.client,
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="none",  # a position that is gone is an error here, not a reason to jump
            max_partition_fetch_bytes=4 << 20,
        )
        try:
            await consumer.start()
            yield consumer
        finally:
            await consumer.stop()

    async def _look(self, consumer: AIOKafkaConsumer, tp: TopicPartition, commit: Commit | None) -> Log:
        """Bounds of the log; a leader that was just elected may take a moment to know its end."""
        deadline = monotonic() + self.stall_s
        while True:
            start = (await consumer.beginning_offsets([tp]))[tp]
            end = (await consumer.end_offsets([tp]))[tp]
            if commit is None or commit.offset <= end:
                return Log(tp, commit, start, end)
            if monotonic() > deadline:
                msg = (
                    f"committed offset {commit.offset} lies beyond the end {end} of {tp.topic}[{tp.partition}]: the "
                    "topic was truncated or made again; reset the group's offsets or restore the topic"
                )
                raise TakeOverFailed(msg)
            await asyncio.sleep(min(0.2, self.stall_s / 10))

    async def _read(
        self, consumer: AIOKafkaConsumer, log: Log, plan: "_Plan", progress: Progress
    ) -> AsyncIterator[Sequence[ConsumerRecord]]:
        consumer.assign([log.tp])
        consumer.seek(log.tp, plan.start)
        moved_at = monotonic()
        while progress.position < plan.until:
            fetched = await consumer.getmany(log.tp, timeout_ms=200)
            records = fetched.get(log.tp, [])
            position = await consumer.position(log.tp)  # past holes too: compacted records, control records
            if position > progress.position:
                moved_at = monotonic()
            elif monotonic() - moved_at > self.stall_s:
                msg = (
                    f"reading {log.tp.topic}[{log.tp.partition}] stands still at offset {progress.position} of "
                    f"{plan.until} for {self.stall_s:g} s; {_UNREADABLE}"
                )
                raise TakeOverFailed(msg)
            if records and records[-1].offset >= plan.until:
                records = [record for record in records if record.offset < plan.until]
            for first in range(0, len(records), self.chunk):
                yield records[first : first + self.chunk]
                await asyncio.sleep(0)
                moved_at = monotonic()
            progress.records += len(records)
            progress.position = min(position, plan.until)

    async def _fold(self, opening: TakeOver, records: Sequence[ConsumerRecord]) -> None:
        """Fold one chunk; its part from `silent_until` on is published, as no owner before did."""
        heard = bisect_left(records, opening.silent_until, key=_offset)
        if heard:
            opening.fold.step(records[:heard])
        if heard < len(records):
            step = opening.fold.step(records[heard:])
            await self.publisher.publish(step.emissions)


class _Plan(NamedTuple):
    start: int
    until: int


def _plan(log: Log, opening: TakeOver) -> _Plan:
    """What to read: from where the fold says, as far as an owner before has sent, within what the log still has."""
    sent = max(log.start if log.commit is None else log.commit.offset, opening.silent_until)
    until = min(max(sent, log.start), log.end)
    return _Plan(min(max(opening.start, log.start), until), until)


def _offset(record: ConsumerRecord) -> int:
    return int(record.offset)


_UNREADABLE = "see the broker's log, restore the partition or reset the group's offsets past the fault"

Notify = Callable[[TopicPartition, Progress], None]
