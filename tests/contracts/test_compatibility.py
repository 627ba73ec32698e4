"""A released contract changes only in ways that let nobody down; everything else is refused, with what and why."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from streams.contracts import CONTRACTS, Direction, changes, document_of, refusals

Change = Callable[[dict[str, Any]], None]
IN = next(each for each in CONTRACTS if each.topic == "incidents")
OUT = next(each for each in CONTRACTS if each.topic == "alerts")


def changed(direction: Direction, change: Change) -> list[str]:
    """What is said of a change to a contract of a direction."""
    contract = IN if direction is Direction.IN else OUT
    old = document_of(contract)
    new = copy.deepcopy(old)
    change(new["$defs"])
    assert new != old
    return changes(old, new, direction, contract.name)


def field(record: str, name: str, **keywords: Any) -> Change:
    """Give a field other keywords; None takes one away."""

    def change(defs: dict[str, Any]) -> None:
        schema = defs[record]["properties"].setdefault(name, {})
        for keyword, value in keywords.items():
            if value is None:
                schema.pop(keyword)
            else:
                schema[keyword] = value

    return change


def required(record: str, name: str, *, now: bool) -> Change:
    def change(defs: dict[str, Any]) -> None:
        names = defs[record]["required"]
        if now:
            names.append(name)
        else:
            names.remove(name)

    return change


def removed(record: str, name: str) -> Change:
    def change(defs: dict[str, Any]) -> None:
        del defs[record]["properties"][name]
        if name in defs[record]["required"]:
            defs[record]["required"].remove(name)

    return change


def words_of(record: str, name: str) -> list[Any]:
    contract = IN if record == "Incident" else OUT
    found: list[Any] = document_of(contract)["$defs"][record]["properties"][name]["enum"]
    return found


@pytest.mark.parametrize(
    "change, says",
    [
        pytest.param(
            required("Incident", "agency", now=True),
            "Incident.agency has become required: publishers that leave it out would be refused",
            id="new required field",
        ),
        pytest.param(
            field("Incident", "status", enum=words_of("Incident", "status")[1:]),
            'Incident.status may be "received" by the released contract, and may not now: publishers would be refused',
            id="word taken away",
        ),
        pytest.param(
            field("Incident", "status", enum=words_of("Incident", "status")[:-1]),
            "Incident.status may be null by the released contract, and may not now",
            id="null taken away from a word",
        ),
        pytest.param(
            field("Incident", "zone", type="string"),
            "Incident.zone may be null by the released contract, and only string now: publishers would be refused",
            id="null taken away",
        ),
        pytest.param(
            field("Incident", "lat", type=["integer", "null"]),
            "Incident.lat may be number by the released contract, and only integer or null now",
            id="number to integer",
        ),
        pytest.param(
            field("Incident", "zone", enum=["B04", None]),
            "Incident.zone may be any word by the released contract, and only one of 2 now",
            id="text to words",
        ),
        pytest.param(
            field("Incident", "incident_id", maxLength=64),
            "Incident.incident_id has maxLength 256 by the released contract, and 64 now",
            id="shorter",
        ),
        pytest.param(
            field("Incident", "incident_id", minLength=2),
            "Incident.incident_id has minLength 1 by the released contract, and 2 now",
            id="longer",
        ),
        pytest.param(
            field("Incident", "incident_id", pattern="^[A-Z]"),
            "Incident.incident_id matches anything by the released contract, and ^[A-Z] now",
            id="pattern",
        ),
        pytest.param(
            field("Incident", "lat", minimum=0),
            "Incident.lat has minimum -90 by the released contract, and 0 now",
            id="narrower bound",
        ),
        pytest.param(
            removed("Incident", "exercise"),
            "Incident.exercise is no longer read: what publishers say in it would be lost",
            id="field no longer read",
        ),
        pytest.param(
            lambda defs: defs["Time"]["anyOf"].pop(),
            "Incident.updated_at may be integer by the released contract, and only string now",
            id="epoch milliseconds no longer read",
        ),
        pytest.param(
            lambda defs: defs["Incident"].update(additionalProperties=False),
            "Incident[] may be array or boolean or integer or null or number or object or string by the released "
            "contract, and only nothing now",
            id="unknown fields refused",
        ),
        pytest.param(
            field("Incident", "zone", multipleOf=2),
            'Incident.zone: "multipleOf" has changed, and nobody can say here whether that does harm',
            id="keyword that is not judged",
        ),
        pytest.param(
            field("Heartbeat", "heartbeat_at", type="string", **{"$ref": None}),
            "Heartbeat.heartbeat_at may be integer by the released contract, and only string now",
            id="second record",
        ),
    ],
)
def test_change_of_input_that_refuses_a_publisher_is_refused(change: Change, says: str) -> None:
    (*_, found) = said = changed(Direction.IN, change)
    assert any(one.startswith(f"incidents.v1: {says}") for one in said), said
    assert found.endswith("; take it back, or make it incidents.v2 beside this one")


@pytest.mark.parametrize(
    "change, says",
    [
        pytest.param(
            removed("Alert", "zones"),
            "Alert.zones has been removed: readers would miss it",
            id="field removed",
        ),
        pytest.param(
            required("Alert", "zones", now=False),
            "Alert.zones may now be missing: readers rely on it",
            id="field may be missing",
        ),
        pytest.param(
            field("Alert", "observed", type=["integer", "null"]),
            "Alert.observed may be null now, and only integer by the released contract: readers do not expect it",
            id="null",
        ),
        pytest.param(
            field("Alert", "observed", type="number"),
            "Alert.observed may be number now, and only integer by the released contract",
            id="integer to number",
        ),
        pytest.param(
            field("Alert", "state", enum=[*words_of("Alert", "state"), "paused"]),
            'Alert.state may be "paused" now, and may not by the released contract: readers do not expect it',
            id="word added to a closed list",
        ),
        pytest.param(
            field("Alert", "state", enum=None),
            "Alert.state may be any word now, and only one of 5 by the released contract",
            id="words to any text",
        ),
        pytest.param(
            field("Alert", "observed", minimum=-1),
            "Alert.observed has minimum -1 now, and 0 by the released contract",
            id="wider bound",
        ),
        pytest.param(
            field("Alert", "zones", items={"type": "object"}),
            "Alert.zones[] may be object now, and only string by the released contract",
            id="items",
        ),
        pytest.param(
            lambda defs: defs["Time"].pop("pattern"),
            "Alert.at matches anything now, and ^[0-9]{4}-",
            id="other times",
        ),
    ],
)
def test_change_of_output_that_surprises_a_reader_is_refused(change: Change, says: str) -> None:
    said = changed(Direction.OUT, change)
    assert any(one.startswith(f"alerts.v1: {says}") for one in said), said


@pytest.mark.parametrize(
    "direction, change",
    [
        pytest.param(
            Direction.IN, field("Incident", "district", type=["string", "null"]), id="in: optional field"
        ),
        pytest.param(
            Direction.IN,
            field("Incident", "agency", enum=[*words_of("Incident", "agency"), "sea"]),
            id="in: word",
        ),
        pytest.param(
            Direction.IN, field("Incident", "agency", enum=None, maxLength=256), id="in: words to any text"
        ),
        pytest.param(Direction.IN, field("Incident", "incident_id", maxLength=512), id="in: longer"),
        pytest.param(Direction.IN, field("Incident", "lat", minimum=None), id="in: no bound"),
        pytest.param(
            Direction.IN, required("Incident", "updated_at", now=False), id="in: no longer required"
        ),
        pytest.param(
            Direction.IN, field("Incident", "zone", description="x", examples=["y"]), id="in: other words"
        ),
        pytest.param(Direction.OUT, field("Alert", "district", type="string"), id="out: new field"),
        pytest.param(Direction.OUT, required("Alert", "verdict", now=True), id="out: always there"),
        pytest.param(Direction.OUT, field("Alert", "expected", type="integer"), id="out: number to integer"),
        pytest.param(
            Direction.OUT,
            field("Alert", "state", enum=words_of("Alert", "state")[1:]),
            id="out: word taken away",
        ),
    ],
)
def test_change_that_lets_nobody_down_is_accepted(direction: Direction, change: Change) -> None:
    assert changed(direction, change) == []


def test_all_changes_are_said_at_once() -> None:
    def twice(defs: dict[str, Any]) -> None:
        required("Incident", "agency", now=True)(defs)
        removed("Incident", "zone")(defs)

    assert len(changed(Direction.IN, twice)) == 2


def test_contract_that_is_no_longer_there_is_refused(tmp_path: Path) -> None:
    (tmp_path / "sirens.v3.json").write_text("{}")
    (tmp_path / "incidents.v1.json").write_text(json.dumps(document_of(IN)))
    assert refusals(tmp_path) == [
        "sirens.v3: was released and is no longer there; keep it until nobody uses it"
    ]
