"""An alert's whole life on a real Kafka, as the board of `vigil alerts --follow` shows it: from raised to cleared."""

import json
import os
import pty
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from schemas.instants import rfc3339
from tests.kafka.log_bounds import log_bounds
from tests.worker.process import VIGIL, vigil, wait_until, worker

pytestmark = [pytest.mark.kafka, pytest.mark.slow]
MINUTE = 60_000
RULE = '[[rule]]\nname = "many"\ncrime_type = "burglary"\nat_least = 3\nwithin = "1h"\n'
ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class City:
    """Burglaries in one zone, minutes after a beginning that is long enough ago for the alert to end by now."""

    def __init__(self, broker: str, prefix: str, folder: Path) -> None:
        (folder / "rules.toml").write_text(RULE)
        self.environ = {
            "VIGIL_BROKER": broker,
            "VIGIL_TOPIC_PREFIX": prefix,
            "VIGIL_WEB_PORT": "0",
            "VIGIL_TOPICS_INCIDENTS_PARTITIONS": "1",
            "VIGIL_HEARTBEATS_ENABLED": "false",
            "VIGIL_DETECTION_RULES_FILE": str(folder / "rules.toml"),
        }
        made = vigil("topics", "apply", **self.environ)
        assert made.returncode == 0, made.stderr
        self.producer = Producer({"bootstrap.servers": broker})
        self.topic = f"{prefix}incidents"
        self.began = int(time.time() * 1000) // MINUTE * MINUTE - 165 * MINUTE

    def burglaries(self, *minutes: int, until: int) -> None:
        """Publish them, and that nothing else happened until a minute."""
        for minute in minutes:
            at = rfc3339(self.began + minute * MINUTE)
            said = {"incident_id": f"I-{minute}", "jurisdiction": "springfield", "zone": "B04"}
            said |= {"crime_type": "burglary", "updated_at": at, "reported_at": at}
            self._send(said, minute, said["incident_id"])
        beat = {"jurisdiction": "springfield", "heartbeat_at": rfc3339(self.began + until * MINUTE)}
        self._send(beat, until, None)
        assert self.producer.flush(30) == 0

    def _send(self, said: dict[str, str], minute: int, key: str | None) -> None:
        self.producer.produce(self.topic, json.dumps(said), key, 0, timestamp=self.began + minute * MINUTE)


class Board:
    """What a terminal of 100 columns was told to show."""

    def __init__(self, terminal: int) -> None:
        os.set_blocking(terminal, False)
        self._terminal = terminal
        self._said = ""

    def shows(self, *words: str) -> None:
        """Wait until all of these are on a screen drawn from now on."""
        self._said = ""
        wait_until(
            lambda: set(words) <= {word for word in words if word in self._read()}, f"{words} are shown"
        )

    def _read(self) -> str:
        with suppress(BlockingIOError):
            self._said += os.read(self._terminal, 1 << 20).decode(errors="replace")
        return ANSI.sub("", self._said)


@contextmanager
def board(environ: dict[str, str]) -> Iterator[Board]:
    """`vigil alerts --follow` on a terminal, ended by Ctrl-C."""
    ours, theirs = pty.openpty()
    size = {"COLUMNS": "100", "LINES": "30", "TERM": "xterm-256color"}
    process = subprocess.Popen(
        [VIGIL, "alerts", "--follow"],
        env={**os.environ, **environ, **size},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    try:
        yield Board(ours)
    finally:
        process.kill()
        process.wait(10)
        os.close(ours)


def test_board_shows_an_alert_from_raised_to_cleared(kafka: str, topic_prefix: str, tmp_path: Path) -> None:
    city = City(kafka, topic_prefix, tmp_path)
    with worker(tmp_path, city.environ) as running, board(city.environ) as screen:
        running.wait_ready()
        screen.shows("0 open", "Nothing is out of the ordinary")
        city.burglaries(0, 3, 5, until=8)
        screen.shows("1 open, 1 without an answer", "raised", "3 in 1h", "rule:many", "nobody yet")
        city.burglaries(12, 14, 15, until=17)
        screen.shows("escalated", "6 in 1h", "nobody yet")
        (alert,) = running.ask("/v1/alerts?jurisdiction=springfield")[1]["alerts"]
        assert_refused(alert["alert_id"] + "x", city)
        answer(alert["alert_id"], "acknowledged", city.environ)
        screen.shows("1 open, 0 without an answer", "updated", "desk 4")
        city.burglaries(18, 19, 20, 21, until=30)
        screen.shows("escalated", "9 in 1h", "desk 4")
        answer(alert["alert_id"], "confirmed", city.environ)
        screen.shows("updated", "10 in 1h", "desk 4: confirmed")
        city.burglaries(until=160)
        screen.shows("0 open", "cleared", "ended ", "desk 4: confirmed")
        assert running.stop() == 0


def answer(alert_id: str, verdict: str, environ: dict[str, str]) -> None:
    """What an operations centre does."""
    done = vigil("ack", alert_id, "--verdict", verdict, "--by", "desk 4", **environ)
    assert (done.returncode, done.stdout) == (0, f"{alert_id}: {verdict} by desk 4\n"), done.stderr


def assert_refused(alert_id: str, city: City) -> None:
    """An answer to no alert is not sent, and whoever gave it is told."""
    done = vigil("ack", alert_id, "--verdict", "confirmed", "--by", "desk 4", **city.environ)
    alerts = f"{city.environ['VIGIL_TOPIC_PREFIX']}alerts"
    assert (done.returncode, done.stdout, done.stderr) == (
        1,
        "",
        f'vigil: no alert "{alert_id}" is on the topic {alerts}, so nothing was sent; '
        "vigil alerts --all shows the ids\n",
    )
    consumer = Consumer({"bootstrap.servers": city.environ["VIGIL_BROKER"], "group.id": "none"})
    try:
        acks = f"{city.environ['VIGIL_TOPIC_PREFIX']}alert-acks"
        for number in consumer.list_topics(acks, timeout=20).topics[acks].partitions:
            assert log_bounds(consumer, TopicPartition(acks, number))[1] == 0
    finally:
        consumer.close()
