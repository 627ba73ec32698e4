"""What is particular to one jurisdiction: time zone, zones, local codes, agencies, residents, benchmarks."""

# ruff: noqa: RUF009 -- option() and table() make dataclass fields, not values

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from schemas.vocabulary import Agency, CrimeType
from streams.settings.benchmarks import BUILT_IN, Benchmark, benchmark_for, covers
from streams.settings.files import ExistingFile, Zones, ZonesFile
from streams.settings.kinds import Integer, ListOf, MapOf, TimeZone, Word
from streams.settings.options import option, rows


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
        Benchmark, (), "response goals; they replace the built-in ones they cover"
    )

    @property
    def goals(self) -> tuple[Benchmark, ...]:
        """The jurisdiction's own goals, and the built-in ones that none of them covers."""
        built_in = (each for each in BUILT_IN if not any(covers(own, each) for own in self.benchmarks))
        return (*self.benchmarks, *built_in)

    def benchmark(self, kpi: str, agency: str, priority: str) -> Benchmark | None:
        """The goal for an interval here, None when there is none."""
        return benchmark_for(self.goals, kpi, agency, priority)
