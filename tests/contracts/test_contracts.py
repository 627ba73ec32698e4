"""What is committed is what is generated, and it is what production reads and writes."""

import dataclasses
import gzip
import json
import re
from pathlib import Path
from typing import Any, get_type_hints

import pytest
from jsonschema import Draft7Validator, Draft202012Validator

from schemas import events
from schemas.codec import PERSONAL_FIELDS
from schemas.vocabulary import RejectReason
from streams.contracts import (
    CONTRACTS,
    Contract,
    Direction,
    Sample,
    contract_files,
    document_of,
    golden_samples,
    refusals,
    sample_files,
)
from streams.contracts.documents import HEARTBEAT_AT
from streams.contracts.shapes import shape_of
from streams.contracts.wording import FIELDS
from streams.settings import Settings
from tests.contracts.folds import sample_refused

FOLDER = Path(__file__).resolve().parents[2] / "schemas" / "contracts"
ASYNCAPI = Path(__file__).with_name("asyncapi-3.0.0.schema.json.gz")
WITH_RECORDS = [each for each in CONTRACTS if each.records]
SAMPLES = [
    pytest.param(contract, sample, id=f"{contract.topic}: {sample.name}")
    for contract in WITH_RECORDS
    for sample in golden_samples()[contract.name]
]


def test_committed_contracts_are_the_generated_ones() -> None:
    """`vigil contracts --out schemas/contracts` writes them anew."""
    files = {**contract_files(), **sample_files()}
    there = {
        path.relative_to(FOLDER).as_posix()
        for path in FOLDER.rglob("*.json")
        if path.parent.name != "released"
    }
    assert there == set(files)
    assert [name for name, content in files.items() if (FOLDER / name).read_bytes() != content] == []


def test_released_contracts_let_nobody_down() -> None:
    assert list((FOLDER / "released").glob("*.v1.json"))
    assert refusals(FOLDER / "released") == []


def test_every_topic_has_a_contract_or_is_internal() -> None:
    assert {each.topic for each in CONTRACTS} == set(Settings().topics.each)
    assert {each.topic for each in CONTRACTS if not each.records} == {"cells", "watch-state"}


@pytest.mark.parametrize("contract", [pytest.param(each, id=each.name) for each in WITH_RECORDS])
def test_contract_is_json_schema(contract: Contract) -> None:
    document = document_of(contract)
    Draft202012Validator.check_schema(document)
    assert json.loads((FOLDER / contract.file).read_bytes()) == document


@pytest.mark.parametrize("contract", [pytest.param(each, id=each.name) for each in WITH_RECORDS])
def test_every_field_is_explained(contract: Contract) -> None:
    """A field that is new in the code needs words; words without a field are left over."""
    for record in contract.records:
        known = set(document_of(contract)["$defs"][record.name]["properties"])
        if record.wire is not None:
            known -= {*PERSONAL_FIELDS} | (known - {field.name for field in dataclasses.fields(record.cls)})
        assert known == set(FIELDS[record.name])


@pytest.mark.parametrize(
    "contract", [pytest.param(each, id=each.name) for each in WITH_RECORDS if each.direction is Direction.IN]
)
def test_what_is_decoded_is_what_is_documented(contract: Contract) -> None:
    """Every field of the struct that decodes is a field of one of the topic's records."""
    wire = contract.records[0].wire
    assert wire is not None
    documented = {field.name for record in contract.records for field in dataclasses.fields(record.cls)}
    assert set(get_type_hints(wire)) - set(PERSONAL_FIELDS) == documented


def test_asyncapi_document_is_asyncapi_3() -> None:
    validator = Draft7Validator(json.loads(gzip.decompress(ASYNCAPI.read_bytes())))
    document = json.loads((FOLDER / "asyncapi.json").read_bytes())
    assert [f"{list(error.path)}: {error.message[:200]}" for error in validator.iter_errors(document)] == []
    document["channels"]["incidents"]["adress"] = "x"
    assert not validator.is_valid(document)  # it is a schema that finds something


def references(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        return own + [found for each in node.values() for found in references(each)]
    return [found for each in node for found in references(each)] if isinstance(node, list) else []


def test_every_reference_of_the_asyncapi_document_leads_somewhere() -> None:
    document = json.loads((FOLDER / "asyncapi.json").read_bytes())
    found = set(references(document))
    assert len(found) > len(WITH_RECORDS)
    for reference in found:
        file, _, pointer = reference.partition("#")
        node = json.loads((FOLDER / file).read_bytes()) if file else document
        for name in pointer.strip("/").split("/"):
            node = node[name]


def test_examples_of_the_asyncapi_document_keep_to_its_schemas() -> None:
    document = json.loads((FOLDER / "asyncapi.json").read_bytes())
    messages = document["components"]["messages"]
    assert sum(len(each["examples"]) for each in messages.values()) >= len(messages)
    for name, message in messages.items():
        contract = next(each for each in WITH_RECORDS if name.startswith(f"{each.name}."))
        validator = Draft202012Validator(document_of(contract))
        for example in message["examples"]:
            validator.validate(example.get("payload", example.get("headers")))


@pytest.mark.parametrize("contract, sample", SAMPLES)
def test_golden_sample_is_what_it_says(contract: Contract, sample: Sample) -> None:
    if sample.raw is None:
        validator = Draft202012Validator(document_of(contract))
        assert validator.is_valid(sample.message) is sample.valid
    if contract.direction is Direction.IN:
        why = sample_refused(contract.topic, sample)
        assert (why is None) is sample.accepted, why
        if why is not None:
            assert why.reason == sample.reason
            assert why.message.startswith(sample.says), why.message
            assert len(sample.says) > 3


def test_samples_show_every_way_to_be_refused() -> None:
    """Each reason but one, which takes 64 KiB (tested in the codec)."""
    shown = {sample.reason for samples in golden_samples().values() for sample in samples}
    assert set(map(str, RejectReason)) - shown <= {"too_large"}


def test_type_without_a_shape_is_said() -> None:
    with pytest.raises(TypeError, match=r"complex.* has no JSON Schema here; say it in"):
        shape_of(complex)


def test_dataclasses_of_input_are_all_under_contract() -> None:
    records = {record.cls for contract in WITH_RECORDS for record in contract.records}
    said = {each for each in vars(events).values() if dataclasses.is_dataclass(each)}
    assert said <= records
    assert HEARTBEAT_AT in {field.name for field in dataclasses.fields(events.Heartbeat)}


def test_names_of_topics_and_versions_are_those_of_the_files() -> None:
    assert all(re.fullmatch(r"[a-z-]+\.v[0-9]+\.json", each.file) for each in WITH_RECORDS)
