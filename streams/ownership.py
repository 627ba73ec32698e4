"""Which folds this worker owns now, how far each is, and what may be committed.

A partition is taken over as soon as it is assigned, in the background, whether or not anything comes from it. Then
the consumer reads it from where the fold stands, and its agent folds batch after batch. What was acknowledged is
committed at an interval, when the partition is revoked and at the end, always under the generation it was assigned in:
a worker that was paused and wakes under an old one moves nothing.
"""

import asyncio
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import monotonic
from typing import NamedTuple, Protocol

from aiokafka import ConsumerRecord, TopicPartition

from streams.core.fold import Fold
from streams.recovery import Commit, OpenFold, Progress, Recovery

logger = logging.getLogger(__name__)


class Batch(NamedTuple):
    """Records of one partition, in order, as one event of a Faust stream."""

    tp: TopicPartition
    generation: int  # of the group, when they were fetched
    records: Sequence[ConsumerRecord]  # empty: just taken over, or nothing but a hole
    end: int  # position after the batch, past holes (compacted records, control records)


class Group(Protocol):
    """What ownership needs of the consumer group."""

    async def committed(self, tps: Iterable[TopicPartition]) -> Mapping[TopicPartition, Commit]:
        """Offset and metadata the group has committed; a partition without a commit is left out."""

    async def commit_as(self, offsets: Mapping[TopicPartition, Commit], generation: int) -> bool:
        """Commit; False when the group has moved on to another generation, which then moved nothing."""

    async def read_from(self, tp: TopicPartition, offset: int, generation: int) -> None:
        """Read `tp` from `offset` on, if the generation is still this one."""

    async def fail(self, reason: BaseException) -> None:
        """End the worker."""


class Facts(NamedTuple):
    """How one owned partition stands; plain values for health and metrics. Instants are monotonic seconds."""

    tp: TopicPartition
    taken_over: bool
    take_over: Progress
    position: int | None  # next offset to fold; None while it is being taken over
    end: int | None  # end of the log as last heard of; None: not yet
    lag: int | None  # records (and holes) between them
    progressed_at: float  # when the position last moved, or the partition was assigned
    committed: int | None
    commit_due_since: float | None  # since when something acknowledged waits to be committed


@dataclass(slots=True, eq=False)
class Partition:
    """One partition as this worker owns it, in one generation of the group."""

    tp: TopicPartition
    generation: int
    progress: Progress = field(default_factory=Progress)
    fold: Fold | None = None
    position: int = -1
    metadata: str = ""
    committed: Commit | None = None
    end: int | None = None
    progressed_at: float = field(default_factory=monotonic)
    due_since: float | None = None
    announced: bool = False
    released: bool = False

    def advance(self, end: int) -> None:
        """Everything below `end` is folded and acknowledged; does nothing once the partition is released."""
        if self.released or self.fold is None:
            return
        position = max(end, self.fold.position)
        if position != self.position:
            self.progressed_at = monotonic()
        self.position, self.metadata = position, self.fold.metadata()
        if self.due_since is None and self.due() is not None:
            self.due_since = monotonic()

    def due(self) -> Commit | None:
        """What is to be committed, if anything."""
        commit = Commit(self.position, self.metadata)
        return commit if self.fold is not None and commit != self.committed else None

    def facts(self) -> Facts:
        """How it stands now."""
        position = self.position if self.fold is not None else None
        lag = None if position is None or self.end is None else max(self.end - position, 0)
        committed = self.committed.offset if self.committed else None
        return Facts(
            self.tp,
            self.fold is not None,
            self.progress,
            position,
            self.end,
            lag,
            self.progressed_at,
            committed,
            self.due_since,
        )


class Ownership:
    """The partitions this worker owns now."""

    def __init__(self, folds: Mapping[str, OpenFold], recovery: Recovery) -> None:
        """Own nothing yet.

        Args:
            folds: per topic, how to open the fold of one of its partitions.
            recovery: how to take a partition over.
        """
        self.topics = frozenset(folds)
        self._folds = dict(folds)
        self._recovery = recovery
        self._group: Group | None = None
        self._owned: dict[TopicPartition, Partition] = {}
        self._take_overs: set[asyncio.Task[None]] = set()
        self._processing = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._committing = asyncio.Lock()

    def attach(self, group: Group) -> None:
        """Say which consumer group this is about; called once, by the consumer."""
        self._group = group

    @property
    def group(self) -> Group:
        """The consumer group."""
        if self._group is None:
            msg = "ownership has no consumer group; use streams.batching.new_app"
            raise RuntimeError(msg)
        return self._group

    def assign(self, tps: Iterable[TopicPartition], generation: int) -> None:
        """Begin to take over what was just assigned."""
        for tp in tps:
            if tp.topic in self.topics:
                partition = self._owned[tp] = Partition(tp, generation)
                task = asyncio.ensure_future(self._take_over(partition))
                self._take_overs.add(task)
                task.add_done_callback(self._take_overs.discard)

    async def _take_over(self, partition: Partition) -> None:
        tp = partition.tp
        try:
            partition.committed = (await self.group.committed([tp])).get(tp)
            fold, start = await self._recovery.take_over(
                tp, partition.committed, self._folds[tp.topic], partition.progress
            )
            await self.group.read_from(tp, start, partition.generation)
        except Exception as reason:  # noqa: BLE001 - whatever it is, the worker ends and says it
            if not partition.released:
                await self.group.fail(reason)
            return
        if not partition.released:
            partition.fold = fold
            partition.advance(start)

    async def release(self, timeout_s: float) -> None:
        """Give everything up: finish the batches in hand, commit, drop the folds.

        Args:
            timeout_s: how long each of the two may take; what is not committed then is done again by the next owner.
        """
        owned = list(self._owned.values())
        for task in self._take_overs:
            task.cancel()
        await self.settle(timeout_s)
        for partition in owned:
            partition.released = True
            if self._owned.get(partition.tp) is partition:
                del self._owned[partition.tp]

    async def settle(self, timeout_s: float) -> None:
        """Finish the batches in hand and commit what was acknowledged."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._idle.wait()
        except TimeoutError:
            logger.warning("a batch is not finished after %.1f s; its next owner repeats it", timeout_s)
        await self.commit(timeout_s)

    @contextmanager
    def processing(self, batch: Batch) -> Iterator[Partition | None]:
        """The owned partition of a batch, while it is folded; None when it was revoked since it was fetched."""
        partition = self._owned.get(batch.tp)
        if partition is None or partition.generation != batch.generation or partition.fold is None:
            yield None
            return
        self._processing += 1
        self._idle.clear()
        try:
            yield partition
        finally:
            self._processing -= 1
            if not self._processing:
                self._idle.set()

    def ready(self) -> list[TopicPartition]:
        """The partitions to read from."""
        return [tp for tp, partition in self._owned.items() if partition.fold is not None]

    def announce(self) -> Iterator[Batch]:
        """An empty batch for each partition that was taken over since the last call."""
        for tp, partition in list(self._owned.items()):
            if partition.fold is not None and not partition.announced:
                partition.announced = True
                yield Batch(tp, partition.generation, (), partition.position)

    def heard_of(self, tp: TopicPartition, end: int | None) -> None:
        """Note the end of a partition's log."""
        partition = self._owned.get(tp)
        if partition is not None and end is not None:
            partition.end = end

    async def commit(self, timeout_s: float) -> None:
        """Commit what was acknowledged since the last time."""
        async with self._committing:
            by_generation: dict[int, dict[Partition, Commit]] = {}
            for partition in self._owned.values():
                due = partition.due()
                if due is not None:
                    by_generation.setdefault(partition.generation, {})[partition] = due
            for generation, dues in by_generation.items():
                await self._commit(generation, dues, timeout_s)

    async def _commit(self, generation: int, dues: Mapping[Partition, Commit], timeout_s: float) -> None:
        try:
            async with asyncio.timeout(timeout_s):
                moved = await self.group.commit_as({p.tp: due for p, due in dues.items()}, generation)
        except TimeoutError:
            logger.warning("commit of %d partitions not answered in %.1f s", len(dues), timeout_s)
            return
        if moved:
            for partition, due in dues.items():
                partition.committed = due
                partition.due_since = None if partition.due() is None else monotonic()

    def facts(self) -> list[Facts]:
        """How every owned partition stands."""
        return [partition.facts() for partition in self._owned.values()]
