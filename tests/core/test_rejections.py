"""What a fold refuses becomes a dead letter with its bytes, its coordinates and a text that helps; nothing else changes."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.codec import from_json, to_json
from schemas.emissions import Outgoing
from schemas.events import Entry
from schemas.instants import LATEST_MS
from streams.core.ack_fold import AckFold, AckRules
from streams.core.dispatch_fold import DispatchFold
from streams.core.fold import Fold
from streams.core.incident_fold import IncidentFold
from streams.core.source_fold import IntakeRules, Locality, Source, SourceFold, read_metadata
from streams.core.timeline import DAY_MS
from streams.core.watch_fold import WatchFold
from tests.cluster import plain_watch_rules, timeline_of
from tests.worlds import CITY

AT = 1_772_323_200_000  # 2026-03-01T00:00:00Z
SENT = AT + 1_000
TIMELINE = timeline_of(CITY)
INCIDENT: dict[str, Any] = {
    **{"incident_id": "i1", "jurisdiction": "city", "updated_at": AT, "reported_at": AT},
    **{"zone": "B04", "crime_type": "burglary"},
}
DISPATCH: dict[str, Any] = {
    **{"incident_id": "i1", "jurisdiction": "city", "unit_id": "E1", "agency": "fire"},
    **{"status": "dispatched", "at": AT},
}


def incidents(**rules: Any) -> IncidentFold:
    return IncidentFold(Source("incidents", 3, 4), IntakeRules(TIMELINE, **rules))


def dispatches() -> DispatchFold:
    return DispatchFold(Source("dispatches", 3, 4), IntakeRules(TIMELINE, kpi_bounds_s=(60.0,)))


def answers() -> AckFold:
    return AckFold(Source("alert-acks", 3, 4), AckRules())


def dead_letters(emissions: list[Outgoing]) -> list[Outgoing]:
    return [outgoing for outgoing in emissions if outgoing.topic == "dead-letters"]


def refused(
    fold: SourceFold, value: bytes | None, key: bytes | None = b"i1", at: int = SENT
) -> tuple[str, str]:
    """(reason, message) of the only thing that a fold sends for a record: a dead letter with all it needs."""
    step = fold.step([Entry(17, at, key, value)])
    (letter,) = step.emissions
    headers = {name: text.decode() for name, text in letter.headers}
    assert (letter.topic, letter.key, letter.value) == ("dead-letters", key, value)
    assert (headers["vigil-topic"], headers["vigil-partition"], headers["vigil-offset"]) == (
        fold.source.topic,
        "3",
        "17",
    )
    assert step.tallies == {f"dead_letter.{headers['vigil-reason']}": 1}
    assert fold.position == 18
    return headers["vigil-reason"], headers["vigil-message"]


def without(event: dict[str, Any], name: str) -> bytes:
    return json.dumps({field: said for field, said in event.items() if field != name}).encode()


@pytest.mark.parametrize("name", ["incident_id", "updated_at"])
def test_incident_without_what_it_needs_is_refused(name: str) -> None:
    said = refused(incidents(), without(INCIDENT, name))
    assert said == ("missing_field", f"{name}: missing; every event of this topic says it")


@pytest.mark.parametrize("name", ["incident_id", "unit_id", "agency", "status", "at"])
def test_dispatch_without_what_it_needs_is_refused(name: str) -> None:
    said = refused(dispatches(), without(DISPATCH, name))
    assert said == ("missing_field", f"{name}: missing; every event of this topic says it")


FOLDS = [
    pytest.param(incidents, INCIDENT, "updated_at", id="incidents"),
    pytest.param(dispatches, DISPATCH | {"updated_at": AT}, "updated_at", id="dispatches"),
    pytest.param(dispatches, DISPATCH, "at", id="dispatches-at"),
    pytest.param(incidents, {"jurisdiction": "city", "heartbeat_at": AT}, "heartbeat_at", id="heartbeat"),
    pytest.param(
        dispatches, {"jurisdiction": "city", "heartbeat_at": AT}, "heartbeat_at", id="heartbeat-dispatches"
    ),
]


@pytest.mark.parametrize("new_fold, event, name", FOLDS)
def test_time_more_than_ten_minutes_after_its_sending_is_refused(
    new_fold: Callable[[], SourceFold], event: dict[str, Any], name: str
) -> None:
    value = json.dumps(event | {name: AT + 600_001}).encode()
    assert refused(new_fold(), value, at=AT) == (
        "from_the_future",
        f"{name}: 2026-03-01T00:10:00.001Z is more than 10 min after the record's Kafka timestamp "
        "2026-03-01T00:00:00.000Z; set the publisher's clock and time zone",
    )
    fold = new_fold()
    assert not dead_letters(
        fold.step([Entry(17, AT, b"i1", json.dumps(event | {name: AT + 600_000}).encode())])[0]
    )


@pytest.mark.parametrize("new_fold, event, name", FOLDS)
def test_record_without_a_kafka_timestamp_is_not_judged_by_it(
    new_fold: Callable[[], SourceFold], event: dict[str, Any], name: str
) -> None:
    step = new_fold().step([Entry(17, -1, b"i1", json.dumps(event).encode())])
    assert dead_letters(step.emissions) == []


@pytest.mark.parametrize("new_fold, event, name", FOLDS)
@pytest.mark.parametrize(
    "said, reason",
    [("2026-03-01T00:00:00", "naive_time"), (-1, "time_out_of_range"), (LATEST_MS, "time_out_of_range")],
)
def test_time_that_cannot_be_meant_is_refused(
    new_fold: Callable[[], SourceFold], event: dict[str, Any], name: str, said: object, reason: str
) -> None:
    found, message = refused(new_fold(), json.dumps(event | {name: said}).encode())
    assert found == reason
    assert message.startswith(f"{name}: ")


@pytest.mark.parametrize("name", ["reported_at", "occurred_at"])
@pytest.mark.parametrize("said", ["2026-03-01T00:00:00", -1, LATEST_MS])
def test_naive_or_impossible_time_of_an_incident_is_refused_also_where_it_does_not_count(
    name: str, said: object
) -> None:
    reason, message = refused(incidents(), json.dumps(INCIDENT | {name: said}).encode())
    assert reason in ("naive_time", "time_out_of_range")
    assert message.startswith(f"{name}: ")


def test_naive_time_of_reception_is_refused() -> None:
    reason, message = refused(
        dispatches(), json.dumps(DISPATCH | {"received_at": "2026-03-01T00:00:00"}).encode()
    )
    assert (reason, message.split(":")[0]) == ("naive_time", "received_at")


@pytest.mark.parametrize(
    "name, by_occurred", [("reported_at", False), ("reported_at", True), ("occurred_at", True)]
)
def test_time_that_counts_more_than_a_day_after_the_message_is_refused(
    name: str, *, by_occurred: bool
) -> None:
    value = json.dumps(INCIDENT | {name: AT + DAY_MS + 1}).encode()
    assert refused(incidents(counts_by_occurred=by_occurred), value) == (
        "from_the_future",
        f"{name}: 2026-03-02T00:00:00.001Z is more than a day after updated_at 2026-03-01T00:00:00.000Z; "
        "an incident cannot be known before it happens",
    )
    last = json.dumps(INCIDENT | {name: AT + DAY_MS}).encode()
    assert (
        dead_letters(incidents(counts_by_occurred=by_occurred).step([Entry(0, SENT, b"i1", last)])[0]) == []
    )


def test_time_that_does_not_count_may_lie_anywhere() -> None:
    value = json.dumps(INCIDENT | {"occurred_at": AT + 30 * DAY_MS}).encode()
    assert dead_letters(incidents().step([Entry(0, SENT, b"i1", value)]).emissions) == []


def test_unit_fact_more_than_a_day_after_its_message_is_refused() -> None:
    value = json.dumps(DISPATCH | {"at": AT + DAY_MS + 1, "updated_at": AT}).encode()
    assert refused(dispatches(), value) == (
        "from_the_future",
        "at: 2026-03-02T00:00:00.001Z is more than a day after updated_at 2026-03-01T00:00:00.000Z; "
        "a fact cannot be known before it happens",
    )


@pytest.mark.parametrize("new_fold, event", [(incidents, INCIDENT), (dispatches, DISPATCH)])
@pytest.mark.parametrize(
    "key, named",
    [
        pytest.param(None, "null", id="null"),
        pytest.param(b"", "''", id="empty"),
        pytest.param(b"i2", "'i2'", id="another incident"),
        pytest.param(b"\xff" * 100, "(not shown)", id="long bytes are not shown"),
        pytest.param(b"+1 312 555 0147", "(not shown)", id="what may be of a person is not shown"),
    ],
)
def test_key_that_is_not_the_incident_is_refused(
    new_fold: Callable[[], SourceFold], event: dict[str, Any], key: bytes | None, named: str
) -> None:
    assert refused(new_fold(), json.dumps(event).encode(), key) == (
        "key_mismatch",
        f"key: {named} is not the incident_id 'i1'; use the incident_id as the record's key",
    )


@pytest.mark.parametrize(
    "stamp, written",
    [
        pytest.param(-1, b"1970-01-01T00:00:00.000Z", id="none"),
        pytest.param(SENT, b"2026-03-01T00:00:01.000Z", id="milliseconds"),
        pytest.param(SENT * 1000, b"2100-01-01T00:00:00.000Z", id="microseconds, as some publishers stamp"),
    ],
)
@pytest.mark.parametrize("new_fold", [incidents, dispatches, answers])
def test_dead_letter_says_the_kafka_timestamp_as_far_as_it_can_be_written(
    new_fold: Callable[[], Fold], stamp: int, written: bytes
) -> None:
    (letter,) = new_fold().step([Entry(17, stamp, b"i1", b"x")]).emissions
    assert dict(letter.headers)["vigil-at"] == written


def test_record_of_cells_that_is_not_ours_is_refused_aloud() -> None:
    fold = WatchFold(0, plain_watch_rules(TIMELINE))
    for offset, value in enumerate([None, b"", b"x", b"[]", b"7", b'{"topic": "incidents"}']):
        step = fold.step([Entry(offset, AT, b"k", value)])
        (letter,) = step.emissions
        headers = dict(letter.headers)
        assert (letter.topic, letter.key, letter.value) == ("dead-letters", b"k", value)
        assert headers["vigil-reason"] == b"not_json"
        assert (
            headers["vigil-message"] == b"value: not a partial of ours; only workers may write to this topic"
        )
        assert (headers["vigil-topic"], headers["vigil-offset"]) == (b"cells", str(offset).encode())
    assert fold.cities == {}


# ---- what a refused record changes: nothing


def test_refused_records_leave_the_fold_as_it_was() -> None:
    good = [
        Entry(at, SENT, f"i{at}".encode(), json.dumps(INCIDENT | {"incident_id": f"i{at}"}).encode())
        for at in range(9)
    ]
    bad = [
        None,
        b"",
        b"x",
        without(INCIDENT, "updated_at"),
        json.dumps(INCIDENT | {"updated_at": LATEST_MS}).encode(),
    ]
    plain, mixed = incidents(), incidents()
    plain.step(good)
    for number, entry in enumerate(good):
        records = [
            Entry(2 * number, SENT, b"i1", bad[number % len(bad)]),
            entry._replace(offset=2 * number + 1),
        ]
        assert len(dead_letters(mixed.step(records).emissions)) == 1
    ours, theirs = plain.cities["city"], mixed.cities["city"]
    assert ours.partials.everything() == theirs.partials.everything()
    assert ours.ledger.greatest == theirs.ledger.greatest
    assert mixed.position == 18


def test_refused_record_does_not_make_a_jurisdiction() -> None:
    fold = incidents()
    refused(fold, json.dumps(INCIDENT | {"jurisdiction": "other", "reported_at": AT + 2 * DAY_MS}).encode())
    assert fold.cities == {}


def test_batch_of_nothing_but_dead_letters_sends_no_partials() -> None:
    fold = incidents()
    step = fold.step([Entry(at, SENT, None, b"x") for at in range(5)])
    assert [outgoing.topic for outgoing in step.emissions] == ["dead-letters"] * 5
    assert from_json(fold.metadata().encode())["start"] == 5


@given(
    st.lists(
        st.tuples(
            st.none() | st.binary(max_size=8), st.none() | st.binary(max_size=40), st.integers(-2, 2**62)
        ),
        max_size=5,
    )
)
def test_no_record_ends_a_fold(records: list[tuple[bytes | None, bytes | None, int]]) -> None:
    entries = [Entry(at, stamp, key, value) for at, (key, value, stamp) in enumerate(records)]
    for fold in (incidents(), dispatches()):
        assert len(dead_letters(fold.step(entries).emissions)) == len(entries)
        assert fold.position == len(entries)


# ---- documented tolerances


@pytest.mark.parametrize(
    "said, zone",
    [
        pytest.param({"lat": 37.0, "lon": -122.0}, "A1", id="inside"),
        pytest.param({"lat": 0.0, "lon": 0.0}, "unknown", id="outside the city"),
        pytest.param({"lat": 999.0, "lon": 1e300}, "unknown", id="on no globe"),
        pytest.param({"lat": 37.0}, "unknown", id="half a place"),
        pytest.param({"zone": ""}, "unknown", id="empty zone says nothing"),
        pytest.param({"zone": "B2", "lat": 37.0, "lon": -122.0}, "B2", id="the label beats the polygon"),
    ],
)
def test_incident_without_a_usable_place_counts_in_unknown(said: dict[str, Any], zone: str) -> None:
    def zone_of(lat: float, lon: float) -> str | None:
        return "A1" if (lat, lon) == (37.0, -122.0) else None

    event = {name: value for name, value in INCIDENT.items() if name != "zone"} | said
    fold = incidents(localities={"city": Locality(zone_of=zone_of)})
    step = fold.step([Entry(0, SENT, b"i1", json.dumps(event).encode())])
    assert fold.cities["city"].partials.everything().cells == [(zone, "burglary")]
    assert step.tallies.get("unlocatable", 0) == (zone == "unknown")


@pytest.mark.parametrize(
    "sayings, tallied",
    [
        pytest.param([{}, {}], 1, id="a repeat is none more"),
        pytest.param([{}, {"crime_type": "larceny"}], 1, id="nor is another type"),
        pytest.param([{}, {"zone": "B04"}], 1, id="placed afterwards"),
        pytest.param([{"zone": "B04"}, {}], 0, id="a message without a place leaves it where it was"),
        pytest.param([{"zone": "B04"}, {"lat": 0.0, "lon": 0.0}], 1, id="moved out of all polygons"),
        pytest.param([{"zone": "B04"}, {"zone": "unknown"}], 1, id="moved to no zone by name"),
        pytest.param([{"reported_at": None}, {}], 1, id="counted from the second message on"),
        pytest.param([{"reported_at": None}, {"reported_at": None}], 0, id="never counted"),
        pytest.param([{"status": "cancelled"}], 0, id="cancelled from the first"),
        pytest.param([{}, {"status": "cancelled"}], 1, id="cancelled afterwards"),
    ],
)
def test_incident_is_tallied_when_it_comes_to_count_in_unknown(
    sayings: list[dict[str, Any]], tallied: int
) -> None:
    fold, found = incidents(localities={"city": Locality(zone_of=lambda lat, lon: None)}), 0
    for offset, said in enumerate(sayings):
        at = {"updated_at": AT + 90_000 * offset}
        event = {
            name: value
            for name, value in (INCIDENT | {"zone": None} | at | said).items()
            if value is not None
        }
        step = fold.step([Entry(offset, SENT + 90_000, b"i1", json.dumps(event).encode())])
        found += step.tallies.get("unlocatable", 0)
    assert found == tallied


@pytest.mark.parametrize(
    "said, crime_type, unknown",
    [
        pytest.param({"crime_type": "burglary"}, "burglary", 0, id="a word of the vocabulary"),
        pytest.param({"crime_type": "459"}, "burglary", 0, id="a local code that is mapped"),
        pytest.param({"type_code": "459"}, "burglary", 0, id="the same as type_code"),
        pytest.param({"crime_type": "999"}, "other", 1, id="a code that is not mapped"),
        pytest.param({"type_code": "999"}, "other", 1, id="the same as type_code, not mapped"),
        pytest.param(
            {"crime_type": "larceny", "type_code": "459"}, "larceny", 0, id="crime_type beats type_code"
        ),
        pytest.param({"crime_type": ""}, "other", 0, id="nothing said"),
    ],
)
def test_code_that_is_not_mapped_counts_as_other(said: dict[str, Any], crime_type: str, unknown: int) -> None:
    event = {name: value for name, value in INCIDENT.items() if name != "crime_type"} | said
    fold = incidents(localities={"city": Locality(types={"459": "burglary"})})
    step = fold.step([Entry(0, SENT, b"i1", json.dumps(event).encode())])
    assert fold.cities["city"].partials.everything().cells == [("B04", crime_type)]
    assert step.tallies.get("unknown_code", 0) == unknown


def test_personal_fields_are_counted_by_name() -> None:
    value = json.dumps(INCIDENT | {"caller_name": "N. N.", "plate": "7ABC123"}).encode()
    step = incidents().step([Entry(0, SENT, b"i1", value)])
    assert {name for name in step.tallies if name.startswith("personal")} == {
        "personal.caller_name",
        "personal.plate",
    }
    assert b"7ABC123" not in b"".join(outgoing.value or b"" for outgoing in step.emissions)


@pytest.mark.parametrize(
    "text, said",
    [
        (None, {}),
        ("", {}),
        ("v1|0", {}),
        ("[1]", {}),
        ('{"start": 7}', {"start": 7}),
    ],
)
def test_metadata_that_is_not_ours_says_nothing(text: str | None, said: dict[str, Any]) -> None:
    assert read_metadata(text) == said


def test_metadata_says_where_a_take_over_starts_and_how_was_counted() -> None:
    fold = incidents(counting_version=7, fingerprint="abc")
    assert from_json(fold.metadata().encode()) == {"start": 0, "version": 7, "fingerprint": "abc", "of": 4}
    fold.step([Entry(5, SENT, b"i1", to_json(INCIDENT))])
    assert from_json(fold.metadata().encode())["start"] == 5
