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
from collections.abc import Iterable, Iterator
from heapq import heappop, heappush
from typing import NamedTuple

from streams.core.timeline import Timeline

Cell = tuple[str, ...]
Change = tuple[tuple[Cell, int, int], int]
"""((cell, pane in which it counts, tick from which it is known), by how much)."""

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


class _Standing:
    """How one cell stands, as one object: a tick changes its numbers in place, without looking the cell up."""

    __slots__ = ("cell", "held", "now", "series")

    def __init__(self, cell: Cell, windows: int) -> None:
        self.cell = cell
        self.held = 0  # panes that hold incidents of it
        self.now = [0] * windows
        self.series: list[tuple[int, Numbers]] = []  # changes, ascending; the last one stands


class RollingCounts:
    """The rolling counts of one jurisdiction, for one kind of cell."""

    def __init__(self, timeline: Timeline) -> None:
        """Start before the first partial."""
        self._widths = timeline.widths
        self._shortest = min(timeline.widths)
        self._zero: Numbers = (0,) * len(self._widths)
        self._longest = timeline.longest
        self.published: int | None = None  # the last tick published
        self.series: dict[Cell, list[tuple[int, Numbers]]] = {}  # changes, ascending; the last one stands
        self._standing: dict[Cell, _Standing] = {}
        self._panes: dict[int, dict[_Standing, int]] = {}
        self._pane_heap: list[int] = []
        self._waiting: dict[int, list[Entering] | None] = {}  # tick to visit → what has effect from it on
        self._due: list[int] = []  # heap of the same ticks
        self._overdue: list[
            tuple[Entering, int]
        ] = []  # with the published tick at which it should have entered
        self.untold: list[Entering] = []  # what corrections brought in since the last tick visited

    def enter(self, changes: Iterable[Change], not_before: int) -> None:
        """Let changes have effect, each from the tick on from which it is known, or from `not_before`.

        What should have had effect at ticks already published is put right by `correct`.
        """
        published, all_waiting = self.published, self._waiting
        for (cell, pane, known), n in changes:
            tick = max(known if known > pane else pane + 1, not_before)
            if published is not None and tick <= published:
                self._overdue.append(((cell, pane, n), tick))
                continue
            waiting = all_waiting.get(tick)
            if waiting is None:
                self.visit(tick)
                all_waiting[tick] = [(cell, pane, n)]
            else:
                waiting.append((cell, pane, n))

    def visit(self, tick: int) -> None:
        """See to it that a tick to come is visited, even when nothing enters or leaves."""
        if tick not in self._waiting and (self.published is None or tick > self.published):
            self._waiting[tick] = None
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

    def panes_with(self, cells: Iterable[Cell], panes: range) -> list[int]:
        """Those of `panes` in which anything was ever counted in one of these cells, newest first."""
        wanted = {standing for cell in cells if (standing := self._standing.get(cell)) is not None}
        found = [
            pane for pane, held in self._panes.items() if pane in panes and not held.keys().isdisjoint(wanted)
        ]
        return sorted(found, reverse=True)

    def correct(self) -> Iterator[Correction]:
        """Put right what entered at ticks already published.

        Every tick at which a number differs from what was published is said again, and the first one after a stretch
        of such ticks, since a tick without a record has the numbers of the one before.
        """
        overdue, self._overdue = self._overdue, []
        by_cell: dict[Cell, list[tuple[int, int, int]]] = {}
        for (cell, pane, n), tick in overdue:
            by_cell.setdefault(cell, []).append((pane, tick, n))
            self._hold(self._of(cell), pane, n)
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
        standing = self._of(cell)
        standing.series[:] = corrected
        standing.now = list(corrected[-1][1] if corrected else self._zero)
        if corrected:
            self.series[cell] = standing.series
        else:
            self.series.pop(cell, None)

    def advance(self, reached: int) -> Iterator[Tick]:
        """Publish the ticks up to `reached` at which something enters or leaves, in order.

        What came too late for its own tick is told (as `entered`) with the next tick visited.
        """
        while self._due and self._due[0] <= reached:
            yield self._visit(heappop(self._due))
        if self.published is None or reached > self.published:
            self.published = reached

    def _visit(self, tick: int) -> Tick:
        """Let panes leave their windows and what was waiting enter."""
        touched: dict[_Standing, int] = {}
        for i, width in enumerate(self._widths):
            leaving = self._panes.get(tick - width - 1)
            if leaving:
                touched.update(leaving)
                for standing, n in leaving.items():
                    standing.now[i] -= n
        self.published = tick  # before holding: a pane that is new now leaves at later ticks only
        entered = self._waiting.pop(tick) or []
        for cell, pane, n in entered:
            standing = self._of(cell)
            touched[standing] = n
            self._hold(standing, pane, n)
            self._add(standing.now, n, tick - pane)
        changed = self._settle(tick, touched)
        if self.untold:
            entered, self.untold = self.untold + entered, []
        return Tick(tick, changed, entered)

    def _of(self, cell: Cell) -> _Standing:
        standing = self._standing.get(cell)
        if standing is None:
            standing = self._standing[cell] = _Standing(cell, len(self._widths))
        return standing

    def _add(self, numbers: list[int], n: int, age: int) -> None:
        """Add what counts in a pane that began `age` panes ago to the windows that hold it."""
        if age <= self._shortest:  # nearly always: it is new, and in all of them
            numbers[:] = [number + n for number in numbers]
        else:
            for i, width in enumerate(self._widths):
                if age <= width:
                    numbers[i] += n

    def _settle(self, tick: int, touched: Iterable[_Standing]) -> list[tuple[Cell, Numbers]]:
        """Let new numbers stand; those that are not the old ones."""
        changed = []
        for standing in touched:
            cell, series, numbers = standing.cell, standing.series, tuple(standing.now)
            if series:
                if series[-1][1] == numbers:
                    continue
            elif numbers == self._zero:
                continue
            else:
                self.series[cell] = series
            series.append((tick, numbers))
            changed.append((cell, numbers))
        return changed

    def _hold(self, standing: _Standing, pane: int, n: int) -> None:
        """Add to a pane, and see to it that the ticks are visited at which it leaves a window."""
        held = self._panes.get(pane)
        if held is None:
            held = self._panes[pane] = {}
            heappush(self._pane_heap, pane)
            for width in self._widths:
                self.visit(pane + width + 1)
        before = held.get(standing)
        if before is None:
            held[standing] = n
            standing.held += 1
        else:
            held[standing] = before + n

    def forget(self, oldest_open: int) -> list[int]:
        """Forget what no tick from `oldest_open` on can see: whole panes (returned) and old numbers."""
        gone = []
        while self._pane_heap and self._pane_heap[0] + self._longest + 1 < oldest_open:
            pane = heappop(self._pane_heap)
            for standing in self._panes.pop(pane):
                standing.held -= 1
                self._let_go(standing)
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
                del self.series[cell], series[:]
                self._let_go(self._standing[cell])

    def _let_go(self, standing: _Standing) -> None:
        """Forget a cell of which nothing is held and nothing remembered."""
        if not standing.held and not standing.series:
            del self._standing[standing.cell]
