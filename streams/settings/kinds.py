"""What a field of the configuration takes: from TOML, from an environment variable, and back for `config show`.

`read` gets what TOML holds and the directory that relative paths start from, and raises `Wrong` with a remedy.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from streams.settings.faults import Wrong, did_you_mean

MASK: Final = "********"


class Kind:
    """A kind of field: how its value is read and shown."""

    secret = False

    def from_text(self, text: str) -> Any:
        """What an environment variable's text stands for, as TOML would hold it."""
        return text

    def read(self, raw: Any, base: Path) -> Any:
        """The value of the field; as it is where nothing else is said.

        Raises:
            Wrong: `raw` is not what this field takes.
        """
        return raw

    def show(self, value: Any) -> Any:
        """The value as TOML would hold it; secrets are masked."""
        return value


def text_of(raw: Any) -> str:
    """The text that `raw` must be.

    Raises:
        Wrong: it is something else.
    """
    if not isinstance(raw, str):
        problem = f"must be a text (got {raw!r})"
        raise Wrong(problem, "put it in quotes")
    return raw


@dataclass(frozen=True)
class Text(Kind):
    """A text that matches a pattern, which `takes` describes in words."""

    pattern: str = r".*"
    takes: str = ""
    optional: bool = False

    def read(self, raw: Any, base: Path) -> str | None:
        """The text, without blanks around it; an empty one is None where the field may be left out."""
        text = text_of(raw).strip()
        if self.optional and not text:
            return None
        if not re.fullmatch(self.pattern, text):
            problem = f'cannot be "{text}"'
            raise Wrong(problem, f"it takes {self.takes}")
        return text


@dataclass(frozen=True)
class Integer(Kind):
    """A whole number from `low` to `high`."""

    low: int = 0
    high: int = 2**31 - 1
    hint: str = ""

    def from_text(self, text: str) -> Any:
        """The number, or the text as it is where it is none."""
        return int(text) if re.fullmatch(r"[+-]?\d{1,18}", text.strip()) else text

    def read(self, raw: Any, base: Path) -> int:
        """The number, when it is in range."""
        if not isinstance(raw, int) or isinstance(raw, bool) or not self.low <= raw <= self.high:
            problem = f"must be a whole number from {self.low} to {self.high} (got {raw!r})"
            raise Wrong(problem, self.hint)
        return raw


@dataclass(frozen=True)
class Number(Kind):
    """A number from `low` to `high`."""

    low: float
    high: float
    hint: str = ""

    def from_text(self, text: str) -> Any:
        """The number, or the text as it is where it is none."""
        return float(text) if re.fullmatch(r"[+-]?\d{1,18}(\.\d{1,18})?", text.strip()) else text

    def read(self, raw: Any, base: Path) -> float:
        """The number, when it is in range."""
        if not isinstance(raw, (int, float)) or isinstance(raw, bool) or not self.low <= raw <= self.high:
            problem = f"must be a number from {self.low:g} to {self.high:g} (got {raw!r})"
            raise Wrong(problem, self.hint)
        return float(raw)


@dataclass(frozen=True)
class Flag(Kind):
    """true or false; in the environment also yes, no, on, off, 1 and 0."""

    def from_text(self, text: str) -> Any:
        """The truth value, or the text as it is where it is none."""
        words = {
            "true": True,
            "yes": True,
            "on": True,
            "1": True,
            "false": False,
            "no": False,
            "off": False,
            "0": False,
        }
        return words.get(text.strip().lower(), text)

    def read(self, raw: Any, base: Path) -> bool:
        """The truth value."""
        if not isinstance(raw, bool):
            problem = f"must be true or false (got {raw!r})"
            raise Wrong(problem)
        return raw


@dataclass(frozen=True)
class Word(Kind):
    """One word of a closed list, as its enum."""

    words: type[StrEnum]

    def read(self, raw: Any, base: Path) -> StrEnum:
        """The word's enum member."""
        return word(text_of(raw), self.words)

    def show(self, value: Any) -> Any:
        """The word."""
        return str(value)


def word(text: str, words: type[StrEnum]) -> StrEnum:
    """The member of `words` that `text` names.

    Raises:
        Wrong: it names none; the remedy is the nearest one, or the list.
    """
    try:
        return words(text.strip())
    except ValueError:
        problem = f'cannot be "{text}"'
        raise Wrong(problem, did_you_mean(text, list(words))) from None


@dataclass(frozen=True)
class ListOf(Kind):
    """A list whose items are all of one kind; the reader goes through them, so that each fault has its line."""

    item: Kind

    def from_text(self, text: str) -> Any:
        """Comma-separated items."""
        return [self.item.from_text(part.strip()) for part in text.split(",") if part.strip()]

    def show(self, value: Any) -> Any:
        """The items as a list."""
        return [self.item.show(item) for item in value]


@dataclass(frozen=True)
class MapOf(Kind):
    """A table whose values are all of one kind, under names that are the user's."""

    item: Kind

    def show(self, value: Any) -> Any:
        """The table."""
        return {name: self.item.show(item) for name, item in value.items()}


@dataclass(frozen=True)
class TimeZone(Kind):
    """A time zone of the IANA database."""

    def read(self, raw: Any, base: Path) -> str:
        """The zone's name, known to exist."""
        name = text_of(raw).strip()
        try:
            ZoneInfo(name)
        except (ValueError, OSError, LookupError):
            problem = f'is not a time zone of the IANA database (got "{name}")'
            raise Wrong(problem, 'such as "America/Chicago" or "UTC"') from None
        return name


@dataclass(frozen=True)
class Secret(Kind):
    """A secret: from the environment, or the first line of a file (its `_file` twin), never in the configuration."""

    secret = True

    def read(self, raw: Any, base: Path) -> str | None:
        """The secret, None where it is empty."""
        return text_of(raw) or None

    def show(self, value: Any) -> Any:
        """A mask, empty when there is no secret."""
        return MASK if value else ""


@dataclass(frozen=True)
class Free(Kind):
    """A table whose keys somebody else checks."""

    def read(self, raw: Any, base: Path) -> dict[str, Any]:
        """The table as TOML holds it."""
        if not isinstance(raw, dict):
            problem = f"must be a table (got {raw!r})"
            raise Wrong(problem)
        return raw
