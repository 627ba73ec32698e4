"""Rolling counts over sparse panes: what enters and leaves at each tick, and corrections of ticks already published.

    pane     12:00   12:01   12:02          windows 2 and 5 panes
    cell A     +3      +1
    tick            12:01   12:02   12:03   12:04 …  12:06
    2 panes           3       4       1       0
    5 panes           3       4       4       4        1

Only ticks at which something enters or leaves are visited, so silence costs nothing. A cell's numbers at the ticks
that may still change are kept as a short series, so that a late partial can be put right tick by tick.
"""

from bisect import bisect_right
from collections.abc import Iterator
from heapq import heappop, heappush
from typing import NamedTuple

from streams.core.timeline import Timeline

Cell = tuple[str, ...]
Numbers = tuple[int, ...]
"""One count per window, in the order of the timeline's windows."""

Entering = tuple[Cell, int, int]
"""(cell, pane in which it counts, by how much)."""


class Tick(NamedTuple):
    """What happened at one tick: the cells whose numbers changed, and what became known."""

    tick: int
    changed: list[tuple[Cell, Numbers]]
    entered: list[Entering]


class Correction(NamedTuple):
    """The new numbers of a cell at a tick that was published before."""

    tick: int
    cell: Cell
    numbers: Numbers


class RollingCounts:
    """The rolling counts of one jurisdiction, for one kind of cell."""

    def __init__(self, timeline: Timeline) -> None:
        """Start before the first partial."""
        self._widths = timeline.widths
        self._zero: Numbers = (0,) * len(self._widths)
        self._longest = timeline.longest
        self.published: int | None = None  # the last tick published
        self.series: dict[Cell, list[tuple[int, Numbers]]] = {}  # changes, ascending; the last one stands
        self._panes: dict[int, dict[Cell, int]] = {}
        self._pane_heap: list[int] = []
        self._waiting: dict[int, list[Entering]] = {}  # tick → what has effect from it on
        self._due: list[int] = []  # heap of ticks to visit; may repeat
        self._overdue: list[
            tuple[Entering, int]
        ] = []  # with the published tick at which it should have entered
        self.untold: list[Entering] = []  # what corrections brought in since the last tick visited

    def enter(self, entering: Entering, tick: int) -> None:
        """Let something have effect from `tick` on. What is already published is put right by `correct`."""
        tick = max(tick, entering[1] + 1)
        if self.published is not None and tick <= self.published:
            self._overdue.append((entering, tick))
            return
        waiting = self._waiting.get(tick)
        if waiting is None:
            self._waiting[tick] = [entering]
            heappush(self._due, tick)
        else:
            waiting.append(entering)

    def visit(self, tick: int) -> None:
        """See to it that a tick to come is visited, even when nothing enters or leaves."""
        if self.published is None or tick > self.published:
            heappush(self._due, tick)

    def numbers(self, cell: Cell) -> Numbers:
        """How a cell stands at the last published tick."""
        series = self.series.get(cell)
        return series[-1][1] if series else self._zero

    def numbers_at(self, cell: Cell, tick: int) -> Numbers:
        """How a cell stands at a tick that may still change."""
        series = self.series.get(cell, [])
        at = bisect_right(series, tick, key=lambda change: change[0])
        return series[at - 1][1] if at else self._zero

    def correct(self) -> Iterator[Correction]:
        """Put right what entered at ticks already published.

        Every tick at which a number differs from what was published is said again, and the first one after a stretch
        of such ticks, since a tick without a record has the numbers of the one before.
        """
        overdue, self._overdue = self._overdue, []
        by_cell: dict[Cell, list[tuple[int, int, int]]] = {}
        for (cell, pane, n), tick in overdue:
            by_cell.setdefault(cell, []).append((pane, tick, n))
            self._hold(cell, pane, n)
            self.untold.append((cell, pane, n))
        for cell, entries in by_cell.items():
            yield from self._correct_cell(cell, entries)

    def _correct_cell(self, cell: Cell, entries: list[tuple[int, int, int]]) -> Iterator[Correction]:
        assert self.published is not None
        first = min(tick for _, tick, _ in entries)
        corrected = [change for change in self.series.get(cell, []) if change[0] < first]
        differed = False
        for tick in range(first, self.published + 1):
            old = self.numbers_at(cell, tick)
            new = list(old)
            for pane, since, n in entries:
                if since <= tick:
                    for i, width in enumerate(self._widths):
                        if tick <= pane + width:
                            new[i] += n
            numbers = tuple(new)
            if numbers != (corrected[-1][1] if corrected else self._zero):
                corrected.append((tick, numbers))
            if numbers != old or differed:
                yield Correction(tick, cell, numbers)
            differed = numbers != old
        self._stand(cell, corrected)

    def _stand(self, cell: Cell, series: list[tuple[int, Numbers]]) -> None:
        if series:
            self.series[cell] = series
        else:
            self.series.pop(cell, None)

    def advance(self, reached: int) -> Iterator[Tick]:
        """Publish the ticks up to `reached` at which something enters or leaves, in order.

        What came too late for its own tick is told (as `entered`) with the next tick visited.
        """
        while self._due and self._due[0] <= reached:
            tick = heappop(self._due)
            while self._due and self._due[0] == tick:
                heappop(self._due)
            yield self._visit(tick)
        if self.published is None or reached > self.published:
            self.published = reached

    def _visit(self, tick: int) -> Tick:
        """Let panes leave their windows and what was waiting enter."""
        changes: dict[Cell, list[int]] = {}
        for i, width in enumerate(self._widths):
            leaving = self._panes.get(tick - width - 1)
            if leaving:
                for cell, n in leaving.items():
                    self._change(changes, cell)[i] -= n
        self.published = tick  # before holding: a pane that is new now leaves at later ticks only
        entered = self._waiting.pop(tick, [])
        for cell, pane, n in entered:
            self._hold(cell, pane, n)
            change = self._change(changes, cell)
            for i, width in enumerate(self._widths):
                if tick <= pane + width:
                    change[i] += n
        changed = [said for cell, new in changes.items() if (said := self._settle(tick, cell, tuple(new)))]
        if self.untold:
            entered = self.untold + entered
            self.untold = []
        return Tick(tick, changed, entered)

    def _change(self, changes: dict[Cell, list[int]], cell: Cell) -> list[int]:
        change = changes.get(cell)
        if change is None:
            change = changes[cell] = list(self.numbers(cell))
        return change

    def _settle(self, tick: int, cell: Cell, numbers: Numbers) -> tuple[Cell, Numbers] | None:
        """Let new numbers stand; None when they are the old ones."""
        series = self.series.get(cell)
        if series is None:
            if numbers == self._zero:
                return None
            self.series[cell] = [(tick, numbers)]
        elif series[-1][1] == numbers:
            return None
        else:
            series.append((tick, numbers))
        return cell, numbers

    def _hold(self, cell: Cell, pane: int, n: int) -> None:
        """Add to a pane, and see to it that the ticks are visited at which it leaves a window."""
        held = self._panes.get(pane)
        if held is None:
            self._panes[pane] = {cell: n}
            heappush(self._pane_heap, pane)
            for width in self._widths:
                leaves = pane + width + 1
                if self.published is None or leaves > self.published:
                    heappush(self._due, leaves)
        else:
            held[cell] = held.get(cell, 0) + n

    def forget(self, oldest_open: int) -> list[int]:
        """Forget what no tick from `oldest_open` on can see: whole panes (returned) and old numbers."""
        gone = []
        while self._pane_heap and self._pane_heap[0] + self._longest + 1 < oldest_open:
            pane = heappop(self._pane_heap)
            del self._panes[pane]
            gone.append(pane)
        return gone

    def thin(self, oldest_open: int) -> None:
        """Drop numbers that stood only at ticks that can no longer change, and cells that stand at nothing."""
        for cell in list(self.series):
            series = self.series[cell]
            keep = bisect_right(series, oldest_open - 1, key=lambda change: change[0]) - 1
            if keep > 0:
                del series[:keep]
            if len(series) == 1 and series[0][1] == self._zero and series[0][0] < oldest_open:
                del self.series[cell]
