"""The contracts of the topics: JSON Schema 2020-12 per topic and version, an AsyncAPI 3 document, golden samples.

They are generated from the dataclasses of `schemas` and the structs that decode; `vigil contracts --out
schemas/contracts` writes them anew, and a test compares. `schemas/contracts/released` holds what others rely on.
"""

from importlib.resources import files
from typing import Any

import orjson

from streams.contracts.asyncapi import asyncapi_document
from streams.contracts.catalogue import CONTRACTS, Contract, Direction
from streams.contracts.compatibility import changes, refusals
from streams.contracts.documents import document_of
from streams.contracts.samples import FOLDER, Sample, golden_samples

__all__ = [
    "CONTRACTS",
    "RELEASED",
    "Contract",
    "Direction",
    "Sample",
    "changes",
    "contract_files",
    "document_of",
    "golden_samples",
    "refusals",
    "sample_files",
    "written",
]

RELEASED = files("schemas") / "contracts" / "released"
"""The contracts of the last release."""


def contract_files() -> dict[str, bytes]:
    """File name → content, of every contract and the AsyncAPI document that ties them together."""
    found = {each.file: written(document_of(each)) for each in CONTRACTS if each.records}
    return {**found, "asyncapi.json": written(asyncapi_document(golden_samples()))}


def sample_files() -> dict[str, bytes]:
    """File name → content, of the golden samples."""
    return {f"samples/{each.file}": (FOLDER / each.file).read_bytes() for each in CONTRACTS if each.records}


def written(document: dict[str, Any]) -> bytes:
    """A document as it stands in its file."""
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
