import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.events import Incident
from schemas.vocabulary import Agency, CallSource, CrimeType, IncidentStatus, RejectReason
from streams.settings.faults import ConfigurationError
from streams.sources.sfpd import Sfpd, status_of
from tests.sources.files import incidents, read_rows, unusable

NOON = 1_543_694_400_000  # 1 December 2018, 12:00 in San Francisco
MINUTE = 60_000
ROW = {
    "Incident Datetime": "2018/12/01 11:00:00 AM",
    "Report Datetime": "2018/12/01 12:00:00 PM",
    "Row ID": "1",
    "Incident Number": "990000001",
    "Report Type Description": "Initial",
    "Filed Online": "",
    "Incident Code": "05041",
    "Incident Category": "Burglary",
    "Incident Subcategory": "Burglary - Residential",
    "Incident Description": "Burglary, Invented",
    "Resolution": "Open or Active",
    "Intersection": "FIRST ST \\ SECOND ST",
    "Analysis Neighborhood": "Mission",
    "Latitude": "37.76",
    "Longitude": "-122.42",
}
LATER = ROW | {"Report Datetime": "2018/12/03 09:00:00 AM", "Report Type Description": "Initial Supplement"}
LATER_MS = NOON + (45 * 60) * MINUTE


def test_a_row_is_one_message_known_from_its_report(tmp_path: Path) -> None:
    (event,) = incidents(read_rows(Sfpd(), tmp_path, [ROW]))
    assert event == Incident(
        "990000001-05041",
        "san-francisco",
        NOON,
        agency=Agency.POLICE,
        status=IncidentStatus.ACTIVE,
        crime_type=CrimeType.BURGLARY,
        zone="Mission",
        occurred_at=NOON - 60 * MINUTE,
        reported_at=NOON,
    )


def test_csv_export_and_api_say_the_same(tmp_path: Path) -> None:
    row = {title.lower().replace(" ", "_"): text for title, text in ROW.items() if text}
    row |= {"incident_datetime": "2018-12-01T11:00:00.000", "report_datetime": "2018-12-01T12:00:00.000"}
    api = tmp_path / "rows.json"
    api.write_text(json.dumps([row | {"point": {"type": "Point", "coordinates": [-122.42, 37.76]}}]))
    assert incidents(Sfpd().read([api])) == incidents(read_rows(Sfpd(), tmp_path, [ROW]))


def test_each_offence_of_an_incident_is_a_record(tmp_path: Path) -> None:
    reading = read_rows(
        Sfpd(), tmp_path, [ROW, ROW | {"Incident Code": "03074", "Incident Category": "Robbery"}]
    )
    assert [(event.incident_id, event.crime_type) for event in incidents(reading)] == [
        ("990000001-05041", CrimeType.BURGLARY),
        ("990000001-03074", CrimeType.ROBBERY),
    ]


def test_a_supplement_updates_its_record_and_does_not_move_the_time_that_counts(tmp_path: Path) -> None:
    supplement = LATER | {
        "Analysis Neighborhood": "Potrero Hill",
        "Incident Datetime": "2018/12/01 10:00:00 AM",
    }
    first, second = incidents(read_rows(Sfpd(), tmp_path, [supplement, ROW]))
    assert (first.updated_at, first.reported_at, first.zone) == (NOON, NOON, "Mission")
    assert (second.updated_at, second.reported_at, second.zone) == (LATER_MS, NOON, "Potrero Hill")
    assert second.occurred_at == NOON - 120 * MINUTE


def test_a_message_never_says_a_report_that_is_not_known_yet(tmp_path: Path) -> None:
    messages = incidents(read_rows(Sfpd(), tmp_path, [LATER, ROW]))
    assert all(
        message.reported_at is not None and message.reported_at <= message.updated_at for message in messages
    )


def test_unfounded_does_not_count_and_a_later_report_puts_it_back(tmp_path: Path) -> None:
    rows = [ROW | {"Resolution": "Unfounded"}, LATER | {"Resolution": "Cite or Arrest Adult"}]
    assert [event.status for event in incidents(read_rows(Sfpd(), tmp_path, rows))] == [
        IncidentStatus.UNFOUNDED,
        IncidentStatus.UPDATED,
    ]


@pytest.mark.parametrize(
    "resolution, status",
    [
        ("", None),
        ("Unfounded", IncidentStatus.UNFOUNDED),
        ("unfounded", IncidentStatus.UNFOUNDED),
        ("Open or Active", IncidentStatus.ACTIVE),
        ("Cite or Arrest Juvenile", IncidentStatus.UPDATED),
        ("Exceptional Adult", IncidentStatus.UPDATED),
    ],
)
def test_what_a_resolution_says(resolution: str, status: IncidentStatus | None) -> None:
    assert status_of(resolution) is status


def test_a_report_without_neighbourhood_says_nothing_of_the_zone_and_no_coordinates(tmp_path: Path) -> None:
    reading = read_rows(Sfpd(), tmp_path, [ROW | {"Analysis Neighborhood": ""}])
    (event,) = incidents(reading)
    assert (event.zone, event.lat, event.lon) == (None, None, None)
    assert reading.facts.without_zone == 1


@pytest.mark.parametrize(
    "category, subcategory, crime_type",
    [
        ("Larceny Theft", "Theft From Vehicle", CrimeType.LARCENY),
        ("Motor Vehicle Theft?", "Motor Vehicle Theft", CrimeType.MOTOR_VEHICLE_THEFT),
        ("Other Miscellaneous", "Extortion-Blackmail", CrimeType.EXTORTION),
        ("Other Miscellaneous", "Trespass", CrimeType.GROUP_B),
        ("Offences Against The Family And Children", "Kidnapping", CrimeType.KIDNAPPING),
        ("Disorderly Conduct", "Intimidation", CrimeType.ASSAULT),
        ("Sex Offense", "Child Abuse", CrimeType.SEX_OFFENSE),
        ("Non-Criminal", "Other", CrimeType.OTHER),
        ("Human Trafficking (A), Commercial Sex Acts", "", CrimeType.HUMAN_TRAFFICKING),
        ("", "Vandalism", CrimeType.VANDALISM),
    ],
)
def test_the_category_decides_or_in_a_catch_all_the_subcategory(
    tmp_path: Path, category: str, subcategory: str, crime_type: CrimeType
) -> None:
    row = ROW | {"Incident Category": category, "Incident Subcategory": subcategory}
    reading = read_rows(Sfpd(), tmp_path, [row])
    assert [event.crime_type for event in incidents(reading)] == [crime_type]
    assert not reading.facts.unmapped


def test_an_unmapped_category_is_handed_on_and_counted(tmp_path: Path) -> None:
    rows = [
        ROW | {"Incident Category": "Levitation"},
        ROW | {"Incident Category": "", "Incident Subcategory": ""},
    ]
    reading = read_rows(Sfpd(), tmp_path, rows)
    assert [(event.crime_type, event.type_code) for event in incidents(reading)] == [
        (None, "Levitation"),
        (None, None),
    ]
    assert reading.facts.unmapped == {"Levitation": 1, "(blank)": 1}


@pytest.mark.parametrize(
    "fields, source",
    [
        ({}, None),
        ({"Filed Online": "true"}, CallSource.INTERNET),
        ({"Incident Category": "Warrant"}, CallSource.OFFICER),
        ({"Incident Category": "Traffic Violation Arrest"}, CallSource.OFFICER),
        ({"Incident Category": "Drug Offense"}, CallSource.OFFICER),
        ({"Incident Category": "Prostitution"}, CallSource.OFFICER),
        (
            {"Incident Category": "Disorderly Conduct", "Incident Subcategory": "Drug Violation"},
            CallSource.OFFICER,
        ),
    ],
)
def test_call_sources(tmp_path: Path, fields: dict[str, str], source: CallSource | None) -> None:
    (event,) = incidents(read_rows(Sfpd(), tmp_path, [ROW | fields]))
    assert event.call_source is source


@pytest.mark.parametrize(
    "fields, field, reason, message",
    [
        (
            {"Report Datetime": ""},
            "Report Datetime",
            RejectReason.MISSING_FIELD,
            "must be a time (it is empty)",
        ),
        (
            {"Report Datetime": "x"},
            "Report Datetime",
            RejectReason.WRONG_TYPE,
            "must be a time such as 2018-12-31T23:57:56 or",
        ),
        (
            {"Incident Number": ""},
            "Incident Number",
            RejectReason.MISSING_FIELD,
            "must name the record; without it",
        ),
        (
            {"Incident Code": ""},
            "Incident Code",
            RejectReason.MISSING_FIELD,
            "must name the record; without it",
        ),
    ],
)
def test_a_row_that_does_not_say_which_record_or_since_when_is_unusable(
    tmp_path: Path, fields: dict[str, str], field: str, reason: RejectReason, message: str
) -> None:
    reading = read_rows(Sfpd(), tmp_path, [ROW, ROW | fields])
    (row,) = unusable(reading)
    assert (row.field, row.reason, row.known_from, row.partly) == (field, reason, NOON, False)
    assert row.message.startswith(f"{field} {message}")
    assert len(incidents(reading)) == 1


@pytest.mark.parametrize("text", ["", "x"])
def test_a_row_whose_time_of_incident_cannot_be_read_goes_on_without_it(tmp_path: Path, text: str) -> None:
    reading = read_rows(Sfpd(), tmp_path, [ROW | {"Incident Datetime": text}])
    (event,) = incidents(reading)
    assert (event.occurred_at, event.reported_at) == (None, NOON)
    (row,) = unusable(reading)
    assert (row.field, row.partly, row.known_from) == ("Incident Datetime", True, NOON)


def test_a_report_that_is_unusable_does_not_decide_when_its_record_counts(tmp_path: Path) -> None:
    early = ROW | {"Report Datetime": "2018/11/01 12:00:00 PM", "Incident Code": ""}
    (event,) = incidents(read_rows(Sfpd(), tmp_path, [early, ROW]))
    assert event.reported_at == NOON


def test_missing_columns_are_said_together(tmp_path: Path) -> None:
    titles = [title for title in ROW if title not in ("Resolution", "Report Datetime", "Filed Online")]
    row = {title: ROW[title] for title in titles}
    with pytest.raises(ConfigurationError, match='lacks 2 columns: "Report Datetime"; "Resolution"; it has'):
        read_rows(Sfpd(), tmp_path, [row])


def test_nothing_personal_is_said(tmp_path: Path) -> None:
    text = repr(incidents(read_rows(Sfpd(), tmp_path, [ROW])))
    assert not any(
        ROW[title] in text for title in ("Intersection", "Incident Description", "Latitude", "Longitude")
    )


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "Report Datetime": st.sampled_from(
                    ["2018/12/01 12:00:00 PM", "2018/12/01 12:05:00 PM", "2018/12/02 01:00:00 AM"]
                ),
                "Incident Code": st.sampled_from(["05041", "05042"]),
                "Analysis Neighborhood": st.sampled_from(["", "Mission", "Marina"]),
                "Resolution": st.sampled_from(["Unfounded", "Open or Active"]),
            }
        ),
        min_size=1,
        max_size=8,
    ),
    st.randoms(use_true_random=False),
)
def test_the_order_of_rows_never_matters(tmp_path: Path, rows: list[dict[str, str]], shuffle: object) -> None:
    rows = [ROW | row for row in rows]
    before = incidents(read_rows(Sfpd(), tmp_path, rows))
    shuffle.shuffle(rows)  # type: ignore[attr-defined]
    after = incidents(read_rows(Sfpd(), tmp_path, rows))
    assert [event.updated_at for event in after] == sorted(event.updated_at for event in before)
    assert sorted(map(repr, after)) == sorted(map(repr, before))
    first: dict[str, int] = {}
    for event in after:
        assert event.reported_at == first.setdefault(event.incident_id, event.updated_at)
