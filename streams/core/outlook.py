"""What is expected of each row in the windows that end within an hour: rates, habits of recording, planned occasions.

Rates are constant within an hour of the week, but an hour's incidents lie on its marks and between them as habits
have it. With `gone(h, q)` the share of hour h's incidents that is due until edge q of it, a window of w whole hours
that ends there has the mean

    Σ rates of the hours h-w … h-1   +   gone(h, q)·rate(h)   -   gone(h-w, q)·rate(h-w)

The sums are made once an hour for all rows; the edges of a quarter only for the rows that are asked for.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from streams.core.baseline import Expectation
from streams.core.civil import HourOfWeek
from streams.core.evidence import WINDOW_HOURS
from streams.core.habits import QUARTERS, Habits
from streams.core.occasions import Calendar
from streams.core.profiles import Floats
from streams.core.recent import Ints

_LONGEST = max(WINDOW_HOURS)
_STARTS = [_LONGEST - width for width in WINDOW_HOURS]


class _Hour(NamedTuple):
    number: int
    whole: Floats  # (row, window) → expected in the window that ends at its start
    now: Floats  # (row,) → its rate
    then: Floats  # (row, window) → the rate of the hour in which the window begins


class Outlook:
    """Expected counts of a city's rows, for the expectation in force."""

    def __init__(self, hour_of_week: HourOfWeek, habits: Habits, calendar: Calendar) -> None:
        self.hour_of_week, self.habits, self.calendar = hour_of_week, habits, calendar
        self.cells: list[tuple[str, str]] = []
        self.rate: Floats = np.zeros((0, 168))
        self.type_of: Ints = np.zeros(0, np.int64)  # number of the crime type among the habits
        self._hour: _Hour | None = None
        self._gone: tuple[int, Floats] | None = None

    def begin(self, cells: list[tuple[str, str]], fitted: Expectation) -> None:
        """Take a new fit; `cells` grows with rows that come later."""
        self.cells, self.rate = cells, fitted.rate.copy()
        self.habits.fit()
        self.type_of = np.array([self.habits.types.get(crime_type, 0) for _, crime_type in cells], np.int64)
        self._hour = self._gone = None

    def add(self, row: int, rate: Floats) -> None:
        """A row that came after the fit."""
        if row >= len(self.rate):
            room = max(64, 2 * row)
            self.rate = np.concatenate([self.rate, np.zeros((room - len(self.rate), 168))])
            self.type_of = np.concatenate([self.type_of, np.zeros(room - len(self.type_of), np.int64)])
        self.rate[row] = rate
        self.type_of[row] = self.habits.types.get(self.cells[row][1], 0)
        self._hour = None

    def means(self, rows: Ints, quarter: int) -> Floats:
        """(row, edge, window) → expected incidents in the window that ends there.

        Edges: the start of the quarter, after its first pane (records are rounded to such marks), its end.
        """
        hour = self._in_hour(quarter // QUARTERS)
        gone = self._shares(quarter)[self.type_of[rows]]
        means: Floats = hour.whole[rows, None] + gone[:, :, :1] * hour.now[rows, None, None]
        means -= gone[:, :, 1:] * hour.then[rows, None]
        return np.maximum(means, 0.0)

    def _shares(self, quarter: int) -> Floats:
        """(type, edge, 1 + window) → share gone of this hour, and of those in which the windows begin."""
        if self._gone is None or self._gone[0] != quarter:
            hour, part = divmod(quarter, QUARTERS)
            local = self.hour_of_week
            days = [local(h) % 24 for h in (hour, *(hour - width for width in WINDOW_HOURS))]
            gone = self.habits.shares[:, days, part].swapaxes(1, 2).copy()
            if local(hour) % 24 == 0 and local.day_of_month(hour) == 1:
                gone[:, :, 0] = (0.0 if part == 0 else 1.0, 1.0, 1.0)  # a month begins: all may come at once
            self._gone = (quarter, gone)
        return self._gone[1]

    def _in_hour(self, number: int) -> _Hour:
        if self._hour is None or self._hour.number != number:
            rows = len(self.cells)
            hours = [number - _LONGEST + i for i in range(_LONGEST + 1)]
            rate = self.rate[:rows, [self.hour_of_week(h) for h in hours]]
            self._allow_for(rate, np.arange(rows), hours)
            passed = np.cumsum(rate, 1) - rate  # expected from the first hour to the start of each hour
            whole = passed[:, _LONGEST, None] - passed[:, _STARTS]
            self._hour = _Hour(number, whole, rate[:, _LONGEST].copy(), rate[:, _STARTS])
        return self._hour

    def _allow_for(self, rate: Floats, rows: Ints, hours: Sequence[int]) -> None:
        """Multiply (row, hour) rates by what the first of a month and planned occasions bring."""
        for i, hour in enumerate(hours):
            if self.hour_of_week.day_of_month(hour) == 1:
                part = 0 if self.hour_of_week(hour) % 24 == 0 else 1
                rate[:, i] *= self.habits.first[self.type_of[rows], part]
            if self.calendar.during(hour, hour + 1):
                rate[:, i] *= [self.calendar.factor(self.cells[row], hour) for row in rows.tolist()]

    def allowance(self, row: int, hour: int) -> float:
        """How many times the usual is expected of a row in an hour, for a habit or a planned occasion."""
        rate = np.array([[1.0]])
        self._allow_for(rate, np.array([row]), [hour])
        return float(rate[0, 0])
