"""Simulated cities of the hourly detection benchmark's design: made from its description, with seeds and shapes of our own.

    python -m bench.simulated_city --seed 3 --shape ramp --out DIR

writes `events.csv.gz`, `zones.csv` and `truth.csv` as the benchmark's evaluation reads them: 40 zones on an 8 × 5
grid, 8 types, 12 weeks, of which the last four hold six labelled surges a day. Counts are negative binomial by the
hour (variance 1.17 × mean) around a level per cell, a weekly rhythm per type, hours of its own per cell, and random
days of a cell, a type and the city; the sizes of these were read off the shared set's first eight weeks.
"""

import argparse
import csv
import gzip
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

TYPES = ("burglary", "theft", "vehicle_theft", "assault", "robbery", "vandalism", "drugs", "disorder")
SHARES = np.array([0.061, 0.241, 0.046, 0.117, 0.028, 0.077, 0.035, 0.395])
COLUMNS, ROWS = 8, 5
ZONES = COLUMNS * ROWS
WEEKS, BASELINE_WEEKS = 12, 8
HOURS, FIRST_TEST_HOUR = 168 * WEEKS, 168 * BASELINE_WEEKS
SHAPES = ("flat", "ramp", "decay", "peak", "bursts", "mixed")


@dataclass(frozen=True)
class Design:
    """How a city behaves; the defaults are the shared set's."""

    per_day: float = 1000.0
    phi: float = 1.17  # variance of an hour's count over its mean
    cell_day_cv: float = 0.17  # a cell's day against its usual
    type_day_cv: float = 0.08
    city_day_cv: float = 0.03
    drift_cv: float = 0.04  # of a cell's level from week to week, a random walk
    shape: str = "flat"
    surges_per_day: int = 6
    baseline_surges: int = 40


@dataclass
class City:
    """One simulated history: events as (minute, zone, type index) and the surges in it."""

    minute: NDArray[np.int64]
    zone: NDArray[np.int64]
    kind: NDArray[np.int64]
    rates: NDArray[np.float64] = field(repr=False)  # (hour, zone, type): what was to be expected
    surges: list[dict[str, object]] = field(repr=False, default_factory=list)


def neighbours(zone: int) -> list[int]:
    """Rook neighbours on the grid."""
    x, y = zone % COLUMNS, zone // COLUMNS
    return [z for z in range(ZONES) if abs(z % COLUMNS - x) + abs(z // COLUMNS - y) == 1]


def simulate(seed: int, design: Design | None = None, test_surges: bool = True) -> City:
    """A city of `design` (default: the shared set's), the same for the same seed."""
    design = design or Design()
    rng = np.random.default_rng(seed)
    rates = _rates(rng, design)
    hourly = rates * _days(rng, design)
    counts = rng.negative_binomial(np.maximum(hourly / (design.phi - 1.0), 1e-9), 1.0 / design.phi)
    surges: list[dict[str, object]] = []
    taken = np.zeros((HOURS + 24, ZONES, len(TYPES)), bool)
    for _ in range(design.baseline_surges):
        surges.append(_surge(rng, design, rates, taken, "baseline"))
    if test_surges:
        for _ in range(design.surges_per_day * 7 * (WEEKS - BASELINE_WEEKS)):
            surges.append(_surge(rng, design, rates, taken, "test"))
    for surge in surges:
        counts += surge.pop("counts")  # type: ignore[arg-type]
    hour, zone, kind = (np.repeat(part, counts[counts > 0]) for part in np.nonzero(counts))
    minute = hour * 60 + rng.integers(0, 60, len(hour))
    order = np.argsort(minute, kind="stable")
    return City(minute[order], zone[order], kind[order], rates, surges)


def _rates(rng: np.random.Generator, design: Design) -> NDArray[np.float64]:
    zones = rng.lognormal(0.0, 0.75, ZONES)[:, None] * rng.lognormal(0.0, 0.5, (ZONES, len(TYPES)))
    level = zones / zones.sum(0) * SHARES * design.per_day / 24.0
    hours = np.arange(24)
    day = np.ones((24, len(TYPES)))
    for k, size in ((1, 0.55), (2, 0.25)):
        phase, a = rng.uniform(0, 24, len(TYPES)) / k if k > 1 else rng.normal(17, 3, len(TYPES)), size
        day += a * rng.uniform(0.5, 1.3, len(TYPES)) * np.cos(2 * np.pi * k * (hours[:, None] - phase) / 24)
    week = rng.lognormal(0.0, 0.1, (7, len(TYPES)))
    rhythm = (np.maximum(day, 0.15)[None] * week[:, None]).reshape(168, len(TYPES))
    rhythm /= rhythm.mean(0)
    own = 1.0 + rng.uniform(0, 0.35, (1, ZONES, len(TYPES))) * np.cos(
        2 * np.pi * (hours[:, None, None] - rng.uniform(0, 24, (1, ZONES, len(TYPES)))) / 24
    )
    drift = np.exp(np.cumsum(rng.normal(0, design.drift_cv, (WEEKS, ZONES, len(TYPES))), 0))
    rates = level * rhythm[:, None, :] * np.tile(own, (7, 1, 1))
    return (drift[:, None] * rates[None]).reshape(HOURS, ZONES, len(TYPES))


def _days(rng: np.random.Generator, design: Design) -> NDArray[np.float64]:
    days = HOURS // 24

    def effect(cv: float, shape: tuple[int, ...]) -> NDArray[np.float64]:
        return rng.gamma(1.0 / cv**2, cv**2, shape)

    factor = (
        effect(design.cell_day_cv, (days, ZONES, len(TYPES)))
        * effect(design.type_day_cv, (days, 1, len(TYPES)))
        * effect(design.city_day_cv, (days, 1, 1))
    )
    return np.repeat(factor, 24, 0)


def _surge(
    rng: np.random.Generator,
    design: Design,
    rates: NDArray[np.float64],
    taken: NDArray[np.bool_],
    period: str,
) -> dict[str, object]:
    first, last = (0, FIRST_TEST_HOUR) if period == "baseline" else (FIRST_TEST_HOUR, HOURS)
    while True:
        kind, duration = int(rng.integers(len(TYPES))), int(rng.integers(2, 13))
        zones = [int(rng.integers(ZONES))]
        for _ in range(int(rng.integers(1, 4)) if rng.random() < 1 / 3 else 0):
            edge = sorted({n for z in zones for n in neighbours(z)} - set(zones))
            zones.append(int(rng.choice(edge)))
        start = int(rng.integers(first, last - duration))
        around = sorted({n for z in zones for n in (z, *neighbours(z))})
        hours = slice(start, start + duration)
        if taken[max(0, start - 12) : start + duration + 12, around, kind].any():
            continue
        base = rates[hours][:, zones, kind].sum(0)
        factor = float(rng.choice([2, 3, 5, 8, 12], p=[0.15, 0.3, 0.25, 0.15, 0.15]))
        least = float(rng.choice([4, 5, 6, 8, 10, 12]) if len(zones) > 1 else rng.choice([4, 5, 5, 8, 10]))
        extra = max(least, (factor - 1.0) * base.sum())
        weights = _shape(rng, design.shape, duration)[:, None] * (base / base.sum())[None, :]
        more = rng.poisson(extra * weights)
        if more.sum() < 2:
            continue
        taken[hours, zones, kind] = True
        counts = np.zeros((HOURS, ZONES, len(TYPES)), np.int64)
        counts[hours, zones, kind] = more
        names = ("surge", "period", "type", "n_zones", "zones", "start_hour", "end_hour", "duration", "shape")
        values = (
            0,
            period,
            TYPES[kind],
            len(zones),
            " ".join(map(str, zones)),
            start,
            start + duration,
            duration,
        )
        return dict(zip(names, (*values, design.shape), strict=True)) | {
            "extra_events": int(more.sum()),
            "counts": counts,
        }


def _shape(rng: np.random.Generator, shape: str, duration: int) -> NDArray[np.float64]:
    """How the extra incidents spread over the hours; sums to 1."""
    if shape == "mixed":
        shape = str(rng.choice(SHAPES[:-1]))
    at = (np.arange(duration) + 0.5) / duration
    weights = {
        "flat": np.ones(duration),
        "ramp": at,
        "decay": np.exp(-2.5 * at),
        "peak": 1.0 - np.abs(2.0 * at - 1.0) + 0.1,
        "bursts": rng.permutation((np.arange(duration) % 3 == 0).astype(float)),
    }[shape]
    return weights / weights.sum()


def write(city: City, out: Path) -> None:
    """The three files of the benchmark."""
    out.mkdir(parents=True, exist_ok=True)
    with gzip.open(out / "events.csv.gz", "wt", newline="", compresslevel=1) as file:
        rows = csv.writer(file)
        rows.writerow(("minute", "zone", "type"))
        rows.writerows(zip(city.minute.tolist(), city.zone.tolist(), city.kind.tolist(), strict=True))
    with (out / "zones.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("zone", "x", "y", "neighbours"))
        rows.writerows(
            (z, z % COLUMNS, z // COLUMNS, " ".join(map(str, neighbours(z)))) for z in range(ZONES)
        )
    with (out / "truth.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, list(city.surges[0]))
        table.writeheader()
        table.writerows(city.surges)


def main() -> None:
    """Write one city."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--shape", choices=SHAPES, default="flat")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    write(simulate(args.seed, Design(shape=args.shape)), args.out)


if __name__ == "__main__":
    main()
