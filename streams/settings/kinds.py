"""What a field of the configuration takes: from TOML, from an environment variable, and back for `config show`.

`read` gets what TOML holds and the directory that relative paths start from, and raises `Wrong` with a remedy.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from streams.settings.faults import Wrong, did_you_mean, shown

MASK: Final = "********"
_UNITS_MS: Final = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_DURATION: Final = re.compile(r"(\d{1,9})(ms|s|m|h|d)")
_DURATION_REMEDY: Final = 'a whole number and ms, s, m, h or d, such as "90s", "15m", "6h", "7d"'


class Window(NamedTuple):
    """A rolling window, named by its duration as configured."""

    name: str  # "15m"
    length_ms: int


def duration_ms(text: str) -> int:
    """Milliseconds of a duration such as `90s`, `15m`, `6h`, `7d`.

    Raises:
        Wrong: the text is not a whole number followed by ms, s, m, h or d.
    """
    found = _DURATION.fullmatch(text.strip())
    if not found:
        problem = f'is not a duration (got "{text}")'
        raise Wrong(problem, _DURATION_REMEDY)
    return int(found[1]) * _UNITS_MS[found[2]]


def duration_text(ms: int) -> str:
    """The shortest text of a duration: in the largest unit that divides it."""
    unit = max((unit for unit, size in _UNITS_MS.items() if ms % size == 0), key=_UNITS_MS.__getitem__)
    return f"{ms // _UNITS_MS[unit]}{unit}"


class Kind:
    """A kind of field: how its value is read and shown."""

    secret = False

    def from_text(self, text: str) -> Any:
        """What an environment variable's text stands for, as TOML would hold it."""
        return text

    def read(self, raw: Any, base: Path) -> Any:
        """The value of the field.

        Raises:
            Wrong: `raw` is not what this field takes.
        """
        raise NotImplementedError

    def show(self, value: Any) -> Any:
        """The value as TOML would hold it; secrets are masked."""
        return value


def _text(raw: Any) -> str:
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
        text = _text(raw).strip()
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
class Duration(Kind):
    """A duration from `low` to `high`, in milliseconds once read."""

    low: str = "1ms"
    high: str = "3650d"

    def read(self, raw: Any, base: Path) -> int:
        """Milliseconds, when in range."""
        if not isinstance(raw, str):
            problem = f"must be a duration in quotes (got {raw!r})"
            raise Wrong(problem, _DURATION_REMEDY)
        ms = duration_ms(raw)
        if not duration_ms(self.low) <= ms <= duration_ms(self.high):
            problem = f'must be {self.low} to {self.high} (got "{raw}")'
            raise Wrong(problem)
        return ms

    def show(self, value: Any) -> Any:
        """The duration as text."""
        return duration_text(value)


@dataclass(frozen=True)
class Word(Kind):
    """One word of a closed list, as its enum."""

    words: type[StrEnum]

    def read(self, raw: Any, base: Path) -> StrEnum:
        """The word's enum member."""
        return word(_text(raw), self.words)

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
class WindowLength(Kind):
    """A duration that names a rolling window."""

    def read(self, raw: Any, base: Path) -> Window:
        """The window, named by its text."""
        return Window(_text(raw).strip(), Duration().read(raw, base))

    def show(self, value: Any) -> Any:
        """The window's name."""
        return value.name


@dataclass(frozen=True)
class ExistingFile(Kind):
    """A path to a file that exists, relative to the configuration file (to the current directory in a variable)."""

    what: str = "file"

    def read(self, raw: Any, base: Path) -> Path | None:
        """The absolute path; None for an empty text."""
        text = _text(raw).strip()
        return existing_file(text, base, self.what) if text else None

    def show(self, value: Any) -> Any:
        """The path as a person would type it, empty when there is none."""
        return shown(value) if value else ""


def existing_file(text: str, base: Path, what: str) -> Path:
    """The absolute path of a file that can be read.

    Raises:
        Wrong: there is no such file, it is a directory, or it may not be read.
    """
    path = (base / Path(text).expanduser()).resolve()
    if path.is_dir():
        problem = f'is a directory, not a {what} (got "{text}")'
        raise Wrong(problem, "name the file in it")
    try:
        path.open("rb").close()
    except FileNotFoundError:
        problem = f'names a {what} that does not exist (got "{text}")'
        raise Wrong(problem, f"looked for {shown(path)}") from None
    except OSError as error:
        problem = f'names a {what} that cannot be read (got "{text}": {(error.strerror or "").lower()})'
        raise Wrong(problem, "give this user the right to read it") from None
    return path


@dataclass(frozen=True)
class TimeZone(Kind):
    """A time zone of the IANA database."""

    def read(self, raw: Any, base: Path) -> str:
        """The zone's name, known to exist."""
        name = _text(raw).strip()
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
        return _text(raw) or None

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
