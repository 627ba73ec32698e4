"""What detection costs on one core: an incident while nothing is unusual, the exact score of a cell, a whole rescan.

    python -m bench.detection_cost

A city of 200 zones × 40 types with some 30,000 incidents a day, of which two weeks were seen. Times are processor time;
the least and the median of several rounds, since other work on the machine only ever adds. Ordinary incidents are of
cells in which, and beside which, nothing is near to unusual. The mean of all is that of whole ticks, shared among the 20
or so incidents of a minute, with the looks at what is unusual by chance.
"""

from collections.abc import Callable
from statistics import median
from time import process_time_ns

import numpy as np

from schemas.vocabulary import ANY
from streams.core.detection import SurgeDetector, SurgeRules
from streams.core.scores import Arrival
from streams.core.surges import Sight, stand

ZONES, TYPES, ACROSS = 200, 40, 20
PER_DAY, DAYS = 30_000, 15
ROUNDS = 30
_MONDAY = (2_600 * 168 - 72) * 60  # a minute, and a pane


def incidents(rng: np.random.Generator, first: int, minutes: int) -> dict[int, list[Arrival]]:
    """Tick → what becomes known at it: zones and types of very different size, a rhythm of the day."""
    zone_of = np.random.default_rng(1).permutation(ZONES)  # the same zones are busy at all times
    found: dict[int, list[Arrival]] = {}
    n = rng.poisson(PER_DAY * minutes / 1440)
    panes = first + rng.integers(0, minutes, n)
    zones = zone_of[np.minimum(rng.exponential(ZONES / 3, n).astype(int), ZONES - 1)]
    types = np.minimum(rng.exponential(TYPES / 4, n).astype(int), TYPES - 1)
    for pane, zone, kind in zip(panes.tolist(), zones.tolist(), types.tolist(), strict=True):
        found.setdefault(pane + 1, []).append(Arrival(f"Z{zone:03}", f"type {kind}", pane, 1))
    return found


def trained(rng: np.random.Generator) -> SurgeDetector:
    """A detector that has seen every cell once and then some weeks."""
    near = {
        f"Z{zone:03}": tuple(
            f"Z{other:03}"
            for other in (zone - 1, zone + 1, zone - ACROSS, zone + ACROSS)
            if 0 <= other < ZONES
        )
        for zone in range(ZONES)
    }
    detector = SurgeDetector(SurgeRules(excluded=frozenset(), neighbours=near))
    every = [
        Arrival(f"Z{zone:03}", f"type {kind}", _MONDAY, 1) for zone in range(ZONES) for kind in range(TYPES)
    ]
    detector.advance(_MONDAY + 1, every)
    waiting = incidents(rng, _MONDAY + 1, DAYS * 1440)
    for tick in sorted({*waiting, *range(_MONDAY + 15, _MONDAY + DAYS * 1440, 15)}):
        detector.advance(tick, waiting.get(tick, []))
    return detector


def spent(work: Callable[[], object]) -> int:
    """Processor time of one call, ns."""
    before = process_time_ns()
    work()
    return process_time_ns() - before


def ordinary(detector: SurgeDetector) -> list[float]:
    """Microseconds per incident of cells where nothing is unusual, 40 in a tick."""
    board, pane = detector.board, detector.last_tick // 60 * 60 + 30
    detector.advance(pane, [])
    calm = [
        row
        for row, (zone, _) in enumerate(board.cells)
        if zone != ANY and board.slack[row] > 1 and board.near_rows[row].isdisjoint(board.standing)
    ]
    cells = [board.cells[row] for row in calm[:40]]
    found = []
    for _ in range(ROUNDS):
        come = [Arrival(zone, kind, pane - 1, 1) for zone, kind in cells]
        found.append(spent(lambda come=come: detector.advance(pane, come)) / len(cells) / 1000)  # type: ignore[misc]
        detector.advance(pane, [each._replace(n=-1) for each in come])
    return found


def per_incident(detector: SurgeDetector, rng: np.random.Generator) -> list[float]:
    """Microseconds per incident in whole hours of an ordinary day, rescans left out."""
    start = (detector.last_tick // 60 + 1) * 60
    found = []
    for hour in range(ROUNDS):
        waiting = incidents(rng, start + 60 * hour, 60)
        cost = n = 0
        for tick in range(start + 60 * hour + 1, start + 60 * hour + 61):
            arrivals = waiting.get(tick, [])
            if tick // 60 != detector.board.hour:
                detector.advance(tick, arrivals)
                continue
            n += len(arrivals)
            cost += spent(lambda tick=tick, arrivals=arrivals: detector.advance(tick, arrivals))  # type: ignore[misc]
        found.append(cost / max(1, n) / 1000)
    return found


def exact_score(detector: SurgeDetector, rng: np.random.Generator) -> list[float]:
    """Microseconds for the exact score of one cell over all windows, groups of zones included."""
    board, now = detector.board, detector.last_tick
    rows = [row for row in range(len(board.cells)) if board.recent.panes[row] and row not in board.totals]
    found = []
    for _ in range(ROUNDS):
        some = [int(row) for row in rng.choice(rows, 200)]

        def work(some: list[int] = some) -> None:
            for row in some:
                stand(board, Sight(row, now, board.counts(row, now)), 0.0)

        work()
        found.append(spent(work) / len(some) / 1000)
    return found


def rescan(detector: SurgeDetector, rng: np.random.Generator) -> list[float]:
    """Milliseconds to prepare all cells anew and find those worth a look, once an hour of event time."""
    start, found = (detector.last_tick // 60 + 1) * 60, []
    waiting = incidents(rng, start, ROUNDS * 60)
    for tick in sorted({*waiting, *range(start, start + ROUNDS * 60, 15)}):
        if tick // 60 != detector.board.hour and tick // 60 < detector.upkeep.next_fit:
            found.append(spent(lambda tick=tick: detector.board.turn(tick)) / 1e6)  # type: ignore[misc]
        detector.advance(tick, waiting.get(tick, []))
    return found


def main() -> None:
    """Print the three."""
    rng = np.random.default_rng(5)
    detector = trained(rng)
    print(f"{len(detector.board.cells):,} rows; least and median of {ROUNDS} rounds")
    for name, times, unit, bar in (
        ("an ordinary incident", ordinary(detector), "µs", 4),
        ("the mean of all incidents", per_incident(detector, rng), "µs", 0),
        ("the exact score of a cell", exact_score(detector, rng), "µs", 10),
        ("a rescan of all cells", rescan(detector, rng), "ms", 5),
    ):
        asked = f"  (at most {bar})" if bar else ""
        print(f"  {name:30} {min(times):7.2f}  {median(times):7.2f} {unit}{asked}")


if __name__ == "__main__":
    main()
