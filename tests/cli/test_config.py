"""`vigil config`."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Vigil

SQUARE = {
    "type": "FeatureCollection",
    "features": [
        {
            "type": "Feature",
            "properties": {"name": "Mission"},
            "geometry": {"type": "Polygon", "coordinates": [[[0, 0], [0, 1], [1, 1], [1, 0], [0, 0]]]},
        }
    ],
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "zones.geojson").write_text(json.dumps(SQUARE))
    return tmp_path


def test_check_says_that_all_is_right(vigil: Vigil, folder: Path) -> None:
    (folder / "vigil.toml").write_text('[jurisdictions.sf]\nzones = "zones.geojson:name"\n')
    said = vigil("-c", "vigil.toml", "config", "check")
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith("the configuration is right: 1 jurisdiction, counting fingerprint ")


def test_check_of_nothing_is_right(vigil: Vigil, folder: Path) -> None:
    said = vigil("config", "check")
    assert said.out == "the configuration is right: 0 jurisdictions, counting fingerprint d75d6dbf92d8\n"


def test_check_names_all_faults_at_once(vigil: Vigil, folder: Path) -> None:
    (folder / "vigil.toml").write_text('brocker = "x"\n[web]\nport = 70000\n')
    said = vigil("config", "check", "-c", "vigil.toml")
    assert (said.code, said.out) == (2, "")
    assert said.err == (
        "vigil: 2 faults in the configuration\n"
        '  vigil.toml:1: brocker is not a field; did you mean "broker"?\n'
        "  vigil.toml:3: web.port must be a whole number from 0 to 65535 (got 70000); 0 takes any free port\n"
    )


def test_check_looks_into_the_files_that_are_named(vigil: Vigil, folder: Path) -> None:
    (folder / "rules.toml").write_text(
        '[[rule]]\nname = "x"\ncrime_type = "burglery"\nat_least = 3\nwithin = "7d"\n'
    )
    (folder / "vigil.toml").write_text(
        '[jurisdictions.sf]\nzones = "zones.geojson:nome"\n[detection]\nrules_file = "rules.toml"\n'
    )
    said = vigil("-c", "vigil.toml", "config", "check")
    assert said.code == 2
    assert "zones.geojson" in said.err
    assert "nome" in said.err
    assert 'rules.toml:3: rule[0].crime_type cannot be "burglery"; did you mean "burglary"?' in said.err


def test_check_knows_the_zones_that_rules_name(vigil: Vigil, folder: Path) -> None:
    (folder / "rules.toml").write_text(
        '[[rule]]\nname = "x"\ncrime_type = "burglary"\nat_least = 3\nwithin = "7d"\nzones = ["Misson"]\n'
        'jurisdictions = ["sf"]\n'
    )
    (folder / "vigil.toml").write_text(
        '[jurisdictions.sf]\nzones = "zones.geojson:name"\n[detection]\nrules_file = "rules.toml"\n'
    )
    said = vigil("-c", "vigil.toml", "config", "check")
    assert (
        said.err == 'vigil: rules.toml:6: rule[0].zones has no zone "Misson" in sf; did you mean "Mission"?\n'
    )


def test_check_as_json(vigil: Vigil, folder: Path) -> None:
    (folder / "vigil.toml").write_text("[web]\nport = -1\n")
    wrong, right = vigil("-c", "vigil.toml", "config", "check", "--json"), vigil("config", "check", "--json")
    assert (wrong.code, right.code) == (2, 0)
    assert json.loads(right.out) == {"ok": True, "faults": []}
    assert json.loads(wrong.out) == {
        "ok": False,
        "faults": [
            {
                "where": "vigil.toml:2",
                "field": "web.port",
                "problem": "must be a whole number from 0 to 65535 (got -1)",
                "remedy": "0 takes any free port",
            }
        ],
    }


def test_show_tells_values_and_where_they_came_from(
    vigil: Vigil, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIGIL_WEB_PORT", "0")
    monkeypatch.setenv("VIGIL_WEB_TOKEN", "geheim")
    (folder / "vigil.toml").write_text(
        '\n[counting]\nwindows = ["1h"]\n[defaults]\ntype_map = { a = "arson" }\n[heartbeats]\nenabled = false'
    )
    said = vigil("-c", "vigil.toml", "config", "show")
    rows = {line.split()[0]: line.split()[1:] for line in said.out.splitlines()}
    assert said.code == 0
    assert rows["counting.windows"] == ["1h", "vigil.toml:3"]
    assert rows["web.port"] == ["0", "VIGIL_WEB_PORT"]
    assert rows["web.token"] == ["********", "VIGIL_WEB_TOKEN"]
    assert rows["broker"] == ["127.0.0.1:9092", "default"]
    assert rows["defaults.type_map"] == ["a=arson", "vigil.toml:5"]
    assert rows["heartbeats.enabled"] == ["false", "vigil.toml:7"]
    assert "geheim" not in said.out


def test_show_only_what_is_not_a_default(vigil: Vigil, folder: Path) -> None:
    (folder / "vigil.toml").write_text("[web]\nport = 1\n")
    said = vigil("config", "show", "--changed", "--config", "vigil.toml")
    assert [line.split()[0] for line in said.out.splitlines()] == ["FIELD", "web.port", "counting"]


def test_show_as_json_masks_secrets_too(vigil: Vigil, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIGIL_WEB_TOKEN", "geheim")
    said = vigil("config", "show", "--json")
    document = json.loads(said.out)
    assert document["settings"]["web.token"] == {"value": "********", "from": "VIGIL_WEB_TOKEN"}
    assert document["settings"]["counting.windows"] == {
        "value": ["15m", "1h", "6h", "24h", "7d"],
        "from": "default",
    }
    assert document["counting_fingerprint"] == "d75d6dbf92d8"


def test_vigil_config_names_the_file(vigil: Vigil, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIGIL_CONFIG", "none.toml")
    said = vigil("config", "show")
    assert (said.code, said.out) == (2, "")
    assert said.err == (
        "vigil: none.toml: cannot be read (no such file or directory); check the path and its permissions\n"
    )
