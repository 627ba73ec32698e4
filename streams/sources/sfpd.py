"""San Francisco Police Department, "Incident Reports: 2018 to Present" (wg3w-h783), as exported or as its API delivers it.

How the table of built-in sources in README, "Commands", is read here:

- A record is one offence of one incident: `Incident Number` and `Incident Code`, written `180906213-03074`. Every row
  is one message about its record, known from its own `Report Datetime`: an initial report, or a supplement that
  updates the record. Rows say whole messages; of what two rows say, the later one holds (exactness, rule 1).
- `reported_at` is the earliest `Report Datetime` of all the record's rows, in every one of its messages: a supplement
  never moves the time that counts. It reveals nothing early, for the row with the earliest time is the first message.
- `occurred_at` is the row's own `Incident Datetime`; so where that is configured to count, a supplement that corrects
  it moves the incident. A row whose `Incident Datetime` cannot be read goes on without it, and is reported.
- The zone is `Analysis Neighborhood`. Where it is missing the row says nothing of the zone: what an earlier report
  said holds, else `unknown`. Coordinates are not used: they are those of intersections, which lie on borders.
- `Resolution` `Unfounded` gives the status unfounded, which takes the record out; any other resolution puts it (back)
  in: `Open or Active` is the status active, arrests and exceptional clearances are updated (not closed: that would
  leave an unfounded record out). Of two rows of the same time, unfounded holds (rule 1). No resolution says nothing.
- Types are the categories; in those that hold offences of many kinds the subcategory decides where it is more exact.
- A report filed online has the call source INTERNET; warrants, traffic violation arrests, drug offences and
  prostitution are officer-initiated: OFFICER.

Not read: places, names of streets, CAD numbers, descriptions, districts.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from schemas.events import Incident
from schemas.vocabulary import Agency, CallSource, CrimeType, IncidentStatus, RejectReason
from streams.sources.columns import Column, title_key
from streams.sources.crime_types import (
    OFFICER_TYPES,
    SFPD_CATCH_ALLS,
    SFPD_CATEGORIES,
    SFPD_SUBCATEGORIES,
    TypeMap,
)
from streams.sources.facts import OnProgress, SourceEvent
from streams.sources.local_time import LocalTimes
from streams.sources.places import label
from streams.sources.reading import Collected, Reading
from streams.sources.table import Row, Table, read_tables

NAME: Final = "sfpd"
JURISDICTION: Final = "san-francisco"
TIME_ZONE: Final = "America/Los_Angeles"

COLUMNS: Final = (
    Column(("Incident Number",), may_be_empty=False),
    Column(("Incident Code",), may_be_empty=False),
    Column(("Report Datetime",), may_be_empty=False),
    Column(("Incident Datetime",), may_be_empty=False),
    Column(("Incident Category",)),
    Column(("Incident Subcategory",), required=False),
    Column(("Resolution",)),
    Column(("Analysis Neighborhood",)),
    Column(("Filed Online",), required=False),
)
_NUMBER, _CODE, _REPORTED, _OCCURRED = range(4)
_WARRANT: Final = "warrant"


class Sfpd:
    """Reads the department's incident reports."""

    name = NAME
    jurisdiction = JURISDICTION
    time_zone = TIME_ZONE

    def read(self, paths: Sequence[Path], progress: OnProgress | None = None) -> Reading:
        """One incident message for each row; see the module's text.

        Raises:
            ConfigurationError: a file is missing, unreadable or lacks columns; all faults of all files at once.
        """
        return _Reports().read(paths, progress)


class _Reports:
    """The state of one reading."""

    def __init__(self) -> None:
        self.kept = Collected()
        self.times = LocalTimes(TIME_ZONE)
        self.categories = TypeMap(SFPD_CATEGORIES, self.kept.facts.unmapped)
        self.earliest: dict[str, int] = {}  # id of a record → its earliest Report Datetime

    def read(self, paths: Sequence[Path], progress: OnProgress | None) -> Reading:
        for table, row in self.kept.usable(read_tables(paths, COLUMNS, progress)):
            self.row(table, row)
        return self.kept.reading(self.times, self.make)

    def row(self, table: Table, row: Row) -> None:
        number, code, reported, occurred, category, subcategory, resolution, neighbourhood, online = (
            row.values
        )
        at = self.times.parse(reported)
        if not isinstance(at, int):
            self.kept.reject(table.no_time(_REPORTED, reported, at))
            return
        self.kept.place = at
        if not (number and code):
            problem = "must name the record; without it the report belongs nowhere"
            self.kept.reject(
                table.unusable(_CODE if number else _NUMBER, "", RejectReason.MISSING_FIELD, problem)
            )
            return
        incident_id = f"{number}-{code}"
        self.earliest[incident_id] = min(at, self.earliest.get(incident_id, at))
        crime_type, by_officer = self.kind(category, subcategory)
        source = (
            CallSource.OFFICER if by_officer else CallSource.INTERNET if online.lower() == "true" else None
        )
        zone = label(neighbourhood)
        self.kept.facts.without_zone += zone is None
        what = (crime_type, None if crime_type else category or None, zone, status_of(resolution), source)
        item = (table.name, row.line, incident_id, at, self.occurred_at(table, occurred), what)
        self.kept.add(at, self.kept.keep(item))
        self.kept.facts.incidents += 1

    def occurred_at(self, table: Table, text: str) -> int | None:
        """The time of the incident; None, and reported, where it cannot be read."""
        at = self.times.parse(text)
        if isinstance(at, int):
            return at
        self.kept.reject(table.no_time(_OCCURRED, text, at, partly=True))
        return None

    def kind(self, category: str, subcategory: str) -> tuple[CrimeType | None, bool]:
        """(crime type, whether it is officer-initiated) of an offence; unmapped ones are counted."""
        key = title_key(category)
        exact = SFPD_SUBCATEGORIES.get(title_key(subcategory)) if key in SFPD_CATCH_ALLS else None
        crime_type = exact or self.categories(category)
        return crime_type, crime_type in OFFICER_TYPES or key == _WARRANT

    def make(self, item: Any, _part: int) -> SourceEvent:
        """The message of one row."""
        file, line, incident_id, at, occurred_at, (crime_type, type_code, zone, status, source) = item
        incident = Incident(
            incident_id,
            JURISDICTION,
            at,
            agency=Agency.POLICE,
            status=status,
            type_code=type_code,
            crime_type=crime_type,
            zone=zone,
            call_source=source,
            occurred_at=occurred_at,
            reported_at=self.earliest[incident_id],
        )
        return SourceEvent(at, incident, file, line)


def status_of(resolution: str) -> IncidentStatus | None:
    """What a resolution says of the record."""
    match title_key(resolution):
        case "":
            return None
        case "unfounded":
            return IncidentStatus.UNFOUNDED
        case "open_or_active":
            return IncidentStatus.ACTIVE
        case _:
            return IncidentStatus.UPDATED
