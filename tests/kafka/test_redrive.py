"""Dead letters come back on a real Kafka: those that a fix made usable, once, and the audit knows who did it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType

from tests.kafka.deployment import Deployment, Sent, wait_until
from tests.worker.process import vigil

pytestmark = [pytest.mark.kafka, pytest.mark.slow]
Deploy = Callable[..., Deployment]
AT = 1_772_323_200_000
MINUTE = 60_000


def said(incident_id: str, **more: Any) -> bytes:
    fields = {"incident_id": incident_id, "jurisdiction": "city", "updated_at": AT, "reported_at": AT}
    return json.dumps({**fields, "zone": "B04", "crime_type": "burglary", **more}).encode()


def broken() -> list[Sent]:
    """A message by a clock an hour ahead, which time makes right; one that stays wrong; an answer that is none."""
    ahead = said("ahead", updated_at=AT + 60 * MINUTE)
    return [
        Sent("incidents", 0, b"ahead", ahead, AT),
        Sent("incidents", 0, b"naive", said("naive", updated_at="2026-03-01T00:00:00"), AT),
        Sent("alert-acks", 0, b"a", b'{"alert_id": "a", "verdict": "maybe", "by": "desk", "at": 1}', AT),
    ]


def run(deployment: Deployment, *arguments: str) -> tuple[int, str, str]:
    done = vigil("redrive", *arguments, **deployment.environment)
    return done.returncode, done.stdout, done.stderr


def audit(deployment: Deployment) -> list[dict[str, Any]]:
    return deployment.records("audit")


def test_letters_that_can_be_used_now_are_published_once_and_audited(deploy: Deploy, tmp_path: Path) -> None:
    deployment = deploy(partitions=1)
    worker = deployment.worker()
    deployment.produce(broken())
    wait_until(lambda: len(deployment.read("dead-letters")) == 3, "three dead letters")
    assert run(deployment) == (
        2,
        "",
        "vigil: missing option '--by'; name the desk or role that does it, or look with --dry-run\n"
        "       try: vigil redrive --help\n",
    )
    code, out, _ = run(deployment, "--dry-run")
    assert code == 1
    assert out.splitlines()[1:] == [
        "from_the_future  can be used now              1",
        "naive_time       still refused: naive_time    1",
        "unknown_word     still refused: unknown_word  1",
    ]
    before = len(deployment.read("incidents"))
    code, out, _ = run(deployment, "--topic", "incidents", "--by", "desk 4")
    assert (code, "from_the_future  published again" in out) == (1, True)
    wait_until(lambda: len(deployment.read("incidents")) == before + 1, "it was published again")
    assert run(deployment, "--reason", "from_the_future", "--by", "desk 5")[1].splitlines()[1] == (
        "from_the_future  published again before  1"
    )
    assert len(deployment.read("incidents")) == before + 1, "once"
    assert run(deployment, "--place", "incidents[0]@99", "--by", "desk 5") == (
        0,
        "no dead letters of these\n",
        "",
    )

    out_file = tmp_path / "letters.jsonl"
    code, out, _ = run(deployment, "--out", str(out_file), "--by", "desk 6")
    assert (code, out_file.stat().st_mode & 0o777) == (0, 0o600)
    assert [json.loads(line)["vigil-reason"] for line in out_file.read_text().splitlines()].count(
        "naive_time"
    ) == 1

    entries = [entry for entry in audit(deployment) if entry["action"] != "rules"]
    assert [(each["action"], each["actor"], each["outcome"]) for each in entries] == [
        ("answer", "unknown", "refused: unknown_word"),
        ("redrive", "desk 4", "done"),
        ("export", "desk 6", "done"),
    ]
    assert entries[1]["details"] == {"letters": ["incidents[0]@0"]}
    assert len(deployment.read("dead-letters")) == 3, "what was published again was used"
    worker.stop()


def test_worker_says_in_the_audit_with_which_rules_it_begins(deploy: Deploy, tmp_path: Path) -> None:
    rules = tmp_path / "rules.toml"
    found = []
    for threshold in (3, 4):
        rules.write_text(
            f'[[rule]]\nname = "x"\ncrime_type = "arson"\nat_least = {threshold}\nwithin = "1h"\n'
        )
        deployment = deploy(partitions=1, VIGIL_DETECTION_RULES_FILE=str(rules))
        worker = deployment.worker()
        wait_until(lambda: len(audit(deployment)) > len(found), "it says so")  # noqa: B023 -- asked at once
        found = audit(deployment)
        worker.stop()
    assert [(each["action"], each["subject"], each["outcome"]) for each in found] == [
        ("rules", "rules.toml", "done")
    ] * 2
    first, second = (each["details"]["rules_sha256"] for each in found)
    assert first != second
    assert found[0]["details"]["counting_fingerprint"] == found[1]["details"]["counting_fingerprint"]


def test_answers_are_in_the_audit_with_who_and_what(deploy: Deploy) -> None:
    deployment = deploy(partitions=1)
    worker = deployment.worker()
    answer = {"alert_id": "a1", "verdict": "confirmed", "by": "desk 4", "at": AT}
    deployment.produce([Sent("alert-acks", 0, b"a1", json.dumps(answer).encode(), AT)])
    (entry,) = wait_until(
        lambda: [entry for entry in audit(deployment) if entry["action"] == "answer"], "it is audited"
    )
    assert (entry["actor"], entry["subject"], entry["outcome"]) == ("desk 4", "a1", "accepted: confirmed")
    assert entry["at"] == "2026-03-01T00:00:00.000Z"
    worker.stop()


def test_worker_that_cannot_be_on_record_does_not_begin(kafka: str, deploy: Deploy) -> None:
    deployment = deploy(partitions=1)
    topic = f"{deployment.prefix}audit"
    smaller = ConfigEntry("max.message.bytes", "10", incremental_operation=AlterConfigOpType.SET)
    admin = AdminClient({"bootstrap.servers": kafka})
    resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[smaller])
    for done in admin.incremental_alter_configs([resource]).values():
        done.result(30)
    ended = vigil("worker", **deployment.environment)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.splitlines()[-1] == (
        f"vigil: topic {topic} took no entry, so nothing was begun (MessageSizeTooLargeError()); see who may write there"
    )
