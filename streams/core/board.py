"""The board of one city: every cell with its recent incidents, its expectation now, and how much may come unnoticed.

Expectations are prepared once per quarter of an hour for the means of all cells and windows at its two ends (in
between they are straight lines, since rates are constant within an hour and windows are whole hours), together with
critical counts. `slack[row]` is how many more incidents a row may get before any of its windows can be worth a look,
so that an incident costs a few additions while nothing is unusual.
"""

from bisect import bisect_left
from collections.abc import Sequence
from typing import Any

import numpy as np

from schemas.vocabulary import ANY
from streams.core.baseline import Baseline, Expectation
from streams.core.civil import HOUR_MS, HourOfWeek
from streams.core.clusters import Neighbours
from streams.core.evidence import TRIGGER, WINDOW_HOURS, CriticalCounts
from streams.core.profiles import Floats
from streams.core.recent import Ints, Recent

QUARTERS_PER_HOUR = 4


class Board:
    """Rows are cells and city totals, in order of first appearance."""

    def __init__(self, baseline: Baseline, hour_of_week: HourOfWeek, pane_ms: int, near: Neighbours) -> None:
        self.baseline, self.hour_of_week = baseline, hour_of_week
        self.critical_of = CriticalCounts(TRIGGER)
        self.near = near
        self.panes_per_hour = HOUR_MS // pane_ms
        self.quarter_panes = self.panes_per_hour // QUARTERS_PER_HOUR
        self.windows = tuple(h * self.panes_per_hour for h in WINDOW_HOURS)
        self.recent = Recent()
        self.row_of: dict[tuple[str, str], int] = {}
        self.lanes: list[tuple[int, ...]] = []
        self.slack: list[int] = []
        self.seen_slack: list[int] = []  # what it was when the row was last looked at, or more
        self.near_rows: list[set[int]] = []  # rows of the same type in the zones around
        self.standing: set[int] = set()  # rows worth a look as things are
        self.fitted: Expectation | None = None
        self.fitted_rows = 0
        self.rate = np.zeros((0, 168))
        self.phi = np.zeros(0)
        self.cv2 = np.zeros(0)
        self.kind = np.zeros(0, np.int64)  # of dispersion, for the critical counts
        self.quarter = -1
        self.mean = np.zeros((0, 2, len(self.windows)))  # at both ends of the quarter
        self.critical = np.zeros((0, len(self.windows)), np.int64)
        self._lines: dict[int, list[tuple[float, float]]] = {}  # rows asked for in this quarter
        self._hour: tuple[int, int, Floats, Floats] | None = None  # (hour, rows, see `_in_hour`)
        self._totals: tuple[int, list[int]] | None = None  # (rows, those of city totals)

    @property
    def cells(self) -> list[tuple[str, str]]:
        """(zone, crime type) by row."""
        return self.baseline.cells

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
        self.seen_slack.append(1)
        around = {self.row_of.get((other, crime_type), -1) for other in self.near.get(zone, ())} - {-1}
        self.near_rows.append(around)
        for other in around:
            self.near_rows[other].add(row)
        self.recent.panes.append([])
        if row >= len(self.phi):
            self._grow(max(64, 2 * row))
        if self.fitted is not None:
            self._expect_new(row)
        return row

    def _grow(self, room: int) -> None:
        for name in ("rate", "phi", "cv2", "kind", "mean", "critical"):
            old = getattr(self, name)
            new = np.zeros((room, *old.shape[1:]), old.dtype)
            new[: len(old)] = old
            setattr(self, name, new)

    def _expect_new(self, row: int) -> None:
        assert self.fitted is not None
        rules = self.baseline.rules
        zone, crime_type = self.cells[row]
        cv2 = rules.city_cv2 if zone == ANY else rules.cv2
        self.rate[row], self.phi[row], self.cv2[row] = self.fitted.of_new(
            zone, crime_type, rules.dispersion, cv2
        )
        self.kind[row] = self.critical_of.kind(float(self.phi[row]), float(self.cv2[row]))
        if self.quarter >= 0:
            rows = np.array([row])
            self.mean[rows] = self._means(rows, self.quarter)
            self.critical[rows] = self._criticals(rows)

    def refit(self) -> None:
        """Take the baseline's sums as the expectation from now on."""
        if not self.cells:
            return
        self.fitted = self.baseline.fit()
        self.fitted_rows = len(self.cells)
        self.rate = self.fitted.rate.copy()
        self.phi, self.cv2 = self.fitted.phi.copy(), self.fitted.cv2.copy()
        spreads = zip(self.phi.tolist(), self.cv2.tolist(), strict=True)
        self.kind = np.array([self.critical_of.kind(phi, cv2) for phi, cv2 in spreads], np.int64)
        self.mean = np.zeros((self.fitted_rows, 2, len(self.windows)))
        self.critical = np.zeros((self.fitted_rows, len(self.windows)), np.int64)
        self.quarter = -1
        self._hour = self._totals = None  # rows and rates are new

    def turn(self, now: int) -> list[int]:
        """Prepare the quarter of an hour that holds `now`; the rows that are worth a look."""
        self.quarter = now // self.quarter_panes
        self._lines = {}
        rows = np.arange(len(self.cells))
        if self.fitted is None or not len(rows):
            return []
        self.mean[: len(rows)] = self._means(rows, self.quarter)
        self.critical[: len(rows)] = self._criticals(rows)
        slack = (self.critical[: len(rows)] - self._counts(now, len(rows))).min(1)
        stronger = slack < np.minimum(np.array(self.seen_slack), 1)
        self.slack = slack.tolist()
        self.seen_slack = np.maximum(slack, self.seen_slack).tolist()
        self.standing = set(np.flatnonzero(slack <= 0).tolist())
        touched: list[int] = np.flatnonzero(stronger).tolist()
        return touched

    def look_at(self, row: int, now: int) -> bool:
        """Whether some window of a row has reached its critical count; renews its slack."""
        critical: list[int] = self.critical[row].tolist()
        slack = min(c - n for c, n in zip(critical, self.counts(row, now), strict=True))
        self.slack[row] = self.seen_slack[row] = slack
        if slack <= 0:
            self.standing.add(row)
        else:
            self.standing.discard(row)
        return slack <= 0

    def _counts(self, now: int, rows: int) -> Ints:
        counts = self.recent.window_counts(now, self.windows, rows)
        if self._totals is None or self._totals[0] != rows:
            self._totals = (rows, [row for row, (zone, _) in enumerate(self.cells) if zone == ANY])
        for row in self._totals[1]:
            counts[row] = self.counts(row, now)
        return counts

    def _means(self, rows: Ints, quarter: int) -> Floats:
        """(row, end of the quarter, window) → expected incidents in the window that ends there."""
        hour, into = divmod(quarter, QUARTERS_PER_HOUR)
        start, slope = self._in_hour(rows, hour)
        return np.stack([start + (into + end) / QUARTERS_PER_HOUR * slope for end in (0, 1)], 1)

    def _in_hour(self, rows: Ints, hour: int) -> tuple[Floats, Floats]:
        """(row, window) → expected in the window that ends at the start of `hour`, and how that grows over the hour.

        The four quarters of an hour share it: at a rescan of all rows it is most of the work.
        """
        if self._hour is None or self._hour[:2] != (hour, len(rows)) or len(rows) != len(self.cells):
            longest = max(WINDOW_HOURS)
            hours = [self.hour_of_week(hour - longest + i) for i in range(longest + 1)]
            rate = self.rate[rows][:, hours]
            passed = np.cumsum(rate, 1) - rate  # expected from the first hour to the start of each hour
            starts = [longest - width for width in WINDOW_HOURS]
            start = passed[:, longest, None] - passed[:, starts]
            self._hour = (hour, len(rows), start, rate[:, longest, None] - rate[:, starts])
        return self._hour[2:]

    def _criticals(self, rows: Ints) -> Ints:
        lower = self.mean[rows].min(1)
        return self.critical_of.of(lower, self.kind[rows])

    def expected(self, row: int, now: int) -> list[float]:
        """Expected incidents per window that ends at `now`, which lies in the prepared quarter."""
        into = now / self.quarter_panes - self.quarter
        return [start + into * more for start, more in self._line(row)]

    def counts(self, row: int, now: int) -> list[int]:
        """Incidents per window that ends at `now`."""
        panes = self.recent.panes[row]
        end = len(panes) if not panes or panes[-1] < now else bisect_left(panes, now)
        return [end - bisect_left(panes, now - window, 0, end) for window in self.windows]

    def in_window(self, row: int, window: int, now: int) -> tuple[int, float]:
        """Incidents and expectation of one window that ends at `now`."""
        panes = self.recent.panes[row]
        if not panes or panes[-1] < now - self.windows[window]:
            return 0, 0.0
        start, more = self._line(row)[window]
        n = self.recent.count(row, now - self.windows[window], now)
        return n, start + (now / self.quarter_panes - self.quarter) * more

    def spread(self, row: int) -> tuple[float, float]:
        """Dispersion of a row: (phi, cv2)."""
        return float(self.phi[row]), float(self.cv2[row])

    def _line(self, row: int) -> list[tuple[float, float]]:
        """Per window the expectation at the quarter's start, and how much more at its end."""
        line = self._lines.get(row)
        if line is None:
            start, end = self.mean[row]
            line = self._lines[row] = list(zip(start.tolist(), (end - start).tolist(), strict=True))
        return line

    def restore(self, state: Any) -> None:
        """Take the detector's snapshot back: rows in their order, the fit, the prepared quarter, the incidents."""
        self.baseline.restore(state["baseline"])
        for row, cell in enumerate(self.cells):
            self.row_of[cell] = row
        self.near_rows = [
            {self.row_of.get((other, crime_type), -1) for other in self.near.get(zone, ())} - {-1}
            for zone, crime_type in self.cells
        ]
        cells = [*self.cells, *map(tuple, state["later_cells"])]
        self.recent.panes = [[] for _ in self.cells]
        if state["fitted"]:
            self.refit()
        self.lanes = [() for _ in self.cells]
        self.slack, self.seen_slack = [0] * len(self.cells), [1] * len(self.cells)
        if state["fitted"] and state["quarter"] >= 0:
            self.turn(state["quarter"] * self.quarter_panes)
        self.quarter = state["quarter"]
        for zone, crime_type in cells[len(self.cells) :]:
            self._add(zone, crime_type)
        for row, (zone, crime_type) in enumerate(cells):
            self.lanes[row] = (
                (row, self.row_of[ANY, crime_type], self.row_of[ANY, ANY]) if zone != ANY else (row,)
            )
        self.recent.restore(state["recent"], self.lanes)
        self.slack, self.seen_slack = list(state["slack"]), list(state["seen_slack"])
        self.standing = {row for row, slack in enumerate(self.slack) if slack <= 0}

    def hours_of_week(self, hours: Sequence[int]) -> Ints:
        """Local hour of the week per hour of UTC."""
        return np.array([self.hour_of_week(int(h)) for h in hours], np.int64)
