"""What is particular to a city: inheritance, files of its own, type maps, zones, benchmarks."""

import pytest

from schemas.vocabulary import Agency, CrimeType, Kpi
from streams.settings import BUCKETS_S, BUILT_IN, ZonesFile, load
from streams.settings.benchmarks import benchmark_for
from tests.settings.settings_files import Files


def test_listed_jurisdiction_takes_from_defaults_what_it_does_not_say(files: Files) -> None:
    settings = files.load(
        """
        [defaults]
        time_zone = "America/Chicago"
        agencies = ["police"]
        [jurisdictions.sf]
        time_zone = "America/Los_Angeles"
        """
    )
    assert settings.jurisdiction("sf").time_zone == "America/Los_Angeles"
    assert settings.jurisdiction("sf").agencies == (Agency.POLICE,)
    assert settings.jurisdiction("not listed").time_zone == "America/Chicago"


def test_jurisdiction_file_gives_what_the_table_does_not_say(files: Files) -> None:
    files.write("cities/zones.geojson", "{}")
    files.write(
        "cities/sf.toml",
        'time_zone = "America/Los_Angeles"\nzones = "zones.geojson:name"\nagencies = ["fire"]',
    )
    settings = files.load('[jurisdictions.sf]\nfile = "cities/sf.toml"\nagencies = ["police"]')
    city = settings.jurisdiction("sf")
    assert city.time_zone == "America/Los_Angeles"
    assert city.agencies == (Agency.POLICE,)
    assert city.zones == ZonesFile(files.folder / "cities" / "zones.geojson", "name")


def test_fault_in_a_jurisdiction_file_names_that_file_and_line(files: Files) -> None:
    files.write("cities/sf.toml", '\ntime_zone = "Mars"\ntype_mop = 1\n[type_map]\n"459" = "burglery"')
    assert files.faults('[jurisdictions.sf]\nfile = "cities/sf.toml"') == [
        'cities/sf.toml:2: jurisdictions.sf.time_zone is not a time zone of the IANA database (got "Mars"); '
        'such as "America/Chicago" or "UTC"',
        'cities/sf.toml:3: jurisdictions.sf.type_mop is not a field; did you mean "type_map"?',
        'cities/sf.toml:5: jurisdictions.sf.type_map.459 cannot be "burglery"; did you mean "burglary"?',
    ]


def test_jurisdiction_file_that_is_no_toml_names_its_line(files: Files) -> None:
    files.write("sf.toml", "a = 1\nb = x")
    assert files.faults('[jurisdictions.sf]\nfile = "sf.toml"') == [
        "sf.toml:2: jurisdictions.sf.file is not TOML: invalid value at column 5; "
        'texts and durations need quotes: pane = "60s"'
    ]


def test_jurisdiction_file_that_does_not_exist_is_one_fault(files: Files) -> None:
    assert files.faults('[jurisdictions.sf]\nfile = "sf.toml"') == [
        'vigil.toml:2: jurisdictions.sf.file names a jurisdiction file that does not exist (got "sf.toml"); '
        "looked for sf.toml"
    ]


@pytest.mark.parametrize(
    "name, content",
    [
        pytest.param("codes.csv", "code,crime_type,remark\n459, burglary,x\n 211 ,robbery,\n", id="csv"),
        pytest.param(
            "codes.CSV", "\ufeffcrime_type,code\nburglary,459\nrobbery,211\n", id="csv of a spreadsheet"
        ),
        pytest.param("codes.toml", '459 = "burglary"\n211 = "robbery"\n', id="toml"),
    ],
)
def test_type_map_file_is_read_and_the_table_wins(files: Files, name: str, content: str) -> None:
    files.write(name, content)
    settings = files.load(f'[defaults]\ntype_map_file = "{name}"\n[defaults.type_map]\n"211" = "extortion"')
    assert settings.defaults.type_map == {"459": CrimeType.BURGLARY, "211": CrimeType.EXTORTION}


@pytest.mark.parametrize(
    "name, content, fault",
    [
        pytest.param(
            "codes.csv",
            "code,crime_type\n1,assault\n2,burglery\n",
            'codes.csv:3: defaults.type_map.2 cannot be "burglery"; did you mean "burglary"?',
            id="unknown type",
        ),
        pytest.param(
            "codes.csv",
            "kode,crime_type\n1,assault\n",
            "codes.csv:1: defaults.type_map_file needs the columns code and crime_type (got kode, crime_type); "
            "the first line names the columns",
            id="other columns",
        ),
        pytest.param(
            "codes.csv",
            "",
            "codes.csv:1: defaults.type_map_file needs the columns code and crime_type (got an empty file); "
            "the first line names the columns",
            id="empty",
        ),
        pytest.param(
            "codes.csv",
            "code,crime_type\n1,assault\n1,arson\n",
            'codes.csv:3: defaults.type_map_file has the code "1" twice; keep one of them',
            id="code twice",
        ),
        pytest.param(
            "codes.toml",
            "\na = 1",
            "codes.toml:2: defaults.type_map.a must be a text (got 1); put it in quotes",
            id="no text",
        ),
    ],
)
def test_fault_in_a_type_map_file_names_its_line(files: Files, name: str, content: str, fault: str) -> None:
    files.write(name, content)
    assert files.faults(f'[defaults]\ntype_map_file = "{name}"') == [fault]


def test_type_map_in_another_encoding_is_a_fault(files: Files) -> None:
    (files.folder / "codes.csv").write_bytes("code,crime_type\né,arson\n".encode("latin-1"))
    (fault,) = files.faults('[defaults]\ntype_map_file = "codes.csv"')
    assert fault.startswith(
        "codes.csv: defaults.type_map_file is not CSV in UTF-8 ('utf-8' codec can't decode"
    )
    assert fault.endswith("; save it as CSV with UTF-8")


def test_tables_that_are_no_tables_are_told_and_not_expanded(files: Files) -> None:
    assert files.faults("defaults = 1\njurisdictions = 2") == [
        "vigil.toml:1: defaults must be a table (got 1); write [defaults] above its keys",
        "vigil.toml:2: jurisdictions must be a table (got 2); write [jurisdictions] above its keys",
    ]
    assert files.faults("[jurisdictions]\nsf = 1") == [
        "vigil.toml:2: jurisdictions.sf must be a table (got 1); write [jurisdictions.sf] above its keys"
    ]


def test_type_map_that_is_no_table_is_told_beside_its_file(files: Files) -> None:
    files.write("codes.toml", 'a = "arson"')
    assert files.faults('[defaults]\ntype_map = 1\ntype_map_file = "codes.toml"') == [
        'vigil.toml:2: defaults.type_map must be a table (got 1); { "name" = value }'
    ]


def test_colon_that_is_part_of_a_zones_path_stays_in_it(files: Files) -> None:
    files.write("a:b.geojson", "{}")
    assert files.load('[defaults]\nzones = "a:b.geojson"').defaults.zones == ZonesFile(
        files.folder / "a:b.geojson", None
    )
    assert files.load('[defaults]\nzones = ""').defaults.zones is None


def test_own_goal_replaces_the_built_in_ones_it_covers_and_the_more_particular_wins(files: Files) -> None:
    city = files.load(
        """
        [[defaults.benchmarks]]
        kpi = "turnout"
        threshold = "90s"
        [[defaults.benchmarks]]
        kpi = "turnout"
        agency = "ems"
        priority = "1"
        threshold = "70s"
        percentile = 0.95
        source = "council, 2025"
        """
    ).defaults
    fire, ems = city.benchmark(Kpi.TURNOUT, "fire", "2"), city.benchmark(Kpi.TURNOUT, "ems", "1")
    assert fire is not None
    assert ems is not None
    assert (fire.threshold_s, fire.source) == (90.0, "local goal")
    assert (ems.threshold_s, ems.percentile, ems.source) == (70.0, 0.95, "council, 2025")
    assert {each.kpi for each in city.goals[2:]} == {Kpi.PROCESSING, Kpi.TRAVEL, Kpi.RESPONSE}


def test_particular_goal_leaves_the_built_in_one_to_the_others(files: Files) -> None:
    city = files.load(
        '[[defaults.benchmarks]]\nkpi = "turnout"\nagency = "fire"\npriority = "1"\nthreshold = "70s"'
    ).defaults
    for priority, threshold_s in (("1", 70), ("2", 80)):
        found = city.benchmark(Kpi.TURNOUT, "fire", priority)
        assert found is not None
        assert found.threshold_s == threshold_s


@pytest.mark.parametrize(
    "kpi, agency, priority, threshold_s",
    [
        pytest.param("processing", "police", "3", 60, id="NFPA 1225 processing"),
        pytest.param("turnout", "fire", "1", 80, id="NFPA 1710 turnout, fire"),
        pytest.param("turnout", "ems", "1", 60, id="NFPA 1710 turnout, EMS"),
        pytest.param("travel", "fire", "1", 240, id="NFPA 1710 first engine"),
        pytest.param("travel", "ems", "1", 480, id="NFPA 1710 ALS arrival"),
        pytest.param("response", "ems", "1", 539, id="EMS urban 8:59"),
        pytest.param("response", "police", "1", 315, id="police priority 1"),
        pytest.param("response", "police", "2", None, id="no goal for other police calls"),
        pytest.param("committed", "fire", "1", None, id="no goal for committed time"),
    ],
)
def test_built_in_goals_are_those_of_the_standards(
    kpi: str, agency: str, priority: str, threshold_s: float | None
) -> None:
    found = load(environ={}).defaults.benchmark(kpi, agency, priority)
    assert (found and found.threshold_s) == threshold_s


def test_every_built_in_goal_has_a_source_and_lies_on_a_bucket() -> None:
    assert all(each.source and each.threshold_s in BUCKETS_S for each in BUILT_IN)
    assert set(BUCKETS_S) >= {10, 15, 20, 60, 64, 80, 106, 240, 360, 480, 539, 610}


def test_agency_is_more_particular_than_priority() -> None:
    by_agency = BUILT_IN[1]
    found = benchmark_for((BUILT_IN[0], by_agency), "turnout", "fire", "1")
    assert found is by_agency


def test_goal_of_a_city_becomes_a_bucket_bound(files: Files) -> None:
    settings = files.load('[[jurisdictions.sf.benchmarks]]\nkpi = "response"\nthreshold = "7m"')
    assert 420.0 in settings.kpi_bounds_s
    assert list(settings.kpi_bounds_s) == sorted(settings.kpi_bounds_s)
    assert 420.0 not in load(environ={}).kpi_bounds_s


def test_fault_in_a_row_names_the_row(files: Files) -> None:
    found = files.faults(
        """\
        [defaults]
        benchmarks = [
          { kpi = "turnout", threshold = "90s" },
          { kpi = "turnoutt", threshold = "90s", agency = "fyre", wen = 1 },
        ]
        """
    )
    assert found == [
        'vigil.toml:4: defaults.benchmarks[1].kpi cannot be "turnoutt"; did you mean "turnout"?',
        'vigil.toml:4: defaults.benchmarks[1].agency cannot be "fyre"; it takes police, fire, ems, other or * for all',
        "vigil.toml:4: defaults.benchmarks[1].wen is not a field; "
        "one of: agency, kpi, percentile, priority, source, threshold",
    ]
