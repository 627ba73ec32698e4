"""Files that a `mapping.toml` describes (see `streams.sources.mapping_file`) → events.

How a mapping is read:

- A row is one message about one incident, whole as far as its columns go, known from `columns.updated_at`, or else
  from `columns.reported_at`. Rows with one id are messages about one incident, and merge as messages do (exactness,
  rule 1). A cell that is empty says nothing.
- `corrections.status_at` makes the status a further message, known from that time (from the row's own where the cell
  is empty or earlier). `corrections.cancelled_at` makes a further message that says cancelled, where the cell is not
  empty. `corrections.reported_at = "earliest"` says in every message the earliest report among the incident's rows
  known by then, so that later reports never move the time that counts.
- With `[dispatch]` rows are units: what several rows say of their incident in the same words is one message, in the
  place of the first of them; each unit time is a fact known from that time.
- Without `columns.id` each row is an incident of its own (see `ContentIds`).
- Codes are compared without regard to case and blanks. Of several type columns the joined values are looked up, then
  the first ones alone (`Theft / Bicycle`, then `Theft`). A word of the vocabulary stands for itself. A type that is
  not mapped counts as `other`, any other word that is not mapped says nothing; both are counted by name.
- A cell that holds no time, where a time must be, is reported; the rest of its row is used, unless it is the time
  from which the row is known.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate
from pathlib import Path
from typing import Any, Final

from schemas.events import Dispatch, Incident
from schemas.vocabulary import Agency, CallSource, CrimeType, IncidentStatus, RejectReason
from streams.sources.facts import OnProgress, SourceEvent
from streams.sources.identity import ContentIds
from streams.sources.local_time import Instant, LocalTimes
from streams.sources.mapping_file import MappingFile, ReportedAt, code_key, load_mapping
from streams.sources.mapping_roles import KNOWN_FROM, Cells, Words, columns_of
from streams.sources.places import coordinates, label
from streams.sources.reading import Collected, Reading
from streams.sources.table import Row, Table, read_tables

_YES: Final = frozenset({"true", "yes", "y", "t", "1"})


class MappedSource:
    """Reads files as a mapping describes them."""

    def __init__(self, path: Path) -> None:
        """Load the mapping.

        Raises:
            ConfigurationError: it has faults; all of them at once.
        """
        self.mapping = load_mapping(path)
        self.name = path.name
        self.jurisdiction = self.mapping.jurisdiction
        self.time_zone = self.mapping.time_zone

    def read(self, paths: Sequence[Path], progress: OnProgress | None = None) -> Reading:
        """Incident messages, and dispatch messages where the mapping has them; see the module's text.

        Raises:
            ConfigurationError: a file is missing, unreadable or lacks columns; all faults of all files at once.
        """
        return _Rows(self.mapping).read(paths, progress)


class _Rows:
    """The state of one reading."""

    def __init__(self, mapping: MappingFile) -> None:
        self.mapping = mapping
        self.columns = columns_of(mapping)
        self.kept = Collected()
        self.times = LocalTimes(mapping.time_zone, mapping.time_formats)
        self.row_times: dict[str, Instant] = {}  # title → what the row's cell says
        self.ids = ContentIds()
        unmapped = self.kept.facts.unmapped
        self.types = Words(CrimeType, mapping.types, unmapped)
        self.statuses = Words(IncidentStatus, mapping.statuses, unmapped)
        self.call_sources = Words(CallSource, mapping.call_sources, unmapped)
        self.agencies = Words(Agency, mapping.agencies, unmapped)
        self.unit_types = {code_key(code): agency for code, agency in mapping.dispatch.agencies.items()}
        self.no_value = frozenset(map(code_key, mapping.no_value))
        self.said: set[Incident] = set()  # where several rows may say one thing of their incident
        self.reports: dict[str, list[tuple[int, int]]] = {}  # id → (known from, reported at) of its rows
        self.earliest: dict[
            str, tuple[list[int], list[int]]
        ] = {}  # id → known from, sorted; earliest until then

    def read(self, paths: Sequence[Path], progress: OnProgress | None) -> Reading:
        tables = read_tables(paths, list(self.columns.values()), progress, self.mapping.delimiter)
        for table, row in self.kept.usable(tables):
            self.row(table, row)
        for incident_id, reports in self.reports.items():
            known_from, reported_at = zip(*sorted(reports), strict=True)
            self.earliest[incident_id] = (list(known_from), list(accumulate(reported_at, min)))
        return self.kept.reading(self.times, self.make)

    def row(self, table: Table, row: Row) -> None:
        cells = Cells(table, row, dict(zip(self.columns, row.values, strict=True)), self.no_value)
        self.row_times.clear()
        known_from = self.instant(cells, KNOWN_FROM)
        if not isinstance(known_from, int):
            self.kept.reject(table.no_time(self.column(KNOWN_FROM), cells.text(KNOWN_FROM), known_from))
            return
        self.kept.place = known_from
        parts = [cells.text(f"id {n}") for n in range(len(self.mapping.columns.id))]
        if "" in parts:
            problem = "must name the incident; without it the row belongs nowhere"
            self.kept.reject(table.unusable(parts.index(""), "", RejectReason.MISSING_FIELD, problem))
            return
        incident_id = "-".join(parts) or self.ids.next(table, row.values)
        self.incident(cells, incident_id, known_from)
        if self.mapping.dispatch.unit:
            self.dispatches(cells, incident_id)

    def incident(self, cells: Cells, incident_id: str, known_from: int) -> None:
        """Note the messages about the row's incident."""
        empty = Incident(incident_id, self.mapping.jurisdiction, known_from)
        status = self.statuses.of(cells.text("status"))
        status_at = self.time(cells, "status_at")
        if status is None or status_at is None or status_at < known_from:
            status_at = known_from
        reported_at = self.time(cells, "reported_at")
        if reported_at is not None and self.mapping.corrections.reported_at is ReportedAt.EARLIEST:
            self.reports.setdefault(incident_id, []).append((known_from, reported_at))
        said = {
            "reported_at": reported_at,
            "occurred_at": self.time(cells, "occurred_at"),
            **self.description(cells),
        }
        now = status if status_at == known_from else None
        self.message(cells, replace(empty, status=now, **said))
        if status_at > known_from:
            self.message(cells, replace(empty, updated_at=status_at, status=status))
        cancelled_at = self.time(cells, "cancelled_at")
        if cancelled_at is not None:
            at = max(cancelled_at, known_from)
            self.message(cells, replace(empty, updated_at=at, status=IncidentStatus.CANCELLED))

    def description(self, cells: Cells) -> dict[str, Any]:
        """What the row says of its incident besides times and status."""
        codes = [text for n in range(len(self.mapping.columns.type)) if (text := cells.text(f"type {n}"))]
        code = " / ".join(codes)
        crime_type = self.types.of(*(" / ".join(codes[:n]) for n in range(len(codes), 0, -1)))
        zone = label(cells.text("zone"))
        self.kept.facts.without_zone += zone is None
        facts = self.kept.facts
        place = None if zone else coordinates(facts, *map(cells.text, ("lat", "lon", "point")))
        lat, lon = place or (None, None)
        exercise = cells.text("exercise")
        return {
            "agency": self.agencies.of(cells.text("agency")) or self.mapping.agency,
            "type_code": code if code and crime_type is None else None,
            "crime_type": crime_type,
            "zone": zone,
            "lat": lat,
            "lon": lon,
            "priority": cells.text("priority") or None,
            "call_source": self.call_sources.of(cells.text("call_source")),
            "exercise": exercise.casefold() in _YES if exercise else None,
        }

    def message(self, cells: Cells, incident: Incident) -> None:
        """Note a message, unless another row of the incident has said the same."""
        if self.mapping.dispatch.unit:
            if incident in self.said:
                return
            self.said.add(incident)
        event = SourceEvent(incident.updated_at, incident, cells.table.name, cells.row.line)
        self.kept.add(event.known_from, self.kept.keep(event))
        self.kept.facts.incidents += 1

    def dispatches(self, cells: Cells, incident_id: str) -> None:
        """Note the facts about the row's unit."""
        dispatch = self.mapping.dispatch
        times = [(status, at) for status in dispatch.times() if (at := self.time(cells, status)) is not None]
        if not times:
            return
        unit = cells.text("unit")
        if not unit:
            problem = "must name the unit that the row has times of"
            reason = RejectReason.MISSING_FIELD
            self.kept.reject(cells.table.unusable(self.column("unit"), "", reason, problem, partly=True))
            return
        by_type = self.unit_types.get(code_key(cells.text("unit_type")))
        agency = by_type or self.agencies.of(cells.text("agency")) or self.mapping.agency or Agency.OTHER
        about = (
            agency,
            self.time(cells, "received_at"),
            cells.text("priority") or None,
            label(cells.text("zone")),
        )
        place = (cells.table.name, cells.row.line)
        code = self.kept.keep((*place, incident_id, unit, about, times))
        for part, (_, at) in enumerate(times, 1):
            self.kept.add(at, code + part)
            self.kept.facts.dispatches += 1

    def time(self, cells: Cells, role: str) -> int | None:
        """The time in a cell; None where it is empty, and where it is reported as none."""
        text = cells.text(role)
        if not text:
            return None
        at = self.instant(cells, role)
        if isinstance(at, int):
            return at
        self.kept.reject(cells.table.no_time(self.column(role), text, at, partly=True))
        return None

    def instant(self, cells: Cells, role: str) -> Instant:
        """What a cell says; read once, and its local time so counted once, where a column plays several roles."""
        title = self.columns[role].titles[0]
        found = self.row_times.get(title)
        if found is None:
            found = self.row_times[title] = self.times.parse(cells.text(role))
        return found

    def column(self, role: str) -> int:
        return list(self.columns).index(role)

    def make(self, item: Any, part: int) -> SourceEvent:
        """A message about an incident, or the fact about a unit that `part` names."""
        if not isinstance(item, SourceEvent):
            file, line, incident_id, unit, (agency, received_at, priority, zone), times = item
            status, at = times[part - 1]
            where = self.mapping.jurisdiction
            fact = Dispatch(incident_id, where, unit, agency, status, at, at, received_at, priority, zone)
            return SourceEvent(at, fact, file, line)
        incident = item.event
        if isinstance(incident, Incident) and incident.reported_at is not None and self.earliest:
            known_from, earliest = self.earliest[incident.incident_id]
            reported_at = earliest[bisect_right(known_from, item.known_from) - 1]
            return item._replace(event=replace(incident, reported_at=reported_at))
        return item
