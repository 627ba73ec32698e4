"""The built-in sources on the cities' own records; skipped by name where there are none."""

from collections import Counter, defaultdict
from datetime import datetime
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from schemas.events import Incident
from schemas.vocabulary import Agency, CallSource, CrimeType, IncidentStatus, UnitStatus
from streams.sources import Reading, source_named
from streams.sources.sffd import Sffd
from streams.zones import ZoneMap
from tests.sources.files import dispatches, incidents, unusable

FIRE = "sffd_calls_2016-12-31_2017-01-07.csv.gz"
POLICE = "sfpd_incidents_2018-12.csv.gz"
CRIMES = "chicago_crimes_2018-01-01_2018-08-08.csv.gz"


@cache
def read(name: str, path: Path) -> Reading:
    return source_named(name).read([path])


@pytest.fixture
def fire(city_data: Path) -> Reading:
    return read("sffd", city_data / FIRE)


@pytest.fixture
def police(city_data: Path) -> Reading:
    return read("sfpd", city_data / POLICE)


@pytest.fixture
def crimes(city_data: Path) -> Reading:
    return read("chicago", city_data / CRIMES)


def local(at_ms: int, zone: str) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, ZoneInfo(zone))


def test_fire_calls_and_rows(fire: Reading) -> None:
    calls = [event for event in incidents(fire) if event.status is None]
    assert (fire.facts.rows, len(calls), len({event.incident_id for event in calls})) == (7_704, 3_560, 3_560)
    assert len({fact.unit_id for fact in dispatches(fire)}) == 178
    assert (fire.facts.unusable, fire.facts.unmapped) == (0, Counter())
    assert fire.facts.dispatches == 7_704 * 6 - 214 - 1_554 - 5_441 - 5_496 - 5  # the times that are missing


def test_fire_calls_that_were_cancelled(fire: Reading) -> None:
    cancelled = [event for event in incidents(fire) if event.status is IncidentStatus.CANCELLED]
    received = {event.incident_id: event.updated_at for event in incidents(fire) if event.status is None}
    assert len(cancelled) == 87
    assert all(event.updated_at > received[event.incident_id] for event in cancelled)


def test_fire_units_take_seven_minutes_to_arrive_in_the_median(fire: Reading) -> None:
    waits = sorted(
        fact.at - fact.received_at
        for fact in dispatches(fire)
        if fact.status is UnitStatus.ON_SCENE and fact.received_at is not None
    )
    assert waits[len(waits) // 2] == 442_000
    assert {fact.agency for fact in dispatches(fire)} == {Agency.FIRE, Agency.EMS}


def test_fire_calls_lie_where_their_label_says(city_data: Path, fire: Reading) -> None:
    zones = ZoneMap.from_option(str(city_data / "sf_analysis_neighborhoods.geojson.gz"))
    calls = [event for event in incidents(fire) if event.status is None]
    assert {event.zone for event in calls if event.zone} <= set(zones.names)
    unlabelled = [event for event in calls if event.zone is None]
    assert fire.facts.without_zone == len(unlabelled) == 4
    assert {zones.zone_of(event.lat, event.lon) for event in unlabelled} == {None}  # the airport


def test_points_of_fire_calls_agree_with_their_labels(
    city_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    zones = ZoneMap.from_option(str(city_data / "sf_analysis_neighborhoods.geojson.gz:name"))
    labels = {
        event.incident_id: event.zone
        for event in incidents(read("sffd", city_data / FIRE))
        if event.reported_at
    }
    monkeypatch.setattr("streams.sources.sffd.label", lambda text: None)
    placed = [event for event in incidents(Sffd().read([city_data / FIRE])) if event.reported_at]
    found = zones.zones_of([event.lat for event in placed], [event.lon for event in placed])
    agree = sum(labels[event.incident_id] == zone for event, zone in zip(placed, found, strict=True))
    assert round(agree / len(placed), 2) == 0.98


def test_police_reports_and_records(police: Reading) -> None:
    messages = incidents(police)
    assert (police.facts.rows, len(messages), police.facts.unusable) == (11_884, 11_884, 0)
    assert len({event.incident_id for event in messages}) == 11_310
    assert police.facts.unmapped == Counter()
    assert police.facts.without_zone == 608
    assert not any(event.lat or event.lon for event in messages)
    assert sum(event.status is IncidentStatus.UNFOUNDED for event in messages) == 77
    assert sum(event.call_source is CallSource.INTERNET for event in messages) == 2_676


def test_police_reports_are_as_late_as_they_really_are(police: Reading) -> None:
    delays = [
        event.updated_at - event.occurred_at for event in incidents(police) if event.occurred_at is not None
    ]
    shares = [
        round(100 * sum(delay > hours * 3_600_000 for delay in delays) / len(delays))
        for hours in (1, 24, 168)
    ]
    assert shares == [55, 23, 8]


def test_police_supplements_do_not_move_their_record(police: Reading) -> None:
    records: dict[str, list[Incident]] = defaultdict(list)
    for event in incidents(police):
        records[event.incident_id].append(event)
    assert sum(len(record) > 1 for record in records.values()) == 507
    for record in records.values():
        assert {event.reported_at for event in record} == {record[0].updated_at}
        assert [event.updated_at for event in record] == sorted(event.updated_at for event in record)


def test_chicago_crimes(crimes: Reading) -> None:
    events = incidents(crimes)
    assert (crimes.facts.rows, len(events), len({event.incident_id for event in events})) == (156_385,) * 3
    assert (crimes.facts.unusable, crimes.facts.unmapped, crimes.facts.without_zone) == (0, Counter(), 0)
    assert {event.zone for event in events} == {str(number) for number in range(1, 78)}
    assert crimes.facts.nonexistent_times == 8  # 11 March, 02:00 to 03:00
    assert sum(event.crime_type is CrimeType.OTHER for event in events) == 22
    assert round(100 * sum(event.updated_at % 3_600_000 == 0 for event in events) / len(events)) == 32


@pytest.mark.parametrize(
    "zone, crime_type, day, count",
    [
        ("32", CrimeType.LARCENY, "2018-08-02", 42),
        ("32", CrimeType.LARCENY, "2018-08-03", 51),
        ("32", CrimeType.LARCENY, "2018-08-04", 51),
    ],
)
def test_known_spikes_of_chicago(
    crimes: Reading, zone: str, crime_type: CrimeType, day: str, count: int
) -> None:
    there = [event for event in incidents(crimes) if event.zone == zone and event.crime_type is crime_type]
    days = Counter(local(event.updated_at, "America/Chicago").date().isoformat() for event in there)
    assert days[day] == count


@pytest.mark.parametrize("source, file", [("sffd", FIRE), ("sfpd", POLICE)])
def test_real_rows_are_never_unusable_and_always_in_order(city_data: Path, source: str, file: str) -> None:
    reading = read(source, city_data / file)
    assert unusable(reading) == []
    known = [item.known_from or 0 for item in reading]
    assert known == sorted(known)
    assert len(known) == len(reading) == reading.facts.incidents + reading.facts.dispatches


def test_polygons_name_their_zones_as_the_labels_do(
    city_data: Path, police: Reading, crimes: Reading
) -> None:
    for file, reading in (
        ("sf_analysis_neighborhoods.geojson.gz:name", police),
        ("chicago_community_areas.geojson.gz:community_area", crimes),
    ):
        names = set(ZoneMap.from_option(str(city_data / file)).names)
        assert {event.zone for event in incidents(reading)} <= names | {None}
