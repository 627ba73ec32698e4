"""Which folds this worker owns now, how far each is, and what may be committed.

A partition is taken over as soon as it is assigned, in the background, whether or not anything comes from it. Then
the consumer reads it from where the fold stands, and its agent folds batch after batch. What was acknowledged is
committed at an interval, when the partition is revoked and at the end, always under the generation it was assigned in:
a worker that was paused and wakes under an old one moves nothing.

Kafka revokes everything in every rebalance, and assigns most of it to the same worker again. Such a fold is kept, if
nothing was committed since: the log below the commit is the same, so the state is.
"""

import asyncio
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import monotonic
from typing import NamedTuple, Protocol

from aiokafka import TopicPartition

from schemas.events import LogRecord
from streams.core.fold import Fold
from streams.logs import event
from streams.recovery import Commit, OpenFold, Progress, Recovery, TakeOverFailed

logger = logging.getLogger(__name__)

MAX_METADATA_BYTES = 4096
"""Kafka's default `offset.metadata.max.bytes`; a broker refuses a commit with more."""

TAKE_OVERS_AT_ONCE = 4
"""Folding is CPU work of one thread: more at once would only hold more fetched records in memory."""


COMMITTED_S = 60.0
"""How long the group may take to tell what was committed, seconds; aiokafka would ask without end."""


class OwnershipBroken(Exception):
    """A promise of this module did not hold; going on could lose or repeat records without a word."""


class Batch(NamedTuple):
    """Records of one partition, in order, as one event of a Faust stream: those in `[start, end)`."""

    tp: TopicPartition
    generation: int  # of the group, when they were fetched
    records: Sequence[LogRecord]  # may be empty: nothing but a hole (compacted records, control records)
    start: int
    end: int


class Group(Protocol):
    """What ownership needs of the consumer group."""

    async def committed(self, tps: Iterable[TopicPartition]) -> Mapping[TopicPartition, Commit]:
        """Offset and metadata the group has committed; a partition without a commit is left out."""

    async def commit_as(self, offsets: Mapping[TopicPartition, Commit], generation: int) -> bool:
        """Commit; False when the group has moved on to another generation, and nothing was changed."""

    async def read_from(self, tp: TopicPartition, offset: int, generation: int) -> None:
        """Read `tp` from `offset` on, if the generation is still this one."""

    async def ends(self, tps: Iterable[TopicPartition]) -> Mapping[TopicPartition, int]:
        """Ends of the logs of any partitions."""

    async def fail(self, reason: BaseException) -> None:
        """End the worker."""


class Facts(NamedTuple):
    """How one owned partition stands; plain values for health and metrics. Instants are monotonic seconds."""

    tp: TopicPartition
    taken_over: bool
    take_over: Progress
    position: int | None  # next offset to fold; None while it is being taken over
    end: int | None  # end of the log as last heard; None: nothing heard yet
    lag: int | None  # offsets between the two, holes included
    assigned_at: float
    progressed_at: float  # when the position last moved
    heard_at: float | None  # when the broker last answered a fetch
    committed: int | None
    commit_due_since: float | None  # since when something acknowledged waits to be committed


@dataclass(slots=True, eq=False)
class Partition:
    """One partition as this worker owns it in one generation of the group."""

    tp: TopicPartition
    generation: int
    progress: Progress = field(default_factory=Progress)
    fold: Fold | None = None
    position: int = -1
    metadata: str = ""
    committed: Commit | None = None
    end: int | None = None
    assigned_at: float = field(default_factory=monotonic)
    progressed_at: float = field(default_factory=monotonic)
    heard_at: float | None = None
    due_since: float | None = None
    in_hand: bool = False  # a batch was begun and not finished: the fold may be ahead of the position
    released: bool = False

    def advance(self, end: int) -> None:
        """Everything below `end` is folded and acknowledged; does nothing once the partition is released."""
        if self.released or self.fold is None:
            return
        metadata = self.fold.metadata()
        if len(metadata.encode()) > MAX_METADATA_BYTES:
            msg = (
                f"metadata of {self.tp} must be <= {MAX_METADATA_BYTES} bytes (got {len(metadata.encode())})"
            )
            raise OwnershipBroken(msg)
        position = max(end, self.fold.position)
        if position != self.position:
            self.progressed_at = monotonic()
        self.position, self.metadata, self.in_hand = position, metadata, False
        if self.due_since is None and self.due() is not None:
            self.due_since = monotonic()

    def due(self) -> Commit | None:
        """What is to be committed, if anything."""
        commit = Commit(self.position, self.metadata)
        return commit if self.fold is not None and commit != self.committed else None

    def facts(self) -> Facts:
        """How it stands now."""
        position = self.position if self.fold is not None else None
        return Facts(
            tp=self.tp,
            taken_over=self.fold is not None,
            take_over=self.progress,
            position=position,
            end=self.end,
            lag=None if position is None or self.end is None else max(self.end - position, 0),
            assigned_at=self.assigned_at,
            progressed_at=self.progressed_at,
            heard_at=self.heard_at,
            committed=self.committed.offset if self.committed else None,
            commit_due_since=self.due_since,
        )


class Ownership:
    """The partitions this worker owns now."""

    def __init__(self, folds: Mapping[str, OpenFold], recovery: Recovery) -> None:
        """Own nothing yet.

        Args:
            folds: per topic, how to open the fold of one of its partitions.
            recovery: how to take a partition over.
        """
        self._folds = dict(folds)
        self._recovery = recovery
        self._group: Group | None = None
        self._owned: dict[TopicPartition, Partition] = {}
        self._kept: dict[TopicPartition, Partition] = {}
        self._take_overs: set[asyncio.Task[None]] = set()
        self._turns = asyncio.Semaphore(TAKE_OVERS_AT_ONCE)
        self._in_hand = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._committing = asyncio.Lock()

    def attach(self, group: Group) -> None:
        """Say which consumer group this is about; the consumer does it."""
        self._group = group

    @property
    def group(self) -> Group:
        """The consumer group."""
        if self._group is None:
            msg = "ownership has no consumer group; make the app with streams.batching.new_app"
            raise OwnershipBroken(msg)
        return self._group

    # Coming and going

    def assign(self, tps: Iterable[TopicPartition], generation: int) -> None:
        """Begin to take over what was just assigned."""
        kept, self._kept = self._kept, {}
        for tp in tps:
            if tp.topic in self._folds:
                partition = self._owned[tp] = Partition(tp, generation)
                task = asyncio.ensure_future(self._take_over(partition, kept.get(tp)))
                self._take_overs.add(task)
                task.add_done_callback(self._take_overs.discard)

    async def _take_over(self, partition: Partition, kept: Partition | None) -> None:
        try:
            fold, start = await self._brought_to_commit(partition, kept)
            await self.group.read_from(partition.tp, start, partition.generation)
            if not partition.released:
                partition.fold = fold
                partition.advance(start)
        except Exception as reason:  # noqa: BLE001 - whatever it is, the worker ends and says it
            if not partition.released:
                await self.group.fail(reason)

    async def _brought_to_commit(self, partition: Partition, kept: Partition | None) -> tuple[Fold, int]:
        tp = partition.tp
        try:
            async with asyncio.timeout(COMMITTED_S):
                partition.committed = (await self.group.committed([tp])).get(tp)
        except TimeoutError as cause:
            msg = f"what was committed for {tp} was not told in {COMMITTED_S:g} s; is the group's coordinator there?"
            raise TakeOverFailed(msg) from cause
        if (
            kept is not None
            and kept.fold is not None
            and partition.committed == Commit(kept.position, kept.metadata)
        ):
            partition.progress.took_s = 0.0
            return kept.fold, kept.position
        async with self._turns:
            return await self._recovery.take_over(
                tp, partition.committed, self._folds[tp.topic], partition.progress
            )

    async def release(self, timeout_s: float) -> None:
        """Give everything up: finish the batches in hand, commit, let go.

        Args:
            timeout_s: how long that may take; what is not committed by then is repeated by the next owner.
        """
        owned = list(self._owned.values())
        await self.settle(timeout_s)
        for partition in owned:
            partition.released = True
            self._owned.pop(partition.tp, None)
        self._kept = {p.tp: p for p in owned if p.fold is not None and not p.in_hand}

    async def settle(self, timeout_s: float) -> None:
        """Before a revocation or the end: finish the batches in hand and commit, in this time or not at all."""
        for task in self._take_overs:
            task.cancel()
        deadline = monotonic() + timeout_s
        try:
            async with asyncio.timeout(timeout_s):
                await self._idle.wait()
        except TimeoutError:
            logger.warning(
                "a batch was not finished in %.1f s; its next owner repeats it",
                timeout_s,
                extra=event("batch_unfinished", waited_s=timeout_s),
            )
        await self.commit(max(deadline - monotonic(), timeout_s / 4))

    # Batch by batch

    @contextmanager
    def processing(self, batch: Batch) -> Iterator[Partition | None]:
        """The owned partition of a batch, while it is folded; None when it was revoked since it was fetched.

        Raises:
            OwnershipBroken: records between the position and the batch are missing.
        """
        partition = self._owned.get(batch.tp)
        if partition is None or partition.generation != batch.generation or partition.fold is None:
            yield None
            return
        if batch.start > partition.position:
            msg = f"{batch.tp}: a batch starts at {batch.start}, the position is {partition.position}"
            raise OwnershipBroken(msg)
        partition.in_hand = True
        self._in_hand += 1
        self._idle.clear()
        try:
            yield partition
        finally:
            self._in_hand -= 1
            if not self._in_hand:
                self._idle.set()

    def ready(self, generation: int) -> list[TopicPartition]:
        """The partitions to read from."""
        return [tp for tp, p in self._owned.items() if p.fold is not None and p.generation == generation]

    def heard_of(self, tp: TopicPartition, end: int | None, heard_at: float | None) -> None:
        """Note the end of a partition's log, and when the broker told it."""
        partition = self._owned.get(tp)
        if partition is not None and end is not None:
            partition.end, partition.heard_at = end, heard_at

    async def commit(self, timeout_s: float) -> None:
        """Commit what was acknowledged since the last time; what is not answered in time is tried again later."""
        try:
            async with asyncio.timeout(timeout_s), self._committing:
                by_generation: dict[int, dict[Partition, Commit]] = {}
                for partition in self._owned.values():
                    due = partition.due()
                    if due is not None:
                        by_generation.setdefault(partition.generation, {})[partition] = due
                for generation, dues in by_generation.items():
                    await self._commit(generation, dues)
        except TimeoutError:
            logger.warning(
                "a commit was not answered in %.1f s",
                timeout_s,
                extra=event("commit_unanswered", waited_s=timeout_s),
            )

    async def _commit(self, generation: int, dues: Mapping[Partition, Commit]) -> None:
        if await self.group.commit_as({p.tp: due for p, due in dues.items()}, generation):
            for partition, due in dues.items():
                partition.committed = due
                partition.due_since = None if partition.due() is None else monotonic()

    async def committed(self, tps: Iterable[TopicPartition]) -> Mapping[TopicPartition, Commit]:
        """What the group has committed, whoever owns the partitions."""
        return await self.group.committed(tps)

    async def ends(self, tps: Iterable[TopicPartition]) -> Mapping[TopicPartition, int]:
        """Ends of logs, whoever owns the partitions."""
        return await self.group.ends(tps)

    def facts(self) -> list[Facts]:
        """How every owned partition stands."""
        return [partition.facts() for partition in self._owned.values()]

    def folds(self) -> dict[TopicPartition, Fold]:
        """The folds that are taken over, by partition."""
        return {tp: partition.fold for tp, partition in self._owned.items() if partition.fold is not None}
