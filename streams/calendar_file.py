"""The calendar of planned occasions from a TOML file; every fault at once, with file and line.

The file is described in `deploy/calendar.example.toml`.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from streams.core.occasions import Calendar, Occasion, read_calendar
from streams.settings.expanding import read_toml
from streams.settings.faults import ConfigurationError, Fault, Wrong, shown
from streams.settings.reader import Layout

_TABLE: Final = "event"
_WHOSE: Final = "jurisdictions"

Entry = tuple[str, Mapping[str, Any]]
"""(file:line, keys)."""


@dataclass(frozen=True, slots=True)
class CalendarFile:
    """The entries of a file; what they mean depends on the jurisdiction's clock and zones."""

    entries: tuple[Entry, ...] = ()

    def of(self, jurisdiction: str, time_zone: str, zones: Collection[str] = ()) -> Calendar:
        """The calendar of one jurisdiction.

        Args:
            jurisdiction: its name; entries with `jurisdictions` hold in those alone.
            time_zone: IANA name of its clock.
            zones: its zones where they are known.

        Raises:
            ConfigurationError: something is wrong; it lists every fault.
        """
        mine = [entry for entry in self.entries if _holds(entry[1].get(_WHOSE, ()), jurisdiction)]
        return self.read(mine, time_zone, zones)

    @staticmethod
    def read(entries: Iterable[Entry], time_zone: str, zones: Collection[str]) -> Calendar:
        """Some entries by one clock.

        Raises:
            ConfigurationError: something is wrong; it lists every fault.
        """
        found: list[Occasion] = []
        faults: list[Fault] = []
        for where, entry in entries:
            calendar, wrong = read_calendar(
                [{k: v for k, v in entry.items() if k != _WHOSE}], time_zone, zones
            )
            found += calendar.occasions
            faults += [Fault(where, "", fault.partition(": ")[2], "") for fault in wrong]
        if faults:
            raise ConfigurationError(faults)
        return Calendar(tuple(found))


def _holds(whose: object, jurisdiction: str) -> bool:
    return not whose or (jurisdiction == whose if isinstance(whose, str) else jurisdiction in list(whose))  # type: ignore[call-overload]


def load_calendar(path: Path) -> CalendarFile:
    """The entries of a file; whether their zones exist is seen when they are read for a jurisdiction.

    Raises:
        ConfigurationError: it is no TOML, holds something else than `[[event]]` tables, or entries are wrong.
    """
    name = shown(path)
    try:
        text, raw = read_toml(path)
    except Wrong as wrong:
        raise ConfigurationError([Fault(wrong.where or name, "", wrong.problem, wrong.remedy)]) from None
    layout = Layout(name, path.resolve().parent)
    layout.add(text, name)
    listed = raw.get(_TABLE, [])
    if set(raw) - {_TABLE} or not isinstance(listed, list) or not all(isinstance(e, dict) for e in listed):
        other = next((key for key in raw if key != _TABLE), _TABLE)
        problem = f'holds "{other}", which is no list of events'
        raise ConfigurationError(
            [Fault(layout.where((other,)), "", problem, "start each entry with [[event]]")]
        )
    file = CalendarFile(tuple((layout.where((_TABLE, at)), entry) for at, entry in enumerate(listed)))
    file.read(file.entries, "UTC", ())
    return file
