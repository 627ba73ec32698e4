"""Small simulated cities for tests of detection: seeded, with surges where they are asked for."""

from collections.abc import Iterator, Sequence

import numpy as np

from streams.core.scores import Arrival

MONDAY = 2_600 * 168 - 72  # an hour (since the epoch, UTC) that begins a week
PANES = 60  # per hour


def steady(
    days: int, cells: dict[tuple[str, str], float], seed: int = 1, first_hour: int = MONDAY
) -> list[Arrival]:
    """Poisson incidents at `cells` rates per hour, with a daily rhythm, in order of their pane."""
    rng = np.random.default_rng(seed)
    found = []
    for (zone, crime_type), rate in cells.items():
        for hour in range(24 * days):
            rhythm = 1.0 + 0.6 * np.sin(2 * np.pi * (hour % 24) / 24)
            for _ in range(rng.poisson(rate * rhythm)):
                found.append(
                    Arrival(zone, crime_type, (first_hour + hour) * PANES + int(rng.integers(PANES)), 1)
                )
    return sorted(found, key=lambda a: a.pane)


def ticks(arrivals: Sequence[Arrival], every: int = 0) -> Iterator[tuple[int, list[Arrival]]]:
    """(tick, what becomes known at it): each incident is known as its pane closes; `every` panes also without one."""
    waiting: dict[int, list[Arrival]] = {}
    for arrival in arrivals:
        waiting.setdefault(arrival.pane + 1, []).append(arrival)
    if every and waiting:
        for tick in range(min(waiting), max(waiting), every):
            waiting.setdefault(tick, [])
    for tick in sorted(waiting):
        yield tick, waiting[tick]
