"""`mapping.toml`: what the columns of a file mean, for files that no built-in source knows.

The file is described in `deploy/mapping.example.toml`. Everything wrong in it is said at once, each fault with file,
line, field, value and remedy.
"""

# ruff: noqa: RUF009 -- option() and table() make dataclass fields, not values

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from operator import attrgetter
from pathlib import Path
from typing import Any, Final

from schemas.vocabulary import Agency, CallSource, CrimeType, IncidentStatus, UnitStatus
from streams.settings.expanding import read_toml
from streams.settings.faults import ConfigurationError, Fault, Wrong, shown
from streams.settings.kinds import ListOf, MapOf, Text, TimeZone, Word
from streams.settings.options import option, table
from streams.settings.reader import Layout, Reader
from streams.settings.toml_lines import KeyPath
from streams.sources.local_time import FORMATS, ISO
from streams.sources.mapping_kinds import Delimiter, TimeFormat, Title, Titles

_NEEDS: Final = {
    "types": "columns.type",
    "statuses": "columns.status",
    "call_sources": "columns.call_source",
    "agencies": "columns.agency",
    "corrections.status_at": "columns.status",
    "dispatch.agencies": "dispatch.unit_type",
    "dispatch.received_at": "dispatch.unit",
    "dispatch.unit_type": "dispatch.unit",
}
"""Field → the one without which it does nothing."""

_NAME: Final = Text(r"[^\s|]{1,64}", "1 to 64 printable characters without | and blanks")


class ReportedAt(StrEnum):
    """Which report of an incident counts, where its rows say different ones."""

    LATEST = "latest"  # that of the row known last, as any field
    EARLIEST = "earliest"  # the earliest of the rows known so far: later reports supplement it


def _column(text: str) -> Any:
    return option("", Title(), text, env=False)


@dataclass(frozen=True)
class IncidentColumns:
    """`[columns]`: where the fields of an incident stand."""

    id: tuple[str, ...] = option((), Titles(), "what names the incident; several are joined by -", env=False)
    updated_at: str = _column("since when the row is known; reported_at where it is left out")
    reported_at: str = _column("when it was reported: the time that counts")
    occurred_at: str = _column("when it happened")
    type: tuple[str, ...] = option((), Titles(), "local code; several are joined by ' / '", env=False)
    zone: str = _column("name of the zone")
    lat: str = _column("latitude, degrees")
    lon: str = _column("longitude, degrees")
    point: str = _column("both: (lat, lon) or POINT (lon lat)")
    priority: str = _column("priority of the call")
    status: str = _column("where the incident stands")
    call_source: str = _column("how the call came in")
    agency: str = _column("who answers")
    exercise: str = _column("true, yes, y, t or 1: no real incident")


@dataclass(frozen=True)
class Corrections:
    """`[corrections]`: what a row says of the history of its incident."""

    status_at: str = _column("since when the status is known; it becomes a message of its own")
    cancelled_at: str = _column("when the incident was cancelled; a message of its own")
    reported_at: ReportedAt = option(
        ReportedAt.LATEST, Word(ReportedAt), "of an incident's rows, which report counts", env=False
    )


@dataclass(frozen=True)
class DispatchColumns:
    """`[dispatch]`: where the facts about the unit of a row stand; the keys of `STATUSES` are times."""

    unit: str = _column("the unit's name")
    unit_type: str = _column("what decides its agency, by [dispatch.agencies]")
    received_at: str = _column("when the call was received; columns.reported_at where it is left out")
    agencies: Mapping[str, Agency] = option({}, MapOf(Word(Agency)), "unit type = agency", env=False)
    dispatched: str = _column("since when the unit is dispatched")
    acknowledged: str = _column("since when it has acknowledged")
    en_route: str = _column("since when it is en route")
    on_scene: str = _column("since when it is on scene")
    transporting: str = _column("since when it is transporting")
    at_hospital: str = _column("since when it is at the hospital")
    available: str = _column("since when it is clear")
    cancelled: str = _column("since when it is cancelled")

    def times(self) -> dict[UnitStatus, str]:
        """Status → title of its column, in the usual order, of those that are named."""
        return {status: title for status in UnitStatus if (title := getattr(self, status.value))}


@dataclass(frozen=True)
class MappingFile:
    """The whole file."""

    jurisdiction: str = option("", _NAME, "whose events these are", env=False)
    time_zone: str = option("", TimeZone(), "IANA time zone of times that do not say theirs", env=False)
    time_formats: tuple[str, ...] = option((ISO,), ListOf(TimeFormat()), "how times are written", env=False)
    agency: Agency | None = option(None, Word(Agency), "who answers, where no column says it", env=False)
    delimiter: str = option(",", Delimiter(), "what stands between the fields of a CSV", env=False)
    no_value: tuple[str, ...] = option(
        (), ListOf(Text()), "texts that mean that there is no value", env=False
    )
    columns: IncidentColumns = table(IncidentColumns)
    corrections: Corrections = table(Corrections)
    dispatch: DispatchColumns = table(DispatchColumns)
    types: Mapping[str, CrimeType] = option({}, MapOf(Word(CrimeType)), "local code = crime type", env=False)
    statuses: Mapping[str, IncidentStatus] = option(
        {}, MapOf(Word(IncidentStatus)), "local = status", env=False
    )
    call_sources: Mapping[str, CallSource] = option({}, MapOf(Word(CallSource)), "local = source", env=False)
    agencies: Mapping[str, Agency] = option({}, MapOf(Word(Agency)), "local = agency", env=False)


def load_mapping(path: Path) -> MappingFile:
    """What a mapping file says.

    Raises:
        ConfigurationError: something is wrong; it lists every fault.
    """
    try:
        text, raw = read_toml(path)
    except Wrong as wrong:
        raise ConfigurationError(
            [Fault(wrong.where or shown(path), "", wrong.problem, wrong.remedy)]
        ) from None
    layout = Layout(shown(path), path.resolve().parent)
    layout.add(text, shown(path))
    reader = Reader(layout, {}, Path.cwd())
    mapping: MappingFile = reader.table(MappingFile(), raw, ())
    faulty = {fault.field.partition("[")[0] for fault in reader.faults}
    for field, found in (*_missing(mapping, faulty), *_idle(mapping, faulty)):
        reader.fault(tuple(field.split(".")), found)
    for place, found in _twins(mapping):
        reader.fault(place, found)
    if reader.faults:
        raise ConfigurationError(dict.fromkeys(reader.faults))
    return mapping


def code_key(code: str) -> str:
    """What the spellings of one local code have in common: case and blanks make no difference."""
    return " ".join(code.casefold().split())


def _missing(mapping: MappingFile, faulty: set[str]) -> Iterator[tuple[str, Wrong]]:
    """What every mapping needs; a field that is said, but wrong, is taken as being there."""
    said = _sayings(mapping, faulty)
    if not said("jurisdiction"):
        yield "jurisdiction", Wrong("is missing", 'name the city, such as "springfield"')
    if not said("time_zone"):
        yield "time_zone", Wrong("is missing", 'such as "America/Chicago"; "UTC" where times are in UTC')
    if not said("time_formats"):
        yield "time_formats", Wrong("must hold a format", f"one or more of {', '.join(FORMATS)}, or patterns")
    if not (said("columns.updated_at") or said("columns.reported_at")):
        remedy = "name the column that says since when a row is known"
        yield "columns.updated_at", Wrong("is missing, and columns.reported_at too", remedy)
    if not (said("columns.reported_at") or said("columns.occurred_at")):
        remedy = "without a time that counts no incident is counted"
        yield "columns.reported_at", Wrong("is missing, and columns.occurred_at too", remedy)
    for one, other in (("lat", "lon"), ("lon", "lat")):
        if said(f"columns.{one}") and not said(f"columns.{other}"):
            yield f"columns.{other}", Wrong(f"is missing beside columns.{one}", "name both, or neither")
    times = any(said(f"dispatch.{status}") for status in UnitStatus)
    if times and not said("dispatch.unit"):
        yield "dispatch.unit", Wrong("is missing", "the times of [dispatch] are those of a unit")
    if said("dispatch.unit") and not times:
        yield "dispatch.unit", Wrong("has no times", f"name at least one of {', '.join(UnitStatus)}")
    earliest = mapping.corrections.reported_at is ReportedAt.EARLIEST
    for field, there in (("dispatch.unit", said("dispatch.unit")), ("corrections.reported_at", earliest)):
        if there and not said("columns.id"):
            yield field, Wrong("needs columns.id", "without an id each row is an incident of its own")


def _idle(mapping: MappingFile, faulty: set[str]) -> Iterator[tuple[str, Wrong]]:
    """What is said of columns that are not named."""
    said = _sayings(mapping, faulty)
    for field, needed in _NEEDS.items():
        if said(field) and not said(needed):
            yield field, Wrong(f"does nothing without {needed}", "name that column, or take this away")


def _sayings(mapping: MappingFile, faulty: set[str]) -> Callable[[str], bool]:
    """Whether a field, by its dotted name, is said in the file."""
    return lambda field: field in faulty or bool(attrgetter(field)(mapping))


def _twins(mapping: MappingFile) -> Iterator[tuple[KeyPath, Wrong]]:
    """Codes that differ in case and blanks alone, and mean different things."""
    for field in ("types", "statuses", "call_sources", "agencies"):
        first: dict[str, str] = {}
        words = getattr(mapping, field)
        for code, word in words.items():
            twin = first.setdefault(code_key(code), code)
            if words[twin] != word:
                yield (
                    (field, code),
                    Wrong(f'is "{word}", and "{twin}" is "{words[twin]}"', "case makes no difference"),
                )
