"""City of Chicago, "Crimes – 2001 to Present" (ijzp-q8t2), as exported or as its API delivers it.

How the table of built-in sources in README, "Commands", is read here:

- Every row is one message about one incident; it counts at, and is known from, `Date`. The portal's `Updated On` is
  when a row was last touched, often years later, and is not used.
- The incident is `ID`. Where a file has no such column, or a row has nothing in it, the id is a hash of what the row
  says in the columns named below, and which occurrence of that content in its file it is: `5f0c…-1`, `5f0c…-2`. So
  rows that look the same are different incidents, reading a file twice gives the same ids, and their order does not
  matter.
- The zone is the community area's number as text (`8`, whether the file says `8`, `08` or `8.0`). 0 and nothing are
  no area; then the row's coordinates are handed on instead, if it has any.
- Types are the primary types. `NON-CRIMINAL` and everything that begins with it is `other`.
- Narcotics and prostitution are reports of enforcement: their call source is OFFICER.

Named columns: Date, Primary Type, Description, Community Area, Latitude, Longitude. All others (block, beat, place of
occurrence, case number …) are not read.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from schemas.events import Incident
from schemas.vocabulary import Agency, CallSource, CrimeType
from streams.sources.columns import Column
from streams.sources.crime_types import CHICAGO, OFFICER_TYPES, TypeMap
from streams.sources.facts import OnProgress, SourceEvent
from streams.sources.identity import ContentIds
from streams.sources.local_time import LocalTimes
from streams.sources.places import coordinates
from streams.sources.reading import Collected, Reading
from streams.sources.table import Row, Table, read_tables

NAME: Final = "chicago"
JURISDICTION: Final = "chicago"
TIME_ZONE: Final = "America/Chicago"

COLUMNS: Final = (
    Column(("ID",), required=False),
    Column(("Date",), may_be_empty=False),
    Column(("Primary Type",), may_be_empty=False),
    Column(("Description",), required=False),
    Column(("Community Area",)),
    Column(("Latitude",), required=False),
    Column(("Longitude",), required=False),
)
_DATE: Final = 1
_NON_CRIMINAL: Final = re.compile(r"NON\W*CRIMINAL", re.IGNORECASE)
_NUMBER: Final = re.compile(r"0*(\d{1,4})(?:\.0*)?", re.ASCII)


class Chicago:
    """Reads the city's crimes."""

    name = NAME
    jurisdiction = JURISDICTION
    time_zone = TIME_ZONE

    def read(self, paths: Sequence[Path], progress: OnProgress | None = None) -> Reading:
        """One incident message for each row; see the module's text.

        Raises:
            ConfigurationError: a file is missing, unreadable or lacks columns; all faults of all files at once.
        """
        return _Crimes().read(paths, progress)


class _Crimes:
    """The state of one reading."""

    def __init__(self) -> None:
        self.kept = Collected()
        self.times = LocalTimes(TIME_ZONE)
        self.types = TypeMap(CHICAGO, self.kept.facts.unmapped)
        self.ids = ContentIds()

    def read(self, paths: Sequence[Path], progress: OnProgress | None) -> Reading:
        for table, row in self.kept.usable(read_tables(paths, COLUMNS, progress)):
            self.row(table, row)
        return self.kept.reading(self.times, make)

    def row(self, table: Table, row: Row) -> None:
        id_, date, code, _, area, lat, lon = row.values
        at = self.times.parse(date)
        if not isinstance(at, int):
            self.kept.reject(table.no_time(_DATE, date, at))
            return
        facts = self.kept.facts
        zone = area_of(area)
        facts.without_zone += zone is None
        place = None if zone else coordinates(facts, lat, lon)
        crime_type = CrimeType.OTHER if _NON_CRIMINAL.match(code) else self.types(code)
        incident_id = id_ or self.ids.next(table, row.values[1:])
        item = (
            table.name,
            row.line,
            incident_id,
            at,
            crime_type,
            None if crime_type else code or None,
            zone,
            place,
        )
        self.kept.place = at
        self.kept.add(at, self.kept.keep(item))
        facts.incidents += 1


@lru_cache(maxsize=1024)
def area_of(text: str) -> str | None:
    """A community area's number as text, without zeros before or after it; other texts as they are."""
    number = _NUMBER.fullmatch(text)
    if number:
        return None if number[1] == "0" else number[1]
    return text or None


def make(item: Any, _part: int) -> SourceEvent:
    """The message of one row."""
    file, line, incident_id, at, crime_type, type_code, zone, place = item
    lat, lon = place or (None, None)
    incident = Incident(
        incident_id,
        JURISDICTION,
        at,
        agency=Agency.POLICE,
        type_code=type_code,
        crime_type=crime_type,
        zone=zone,
        lat=lat,
        lon=lon,
        call_source=CallSource.OFFICER if crime_type in OFFICER_TYPES else None,
        reported_at=at,
        occurred_at=at,
    )
    return SourceEvent(at, incident, file, line)
