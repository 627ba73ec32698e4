"""How fast calls should be answered: thresholds with the standard and edition they come from.

A city's own goals go into `[[jurisdictions.NAME.benchmarks]]` and replace the built-in ones that they cover.
"""

# ruff: noqa: RUF009 -- option() and table() make dataclass fields, not values

import dataclasses
from dataclasses import dataclass
from typing import Final

from schemas.vocabulary import ANY, Agency, Kpi
from streams.settings.durations import Duration
from streams.settings.kinds import Number, Text, Word
from streams.settings.options import option


@dataclass(frozen=True)
class Benchmark:
    """At least `percentile` of the intervals of one kind should be at most `threshold_ms` long."""

    kpi: Kpi = option(dataclasses.MISSING, Word(Kpi), "processing, turnout, travel, response or committed")
    threshold_ms: int = option(
        dataclasses.MISSING, Duration("1s", "7d"), "the longest interval that is good enough", key="threshold"
    )
    agency: str = option(
        ANY,
        Text(r"police|fire|ems|other|\*", "police, fire, ems, other or * for all"),
        "police, fire, ems, other; *: all",
    )
    priority: str = option(
        ANY,
        Text(r"\S.{0,31}", "a priority as calls say it, or * for all"),
        "priority as calls say it; *: all",
    )
    percentile: float = option(0.9, Number(0.01, 1), "share that should be good enough")
    source: str = option("local goal", Text(), "where the figure comes from")

    @property
    def threshold_s(self) -> float:
        """The threshold in seconds."""
        return self.threshold_ms / 1000


BUILT_IN: Final = (
    Benchmark(Kpi.PROCESSING, 60_000, source="NFPA 1225 (2022): 90 % of calls processed within 60 s"),
    Benchmark(Kpi.TURNOUT, 80_000, Agency.FIRE, source="NFPA 1710: 90 % within 80 s, fire"),
    Benchmark(Kpi.TURNOUT, 60_000, Agency.EMS, source="NFPA 1710: 90 % within 60 s, EMS"),
    Benchmark(Kpi.TRAVEL, 240_000, Agency.FIRE, source="NFPA 1710: 90 % within 240 s, first engine"),
    Benchmark(Kpi.TRAVEL, 480_000, Agency.EMS, source="NFPA 1710: 90 % within 480 s, ALS arrival"),
    Benchmark(
        Kpi.RESPONSE,
        539_000,
        Agency.EMS,
        source="90 % within 8:59, widely used contract figure for urban EMS",
    ),
    Benchmark(
        Kpi.RESPONSE,
        315_000,
        Agency.POLICE,
        "1",
        source="local goals such as 5:15 on city dashboards; no standard",
    ),
)
"""Used by every jurisdiction whose own goals do not cover them."""

BUCKETS_S: Final = (
    10,
    15,
    20,
    30,
    60,
    64,
    80,
    90,
    106,
    120,
    180,
    240,
    315,
    360,
    480,
    539,
    610,
    900,
    1800,
    3600,
)
"""Upper bounds of the KPI histograms: on the thresholds of the standards, so that compliance is exact.

Source: NENA-STA-020.1 (15, 20), NFPA 1225 (60), NFPA 1710 (64, 106, 80, 60, 240, 360, 480, 610), 8:59 (539); the
others only give the rest of the distribution a shape."""


def covers(general: Benchmark, particular: Benchmark) -> bool:
    """Whether every interval that `particular` is about is one that `general` is about too."""
    return (
        general.kpi == particular.kpi
        and general.agency in (particular.agency, ANY)
        and general.priority in (particular.priority, ANY)
    )


def benchmark_for(
    benchmarks: tuple[Benchmark, ...], kpi: str, agency: str, priority: str
) -> Benchmark | None:
    """The benchmark that holds for an interval: one that names the agency and the priority beats one that does not.

    Cost: linear in the number of benchmarks.
    """
    fitting = [
        benchmark
        for benchmark in benchmarks
        if benchmark.kpi == kpi
        and benchmark.agency in (agency, ANY)
        and benchmark.priority in (priority, ANY)
    ]
    return max(fitting, key=lambda each: (each.agency != ANY, each.priority != ANY), default=None)
