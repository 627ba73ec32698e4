"""The board of one city: every cell with its recent incidents, its expectation now, and how much may come unnoticed.

Expectations are prepared once per quarter of an hour for the means of all cells and windows at its two ends (in
between they are straight lines, since rates are constant within an hour and windows are whole hours), together with
critical counts. `slack[row]` is how many more incidents a row may get before any of its windows can be worth a look,
so that an incident costs a few additions while nothing is unusual.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from schemas.vocabulary import ANY
from streams.core.baseline import Baseline, Expectation
from streams.core.civil import HOUR_MS, HourOfWeek
from streams.core.profiles import Floats
from streams.core.recent import Ints, Recent
from streams.core.tails import critical_counts, critical_kinds, rarity

WINDOW_HOURS = (1, 2, 3, 4, 6, 8, 12)
QUARTERS_PER_HOUR = 4
LEAST_COUNT = 2  # one incident alone is never a surge


class Board:
    """Rows are cells and city totals, in order of first appearance."""

    def __init__(self, baseline: Baseline, hour_of_week: HourOfWeek, pane_ms: int, base: float) -> None:
        self.baseline, self.hour_of_week, self.base = baseline, hour_of_week, base
        self.panes_per_hour = HOUR_MS // pane_ms
        self.quarter_panes = self.panes_per_hour // QUARTERS_PER_HOUR
        self.windows = tuple(h * self.panes_per_hour for h in WINDOW_HOURS)
        self.recent = Recent()
        self.row_of: dict[tuple[str, str], int] = {}
        self.lanes: list[tuple[int, ...]] = []
        self.slack: list[int] = []
        self.fitted: Expectation | None = None
        self.fitted_rows = 0
        self.rate = np.zeros((0, 168))
        self.phi = np.zeros(0)
        self.cv2 = np.zeros(0)
        self.quarter = -1
        self._kinds: tuple[Ints, Ints] | None = None  # of all rows, since the last fit
        self.mean = np.zeros((0, 2, len(self.windows)))  # at both ends of the quarter
        self.critical = np.zeros((0, len(self.windows)), np.int64)

    def row(self, zone: str, crime_type: str) -> int:
        """The row of a cell, made on first sight together with the totals above it."""
        row = self.row_of.get((zone, crime_type))
        if row is None:
            row = self._add(zone, crime_type)
            if zone != ANY:
                self.lanes[row] = (row, self.row(ANY, crime_type), self.row(ANY, ANY))
        return row

    def _add(self, zone: str, crime_type: str) -> int:
        row = self.baseline.add_row(zone, crime_type)
        self.row_of[zone, crime_type] = row
        self.lanes.append((row,))
        self.slack.append(0)
        self.recent.panes.append([])
        if row >= len(self.phi):
            self._grow(max(64, 2 * row))
        if self.fitted is not None:
            self._expect_new(row)
        return row

    def _grow(self, room: int) -> None:
        for name in ("rate", "phi", "cv2", "mean", "critical"):
            old = getattr(self, name)
            new = np.zeros((room, *old.shape[1:]), old.dtype)
            new[: len(old)] = old
            setattr(self, name, new)

    def _expect_new(self, row: int) -> None:
        assert self.fitted is not None
        rules = self.baseline.rules
        zone, crime_type = self.baseline.cells[row]
        cv2 = rules.city_cv2 if zone == ANY else rules.cv2
        self.rate[row], self.phi[row], self.cv2[row] = self.fitted.of_new(
            zone, crime_type, rules.dispersion, cv2
        )
        if self.quarter >= 0:
            rows = np.array([row])
            self.mean[rows] = self._means(rows, self.quarter)
            kinds = critical_kinds(self.phi[rows], self.cv2[rows], self.base)
            self.critical[rows] = self._criticals(rows, kinds)

    def refit(self) -> None:
        """Take the baseline's sums as the expectation from now on."""
        if not self.baseline.cells:
            return
        self.fitted, self._kinds = self.baseline.fit(), None
        self.fitted_rows = len(self.baseline.cells)
        self.rate = self.fitted.rate.copy()
        self.phi, self.cv2 = self.fitted.phi.copy(), self.fitted.cv2.copy()
        self.mean = np.zeros((self.fitted_rows, 2, len(self.windows)))
        self.critical = np.zeros((self.fitted_rows, len(self.windows)), np.int64)
        self.quarter = -1

    def turn(self, now: int) -> Ints:
        """Prepare the quarter of an hour that holds `now`; the rows that are worth a look."""
        self.quarter = now // self.quarter_panes
        rows = np.arange(len(self.baseline.cells))
        if self.fitted is None or not len(rows):
            return rows[:0]
        self.mean[: len(rows)] = self._means(rows, self.quarter)
        if self._kinds is None or len(self._kinds[1]) != len(rows):
            # The rows of one fit stay as they are, so their table is made once, not at each rescan.
            self._kinds = critical_kinds(self.phi[rows], self.cv2[rows], self.base)
        self.critical[: len(rows)] = self._criticals(rows, self._kinds)
        slack = (self.critical[: len(rows)] - self._counts(now, len(rows))).min(1)
        self.slack = slack.tolist()
        return np.nonzero(slack <= 0)[0]

    def _counts(self, now: int, rows: int) -> Ints:
        counts = self.recent.window_counts(now, self.windows, rows)
        for row, (zone, _) in enumerate(self.baseline.cells):
            if zone == ANY:
                counts[row] = [self.recent.count(row, now - window, now) for window in self.windows]
        return counts

    def _means(self, rows: Ints, quarter: int) -> Floats:
        """(row, end of the quarter, window) → expected incidents in the window that ends there."""
        longest = max(WINDOW_HOURS)
        first_hour = quarter // QUARTERS_PER_HOUR - longest
        hours = [self.hour_of_week(first_hour + i) for i in range(longest + 1)]
        rate = self.rate[rows][:, hours]
        passed = np.cumsum(rate, 1) - rate  # expected from the first hour to the start of each hour
        starts = [longest - width for width in WINDOW_HOURS]
        means = np.empty((len(rows), 2, len(WINDOW_HOURS)))
        for end in (0, 1):
            into = (quarter % QUARTERS_PER_HOUR + end) / QUARTERS_PER_HOUR
            until = passed + into * rate
            means[:, end] = until[:, longest, None] - until[:, starts]
        return means

    def _criticals(self, rows: Ints, kinds: tuple[Ints, Ints]) -> Ints:
        return np.maximum(critical_counts(self.mean[rows].min(1), *kinds), LEAST_COUNT)

    def expected(self, row: int, now: int) -> list[float]:
        """Expected incidents per window that ends at `now`, which lies in the prepared quarter."""
        into = now / self.quarter_panes - self.quarter
        start, end = self.mean[row]
        means: list[float] = (start + into * (end - start)).tolist()
        return means

    def counts(self, row: int, now: int) -> list[int]:
        """Incidents per window that ends at `now`."""
        return [self.recent.count(row, now - window, now) for window in self.windows]

    def best(self, row: int, now: int) -> tuple[float, int, int, float]:
        """The rarest window of a row: (rarity, index of the window, observed, expected)."""
        found, last = (0.0, 0, 0, 0.0), 1
        means = self.expected(row, now)
        phi, cv2 = float(self.phi[row]), float(self.cv2[row])
        for i, n in enumerate(self.counts(row, now)):
            if n > last:  # with the count of a shorter window, a longer one cannot be rarer
                last = n
                score = rarity(n, means[i], phi, cv2)
                if score > found[0]:
                    found = (score, i, n, means[i])
        return found

    def restore(self, state: Any) -> None:
        """Take the detector's snapshot back: rows in their order, the fit, the prepared quarter, the incidents."""
        self.baseline.restore(state["baseline"])
        for row, cell in enumerate(self.baseline.cells):
            self.row_of[cell] = row
        cells = [*self.baseline.cells, *map(tuple, state["later_cells"])]
        self.recent.panes = [[] for _ in self.baseline.cells]
        if state["fitted"]:
            self.refit()
        self.lanes, self.slack = [() for _ in self.baseline.cells], [0] * len(self.baseline.cells)
        if state["fitted"] and state["quarter"] >= 0:
            self.turn(state["quarter"] * self.quarter_panes)
        self.quarter = state["quarter"]
        for zone, crime_type in cells[len(self.baseline.cells) :]:
            self._add(zone, crime_type)
        for row, (zone, crime_type) in enumerate(cells):
            self.lanes[row] = (
                (row, self.row_of[ANY, crime_type], self.row_of[ANY, ANY]) if zone != ANY else (row,)
            )
        self.recent.restore(state["recent"], self.lanes)
        self.slack = list(state["slack"])

    def hours_of_week(self, hours: Sequence[int]) -> Ints:
        """Local hour of the week per hour of UTC."""
        return np.array([self.hour_of_week(int(h)) for h in hours], np.int64)
