"""`vigil contracts`."""

import json
from pathlib import Path

import pytest

from streams.contracts import CONTRACTS, contract_files, sample_files
from tests.cli.conftest import Vigil


def test_list_names_every_topic_and_its_key(vigil: Vigil) -> None:
    said = vigil("contracts")
    assert (said.code, said.err) == (0, "")
    rows = {line.split()[0]: line for line in said.out.splitlines()[1:]}
    assert list(rows) == [each.topic for each in CONTRACTS]
    assert "in         1        incident_id (a heartbeat has no key)" in rows["incidents"]
    assert "internal" in rows["cells"]


@pytest.mark.parametrize("topic", ["incidents", "dead-letters", "asyncapi"])
def test_one_of_them_is_printed(vigil: Vigil, topic: str) -> None:
    said = vigil("contracts", topic)
    assert (said.code, said.err) == (0, "")
    name = "asyncapi.json" if topic == "asyncapi" else f"{topic}.v1.json"
    assert json.loads(said.out) == json.loads(contract_files()[name])


def test_all_are_written_into_a_folder(vigil: Vigil, tmp_path: Path) -> None:
    out = tmp_path / "new" / "contracts"
    said = vigil("contracts", "--out", str(out))
    assert said.code == 0
    files = {**contract_files(), **sample_files()}
    assert {path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*.json")} == files
    assert said.out.splitlines() == [str(out / name) for name in files]


def test_comparison_with_released_ones(vigil: Vigil, tmp_path: Path) -> None:
    vigil("contracts", "--out", str(tmp_path))
    said = vigil("contracts", "--against", str(tmp_path))
    assert said == (0, f"whoever keeps to the contracts in {tmp_path} is not let down by these\n", "")
    path = tmp_path / "alerts.v1.json"
    released = json.loads(path.read_bytes())
    released["$defs"]["Alert"]["properties"]["siren"] = {"type": "string"}
    path.write_text(json.dumps(released))
    said = vigil("contracts", "--against", str(tmp_path))
    assert (said.code, said.out) == (1, "")
    assert said.err == (
        "alerts.v1: Alert.siren has been removed: readers would miss it; take it back, or make it alerts.v2 beside "
        "this one\n"
    )


@pytest.mark.parametrize(
    "arguments, message",
    [
        pytest.param(
            ["incident"], 'vigil: there is no contract of "incident"; did you mean "incidents"?\n', id="near"
        ),
        pytest.param(
            ["incidents", "--out", "x"],
            "vigil: choose one of TOPIC, --out and --against; each is a thing of its own\n",
            id="two things at once",
        ),
        pytest.param(["--against", "nowhere"], "vigil: invalid value for '--against'", id="no folder"),
    ],
)
def test_wrong_use_is_one_message(vigil: Vigil, arguments: list[str], message: str) -> None:
    said = vigil("contracts", *arguments)
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith(message)
