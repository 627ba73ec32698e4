import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.events import Dispatch, Incident
from schemas.vocabulary import Agency, CrimeType, IncidentStatus, RejectReason, UnitStatus
from streams.settings.faults import ConfigurationError
from streams.sources import SourceEvent
from streams.sources.sffd import Sffd
from tests.sources.files import dispatches, incidents, read_rows, unusable

NOON = 1_483_300_800_000  # 1 January 2017, 12:00 in San Francisco
MINUTE = 60_000


def at(minutes: int) -> str:
    """A time so many minutes (below 60) after noon, as the portal writes it."""
    return f"01/01/2017 12:{minutes:02d}:00 PM"


ROW = {
    "Call Number": "990010001",
    "Unit ID": "E99",
    "Call Type": "Structure Fire",
    "Received DtTm": at(0),
    "Entry DtTm": at(1),
    "Dispatch DtTm": at(2),
    "Response DtTm": at(3),
    "On Scene DtTm": at(8),
    "Transport DtTm": "",
    "Hospital DtTm": "",
    "Call Final Disposition": "Fire",
    "Available DtTm": at(40),
    "Address": "0 Block of INVENTED ST",
    "Final Priority": "3",
    "Unit Type": "ENGINE",
    "Neighborhood  District": "Marina",
    "Location": "(37.80, -122.43)",
}
MEDIC = ROW | {
    "Unit ID": "M99",
    "Unit Type": "MEDIC",
    "Response DtTm": "",
    "Transport DtTm": at(20),
    "Hospital DtTm": at(30),
    "Available DtTm": at(50),
}
CALL = Incident(
    "990010001",
    "san-francisco",
    NOON,
    agency=Agency.FIRE,
    crime_type=CrimeType.STRUCTURE_FIRE,
    zone="Marina",
    priority="3",
    reported_at=NOON,
)


def test_several_rows_of_a_call_are_one_incident_known_from_its_reception(tmp_path: Path) -> None:
    reading = read_rows(Sffd(), tmp_path, [ROW, MEDIC])
    assert incidents(reading) == [CALL]
    assert (reading.facts.rows, reading.facts.incidents, reading.facts.dispatches) == (2, 1, 9)


def test_csv_export_and_api_say_the_same(tmp_path: Path) -> None:
    rows = [
        {title.lower().replace(" ", "_"): text for title, text in row.items() if text} for row in (ROW, MEDIC)
    ]
    for row in rows:
        row["neighborhoods_analysis_boundaries"] = row.pop("neighborhood__district")
        for name in row.keys() & {
            f"{unit}_dttm" for unit in ("received", "entry", "dispatch", "response", "on_scene")
        }:
            row[name] = row[name].replace("01/01/2017 ", "2017-01-01T").replace(":00 PM", ":00.000")
    api = tmp_path / "rows.json"
    api.write_text(
        json.dumps(
            [row | {"case_location": {"type": "Point", "coordinates": [-122.43, 37.8]}} for row in rows]
        )
    )
    assert list(map(event_of, Sffd().read([api]))) == list(
        map(event_of, read_rows(Sffd(), tmp_path, [ROW, MEDIC]))
    )


def event_of(item: object) -> object:
    assert isinstance(item, SourceEvent)
    return item.event


def test_each_unit_time_is_a_fact_known_from_that_time(tmp_path: Path) -> None:
    facts = dispatches(read_rows(Sffd(), tmp_path, [MEDIC]))
    wanted = [
        (UnitStatus.DISPATCHED, 2),
        (UnitStatus.ON_SCENE, 8),
        (UnitStatus.TRANSPORTING, 20),
        (UnitStatus.AT_HOSPITAL, 30),
        (UnitStatus.AVAILABLE, 50),
    ]
    assert facts == [
        Dispatch(
            "990010001",
            "san-francisco",
            "M99",
            Agency.EMS,
            status,
            then,
            then,
            received_at=NOON,
            priority="3",
            zone="Marina",
        )
        for status, minutes in wanted
        for then in [NOON + minutes * MINUTE]
    ]


@pytest.mark.parametrize(
    "unit_type, agency",
    [
        ("MEDIC", Agency.EMS),
        ("PRIVATE", Agency.EMS),
        ("ENGINE", Agency.FIRE),
        ("RESCUE CAPTAIN", Agency.FIRE),
        ("", Agency.FIRE),
    ],
)
def test_ems_units_are_medic_and_private(tmp_path: Path, unit_type: str, agency: Agency) -> None:
    facts = dispatches(read_rows(Sffd(), tmp_path, [ROW | {"Unit Type": unit_type}]))
    assert {fact.agency for fact in facts} == {agency}


def test_events_come_in_order_of_known_from(tmp_path: Path) -> None:
    other = ROW | {"Call Number": "990010002", "Received DtTm": at(5)}
    reading = read_rows(Sffd(), tmp_path, [other, MEDIC, ROW])
    known = [item.known_from for item in reading]
    assert known == sorted(known, key=lambda time: time or 0)
    assert [event.incident_id for event in incidents(reading)] == ["990010001", "990010002"]


def test_a_cancelled_call_is_known_to_be_from_the_latest_time_in_its_rows(tmp_path: Path) -> None:
    reading = read_rows(Sffd(), tmp_path, [ROW | {"Call Final Disposition": "Cancelled"}, MEDIC])
    assert incidents(reading) == [
        CALL,
        Incident("990010001", "san-francisco", NOON + 50 * MINUTE, status=IncidentStatus.CANCELLED),
    ]


def test_the_latest_time_may_be_the_entry_of_a_call_that_no_unit_was_sent_to(tmp_path: Path) -> None:
    empty = dict.fromkeys((title for title in ROW if "DtTm" in title), "")
    row = ROW | empty | {"Received DtTm": at(0), "Entry DtTm": at(4), "Call Final Disposition": "Cancelled"}
    _, cancelled = incidents(read_rows(Sffd(), tmp_path, [row]))
    assert cancelled.updated_at == NOON + 4 * MINUTE


@pytest.mark.parametrize("disposition", ["No Merit", "Unable to Locate", "Gone on Arrival", ""])
def test_no_other_disposition_takes_a_call_out(tmp_path: Path, disposition: str) -> None:
    (event,) = incidents(read_rows(Sffd(), tmp_path, [ROW | {"Call Final Disposition": disposition}]))
    assert event.status is None


@pytest.mark.parametrize("label", ["None", "none", ""])
def test_a_call_without_a_label_hands_on_its_coordinates(tmp_path: Path, label: str) -> None:
    reading = read_rows(Sffd(), tmp_path, [ROW | {"Neighborhood  District": label}])
    (event,) = incidents(reading)
    assert (event.zone, event.lat, event.lon) == (None, 37.8, -122.43)
    assert {fact.zone for fact in dispatches(reading)} == {None}
    assert reading.facts.without_zone == 1


def test_a_call_with_a_label_hands_on_no_coordinates(tmp_path: Path) -> None:
    unlabelled = MEDIC | {"Neighborhood  District": "None"}
    (event,) = incidents(read_rows(Sffd(), tmp_path, [unlabelled, ROW]))
    assert (event.zone, event.lat, event.lon) == ("Marina", None, None)


def test_where_rows_of_one_time_disagree_the_greater_holds_as_for_messages_of_one_millisecond(
    tmp_path: Path,
) -> None:
    other = MEDIC | {"Call Type": "Other", "Final Priority": "E", "Neighborhood  District": "Mission"}
    for rows in ([ROW, other], [other, ROW]):
        (event,) = incidents(read_rows(Sffd(), tmp_path, rows))
        assert (event.crime_type, event.priority, event.zone) == (CrimeType.STRUCTURE_FIRE, "E", "Mission")


def test_rows_of_different_times_of_reception_are_messages_of_their_own(tmp_path: Path) -> None:
    reading = read_rows(Sffd(), tmp_path, [MEDIC | {"Received DtTm": at(1), "Final Priority": "2"}, ROW])
    first, second = incidents(reading)
    assert (first.updated_at, first.reported_at, first.priority) == (NOON, NOON, "3")
    assert (second.updated_at, second.reported_at, second.priority) == (NOON + MINUTE, NOON + MINUTE, "2")


def test_an_unmapped_type_is_handed_on_and_counted_by_rows(tmp_path: Path) -> None:
    rows = [row | {"Call Type": "Volcano"} for row in (ROW, MEDIC)]
    reading = read_rows(Sffd(), tmp_path, rows)
    assert [(event.crime_type, event.type_code) for event in incidents(reading)] == [(None, "Volcano")]
    assert reading.facts.unmapped == {"Volcano": 2}


def test_a_mapped_type_beats_an_unmapped_one(tmp_path: Path) -> None:
    (event,) = incidents(read_rows(Sffd(), tmp_path, [ROW, MEDIC | {"Call Type": "Volcano"}]))
    assert (event.crime_type, event.type_code) == (CrimeType.STRUCTURE_FIRE, None)


@pytest.mark.parametrize(
    "fields, field, reason, message",
    [
        ({"Received DtTm": ""}, "Received DtTm", RejectReason.MISSING_FIELD, "must be a time (it is empty)"),
        (
            {"Received DtTm": "x"},
            "Received DtTm",
            RejectReason.WRONG_TYPE,
            "must be a time such as 2018-12-31T23:57:56 or",
        ),
        ({"Call Number": ""}, "Call Number", RejectReason.MISSING_FIELD, "must name the call; without it"),
    ],
)
def test_a_row_that_does_not_say_which_call_or_since_when_is_unusable(
    tmp_path: Path, fields: dict[str, str], field: str, reason: RejectReason, message: str
) -> None:
    reading = read_rows(Sffd(), tmp_path, [ROW, MEDIC | fields])
    (row,) = unusable(reading)
    assert (row.field, row.reason, row.partly, row.line) == (field, reason, False, 3)
    assert row.message.startswith(f"{field} {message}")
    assert {fact.unit_id for fact in dispatches(reading)} == {"E99"}


def test_a_unit_time_that_cannot_be_read_is_reported_and_the_rest_of_its_row_used(tmp_path: Path) -> None:
    reading = read_rows(Sffd(), tmp_path, [ROW | {"On Scene DtTm": "soon", "Entry DtTm": "x"}])
    assert incidents(reading) == [CALL]
    assert [fact.status for fact in dispatches(reading)] == [
        UnitStatus.DISPATCHED,
        UnitStatus.EN_ROUTE,
        UnitStatus.AVAILABLE,
    ]
    assert [(row.field, row.partly, row.known_from) for row in unusable(reading)] == [
        ("Entry DtTm", True, NOON),
        ("On Scene DtTm", True, NOON),
    ]


def test_times_of_a_unit_without_a_name_are_reported_and_the_call_counts(tmp_path: Path) -> None:
    reading = read_rows(Sffd(), tmp_path, [ROW | {"Unit ID": ""}])
    assert incidents(reading) == [CALL]
    assert dispatches(reading) == []
    (row,) = unusable(reading)
    assert row.message == "Unit ID must name the unit that the row has times of (it is empty)"
    assert row.partly


def test_missing_columns_are_said_together(tmp_path: Path) -> None:
    row = {
        title: text
        for title, text in ROW.items()
        if title not in ("Unit Type", "Neighborhood  District", "Location")
    }
    with pytest.raises(
        ConfigurationError, match='lacks 2 columns: "Neighborhood  District" or "Neighborhooods - Anal'
    ):
        read_rows(Sffd(), tmp_path, [row])


def test_nothing_personal_is_said(tmp_path: Path) -> None:
    assert "INVENTED" not in repr(list(read_rows(Sffd(), tmp_path, [ROW, MEDIC])))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "Call Number": st.sampled_from(["1", "2"]),
                "Received DtTm": st.sampled_from([at(0), at(1)]),
                "Call Type": st.sampled_from(["Structure Fire", "Other", "Volcano", "Lava", ""]),
                "Call Final Disposition": st.sampled_from(["Fire", "Cancelled"]),
                "Final Priority": st.sampled_from(["", "2", "3"]),
                "Neighborhood  District": st.sampled_from(["None", "Marina", "Mission"]),
                "Location": st.sampled_from(["", "(37.80, -122.43)", "(37.81, -122.41)"]),
                "Unit ID": st.sampled_from(["", "E1", "E2"]),
                "Available DtTm": st.sampled_from(["", at(30), at(45)]),
            }
        ),
        min_size=1,
        max_size=6,
    ),
    st.randoms(use_true_random=False),
)
def test_the_order_of_rows_never_matters(tmp_path: Path, rows: list[dict[str, str]], shuffle: object) -> None:
    rows = [ROW | row for row in rows]
    before = [item.event for item in read_rows(Sffd(), tmp_path, rows) if isinstance(item, SourceEvent)]
    shuffle.shuffle(rows)  # type: ignore[attr-defined]
    reading = read_rows(Sffd(), tmp_path, rows)
    after = [item.event for item in reading if isinstance(item, SourceEvent)]
    assert [event.updated_at for event in after] == sorted(event.updated_at for event in before)
    assert sorted(map(repr, after)) == sorted(map(repr, before))
    assert list(reading) == list(reading)
