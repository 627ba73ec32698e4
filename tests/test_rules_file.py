"""Analysts' rules files: what they mean, and every fault of them at once."""

from pathlib import Path
from textwrap import dedent

import pytest

from streams.core.episodes import DEFAULT_POLICY, HOUR_MS
from streams.core.rules import Rule, rule_text
from streams.rules_file import DEFAULT_BOUNDS, Bounds, Rules, load_rules, policies_of
from streams.settings import ConfigurationError

EXAMPLE = Path(__file__).parent.parent / "deploy" / "rules.example.toml"
WHOLE = """
[[rule]]
name = "r"
crime_type = "burglary"
at_least = 3
within = "1h"
"""


def read(folder: Path, text: str, bounds: Bounds = DEFAULT_BOUNDS) -> Rules:
    path = folder / "rules.toml"
    path.write_text(dedent(text), "utf-8")
    return load_rules(path, bounds)


def faults(folder: Path, text: str, bounds: Bounds = DEFAULT_BOUNDS) -> list[str]:
    """The faults as a person sees them, the folder's name left out."""
    with pytest.raises(ConfigurationError) as raised:
        read(folder, text, bounds)
    return [str(fault).replace(f"{folder}/", "") for fault in raised.value.faults]


def test_the_example_says_what_its_comments_say() -> None:
    rules = load_rules(EXAMPLE).of("anywhere")
    assert rules == (
        Rule("night-burglary", "burglary", 3, 7 * 24 * 60, (), (22 * 60, 6 * 60)),
        Rule("northwest-robbery", "robbery", 4, 24 * 60, (("B04", "B05", "B11"),), None, 12 * HOUR_MS),
        Rule("fires-in-the-city", "structure_fire", 5, 2 * 60, (("*",),)),
    )
    assert rule_text(rules[1]) == "at least 4 robbery incidents in B04 + B05 + B11 together within 24h"


def test_a_rule_may_be_of_some_jurisdictions(tmp_path: Path) -> None:
    rules = read(tmp_path, WHOLE + 'jurisdictions = ["sf", "oak"]\n' + WHOLE.replace('"r"', '"s"'))
    assert [rule.name for rule in rules.of("sf")] == ["r", "s"]
    assert [rule.name for rule in rules.of("la")] == ["s"]


@pytest.mark.parametrize(
    "line, places",
    [
        pytest.param("", (), id="each zone"),
        pytest.param('zones = "*"', (), id="each zone, said"),
        pytest.param('zones = "city"', (("*",),), id="city"),
        pytest.param('zones = ["B05", "B04", "B05"]', (("B05",), ("B04",)), id="each of a list"),
        pytest.param('zones = ["B05", "B04"]\ntogether = true', (("B04", "B05"),), id="a list together"),
    ],
)
def test_where(tmp_path: Path, line: str, places: tuple[tuple[str, ...], ...]) -> None:
    (rule,) = read(tmp_path, f"{WHOLE}{line}\n").of("sf")
    assert rule.places == places


@pytest.mark.parametrize(
    "hours, minutes",
    [
        pytest.param("22:00-06:00", (1320, 360), id="over midnight"),
        pytest.param("08:30 - 17:15", (510, 1035), id="day"),
        pytest.param("18:00-24:00", (1080, 0), id="to midnight"),
    ],
)
def test_hours(tmp_path: Path, hours: str, minutes: tuple[int, int]) -> None:
    (rule,) = read(tmp_path, f'{WHOLE}hours = "{hours}"\n').of("sf")
    assert rule.hours == minutes


def test_panes_are_those_of_the_configuration(tmp_path: Path) -> None:
    (rule,) = read(tmp_path, WHOLE, Bounds(pane_ms=300_000)).of("sf")
    assert rule.within_panes == 12


def test_all_types(tmp_path: Path) -> None:
    (rule,) = read(tmp_path, WHOLE.replace('"burglary"', '"*"')).of("sf")
    assert rule.crime_type == "*"


def test_a_quiet_time_is_a_policy_of_its_own(tmp_path: Path) -> None:
    rules = read(tmp_path, WHOLE + 'quiet = "12h"\n' + WHOLE.replace('"r"', '"s"')).of("sf")
    policies = policies_of(rules, DEFAULT_POLICY)
    assert list(policies) == ["rule:r"]
    assert policies["rule:r"].mute_ms == 12 * HOUR_MS


def test_an_empty_file_has_no_rules(tmp_path: Path) -> None:
    assert read(tmp_path, "# none yet\n") == Rules(())


def test_every_fault_is_named_at_once(tmp_path: Path) -> None:
    text = """
    [[rule]]
    name = "Night burglary"
    crime_type = "burglry"
    at_least = 0
    within = 7

    [[rule]]
    name = "no-number"
    crime_type = "burglary"
    within = "1h"
    hours = "25:00-06:00"
    threshold = 3

    [[rule]]
    name = "y"
    crime_type = "burglary"
    at_least = 3
    within = "90s"
    zones = ["B99"]

    [[rule]]
    name = "y"
    crime_type = "burglary"
    at_least = 3
    within = "90d"
    together = true

    [other]
    """
    assert faults(tmp_path, text, Bounds(zones={"sf": ["B04", "B09"]})) == [
        'rules.toml:3: rule[0].name cannot be "Night burglary"; it takes 1 to 40 lower-case letters, digits, - and _',
        'rules.toml:4: rule[0].crime_type cannot be "burglry"; did you mean "burglary"?',
        "rules.toml:5: rule[0].at_least must be a whole number from 1 to 1000000 (got 0)",
        'rules.toml:6: rule[0].within must be a duration in quotes (got 7); a whole number and ms, s, m, h or d, such as "90s", "15m", "6h", "7d"',
        "rules.toml:8: rule[1] needs at_least; how many, 1 or more",
        'rules.toml:12: rule[1].hours must be hours of the day (got "25:00-06:00"); such as "22:00-06:00", local time; the second is exclusive',
        "rules.toml:13: rule[1].threshold is not a field; one of: at_least, crime_type, hours, jurisdictions, name, quiet, together, within, …",
        "rules.toml:29: other is not a field; one of: rule",
        'rules.toml:19: rule[2].within must be a multiple of the pane, 1m (got "90s"); such as "2m"',
        'rules.toml:20: rule[2].zones has no zone "B99" in sf; did you mean "B09"?',
        'rules.toml:23: rule[3].name is taken: "y" is rule[2] already; names must differ',
        'rules.toml:26: rule[3].within must be at most the longest window, 7d (got "90d"); counts are kept no longer; add a window of that length to counting.windows',
        'rules.toml:27: rule[3].together needs a list of zones (got zones = "*"); write zones = "city", or list the zones',
    ]


@pytest.mark.parametrize(
    "line, fault",
    [
        pytest.param(
            "zones = []",
            'rule[0].zones must be zones (got []); "*" for each zone, "city" for all together, or a list such as '
            '["B04", "B05"]',
            id="no zone",
        ),
        pytest.param(
            'zones = "B04"',
            'rule[0].zones must be zones (got \'B04\'); "*" for each zone, "city" for all together, or a list such as '
            '["B04", "B05"]',
            id="a zone without brackets",
        ),
        pytest.param(
            'zones = ["B04", "city"]',
            'rule[0].zones cannot hold "city" beside zones; make it a rule of its own',
            id="the city beside zones",
        ),
        pytest.param(
            'hours = "08:00-08:00"',
            'rule[0].hours must be a part of the day (got "08:00-08:00"); such as "22:00-06:00", local time; the second '
            "is exclusive; leave it out for the whole day",
            id="no hours",
        ),
        pytest.param(
            'hours = "08:00-24:30"',
            'rule[0].hours must be a part of the day (got "08:00-24:30"); such as "22:00-06:00", local time; the second '
            "is exclusive; leave it out for the whole day",
            id="after midnight",
        ),
        pytest.param(
            'zones = "city"\ntogether = true',
            'rule[0].together needs a list of zones (got zones = "city"); write zones = "city", or list the zones',
            id="the city is together already",
        ),
    ],
)
def test_faults_of_one_field(tmp_path: Path, line: str, fault: str) -> None:
    (found,) = faults(tmp_path, f"{WHOLE}{line}\n")
    assert found.partition(": ")[2] == fault


def test_zones_are_checked_only_where_all_that_a_rule_is_for_are_known(tmp_path: Path) -> None:
    text = f'{WHOLE}zones = ["B04", "B99"]\n'
    known = Bounds(zones={"sf": ["B04"]})
    assert read(tmp_path, f'{text}jurisdictions = ["sf", "oak"]\n', known).of("oak")
    assert read(tmp_path, text).of("sf")
    assert len(faults(tmp_path, text, known)) == 1


def test_rules_that_are_no_list_of_tables(tmp_path: Path) -> None:
    assert faults(tmp_path, 'rule = "r"\n') == [
        "rules.toml:1: rule must be a list of tables (got 'r'); write [[rule]] above each"
    ]
    assert faults(tmp_path, "rule = [1]\n") == [
        "rules.toml:1: rule[0] must be a table (got 1); write [rule[0]] above its keys",
        'rules.toml:1: rule[0] needs name; a short name, such as "night-burglary"',
        'rules.toml:1: rule[0] needs crime_type; what: a crime type, or "*" for all',
        "rules.toml:1: rule[0] needs at_least; how many, 1 or more",
        'rules.toml:1: rule[0] needs within; in how long, such as "7d"',
    ]


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigurationError, match=r"rules\.toml: cannot be read \(no such file or directory\)"
    ):
        load_rules(tmp_path / "rules.toml")
    assert faults(tmp_path, "[[rule]\n")[0].startswith("rules.toml:1: is not TOML: ")
