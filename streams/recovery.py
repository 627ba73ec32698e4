"""Taking a partition over: fold its log again up to the committed offset, outputs off.

A plain consumer without a group reads it (`assign` and `seek`), 30 times faster than Faust recovers a table. Every
way in which a log can be unreadable ends in `TakeOverFailed` with what to do about it, never in a wait without end.
"""

import asyncio
import logging
from bisect import bisect_left
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from inspect import isawaitable
from time import monotonic
from typing import Any, NamedTuple, Protocol

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from schemas.emissions import Outgoing
from schemas.events import LogRecord
from streams.core.fold import Fold, TakeOver
from streams.logs import event
from streams.outbox import Publisher
from streams.plain_consumer import PlainConsumer

logger = logging.getLogger(__name__)

CHUNK = 2000
"""Records folded at once at most: at 6 µs each, 12 ms."""

HELD_S = 0.02
"""How long folding may hold the event loop, seconds: heartbeats, /metrics and SIGTERM wait for it."""

POLL_MS = 200
"""How long one poll waits for records, milliseconds."""

_REMEDY = "see the brokers' logs; restore the partition, or reset the group's offset past the fault"


class TakeOverFailed(Exception):
    """A partition could not be taken over; the message says what to do."""


class Commit(NamedTuple):
    """A committed position of the group."""

    offset: int
    metadata: str


class OpenFold(Protocol):
    """Makes the fold of a partition and says where to start reading."""

    def __call__(
        self, tp: TopicPartition, committed: int | None, metadata: str, log_start: int, log_end: int, /
    ) -> TakeOver | Awaitable[TakeOver]:
        """Open the fold of `tp`; `committed` None means that the group has no commit for it."""


@dataclass(slots=True)
class Progress:
    """How far a take-over is; read by health and metrics at any time."""

    start: int = 0
    position: int = 0
    until: int = 0
    records: int = 0
    lost: int = 0  # offsets the group had not reached that are no longer in the log
    began_at: float = field(default_factory=monotonic)  # monotonic seconds
    moved_at: float = field(default_factory=monotonic)  # when `position` last moved
    took_s: float | None = None  # None: not done


class Plan(NamedTuple):
    """What a take-over reads: offsets `[start, until)`."""

    start: int
    until: int
    lost: int


def whole_log(fold: Fold, committed: int | None, log_start: int) -> TakeOver:
    """Start at the beginning of the log; what lies below the commit was sent before."""
    return TakeOver(fold, log_start, log_start if committed is None else committed)


def plan(opening: TakeOver, committed: int | None, log_start: int, log_end: int) -> Plan:
    """What to read: from where the fold says, as far as owners before have come, within what the log still has.

    Args:
        opening: what `open_fold` said.
        committed: offset the group has committed, at most `log_end`; None: none.
        log_start: oldest offset that is kept.
        log_end: next offset that will be written.
    """
    reached = log_start if committed is None else committed
    until = min(max(reached, opening.silent_until, log_start), log_end)
    return Plan(min(max(opening.start, log_start), until), until, max(log_start - reached, 0))


class Pace:
    """How many records to fold at once, so that the event loop is not held for longer than `HELD_S`.

    An incident takes microseconds; one message of `cells` may stand for days of ticks and take a second.
    """

    def __init__(self, most: int) -> None:
        self.records = 1  # until it is known how long one takes
        self._most = most

    def took(self, seconds: float) -> None:
        """Note how long the last ones took."""
        if seconds > HELD_S:
            self.records = max(self.records // 2, 1)
        elif seconds < HELD_S / 4:
            self.records = min(self.records * 2, self._most)


class LogReader:
    """Reads one partition, alone and without a group."""

    def __init__(self, consumer: AIOKafkaConsumer, tp: TopicPartition, *, stall_s: float) -> None:
        self._consumer = consumer
        self._tp = tp
        self._stall_s = stall_s

    async def bounds(self, at_least: int = 0) -> tuple[int, int]:
        """Oldest offset, and the next to be written; a leader just elected may need a moment to know it.

        Raises:
            TakeOverFailed: the log ends below `at_least`, which was committed.
        """
        deadline = monotonic() + self._stall_s
        while True:
            start = (await self._consumer.beginning_offsets([self._tp]))[self._tp]
            end = (await self._consumer.end_offsets([self._tp]))[self._tp]
            if end >= at_least:
                return start, end
            if monotonic() > deadline:
                msg = (
                    f"committed offset {at_least} lies beyond the end {end} of {_named(self._tp)}: the topic was "
                    "truncated or made again; restore it, or reset the group's offset"
                )
                raise TakeOverFailed(msg)
            await asyncio.sleep(min(0.2, self._stall_s / 10))

    async def read(self, progress: Progress, pace: Pace) -> AsyncIterator[Sequence[LogRecord]]:
        """Records of `[progress.start, progress.until)` in chunks; lets the event loop go on between them.

        Args:
            progress: from where to where; kept up to date.
            pace: how many in a chunk; asked for each.

        Raises:
            TakeOverFailed: it stands still.
        """
        tp, until = self._tp, progress.until
        self._consumer.assign([tp])
        self._consumer.seek(tp, progress.start)
        moved_at, still = monotonic(), 0
        while progress.position < until:
            # Records are made when they are taken, at 2 µs each: not more at once than are folded at once.
            fetched = await self._consumer.getmany(tp, timeout_ms=POLL_MS, max_records=pace.records)
            records = fetched.get(tp, [])
            position = await self._consumer.position(tp)  # past holes too: compacted records, control records
            still = 0 if position > progress.position else still + 1
            # Both, because a worker that was paused finds its time gone when it wakes.
            if still * POLL_MS / 1000 > self._stall_s and monotonic() - moved_at > self._stall_s:
                raise TakeOverFailed(self._stands_still(progress))
            if position > until:
                records = records[: bisect_left(records, until, key=_offset)]
            if records:
                yield records
                progress.records += len(records)
                await asyncio.sleep(0)
            if not still:
                moved_at = progress.moved_at = monotonic()
            progress.position = min(position, until)

    def _stands_still(self, progress: Progress) -> str:
        return (
            f"reading {_named(self._tp)} stands still at offset {progress.position} of {progress.until} "
            f"for {self._stall_s:g} s; {_REMEDY}"
        )


@dataclass(frozen=True, slots=True)
class Recovery:
    """Takes partitions over.

    Attributes:
        client: where and how to connect, as `AIOKafkaConsumer` names it (`bootstrap_servers`, `security_protocol`, …).
        publisher: for the outputs of a new counting version, which are sent while reading.
        chunk: records folded at once.
        stall_s: a read that gets no further for this long has failed.
        new_consumer: makes the consumer; tests give a fake.
    """

    client: Mapping[str, Any]
    publisher: Publisher
    chunk: int = CHUNK
    stall_s: float = 30.0
    new_consumer: Callable[..., AIOKafkaConsumer] = PlainConsumer

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
        async with self.reader(tp) as reader:
            start, end = await reader.bounds(at_least=commit.offset if commit else 0)
            opening = await self._open(tp, commit, open_fold, (start, end))
            plans = plan(opening, commit.offset if commit else None, start, end)
            _say_what_is_missing(tp, commit, opening, start, plans)
            progress.start = progress.position = plans.start
            progress.until, progress.lost = plans.until, plans.lost
            pace = Pace(self.chunk)
            async for records in reader.read(progress, pace):
                began = monotonic()
                emissions = _fold(opening, records)
                pace.took(monotonic() - began)
                await self.publisher.publish(emissions)
        progress.took_s = monotonic() - progress.began_at
        if progress.records:
            _say_what_was_read(tp, progress.records, progress.took_s)
        return opening.fold, plans.until

    async def _open(
        self, tp: TopicPartition, commit: Commit | None, open_fold: OpenFold, bounds: tuple[int, int]
    ) -> TakeOver:
        """The fold, which may have more to read than its log.

        Raises:
            TakeOverFailed: that takes longer than `stall_s`.
        """
        committed, metadata = (commit.offset, commit.metadata) if commit else (None, "")
        opening = open_fold(tp, committed, metadata, bounds[0], bounds[1])
        if not isawaitable(opening):
            return opening
        try:
            async with asyncio.timeout(self.stall_s):
                return await opening
        except TimeoutError as cause:
            msg = (
                f"what {_named(tp)} remembers beside its log was not read in {self.stall_s:g} s; see the brokers' logs: "
                "every partition of watch-state needs a leader"
            )
            raise TakeOverFailed(msg) from cause

    @asynccontextmanager
    async def reader(self, tp: TopicPartition) -> AsyncIterator[LogReader]:
        """A reader of one partition; what Kafka says against it is a `TakeOverFailed`."""
        consumer = self.new_consumer(
            **self.client,
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="none",  # a position that is gone is an error here, not a reason to jump
            isolation_level="read_committed",  # what a publisher aborted was never said
            max_partition_fetch_bytes=1 << 20,
        )
        try:
            await consumer.start()
            yield LogReader(consumer, tp, stall_s=self.stall_s)
        except KafkaError as cause:
            msg = f"log of {_named(tp)} cannot be read: {cause!r}; {_REMEDY}"
            raise TakeOverFailed(msg) from cause
        finally:
            await consumer.stop()


def _fold(opening: TakeOver, records: Sequence[LogRecord]) -> list[Outgoing]:
    """Fold one chunk; what its part from `silent_until` on emits is to be sent, as no owner before did."""
    silent = bisect_left(records, opening.silent_until, key=_offset)
    if silent:
        opening.fold.absorb(records[:silent])
    return opening.fold.step(records[silent:]).emissions if silent < len(records) else []


def _say_what_is_missing(
    tp: TopicPartition, commit: Commit | None, opening: TakeOver, log_start: int, plans: Plan
) -> None:
    where = {"topic": tp.topic, "partition": tp.partition}
    if commit is None:
        logger.warning(
            "%s: the group has no commit; reading from offset %d with outputs on",
            _named(tp),
            log_start,
            extra=event("commit_missing", **where, offset=log_start),
        )
    elif plans.lost:
        logger.error(
            "%s: offsets %d to %d were deleted before they were processed; retention is too short, or the worker "
            "was away too long",
            _named(tp),
            commit.offset,
            log_start - 1,
            extra=event("records_lost", **where, first=commit.offset, last=log_start - 1),
        )
    if opening.start < log_start:
        logger.error(
            "%s: the log starts at %d, the state at %d: what lay between is gone, and nothing is told of a city until "
            "its windows are whole again (see kept_back); raise counting.version to have the whole log counted again",
            _named(tp),
            log_start,
            opening.start,
            extra=event("state_incomplete", **where, log_start=log_start, state_start=opening.start),
        )


def _say_what_was_read(tp: TopicPartition, records: int, took_s: float) -> None:
    logger.info(
        "took over %s: %d records in %.2f s",
        _named(tp),
        records,
        took_s,
        extra=event(
            "taken_over", topic=tp.topic, partition=tp.partition, records=records, took_s=round(took_s, 3)
        ),
    )


def _named(tp: TopicPartition) -> str:
    return f"{tp.topic}[{tp.partition}]"


def _offset(record: LogRecord) -> int:
    return int(record.offset)
