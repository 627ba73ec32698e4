"""The OpenAPI document: valid, and what is answered is what it says."""

from dataclasses import dataclass
from typing import Any

import jsonschema
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from streams.questions.all_questions import questions
from streams.questions.openapi import openapi
from streams.questions.shapes import schemas_of
from tests.questions.cities import NOON, PlainCities, PlainCity, alert, kpi, standing
from tests.questions.conftest import KPI_WINDOWS, Ask

CITIES = PlainCities(
    PlainCity(
        cells={("B04", "burglary"): (1, 2), ("B05", "robbery"): (0, 3)},
        ids=[(NOON, "I-1")],
        told=[standing(alert())],
        measures=[kpi()],
    )
)
QUESTIONS = {
    "/v1/jurisdictions": "",
    "/v1/counts": "jurisdiction=springfield&limit=1",
    "/v1/alerts": "jurisdiction=springfield",
    "/v1/incidents": "jurisdiction=springfield&zone=B04&crime_type=burglary&window=1h",
    "/v1/kpis": "jurisdiction=springfield",
}


async def document(ask: Ask) -> Any:
    said = await ask(CITIES, "/v1/openapi.json")
    assert (said.status, said.headers["Content-Type"]) == (200, "application/json")
    return said.body


def schema_of(document: Any, path: str, status: int) -> dict[str, Any]:
    """The schema of an answer, with what it refers to."""
    (content,) = document["paths"][path]["get"]["responses"][str(status)]["content"].values()
    return {**content["schema"], "components": document["components"]}


async def test_document_is_openapi_3_1(ask: Ask) -> None:
    OpenAPIV31SpecValidator(await document(ask)).validate()


async def test_document_names_every_question_and_nothing_else(ask: Ask) -> None:
    said = await document(ask)
    assert set(said["paths"]) == {*QUESTIONS, "/v1/openapi.json"}
    names = [each["name"] for each in said["paths"]["/v1/incidents"]["get"]["parameters"]]
    assert names == ["jurisdiction", "zone", "crime_type", "window", "at", "limit", "cursor"]
    assert said["paths"]["/v1/incidents"]["get"]["parameters"][3]["schema"]["enum"] == ["15m", "1h"]
    for question in questions(("1h",), KPI_WINDOWS):
        assert "operationId" in said["paths"][question.path]["get"]


@pytest.mark.parametrize("path", QUESTIONS)
async def test_answers_are_what_the_document_says(ask: Ask, path: str) -> None:
    said, described = await ask(CITIES, f"{path}?{QUESTIONS[path]}"), await document(ask)
    assert said.status == 200
    schema = schema_of(described, path, 200)
    jsonschema.Draft202012Validator(schema).validate(said.body)
    components = described["components"]["schemas"]
    assert set(said.body) == set(components[schema["$ref"].rpartition("/")[2]]["properties"])


@pytest.mark.parametrize(
    "status, query",
    [pytest.param(400, "limit=x", id="faults"), pytest.param(404, "jurisdiction=nowhere", id="not here")],
)
async def test_problems_are_what_the_document_says(ask: Ask, status: int, query: str) -> None:
    said, described = await ask(CITIES, f"/v1/alerts?{query}"), await document(ask)
    assert said.status == status
    jsonschema.Draft202012Validator(schema_of(described, "/v1/alerts", status)).validate(said.body)
    assert (
        said.body["type"].removeprefix("/v1/openapi.json#/components/schemas/")
        in described["components"]["schemas"]
    )


def test_version_is_that_of_vigil() -> None:
    assert openapi(questions(("1h",), KPI_WINDOWS), "1.2.3")["info"]["version"] == "1.2.3"


@dataclass
class Odd:
    when: set[str]


def test_field_of_an_unknown_type_is_refused() -> None:
    with pytest.raises(TypeError, match=r"no JSON Schema is known for .*set.*; give the field a plain type"):
        schemas_of(Odd)
