"""The OpenAPI 3.1 document, made of the questions that are answered.

Source: OpenAPI Specification 3.1.1.
"""

from collections.abc import Sequence
from typing import Any, Final

from schemas.vocabulary import ANY
from streams.questions.asking import Question
from streams.questions.parameters import MOST_VALUES, Parameter
from streams.questions.problems import DOCUMENT, NotHere, Problem, UnfitParameters
from streams.questions.shapes import schemas_of
from streams.web.problems import MEDIA_TYPE

_ABOUT: Final = (
    "Read-only questions to one Vigil worker. Each is answered from what this worker owns at that moment: a "
    "jurisdiction that another worker watches is answered with 404 and the names of those that are here. Counts are "
    f'those of the topics. "{ANY}" stands for all. On loopback nothing protects them; beyond it they need the bearer '
    "token, over TLS."
)


def openapi(questions: Sequence[Question], version: str) -> dict[str, Any]:
    """The document.

    Args:
        questions: all that are answered.
        version: of Vigil.
    """
    kinds = (Problem, UnfitParameters, NotHere, *(question.returns for question in questions))
    schemas = {name: schema for kind in kinds for name, schema in schemas_of(kind).items()}
    return {
        "openapi": "3.1.1",
        "info": {"title": "Vigil", "version": version, "description": _ABOUT},
        "servers": [{"url": "/"}],
        "security": [{}, {"token": []}],
        "paths": {
            **{question.path: {"get": _operation(question)} for question in questions},
            DOCUMENT: {"get": _document()},
        },
        "components": {
            "schemas": dict(sorted(schemas.items())),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(question: Question) -> dict[str, Any]:
    answers = {
        "200": _answer("The answer.", question.returns, "application/json"),
        "400": _answer("Parameters cannot be used; every fault is named.", UnfitParameters),
        **_refusals(),
    }
    if any(parameter.name == "jurisdiction" for parameter in question.parameters):
        answers["404"] = _answer("The jurisdiction is not here.", NotHere)
        answers["503"] = _answer("The jurisdiction is being taken over.", NotHere)
    return {
        "operationId": question.path.rpartition("/")[2],
        "summary": question.says,
        "parameters": [_parameter(parameter) for parameter in question.parameters],
        "responses": dict(sorted(answers.items())),
    }


def _document() -> dict[str, Any]:
    said = {"description": "OpenAPI 3.1.", "content": {"application/json": {"schema": {"type": "object"}}}}
    return {"operationId": "openapi", "summary": "This document.", "responses": {"200": said, **_refusals()}}


def _refusals() -> dict[str, Any]:
    return {
        "401": _answer("Beyond loopback: a bearer token is needed.", Problem),
        "403": _answer("Beyond loopback: token and TLS are not configured.", Problem),
    }


def _answer(meaning: str, kind: type, media_type: str = MEDIA_TYPE) -> dict[str, Any]:
    schema = {"$ref": f"#/components/schemas/{kind.__name__}"}
    return {"description": meaning, "content": {media_type: {"schema": schema}}}


def _parameter(parameter: Parameter) -> dict[str, Any]:
    schema = dict(parameter.kind.schema)
    if parameter.many:
        schema = {"type": "array", "items": schema, "minItems": 1, "maxItems": MOST_VALUES}
    if parameter.default is not None:
        schema["default"] = parameter.default
    said: dict[str, Any] = {
        "name": parameter.name,
        "in": "query",
        "description": parameter.says,
        "schema": schema,
    }
    if parameter.required:
        said["required"] = True
    if parameter.many:
        said |= {"style": "form", "explode": True}
    return said
