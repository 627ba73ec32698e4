from collections import Counter
from pathlib import Path

import pytest

from schemas.vocabulary import CrimeType
from streams.settings.faults import ConfigurationError
from streams.sources import BUILT_IN, Facts, source_named
from streams.sources.columns import title_key
from streams.sources.crime_types import (
    CHICAGO,
    SFFD,
    SFPD_CATCH_ALLS,
    SFPD_CATEGORIES,
    SFPD_SUBCATEGORIES,
    TypeMap,
)
from streams.sources.places import Point, coordinates, label


@pytest.mark.parametrize(
    "lat, lon, point, place",
    [
        ("37.75", "-122.4", "", (37.75, -122.4)),
        ("37.75", "-122.4", "(1.0, 2.0)", (37.75, -122.4)),
        ("", "", "(37.75, -122.4)", (37.75, -122.4)),
        ("", "", "0 INVENTED ST\nSan Francisco, CA\n(37.75, -122.4)", (37.75, -122.4)),
        ("", "", "POINT (-122.4 37.75)", (37.75, -122.4)),
        ("", "", "point(-122.4 37.75)", (37.75, -122.4)),
        ("", "", '{"type": "Point", "coordinates": [-122.4, 37.75]}', (37.75, -122.4)),
        ("", "", '{"latitude": "37.75", "longitude": "-122.4", "human_address": "{}"}', (37.75, -122.4)),
        ("", "", "", None),
    ],
)
def test_coordinates_in_the_spellings_of_portals(lat: str, lon: str, point: str, place: Point | None) -> None:
    facts = Facts()
    assert coordinates(facts, lat, lon, point) == place
    assert facts.bad_coordinates == 0


@pytest.mark.parametrize(
    "lat, lon, point",
    [
        ("37.75", "", ""),
        ("", "-122.4", "(37.75, -122.4)"),
        ("north", "west", ""),
        ("nan", "-122.4", ""),
        ("inf", "-122.4", ""),
        ("91", "0", ""),
        ("0", "181", ""),
        ("6000000", "2000000", ""),
        ("", "", "here"),
        ("", "", "[1, 2]"),
        ("", "", "7"),
        ("", "", '{"coordinates": [1]}'),
        ("", "", '{"coordinates": null}'),
        ("", "", "{}"),
    ],
)
def test_coordinates_that_cannot_be_read_are_counted_and_none(lat: str, lon: str, point: str) -> None:
    facts = Facts()
    assert coordinates(facts, lat, lon, point) is None
    assert facts.bad_coordinates == 1


@pytest.mark.parametrize("text", ["", "None", "NONE", "null", "nan", "*"])
def test_what_portals_write_for_no_zone_is_none(text: str) -> None:
    assert label(text) is None


def test_a_label_is_handed_on_as_it_is() -> None:
    assert label("Castro/Upper Market") == "Castro/Upper Market"


@pytest.mark.parametrize("types", [CHICAGO, SFPD_CATEGORIES, SFPD_SUBCATEGORIES, SFFD])
def test_types_are_mapped_by_the_keys_of_their_titles(types: dict[str, CrimeType]) -> None:
    assert all(title_key(key) == key for key in types)


def test_catch_alls_are_categories() -> None:
    assert SFPD_CATCH_ALLS - {""} <= SFPD_CATEGORIES.keys()


@pytest.mark.parametrize(
    "types, codes, crime_type",
    [
        (CHICAGO, ["BATTERY", "ASSAULT", "STALKING", "DOMESTIC VIOLENCE"], CrimeType.ASSAULT),
        (CHICAGO, ["CRIM SEXUAL ASSAULT", "CRIMINAL SEXUAL ASSAULT", "SEX OFFENSE"], CrimeType.SEX_OFFENSE),
        (CHICAGO, ["CRIMINAL DAMAGE"], CrimeType.VANDALISM),
        (CHICAGO, ["THEFT"], CrimeType.LARCENY),
        (CHICAGO, ["CRIMINAL TRESPASS", "LIQUOR LAW VIOLATION", "PUBLIC PEACE VIOLATION"], CrimeType.GROUP_B),
        (CHICAGO, ["CONCEALED CARRY LICENSE VIOLATION", "WEAPONS VIOLATION"], CrimeType.WEAPONS),
        (CHICAGO, ["NARCOTICS", "OTHER NARCOTIC VIOLATION"], CrimeType.DRUGS),
        (SFPD_CATEGORIES, ["Malicious Mischief", "Vandalism"], CrimeType.VANDALISM),
        (SFPD_CATEGORIES, ["Weapons Offence", "Weapons Offense", "Weapons Carrying Etc"], CrimeType.WEAPONS),
        (SFPD_CATEGORIES, ["Drug Offense", "Drug Violation"], CrimeType.DRUGS),
        (SFPD_CATEGORIES, ["Recovered Vehicle", "Vehicle Misplaced", "Lost Property"], CrimeType.SERVICE),
        (SFFD, ["Structure Fire", "Structure Fire / Smoke in Building"], CrimeType.STRUCTURE_FIRE),
        (SFFD, ["Outside Fire", "Vehicle Fire", "Train / Rail Fire"], CrimeType.OTHER_FIRE),
        (SFFD, ["Gas Leak (Natural and LP Gases)", "HazMat", "Electrical Hazard"], CrimeType.HAZMAT),
        (
            SFFD,
            ["Elevator / Escalator Rescue", "Extrication / Entrapped (Machinery, Vehicle)"],
            CrimeType.RESCUE,
        ),
        (SFFD, ["Alarms"], CrimeType.ALARM),
        (SFFD, ["Medical Incident"], CrimeType.MEDICAL),
    ],
)
def test_codes_of_the_portals(types: dict[str, CrimeType], codes: list[str], crime_type: CrimeType) -> None:
    unmapped: Counter[str] = Counter()
    assert {TypeMap(types, unmapped)(code) for code in codes} == {crime_type}
    assert not unmapped


@pytest.mark.parametrize("name", ["chicago", "sffd", "sfpd"])
def test_built_in_sources_by_name(name: str) -> None:
    source = source_named(name)
    assert isinstance(source, BUILT_IN[name])
    assert source.name == name


def test_built_in_sources_say_whose_events_they_are() -> None:
    said = {name: (source().jurisdiction, source().time_zone) for name, source in BUILT_IN.items()}
    assert said == {
        "chicago": ("chicago", "America/Chicago"),
        "sffd": ("san-francisco", "America/Los_Angeles"),
        "sfpd": ("san-francisco", "America/Los_Angeles"),
    }


def test_a_source_that_does_not_exist_is_named_with_the_nearest() -> None:
    with pytest.raises(
        ConfigurationError, match=r'--source: cannot be "sfdp"; did you mean "sfpd"\?, or the path of a map'
    ):
        source_named("sfdp")


def test_a_path_that_ends_in_toml_is_a_mapping(tmp_path: Path) -> None:
    path = tmp_path / "city.TOML"
    path.write_text('jurisdiction = "x"\ntime_zone = "UTC"\n[columns]\nreported_at = "At"\n')
    source = source_named(str(path))
    assert (source.name, source.jurisdiction, source.time_zone) == ("city.TOML", "x", "UTC")
