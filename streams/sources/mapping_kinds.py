"""What the fields of a mapping file take."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from streams.settings.faults import Wrong, did_you_mean
from streams.settings.kinds import Kind, text_of
from streams.sources.local_time import FORMATS

_PROBE: Final = datetime(2018, 11, 23, 13, 5)  # noqa: DTZ001 -- stands for any time as files write it


@dataclass(frozen=True)
class Title(Kind):
    """The title of a column, as the file writes it."""

    def read(self, raw: Any, base: Path) -> str:
        """The title."""
        title = text_of(raw).strip()
        if not title:
            problem = "must name a column"
            raise Wrong(problem, "leave the key out where there is none")
        return title


@dataclass(frozen=True)
class Titles(Kind):
    """One title, or a list of them whose values are joined."""

    def read(self, raw: Any, base: Path) -> tuple[str, ...]:
        """The titles."""
        listed = raw if isinstance(raw, list) else [raw]
        if not listed:
            problem = "must name at least one column"
            raise Wrong(problem, "leave the key out where there is none")
        return tuple(Title().read(title, base) for title in listed)


@dataclass(frozen=True)
class Delimiter(Kind):
    """One character."""

    def read(self, raw: Any, base: Path) -> str:
        """The character."""
        text = text_of(raw)
        if len(text) != 1 or text in '"\r\n':
            problem = f"must be one character (got {text!r})"
            raise Wrong(problem, 'such as ";" or "\\t"')
        return text


@dataclass(frozen=True)
class TimeFormat(Kind):
    """A named format, or a pattern of strptime."""

    def read(self, raw: Any, base: Path) -> str:
        """The format, known to hold a whole time."""
        form = text_of(raw)
        if form in FORMATS:
            return form
        if "%" not in form:
            problem = f'is no time format (got "{form}")'
            raise Wrong(problem, f'{did_you_mean(form, FORMATS)}; or a pattern such as "%d.%m.%Y %H:%M"')
        try:
            whole = datetime.strptime(_PROBE.strftime(form), form).replace(tzinfo=None) == _PROBE  # noqa: DTZ007
        except ValueError:
            whole = False
        if not whole:
            problem = f'cannot hold a time to the minute (got "{form}")'
            raise Wrong(problem, 'it needs year, month, day, hour and minute, such as "%d.%m.%Y %H:%M"')
        return form
