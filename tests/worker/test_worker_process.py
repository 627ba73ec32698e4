"""A worker on a real Kafka as an operator meets it: its log, its health, its answers, its end."""

import json
from pathlib import Path

import pytest
from confluent_kafka import Producer

from schemas.instants import rfc3339
from tests.worker.process import WorkerProcess, vigil, wait_until, worker

pytestmark = [pytest.mark.kafka, pytest.mark.slow]
NOON = 1_795_435_200_000
MINUTE = 60_000


class City:
    """Topics of a test's own, and what is published there."""

    def __init__(self, broker: str, prefix: str, folder: Path) -> None:
        self.topic = f"{prefix}incidents"
        self.folder = folder
        self.producer = Producer({"bootstrap.servers": broker})
        self.environ = {
            "VIGIL_BROKER": broker,
            "VIGIL_TOPIC_PREFIX": prefix,
            "VIGIL_WEB_PORT": "0",
            "VIGIL_LOG_FORMAT": "json",
            "VIGIL_TOPICS_INCIDENTS_PARTITIONS": "2",
            "VIGIL_TOPICS_DISPATCHES_PARTITIONS": "1",
        }
        made = vigil("topics", "apply", **self.environ)
        assert made.returncode == 0, made.stderr

    def publish(self, *values: bytes, key: str = "k") -> None:
        for value in values:
            self.producer.produce(self.topic, value, key)
        assert self.producer.flush(30) == 0

    def incidents(self, count: int) -> None:
        """Burglaries a minute apart, with personal data that must not go anywhere."""
        for number in range(count):
            said = {
                "incident_id": f"I-{number}",
                "jurisdiction": "springfield",
                "updated_at": rfc3339(NOON + number * MINUTE),
                "reported_at": rfc3339(NOON + number * MINUTE),
                "zone": "B04",
                "crime_type": "burglary",
                "status": "pending",
                "caller_name": "Jane Roe",
            }
            self.producer.produce(
                self.topic, json.dumps(said), said["incident_id"], timestamp=NOON + number * MINUTE
            )
        for partition in range(2):
            beat = {"jurisdiction": "springfield", "heartbeat_at": rfc3339(NOON + (count + 2) * MINUTE)}
            self.producer.produce(self.topic, json.dumps(beat), partition=partition)
        assert self.producer.flush(30) == 0


@pytest.fixture
def city(kafka: str, topic_prefix: str, tmp_path: Path) -> City:
    return City(kafka, topic_prefix, tmp_path)


def test_worker_says_what_it_is_answers_and_ends_in_order(city: City) -> None:
    with worker(city.folder, city.environ) as running:
        running.wait_ready()
        city.incidents(30)
        wait_until(lambda: counted(running) == [("B04", "burglary", 30)], "it counts all")
        query = "jurisdiction=springfield&zone=B04&crime_type=burglary&window=1h"
        incidents = running.ask(f"/v1/incidents?{query}")[1]
        assert (incidents["count"], incidents["incident_ids"][0]) == (30, "I-29")
        assert running.ask("/healthz")[1]["alive"]
        assert running.ask("/v1/counts?jurisdiction=elsewhere")[1]["here"] == ["springfield"]
        metrics = running.ask("/metrics")[1]
        assert 'vigil_build_info{counting_version="1",fingerprint="' in metrics
        assert 'vigil_open_incidents{jurisdiction="springfield"} 30.0' in metrics
        assert 'vigil_calls_holding{jurisdiction="springfield",priority="unknown"} 30.0' in metrics
        assert running.stop() == 0
    assert_lines_are_events(running)
    (started,) = running.events("worker_started")
    prefix = city.environ["VIGIL_TOPIC_PREFIX"]
    assert f"{prefix}dispatches 0, {prefix}incidents 0-1" in started["owns"]
    assert running.events("worker_stopping")[0]["signal"] == "SIGTERM"
    assert running.events("worker_ended")[0]["code"] == 0


def counted(running: WorkerProcess) -> list[tuple[str, str, int]]:
    """Zone, crime type and incidents of the last 24 hours."""
    status, said = running.ask("/v1/counts?jurisdiction=springfield")
    cells = said["cells"] if status == 200 else []
    return [(cell["zone"], cell["crime_type"], cell["counts"]["24h"]) for cell in cells]


def assert_lines_are_events(running: WorkerProcess) -> None:
    """Every line is a JSON object with what every line has, and nobody is named."""
    for line in running.lines():
        said = json.loads(line)
        assert {"at", "level", "event", "message"} <= said.keys()
        assert said["event"] != "worker_engine", line
    assert "Jane" not in running.said.read_text()


BROKEN = [b"no JSON of Jane Roe"] * 150


def test_many_dead_letters_are_an_alarm_and_work_goes_on(city: City) -> None:
    with worker(city.folder, city.environ) as running:
        running.wait_ready()
        city.publish(*BROKEN)
        wait_until(lambda: running.events("dead_letters_above_share"), "it says so")
        assert 'vigil_dead_letter_share_ratio{topic="incidents"} 1.0' in running.ask("/metrics")[1]
        assert running.stop() == 0
    assert_lines_are_events(running)


def test_many_dead_letters_stop_the_worker_when_that_is_asked_for(city: City) -> None:
    environ = {**city.environ, "VIGIL_WORKER_STOP_ON_DEAD_LETTERS": "true"}
    with worker(city.folder, environ) as running:
        running.wait_ready()
        city.publish(*BROKEN)
        assert running.process.wait(60) == 1
    last = running.lines()[-1]
    assert last.startswith("vigil: incidents: 100.0% of the newest ")
    assert last.endswith("(header vigil-reason), and keeps its bytes")
    assert "Jane" not in running.said.read_text()


def test_worker_without_topics_says_what_to_do(kafka: str, topic_prefix: str) -> None:
    said = vigil("worker", VIGIL_BROKER=kafka, VIGIL_TOPIC_PREFIX=topic_prefix, VIGIL_WEB_PORT="0")
    assert said.returncode == 2
    assert "run: vigil topics apply" in said.stderr
