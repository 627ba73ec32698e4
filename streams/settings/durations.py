"""Durations such as "90s", "15m", "6h", "7d", and the rolling windows they name."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

from streams.settings.faults import Wrong
from streams.settings.kinds import Kind, text_of

HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS
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
class WindowLength(Kind):
    """A duration that names a rolling window."""

    def read(self, raw: Any, base: Path) -> Window:
        """The window, named by its text."""
        return Window(text_of(raw).strip(), Duration().read(raw, base))

    def show(self, value: Any) -> Any:
        """The window's name."""
        return value.name
