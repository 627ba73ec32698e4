"""What is particular to one jurisdiction: time zone, zones, local codes, agencies, residents, benchmarks."""

# ruff: noqa: RUF009 -- option() and table() make dataclass fields, not values

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from schemas.vocabulary import Agency, CrimeType
from streams.settings.benchmarks import BUILT_IN, Benchmark, benchmark_for
from streams.settings.faults import Wrong, shown
from streams.settings.kinds import ExistingFile, Integer, Kind, ListOf, MapOf, TimeZone, Word, existing_file
from streams.settings.options import option, rows


class ZonesFile(NamedTuple):
    """Polygons (GeoJSON, gzipped or not), and which of their properties names the zone."""

    path: Path
    property: str | None  # None: the reader decides


@dataclass(frozen=True)
class Zones(Kind):
    """`FILE.geojson[.gz][:PROPERTY]`."""

    def read(self, raw: Any, base: Path) -> ZonesFile | None:
        """The file, known to exist, and the property; None for an empty text."""
        if not isinstance(raw, str):
            problem = f"must be a text (got {raw!r})"
            raise Wrong(problem, "FILE.geojson[.gz][:PROPERTY]")
        if not raw.strip():
            return None
        text, _, name = raw.strip().partition(":")
        return ZonesFile(existing_file(text, base, "zones file"), name or None)

    def show(self, value: Any) -> Any:
        """The path and property as in the file."""
        return "" if value is None else shown(value.path) + (f":{value.property}" if value.property else "")


@dataclass(frozen=True)
class Jurisdiction:
    """`[jurisdictions.NAME]`, or `[defaults]` for those that are not listed."""

    file: Path | None = option(
        None, ExistingFile("jurisdiction file"), "TOML file with the keys of this table", env=False
    )
    time_zone: str = option(
        "UTC", TimeZone(), "IANA time zone of local times and of the hour of the week", env=False
    )
    zones: ZonesFile | None = option(None, Zones(), "polygons: FILE.geojson[.gz][:PROPERTY]", env=False)
    type_map: Mapping[str, CrimeType] = option(
        {}, MapOf(Word(CrimeType)), "local code = crime type; unmapped codes count as other", env=False
    )
    type_map_file: Path | None = option(
        None, ExistingFile("type map"), "CSV (code,crime_type) or TOML with the type map", env=False
    )
    agencies: tuple[Agency, ...] = option(
        tuple(Agency), ListOf(Word(Agency)), "who answers calls here", env=False
    )
    residents: Mapping[str, int] = option(
        {}, MapOf(Integer()), "zone = number of residents, for the fairness report", env=False
    )
    benchmarks: tuple[Benchmark, ...] = rows(
        Benchmark, (), "response goals; one that fits beats every built-in one"
    )

    def benchmark(self, kpi: str, agency: str, priority: str) -> Benchmark | None:
        """The goal for an interval here, None when there is none."""
        own = benchmark_for(self.benchmarks, kpi, agency, priority)
        return own or benchmark_for(BUILT_IN, kpi, agency, priority)
