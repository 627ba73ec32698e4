"""Parameters of a question: what each takes, as one definition from which it is read and described.

query ──▶ values by name, or every fault at once
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple, Protocol

from schemas.codec import Rejected, instant

MOST_VALUES: Final = 50
"""Values of one parameter that may be said several times."""

MOST_FAULTS: Final = 20
"""Faults that are said; a request with more is no mistake of a person."""

_SHOWN: Final = 40  # characters of what was given


class Unfit(NamedTuple):
    """Why a text is no value of a parameter: `must be …`."""

    problem: str


class ParameterFault(NamedTuple):
    """What is wrong with one parameter of a request."""

    parameter: str
    problem: str


class Kind(Protocol):
    """What a parameter takes."""

    @property
    def schema(self) -> Mapping[str, Any]:
        """JSON Schema of one value."""

    def read(self, text: str) -> Any:
        """The value of a text, or `Unfit`."""


@dataclass(frozen=True)
class Name:
    """Any text: zones and jurisdictions are named by those who publish."""

    most: int = 256  # characters, as in events

    @property
    def schema(self) -> Mapping[str, Any]:
        return {"type": "string", "minLength": 1, "maxLength": self.most}

    def read(self, text: str) -> str | Unfit:
        """The value of a text."""
        if not 0 < len(text) <= self.most:
            return Unfit(f"must be 1 to {self.most} characters")
        if any("\ud800" <= sign <= "\udfff" for sign in text):
            return Unfit("must be UTF-8, percent-encoded")
        return text


@dataclass(frozen=True)
class Word:
    """One of some words."""

    words: Sequence[str]

    @property
    def schema(self) -> Mapping[str, Any]:
        return {"type": "string", "enum": list(self.words)}

    def read(self, text: str) -> str | Unfit:
        """The value of a text."""
        return text if text in self.words else Unfit(f"must be one of {', '.join(self.words)}")


@dataclass(frozen=True)
class Whole:
    """A whole number."""

    least: int
    most: int

    @property
    def schema(self) -> Mapping[str, Any]:
        return {"type": "integer", "minimum": self.least, "maximum": self.most}

    def read(self, text: str) -> int | Unfit:
        """The value of a text."""
        digits = len(str(self.most))
        if text.isascii() and text.isdigit() and len(text) <= digits and self.least <= int(text) <= self.most:
            return int(text)
        return Unfit(f"must be a whole number from {self.least} to {self.most}")


@dataclass(frozen=True)
class Instant:
    """A time with an offset; the value is epoch milliseconds."""

    @property
    def schema(self) -> Mapping[str, Any]:
        return {"type": "string", "format": "date-time"}

    def read(self, text: str) -> int | Unfit:
        """The value of a text."""
        problem = "must be a time with an offset, such as 2026-11-23T11:45:00Z (write + as %2B)"
        try:
            said = instant("", datetime.fromisoformat(text))
        except (ValueError, OverflowError):
            return Unfit(problem)
        return Unfit(problem) if isinstance(said, Rejected) else said


@dataclass(frozen=True)
class Parameter:
    """One parameter of a question."""

    name: str
    kind: Kind
    says: str
    required: bool = False
    default: Any = None
    many: bool = False  # may be said several times


def read(
    parameters: Sequence[Parameter], query: Sequence[tuple[str, str]]
) -> dict[str, Any] | list[ParameterFault]:
    """The values of a request by name, every parameter in it; or everything that is wrong with it.

    Args:
        parameters: those of the question.
        query: names and texts, in the order given.
    """
    said: dict[str, list[str]] = {}
    for name, text in query:
        said.setdefault(name, []).append(text)
    values, faults = {}, _unknown(parameters, said)
    for parameter in parameters:
        value = _value(parameter, said.get(parameter.name, []))
        if isinstance(value, ParameterFault):
            faults.append(value)
        else:
            values[parameter.name] = value
    return faults[:MOST_FAULTS] or values


def _unknown(parameters: Sequence[Parameter], said: Mapping[str, Sequence[str]]) -> list[ParameterFault]:
    names = [parameter.name for parameter in parameters]
    problem = f"is not a parameter of this question, which takes {', '.join(names)}"
    return [ParameterFault(shown(name), problem) for name in said if name not in names]


def _value(parameter: Parameter, texts: Sequence[str]) -> Any:
    name = parameter.name
    if not texts:
        return ParameterFault(name, "must be said") if parameter.required else parameter.default
    most = MOST_VALUES if parameter.many else 1
    if len(texts) > most:
        return ParameterFault(name, f"must be said at most {most} times (got {len(texts)})")
    values = []
    for text in texts:
        value = parameter.kind.read(text)
        if isinstance(value, Unfit):
            return ParameterFault(name, f"{value.problem} (got {shown(text)})")
        values.append(value)
    return tuple(values) if parameter.many else values[0]


def shown(text: str) -> str:
    """What was given, as a short ASCII text."""
    return json.dumps(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…")
