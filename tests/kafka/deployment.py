"""Vigil as it is deployed: topics on a real Kafka, `vigil worker` processes, publishers, and the judge of the counts.

    with Deployment(kafka, topic_prefix, tmp_path) as vigil:
        vigil.apply_topics()
        worker = vigil.worker()
        vigil.produce(world_records(world))
        vigil.settle()
        vigil.assert_exact(CITY)

What was accepted is read back from the log itself: every record of `incidents` that has no dead letter.
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple, Self

import aiokafka
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupCoordinatorNotAvailableError, NotCoordinatorForGroupError
from confluent_kafka import Consumer, Producer, TopicPartition

from schemas.codec import encode_event
from schemas.events import Heartbeat, Incident
from schemas.vocabulary import CrimeType, IncidentStatus
from tests.kafka.log_bounds import log_bounds
from tests.oracle_bridge import (
    Accepted,
    Counting,
    Rules,
    announced,
    differences,
    expected_late,
    ms,
    said_by,
)
from tests.worlds import World

ROOT = Path(__file__).resolve().parent.parent.parent
SOURCES = ("incidents", "dispatches", "alert-acks")
STOP_S = 10.0  # SIGTERM ends a worker in less

PRODUCTION = Rules(
    pane_ms=60_000,
    windows={"15m": 900_000, "1h": 3_600_000, "6h": 21_600_000, "24h": 86_400_000, "7d": 604_800_000},
    out_of_orderness_ms=60_000,
    lateness_ms=3_600_000,
)
"""What the default configuration counts with."""


class Sent(NamedTuple):
    """One record to send, topic without the prefix; `at` is its Kafka timestamp, now when None."""

    topic: str
    partition: int
    key: bytes | None
    value: bytes | None
    at: int | None = None


def world_records(world: World) -> list[Sent]:
    """The messages of a random world, partition by partition."""
    return [
        Sent("incidents", number, entry.key, encode_event(entry.event))
        for number, log in enumerate(world.logs)
        for entry in log
    ]


def interleaved(records: Sequence[Sent]) -> list[Sent]:
    """The same records with partitions taking turns, each in its own order."""
    logs: dict[tuple[str, int], list[Sent]] = {}
    for record in records:
        logs.setdefault((record.topic, record.partition), []).append(record)
    places = [(at / len(log), at, each) for each, log in logs.items() for at in range(len(log))]
    return [logs[each][at] for _, at, each in sorted(places)]


def rules_environment(rules: Rules) -> dict[str, str]:
    """The configuration that counts by these rules."""

    def text(duration_ms: int) -> str:
        return f"{duration_ms // 1000}s" if duration_ms % 1000 == 0 else f"{duration_ms}ms"

    return {
        "VIGIL_COUNTING_PANE": text(rules.pane_ms),
        "VIGIL_COUNTING_WINDOWS": ",".join(text(width) for width in rules.windows.values()),
        "VIGIL_COUNTING_OUT_OF_ORDERNESS": text(rules.out_of_orderness_ms),
        "VIGIL_COUNTING_ALLOWED_LATENESS": text(rules.lateness_ms),
    }


def wait_until(holds: Callable[[], Any], what: str, timeout_s: float = 90.0) -> Any:
    """Ask until the answer is true, and return it; fail with `what` when that is not in time."""
    deadline = time.monotonic() + timeout_s
    while not (answer := holds()):
        assert time.monotonic() < deadline, f"not in {timeout_s:g} s: {what}"
        time.sleep(0.05)
    return answer


class WorkerProcess:
    """One `vigil worker`."""

    def __init__(self, environment: Mapping[str, str], said: Path) -> None:
        self.said = said
        with said.open("ab") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "streams.cli.main", "worker"],
                cwd=ROOT,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
            )

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def kill(self) -> None:
        """As when a machine is gone."""
        self.process.kill()
        self.process.wait(30)

    def stop(self) -> float:
        """SIGTERM; how long it took to end, in seconds. It must end in order."""
        began = time.monotonic()
        self.signal(signal.SIGTERM)
        code = self.process.wait(60)
        assert code == 0, self.log[-3000:]
        return time.monotonic() - began

    @property
    def log(self) -> str:
        return self.said.read_text(errors="replace")


class Deployment:
    """Topics, workers and publishers under one prefix."""

    def __init__(self, broker: str, prefix: str, directory: Path, **environment: str) -> None:
        self.broker, self.prefix, self.directory = broker, prefix, directory
        plain = {name: value for name, value in os.environ.items() if not name.startswith("VIGIL_")}
        self.environment = {
            **plain,
            "VIGIL_BROKER": broker,
            "VIGIL_TOPIC_PREFIX": prefix,
            "VIGIL_WEB_PORT": "0",
            "VIGIL_HEARTBEATS_ENABLED": "false",
            "VIGIL_WORKER_SESSION_TIMEOUT": "6s",
            "VIGIL_WORKER_COMMIT_INTERVAL": "200ms",
            **environment,
        }
        self.workers: list[WorkerProcess] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self.workers:
            if worker.process.poll() is None:
                worker.signal(signal.SIGCONT)
                worker.kill()

    # ---- what a person does

    def vigil(
        self, *arguments: str, timeout_s: float = 120.0, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a command."""
        return subprocess.run(
            [sys.executable, "-m", "streams.cli.main", *arguments],
            cwd=ROOT,
            env={**self.environment, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout_s,
        )

    def apply_topics(self, partitions: int = 4, cells: int = 1) -> None:
        """Make the topics."""
        for name, number in (("INCIDENTS", partitions), ("DISPATCHES", partitions), ("CELLS", cells)):
            self.environment[f"VIGIL_TOPICS_{name}_PARTITIONS"] = str(number)
        done = self.vigil("topics", "apply")
        assert done.returncode == 0, done.stderr

    def publish(self, *arguments: str) -> None:
        """`vigil publish`."""
        done = self.vigil("publish", *arguments)
        assert done.returncode == 0, done.stderr

    def worker(self, **environment: str) -> WorkerProcess:
        """Start a worker."""
        said = self.directory / f"{self.prefix}worker-{len(self.workers)}.log"
        worker = WorkerProcess({**self.environment, **environment}, said)
        self.workers.append(worker)
        return worker

    # ---- Kafka

    def produce(self, records: Iterable[Sent]) -> None:
        """Send records in order; returns when they are in the log."""
        producer = Producer(
            {"bootstrap.servers": self.broker, "linger.ms": 5, "message.max.bytes": 4_000_000}
        )
        for number, record in enumerate(records):
            stamp: dict[str, Any] = {} if record.at is None else {"timestamp": record.at}
            producer.produce(self.prefix + record.topic, record.value, record.key, record.partition, **stamp)
            if not number % 1000:
                producer.poll(0)
        assert producer.flush(60) == 0

    def read(self, topic: str) -> list[Any]:
        """Every record of a topic, partition by partition."""
        found: list[Any] = []
        consumer = self._consumer()
        try:
            for tp in self._partitions(consumer, topic):
                start, end = log_bounds(consumer, tp)
                tp.offset = start
                consumer.assign([tp])
                while start < end and consumer.position([tp])[0].offset < end:
                    found += [each for each in consumer.consume(5000, timeout=0.5) if each.error() is None]
        finally:
            consumer.close()
        return found

    def ends(self, *topics: str) -> dict[tuple[str, int], int]:
        """(topic, partition) → end of the log."""
        consumer = self._consumer()
        try:
            return {
                (topic, tp.partition): log_bounds(consumer, tp)[1]
                for topic in topics
                for tp in self._partitions(consumer, topic)
            }
        finally:
            consumer.close()

    def _consumer(self) -> Consumer:
        config = {"bootstrap.servers": self.broker, "group.id": "none", "enable.auto.commit": False}
        return Consumer({**config, "fetch.message.max.bytes": 16_000_000})

    def _partitions(self, consumer: Consumer, topic: str) -> list[TopicPartition]:
        name = self.prefix + topic
        listed = consumer.list_topics(name, timeout=20.0).topics[name].partitions
        return [TopicPartition(name, number) for number in sorted(listed)]

    def committed(self, *topics: str) -> dict[tuple[str, int], int]:
        """(topic, partition) → what the group has committed, where it has.

        Asked through aiokafka: confluent-kafka 2.16.1 reads the metadata past its end.
        """
        return asyncio.run(self._committed(list(self.ends(*topics))))

    async def _committed(self, places: Sequence[tuple[str, int]]) -> dict[tuple[str, int], int]:
        asked = [aiokafka.TopicPartition(self.prefix + topic, number) for topic, number in places]
        admin = AIOKafkaAdminClient(bootstrap_servers=self.broker)
        await admin.start()
        try:
            for _ in range(100):  # a broker that just started has no coordinator yet
                with suppress(GroupCoordinatorNotAvailableError, NotCoordinatorForGroupError):
                    told = await admin.list_consumer_group_offsets(f"{self.prefix}vigil", partitions=asked)
                    return {
                        (tp.topic.removeprefix(self.prefix), tp.partition): at.offset
                        for tp, at in told.items()
                        if at.offset >= 0
                    }
                await asyncio.sleep(0.1)
            raise AssertionError
        finally:
            await admin.close()

    def progress(self) -> float:
        """Share of `incidents` that is committed."""
        ends = self.ends("incidents")
        return sum(self.committed("incidents").values()) / max(sum(ends.values()), 1)

    def settle(self, still_s: float = 60.0) -> None:
        """Wait until everything in the log is folded, sent and committed, `cells` last.

        A machine that is shared may be slow; what must not happen is that nothing moves for `still_s`.
        """
        before: object = None
        moved_at = time.monotonic()
        while (now := self._left(SOURCES) or self._left(("cells",))) != {}:
            for worker in self.workers:
                code = worker.process.poll()
                assert code in (None, 0, -signal.SIGKILL), f"a worker ended with {code}: {worker.log[-3000:]}"
            if now != before:
                before, moved_at = now, time.monotonic()
            assert time.monotonic() < moved_at + still_s, f"not committed, and nothing moves: {now}"
            time.sleep(0.1)

    def _left(self, topics: Sequence[str]) -> dict[tuple[str, int], tuple[int, int | None]]:
        """(topic, partition) → (end, committed) where they differ."""
        ends, committed = self.ends(*topics), self.committed(*topics)
        return {at: (end, committed.get(at)) for at, end in ends.items() if committed.get(at) != end}

    # ---- the judge

    def records(self, topic: str) -> list[dict[str, Any]]:
        """Every record of a topic, decoded."""
        return [json.loads(message.value()) for message in self.read(topic)]

    def dead_letters(self) -> dict[tuple[str, int, int], Any]:
        """Coordinates → dead letter; repeats have to say the same."""
        found: dict[tuple[str, int, int], Any] = {}
        for message in self.read("dead-letters"):
            headers = {name: value.decode() for name, value in message.headers()}
            topic = headers["vigil-topic"].removeprefix(self.prefix)
            where = (topic, int(headers["vigil-partition"]), int(headers["vigil-offset"]))
            said = (message.key(), message.value(), headers)
            assert found.setdefault(where, said) == said, f"{where} has two dead letters"
        return found

    def accepted(self) -> list[Accepted]:
        """Every message of `incidents` that is no dead letter, read back from the log."""
        dead = self.dead_letters()
        topic = f"{self.prefix}incidents"
        return [
            Accepted(topic, message.partition(), message.offset(), event_of(json.loads(message.value())))
            for message in self.read("incidents")
            if ("incidents", message.partition(), message.offset()) not in dead
        ]

    def assert_exact(self, rules: Rules = PRODUCTION, counts_by: tuple[str, ...] = ("reported_at",)) -> None:
        """Every count at every tick that had to be published is what the log says; so is every late event."""
        accepted, counting = self.accepted(), Counting(rules, counts_by, type_of=type_of)
        assert accepted
        late, counts = self.records("late-events"), self.records("window-counts")
        assert announced(late) == expected_late(accepted, counting)
        for jurisdiction in sorted({each.event.jurisdiction for each in accepted}):  # type: ignore[attr-defined]
            mine = [each for each in accepted if each.event.jurisdiction == jurisdiction]  # type: ignore[attr-defined]
            said = [record for record in counts if record["jurisdiction"] == jurisdiction]
            until = self.last_tick(mine, rules)
            assert until > 0, f"nothing of {jurisdiction} had to be published: the test would judge nothing"
            assert max((ms(record["at"]) for record in said), default=until) <= until, "before its time"
            assert differences(mine, late, said, counting, until) == []

    def last_tick(self, accepted: Iterable[Accepted], rules: Rules) -> int:
        """The last tick of a jurisdiction that the watermark has reached: least over all partitions."""
        greatest = {number: -(1 << 62) for _, number in self.ends("incidents")}
        for each in accepted:
            event: Any = each.event
            at = event.heartbeat_at if isinstance(event, Heartbeat) else event.updated_at
            greatest[each.partition] = max(at, greatest[each.partition])
        return rules.last_published(min(greatest.values()))

    def final(self) -> dict[Any, Any]:
        """What `window-counts` says in the end; one revision with two contents raises."""
        return said_by(self.records("window-counts"))


def event_of(said: Mapping[str, Any]) -> Incident | Heartbeat:
    """A message of `incidents` as the oracle takes it."""
    if "heartbeat_at" in said:
        return Heartbeat(said["jurisdiction"], ms(said["heartbeat_at"]))

    def at(name: str) -> int | None:
        return None if said.get(name) is None else ms(said[name])

    updated_at = at("updated_at")
    assert updated_at is not None
    return Incident(
        incident_id=said["incident_id"],
        jurisdiction=said["jurisdiction"],
        updated_at=updated_at,
        status=IncidentStatus(said["status"]) if said.get("status") else None,
        type_code=said.get("type_code"),
        crime_type=said.get("crime_type"),
        zone=said.get("zone"),
        occurred_at=at("occurred_at"),
        reported_at=at("reported_at"),
        exercise=said.get("exercise"),
    )


def type_of(event: Incident) -> str | None:
    """The crime type a message says where no code is mapped."""
    code = event.crime_type or event.type_code
    return None if not code else code if code in list(CrimeType) else "other"
