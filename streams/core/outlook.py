"""What is expected of each row in the windows that end within an hour: rates, habits of recording, planned occasions.

Rates are constant within an hour of the week, but an hour's incidents lie on its marks and between them as habits
have it. With `gone(h, q)` the share of hour h's incidents that is due until edge q of it, a window of w whole hours
that ends there has the mean

    Σ rates of the hours h-w … h-1   +   gone(h, q)·rate(h)   -   gone(h-w, q)·rate(h-w)

The sums are made once an hour for all rows, the edges for those with something in their windows; what else is asked for
is made when it is.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from streams.core.baseline import Expectation
from streams.core.civil import WEEK_H, HourOfWeek
from streams.core.evidence import WINDOW_HOURS
from streams.core.habits import QUARTERS, Habits
from streams.core.occasions import Calendar
from streams.core.profiles import Floats
from streams.core.recent import Ints

ROOM = 64  # rows that may come before the next fit without everything being copied
_LONGEST = max(WINDOW_HOURS)
_STARTS = [_LONGEST - width for width in WINDOW_HOURS]


class _Hour(NamedTuple):
    number: int
    whole: Floats  # (window, row) → expected in the window that ends at its start
    now: Floats  # (row,) → its rate
    then: Floats  # (window, row) → the rate of the hour in which the window begins


class _Gone(NamedTuple):
    hour: int
    shares: Floats  # (edge, 1 + window, type) → share gone of this hour, and of those in which windows begin
    of_type: dict[int, list[list[float]]]  # (edge, 1 + window), for types that were asked for


class Outlook:
    """Expected counts of a city's rows, for the expectation in force."""

    def __init__(self, hour_of_week: HourOfWeek, habits: Habits, calendar: Calendar) -> None:
        self.hour_of_week, self.habits, self.calendar = hour_of_week, habits, calendar
        self.cells: list[tuple[str, str]] = []
        self.rate: Floats = np.zeros((0, WEEK_H))
        self._by_hour: Floats = np.zeros((WEEK_H, 0))  # the same, all rows of an hour side by side
        self.type_of: Ints = np.zeros(0, np.int64)  # number of the crime type among the habits
        self._hour: _Hour | None = None
        self._gone: _Gone | None = None

    def begin(self, cells: list[tuple[str, str]], fitted: Expectation) -> None:
        """Take a new fit; `cells` grows with rows that come later."""
        rows = len(fitted.rate)
        self.cells, self.rate = cells, np.zeros((rows + ROOM, WEEK_H))
        self.rate[:rows] = fitted.rate
        self._by_hour = np.ascontiguousarray(self.rate.T)
        self.habits.fit()
        self.type_of = np.zeros(rows + ROOM, np.int64)
        self.type_of[:rows] = [self.habits.types.get(crime_type, 0) for _, crime_type in cells]
        self._hour = self._gone = None

    def add(self, row: int, rate: Floats) -> None:
        """A row that came after the fit."""
        if row >= len(self.rate):
            room = max(ROOM, 2 * row)
            self.rate = np.concatenate([self.rate, np.zeros((room - len(self.rate), WEEK_H))])
            self._by_hour = np.ascontiguousarray(self.rate.T)
            self.type_of = np.concatenate([self.type_of, np.zeros(room - len(self.type_of), np.int64)])
        self.rate[row] = self._by_hour[:, row] = rate
        self.type_of[row] = self.habits.types.get(self.cells[row][1], 0)
        self._hour = None

    def edges(self, rows: Ints, hour: int) -> Floats:
        """(edge, window, row) → expected in the windows that end at the edges of an hour's quarters.

        Edges: the start of a quarter and after its first pane (records are rounded to such marks), four times, and
        the end of the hour.
        """
        # `take` gives arrays in the order they are read below; indexing does not, and costs five times as much.
        sums, shares = self._in_hour(hour), self._gone_in(hour).shares
        of_types = shares.reshape(-1, shares.shape[-1]).take(self.type_of.take(rows), 1)
        gone = of_types.reshape(*shares.shape[:2], len(rows))
        means = gone[:, 1:] * sums.then.take(rows, 1)
        np.subtract(gone[:, :1] * sums.now.take(rows), means, out=means)
        means += sums.whole.take(rows, 1)
        expected: Floats = np.maximum(means, 0.0, out=means)
        return expected

    def lowest_of(self, row: int, hour: int) -> list[float]:
        """(window,) → the least that is expected of a row in a window that ends within the hour."""
        return list(map(min, *self._means(row, hour, slice(None))))

    def means(self, row: int, quarter: int) -> list[list[float]]:
        """(edge, window) → expected incidents of a row in the window that ends there.

        Edges: the start of the quarter, after its first pane (records are rounded to such marks), its end.
        """
        hour, part = divmod(quarter, QUARTERS)
        return self._means(row, hour, slice(2 * part, 2 * part + 3))

    def _means(self, row: int, hour: int, edges: slice) -> list[list[float]]:
        sums, gone, crime_type = self._in_hour(hour), self._gone_in(hour), int(self.type_of[row])
        shares = gone.of_type.get(crime_type)
        if shares is None:
            shares = gone.of_type[crime_type] = gone.shares[:, :, crime_type].tolist()
        now = float(sums.now[row])
        windows = list(zip(sums.whole[:, row].tolist(), sums.then[:, row].tolist(), strict=True))
        return [
            [
                max(now_gone * now - then_gone * then + whole, 0.0)
                for (whole, then), then_gone in zip(windows, thens_gone, strict=True)
            ]
            for now_gone, *thens_gone in shares[edges]
        ]

    def _gone_in(self, hour: int) -> _Gone:
        if self._gone is None or self._gone.hour != hour:
            local = self.hour_of_week
            days = [local(h) % 24 for h in (hour, *(hour - width for width in WINDOW_HOURS))]
            found = self.habits.shares[:, days].transpose(2, 3, 1, 0)  # (quarter, edge, 1 + window, type)
            marks = found[:, :2].reshape(
                2 * QUARTERS, len(days), -1
            )  # the end of one is the start of the next
            shares = np.concatenate([marks, found[-1:, 2]])
            if local(hour) % 24 == 0 and local.day_of_month(hour) == 1:
                shares[1:, 0] += self.habits.at_once * (1.0 - shares[1:, 0])  # a month begins: see there
            self._gone = _Gone(hour, shares, {})
        return self._gone

    def _in_hour(self, number: int) -> _Hour:
        if self._hour is None or self._hour.number != number:
            rows = len(self.cells)
            hours = [number - _LONGEST + i for i in range(_LONGEST + 1)]
            rate = self._by_hour[[self.hour_of_week(h) for h in hours], :rows]
            self._allow_for(rate, np.arange(rows), hours)
            passed = np.zeros_like(rate)  # expected from the first hour to the start of each hour
            for i in range(_LONGEST):  # row by row of the array: a tenth of what `cumsum` takes over columns
                np.add(passed[i], rate[i], out=passed[i + 1])
            self._hour = _Hour(number, passed[_LONGEST] - passed[_STARTS], rate[_LONGEST], rate[_STARTS])
        return self._hour

    def _allow_for(self, rate: Floats, rows: Ints, hours: Sequence[int]) -> None:
        """Multiply (hour, row) rates by what the first of a month and planned occasions bring."""
        for i, hour in enumerate(hours):
            if self.hour_of_week.day_of_month(hour) == 1:
                part = 0 if self.hour_of_week(hour) % 24 == 0 else 1
                rate[i] *= self.habits.first[self.type_of[rows], part]
            if self.calendar.during(hour, hour + 1):
                rate[i] *= [self.calendar.factor(self.cells[row], hour) for row in rows.tolist()]

    def allowance(self, row: int, hour: int) -> float:
        """How many times the usual is expected of a row in an hour, for a habit or a planned occasion."""
        rate = np.array([[1.0]])
        self._allow_for(rate, np.array([row]), [hour])
        return float(rate[0, 0])
