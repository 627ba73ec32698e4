"""The incidents of the last hours, by cell: what windows are counted from until the baseline has taken them in."""

from array import array
from bisect import bisect_left, insort
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


class Recent:
    """A log (row, pane, n) of zone cells, and per row (city totals too) the sorted panes of its incidents.

    The log serves whole rescans and the nightly fold, the sorted panes serve single cells. Memory follows the
    incidents of the kept hours.
    """

    def __init__(self) -> None:
        self.rows = array("q")
        self.log_panes = array("q")
        self.ns = array("q")
        self.panes: list[list[int]] = []
        self.newest = -1  # greatest pane ever taken in

    def add(self, lane: Sequence[int], pane: int, n: int) -> int:
        """Take in `n` more (fewer) incidents of `lane[0]` and its totals in `pane`; no more are taken out than lie there."""
        if n < 0:
            n = -min(-n, self._held(lane[0], pane))
        if n == 0:
            return 0
        self.newest = max(self.newest, pane)
        self.rows.append(lane[0])
        self.log_panes.append(pane)
        self.ns.append(n)
        for row in lane:
            self._put(self.panes[row], pane, n)
        return n

    @staticmethod
    def _put(panes: list[int], pane: int, n: int) -> None:
        if n > 0:
            for _ in range(n):
                insort(panes, pane)
        else:
            at = bisect_left(panes, pane)
            del panes[at : at - n]

    def _held(self, row: int, pane: int) -> int:
        panes = self.panes[row]
        return bisect_left(panes, pane + 1) - bisect_left(panes, pane)

    def first_in(self, row: int, start: int, end: int) -> int | None:
        """The pane of the first incident of `row` in the panes [start, end)."""
        panes = self.panes[row]
        at = bisect_left(panes, start)
        return panes[at] if at < len(panes) and panes[at] < end else None

    def window_counts(self, now: int, windows: Sequence[int], totals: Ints, city: int) -> Ints:
        """(window, row) → incidents in [now - window, now); windows ascend.

        `totals[row]` is the row of a zone cell's city total, `city` that of all types.
        """
        rows = len(totals)
        row, pane, n = self._log()
        inside = (pane < now) & (pane >= now - windows[-1])
        row, age, n = row[inside], now - pane[inside], n[inside]
        fits = np.searchsorted(windows, age) * rows  # the shortest window that holds it
        keys, times = np.concatenate([fits + row, fits + totals[row]]), np.concatenate([n, n])
        counts = np.bincount(keys, times, len(windows) * rows).reshape(len(windows), rows)
        counts[:, city] = np.bincount(fits // rows, n, len(windows))
        whole: Ints = counts.astype(np.int64)
        for i in range(1, len(windows)):  # row by row: `cumsum` over columns takes ten times as long
            whole[i] += whole[i - 1]
        return whole

    def hourly(self, first_pane: int, end_pane: int, panes_per_hour: int) -> tuple[Ints, Ints, Ints]:
        """The log in [first_pane, end_pane) as (row, hour, n), one entry per row and hour that has any."""
        row, pane, n = self.places(first_pane, end_pane)
        hour = pane // panes_per_hour
        if not len(row):
            return row, hour, n
        hours = int(hour.max()) - int(hour.min()) + 1
        key, position = np.unique(row * hours + (hour - hour.min()), return_inverse=True)
        total = np.bincount(position, n).astype(np.int64)
        return key // hours, key % hours + hour.min(), total

    def places(self, first_pane: int, end_pane: int) -> tuple[Ints, Ints, Ints]:
        """The log in [first_pane, end_pane) as it was written: (row, pane, n)."""
        row, pane, n = self._log()
        inside = (pane >= first_pane) & (pane < end_pane)
        return row[inside], pane[inside], n[inside]

    def forget(self, before_pane: int) -> None:
        """Drop what counts in panes below `before_pane`."""
        row, pane, n = self._log()
        keep = pane >= before_pane
        kept = [array("q", part[keep].tobytes()) for part in (row, pane, n)]
        del row, pane, n
        self.rows, self.log_panes, self.ns = kept
        for panes in self.panes:
            if panes and panes[0] < before_pane:
                del panes[: bisect_left(panes, before_pane)]

    def _log(self) -> tuple[Ints, Ints, Ints]:
        if not len(self.rows):
            empty = np.zeros(0, np.int64)
            return empty, empty, empty
        return (
            np.frombuffer(self.rows, np.int64),
            np.frombuffer(self.log_panes, np.int64),
            np.frombuffer(self.ns, np.int64),
        )

    def snapshot(self) -> Any:
        """The log; the sorted panes follow from it."""
        return [self.rows.tolist(), self.log_panes.tolist(), self.ns.tolist()]

    def restore(self, state: Any, lanes: Sequence[Sequence[int]]) -> None:
        """Take `snapshot` back; `lanes[row]` are a zone cell's row and its totals."""
        self.rows, self.log_panes, self.ns = (array("q", part) for part in state)
        self.panes = [[] for _ in lanes]
        self.newest = max(self.log_panes, default=-1)
        for row, pane, n in zip(self.rows, self.log_panes, self.ns, strict=True):
            for lane_row in lanes[row]:
                self._put(self.panes[lane_row], pane, n)
