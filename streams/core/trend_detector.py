"""What builds up over weeks: a `Detector` that looks at each cell's weekly counts once a week.

Weeks are local and end on Monday 00:00. What it finds it goes on answering until the next week is looked at. Cells
are zones by type, and city totals by type; those with fewer than `LEAST_NEWEST` incidents in three weeks are left out.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from schemas.vocabulary import ANY, UNKNOWN_ZONE
from streams.core.civil import HOUR_MS, WEEK_H, HourOfWeek, utc_hour_of_week
from streams.core.detection import FOLLOWS_PATROLS
from streams.core.scores import Arrival, Score
from streams.core.trends import LEAST_WEEKS, SPANS, Floats, excess, fit_curves

LEAST_NEWEST: Final = 3
KEPT_WEEKS: Final = 312
_BEYOND: Final = 0.14
_SLOPE: Final = 0.9
"""Chance of a score s or more in a week of a series: 0.14 · 10^(-0.9·s), measured over 41,160 weeks without outbreak
of the 42 designs of Noufaily et al. 2013."""
_OUTAGE_PER_DAY: Final = 12.0  # a day of nothing, where so many a day are usual, is an outage of the feed
_DAYS: Final = 7
_SILENT_WEEKS: Final = 52  # after so many without any incident weeks are passed over until one comes
_MONDAY: Final = 72 + WEEK_H // 2  # so that weeks are numbered alike on both sides of a clock change


@dataclass(frozen=True, slots=True)
class TrendRules:
    """What a jurisdiction configures of slow trends."""

    pane_ms: int = 60_000
    false_alerts_per_day: float = 1.0 / 30.0
    excluded: frozenset[str] = FOLLOWS_PATROLS
    learning_weeks: int = 52  # a season has not been seen before
    end_level: float = 0.5


@dataclass(slots=True)
class _Counts:
    """Counts per week of the cells, and whether the weeks were wholly observed."""

    first: int = -1
    newest: int = -1  # the last week that has any
    weeks: dict[tuple[str, str], list[int]] = field(default_factory=dict)
    usable: list[bool] = field(default_factory=list)
    days: dict[int, int] = field(default_factory=dict)  # day → incidents in the city, of weeks not yet closed
    per_day: float = 0.0  # incidents in the city on the days of the last week that had any


class TrendDetector:
    """A `Detector` of slow excesses for one jurisdiction."""

    def __init__(self, rules: TrendRules | None = None, hour_of_week: HourOfWeek = utc_hour_of_week) -> None:
        self.rules = rules or TrendRules()
        self.hour_of_week = hour_of_week
        self.panes_per_hour = HOUR_MS // self.rules.pane_ms
        self.counts = _Counts()
        self.week = -1  # the week of the last tick
        self.last_tick = -1
        self._place = (-1, 0, 0)  # (hour, its week, its day) of the last arrival
        self._next = (-1, -1)  # (week, pane in which the one after it begins)
        self.scores: list[Score] = []

    def advance(self, now_pane: int, arrivals: Iterable[Arrival]) -> Sequence[Score]:
        """Count what became known; at the first tick of a week look at the one that has ended."""
        week = self._week_of(now_pane // self.panes_per_hour)
        if self._silent() or self.counts.first < 0 <= self.week:
            self._pass_over(now_pane)
        self.last_tick = now_pane
        excluded = self.rules.excluded
        for arrival in arrivals:
            if arrival.crime_type not in excluded:
                self._count(arrival)
        if week > self.week >= 0 and self.counts.first >= 0:
            self._close(week)
            self.scores = list(self._look(now_pane, week))
        self.week = max(self.week, week)
        return self.scores

    def next_change(self) -> int | None:
        """The beginning of the next local week, while there is a past and it was not silent for a year."""
        if self.counts.first < 0 or self._silent():
            return None
        hour = self.last_tick // self.panes_per_hour
        week = self._week_of(hour)
        if week != self._next[0]:
            hour += max(1, WEEK_H - self.hour_of_week(hour) - 2)
            while self._week_of(hour) == week:
                hour += 1
            self._next = (week, hour * self.panes_per_hour)
        return self._next[1]

    def _silent(self) -> bool:
        """Whether nothing came for so long that no week can be told of before something does."""
        return not self.scores and 0 <= self.counts.newest < self.week - _SILENT_WEEKS

    def _pass_over(self, now_pane: int) -> None:
        """Close the weeks of a long silence, as if each had been looked at when it ended."""
        week = self._week_of(
            (now_pane - 1) // self.panes_per_hour
        )  # the one that ends at this tick is looked at
        for end in (self.week + 1, week):
            if self.counts.first >= 0 and self.week < end <= week:
                self._close(end)
                self.week = end
        self.week = max(self.week, week)

    def _week_of(self, hour: int) -> int:
        return (hour - self.hour_of_week(hour) + _MONDAY) // WEEK_H

    def _count(self, arrival: Arrival) -> None:
        zone, crime_type, pane, n = arrival
        hour, counts = pane // self.panes_per_hour, self.counts
        if hour != self._place[0]:  # most arrivals are of the hour of the one before
            self._place = (hour, self._week_of(hour), (hour - self.hour_of_week(hour) % 24 + 12) // 24)
        _, week, day = self._place
        if counts.first < 0:
            counts.first = week
        at = week - counts.first
        if at < 0:
            return  # before all that is known: no week of its own
        weeks = counts.weeks.setdefault((zone, crime_type), [])
        if at >= len(weeks):
            weeks.extend([0] * (at + 1 - len(weeks)))
        weeks[at] = max(0, weeks[at] + n)
        counts.newest = max(counts.newest, week)
        if week >= self.week:
            counts.days[day] = counts.days.get(day, 0) + n

    def _close(self, week: int) -> None:
        """The weeks before `week` are over: were they wholly observed? Forget what is too old."""
        counts, length = self.counts, week - self.counts.first
        closed = length - len(counts.usable)
        days = [n for n in counts.days.values() if n > 0]
        sparse = max(counts.per_day, sum(days) / max(1, len(days))) < _OUTAGE_PER_DAY
        counts.usable.extend([sparse or (closed == 1 and len(days) >= _DAYS)] * closed)
        counts.per_day = sum(days) / len(days) if days else counts.per_day
        counts.days = {}
        old = length - KEPT_WEEKS
        if old > 0:
            counts.first += old
            counts.usable = counts.usable[old:]
            counts.weeks = {cell: kept for cell, weeks in counts.weeks.items() if any(kept := weeks[old:])}
            if not counts.weeks:
                self.counts = _Counts()  # all is forgotten: what comes next is the beginning

    def _look(self, now: int, week: int) -> Iterator[Score]:
        length = week - self.counts.first
        if not self.counts.weeks or length < LEAST_WEEKS or not self.counts.usable[-1]:
            return
        cells, table = self._table(length)
        rising = self._rising(table)
        if not len(rising):
            return
        counts = table[rising]
        curve = fit_curves(counts, np.array(self.counts.usable))
        newest = counts[:, : -len(SPANS) - 1 : -1]
        scores, spans = excess(newest, curve)
        said = {(score.zones, score.crime_type) for score in self.scores}
        for i in np.argsort(-scores, kind="stable").tolist():
            cell, at = cells[int(rising[i])], int(spans[i])
            means = float(curve.mean[i, : at + 1].sum())
            score = self._score(
                cell, (now, at, int(newest[i, : at + 1].sum()), means), float(scores[i]), len(cells)
            )
            least = self.rules.end_level if (score.zones, score.crime_type) in said else 1.0
            if score.level >= least:
                yield score

    def _table(self, length: int) -> tuple[list[tuple[str, str]], Floats]:
        """Counts of closed weeks: zone cells, and city totals by type."""
        table: dict[tuple[str, str], Floats] = {}
        for (zone, crime_type), weeks in sorted(self.counts.weeks.items()):
            row = np.zeros(length)
            row[: min(length, len(weeks))] = weeks[:length]
            table.setdefault((ANY, crime_type), np.zeros(length))
            table[ANY, crime_type] += row
            if zone != UNKNOWN_ZONE:
                table[zone, crime_type] = row
        return list(table), np.stack(list(table.values()))

    @staticmethod
    def _rising(table: Floats) -> Any:
        """Rows whose newest weeks are above their past average, and are not next to nothing."""
        newest = table[:, -len(SPANS) :]
        past = table[:, : -len(SPANS)].mean(1)
        return np.flatnonzero(
            (newest.sum(1) >= LEAST_NEWEST) & ((newest[:, -1] > past) | (newest.mean(1) > past))
        )

    def _score(
        self, cell: tuple[str, str], seen: tuple[int, int, int, float], score: float, cells: int
    ) -> Score:
        now, span, observed, expected = seen
        once = _DAYS / (cells * min(1.0, _BEYOND * 10.0 ** (-_SLOPE * max(score, 0.0))))
        threshold = math.log10(cells * _BEYOND / (_DAYS * self.rules.false_alerts_per_day)) / _SLOPE
        width = SPANS[span] * WEEK_H * self.panes_per_hour
        weeks = len(self.counts.usable)
        return Score(
            "trend",
            (cell[0],),
            cell[1],
            width,
            observed,
            expected,
            once,
            max(0.0, score) / max(threshold, 0.5),
            weeks < self.rules.learning_weeks,
            now - width,
            f"level, trend and season of its own last {weeks} weeks",
        )

    def snapshot(self) -> Any:
        """All counts, and what is being said."""
        counts = self.counts
        return {
            "version": 1,
            "first": counts.first,
            "weeks": [
                [zone, crime_type, _packed(weeks)] for (zone, crime_type), weeks in counts.weeks.items()
            ],
            "usable": list(counts.usable),
            "days": [[day, n] for day, n in counts.days.items()],
            "per_day": counts.per_day,
            "week": self.week,
            "last_tick": self.last_tick,
            "scores": [list(score) for score in self.scores],
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take the state of `snapshot` back; afterwards every answer is the same."""
        weeks = {(zone, crime_type): _unpacked(packed) for zone, crime_type, packed in state["weeks"]}
        days = dict(map(tuple, state["days"]))
        first = state["first"]
        newest = max((first + len(counts) - 1 for counts in weeks.values()), default=-1)
        self.counts = _Counts(first, newest, weeks, list(state["usable"]), days, state["per_day"])
        self.week, self.last_tick = state["week"], state["last_tick"]
        self.scores = [Score(score[0], tuple(score[1]), *score[2:]) for score in state["scores"]]


def _packed(counts: Sequence[int]) -> str:
    """Counts as text, `3,,1` being 3, 0, 1: most weeks of most cells hold nothing, and six years are kept."""
    return ",".join(str(n) if n else "" for n in counts)


def _unpacked(text: str) -> list[int]:
    return [int(n) if n else 0 for n in text.split(",")]
