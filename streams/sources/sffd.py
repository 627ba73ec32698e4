"""San Francisco Fire Department, "Calls for Service" (nuek-vuh3), as exported or as its API delivers it.

A row is one unit on one call. How the table of built-in sources in README, "Commands", is read here:

- The incident is `Call Number`, and one message says it: it counts at, and is known from, `Received DtTm`. The portal
  has the final state of every call, so type, priority (`Final Priority`) and zone are said from the start.
- The zone is the neighbourhood's label. `None` and nothing are no label; then the coordinates are handed on instead,
  for the polygons of `--zones`, and without those it is `unknown`.
- Where rows of a call disagree, each row is a message of its own by exactness, rule 1, and they are merged here: one
  message for each different `Received DtTm`, in which per field a real zone or type beats a missing one, and else the
  greater canonical JSON text holds. So the order of rows never matters. (In the portal's data they agree.)
- A call of which any row has the disposition `Cancelled` gets a further message that says the status cancelled,
  known from the latest time in any of its rows: received, entry, dispatch, response, on scene, transport, hospital,
  available. No other disposition takes a call out, and no other message says a status.
- Dispatches: each of a row's unit times is one fact, known from that time: dispatched, en route (`Response`), on
  scene, transporting, at hospital, available. Received and Final Priority are the row's own. The agency is EMS for
  the unit types MEDIC and PRIVATE, else fire; the incident itself is the fire department's.
- A unit time that cannot be read, or one without a `Unit ID`, is reported, and the rest of its row is used.

Not read: address, box, zip code, station, and all others.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from schemas.events import Dispatch, Incident
from schemas.vocabulary import Agency, IncidentStatus, RejectReason, UnitStatus
from streams.sources.columns import Column
from streams.sources.crime_types import SFFD, TypeMap
from streams.sources.facts import OnProgress, SourceEvent
from streams.sources.local_time import LocalTimes
from streams.sources.places import POINT_LENGTH, coordinates, label
from streams.sources.reading import Collected, Reading
from streams.sources.sffd_call import Said, merged
from streams.sources.table import Row, Table, read_tables

NAME: Final = "sffd"
JURISDICTION: Final = "san-francisco"
TIME_ZONE: Final = "America/Los_Angeles"

NEIGHBOURHOOD: Final = (
    "Neighborhood  District",  # until 2018
    "Neighborhooods - Analysis Boundaries",  # since then, with the portal's third o
    "Neighborhoods - Analysis Boundaries",
    "neighborhoods_analysis_boundaries",  # the API's
)
COLUMNS: Final = (
    Column(("Call Number",), may_be_empty=False),
    Column(("Received DtTm",), may_be_empty=False),
    Column(("Call Type",), may_be_empty=False),
    Column(("Call Final Disposition",)),
    Column(("Final Priority",)),
    Column(NEIGHBOURHOOD),
    Column(("Location", "case_location"), required=False, longest=POINT_LENGTH),
    Column(("Unit ID",)),
    Column(("Unit Type",)),
    Column(("Entry DtTm",), required=False),
    Column(("Dispatch DtTm",)),
    Column(("Response DtTm",)),
    Column(("On Scene DtTm",)),
    Column(("Transport DtTm",), required=False),
    Column(("Hospital DtTm",), required=False),
    Column(("Available DtTm",)),
)
_NUMBER, _RECEIVED = 0, 1
_UNIT, _ENTRY, _FIRST_UNIT_TIME = 7, 9, 10
STATUSES: Final = (
    UnitStatus.DISPATCHED,
    UnitStatus.EN_ROUTE,
    UnitStatus.ON_SCENE,
    UnitStatus.TRANSPORTING,
    UnitStatus.AT_HOSPITAL,
    UnitStatus.AVAILABLE,
)
"""What the unit times say, in the order of their columns."""
EMS_UNITS: Final = frozenset({"MEDIC", "PRIVATE"})
CANCELLED: Final = "cancelled"


class _Call:
    """A call, while its rows are read."""

    __slots__ = ("cancelled_by", "latest", "said")

    def __init__(self) -> None:
        self.said: dict[int, tuple[_Origin, Said]] = {}  # by time of reception
        self.latest = 0  # of all times in its rows
        self.cancelled_by: _Origin | None = None  # its first row that says so


class _Origin(NamedTuple):
    """Where a row is."""

    row: int
    file: str
    line: int


class Sffd:
    """Reads the department's calls."""

    name = NAME
    jurisdiction = JURISDICTION
    time_zone = TIME_ZONE

    def read(self, paths: Sequence[Path], progress: OnProgress | None = None) -> Reading:
        """Incident and dispatch messages; see the module's text.

        Raises:
            ConfigurationError: a file is missing, unreadable or lacks columns; all faults of all files at once.
        """
        return _Calls().read(paths, progress)


class _Calls:
    """The state of one reading."""

    def __init__(self) -> None:
        self.kept = Collected()
        self.times = LocalTimes(TIME_ZONE)
        self.types = TypeMap(SFFD, self.kept.facts.unmapped)
        self.calls: dict[str, _Call] = {}

    def read(self, paths: Sequence[Path], progress: OnProgress | None) -> Reading:
        for table, row in self.kept.usable(read_tables(paths, COLUMNS, progress)):
            self.row(table, row)
        for number, call in self.calls.items():
            self.call(number, call)
        return self.kept.reading(self.times, make)

    def row(self, table: Table, row: Row) -> None:
        number, received, code, disposition, priority, neighbourhood, location, *_ = row.values
        received_at = self.times.parse(received)
        if not isinstance(received_at, int):
            self.kept.reject(table.no_time(_RECEIVED, received, received_at))
            return
        self.kept.place = received_at
        if not number:
            problem = "must name the call; without it the row belongs nowhere"
            self.kept.reject(table.unusable(_NUMBER, number, RejectReason.MISSING_FIELD, problem))
            return
        zone = label(neighbourhood)
        place = None if zone else coordinates(self.kept.facts, "", "", location)
        crime_type = self.types(code)
        said = Said(crime_type, None if crime_type else code or None, priority or None, zone, place)
        call = self.calls.setdefault(number, _Call())
        origin = _Origin(self.kept.facts.rows, table.name, row.line)
        before = call.said.get(received_at)
        call.said[received_at] = (before[0], merged(before[1], said)) if before else (origin, said)
        if disposition.lower() == CANCELLED and call.cancelled_by is None:
            call.cancelled_by = origin
        times = self.unit_times(table, row)
        call.latest = max(call.latest, received_at, *(at for at in times if at is not None))
        self.dispatches(table, row, times[1:], received_at)

    def unit_times(self, table: Table, row: Row) -> list[int | None]:
        """Entry and the unit's own times; None where there is none, or none that can be read."""
        found: list[int | None] = []
        for column in range(_ENTRY, len(COLUMNS)):
            text = row.values[column]
            at = self.times.parse(text) if text else None
            if at is not None and not isinstance(at, int):
                self.kept.reject(table.no_time(column, text, at, partly=True))
                at = None
            found.append(at)
        return found

    def dispatches(self, table: Table, row: Row, times: Sequence[int | None], received_at: int) -> None:
        """Note the facts about the row's unit."""
        if not any(at is not None for at in times):
            return
        number, unit, unit_type = row.values[_NUMBER], row.values[_UNIT], row.values[_UNIT + 1]
        if not unit:
            problem = "must name the unit that the row has times of"
            self.kept.reject(table.unusable(_UNIT, unit, RejectReason.MISSING_FIELD, problem, partly=True))
            return
        agency = Agency.EMS if unit_type.upper() in EMS_UNITS else Agency.FIRE
        priority, zone = row.values[4] or None, label(row.values[5])
        code = self.kept.keep(
            (table.name, row.line, number, unit, agency, priority, zone, received_at, times)
        )
        for part, at in enumerate(times, 1):
            if at is not None:
                self.kept.add(at, code + part)
                self.kept.facts.dispatches += 1

    def call(self, number: str, call: _Call) -> None:
        """Note the messages about a call whose rows have all been read."""
        for received_at, (origin, said) in call.said.items():
            lat, lon = (None, None) if said.zone or not said.place else said.place
            self.incident(
                origin,
                Incident(
                    number,
                    JURISDICTION,
                    received_at,
                    agency=Agency.FIRE,
                    type_code=said.type_code,
                    crime_type=said.crime_type,
                    zone=said.zone,
                    lat=lat,
                    lon=lon,
                    priority=said.priority,
                    reported_at=received_at,
                ),
            )
            self.kept.facts.without_zone += said.zone is None
        if call.cancelled_by:
            status = IncidentStatus.CANCELLED
            self.incident(call.cancelled_by, Incident(number, JURISDICTION, call.latest, status=status))

    def incident(self, origin: _Origin, incident: Incident) -> None:
        event = SourceEvent(incident.updated_at, incident, origin.file, origin.line)
        self.kept.add(incident.updated_at, self.kept.keep(event), origin.row)
        self.kept.facts.incidents += 1


def make(item: Any, part: int) -> SourceEvent:
    """An incident's message as it is, or the fact about a unit that `part` names."""
    if isinstance(item, SourceEvent):
        return item
    file, line, number, unit, agency, priority, zone, received_at, times = item
    at = times[part - 1]
    fact = Dispatch(
        number, JURISDICTION, unit, agency, STATUSES[part - 1], at, at, received_at, priority, zone
    )
    return SourceEvent(at, fact, file, line)
