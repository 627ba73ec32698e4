"""What is measured, as it is deployed: topics on a real Kafka, one `vigil worker` process, and who holds `cells`.

The worker is paused (SIGSTOP) when it owns its partitions and waits; then the whole log is published, and the clock
starts when it goes on. So all of its work is in the figures, none of its start is, and the generator takes no part of
the two cores. The clock ends at the broker's own timestamp of the last record that had to be written.
"""

import asyncio
import re
import signal
import threading
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Self

import orjson
from confluent_kafka import Consumer, Message, Producer, TopicPartition

from bench.logs import Log
from bench.process import Usage, usage
from streams.batching.member import Member
from tests.kafka.deployment import Deployment, WorkerProcess

STILL_S = 60.0  # nothing new for this long: something is wrong
LABEL = re.compile(rb'"offset":(\d+)')
TOOK_OVER = re.compile(r"took over \S*incidents\[0\]: (\d+) records in ([\d.]+) s")
URL = re.compile(r"answers on (\S+)")


class Measured(NamedTuple):
    """What one run of a process took."""

    events: int
    seconds: float
    cpu_us: float  # per event, user and system, all threads
    peak_mb: float
    extra: Mapping[str, float] = {}


@dataclass
class Tail:
    """Follows one of our own topics from its start, keeping what it reads."""

    consumer: Consumer
    messages: list[Message]

    @classmethod
    def of(cls, broker: str, topic: str) -> Self:
        """Follow partition 0 of a topic."""
        settings = {"bootstrap.servers": broker, "group.id": "none", "enable.auto.commit": False}
        consumer = Consumer({**settings, "fetch.message.max.bytes": 16_000_000, "fetch.wait.max.ms": 50})
        consumer.assign([TopicPartition(topic, 0, 0)])
        return cls(consumer, [])

    def read(self, timeout_s: float = 0.05) -> list[Message]:
        """What came since the last time."""
        fresh = [each for each in self.consumer.consume(10_000, timeout_s) if each.error() is None]
        self.messages += fresh
        return fresh

    def until(self, holds: Callable[[list[Message]], bool]) -> None:
        """Read until `holds` says so of what is fresh."""
        moved_at = time.monotonic()
        while not holds(fresh := self.read()):
            if fresh:
                moved_at = time.monotonic()
            if time.monotonic() > moved_at + STILL_S:
                message = f"nothing came for {STILL_S:g} s after {len(self.messages)} records"
                raise TimeoutError(message)

    def read_all(self, end: int) -> None:
        """Read up to an offset."""
        self.until(
            lambda fresh: (fresh or self.messages)[-1:] != [] and self.messages[-1].offset() + 1 >= end
        )

    def values(self) -> list[Any]:
        """Everything read so far, decoded."""
        return [orjson.loads(each.value()) for each in self.messages]

    @property
    def last_at(self) -> float:
        """The broker's timestamp of the last record, seconds."""
        return float(self.messages[-1].timestamp()[1]) / 1000

    def close(self) -> None:
        """Disconnect, and let go of what was read."""
        self.consumer.close()
        self.messages = []


class Deployed:
    """Topics of a run of their own, and the worker on them."""

    def __init__(self, broker: str, folder: Path, partitions: int = 4, **environment: str) -> None:
        """Make the topics."""
        self.broker = broker
        self.prefix = f"bench-{uuid.uuid4().hex[:8]}-"
        settings = {"VIGIL_WORKER_SESSION_TIMEOUT": "120s", **environment}
        self.vigil = Deployment(broker, self.prefix, folder, **settings)
        self.vigil.apply_topics(partitions)

    def publish(self, log: Log) -> None:
        """Write a log to its topics; returns when all of it is acknowledged."""
        producer = Producer(
            {
                "bootstrap.servers": self.broker,
                "linger.ms": 20,
                "batch.size": 262_144,
                "queue.buffering.max.messages": 500_000,
            }
        )
        for (topic, number), records in log.records.items():
            for key, value, at in records:
                while True:
                    with suppress(BufferError):
                        producer.produce(self.prefix + topic, value, key, number, timestamp=at)
                        break
                    producer.poll(0.05)
            producer.poll(0)
        assert producer.flush(60) == 0

    def worker(self) -> "WorkerUnderLoad":
        """Start a worker; returns when it owns its partitions and waits for messages."""
        return WorkerUnderLoad(self.vigil.worker())

    def labels(self, ends: Mapping[tuple[str, int], int]) -> dict[bytes, int]:
        """Key of the messages of `cells` → the label they end with, of source partitions and their ends."""
        return {f"{self.prefix}{topic}-{number}".encode(): end for (topic, number), end in ends.items()}

    def tail(self, topic: str) -> Tail:
        """Follow one of the topics."""
        return Tail.of(self.broker, self.prefix + topic)

    @contextmanager
    def cells_held(self) -> Iterator[None]:
        """Another member of the group owns `cells` and does nothing: a worker that comes has intake alone."""
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever, daemon=True)
        thread.start()

        def run(coroutine: Any) -> Any:
            return asyncio.run_coroutine_threadsafe(coroutine, loop).result(60)

        async def join() -> Member:
            client = {"bootstrap_servers": self.broker}
            member = Member(
                client, f"{self.prefix}vigil", session_timeout_ms=120_000, rebalance_timeout_ms=20_000
            )
            member.consumer.subscribe([f"{self.prefix}cells"])
            await member.consumer.start()
            while not member.consumer.assignment():  # noqa: ASYNC110 -- aiokafka has no event for it
                await asyncio.sleep(0.05)
            return member

        member = run(join())
        try:
            yield
        finally:
            run(member.leave(5.0))
            loop.call_soon_threadsafe(loop.stop)
            thread.join()

    def close(self) -> None:
        """End what is left."""
        self.vigil.__exit__()


class WorkerUnderLoad:
    """A `vigil worker` that is paused, goes on, and is measured."""

    def __init__(self, process: WorkerProcess) -> None:
        """Wait until it is ready."""
        self.process = process
        self.pid = process.process.pid
        deadline = time.monotonic() + STILL_S
        while not self.ready():
            if process.process.poll() is not None or time.monotonic() > deadline:
                raise TimeoutError(process.log[-2000:])
            time.sleep(0.1)

    @property
    def url(self) -> str | None:
        """Where it answers."""
        found = URL.search(self.process.log)
        return found[1] if found else None

    def ready(self) -> bool:
        """Whether it owns partitions that are taken over."""
        if self.url is None:
            return False
        with suppress(OSError), urllib.request.urlopen(f"{self.url}/readyz", timeout=5) as answer:
            return bool(answer.status == 200)
        return False

    def took_over(self) -> tuple[int, float]:
        """Records of the log that it folded again, and how long that took, seconds; of one partition."""
        found = TOOK_OVER.search(self.process.log)
        assert found is not None, self.process.log[-2000:]
        return int(found[1]), float(found[2])

    def scrape_ms(self, times: int = 10) -> float:
        """CPU that one answer of /metrics takes, milliseconds."""
        before = self.used().cpu_s
        for _ in range(times):
            urllib.request.urlopen(f"{self.url}/metrics", timeout=10).read()
        return (self.used().cpu_s - before) / times * 1000

    def pause(self) -> None:
        """Let it do nothing."""
        self.process.signal(signal.SIGSTOP)

    def go_on(self) -> tuple[float, Usage]:
        """Let it work; when that was (seconds), and what it had used."""
        used = usage(self.pid)
        self.process.signal(signal.SIGCONT)
        return time.time(), used

    def used(self) -> Usage:
        """What it has used so far."""
        return usage(self.pid)


def labels_reach(ends: Mapping[bytes, int]) -> Callable[[list[Message]], bool]:
    """Whether messages of `cells` have come that cover every source partition up to its end."""
    missing = dict(ends)

    def holds(fresh: list[Message]) -> bool:
        for message in fresh:
            label = LABEL.search(message.value(), 0, 400)
            if label and int(label[1]) >= missing.get(message.key(), 1 << 62):
                del missing[message.key()]
        return not missing

    return holds
