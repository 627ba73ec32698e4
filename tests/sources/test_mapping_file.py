from pathlib import Path

import pytest

from schemas.vocabulary import CrimeType, UnitStatus
from streams.settings.faults import ConfigurationError
from streams.sources.mapping_file import MappingFile, load_mapping

ROOT = Path(__file__).resolve().parents[2]
HEAD = 'jurisdiction = "x"\ntime_zone = "UTC"\n'
COLUMNS = '[columns]\nreported_at = "R"\n'


def load(folder: Path, text: str) -> MappingFile:
    path = folder / "mapping.toml"
    path.write_text(text)
    return load_mapping(path)


def faults(folder: Path, text: str) -> list[str]:
    with pytest.raises(ConfigurationError) as error:
        load(folder, text)
    return [str(fault).removeprefix(f"{folder}/") for fault in error.value.faults]


def test_the_least_that_a_mapping_needs(tmp_path: Path) -> None:
    mapping = load(tmp_path, HEAD + COLUMNS)
    assert (mapping.jurisdiction, mapping.time_zone, mapping.time_formats) == ("x", "UTC", ("iso",))


def test_the_example_names_every_field_of_a_mapping() -> None:
    text = (ROOT / "deploy" / "mapping.example.toml").read_text()
    mapping = load_mapping(ROOT / "deploy" / "mapping.example.toml")
    for table in (mapping, mapping.columns, mapping.corrections, mapping.dispatch):
        for name in table.__dataclass_fields__:
            assert name in text
    assert mapping.types["Theft / Vehicle"] is CrimeType.MOTOR_VEHICLE_THEFT
    assert mapping.dispatch.times() == {
        UnitStatus.DISPATCHED: "Dispatched",
        UnitStatus.EN_ROUTE: "En Route",
        UnitStatus.ON_SCENE: "Arrived",
        UnitStatus.AVAILABLE: "Cleared",
    }


def test_all_faults_are_said_at_once_each_with_its_line(tmp_path: Path) -> None:
    text = """
jurisdiction = "two words"
time_zone = "America/Nowhere"
time_formats = ["is", "%d.%m.%Y"]
agency = "militia"
delimiter = ";;"
colour = "red"
[columns]
id = []
updated_at = ""
reported_at = 7
lat = "Lat"
[types]
THEFT = "larcenny"
[statuses]
OPEN = "active"
[dispatch]
dispatched = "D"
"""
    assert faults(tmp_path, text) == [
        'mapping.toml:2: jurisdiction cannot be "two words"; it takes 1 to 64 printable characters without | and blanks',
        'mapping.toml:3: time_zone is not a time zone of the IANA database (got "America/Nowhere"); such as "America/Chicago" or "UTC"',
        'mapping.toml:4: time_formats[0] is no time format (got "is"); did you mean "iso"?; or a pattern such as "%d.%m.%Y %H:%M"',
        'mapping.toml:4: time_formats[1] cannot hold a time to the minute (got "%d.%m.%Y"); '
        'it needs year, month, day, hour and minute, such as "%d.%m.%Y %H:%M"',
        'mapping.toml:5: agency cannot be "militia"; one of: ems, fire, other, police',
        'mapping.toml:6: delimiter must be one character (got \';;\'); such as ";" or "\\t"',
        "mapping.toml:9: columns.id must name at least one column; leave the key out where there is none",
        "mapping.toml:10: columns.updated_at must name a column; leave the key out where there is none",
        "mapping.toml:11: columns.reported_at must be a text (got 7); put it in quotes",
        'mapping.toml:14: types.THEFT cannot be "larcenny"; did you mean "larceny"?',
        'mapping.toml:7: colour is not a field; did you mean "columns"?',
        "mapping.toml:8: columns.lon is missing beside columns.lat; name both, or neither",
        "mapping.toml:17: dispatch.unit is missing; the times of [dispatch] are those of a unit",
        "mapping.toml:13: types does nothing without columns.type; name that column, or take this away",
        "mapping.toml:15: statuses does nothing without columns.status; name that column, or take this away",
    ]


@pytest.mark.parametrize("form", ["%d.%m.%Y %H:%M %Q", "%d.%m.%Y %H:%M %", "%H:%M"])
def test_a_pattern_must_hold_a_whole_time(tmp_path: Path, form: str) -> None:
    (found,) = faults(tmp_path, f'time_formats = ["{form}"]\n{HEAD}{COLUMNS}')
    assert f'cannot hold a time to the minute (got "{form}")' in found


def test_what_every_mapping_needs(tmp_path: Path) -> None:
    assert faults(tmp_path, "time_formats = []\n[columns]\n") == [
        'mapping.toml: jurisdiction is missing; name the city, such as "springfield"',
        'mapping.toml: time_zone is missing; such as "America/Chicago"; "UTC" where times are in UTC',
        "mapping.toml:1: time_formats must hold a format; one or more of iso, us, year_first, epoch_ms, epoch_s, or patterns",
        "mapping.toml:2: columns.updated_at is missing, and columns.reported_at too; name the column that says since when a row is known",
        "mapping.toml:2: columns.reported_at is missing, and columns.occurred_at too; without a time that counts no incident is counted",
    ]


@pytest.mark.parametrize(
    "text, fault",
    [
        ('lon = "x"', "mapping.toml:3: columns.lat is missing beside columns.lon; name both, or neither"),
        ('[types]\nA = "fraud"', "mapping.toml:5: types does nothing without columns.type; name that column"),
        (
            '[call_sources]\nA = "e911"',
            "mapping.toml:5: call_sources does nothing without columns.call_source",
        ),
        ('[agencies]\nA = "fire"', "mapping.toml:5: agencies does nothing without columns.agency"),
        (
            '[corrections]\nstatus_at = "x"',
            "mapping.toml:6: corrections.status_at does nothing without columns.status",
        ),
        (
            '[corrections]\nreported_at = "earliest"',
            "mapping.toml:6: corrections.reported_at needs columns.id; without an id each",
        ),
        (
            '[corrections]\nreported_at = "first"',
            'mapping.toml:6: corrections.reported_at cannot be "first"; one of: earliest, latest',
        ),
        (
            'id = "i"\n[dispatch]\nunit = "x"',
            "mapping.toml:7: dispatch.unit has no times; name at least one of dispatched, ",
        ),
        (
            '[dispatch]\nunit = "x"\non_scene = "y"',
            "mapping.toml:6: dispatch.unit needs columns.id; without an id each row is",
        ),
        (
            '[dispatch]\nunit_type = "x"',
            "mapping.toml:6: dispatch.unit_type does nothing without dispatch.unit",
        ),
        (
            '[dispatch]\nreceived_at = "x"',
            "mapping.toml:6: dispatch.received_at does nothing without dispatch.unit",
        ),
        (
            '[dispatch.agencies]\nM = "ems"',
            "mapping.toml:5: dispatch.agencies does nothing without dispatch.unit_type",
        ),
        (
            'type = "T"\n[types]\nA = "fraud"\na = "arson"',
            'mapping.toml:8: types.a is "arson", and "A" is "fraud"; case makes',
        ),
        (
            'type = 7\n[types]\nA = "fraud"',
            "mapping.toml:5: columns.type must be a text (got 7); put it in quotes",
        ),
        ("id = [7]", "mapping.toml:5: columns.id must be a text (got 7); put it in quotes"),
        (
            '[corrections]\ncolour = "x"',
            "mapping.toml:6: corrections.colour is not a field; one of: cancelled_at, reported_at",
        ),
    ],
)
def test_faults_one_by_one(tmp_path: Path, text: str, fault: str) -> None:
    (found,) = faults(tmp_path, f"{HEAD}{COLUMNS}{text}\n")
    assert found.startswith(fault)


def test_codes_that_differ_in_case_and_mean_the_same_are_fine(tmp_path: Path) -> None:
    mapping = load(tmp_path, HEAD + COLUMNS + 'type = "T"\n[types]\nA = "fraud"\na = "fraud"\n')
    assert len(mapping.types) == 2


def test_a_tab_may_stand_between_fields(tmp_path: Path) -> None:
    assert load(tmp_path, 'delimiter = "\\t"\n' + HEAD + COLUMNS).delimiter == "\t"


def test_a_file_that_is_no_toml_is_said_with_its_line(tmp_path: Path) -> None:
    (fault,) = faults(tmp_path, HEAD + "[columns\n")
    assert fault.startswith("mapping.toml:3: is not TOML")


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"nowhere\.toml: cannot be read \(no such file"):
        load_mapping(tmp_path / "nowhere.toml")
