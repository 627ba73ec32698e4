"""Planned occasions: events and holidays that bring more incidents than the rhythm of the week says.

A calendar is a list of entries such as

    { name = "Independence Day", from = "2026-07-04", until = "2026-07-05", factor = 1.5 }
    { name = "Marathon", from = "2026-10-11T06:00", until = "2026-10-11T18:00", zones = ["8", "32"], types = ["larceny"] }

in local time; `until` is exclusive. While it lasts, `factor` times the usual is expected in its zones and types (no
zones: all of them and the city totals; no types: all), and what came counts for the baseline as if it had been usual.
Where entries overlap, the greatest factor holds. Zones and types that are not known are named as faults, and change
nothing.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from schemas.vocabulary import ANY, CrimeType

USUAL_FACTOR: Final = 2.0
_MOST: Final = 100.0
_KEYS: Final = {"name", "from", "until", "zones", "types", "factor"}


@dataclass(frozen=True, slots=True)
class Occasion:
    """Hours [first_hour, end_hour) since the epoch in which `factor` times the usual is expected."""

    name: str
    first_hour: int
    end_hour: int
    factor: float = USUAL_FACTOR
    zones: frozenset[str] = frozenset()  # none: everywhere
    crime_types: frozenset[str] = frozenset()  # none: all

    def holds(self, zone: str, crime_type: str) -> bool:
        """Whether a cell is part of it."""
        return (not self.zones or zone in self.zones) and (
            not self.crime_types or crime_type in self.crime_types or crime_type == ANY
        )


@dataclass(frozen=True, slots=True)
class Calendar:
    """The occasions of a jurisdiction."""

    occasions: tuple[Occasion, ...] = ()

    def during(self, first_hour: int, end_hour: int) -> list[Occasion]:
        """Occasions that have an hour in common with [first_hour, end_hour)."""
        return [o for o in self.occasions if o.first_hour < end_hour and o.end_hour > first_hour]

    def factor(self, cell: tuple[str, str], hour: int) -> float:
        """How many times the usual is expected of a cell in an hour."""
        held = [o.factor for o in self.occasions if o.first_hour <= hour < o.end_hour and o.holds(*cell)]
        return max(held, default=1.0)


def read_calendar(
    entries: Iterable[Mapping[str, object]], time_zone: str, zones: Collection[str] = ()
) -> tuple[Calendar, list[str]]:
    """A calendar and all its faults at once.

    Args:
        entries: as in the module's text; times as ISO 8601, naive ones are local.
        time_zone: IANA name of the jurisdiction's zone.
        zones: the zones that are known; none: any is taken.
    """
    found, faults = [], []
    for number, entry in enumerate(entries, start=1):
        occasion, wrong = _read(entry, ZoneInfo(time_zone), zones)
        faults += [f"calendar entry {number}: {fault}" for fault in wrong]
        if occasion is not None:
            found.append(occasion)
    return Calendar(tuple(found)), faults


def _read(
    entry: Mapping[str, object], zone: ZoneInfo, zones: Collection[str]
) -> tuple[Occasion | None, list[str]]:
    faults = [
        f"{key!r} is no key of a calendar entry; known are {', '.join(sorted(_KEYS))}"
        for key in entry
        if key not in _KEYS
    ]
    start, end = _hour(entry.get("from"), zone), _hour(entry.get("until"), zone)
    if start is None or end is None or end <= start:
        faults.append("from and until must be dates or times, until after from; the entry is left out")
    factor = entry.get("factor", USUAL_FACTOR)
    if isinstance(factor, bool) or not isinstance(factor, int | float) or not 1.0 <= factor <= _MOST:
        faults.append(
            f"factor must be a number from 1 to {_MOST:g} (got {factor!r}); {USUAL_FACTOR:g} is taken"
        )
        factor = USUAL_FACTOR
    names, types = _words(entry.get("zones", ())), _words(entry.get("types", ()))
    faults += [f"zone {name!r} is not known" for name in sorted(names) if zones and name not in zones]
    faults += [f"crime type {word!r} is not known" for word in sorted(types - set(CrimeType))]
    if start is None or end is None or end <= start:
        return None, faults
    return Occasion(str(entry.get("name", "planned event")), start, end, float(factor), names, types), faults


def _words(value: object) -> frozenset[str]:
    if isinstance(value, str):
        return frozenset({value})
    return frozenset(map(str, value)) if isinstance(value, Sequence) else frozenset()


def _hour(value: object, zone: ZoneInfo) -> int | None:
    try:
        at = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return int((at if at.tzinfo else at.replace(tzinfo=zone)).timestamp() // 3600)
