"""A run with planted names, phones, plates and addresses: none of them gets anywhere, but the bytes of dead letters."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from schemas.codec import PERSONAL_FIELDS
from streams.settings.topics import Topics
from tests.kafka.deployment import Deployment, Sent, wait_until

pytestmark = [pytest.mark.kafka, pytest.mark.slow]
Deploy = Callable[..., Deployment]
AT = 1_772_323_200_000
MINUTE = 60_000
NAME, PHONE, PLATE, STREET = "Roezsky", "555-0147", "7ABC123", "Elmhorn"
PLANTED = (NAME, PHONE, PLATE, STREET)
TEXT = f"Jane {NAME}, +1 312 {PHONE}, plate {PLATE}, 1200 W {STREET} St"
RULE = '[[rule]]\nname = "x"\ncrime_type = "burglary"\nat_least = 3\nwithin = "1h"\n'
QUESTIONS = ("counts", "alerts?state=all", "kpis", "incidents?zone=*&crime_type=*&window=24h")


def incident(name: str, minute: int, /, **more: Any) -> dict[str, Any]:
    at = AT + minute * MINUTE
    said = {"incident_id": name, "jurisdiction": "city", "updated_at": at, "reported_at": at}
    return {**said, "zone": "B04", "crime_type": "burglary", "status": "pending", "priority": "1", **more}


def fact(name: str, minute: int, status: str, /, **more: Any) -> dict[str, Any]:
    said = {"incident_id": name, "jurisdiction": "city", "unit_id": "E1", "agency": "fire", "status": status}
    return {**said, "at": AT + minute * MINUTE, "received_at": AT, **more}


def sent(topic: str, said: dict[str, Any], key: str | None = None, minute: int = 0) -> Sent:
    name = said.get("incident_id") or said.get("alert_id")
    return Sent(topic, 0, (key or name or "").encode(), json.dumps(said).encode(), AT + minute * MINUTE)


def planted() -> Iterator[Sent]:
    """Everything that a publisher may put a person into, in good messages and in such as cannot be used."""
    persons = dict.fromkeys(PERSONAL_FIELDS, TEXT)
    beside = {"reporting_party": {"name": TEXT}, "remarks_2": [TEXT], TEXT: 1}
    for n in range(6):
        yield sent("incidents", incident(f"I-{n}", n, **persons, **beside), minute=n)
        yield sent("dispatches", fact(f"I-{n}", n, "dispatched", **persons, **beside), minute=n)
    yield sent("incidents", incident("I-9", 1, type_code=TEXT, crime_type=None), minute=1)
    yield sent("incidents", incident("I-8", -180), minute=6)  # too late
    # what cannot be used
    yield Sent("incidents", 0, b"x", f"{TEXT}, no JSON".encode(), AT)
    yield Sent("incidents", 0, TEXT.encode(), json.dumps(incident("I-7", 1)).encode(), AT)
    for text in (PHONE, PLATE, f"Jane {NAME}"):
        yield Sent("incidents", 0, text.encode(), json.dumps(incident("I-7", 1)).encode(), AT)
        yield sent("incidents", incident("I-7", 1, status=text))
    for field in ("status", "agency", "call_source", "updated_at", "reported_at", "lat", "exercise", "zone"):
        yield sent("incidents", incident("I-6", 1, **{field: TEXT if field != "zone" else [TEXT]}))
    for field in ("status", "agency", "at", "received_at"):
        yield sent("dispatches", {**fact("I-6", 1, "dispatched"), field: TEXT})
    yield sent("alert-acks", {"alert_id": "a", "verdict": TEXT, "by": "desk 4", "at": AT})
    yield sent(
        "alert-acks", {"alert_id": "a", "verdict": "confirmed", "by": "desk 4", "at": AT, "note": TEXT}
    )
    for topic in ("incidents", "dispatches"):
        beat = {"jurisdiction": "city", "heartbeat_at": AT + 20 * MINUTE}
        yield Sent(topic, 0, None, json.dumps(beat).encode(), AT + 20 * MINUTE)


def leaks(where: str, content: str) -> list[str]:
    return [
        f"{where}: {content[max(at - 60, 0) : at + 30]!r}"
        for word in PLANTED
        if (at := content.lower().find(word.lower())) >= 0
    ]


def test_nothing_of_a_person_leaves_intake_but_the_bytes_of_dead_letters(
    deploy: Deploy, tmp_path: Path
) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text(RULE)
    environ = {
        "VIGIL_DETECTION_RULES_FILE": str(rules),
        "VIGIL_LOG_LEVEL": "debug",
        "VIGIL_LOG_FORMAT": "json",
    }
    deployment = deploy(partitions=1, **environ)
    worker = deployment.worker()
    deployment.produce(planted())
    wait_until(lambda: deployment.read("alerts"), "an alert is raised")
    wait_until(lambda: deployment.read("kpis"), "measures are sent")
    deployment.settle()
    url = json.loads(next(line for line in worker.log.splitlines() if '"worker_started"' in line))["url"]
    found = []
    for path in (
        "/metrics",
        "/healthz",
        "/readyz",
        *(f"/v1/{q}{'&' if '?' in q else '?'}jurisdiction=city" for q in QUESTIONS),
    ):
        with urlopen(url + path, timeout=10) as answer:
            found += leaks(path, answer.read().decode())
    worker.stop()
    found += leaks("log", worker.log)
    seen = set()
    for topic in Topics().each:
        if topic in ("incidents", "dispatches", "alert-acks"):
            continue  # what publishers wrote
        for record in deployment.read(topic):
            seen.add(topic)
            headers = {name: value.decode() for name, value in record.headers() or ()}
            said = [json.dumps(headers)]
            if topic != "dead-letters":  # its key and value are as they came: the one exception
                said += [(record.key() or b"").decode(), (record.value() or b"").decode()]
            found += [leak for each in said for leak in leaks(topic, each)]
    assert found == []
    assert seen >= {
        "cells",
        "window-counts",
        "alerts",
        "kpis",
        "late-events",
        "dead-letters",
        "audit",
        "watch-state",
    }


MAPPING = """\
jurisdiction = "city"
time_zone = "UTC"
[columns]
id = ["Case"]
reported_at = "Reported"
type = ["Nature"]
zone = "Beat"
status = "Status"
[corrections]
status_at = "Closed"
"""
HEADER = "Case,Reported,Nature,Beat,Status,Closed\n"
QUOTED = f'"{TEXT}"'
UNUSABLE = {
    "a time": f"A-1,{QUOTED},THEFT,B04,OPEN,\n",
    "a time of a part": f"A-2,2026-03-01 00:00:00,THEFT,B04,OPEN,{QUOTED}\n",
    "a phone": f"A-3,{PHONE},THEFT,B04,OPEN,\n",
    "too long": f'A-4,2026-03-01 00:00:00,THEFT,"{TEXT * 10}",OPEN,\n',
    "too many fields": f"A-5,2026-03-01 00:00:00,THEFT,B04,OPEN,,{QUOTED}\n",
    "stray quotation mark": f'A-6,"{TEXT},THEFT,B04,OPEN,\n',
}


def test_rows_that_cannot_be_used_name_nobody_in_their_headers(deploy: Deploy, tmp_path: Path) -> None:
    deployment = deploy(partitions=1)
    (tmp_path / "mapping.toml").write_text(MAPPING)
    rows = [row.encode() for row in (HEADER, *UNUSABLE.values())]
    no_utf8 = f'A-7,2026-03-01 00:00:00,"{TEXT} \xff",B04,OPEN,\n'.encode("latin-1")
    (tmp_path / "rows.csv").write_bytes(b"".join([*rows, no_utf8]))
    where = ("--source", str(tmp_path / "mapping.toml"))
    done = deployment.vigil("publish", str(tmp_path / "rows.csv"), *where)
    replayed = deployment.vigil("replay", str(tmp_path / "rows.csv"), *where, "--out", str(tmp_path / "out"))
    letters = deployment.read("dead-letters")
    assert len(letters) == len(UNUSABLE) + 1
    said = [json.dumps({name: value.decode() for name, value in each.headers()}) for each in letters]
    for line in (tmp_path / "out" / "dead-letters.jsonl").read_text().splitlines():
        letter = json.loads(line)
        del letter["key_base64"], letter["value_base64"]
        said.append(json.dumps(letter))
    assert len(said) == 2 * len(letters)
    said += [done.stdout, done.stderr, replayed.stdout, replayed.stderr]
    assert [leak for each in said for leak in leaks("rows", each)] == []
