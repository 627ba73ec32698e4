"""What Vigil writes keeps to its contracts: every record of a city with alerts, corrections, KPIs and late messages."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from schemas.codec import encode_event
from schemas.emissions import Outgoing
from schemas.events import AlertAck, Dispatch, Entry, Heartbeat, Incident
from schemas.vocabulary import Agency, CrimeType, IncidentStatus, UnitStatus, Verdict
from streams.auditing import audited, rules_in_force
from streams.contracts import CONTRACTS, Direction, document_of
from streams.core.ack_fold import AckFold, AckRules
from streams.core.source_fold import Source
from streams.local_run import Feed, LocalRun
from streams.settings import Settings, load
from streams.stages import Stages

MINUTE_MS = 60_000
START_MS = 1_795_392_000_000
RULES = '[[rule]]\nname = "many"\ncrime_type = "burglary"\nat_least = 3\nwithin = "1h"\n'
OUTPUTS = [each for each in CONTRACTS if each.direction is Direction.OUT]


def incident(number: int, minute: int, **said: Any) -> Feed:
    at = START_MS + minute * MINUTE_MS
    fields = {"crime_type": CrimeType.BURGLARY, "zone": "B04", "reported_at": at, **said}
    event = Incident(f"A-{number}", "springfield", at, **fields)
    return "incidents", event.incident_id.encode(), encode_event(event), at


def beat(topic: str, minute: int) -> Feed:
    at = START_MS + minute * MINUTE_MS
    return topic, None, encode_event(Heartbeat("springfield", at)), at


def story() -> Iterator[Feed]:
    for number in range(40):
        yield incident(number, number)
    yield incident(3, 41, status=IncidentStatus.CANCELLED)
    for minute, status in ((1, UnitStatus.DISPATCHED), (2, UnitStatus.EN_ROUTE), (9, UnitStatus.ON_SCENE)):
        at = START_MS + minute * MINUTE_MS
        fact = Dispatch("A-1", "springfield", "E07", Agency.FIRE, status, at, at, START_MS, "1")
        yield "dispatches", b"A-1", encode_event(fact), at
    yield incident(50, 325)
    yield beat("incidents", 330)
    yield beat("dispatches", 330)


def afterwards() -> Iterator[Feed]:
    yield incident(99, 300)  # in time for its window, too late for its ticks
    yield incident(98, 10)
    yield "incidents", b"A-1", b"no JSON", START_MS
    yield beat("incidents", 12_000)
    yield beat("dispatches", 12_000)


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Outgoing]]:
    folder = tmp_path_factory.mktemp("rules")
    (folder / "rules.toml").write_text(RULES)
    (folder / "vigil.toml").write_text('[detection]\nrules_file = "rules.toml"\n')
    found: dict[str, list[Outgoing]] = {}
    run = LocalRun(Stages(load(folder / "vigil.toml", {})))
    for part in (story(), afterwards()):
        for outgoing in run.feed(part):
            found.setdefault(outgoing.topic, []).append(outgoing)
    acks = AckFold(Source("alert-acks", 0, 1), AckRules(audit_topic="audit"))
    said = [encode_event(AlertAck("a1", Verdict.CONFIRMED, "desk 4", START_MS)), b"no JSON"]
    answers = [Entry(number, START_MS, b"a1", value) for number, value in enumerate(said)]
    found["audit"] = [out for out in acks.step(answers).emissions if out.topic == "audit"]
    found["audit"].append(audited(Settings(), rules_in_force(Settings(), START_MS)))
    return found


@pytest.mark.parametrize("contract", [pytest.param(each, id=each.name) for each in OUTPUTS])
def test_every_record_keeps_to_its_contract(sent: dict[str, list[Outgoing]], contract: Any) -> None:
    document = document_of(contract)
    (record,) = contract.records
    known = set(document["$defs"][record.name]["properties"])
    validator = Draft202012Validator(document)
    assert sent[contract.topic], "the story brings no record of this topic"
    for outgoing in sent[contract.topic]:
        if contract.topic == "dead-letters":
            message: Any = {name: value.decode() for name, value in outgoing.headers}
        else:
            message = json.loads(outgoing.value or b"")
        validator.validate(message)
        assert set(message) <= known


def test_the_story_shows_the_life_of_an_alert_and_a_correction(sent: dict[str, list[Outgoing]]) -> None:
    states = {json.loads(outgoing.value or b"")["state"] for outgoing in sent["alerts"]}
    assert {"raised", "cleared"} <= states
    ticks = [json.loads(outgoing.value or b"")["at"] for outgoing in sent["window-counts"]]
    assert ticks != sorted(ticks)  # a tick that was published is sent again


def test_folder_of_contracts_is_part_of_the_package() -> None:
    root = Path(__file__).resolve().parents[2]
    assert 'schemas = ["contracts/**", "py.typed"]' in (root / "pyproject.toml").read_text()
