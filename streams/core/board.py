"""The board of one city: every cell with its recent incidents, and how many more may come unnoticed.

Once an hour the rows with something in their windows get critical counts, below which nothing in them is worth a look
before the hour is over: they follow from the least that is expected at any time within it. `slack[row]` is how many
more incidents a row may get before one can be reached, so that an incident costs a few additions while nothing is
unusual, and a rescan between the hours would find nothing that an incident has not brought up.
"""

from bisect import bisect_left
from collections.abc import Iterable
from operator import sub
from typing import Any

import numpy as np

from schemas.vocabulary import ANY
from streams.core.baseline import Baseline, Expectation
from streams.core.civil import HOUR_MS, HourOfWeek
from streams.core.clusters import Neighbours
from streams.core.evidence import LEAST_COUNT, TRIGGER, WINDOW_HOURS, CriticalCounts
from streams.core.habits import QUARTERS, Habits
from streams.core.occasions import Calendar
from streams.core.outlook import Outlook
from streams.core.profiles import Floats
from streams.core.recent import Ints, Recent

Line = list[tuple[float, float, float]]
"""Per window: expected at the quarter's start, after its first pane, and how much more per pane from there."""


class Board:
    """Rows are cells and city totals, in order of first appearance."""

    def __init__(
        self, baseline: Baseline, hour_of_week: HourOfWeek, pane_ms: int, near: Neighbours, calendar: Calendar
    ) -> None:
        self.baseline, self.hour_of_week, self.near = baseline, hour_of_week, near
        self.panes_per_hour = HOUR_MS // pane_ms
        self.quarter_panes = self.panes_per_hour // QUARTERS
        self.windows = tuple(h * self.panes_per_hour for h in WINDOW_HOURS)
        self.habits = Habits(self.quarter_panes)
        self.outlook = Outlook(hour_of_week, self.habits, calendar)
        self.critical_of = CriticalCounts(TRIGGER)
        self.recent = Recent()
        self.row_of: dict[tuple[str, str], int] = {}
        self.lanes: list[tuple[int, ...]] = []
        self.totals: list[int] = []  # row → the row of its type's city total
        self.slack: list[int] = []
        self.seen_slack: Ints = np.ones(64, np.int64)  # what it was when the row was last looked at, or more
        self.near_rows: list[set[int]] = []  # rows of the same type in the zones around
        self.standing: set[int] = set()  # rows worth a look as things are
        self.fitted: Expectation | None = None
        self.fitted_rows = 0
        self.spreads: list[tuple[float, float]] = []  # row → (phi, cv2)
        self.kind: list[int] = []  # row → kind of dispersion, for the critical counts
        self._columns: tuple[Ints, Ints] | None = None  # `totals` and `kind` as arrays
        self.hour = -1  # the one that is prepared
        self._lines: dict[int, Line] = {}  # of rows asked for in `_quarter`
        self._quarter = -1
        self._edges: Floats = np.zeros((0, 0, 0))  # (edge, window, column), for this hour
        self._column: dict[int, int] = {}  # row → its column there
        self._critical: dict[int, list[int]] = {}  # row → per window, for this hour

    @property
    def cells(self) -> list[tuple[str, str]]:
        """(zone, crime type) by row."""
        return self.baseline.cells

    def row(self, zone: str, crime_type: str) -> int:
        """The row of a cell, made on first sight together with the totals above it."""
        row = self.row_of.get((zone, crime_type))
        if row is None:
            row = self.baseline.add_row(zone, crime_type)
            self._place(row)
            if self.fitted is not None:
                self._expect_new(row)
            if zone != ANY:
                self._join(row)
        return row

    def _join(self, row: int) -> None:
        """Let a zone's row count in the city totals above it."""
        total = self.row(ANY, self.cells[row][1])
        self.lanes[row], self.totals[row] = (row, total, self.row(ANY, ANY)), total
        self._columns = None

    def _place(self, row: int) -> None:
        zone, crime_type = self.cells[row]
        self.row_of[zone, crime_type] = row
        self.lanes.append((row,))
        self.slack.append(0)
        self.totals.append(row)
        self._columns = None
        if row >= len(self.seen_slack):
            self.seen_slack = np.concatenate([self.seen_slack, np.ones_like(self.seen_slack)])
        self.recent.panes.append([])
        around = {self.row_of.get((other, crime_type), -1) for other in self.near.get(zone, ())} - {-1}
        self.near_rows.append(around)
        for other in around:
            self.near_rows[other].add(row)

    def _expect_new(self, row: int) -> None:
        assert self.fitted is not None
        zone, crime_type = self.cells[row]
        self.outlook.add(row, self.fitted.of_new(zone, crime_type))
        rules = self.baseline.rules
        self.spreads.append((rules.dispersion, rules.city_cv2 if zone == ANY else rules.cv2))
        self.kind.append(self.critical_of.kind(*self.spreads[row]))

    def refit(self) -> None:
        """Take the baseline's sums as the expectation from now on."""
        if not self.cells:
            return
        self.fitted = self.baseline.fit()
        self.fitted_rows = len(self.cells)
        self.outlook.begin(self.cells, self.fitted)
        self.spreads = list(zip(self.fitted.phi.tolist(), self.fitted.cv2.tolist(), strict=True))
        kinds = {spread: self.critical_of.kind(*spread) for spread in set(self.spreads)}
        self.kind = [kinds[spread] for spread in self.spreads]
        self._columns = None
        self.hour = self._quarter = -1

    def turn(self, now: int) -> list[int]:
        """Prepare the hour that holds `now`; the rows in which something may be stronger than before."""
        self.hour, self._critical, self._column = now // self.panes_per_hour, {}, {}
        if self.fitted is None:
            return []
        if self._columns is None:
            self._columns = np.array(self.totals), np.array(self.kind)
        totals, kinds = self._columns
        counts = self.recent.window_counts(now, self.windows, totals, self.row_of[ANY, ANY])
        active = np.flatnonzero(counts[-1])
        self._edges = self.outlook.edges(active, self.hour)
        self._column = {row: column for column, row in enumerate(active.tolist())}
        critical = self.critical_of.of(self._edges.min(0), kinds.take(active))
        self._critical = dict(zip(active.tolist(), critical.T.tolist(), strict=True))
        slack = np.full(len(totals), LEAST_COUNT)
        slack[active] = (critical - counts.take(active, 1)).min(0)
        seen = self.seen_slack[: len(totals)]
        stronger = slack < np.minimum(seen, 1)
        np.maximum(slack, seen, out=seen)
        self.slack = slack.tolist()
        self.standing = set(np.flatnonzero(slack <= 0).tolist())
        touched: list[int] = np.flatnonzero(stronger).tolist()
        return touched

    def look_at(self, row: int, now: int) -> list[int] | None:
        """The counts of a row where some window has reached its critical count, else None; renews its slack."""
        critical: list[int] | None = self._critical.get(row)
        if critical is None:
            lowest = self.outlook.lowest_of(row, self.hour)
            critical = self._critical[row] = self.critical_of.of_one(lowest, self.kind[row])
        counts = self.counts(row, now)
        slack = min(map(sub, critical, counts))
        self.slack[row] = self.seen_slack[row] = slack
        if slack <= 0:
            self.standing.add(row)
        else:
            self.standing.discard(row)
        return counts if slack <= 0 else None

    def expected(self, row: int, now: int) -> list[float]:
        """Expected incidents per window that ends at `now`, which lies in the prepared hour."""
        quarter, into = divmod(now, self.quarter_panes)
        if quarter != self._quarter:
            self._quarter, self._lines = quarter, {}
        if into == 0:
            return [before for before, _, _ in self._line(row)]
        return [after + (into - 1) * step for _, after, step in self._line(row)]

    def counts(self, row: int, now: int) -> list[int]:
        """Incidents per window that ends at `now`."""
        panes = self.recent.panes[row]
        end = len(panes) if not panes or panes[-1] < now else bisect_left(panes, now)
        return [end - bisect_left(panes, now - window, 0, end) for window in self.windows]

    def _line(self, row: int) -> Line:
        line = self._lines.get(row)
        if line is None:
            steps, column = max(1, self.quarter_panes - 1), self._column.get(row)
            if column is None:
                means = self.outlook.means(row, self._quarter)
            else:
                first = 2 * (self._quarter % QUARTERS)
                means = self._edges[first : first + 3, :, column].tolist()
            line = self._lines[row] = [
                (before, after, (end - after) / steps) for before, after, end in zip(*means, strict=True)
            ]
        return line

    def hours_of_week(self, hours: Iterable[int]) -> Ints:
        """Local hour of the week per hour of UTC."""
        return np.array([self.hour_of_week(h) for h in hours], np.int64)

    def snapshot(self) -> Any:
        """Rows, sums, what is recent, and how rows were last seen."""
        return {
            "baseline": self.baseline.snapshot(self.fitted_rows),
            "later_cells": [list(cell) for cell in self.cells[self.fitted_rows :]],
            "fitted": self.fitted is not None,
            "hour": self.hour,
            "slack": list(self.slack),
            "seen_slack": self.seen_slack[: len(self.cells)].tolist(),
            "habits": self.habits.snapshot(),
            "recent": self.recent.snapshot(),
        }

    def restore(self, state: Any) -> None:
        """Take `snapshot` back, into a board as it was made."""
        self.baseline.restore(state["baseline"])
        self.habits.restore(state["habits"])
        for row in range(len(self.cells)):
            self._place(row)
        if state["fitted"]:
            self.refit()
        self.hour = state["hour"]
        for zone, crime_type in state["later_cells"]:
            row = self.baseline.add_row(zone, crime_type)
            self._place(row)
            if self.fitted is not None:
                self._expect_new(row)
        for row, (zone, _) in enumerate(self.cells):
            if zone != ANY:
                self._join(row)
        self.recent.restore(state["recent"], self.lanes)
        self.slack, self.seen_slack[: len(self.cells)] = list(state["slack"]), state["seen_slack"]
        if self.fitted is not None:  # before the first fit nothing is looked at
            self.standing = {row for row, slack in enumerate(self.slack) if slack <= 0}
