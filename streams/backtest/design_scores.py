"""Scores of the two detection benchmarks, made by the code that runs live and from nothing after the time they score.

Hourly: at each event, and at each quarter of an hour, the detector of surges looks at the cells that may have changed;
the score of an hour and cell is the largest of its findings in that hour. No type is left out.

Weekly: the evidence of slow trends, for each of the last weeks from the counts up to it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np

from schemas.vocabulary import ANY
from streams.backtest.design_files import Events, Series
from streams.core.civil import WEEK_H
from streams.core.detection import SurgeDetector, SurgeRules
from streams.core.scores import Arrival
from streams.core.trends import Floats, weekly_scores

TEST_WEEKS: Final = 49
_MONDAY: Final = (
    2_600 * WEEK_H - 72
)  # an hour since the epoch, UTC, that begins a week: minute 0 of the events
_HOUR: Final = 60  # minutes, and panes
_QUARTER: Final = 15

Told = Callable[[float], None]
"""How far the work is: events, or weeks, that are done in all."""


class HourlyScore(NamedTuple):
    """The largest score of a cell in an hour."""

    hour: int
    zone: str
    kind: str
    score: float


def hourly(events: Events, near: Mapping[str, Sequence[str]], told: Told) -> list[HourlyScore]:
    """The scores of all hours, in order of hour, zone and type; cells with no finding in an hour are left out."""
    detector = SurgeDetector(SurgeRules(excluded=frozenset(), neighbours=near))
    best: dict[tuple[int, str, str], float] = {}
    for tick, arrivals in _ticks(events, told):
        hour = (tick - 1) // _HOUR
        for finding in detector.examine(_MONDAY * _HOUR + tick, arrivals):
            cell = (hour, finding.zones[0], finding.crime_type)
            if finding.zones[0] != ANY and finding.score > best.get(cell, 0.0):
                best[cell] = finding.score
    return [HourlyScore(*cell, score) for cell, score in sorted(best.items())]


def _ticks(events: Events, told: Told) -> Iterator[tuple[int, list[Arrival]]]:
    """(minute that has just ended, what came in it): each minute with events, and each quarter of an hour."""
    first, done = _MONDAY * _HOUR, 0
    end = (events.minute[-1] // _HOUR + 1) * _HOUR if events.minute else 0
    minutes = sorted({*(minute + 1 for minute in events.minute), *range(_QUARTER, end + 1, _QUARTER)})
    for tick in minutes:
        begun = done
        while done < len(events.minute) and events.minute[done] < tick:
            done += 1
        arrivals = [
            Arrival(events.zone[i], events.kind[i], first + events.minute[i], 1) for i in range(begun, done)
        ]
        told(done)
        yield tick, arrivals


class WeeklyScore(NamedTuple):
    """What the same week says without and with the outbreak."""

    name: tuple[str, str]
    week: int
    without: float
    with_outbreak: float


def weekly(series: Series, told: Told) -> Iterator[WeeklyScore]:
    """The scores of the last `TEST_WEEKS` weeks of every series."""
    without = np.array(series.without, float)
    extra = np.array(series.extra, float)
    last = without.shape[1]
    first = max(1, last - TEST_WEEKS + 1)
    plain = _scores(without, range(first, last + 1), lambda week: told(week - first + 1))
    struck = plain.copy()
    for at, week in enumerate(range(first, last + 1)):
        changed = extra[:, :week].any(1)  # of the others it is the same number
        if changed.any():
            struck[changed, at] = weekly_scores((without + extra)[changed], week, week)[:, 0]
        told(last - first + 2 + at)
    for i, name in enumerate(series.names):
        for at, week in enumerate(series.weeks[first - 1 :]):
            yield WeeklyScore(name, week, float(plain[i, at]), float(struck[i, at]))


def _scores(counts: Floats, weeks: range, told: Told) -> Floats:
    found = []
    for week in weeks:
        found.append(weekly_scores(counts, week, week))
        told(week)
    return np.concatenate(found, 1)
