import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.events import Incident
from schemas.vocabulary import Agency, CallSource, CrimeType, RejectReason
from streams.settings.faults import ConfigurationError
from streams.sources.chicago import Chicago, area_of
from tests.sources.files import incidents, read_rows, unusable, write_csv

NOON = 1_525_194_000_000  # 1 May 2018, 12:00 in Chicago
ROW = {
    "ID": "9000001",
    "Case Number": "ZZ1",
    "Date": "05/01/2018 12:00:00 PM",
    "Block": "001XX N INVENTED ST",
    "Primary Type": "THEFT",
    "Description": "FROM BUILDING",
    "Community Area": "32",
    "Updated On": "05/08/2018 03:00:00 PM",
    "Latitude": "41.88",
    "Longitude": "-87.63",
}
TRIMMED = {
    "date": "2018-05-01T12:00:00",
    "primary_type": "THEFT",
    "description": "OVER $500",
    "community_area": "32",
    "latitude": "41.88",
    "longitude": "-87.63",
}


def test_a_row_is_one_incident_that_counts_at_and_is_known_from_its_date(tmp_path: Path) -> None:
    reading = read_rows(Chicago(), tmp_path, [ROW])
    assert incidents(reading) == [
        Incident(
            "9000001",
            "chicago",
            NOON,
            agency=Agency.POLICE,
            crime_type=CrimeType.LARCENY,
            zone="32",
            reported_at=NOON,
            occurred_at=NOON,
        )
    ]
    assert (reading.facts.rows, reading.facts.incidents, reading.facts.unusable) == (1, 1, 0)


def test_csv_export_and_api_say_the_same(tmp_path: Path) -> None:
    api = tmp_path / "rows.json"
    row = {title.lower().replace(" ", "_"): text for title, text in ROW.items()} | {
        "date": "2018-05-01T12:00:00.000"
    }
    api.write_text(json.dumps([row | {"location": {"latitude": "41.88"}, "arrest": False}]))
    assert incidents(Chicago().read([api])) == incidents(read_rows(Chicago(), tmp_path, [ROW]))


def test_rows_that_look_the_same_are_different_incidents(tmp_path: Path) -> None:
    first, second, third = incidents(
        read_rows(Chicago(), tmp_path, [TRIMMED, TRIMMED, TRIMMED | {"description": "x"}])
    )
    assert first.incident_id.removesuffix("-1") == second.incident_id.removesuffix("-2")
    assert third.incident_id.endswith("-1")
    assert len({first.incident_id, second.incident_id, third.incident_id}) == 3


def test_an_id_is_a_hash_that_is_the_same_in_every_version(tmp_path: Path) -> None:
    (event,) = incidents(read_rows(Chicago(), tmp_path, [TRIMMED]))
    assert event.incident_id == "72fb031e124f99e21cf8-1"


def test_the_same_row_in_two_files_is_the_same_incident(tmp_path: Path) -> None:
    one, two = write_csv(tmp_path / "a.csv", [TRIMMED]), write_csv(tmp_path / "b.csv", [TRIMMED])
    first, second = incidents(Chicago().read([one, two]))
    assert first == second


def test_columns_that_are_not_named_make_no_difference_to_an_id(tmp_path: Path) -> None:
    (plain,) = incidents(read_rows(Chicago(), tmp_path, [TRIMMED]))
    (more,) = incidents(read_rows(Chicago(), tmp_path, [{"ward": "1", **dict(reversed(TRIMMED.items()))}]))
    assert plain == more


def test_a_row_without_id_in_a_file_with_ids_gets_one_from_its_content(tmp_path: Path) -> None:
    first, second = incidents(read_rows(Chicago(), tmp_path, [ROW, ROW | {"ID": ""}]))
    assert (first.incident_id, len(second.incident_id)) == ("9000001", 22)


@pytest.mark.parametrize(
    "text, area",
    [
        ("8", "8"),
        ("08", "8"),
        ("8.0", "8"),
        ("77", "77"),
        ("10", "10"),
        ("0", None),
        ("", None),
        ("Loop", "Loop"),
    ],
)
def test_the_zone_is_the_community_areas_number_as_text(text: str, area: str | None) -> None:
    assert area_of(text) == area


def test_a_row_without_area_hands_on_its_coordinates(tmp_path: Path) -> None:
    rows = [
        TRIMMED | {"community_area": ""},
        TRIMMED | {"community_area": "", "latitude": "", "longitude": ""},
    ]
    reading = read_rows(Chicago(), tmp_path, rows)
    first, second = incidents(reading)
    assert (first.zone, first.lat, first.lon) == (None, 41.88, -87.63)
    assert (second.zone, second.lat, second.lon) == (None, None, None)
    assert reading.facts.without_zone == 2


@pytest.mark.parametrize(
    "code", ["NON-CRIMINAL", "NON - CRIMINAL", "NON-CRIMINAL (SUBJECT SPECIFIED)", "non-criminal, new"]
)
def test_non_criminal_is_other_and_mapped(tmp_path: Path, code: str) -> None:
    reading = read_rows(Chicago(), tmp_path, [TRIMMED | {"primary_type": code}])
    (event,) = incidents(reading)
    assert (event.crime_type, event.type_code) == (CrimeType.OTHER, None)
    assert not reading.facts.unmapped


def test_an_unmapped_type_is_handed_on_as_its_code_and_counted(tmp_path: Path) -> None:
    rows = [TRIMMED | {"primary_type": code} for code in ("JAYWALKING", "JAYWALKING", "")]
    reading = read_rows(Chicago(), tmp_path, rows)
    first, _, blank = incidents(reading)
    assert (first.crime_type, first.type_code) == (None, "JAYWALKING")
    assert (blank.crime_type, blank.type_code) == (None, None)
    assert reading.facts.unmapped == {"JAYWALKING": 2, "(blank)": 1}


@pytest.mark.parametrize("code", ["NARCOTICS", "PROSTITUTION"])
def test_enforcement_is_officer_initiated(tmp_path: Path, code: str) -> None:
    (event,) = incidents(read_rows(Chicago(), tmp_path, [TRIMMED | {"primary_type": code}]))
    assert event.call_source is CallSource.OFFICER


@pytest.mark.parametrize(
    "date, reason, message",
    [
        ("", RejectReason.MISSING_FIELD, "date must be a time (it is empty)"),
        (
            "soon",
            RejectReason.WRONG_TYPE,
            'date must be a time such as 2018-12-31T23:57:56 or 12/31/2018 11:57:56 PM or 2018/12/31 11:57:56 PM (got "soon")',
        ),
        (
            "1918-05-01T12:00:00",
            RejectReason.TIME_OUT_OF_RANGE,
            'date must lie in 1970 to 2100 (got "1918-05-01T12:00:00")',
        ),
    ],
)
def test_a_row_without_a_date_is_unusable_in_its_place(
    tmp_path: Path, date: str, reason: RejectReason, message: str
) -> None:
    rows = [TRIMMED, TRIMMED | {"date": date}, TRIMMED | {"date": "2018-05-01T12:00:01"}]
    reading = read_rows(Chicago(), tmp_path, rows)
    _, row, _ = reading
    assert row == unusable(reading)[0]
    (row,) = unusable(reading)
    assert (row.known_from, row.line, row.field, row.value, row.reason) == (NOON, 3, "date", date, reason)
    assert row.message == message
    assert row.raw == f"{date},THEFT,OVER $500,32,41.88,-87.63".encode()
    assert not row.partly
    assert (reading.facts.rows, reading.facts.unusable, len(reading)) == (3, 1, 3)


def test_an_unusable_row_before_all_others_stands_first(tmp_path: Path) -> None:
    first, second = read_rows(Chicago(), tmp_path, [TRIMMED | {"date": "soon"}, TRIMMED])
    assert first.known_from is None
    assert second.known_from == NOON


def test_a_broken_row_stands_in_its_place(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "rows.csv", [TRIMMED])
    path.write_text(path.read_text() + "2018-05-01T12:0")
    reading = Chicago().read([path])
    (row,) = unusable(reading)
    assert (row.known_from, row.line, row.raw) == (NOON, 3, b"2018-05-01T12:0")
    assert (reading.facts.rows, reading.facts.incidents, reading.facts.unusable) == (2, 1, 1)


def test_local_times_that_need_a_decision_are_counted(tmp_path: Path) -> None:
    dates = ["2018-11-04T01:30:00", "2018-11-04T01:30:00", "2018-03-11T02:30:00", "2018-03-11T04:00:00"]
    reading = read_rows(Chicago(), tmp_path, [TRIMMED | {"date": date} for date in dates])
    assert (reading.facts.ambiguous_times, reading.facts.nonexistent_times) == (2, 1)


def test_missing_columns_are_said_together(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigurationError, match='lacks 2 columns: "Date"; "Community Area"; it has "primary_type"'
    ):
        read_rows(Chicago(), tmp_path, [{"primary_type": "THEFT"}])


def test_times_of_one_millisecond_stay_in_file_order(tmp_path: Path) -> None:
    rows = [ROW | {"ID": str(number), "Date": f"05/01/2018 12:00:0{number % 2} PM"} for number in range(6)]
    assert [event.incident_id for event in incidents(read_rows(Chicago(), tmp_path, rows))] == list("024135")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "date": st.sampled_from(
                    ["2018-05-01T12:00:00", "2018-05-01T12:00:01", "2018-03-11T02:30:00"]
                ),
                "primary_type": st.sampled_from(["THEFT", "BATTERY", "odd"]),
                "description": st.sampled_from(["", "a"]),
                "community_area": st.sampled_from(["", "8"]),
            }
        ),
        min_size=1,
        max_size=8,
    ),
    st.randoms(use_true_random=False),
)
def test_the_order_of_rows_never_matters(tmp_path: Path, rows: list[dict[str, str]], shuffle: object) -> None:
    before = incidents(read_rows(Chicago(), tmp_path, rows))
    shuffle.shuffle(rows)  # type: ignore[attr-defined]
    after = incidents(read_rows(Chicago(), tmp_path, rows))
    assert [event.updated_at for event in after] == [event.updated_at for event in before]
    assert set(after) == set(before)
    assert len(set(after)) == len(rows)
