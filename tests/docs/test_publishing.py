"""Everything that the page for publishers shows does what the page says: on a real Kafka, with a real worker."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from confluent_kafka import Consumer, TopicPartition
from jsonschema import Draft202012Validator

from schemas.codec import LARGEST_EVENT, PERSONAL_FIELDS
from schemas.vocabulary import Agency, CallSource, IncidentStatus, RejectReason, UnitStatus
from streams.contracts import CONTRACTS, document_of
from streams.outbox import partition_of
from tests.conftest import no_kafka
from tests.docs.pages import ROOT, blocks_of, run, said
from tests.kafka.broker import Cluster
from tests.kafka.log_bounds import log_bounds

PAGE = "docs/publishing.md"
BROKER = "127.0.0.1:9092"
DEADLINE_S = 60


@contextmanager
def worker(broker: str, folder: Path) -> Iterator[None]:
    """A worker as production runs it; it must end in order."""
    command = [str(Path(sys.executable).parent / "vigil"), "worker", "--web-port", "0"]
    with (folder / "worker.log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=folder, env={**os.environ, "VIGIL_BROKER": broker}, stdout=log, stderr=log
        )
    try:
        yield
    finally:
        process.terminate()
        code = process.wait(30)
    assert code == 0, (folder / "worker.log").read_text()[-3000:]


@pytest.mark.slow
def test_whoever_reads_only_this_page_succeeds_at_the_first_try(
    tmp_path: Path, start_kafka: Callable[..., Cluster]
) -> None:
    if shutil.which("kcat") is None:
        no_kafka("kcat is not installed")
    broker = start_kafka().bootstrap
    blocks = blocks_of(PAGE)
    assert not [block for block in blocks if block.not_run]
    scripts = [block for block in blocks if block.kind.startswith("sh")]
    assert len(scripts) >= 11
    first, *others = [block for block in blocks if block.file or block.kind.startswith("sh")]
    assert first.body == "vigil topics apply\n"
    environ = {"VIGIL_BROKER": broker}
    assert run(first.body, tmp_path, environ).returncode == 0
    with worker(broker, tmp_path):
        for block in others:
            body = block.body.replace(BROKER, broker)
            if block.file:
                (tmp_path / block.file).write_text(body)
            elif block.kind == "sh dead-letters":
                assert_dead_letters(body, tmp_path, environ)
            else:
                done = run(body, tmp_path, environ)
                assert done.returncode == (1 if block.kind == "sh exit-1" else 0), body + said(done)
    assert_what_became_of_it(tmp_path, broker)


def assert_dead_letters(script: str, folder: Path, environ: dict[str, str]) -> None:
    """Both wrong messages are there, with why."""
    deadline = time.monotonic() + DEADLINE_S
    while (done := run(script, folder, environ)).stdout.count("vigil-reason=") < 2:
        assert time.monotonic() < deadline, said(done) + (folder / "worker.log").read_text()[-3000:]
        time.sleep(0.2)
    naive, unknown = sorted(done.stdout.splitlines())
    assert naive.startswith(
        "2026-118401: vigil-reason=naive_time,vigil-message=updated_at: 2026-03-02T22:30:00 has no"
    )
    assert unknown.startswith("2026-118402: vigil-reason=unknown_word,vigil-message=status: ")
    assert "vigil-topic=incidents" in naive


def assert_what_became_of_it(folder: Path, broker: str) -> None:
    """Every message of the page is on the topic, in one partition per incident, and is what the page says."""
    done = run("vigil check --topic incidents --json", folder, {"VIGIL_BROKER": broker})
    assert done.returncode == 1, said(done)
    *outcomes, last = [json.loads(line) for line in done.stdout.splitlines()]
    of = {
        key: [each for each in outcomes if each.get("key") == key]
        for key in ("2026-118204", "aio-1", "conf-1")
    }
    assert [each["becomes"] for each in of["2026-118204"]] == [
        "counted",
        "duplicate",
    ]  # the second with headers
    assert [each["becomes"] for each in of["aio-1"]] == ["counted", "moved"]
    assert [each["becomes"] for each in of["conf-1"]] == ["counted", "withdrawn"]
    assert of["conf-1"][0]["unknown_code"] == "211"
    assert last["summary"]["becomes"]["heartbeat"] == 3 * 4
    assert last["summary"]["dead_letters"] == {"naive_time": 1, "unknown_word": 1}
    assert_keys_are_placed_alike(
        broker, {each["key"]: each["place"]["source"] for each in outcomes if "key" in each}
    )


def assert_keys_are_placed_alike(broker: str, places: dict[str, str]) -> None:
    """Where each key is, is where murmur2 puts it: aiokafka, confluent-kafka and kcat agree."""
    assert len(places) >= 5
    for key, place in places.items():
        assert place == f"incidents-{partition_of(key.encode(), None, 4)}", key
    consumer = Consumer({"bootstrap.servers": broker, "group.id": "-"})
    try:
        ends = [log_bounds(consumer, TopicPartition("incidents", n))[1] for n in range(4)]
    finally:
        consumer.close()
    assert sum(ends) == 2 + 2 + 2 + 2 + 12


# ---- what needs no Kafka


def test_json_of_the_page_keeps_to_the_contracts_where_it_is_meant_to() -> None:
    validators = {each.topic: Draft202012Validator(document_of(each)) for each in CONTRACTS if each.records}
    shown = {block.file: block.body.splitlines() for block in blocks_of(PAGE) if block.kind == "json"}
    assert set(shown) == {
        "first.json",
        "messages.jsonl",
        "corrections.jsonl",
        "dispatches.jsonl",
        "heartbeat.json",
    }
    for file, lines in shown.items():
        validator = validators["dispatches" if file == "dispatches.jsonl" else "incidents"]
        valid = [validator.is_valid(json.loads(line)) for line in lines]
        assert valid == ([True, True, False] if file == "messages.jsonl" else [True] * len(lines)), file


def test_page_names_every_word_reason_and_limit() -> None:
    text = (ROOT / PAGE).read_text()
    for word in (*IncidentStatus, *UnitStatus, *Agency, *CallSource, *RejectReason):
        assert f"`{word}`" in text, word
    assert f"{LARGEST_EVENT // 1024} KiB" in text
    named = {"name", "caller_phone", "plate", "address", "description", "narrative", "notes"}
    assert named <= set(PERSONAL_FIELDS)
    assert all(f"`{name}`" in text for name in named)


def test_page_names_every_field() -> None:
    text = (ROOT / PAGE).read_text()
    for contract in CONTRACTS[:3]:
        for record in contract.records:
            names = set(document_of(contract)["$defs"][record.name]["properties"]) - set(PERSONAL_FIELDS)
            missing = {name for name in names if f"`{name}`" not in text and f'"{name}"' not in text}
            assert missing == set(), record.name
