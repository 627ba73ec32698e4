"""Everything that the page on upgrades shows does what the page says: on a real Kafka, in its order."""

import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from confluent_kafka import Consumer, TopicPartition

from tests.docs.pages import blocks_of, run, said
from tests.kafka.broker import Cluster
from tests.kafka.log_bounds import log_bounds

PAGE = "docs/upgrade.md"
DEADLINE_S = 60


def counted(broker: str, topic: str) -> list[dict[str, object]]:
    """The records of `window-counts`."""
    consumer = Consumer({"bootstrap.servers": broker, "group.id": "-", "enable.auto.commit": False})
    try:
        place = TopicPartition(topic, 0, 0)
        _, end = log_bounds(consumer, place)
        consumer.assign([place])
        found: list[dict[str, object]] = []
        deadline = time.monotonic() + DEADLINE_S
        while len(found) < end and time.monotonic() < deadline:
            found += [
                json.loads(message.value()) for message in consumer.consume(500, 0.5) if not message.error()
            ]
        return found
    finally:
        consumer.close()


@contextmanager
def worker(command: str, folder: Path, environ: dict[str, str]) -> Iterator[None]:
    """A worker from the page; it must end in order."""
    words = shlex.split(command)
    own = dict(word.split("=", 1) for word in words if "=" in word)
    arguments = [word for word in words if "=" not in word][1:]
    vigil = str(Path(sys.executable).parent / "vigil")
    with (folder / "worker.log").open("wb") as log:
        process = subprocess.Popen(
            [vigil, *arguments], cwd=folder, env={**os.environ, **environ, **own}, stdout=log, stderr=log
        )
    try:
        yield
    finally:
        process.terminate()
        code = process.wait(30)
    assert code == 0, (folder / "worker.log").read_text()[-3000:]


def wait_for_type(broker: str, topic: str, crime_type: str, folder: Path) -> None:
    """Until something of this type was counted."""
    deadline = time.monotonic() + DEADLINE_S
    while crime_type not in {record["crime_type"] for record in counted(broker, topic)}:
        assert time.monotonic() < deadline, (folder / "worker.log").read_text()[-3000:]
        time.sleep(0.3)


@pytest.mark.slow
def test_page_does_what_it_says(tmp_path: Path, start_kafka: Callable[..., Cluster]) -> None:
    broker = start_kafka().bootstrap
    environ = {"VIGIL_BROKER": broker, "VIGIL_WEB_PORT": "0"}
    blocks = blocks_of(PAGE)
    expected = [block.body for block in blocks if block.kind == "text" and not block.file]
    workers = ["other", "robbery", "robbery"]  # the type that shows that each has counted
    for block in blocks:
        body = block.body
        if block.file:
            (tmp_path / block.file).parent.mkdir(exist_ok=True)
            (tmp_path / block.file).write_text(body)
        elif block.kind.startswith("sh worker"):
            prefix = block.kind.removeprefix("sh worker").strip()
            with worker(body, tmp_path, environ):
                wait_for_type(broker, f"{prefix}window-counts", workers.pop(0), tmp_path)
        elif block.kind == "sh refused":
            done = run(body, tmp_path, environ)
            assert (done.returncode, done.stdout) == (2, ""), said(done)
            assert done.stderr.startswith(" ".join(expected.pop(0).split())), said(done)
        elif block.kind == "sh":
            done = run(body, tmp_path, environ)
            assert done.returncode == 0, body + said(done)
    assert workers == expected == []
    assert {record["crime_type"] for record in counted(broker, "trial.window-counts")} == {
        "burglary",
        "robbery",
    }


def test_every_block_of_commands_is_run() -> None:
    kinds = {block.kind for block in blocks_of(PAGE)}
    assert kinds == {"toml", "csv", "text", "", "sh", "sh worker", "sh worker trial.", "sh refused"}
    assert not [block for block in blocks_of(PAGE) if block.not_run]
