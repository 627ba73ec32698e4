"""Drops: a zone, or the whole city, that falls silent. It may be a broken feed: a matter of data quality, no threat.

Of a negative binomial with the mean mu that was due since the last incident (size r as in `evidence`) nothing comes
with probability

    P(0) = (r / (r + mu))^r

Each incident begins a silence, so chance brings one like this `incidents a day · P(0)` times a day.

Due is what the rates say times the present level, the share of the due that came in a day: of the city's last day
before it fell silent, and for zones of the rest of the city now. A feed that thins out is then no silence of its zones,
and one that ends is told once. Nothing is said before two weeks and `LEAST_SEEN` incidents were seen.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from schemas.vocabulary import ANY, UNKNOWN_ZONE
from streams.core.board import Board
from streams.core.civil import WEEK_H
from streams.core.scores import Score

FALSE_PER_DAY: Final = 1.0 / 30.0
LEAST_DUE: Final = 5.0  # a silence in which fewer were due says nothing
MOST_OF_CITY: Final = (
    0.7  # where zones with more than the rest are told already, their alert goes on instead of the city's
)
LONGEST_H: Final = 14 * 24  # a zone that was silent for longer is gone, not silent
LEAST_SEEN: Final = 50.0  # incidents, decayed as the rhythms are
LEVEL_H: Final = 24  # what came in so many hours is the present level
_LEVEL_WEIGHT: Final = 5.0  # incidents as due, with which a level begins
_PHI, _CV2 = 1.5, 0.1  # of a zone's whole count: clumped, and its level not that well known
_LEAST_LEVEL: Final = 0.5


class _Due(NamedTuple):
    """What is due from a zone."""

    passed: list[float]  # (hour of the week,) → from Monday 00:00 to its end
    patience: float  # panes within which fewer than `LEAST_DUE` are due, whatever the hour


class _Silence(NamedTuple):
    """A zone from which nothing comes."""

    zone: str
    once_in_days: float
    level: float


class Drops:
    """When each zone was last heard of, and what is due from it."""

    def __init__(self, board: Board) -> None:
        self.board = board
        self.last: dict[str, int] = {}  # zone → pane of its newest incident; `*`: of any zone
        self.said: list[Score] = []
        self.level = 1.0  # of the city when it was last heard of
        self._due: dict[str, _Due] | None = None
        self._per_day = 0.0  # incidents in the city: each begins a silence of its zone
        self._heard = 0  # entries of the log that were looked at
        self._not_before: dict[
            str, float
        ] = {}  # zone → pane before which too little is due, however silent it is

    def refitted(self) -> None:
        """Rates are new, and the log was cut."""
        self._due, self._heard, self._not_before = None, 0, {}

    def gone(self, now: int) -> bool:
        """Whether nothing came from the whole city for longer than a silence lasts."""
        last = max(self.last.get(ANY, -1), self.board.recent.newest)
        return 0 <= last < now - (LONGEST_H + 1) * self.board.panes_per_hour

    def look(self, now: int) -> list[Score]:
        """What has been silent for too long at a rescan: the city alone, when all of it is, else its zones together."""
        before = self.last.get(ANY, -1)
        self._hear(now)
        if not self._has_seen_enough():
            self.said = []
            return []
        zones, told = self._rates(), {zone for score in self.said for zone in score.zones}
        if self.last[ANY] != before:
            self.level = self._level(zones[ANY], (-1, self.last[ANY] + 1), ())
        rest = self._without(zones, told)
        most = rest.passed[-1] >= MOST_OF_CITY * zones[ANY].passed[-1]
        city = self._silence(ANY, rest, now, ANY in told, self.level) if most else None
        if city is not None:
            self.said = [self._score([city], zones, now, self.level)]
            return self.said
        last, later = self.last, self._not_before
        candidates = [
            zone
            for zone, rates in zones.items()
            if zone in told or (now - last.get(zone, now) > rates.patience and now >= later.get(zone, 0.0))
            if zone != ANY
        ]
        levels = {zone: self._level_around(zone, zones, now, told) for zone in candidates}
        found = [self._silence(zone, zones[zone], now, zone in told, levels[zone]) for zone in candidates]
        silent = [silence for silence in found if silence is not None]
        self.said = [self._score(silent, zones, now, min(levels[s.zone] for s in silent))] if silent else []
        return self.said

    def _has_seen_enough(self) -> bool:
        board = self.board
        if board.fitted is None or self.last[ANY] < 0 or board.baseline.learning:
            return False
        return float(board.baseline.hours[board.row_of[ANY, ANY]].sum()) >= LEAST_SEEN

    def _level_around(self, zone: str, zones: Mapping[str, _Due], now: int, told: Collection[str]) -> float:
        """The level of the rest of the city since a zone was last heard of."""
        others = {zone, *told} - {ANY}
        return self._level(self._without(zones, others), (self.last[zone] + 1, now), others)

    def _level(self, rates: _Due, span: tuple[int, int], without: Collection[str]) -> float:
        """The share of what was due in the panes of `span`, or its last `LEVEL_H`, that came; but for some zones."""
        first, end = max(span[0], span[1] - LEVEL_H * self.board.panes_per_hour), span[1]
        rows, _, n = self.board.recent.places(first, end)
        left_out = {*without, UNKNOWN_ZONE}
        came = sum(
            times
            for row, times in zip(rows.tolist(), n.tolist(), strict=True)
            if self.board.cells[row][0] not in left_out
        )
        due = self._due_since(rates, first, end)
        return float(min(1.0, (came + _LEVEL_WEIGHT) / (due + _LEVEL_WEIGHT)))

    @staticmethod
    def _without(zones: Mapping[str, _Due], told: Collection[str]) -> _Due:
        """What is due from the city, leaving out the zones that are told to be silent already."""
        silent = [zones[zone].passed for zone in sorted(told) if zone != ANY]
        if not silent:
            return zones[ANY]
        passed = np.array(zones[ANY].passed) - np.sum(silent, 0)
        return zones[ANY]._replace(passed=passed.tolist())

    def _hear(self, now: int) -> None:
        recent = self.board.recent
        for row, pane in zip(recent.rows[self._heard :], recent.log_panes[self._heard :], strict=True):
            zone = self.board.cells[row][0]
            if pane < now and pane > self.last.get(zone, -1):
                self.last[zone] = pane
        self.last[ANY] = max(self.last.values(), default=-1)
        self._heard = len(recent.rows)

    def _rates(self) -> dict[str, _Due]:
        if self._due is None:
            known = self.board.fitted_rows
            numbers = {ANY: 0}
            of = [
                numbers.setdefault(zone, len(numbers)) if zone not in (ANY, UNKNOWN_ZONE) else -1
                for zone, _ in self.board.cells[:known]
            ]
            order = np.argsort(of, kind="stable")
            order = order[np.array(of)[order] >= 0]  # rows of zones, zone by zone
            starts = np.flatnonzero(np.diff(np.array(of)[order], prepend=0))
            rates = np.zeros((len(numbers), WEEK_H))
            if len(order):
                rates[1:] = np.add.reduceat(self.board.outlook.rate[order], starts)
            rates[0] = rates[1:].sum(0)
            self._per_day = float(rates[0].sum()) / 7.0
            per_hour = self.board.panes_per_hour
            patience = per_hour * LEAST_DUE / np.maximum(rates.max(1), 1e-9)
            columns = zip(numbers, np.cumsum(rates, 1).tolist(), patience.tolist(), strict=True)
            self._due = {zone: _Due(passed, waits) for zone, passed, waits in columns}
        return self._due

    def _silence(self, zone: str, rates: _Due, now: int, told: bool, share: float) -> _Silence | None:
        """How rare it is that a zone was silent for so long; None where that is not rare enough to tell.

        `share` is the present level.
        """
        last, per_hour = self.last.get(zone, now), self.board.panes_per_hour
        if not per_hour < now - last - 1 <= LONGEST_H * per_hour or rates.passed[-1] <= 0.0:
            return None
        due = self._due_since(rates, last + 1, now)
        if due < LEAST_DUE:  # an hour less, since a clock change may bring the next one early
            self._not_before[zone] = now + rates.patience * (1.0 - due / LEAST_DUE) - per_hour
            return None
        due *= share
        if due < LEAST_DUE:
            return None
        r = due / (_PHI - 1.0 + _CV2 * due)
        chance = (r / (r + due)) ** r
        once = 1.0 / max(self._per_day * chance, 1e-12)
        level = math.log10(max(1.0, once * 24.0)) / math.log10(24.0 / FALSE_PER_DAY)
        return None if level < (_LEAST_LEVEL if told else 1.0) else _Silence(zone, once, level)

    def _score(self, silent: Sequence[_Silence], zones: Mapping[str, _Due], now: int, share: float) -> Score:
        """Zones that are silent, as one: a feed that breaks off takes many with it. From when all of them were."""
        rarest = max(silent, key=lambda silence: silence.level)
        names = sorted(silence.zone for silence in silent)
        first = max(self.last[name] for name in names) + 1
        return Score(
            "drop",
            tuple(names),
            ANY,
            now - first,
            0,
            share * sum(self._due_since(zones[name], first, now) for name in names),
            rarest.once_in_days,
            rarest.level,
            self.board.baseline.learning,
            first,
            "what the same hours of the week bring; a silent feed is likelier than a silent zone",
        )

    def _due_since(self, rates: _Due, first_pane: int, now: int) -> float:
        """Incidents that are due in the panes [first_pane, now)."""
        per_hour, week = self.board.panes_per_hour, float(rates.passed[-1])
        first, hour = first_pane / per_hour, now / per_hour
        due = self._until(rates.passed, hour) - self._until(rates.passed, first)
        return due + week * self._weeks_between(first, hour)

    def _until(self, passed: Sequence[float], hour: float) -> float:
        """What is due from Monday 00:00 until an hour (with its fraction) of the same local week."""
        how = self.board.hour_of_week(math.floor(hour))
        before = passed[how - 1] if how else 0.0
        return before + (hour - math.floor(hour)) * (passed[how] - before)

    def _weeks_between(self, first: float, hour: float) -> int:
        """How many times Monday 00:00 came in between."""
        how_first, how = self.board.hour_of_week(math.floor(first)), self.board.hour_of_week(math.floor(hour))
        return round((math.floor(hour) - how - math.floor(first) + how_first) / WEEK_H)

    def snapshot(self) -> Any:
        """When each zone was last heard of, what is being said, and the city's level."""
        last = [[zone, pane] for zone, pane in self.last.items()]
        return [last, [list(score) for score in self.said], self.level]

    def restore(self, state: Sequence[Any]) -> None:
        """Take `snapshot` back."""
        last, said, *level = state  # a state of before levels were kept has none
        self.last = dict(map(tuple, last))
        self.said = [Score(each[0], tuple(each[1]), *each[2:]) for each in said]
        self.level = float(level[0]) if level else 1.0
