"""Golden samples: messages that publishers may take as patterns, and ones that go wrong, with what Vigil says of them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

from schemas.codec import from_json
from streams.contracts.catalogue import CONTRACTS

FOLDER: Final = files("schemas") / "contracts" / "samples"


@dataclass(frozen=True)
class Sample:
    """One message and what becomes of it.

    Args:
        name: what it shows.
        record: the kind of message that it is, or was meant to be.
        valid: whether it keeps to the schema: what a strict publisher sends.
        accepted: whether Vigil can use it; what it writes itself (out) it need not.
        message: the value as JSON; of a dead letter, its headers.
        raw: the value as text, where it is no JSON.
        key: of the record; the incident_id or alert_id where it is left out.
        sent_at: Kafka timestamp of the record, ms; later than all that it says where it is left out.
        reason: of the dead letter.
        says: how the dead letter's message begins.
    """

    name: str
    record: str
    valid: bool
    accepted: bool
    message: Any = None
    raw: str | None = None
    key: str | None = ""
    sent_at: int | None = None
    reason: str | None = None
    says: str = ""

    @property
    def is_good(self) -> bool:
        """Whether a publisher may take it as a pattern."""
        return self.valid and self.accepted

    @property
    def slug(self) -> str:
        """The name without blanks."""
        return re.sub(r"[^a-z0-9]+", "-", self.name.lower()).strip("-")


@cache
def golden_samples() -> Mapping[str, tuple[Sample, ...]]:
    """Contract name → its samples, in the order of the file."""
    return {
        contract.name: tuple(Sample(**said) for said in from_json((FOLDER / contract.file).read_bytes()))
        for contract in CONTRACTS
        if contract.records
    }
