import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.events import Dispatch, Incident
from schemas.vocabulary import Agency, CallSource, CrimeType, IncidentStatus, RejectReason, UnitStatus
from streams.settings.faults import ConfigurationError
from streams.sources import Reading, SourceEvent, source_named
from tests.sources.files import csv_text, dispatches, incidents, unusable

ROOT = Path(__file__).resolve().parents[2]
NOON = 1_525_176_000_000  # 1 May 2018, 12:00 UTC
MINUTE = 60_000
HEAD = 'jurisdiction = "springfield"\ntime_zone = "UTC"\n'


def read(folder: Path, mapping: str, *rows: dict[str, str]) -> Reading:
    path = folder / "mapping.toml"
    path.write_text(HEAD + mapping)
    data = folder / "rows.csv"
    data.write_text(csv_text(rows))
    return source_named(str(path)).read([data])


def at(minutes: int) -> str:
    return f"2018-05-01 12:{minutes:02d}"


def test_a_row_is_one_message_with_what_its_columns_say(tmp_path: Path) -> None:
    mapping = """
        agency = "police"
        no_value = ["N/A"]
        [columns]
        id = "Case"
        updated_at = "Updated"
        reported_at = "Reported"
        occurred_at = "Occurred"
        type = "Nature"
        zone = "Beat"
        priority = "Prio"
        status = "Status"
        call_source = "Via"
        exercise = "Drill"
        [types]
        "BURG RES" = "burglary"
        [statuses]
        OPEN = "active"
        [call_sources]
        "on view" = "officer"
    """
    row = {
        "Case": "7",
        "Updated": at(9),
        "Reported": at(5),
        "Occurred": at(1),
        "Nature": "burg  res",
        "Beat": "B4",
    }
    row |= {"Prio": "N/A", "Status": "open", "Via": "ON VIEW", "Drill": "Y"}
    reading = read(tmp_path, mapping, row)
    assert list(map(event_of, reading)) == [
        Incident(
            "7",
            "springfield",
            NOON + 9 * MINUTE,
            agency=Agency.POLICE,
            status=IncidentStatus.ACTIVE,
            crime_type=CrimeType.BURGLARY,
            zone="B4",
            call_source=CallSource.OFFICER,
            occurred_at=NOON + MINUTE,
            reported_at=NOON + 5 * MINUTE,
            exercise=True,
        )
    ]
    assert not reading.facts.unmapped


def event_of(item: object) -> Incident | Dispatch:
    assert isinstance(item, SourceEvent)
    return item.event


def test_a_row_is_known_from_its_report_where_nothing_else_is_named(tmp_path: Path) -> None:
    (event,) = incidents(read(tmp_path, '[columns]\nreported_at = "Reported"', {"Reported": at(5)}))
    assert (event.updated_at, event.reported_at) == (NOON + 5 * MINUTE, NOON + 5 * MINUTE)


@pytest.mark.parametrize(
    "day, found", [("2018-11-04 01:30", (1, 0)), ("2018-03-11 02:30", (0, 1))], ids=["autumn", "spring"]
)
@pytest.mark.parametrize("updated_at", ["", 'updated_at = "Reported"'], ids=["by default", "by name"])
def test_a_local_time_that_plays_several_parts_is_counted_once(
    tmp_path: Path, day: str, found: tuple[int, int], updated_at: str
) -> None:
    mapping = f"""
        [columns]
        id = "Case"
        reported_at = "Reported"
        {updated_at}
        [dispatch]
        unit = "Unit"
        agencies = {{ E = "fire" }}
        unit_type = "Kind"
        dispatched = "Sent"
    """
    path = tmp_path / "mapping.toml"
    path.write_text('jurisdiction = "springfield"\ntime_zone = "America/Chicago"\n' + mapping)
    data = tmp_path / "rows.csv"
    row = {"Case": "7", "Reported": day, "Unit": "E1", "Kind": "E", "Sent": "2018-12-01 12:00"}
    data.write_text(csv_text([row, row | {"Case": "8"}]))
    facts = source_named(str(path)).read([data]).facts
    assert (facts.ambiguous_times, facts.nonexistent_times) == tuple(2 * n for n in found)


def test_rows_without_id_are_incidents_of_their_own(tmp_path: Path) -> None:
    rows = [{"Reported": at(5), "more": str(n)} for n in range(3)]
    events = incidents(read(tmp_path, '[columns]\nreported_at = "Reported"', *rows))
    assert [event.incident_id[-2:] for event in events] == ["-1", "-2", "-3"]
    assert len({event.incident_id[:-2] for event in events}) == 1


def test_an_id_of_several_columns_is_joined(tmp_path: Path) -> None:
    mapping = '[columns]\nid = ["Case", "Code"]\nreported_at = "Reported"'
    (event,) = incidents(read(tmp_path, mapping, {"Case": "7", "Code": "A", "Reported": at(5)}))
    assert event.incident_id == "7-A"


def test_a_row_that_lacks_a_part_of_its_id_is_unusable(tmp_path: Path) -> None:
    mapping = '[columns]\nid = ["Case", "Code"]\nreported_at = "Reported"'
    (row,) = unusable(read(tmp_path, mapping, {"Case": "7", "Code": "", "Reported": at(5)}))
    assert row.message == "Code must name the incident; without it the row belongs nowhere (it is empty)"
    assert row.known_from == NOON + 5 * MINUTE


@pytest.mark.parametrize(
    "text, reason",
    [
        ("", RejectReason.MISSING_FIELD),
        ("x", RejectReason.WRONG_TYPE),
        ("1901-01-01", RejectReason.TIME_OUT_OF_RANGE),
    ],
)
def test_a_row_that_does_not_say_since_when_it_is_known_is_unusable(
    tmp_path: Path, text: str, reason: RejectReason
) -> None:
    mapping = '[columns]\nupdated_at = "Updated"\nreported_at = "Reported"'
    reading = read(tmp_path, mapping, {"Updated": text, "Reported": at(5)})
    (row,) = unusable(reading)
    assert (row.field, row.reason, row.partly) == ("Updated", reason, False)
    assert not incidents(reading)


def test_a_time_that_cannot_be_read_is_reported_and_the_rest_of_its_row_used(tmp_path: Path) -> None:
    mapping = '[columns]\nupdated_at = "Updated"\nreported_at = "Reported"'
    reading = read(tmp_path, mapping, {"Updated": at(9), "Reported": "soon"})
    (event,) = incidents(reading)
    assert event.reported_at is None
    (row,) = unusable(reading)
    assert (row.field, row.value, row.partly, row.known_from) == ("Reported", "soon", True, NOON + 9 * MINUTE)


def test_the_longest_code_that_is_mapped_decides(tmp_path: Path) -> None:
    mapping = """
        [columns]
        reported_at = "Reported"
        type = ["Nature", "Detail"]
        [types]
        Theft = "larceny"
        "Theft / Vehicle" = "motor_vehicle_theft"
    """
    rows = [
        {"Reported": at(n), "Nature": "Theft", "Detail": detail}
        for n, detail in enumerate(["Vehicle", "Bicycle", ""])
    ]
    rows += [
        {"Reported": at(9), "Nature": "Burglary", "Detail": ""},
        {"Reported": at(10), "Nature": "Odd", "Detail": "Thing"},
    ]
    reading = read(tmp_path, mapping, *rows)
    assert [(event.crime_type, event.type_code) for event in incidents(reading)] == [
        (CrimeType.MOTOR_VEHICLE_THEFT, None),
        (CrimeType.LARCENY, None),
        (CrimeType.LARCENY, None),
        (CrimeType.BURGLARY, None),  # a word of the vocabulary stands for itself
        (None, "Odd / Thing"),
    ]
    assert reading.facts.unmapped == {"Odd / Thing": 1}


def test_other_words_that_are_not_mapped_say_nothing_and_are_counted(tmp_path: Path) -> None:
    mapping = '[columns]\nreported_at = "R"\nstatus = "S"\ncall_source = "C"\nagency = "A"'
    reading = read(tmp_path, mapping, {"R": at(1), "S": "odd", "C": "odd", "A": "odd"})
    (event,) = incidents(reading)
    assert (event.status, event.call_source, event.agency) == (None, None, None)
    assert reading.facts.unmapped == {"IncidentStatus odd": 1, "CallSource odd": 1, "Agency odd": 1}


@pytest.mark.parametrize("columns", ['lat = "Lat"\nlon = "Lon"', 'point = "Point"'])
def test_coordinates_are_handed_on_where_a_row_says_no_zone(tmp_path: Path, columns: str) -> None:
    mapping = f'[columns]\nreported_at = "R"\nzone = "Z"\n{columns}'
    row = {"R": at(1), "Z": "", "Lat": "41.5", "Lon": "-87.5", "Point": "(41.5, -87.5)"}
    first, second = incidents(read(tmp_path, mapping, row, row | {"Z": "B4"}))
    assert (first.zone, first.lat, first.lon) == (None, 41.5, -87.5)
    assert (second.zone, second.lat, second.lon) == ("B4", None, None)


CORRECTED = """
    [columns]
    id = "Case"
    reported_at = "R"
    status = "S"
    [corrections]
    status_at = "S at"
    cancelled_at = "Cancelled"
"""


def test_a_status_that_is_known_later_is_a_message_of_its_own(tmp_path: Path) -> None:
    row = {"Case": "7", "R": at(1), "S": "closed", "S at": at(30), "Cancelled": ""}
    first, second = incidents(read(tmp_path, CORRECTED, row))
    assert (first.updated_at, first.status, first.reported_at) == (NOON + MINUTE, None, NOON + MINUTE)
    assert second == Incident("7", "springfield", NOON + 30 * MINUTE, status=IncidentStatus.CLOSED)


@pytest.mark.parametrize("status_at", ["", "2018-05-01 11:00", "odd"])
def test_a_status_without_a_later_time_is_said_with_its_row(tmp_path: Path, status_at: str) -> None:
    row = {"Case": "7", "R": at(1), "S": "closed", "S at": status_at, "Cancelled": ""}
    (event,) = incidents(read(tmp_path, CORRECTED, row))
    assert (event.updated_at, event.status) == (NOON + MINUTE, IncidentStatus.CLOSED)


def test_a_time_of_cancellation_is_a_message_of_its_own(tmp_path: Path) -> None:
    row = {"Case": "7", "R": at(1), "S": "", "S at": at(30), "Cancelled": at(20)}
    _, cancelled = incidents(read(tmp_path, CORRECTED, row))
    assert cancelled == Incident("7", "springfield", NOON + 20 * MINUTE, status=IncidentStatus.CANCELLED)


def test_a_cancellation_is_not_known_before_its_row(tmp_path: Path) -> None:
    row = {"Case": "7", "R": at(10), "S": "", "S at": "", "Cancelled": at(2)}
    assert [event.updated_at for event in incidents(read(tmp_path, CORRECTED, row))] == [
        NOON + 10 * MINUTE
    ] * 2


@pytest.mark.parametrize("which, wanted", [("earliest", [5, 3, 3]), ("latest", [5, 3, 7])])
def test_which_report_counts(tmp_path: Path, which: str, wanted: list[int]) -> None:
    mapping = f"""
        [columns]
        id = "Case"
        updated_at = "U"
        reported_at = "R"
        [corrections]
        reported_at = "{which}"
    """
    rows = [
        {"Case": "7", "U": at(updated), "R": at(reported)}
        for updated, reported in [(30, 7), (10, 5), (20, 3)]
    ]
    rows.append({"Case": "7", "U": at(40), "R": ""})
    events = incidents(read(tmp_path, mapping, *rows))
    assert [event.reported_at for event in events] == [*(NOON + minutes * MINUTE for minutes in wanted), None]


UNITS = """
    agency = "fire"
    [columns]
    id = "Call"
    reported_at = "R"
    zone = "Z"
    priority = "P"
    [dispatch]
    unit = "Unit"
    unit_type = "Kind"
    dispatched = "D"
    on_scene = "O"
    [dispatch.agencies]
    Medic = "ems"
"""
UNIT = {"Call": "7", "R": at(0), "Z": "B4", "P": "2", "Unit": "E1", "Kind": "ENGINE", "D": at(1), "O": at(6)}


def test_unit_times_are_facts_and_what_rows_say_of_their_call_is_said_once(tmp_path: Path) -> None:
    reading = read(tmp_path, UNITS, UNIT, UNIT | {"Unit": "M1", "Kind": "MEDIC", "D": "", "O": at(7)})
    assert len(incidents(reading)) == 1
    about = {"received_at": NOON, "priority": "2", "zone": "B4"}
    assert dispatches(reading) == [
        Dispatch("7", "springfield", unit, agency, status, then, then, **about)  # type: ignore[arg-type]
        for unit, agency, status, then in [
            ("E1", Agency.FIRE, UnitStatus.DISPATCHED, NOON + MINUTE),
            ("E1", Agency.FIRE, UnitStatus.ON_SCENE, NOON + 6 * MINUTE),
            ("M1", Agency.EMS, UnitStatus.ON_SCENE, NOON + 7 * MINUTE),
        ]
    ]


def test_rows_that_differ_about_their_call_are_messages_of_their_own(tmp_path: Path) -> None:
    reading = read(tmp_path, UNITS, UNIT, UNIT | {"Unit": "M1", "P": "1"})
    assert sorted(str(event.priority) for event in incidents(reading)) == ["1", "2"]


def test_a_row_without_unit_times_is_about_its_call_alone(tmp_path: Path) -> None:
    reading = read(tmp_path, UNITS, UNIT | {"Unit": "", "D": "", "O": ""})
    assert (len(incidents(reading)), dispatches(reading), unusable(reading)) == (1, [], [])


def test_times_of_a_unit_without_a_name_are_reported(tmp_path: Path) -> None:
    reading = read(tmp_path, UNITS, UNIT | {"Unit": ""})
    (row,) = unusable(reading)
    assert row.message == "Unit must name the unit that the row has times of (it is empty)"
    assert (row.partly, len(incidents(reading)), dispatches(reading)) == (True, 1, [])


def test_the_agency_of_a_unit_is_other_where_nothing_says_it(tmp_path: Path) -> None:
    reading = read(tmp_path, UNITS.replace('agency = "fire"', ""), UNIT)
    assert {fact.agency for fact in dispatches(reading)} == {Agency.OTHER}


def test_another_delimiter_and_time_format(tmp_path: Path) -> None:
    path = tmp_path / "mapping.toml"
    path.write_text(
        f'delimiter = ";"\ntime_formats = ["%d.%m.%Y %H:%M"]\n{HEAD}[columns]\nreported_at = "Zeit"\n'
    )
    data = tmp_path / "rows.csv"
    data.write_text("Zeit;x\n01.05.2018 12:05;a,b\n")
    (event,) = incidents(source_named(str(path)).read([data]))
    assert event.reported_at == NOON + 5 * MINUTE


def test_columns_that_the_file_lacks_are_said_together(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r'lacks 2 columns: "Case"; "R"; it has "x"'):
        read(tmp_path, '[columns]\nid = "Case"\nreported_at = "R"', {"x": "1"})


def test_json_may_leave_out_what_is_empty(tmp_path: Path) -> None:
    path = tmp_path / "mapping.toml"
    path.write_text(HEAD + '[columns]\nid = "Case"\nreported_at = "R"\nzone = "Z"\n')
    data = tmp_path / "rows.json"
    data.write_text(json.dumps([{"Case": 7, "R": at(1)}]))
    (event,) = incidents(source_named(str(path)).read([data]))
    assert (event.incident_id, event.zone) == ("7", None)


def test_the_example_is_a_mapping_that_works(tmp_path: Path) -> None:
    source = source_named(str(ROOT / "deploy" / "mapping.example.toml"))
    data = tmp_path / "rows.csv"
    row = {
        "Case Number": "7",
        "Offense": "A",
        "Last Update": "05/01/2018 07:09:00 AM",
        "Reported": "05/01/2018 07:00:00 AM",
    }
    row |= {
        "Occurred": "",
        "Nature": "Theft",
        "Detail": "Vehicle",
        "Beat": "B4",
        "Latitude": "",
        "Longitude": "",
    }
    row |= {
        "Priority": "2",
        "Status": "CANC",
        "Source": "911",
        "Status Changed": "",
        "Cancelled": "",
        "Unit": "M1",
    }
    row |= {
        "Call Received": "05/01/2018 07:00:00 AM",
        "Dispatched": "05/01/2018 07:01:00 AM",
        "En Route": "None",
    }
    row |= {"Arrived": "", "Cleared": "", "Unit Type": "MEDIC"}
    data.write_text(csv_text([row]))
    (fact, event) = map(event_of, source.read([data]))
    assert isinstance(event, Incident)
    assert isinstance(fact, Dispatch)
    assert (event.incident_id, event.updated_at, event.reported_at) == ("7-A", NOON + 9 * MINUTE, NOON)
    assert (event.crime_type, event.status) == (CrimeType.MOTOR_VEHICLE_THEFT, IncidentStatus.CANCELLED)
    assert (fact.agency, fact.at, fact.received_at) == (Agency.EMS, NOON + MINUTE, NOON)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "Case": st.sampled_from(["7", "8"]),
                "U": st.sampled_from([at(10), at(20), at(30)]),
                "R": st.sampled_from(["", at(3), at(5)]),
                "S": st.sampled_from(["", "cancelled", "active"]),
                "S at": st.sampled_from(["", at(25)]),
                "Unit": st.sampled_from(["", "E1"]),
                "D": st.sampled_from(["", at(4)]),
            }
        ),
        min_size=1,
        max_size=6,
    ),
    st.randoms(use_true_random=False),
)
def test_the_order_of_rows_never_matters(tmp_path: Path, rows: list[dict[str, str]], shuffle: object) -> None:
    mapping = """
        [columns]
        id = "Case"
        updated_at = "U"
        reported_at = "R"
        status = "S"
        [corrections]
        status_at = "S at"
        reported_at = "earliest"
        [dispatch]
        unit = "Unit"
        dispatched = "D"
    """
    before = [item.event for item in read(tmp_path, mapping, *rows) if isinstance(item, SourceEvent)]
    shuffle.shuffle(rows)  # type: ignore[attr-defined]
    after = [item.event for item in read(tmp_path, mapping, *rows) if isinstance(item, SourceEvent)]
    assert [event.updated_at for event in after] == sorted(event.updated_at for event in before)
    assert sorted(map(repr, after)) == sorted(map(repr, before))
