"""Bad input on a real Kafka: each message is a dead letter or a documented tolerance, and nothing else changes."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.kafka.deployment import Deployment, Sent

pytestmark = [pytest.mark.kafka]
Deploy = Callable[..., Deployment]

AT = 1_772_323_200_000  # 2026-03-01T00:00:00Z
PANE_MS = 60_000
GOOD: dict[str, Any] = {
    **{"incident_id": "i", "jurisdiction": "city", "updated_at": AT, "reported_at": AT},
    **{"zone": "B04", "crime_type": "burglary", "status": "received"},
}
DISPATCH: dict[str, Any] = {
    **{"incident_id": "i", "jurisdiction": "city", "unit_id": "E1", "agency": "fire"},
    **{"status": "dispatched", "at": AT},
}


def said(**changes: Any) -> bytes:
    return json.dumps({**GOOD, **changes}).encode()


def without(name: str) -> bytes:
    return json.dumps({field: value for field, value in GOOD.items() if field != name}).encode()


def text(fields: str) -> bytes:
    return json.dumps(GOOD)[:-1].encode() + b"," + fields.encode() + b"}"


REFUSED: dict[str, tuple[bytes | None, bytes | None, str]] = {
    "not JSON": (b"i", b"incident 7 at the harbour", "not_json"),
    "cut off": (b"i", said()[:-9], "not_json"),
    "invalid UTF-8": (b"i", said().replace(b"B04", b"B\xff4"), "not_json"),
    "deep nesting": (b"i", text('"deep": ' + "[" * 20_000 + "]" * 20_000), "not_json"),
    "NaN coordinates": (b"i", text('"lat": NaN, "lon": NaN'), "not_json"),
    "infinite coordinates": (b"i", text('"lat": 1e999, "lon": 1.0'), "wrong_type"),
    "an array": (b"i", b"[1, 2, 3]", "wrong_type"),
    "number as zone": (b"i", said(zone=4), "wrong_type"),
    "words as time": (b"i", said(updated_at="yesterday"), "wrong_type"),
    "no jurisdiction": (b"i", without("jurisdiction"), "missing_field"),
    "no incident_id": (b"i", without("incident_id"), "missing_field"),
    "no updated_at": (b"i", without("updated_at"), "missing_field"),
    "unknown status": (b"i", said(status="vanished"), "unknown_word"),
    "naive time": (b"i", said(updated_at="2026-03-01T00:00:00"), "naive_time"),
    "naive time that counts": (b"i", said(reported_at="2026-03-01T00:00:00"), "naive_time"),
    "year 1900": (b"i", said(updated_at="1900-01-01T00:00:00Z"), "time_out_of_range"),
    "year 2100": (b"i", said(updated_at="2100-01-01T00:00:00Z"), "time_out_of_range"),
    "year 2099": (b"i", said(updated_at="2099-01-01T00:00:00Z"), "from_the_future"),
    "counts in two days": (b"i", said(reported_at=AT + 2 * 86_400_000), "from_the_future"),
    "1 MB": (b"i", said(notes="x" * 1_000_000), "too_large"),
    "null value": (b"i", None, "empty"),
    "no bytes": (b"i", b"", "empty"),
    "null key": (None, said(), "key_mismatch"),
    "another key": (b"j", said(), "key_mismatch"),
    "long key": (b"\xff" * 20_000, said(), "key_mismatch"),
}
TOLERATED = {
    "duplicate keys": text('"zone": "B05"'),
    "coordinates outside the city": said(zone=None, lat=0.0, lon=0.0),
    "coordinates on no globe": said(zone=None, lat=999.0, lon=-999.0),
    "unknown fields": said(colour="blue", nested={"a": [1]}),
    "unknown code": said(crime_type="459PC"),
    "null fields": said(lat=None, priority=None, status=None),
}


def good_messages(count: int) -> list[Sent]:
    """Incidents a second apart, and the heartbeats that publish all of them."""
    found = []
    for number in range(count):
        incident_id, at = f"good{number}", AT + 1_000 * number
        value = said(incident_id=incident_id, updated_at=at, reported_at=at)
        found.append(Sent("incidents", number % 2, incident_id.encode(), value))
    return found


def heartbeats() -> list[Sent]:
    value = json.dumps({"jurisdiction": "city", "heartbeat_at": AT + 30 * PANE_MS}).encode()
    return [Sent("incidents", number, None, value) for number in range(2)]


def test_bad_messages_are_dead_letters_with_their_bytes_and_the_rest_is_counted(deploy: Deploy) -> None:
    vigil = deploy(2, 1, VIGIL_WORKER_BATCH_SIZE="7")
    bad = [Sent("incidents", 0, key, value) for key, value, _ in REFUSED.values()]
    tolerated = [
        Sent(
            "incidents",
            1,
            name.encode(),
            value.replace(b'"incident_id": "i"', f'"incident_id": "{name}"'.encode()),
        )
        for name, value in TOLERATED.items()
    ]
    good = good_messages(60)
    vigil.produce(good[:30] + bad + tolerated + good[30:] + heartbeats())
    worker = vigil.worker()
    vigil.settle()

    found = vigil.dead_letters()
    assert len(found) == len(REFUSED)
    logged = {message.offset(): message for message in vigil.read("incidents") if message.partition() == 0}
    for name, (key, value, reason) in REFUSED.items():
        # A producer may send its batches in another order than they were made, so the log says where each one is.
        offset = min(at for at, said in logged.items() if (said.key(), said.value()) == (key, value))
        was_key, was_value, headers = found["incidents", 0, offset]
        assert (was_key, was_value) == (key, value), name
        assert headers["vigil-reason"] == reason, name
        assert headers["vigil-topic"] == f"{vigil.prefix}incidents"
        assert headers["vigil-message"].split(":")[0] in {*GOOD, "value", "key", "lat"}, name
        assert abs(stamp_of(headers["vigil-at"]) - time.time()) < 3_600, name
    vigil.assert_exact()
    counted = {cell: max(ticks.items())[1]["24h"] for cell, ticks in vigil.final().items()}
    assert counted == {
        ("city", "B04", "burglary"): 60 + 2,  # unknown fields, null fields
        ("city", "B05", "burglary"): 1,  # of a duplicate key the last value holds
        ("city", "unknown", "burglary"): 2,  # coordinates where no polygon is
        ("city", "B04", "other"): 1,  # a code that is not mapped
    }
    assert worker.process.poll() is None, "the worker goes on"
    assert worker.stop() < 10.0


def stamp_of(at: str) -> float:
    """Seconds of a time as our records carry it."""
    return time.mktime(time.strptime(at[:19], "%Y-%m-%dT%H:%M:%S")) - time.timezone


REFUSED_DISPATCHES = {
    "unknown_word": {"status": "vanished"},
    "naive_time": {"at": "2026-03-01T00:00:00"},
    "missing_field": {"unit_id": None},
    "key_mismatch": {"incident_id": "other"},
}


def test_bad_dispatches_are_dead_letters_and_change_no_count(deploy: Deploy) -> None:
    vigil = deploy(2, 1)
    bad = [json.dumps({**DISPATCH, **changes}).encode() for changes in REFUSED_DISPATCHES.values()]
    dispatches = [Sent("dispatches", 1, b"i", value) for value in bad]
    vigil.produce([*dispatches, *good_messages(4), *heartbeats()])
    vigil.worker()
    vigil.settle()
    found = vigil.dead_letters()
    assert [found["dispatches", 1, number][:2] for number in range(len(bad))] == [
        (b"i", value) for value in bad
    ]
    assert [headers["vigil-reason"] for _, _, headers in found.values()] == list(REFUSED_DISPATCHES)
    vigil.assert_exact()
