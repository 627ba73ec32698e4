"""List-backed stand-ins for the shell's neighbours: the group, the publisher, a log."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from aiokafka import TopicPartition

from schemas.emissions import Outgoing
from schemas.events import Entry
from streams.recovery import Commit


class FakeGroup:
    """A group whose commits are a dict, and which remembers what it was asked."""

    def __init__(self) -> None:
        self.generation = 1
        self.commits: dict[TopicPartition, Commit] = {}
        self.asked: list[Mapping[TopicPartition, Commit]] = []
        self.positions: dict[TopicPartition, int] = {}
        self.failures: list[BaseException] = []
        self.log_ends: dict[TopicPartition, int] = {}
        self.answers = asyncio.Event()
        self.answers.set()

    async def committed(self, tps: Iterable[TopicPartition]) -> dict[TopicPartition, Commit]:
        return {tp: self.commits[tp] for tp in tps if tp in self.commits}

    async def ends(self, tps: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        return {tp: self.log_ends[tp] for tp in tps if tp in self.log_ends}

    async def commit_as(self, offsets: Mapping[TopicPartition, Commit], generation: int) -> bool:
        await self.answers.wait()
        self.asked.append(dict(offsets))
        if generation != self.generation:
            return False
        self.commits.update(offsets)
        return True

    async def read_from(self, tp: TopicPartition, offset: int, generation: int) -> None:
        if generation == self.generation:
            self.positions[tp] = offset

    async def fail(self, reason: BaseException) -> None:
        self.failures.append(reason)


class FakePublisher:
    """Acknowledges everything at once."""

    def __init__(self) -> None:
        self.sent: list[Outgoing] = []

    async def publish(self, emissions: Sequence[Outgoing]) -> None:
        self.sent += emissions


class FakeLog:
    """A log of one partition, read as through `AIOKafkaConsumer`; `end` may lie past the last record (a hole)."""

    def __init__(
        self, entries: Iterable[Entry], *, start: int = 0, end: int | None = None, fetch: int = 1000
    ) -> None:
        self.entries = list(entries)
        self.start_offset = start
        self.end = end if end is not None else (self.entries[-1].offset + 1 if self.entries else start)
        self.fetch = fetch
        self.at = -1
        self.stopped = False
        self.stands_still_at: int | None = None
        self.error: Exception | None = None

    def __call__(self, **config: Any) -> "FakeLog":
        self.config = config
        return self

    async def start(self) -> None:
        pass

    async def stop(self) -> None:
        self.stopped = True

    async def beginning_offsets(self, tps: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(tps, self.start_offset)

    async def end_offsets(self, tps: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(tps, self.end)

    def assign(self, tps: Iterable[TopicPartition]) -> None:
        pass

    def seek(self, tp: TopicPartition, offset: int) -> None:
        self.at = offset

    async def getmany(
        self, tp: TopicPartition, timeout_ms: int, max_records: int
    ) -> dict[TopicPartition, list[Entry]]:
        await asyncio.sleep(0)
        if self.error is not None:
            raise self.error
        if self.stands_still_at is not None and self.at >= self.stands_still_at:
            return {}
        found = [entry for entry in self.entries if entry.offset >= self.at][: min(self.fetch, max_records)]
        last = not found or found[-1] is self.entries[-1]
        self.at = self.end if last else found[-1].offset + 1
        return {tp: found} if found else {}

    async def position(self, tp: TopicPartition) -> int:
        return self.at


def entries(offsets: Iterable[int], key: str = "k") -> list[Entry]:
    return [Entry(offset, 0, key.encode(), b"v") for offset in offsets]
