"""A topic, a group, workers that are processes of their own, and the question whether what they sent is right."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import aiokafka
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupCoordinatorNotAvailableError, NotCoordinatorForGroupError
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from tests.kafka.log_bounds import log_bounds

ROOT = Path(__file__).resolve().parent.parent.parent


def wait_until(holds: Callable[[], Any], what: str, timeout_s: float = 60.0) -> Any:
    """Ask until the answer is true, and return it; fail with `what` when that is not in time."""
    deadline = time.monotonic() + timeout_s
    while not (answer := holds()):
        assert time.monotonic() < deadline, f"not in {timeout_s:g} s: {what}"
        time.sleep(0.05)
    return answer


class ToyProcess:
    """A worker as a process; `tests.shell.toy` is what it runs."""

    def __init__(self, directory: Path, name: str, config: Mapping[str, Any]) -> None:
        self.log = directory / f"{name}.jsonl"
        self.said = directory / f"{name}.log"
        command = [sys.executable, "-m", "tests.shell.toy", json.dumps({**config, "log": str(self.log)})]
        with self.said.open("ab") as out:
            self.process = subprocess.Popen(
                command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env={**os.environ}
            )

    def told(self, what: str) -> list[dict[str, Any]]:
        if not self.log.exists():
            return []
        lines = self.log.read_text().split("\n")[:-1]
        return [fact for line in lines if (fact := json.loads(line))["what"] == what]

    def facts(self) -> dict[int, tuple[bool, int | None, int | None, int | None]]:
        """What it last said of the partitions it owns: taken over, position, end, lag."""
        told = self.told("facts")
        return {int(number): tuple(values) for number, values in told[-1]["facts"].items()} if told else {}

    def owns(self) -> set[int]:
        return {number for number, (taken_over, *_) in self.facts().items() if taken_over}

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def wait(self, timeout_s: float = 30.0) -> int:
        return self.process.wait(timeout_s)

    def stop(self) -> float:
        """SIGTERM; how long it took to end, in seconds. It must end in order."""
        began = time.monotonic()
        self.signal(signal.SIGTERM)
        assert self.wait() == 0, self.said.read_text()[-3000:]
        return time.monotonic() - began


class World:
    """Topics, a group and workers."""

    def __init__(self, broker: str, prefix: str, directory: Path, partitions: int = 1) -> None:
        self.broker = broker
        self.topic, self.out, self.group = f"{prefix}in", f"{prefix}out", f"{prefix}group"
        self.partitions = partitions
        self.directory = directory
        self.admin = AdminClient({"bootstrap.servers": broker})
        self.running = ExitStack()
        self.workers: list[ToyProcess] = []

    def create(self, config: Mapping[str, str] | None = None) -> None:
        topics = [NewTopic(self.topic, self.partitions, config=dict(config or {})), NewTopic(self.out, 2)]
        for made in self.admin.create_topics(topics).values():
            made.result()

    def create_again(self) -> None:
        """Make the topic that was deleted."""
        for made in self.admin.create_topics([NewTopic(self.topic, self.partitions)]).values():
            made.result()

    def reset(self, offset: int) -> None:
        """Commit an offset for partition 0, as an operator's tool would."""
        consumer = Consumer({"bootstrap.servers": self.broker, "group.id": self.group})
        try:
            consumer.commit(offsets=[TopicPartition(self.topic, 0, offset)], asynchronous=False)
        finally:
            consumer.close()

    def delete_below(self, offset: int) -> None:
        """Delete the beginning of partition 0, as retention would."""
        for done in self.admin.delete_records([TopicPartition(self.topic, 0, offset)]).values():
            done.result()

    def produce(self, count: int, *, keys: int = 7, value: bytes = b"x" * 50, **producer: Any) -> None:
        """Records with keys k0, k1, … in turn, to the partitions in turn; returns when they are in the log."""
        config = {"bootstrap.servers": self.broker, "linger.ms": 5, "queue.buffering.max.messages": 500_000}
        sender = Producer({**config, **producer})
        for number in range(count):
            sender.produce(self.topic, value, f"k{number % keys}", number % self.partitions)
            if not number % 1000:
                sender.poll(0)
        assert sender.flush(60) == 0

    def worker(self, **config: Any) -> ToyProcess:
        """Start a worker."""
        given = {"broker": self.broker, "group": self.group, "topic": self.topic, "out": self.out, **config}
        worker = ToyProcess(self.directory, f"worker-{len(self.workers)}", given)
        self.workers.append(worker)
        self.running.callback(worker.process.wait)
        self.running.callback(worker.process.kill)
        return worker

    def close(self) -> None:
        self.running.close()

    # What Kafka says

    def tps(self) -> list[TopicPartition]:
        return [TopicPartition(self.topic, number) for number in range(self.partitions)]

    def commits(self) -> dict[int, tuple[int, str]]:
        """Per partition that has one: committed offset and metadata.

        Asked through aiokafka: confluent-kafka 2.16.1 reads the metadata past its end, and sometimes crashes on it.
        """
        return asyncio.run(self._commits())

    async def _commits(self) -> dict[int, tuple[int, str]]:
        asked = [aiokafka.TopicPartition(self.topic, number) for number in range(self.partitions)]
        admin = AIOKafkaAdminClient(bootstrap_servers=self.broker)
        await admin.start()
        try:
            for _ in range(100):  # a broker that just started has no coordinator yet
                with suppress(GroupCoordinatorNotAvailableError, NotCoordinatorForGroupError):
                    told = await admin.list_consumer_group_offsets(self.group, partitions=asked)
                    return {
                        tp.partition: (at.offset, at.metadata) for tp, at in told.items() if at.offset >= 0
                    }
                await asyncio.sleep(0.1)
            raise AssertionError
        finally:
            await admin.close()

    def bounds(self) -> dict[int, tuple[int, int]]:
        """Per partition: first offset and end."""
        with self._consumer() as consumer:
            return {tp.partition: log_bounds(consumer, tp) for tp in self.tps()}

    def at_end(self) -> bool:
        """Whether the commits have reached the end of every partition."""
        committed = self.commits()
        return all(committed.get(number, (-1, ""))[0] == end for number, (_, end) in self.bounds().items())

    def wait_for_end(self, timeout_s: float = 60.0) -> None:
        wait_until(self.at_end, "the commits reach the end", timeout_s)

    @contextmanager
    def _consumer(self) -> Iterator[Consumer]:
        consumer = Consumer(
            {
                "bootstrap.servers": self.broker,
                "group.id": "none",
                "enable.auto.commit": False,
                "isolation.level": "read_committed",
            }
        )
        try:
            yield consumer
        finally:
            consumer.close()

    def read(self, topic: str, partitions: Iterable[int]) -> list[Any]:
        """Everything in a topic, partition by partition."""
        found: list[Any] = []
        with self._consumer() as consumer:
            for number in partitions:
                tp = TopicPartition(topic, number)
                start, end = log_bounds(consumer, tp)
                tp.offset = start
                consumer.assign([tp])
                while consumer.position([tp])[0].offset < end and start < end:
                    found += [m for m in consumer.consume(1000, timeout=0.5) if m.error() is None]
        return found

    def outputs(self) -> list[dict[str, Any]]:
        """What was sent, in order per partition."""
        return [json.loads(message.value()) for message in self.read(self.out, range(2))]

    # Whether it is right

    def check(self, version: int = 1) -> None:
        """Every total sent is the number of records below its label; nothing below a commit is missing.

        Labels of one partition may repeat (an owner ended before it committed), but never with another content.
        """
        log: dict[tuple[int, str], list[int]] = {}
        for record in self.read(self.topic, range(self.partitions)):
            log.setdefault((record.partition(), record.key().decode()), []).append(record.offset())
        greatest: dict[tuple[int, str], int] = {}
        for output in self.outputs():
            if output["version"] == version:
                for key, total in output["totals"].items():
                    place = output["from"], key
                    assert total == bisect_left(log[place], output["upto"]), (output, key)
                    greatest[place] = max(output["upto"], greatest.get(place, -1))
        committed = self.commits()
        for (number, key), offsets in log.items():
            below = bisect_left(offsets, committed.get(number, (0, ""))[0])
            if below:
                assert greatest.get((number, key), -1) > offsets[below - 1], f"{key} of {number} is missing"
