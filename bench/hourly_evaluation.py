"""How a detector did on the hourly design: surges found, delays, and false alerts a day at a threshold.

The rules are those of the benchmark: a surge is found when a series of it alarms from its start until an hour after its
end; alarms of one type in the same or a touching zone at most 6 h apart are one alert; an alert is true when one of its
first alarms lies in a surge zone or beside it, until 6 h after the end; a false one costs ceil(hours/24) · ceil(zones/4),
a true one that less 1.
"""

import csv
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.simulated_city import FIRST_TEST_HOUR, HOURS, TYPES, ZONES, neighbours

MERGE_H, TAIL_H, GRACE_H = 6, 6, 1
MISSED_H = 12.0  # a surge that is missed counts as found so long after its end
TARGETS = (1, 2, 5, 10)  # false alerts a day, whole city
TEST_DAYS = (HOURS - FIRST_TEST_HOUR) / 24
NEAR = [(zone, *neighbours(zone)) for zone in range(ZONES)]
Scores = NDArray[np.float64]
"""(test hour, zone · types + type) → score, -inf where the detector was silent."""


class Surge(NamedTuple):
    """One surge of the test weeks."""

    kind: int
    zones: tuple[int, ...]
    start: int  # hour
    end: int  # hour, exclusive

    @property
    def cells(self) -> list[int]:
        """Its series."""
        return [zone * len(TYPES) + self.kind for zone in self.zones]


class Figures(NamedTuple):
    """What came of one threshold."""

    false_per_day: float
    hit: NDArray[np.bool_]  # (surge,)
    median_delay_h: float
    penalised_delay_h: float


def read_truth(path: Path) -> list[Surge]:
    """The surges of the test weeks from a truth file."""
    with path.open() as file:
        return [
            Surge(
                TYPES.index(row["type"]),
                tuple(int(zone) for zone in row["zones"].split()),
                int(row["start_hour"]),
                int(row["end_hour"]),
            )
            for row in csv.DictReader(file)
            if row["period"] == "test"
        ]


def at_threshold(scores: Scores, threshold: float, truth: list[Surge]) -> Figures:
    """Found surges, delays and false alerts where every score from `threshold` on is an alarm."""
    alarms = scores >= threshold
    hit, delay = np.zeros(len(truth), bool), np.full(len(truth), np.nan)
    excused = np.zeros_like(alarms)
    for i, surge in enumerate(truth):
        first, last = surge.start - FIRST_TEST_HOUR, surge.end - FIRST_TEST_HOUR
        rows = np.flatnonzero(alarms[max(0, first) : last + GRACE_H][:, surge.cells].any(1))
        if len(rows):
            hit[i], delay[i] = True, rows[0] + 1
        near = sorted({zone * len(TYPES) + surge.kind for own in surge.zones for zone in NEAR[own]})
        excused[max(0, first) : last + TAIL_H + 1, near] = True
    penalised = np.where(hit, delay, [surge.end - surge.start + MISSED_H for surge in truth])
    median = float(np.nanmedian(delay)) if hit.any() else float("nan")
    return Figures(_false_cost(alarms, excused) / TEST_DAYS, hit, median, float(penalised.mean()))


def threshold_for(scores: Scores, truth: list[Surge], target: float) -> float:
    """The lowest threshold with at most `target` false alerts a day."""
    levels = np.unique(scores[np.isfinite(scores)])
    low, high = 0, len(levels) - 1
    while low < high:
        middle = (low + high) // 2
        few = (scores >= levels[middle]).sum() < 20_000
        if few and at_threshold(scores, levels[middle], truth).false_per_day <= target:
            high = middle
        else:
            low = middle + 1
    return float(levels[low])


@dataclass
class _Alert:
    first: int
    end: int
    true: bool
    zones: set[int] = field(default_factory=set)


def _false_cost(alarms: NDArray[np.bool_], excused: NDArray[np.bool_]) -> int:
    total = 0
    for kind in range(len(TYPES)):
        for alert in _alerts(alarms[:, kind :: len(TYPES)], excused[:, kind :: len(TYPES)]):
            cost = -(-(alert.end - alert.first + 1) // 24) * -(-len(alert.zones) // 4)
            total += cost - alert.true
    return total


def _alerts(alarms: NDArray[np.bool_], excused: NDArray[np.bool_]) -> list[_Alert]:
    """Alarms of one type, joined where they touch in space and time."""
    last = [-(10**9)] * ZONES
    alert_of: list[_Alert | None] = [None] * ZONES
    found: list[_Alert] = []
    for hour, zone in zip(*(part.tolist() for part in np.nonzero(alarms)), strict=True):
        touched: list[_Alert] = []
        for near in NEAR[zone]:
            other = alert_of[near]
            if (
                other is not None
                and hour - last[near] <= MERGE_H
                and not any(other is one for one in touched)
            ):
                touched.append(other)
        if touched:
            alert = min(touched, key=lambda one: one.first)
            for other in touched:
                if other is not alert:
                    alert.end, alert.zones = max(alert.end, other.end), alert.zones | other.zones
                    found = [one for one in found if one is not other]
                    alert_of = [alert if one is other else one for one in alert_of]
            if hour == alert.first and excused[hour, zone]:
                alert.true = True
        else:
            alert = _Alert(hour, hour, bool(excused[hour, zone]))
            found.append(alert)
        last[zone], alert_of[zone] = hour, alert
        alert.end = max(alert.end, hour)
        alert.zones.add(zone)
    return found
