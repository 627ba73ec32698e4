"""Partials: what one source partition has counted so far, in absolute numbers.

A partial says "net 7 for (cell, counts in pane 12:30, known from tick 12:31)". It is absolute, so hearing it twice
changes nothing. A *cell* is a tuple of words: (zone, crime type) for counts, (agency, priority, kpi, bucket) for
response intervals.

`Partials` is the side of the partition that counts; `streams.core.merging` is the side that adds partitions up.
"""

from collections.abc import Iterable, Mapping
from heapq import heappop, heappush
from typing import Final, NamedTuple

Cell = tuple[str, ...]
Key = tuple[Cell, int, int]
"""(cell, pane in which it counts, tick from which it is known)."""

NAMED_IDS: Final = 8
"""Newest incident ids that a partial carries per key, so that an alert can name them. A cap, not a count."""


class Columns(NamedTuple):
    """Partials side by side, one row per key: the form in which they travel.

    Row i says: net[i] for cells[cell[i]] counting in pane[i], known from tick known[i]; ids[i] came, gone[i] left.
    """

    cells: list[Cell]
    cell: list[int]
    pane: list[int]
    known: list[int]
    net: list[int]
    ids: list[list[str]]
    gone: Mapping[int, list[str]]  # row → ids that a negative contribution took out of the cell; mostly empty


class Partials:
    """The partials of one (source partition, jurisdiction), and which of them the current batch touched."""

    def __init__(self, longest: int) -> None:
        """Start empty. `longest`: the longest window in panes; older keys are of no use to any tick."""
        self._longest = longest
        self._net: dict[Key, list[int | str]] = {}  # [net, newest ids …]
        self._gone: dict[Key, list[str]] = {}
        self._by_pane: dict[int, list[Key]] = {}
        self._panes: list[int] = []  # heap of the panes in _by_pane
        self._forgotten_below = -(1 << 62)
        self._touched: dict[Key, None] = {}  # in order, so that equal batches send equal bytes

    def add(self, key: Key, incident_id: str) -> None:
        """One more incident contributes plus one to a key."""
        if key[1] < self._forgotten_below:
            return  # in no window of a tick that may still change
        said = self._net.get(key)
        if said is None:
            self._put(key, [1, incident_id])
        else:
            said[0] += 1  # type: ignore[operator]
            said.append(incident_id)
            if len(said) > NAMED_IDS + 1:
                del said[1]
        self._touched[key] = None

    def _put(self, key: Key, said: list[int | str]) -> None:
        """Keep a key that was not there."""
        self._net[key] = said
        pane = self._by_pane.get(key[1])
        if pane is None:
            self._by_pane[key[1]] = [key]
            heappush(self._panes, key[1])
        else:
            pane.append(key)

    def change(self, old: Mapping[Key, int], new: Mapping[Key, int], incident_id: str) -> bool:
        """Replace the contributions of one incident; True when any key changed."""
        changed = False
        for key in [*old, *(key for key in new if key not in old)]:
            was, now = old.get(key, 0), new.get(key, 0)
            if was != now and key[1] >= self._forgotten_below:
                self._replace(key, was, now, incident_id)
                changed = True
        return changed

    def shift(self, old: Mapping[Key, int], new: Mapping[Key, int]) -> bool:
        """Replace contributions of any size, which name no incidents; True when any key changed."""
        changed = False
        for key in [*old, *(key for key in new if key not in old)]:
            by = new.get(key, 0) - old.get(key, 0)
            if by and key[1] >= self._forgotten_below:
                self._shift(key, by)
                changed = True
        return changed

    def _replace(self, key: Key, was: int, now: int, incident_id: str) -> None:
        """One incident's contribution to a key goes from `was` to `now`, each -1, 0 or 1."""
        if now == 1:
            self.add(key, incident_id)
        else:
            self._shift(key, now if now < 0 else 0)
        said = self._net[key]
        if was == 1:
            said[0] -= 1  # type: ignore[operator]
            if incident_id in said[1:]:
                said.remove(incident_id)
        if was == -1:
            said[0] += 1  # type: ignore[operator]
            self._gone[key].remove(incident_id)
        if now == -1:
            self._gone.setdefault(key, []).append(incident_id)

    def _shift(self, key: Key, by: int) -> None:
        """Change the net of a key without naming an incident."""
        said = self._net.get(key)
        if said is None:
            self._put(key, [by])
        else:
            said[0] += by  # type: ignore[operator]
        self._touched[key] = None

    def forget(self, oldest_open: int) -> None:
        """Forget the panes that are in no window of tick `oldest_open` or later."""
        below = oldest_open - self._longest
        if below <= self._forgotten_below:
            return
        self._forgotten_below = below
        while self._panes and self._panes[0] < below:
            for key in self._by_pane.pop(heappop(self._panes)):
                del self._net[key]
                self._gone.pop(key, None)
                self._touched.pop(key, None)

    def take_touched(self) -> Columns | None:
        """All keys touched since the last call, a net of 0 too, as columns; None when there are none."""
        if not self._touched:
            return None
        touched, self._touched = self._touched, {}
        return self._columns(touched)

    def everything(self) -> Columns:
        """All keys, for comparing two folds."""
        return self._columns(sorted(self._net))

    def _columns(self, keys: Iterable[Key]) -> Columns:
        index: dict[Cell, int] = {}
        columns = Columns([], [], [], [], [], [], {})
        gone: dict[int, list[str]] = columns.gone  # type: ignore[assignment]
        for key in keys:
            cell, pane, known = key
            said = self._net[key]
            columns.cell.append(index.setdefault(cell, len(index)))
            columns.pane.append(pane)
            columns.known.append(known)
            columns.net.append(said[0])  # type: ignore[arg-type]
            columns.ids.append(said[1:])  # type: ignore[arg-type]
            if self._gone and self._gone.get(key):
                gone[len(columns.net) - 1] = list(self._gone[key])
        columns.cells.extend(index)
        return columns
