"""Bytes ↔ records: what is accepted, and every rejection by its text."""

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import codec
from schemas.codec import (
    LARGEST_EVENT,
    PERSONAL_FIELDS,
    DispatchWire,
    IncidentWire,
    Rejected,
    dead_letter_headers,
    encode_event,
    encode_record,
    from_json,
    instant,
    missing_field,
    personal_fields,
    read_ack,
    read_dispatch,
    read_incident,
    to_json,
)
from schemas.emissions import Alert, DeadLetter, KpiValue, LateEvent, WindowCounts
from schemas.events import AlertAck, Dispatch, Heartbeat, Incident
from schemas.vocabulary import (
    Agency,
    AlertState,
    CallSource,
    IncidentStatus,
    RejectReason,
    UnitStatus,
    Verdict,
)
from streams.core import incident_fold, source_fold

AT = 1_772_323_200_000  # 2026-03-01T00:00:00Z
INCIDENT = {"incident_id": "i1", "jurisdiction": "city", "updated_at": "2026-03-01T00:00:00Z"}
DISPATCH = {
    **{"incident_id": "i1", "jurisdiction": "city", "unit_id": "E1", "agency": "fire"},
    **{"status": "dispatched", "at": "2026-03-01T00:00:00Z"},
}
ACK = {"alert_id": "a1", "verdict": "confirmed", "by": "pat", "at": "2026-03-01T00:00:00Z"}


def with_text(fields_text: str) -> bytes:
    """An incident as text, with fields that no encoder of ours would write."""
    return json.dumps(INCIDENT)[:-1].encode() + b"," + fields_text.encode() + b"}"


# ---- what is wrong with the bytes, whatever the topic

BYTES = [
    pytest.param(
        None,
        RejectReason.EMPTY,
        "value: null; an incident that is over is published with a status instead",
        id="null",
    ),
    pytest.param(b"", RejectReason.EMPTY, "value: no bytes; an event is one JSON object", id="no bytes"),
    pytest.param(b" \n\t", RejectReason.EMPTY, "value: no bytes; an event is one JSON object", id="blanks"),
    pytest.param(
        b"x" * (LARGEST_EVENT + 1),
        RejectReason.TOO_LARGE,
        "value: 65537 bytes are more than the 65536 that an event may have; leave attachments out",
        id="too large",
    ),
    pytest.param(
        b"incident 7",
        RejectReason.NOT_JSON,
        "value: not JSON (JSON is malformed: invalid character (byte 0)); an event is one JSON object in UTF-8",
        id="text",
    ),
    pytest.param(
        b'{"jurisdiction": "ci',
        RejectReason.NOT_JSON,
        "value: not JSON (Input data was truncated); an event is one JSON object in UTF-8",
        id="cut off",
    ),
    pytest.param(
        b'{"jurisdiction": "\xff", "by": "\xff"}',
        RejectReason.NOT_JSON,
        "value: not UTF-8 (invalid start byte); events are JSON in UTF-8",
        id="not UTF-8",
    ),
    pytest.param(
        b'{"a":' * 5_000,
        RejectReason.NOT_JSON,
        "value: nested too deeply; an event is one flat JSON object",
        id="nested too deeply",
    ),
    pytest.param(
        b"[1, 2]",
        RejectReason.WRONG_TYPE,
        "value: Expected `object`, got `array`; an event is one JSON object",
        id="array",
    ),
    pytest.param(
        b"null",
        RejectReason.WRONG_TYPE,
        "value: Expected `object`, got `null`; an event is one JSON object",
        id="JSON null",
    ),
]


@pytest.mark.parametrize(
    "read", [read_incident, read_dispatch, read_ack], ids=["incident", "dispatch", "ack"]
)
@pytest.mark.parametrize("value, reason, message", BYTES)
def test_bytes_that_are_no_event_are_rejected(
    read: Any, value: bytes | None, reason: RejectReason, message: str
) -> None:
    assert read(value) == Rejected(reason, message)


# ---- what is wrong with a field

STATUSES = (
    "received, pending, dispatched, en_route, on_scene, active, updated, reclassified, moved, reopened, closed, "
    "cancelled, unfounded, merged"
)
TIME_FORM = ", such as 2026-11-23T11:45:00.000Z, or integer epoch milliseconds"
FIELDS = [
    pytest.param(
        {"jurisdiction": ""},
        RejectReason.MISSING_FIELD,
        "jurisdiction: missing; every event of this topic says it",
        id="empty jurisdiction",
    ),
    pytest.param(
        {"incident_id": ""},
        RejectReason.MISSING_FIELD,
        "incident_id: missing; every event of this topic says it",
        id="empty incident_id",
    ),
    pytest.param(
        {"incident_id": 5},
        RejectReason.WRONG_TYPE,
        "incident_id: Expected `str | null`, got `int`",
        id="number as incident_id",
    ),
    pytest.param(
        {"jurisdiction": "x" * 257},
        RejectReason.WRONG_TYPE,
        "jurisdiction: Expected `str` of length <= 256",
        id="long jurisdiction",
    ),
    pytest.param(
        {"zone": ["B04"]},
        RejectReason.WRONG_TYPE,
        "zone: Expected `str | null`, got `array`",
        id="list as zone",
    ),
    pytest.param(
        {"zone": "z" * 257}, RejectReason.WRONG_TYPE, "zone: Expected `str` of length <= 256", id="long zone"
    ),
    pytest.param(
        {"lat": "37.7"}, RejectReason.WRONG_TYPE, "lat: Expected `float | null`, got `str`", id="text as lat"
    ),
    pytest.param(
        {"exercise": "yes"},
        RejectReason.WRONG_TYPE,
        "exercise: Expected `bool | null`, got `str`",
        id="text as exercise",
    ),
    pytest.param(
        {"priority": 1.5},
        RejectReason.WRONG_TYPE,
        "priority: Expected `int | str | null`, got `float`",
        id="fraction as priority",
    ),
    pytest.param(
        {"status": "gone"},
        RejectReason.UNKNOWN_WORD,
        f"status: invalid enum value 'gone'; use one of {STATUSES}",
        id="unknown status",
    ),
    pytest.param(
        {"agency": "Navy"},
        RejectReason.UNKNOWN_WORD,
        "agency: invalid enum value 'Navy'; use one of police, fire, ems, other",
        id="unknown agency",
    ),
    pytest.param(
        {"call_source": "fax"},
        RejectReason.UNKNOWN_WORD,
        "call_source: invalid enum value 'fax'; use one of e911, phone, alarm, walk_in, internet, officer, other",
        id="unknown call source",
    ),
    pytest.param(
        {"updated_at": "yesterday"},
        RejectReason.WRONG_TYPE,
        f"updated_at: Invalid RFC3339 encoded datetime{TIME_FORM}",
        id="words as a time",
    ),
    pytest.param(
        {"updated_at": "2026-02-30T00:00:00Z"},
        RejectReason.WRONG_TYPE,
        f"updated_at: Invalid RFC3339 encoded datetime{TIME_FORM}",
        id="30 February",
    ),
    pytest.param(
        {"updated_at": 1.5},
        RejectReason.WRONG_TYPE,
        "updated_at: Expected `int | datetime | null`, got `float`",
        id="fraction as a time",
    ),
]


@pytest.mark.parametrize("said, reason, message", FIELDS)
def test_field_of_the_wrong_kind_is_rejected(
    said: dict[str, Any], reason: RejectReason, message: str
) -> None:
    assert read_incident(json.dumps(INCIDENT | said).encode()) == Rejected(reason, message)


@pytest.mark.parametrize(
    "text, message",
    [
        pytest.param(
            '"lat": NaN, "lon": 1.0',
            r"value: not JSON (JSON is malformed: invalid character (byte 90)); an event is one JSON object in UTF-8",
            id="NaN",
        ),
        pytest.param('"lat": 1e999, "lon": 1.0', "lat: Number out of range", id="infinite"),
        pytest.param(f'"occurred_at": {"9" * 5_000}', "occurred_at: Integer value out of range", id="huge"),
        pytest.param(
            '"deep": ' + "[" * 3_000 + "]" * 3_000,
            "value: nested too deeply; an event is one flat JSON object",
            id="deep in a field that is skipped",
        ),
    ],
)
def test_number_or_nesting_that_json_cannot_hold_is_rejected(text: str, message: str) -> None:
    rejected = read_incident(with_text(text))
    assert isinstance(rejected, Rejected)
    assert rejected.message == message


def test_field_that_an_event_of_the_topic_needs_is_missing() -> None:
    assert read_incident(b'{"incident_id": "i1"}') == missing_field("jurisdiction")
    assert read_dispatch(b'{"incident_id": "i1"}') == missing_field("jurisdiction")
    assert read_ack(b'{"alert_id": "a1", "verdict": "confirmed", "by": "pat"}') == missing_field("at")
    assert missing_field("at") == Rejected(
        RejectReason.MISSING_FIELD, "at: missing; every event of this topic says it"
    )


def test_words_of_other_topics_are_named_when_one_is_unknown() -> None:
    unit = read_dispatch(json.dumps(DISPATCH | {"status": "gone"}).encode())
    assert isinstance(unit, Rejected)
    assert unit.message == (
        "status: invalid enum value 'gone'; use one of dispatched, acknowledged, en_route, on_scene, transporting, "
        "at_hospital, available, cancelled"
    )
    ack = read_ack(json.dumps(ACK | {"verdict": "maybe"}).encode())
    assert ack == Rejected(
        RejectReason.UNKNOWN_WORD,
        "verdict: invalid enum value 'maybe'; use one of acknowledged, confirmed, false_alarm",
    )


# ---- times


@pytest.mark.parametrize(
    "said, reason, message",
    [
        pytest.param(
            "2026-03-01T00:00:00",
            RejectReason.NAIVE_TIME,
            "updated_at: 2026-03-01T00:00:00 has no offset; write it with one, such as 2026-03-01T00:00:00Z",
            id="naive",
        ),
        pytest.param(
            "1900-01-01T00:00:00Z",
            RejectReason.TIME_OUT_OF_RANGE,
            "updated_at: 1900-01-01 00:00:00+00:00 lies outside 1970 to 2100; "
            "times are RFC 3339 or integer epoch milliseconds",
            id="1900",
        ),
        pytest.param(
            "2100-01-01T00:00:00Z",
            RejectReason.TIME_OUT_OF_RANGE,
            "updated_at: 2100-01-01 00:00:00+00:00 lies outside 1970 to 2100; "
            "times are RFC 3339 or integer epoch milliseconds",
            id="2100",
        ),
        pytest.param(
            -1,
            RejectReason.TIME_OUT_OF_RANGE,
            "updated_at: -1 lies outside 1970 to 2100; times are RFC 3339 or integer epoch milliseconds",
            id="before 1970",
        ),
    ],
)
def test_time_that_cannot_be_meant_is_rejected(said: str | int, reason: RejectReason, message: str) -> None:
    wire = read_incident(json.dumps(INCIDENT | {"updated_at": said}).encode())
    assert isinstance(wire, IncidentWire)
    assert wire.updated_at is not None
    assert instant("updated_at", wire.updated_at) == Rejected(reason, message)
    assert read_ack(json.dumps(ACK | {"at": said}).encode()) == Rejected(
        reason, message.replace("updated_at", "at")
    )


@pytest.mark.parametrize(
    "said, at_ms",
    [
        pytest.param("2026-03-01T00:00:00Z", AT, id="UTC"),
        pytest.param("2026-02-28T16:00:00-08:00", AT, id="offset"),
        pytest.param("2026-03-01T00:00:00.001999Z", AT + 1, id="parts of a millisecond are cut off"),
        pytest.param("2026-03-01 00:00:00Z", AT, id="blank for the T"),
        pytest.param(AT, AT, id="epoch milliseconds"),
        pytest.param(0, 0, id="1970"),
        pytest.param("2099-12-31T23:59:59.999Z", 4_102_444_799_999, id="the last millisecond before 2100"),
    ],
)
def test_time_is_rfc3339_with_an_offset_or_epoch_milliseconds(said: str | int, at_ms: int) -> None:
    wire = read_incident(json.dumps(INCIDENT | {"updated_at": said}).encode())
    assert isinstance(wire, IncidentWire)
    assert wire.updated_at is not None
    assert instant("updated_at", wire.updated_at) == at_ms


# ---- tolerance


@pytest.mark.parametrize(
    "text, zone",
    [
        pytest.param('"zone": "A1", "zone": "B2"', "B2", id="of a duplicate key the last value holds"),
        pytest.param('"zone": null', None, id="null says nothing"),
        pytest.param('"zone": "B2", "colour": {"deep": [1, {"er": null}]}', "B2", id="unknown fields"),
        pytest.param('"zone": "\\u00c49 \\ud83d\\ude92"', "Ä9 🚒", id="escapes"),
    ],
)
def test_reader_tolerates(text: str, zone: str | None) -> None:
    wire = read_incident(with_text(text))
    assert isinstance(wire, IncidentWire)
    assert wire.zone == zone


def test_largest_event_is_accepted() -> None:
    value = json.dumps(INCIDENT | {"notes": ""}).encode()
    filled = value[:-2] + b"x" * (LARGEST_EVENT - len(value)) + value[-2:]
    assert len(filled) == LARGEST_EVENT
    assert isinstance(read_incident(filled), IncidentWire)
    assert isinstance(read_incident(filled[:-2] + b"x" + filled[-2:]), Rejected)


def test_fields_that_can_hold_personal_data_are_noticed_and_not_kept() -> None:
    said = {"caller_name": "N. N.", "plate": None, "address": {"street": "Main St"}}
    for read, event in ((read_incident, INCIDENT), (read_dispatch, DISPATCH)):
        wire = read(json.dumps(event | said).encode())
        assert isinstance(wire, IncidentWire | DispatchWire)
        assert list(personal_fields(wire)) == ["caller_name", "address"]
        plain = read(json.dumps(event).encode())
        assert isinstance(plain, IncidentWire | DispatchWire)
        assert list(personal_fields(plain)) == []
    for event_type in (Incident, Dispatch):
        assert not {field.name for field in fields(event_type)} & set(PERSONAL_FIELDS)


@given(
    st.binary(max_size=200)
    | st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists).map(to_json)
)
def test_no_bytes_raise(value: bytes) -> None:
    for read in (read_incident, read_dispatch, read_ack):
        read(value)


@given(
    st.dictionaries(
        st.sampled_from([*INCIDENT, *DISPATCH, *ACK, "heartbeat_at", "zone", "lat", "priority", "exercise"]),
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(max_size=5)
        | st.sampled_from(["closed", "fire", "2026-03-01T00:00:00Z", "2026-03-01T00:00:00"])
        | st.lists(st.none(), max_size=2),
    )
)
def test_no_object_raises(said: dict[str, Any]) -> None:
    value = json.dumps(said).encode()
    for read in (read_incident, read_dispatch, read_ack):
        read(value)


# ---- what is written

EVENTS = [
    Incident(
        "i1",
        "city",
        AT,
        Agency.FIRE,
        IncidentStatus.CLOSED,
        "459",
        "burglary",
        "B04",
        37.5,
        -122.25,
        "2",
        CallSource.E911,
        AT - 1,
        AT - 2,
        True,
    ),
    Incident("ï🚒", "city", AT),
    Heartbeat("city", AT),
]


@pytest.mark.parametrize("event", EVENTS, ids=["whole", "least", "heartbeat"])
def test_incident_that_is_written_can_be_read(event: Incident | Heartbeat) -> None:
    wire = read_incident(encode_event(event))
    assert isinstance(wire, IncidentWire)
    for name in event.__dataclass_fields__:
        said = getattr(wire, name)
        if name in ("updated_at", "occurred_at", "reported_at", "heartbeat_at") and said is not None:
            said = instant(name, said)
        assert said == getattr(event, name)


def test_dispatch_and_answer_that_are_written_can_be_read() -> None:
    fact = Dispatch("i1", "city", "E1", Agency.EMS, UnitStatus.EN_ROUTE, AT, AT + 1, AT - 9, "1", "B04")
    wire = read_dispatch(encode_event(fact))
    assert isinstance(wire, DispatchWire)
    assert (wire.unit_id, wire.status, wire.priority) == ("E1", UnitStatus.EN_ROUTE, "1")
    assert wire.received_at is not None
    assert instant("received_at", wire.received_at) == AT - 9
    ack = AlertAck("a1", Verdict.FALSE_ALARM, "pat", AT, "a film crew")
    assert read_ack(encode_event(ack)) == ack


def test_extras_of_an_event_are_written_beside_it() -> None:
    assert from_json(encode_event(Heartbeat("city", AT), {"seq": 7})) == {
        "jurisdiction": "city",
        "heartbeat_at": "2026-03-01T00:00:00.000Z",
        "seq": 7,
    }


def test_records_carry_times_as_rfc3339_and_leave_out_what_they_do_not_say() -> None:
    counts = WindowCounts("city", "B04", "burglary", AT, {"15m": 1}, 7)
    assert from_json(encode_record(counts))["at"] == "2026-03-01T00:00:00.000Z"
    late = LateEvent("city", "i1", "incidents", 3, 17, AT, 60_000, AT + 60_000, False)
    assert from_json(encode_record(late))["effective_from"] == "2026-03-01T00:01:00.000Z"
    alert = Alert(
        *("a1", 1, AlertState.RAISED, "rule", False, "city", ("B04",), "burglary", "1h", AT, AT - 1, 3),
        *(None, None, ("i1",), "three", "three in an hour"),
    )
    said = from_json(encode_record(alert))
    assert (said["since"], said["zones"]) == ("2026-02-28T23:59:59.999Z", ["B04"])
    assert "expected" not in said
    kpi = KpiValue("city", AT, "fire", "*", "turnout", "1h", 0, 0, 80.0, None, None, 2, 9)
    assert "value" not in from_json(encode_record(kpi))


def test_dead_letter_carries_coordinates_reason_and_message() -> None:
    letter = DeadLetter("incidents", 3, 17, AT, b"i1", b"x", RejectReason.NOT_JSON, "value: not JSON")
    assert dead_letter_headers(letter) == (
        ("vigil-reason", b"not_json"),
        ("vigil-message", b"value: not JSON"),
        ("vigil-topic", b"incidents"),
        ("vigil-partition", b"3"),
        ("vigil-offset", b"17"),
        ("vigil-at", b"2026-03-01T00:00:00.000Z"),
    )


def test_every_reason_is_given_by_somebody() -> None:
    """A word of the vocabulary that nothing uses would be a promise to those who read dead letters."""
    text = "".join(Path(module.__file__ or "").read_text() for module in (codec, source_fold, incident_fold))
    assert [reason.name for reason in RejectReason if f"RejectReason.{reason.name}" not in text] == []
