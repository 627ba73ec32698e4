"""Nightly upkeep on event time: hours that are over and behind the guard go into the baseline, which is fitted anew."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from schemas.vocabulary import ANY
from streams.core.board import Board
from streams.core.evidence import WINDOW_HOURS
from streams.core.profiles import Floats
from streams.core.recent import Ints

REFIT_LOCAL_HOUR = 4  # the quietest hour of a city
GUARD_H = 24  # what happened in the last day is not yet part of the yardstick
FIRST_DAYS_H = 72  # until so much was seen the fit is renewed every hour, behind a guard of one
BLOCK_H = 6  # errors of the expectation are measured over blocks
_OUTAGE_EXPECTED = 12.0  # a silence where so many incidents were due (chance 6e-6) is an outage of the feed
_EXCESS_WEIGHT = 0.1  # of what past alerts had above the expected
_LONG_SILENCE_H = 48
_NEW_NORMAL_H = 20  # a cell that was in excess for most of a day has a new level


class Upkeep:
    """What has been folded, what waits for it, and when the next fit is due."""

    def __init__(self, board: Board) -> None:
        self.board = board
        self.frontier = -1  # first hour not yet folded; -1 before the first incident
        self.next_fit = -1  # hour
        self.late: list[list[int]] = []  # [row, hour, n] below the frontier
        self.excess: set[tuple[int, int]] = set()  # (row, hour) of past alerts

    def behind(self, row: int, hour: int, n: int) -> None:
        """`n` incidents of a zone's row in an hour that is folded already; the very first one sets the beginning."""
        if self.frontier < 0:
            self.frontier, self.next_fit = hour, hour + 24
        else:
            self.late.append([row, hour, n])

    def remember_excess(self, rows: Sequence[int], since: int, now: int) -> None:
        """Incidents of `rows` in the panes [since, now) were told as an alert."""
        per_hour = self.board.panes_per_hour
        hours = range(since // per_hour, now // per_hour + 1)
        self.excess.update((row, hour) for row in rows for hour in hours)

    def pass_over(self, now: int) -> None:
        """Nothing came for so long that the feed is taken for gone: the time is no quiet time, and is not folded."""
        if self.frontier >= 0:
            hour = now // self.board.panes_per_hour
            self.frontier = max(self.frontier, hour - self._guard())
            self.next_fit = max(self.next_fit, self._following(hour))

    def due(self, now: int) -> list[int]:
        """Fold and fit as often as was due by pane `now`; the hours folded each time, and of how many incidents."""
        done = []
        hour = now // self.board.panes_per_hour
        while 0 <= self.next_fit <= hour:
            if self._silent_until(hour):
                guard = self._guard()
                self.frontier = max(self.frontier, hour - guard)
                self.next_fit = self._following(hour)
                break
            done.append(self._fold(self.next_fit - self._guard()))
            self.board.refit()
            self.next_fit = self._following(self.next_fit)
        return done

    def _silent_until(self, hour: int) -> bool:
        """Whether a long time went by in which nothing is known: an outage that needs no folding."""
        per_hour = self.board.panes_per_hour
        if hour - self.next_fit < _LONG_SILENCE_H or self.late:
            return False
        rows, _, _ = self.board.recent.hourly(self.frontier * per_hour, (hour - 1) * per_hour, per_hour)
        return not len(rows)

    def _guard(self) -> int:
        return 1 if self.board.baseline.learning else GUARD_H

    def _following(self, hour: int) -> int:
        hour += 1
        if self.board.baseline.hours_seen >= FIRST_DAYS_H:
            while self.board.hour_of_week(hour) % 24 != REFIT_LOCAL_HOUR:
                hour += 1
        return hour

    def _fold(self, until: int) -> int:
        """Take the hours [frontier, until) into the baseline's sums; how many were observed."""
        if until <= self.frontier:
            return 0
        board, first = self.board, self.frontier
        per_hour = board.panes_per_hour
        rows, hours, n = self._with_totals(*board.recent.hourly(first * per_hour, until * per_hour, per_hour))
        span = list(range(first, until))
        observed = self._observed(rows, hours, n, span)
        counts = n.astype(float)
        if board.fitted is not None:
            self._note_spread(rows, hours, n, observed)
            counts = self._without_excess(rows, hours, counts)
            self._count_firsts(rows, hours, n, span)
            counts = self._without_occasions(rows, hours, counts, span)
        baseline = board.baseline
        baseline.decay(len(span) / 24.0)
        self._count_habits(first * per_hour, until * per_hour)
        board.habits.decay(math.exp(-len(span) / (24.0 * baseline.rules.profile_days)))
        how = board.hours_of_week(span)
        baseline.see(how[observed].tolist())
        baseline.count(rows, how[hours - first] if len(hours) else hours, counts)
        self._fold_late()
        self.frontier = until
        self.excess = {(row, hour) for row, hour in self.excess if hour >= until}
        board.recent.forget(min(until * per_hour, (self.next_fit - WINDOW_HOURS[-1]) * per_hour))
        return int(observed.sum())

    def _count_habits(self, first_pane: int, end_pane: int) -> None:
        """Where in their hours incidents lie."""
        board = self.board
        rows, panes, n = board.recent.places(first_pane, end_pane)
        if len(rows):
            quarter, rest = np.divmod(panes % board.panes_per_hour, board.quarter_panes)
            hours = board.hours_of_week((panes // board.panes_per_hour).tolist()) % 24
            types = [board.cells[row][1] for row in rows.tolist()]
            board.habits.count(types, hours, 2 * quarter + (rest > 0), n)

    def _count_firsts(self, rows: Ints, hours: Ints, n: Ints, span: list[int]) -> None:
        """What the first of a month brings, beside what a usual day would."""
        board, local = self.board, self.board.hour_of_week
        firsts = [h for h in span if local.day_of_month(h) == 1]
        if not firsts:
            return
        seen = {
            (row, hour): count
            for row, hour, count in zip(rows.tolist(), hours.tolist(), n.tolist(), strict=True)
        }
        for row, (zone, crime_type) in enumerate(board.cells[: board.fitted_rows]):
            for hour in firsts if zone == ANY else ():
                usual = float(board.outlook.rate[row, local(hour)])
                board.habits.count_first(crime_type, local(hour) % 24, seen.get((row, hour), 0), usual)

    def _without_occasions(self, rows: Ints, hours: Ints, counts: Floats, span: list[int]) -> Floats:
        """What came on the first of a month or on planned occasions counts as if it had been usual."""
        board, local = self.board, self.board.hour_of_week
        special = {h for h in span if local.day_of_month(h) == 1 or board.outlook.calendar.during(h, h + 1)}
        for i in np.flatnonzero(np.isin(hours, list(special))).tolist():
            counts[i] /= board.outlook.allowance(int(rows[i]), int(hours[i]))
        return counts

    def _fold_late(self) -> None:
        if self.late:
            rows, hours, n = (np.array(part, np.int64) for part in zip(*self.late, strict=True))
            rows, hours, n = self._with_totals(rows, hours, n)
            self.board.baseline.count(rows, self.board.hours_of_week(hours.tolist()), n.astype(float))
            self.late = []

    def _with_totals(self, rows: Ints, hours: Ints, n: Ints) -> tuple[Ints, Ints, Ints]:
        """Each zone cell's entry again for the city totals it is part of."""
        if not len(rows):
            return rows, hours, n
        board = self.board
        city = np.full(len(rows), board.row_of[ANY, ANY])
        row, hour = np.concatenate([rows, np.array(board.totals)[rows], city]), np.tile(hours, 3)
        first = int(hours.min())
        span = int(hours.max()) - first + 1
        key, place = np.unique(row * span + (hour - first), return_inverse=True)
        sums = np.bincount(place, np.tile(n, 3)).astype(np.int64)
        return key // span, key % span + first, sums

    def _observed(self, rows: Ints, hours: Ints, n: Ints, span: list[int]) -> Any:
        """(hour of the span) → False in silences in which the city should have had incidents."""
        total_row = self.board.row_of[ANY, ANY]
        counts = np.zeros(len(span))
        mine = rows == total_row
        counts[hours[mine] - span[0]] = n[mine]
        if self.board.fitted is None:
            due = np.full(len(span), _OUTAGE_EXPECTED / 24.0)
        else:
            due = self.board.outlook.rate[total_row][self.board.hours_of_week(span)]
        observed = np.ones(len(span), bool)
        start = 0
        for i in range(len(span) + 1):
            if i == len(span) or counts[i] > 0:
                if due[start:i].sum() >= _OUTAGE_EXPECTED:
                    observed[start:i] = False
                start = i + 1
        return observed

    def _note_spread(self, rows: Ints, hours: Ints, n: Ints, observed: Any) -> None:
        board, known, first = self.board, self.board.fitted_rows, self.frontier
        blocks = len(observed) // BLOCK_H
        if not blocks or board.fitted is None:
            return
        how = board.hours_of_week(range(first, first + blocks * BLOCK_H))
        usable = observed[: blocks * BLOCK_H].reshape(blocks, BLOCK_H).all(1)
        expected = board.outlook.rate[:known][:, how].reshape(known, blocks, BLOCK_H).sum(-1)
        counts: Floats = np.zeros((known, blocks))
        mine = (rows < known) & (hours < first + blocks * BLOCK_H)
        np.add.at(counts, (rows[mine], (hours[mine] - first) // BLOCK_H), n[mine])
        board.baseline.note_spread(board.fitted, counts[:, usable], expected[:, usable])

    def _without_excess(self, rows: Ints, hours: Ints, counts: Floats) -> Floats:
        """Counts of past alerts come close to what was expected, unless they lasted for most of a day."""
        per_row: dict[int, int] = {}
        for row, hour in self.excess:
            per_row[row] = per_row.get(row, 0) + (hour >= self.frontier)
        for i, key in enumerate(zip(rows.tolist(), hours.tolist(), strict=True)):
            if key in self.excess and per_row[key[0]] < _NEW_NORMAL_H:
                due = float(self.board.outlook.rate[key[0], self.board.hour_of_week(key[1])])
                counts[i] = min(counts[i], due + _EXCESS_WEIGHT * (counts[i] - due))
        return counts

    def snapshot(self) -> Any:
        """Positions in event time, and what waits."""
        return [self.frontier, self.next_fit, self.late, sorted(map(list, self.excess))]

    def restore(self, state: Any) -> None:
        """Take `snapshot` back."""
        self.frontier, self.next_fit, self.late = state[0], state[1], [list(entry) for entry in state[2]]
        self.excess = {(row, hour) for row, hour in state[3]}
