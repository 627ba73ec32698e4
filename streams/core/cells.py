"""Partials: what one source partition has counted so far, in absolute numbers.

A partial says "net 7 for (cell, counts in pane 12:30, known from tick 12:31)". It is absolute, so hearing it twice
changes nothing. A *cell* is a tuple of words: (zone, crime type) for counts, (agency, priority, kpi, bucket) for
response intervals.

`Partials` is the side of the partition that counts; `streams.core.merging` is the side that adds partitions up.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

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
    ids: Sequence[Sequence[str]]
    gone: Mapping[int, list[str]]  # row → ids that a negative contribution took out of the cell; mostly empty


Said = tuple[Any, ...]
"""(net, newest ids …): a plain tuple, which the garbage collector stops looking at."""

BLOCK: Final = 64
"""Panes whose keys are kept, and forgotten, together: an hour of minutes, little beside the longest window."""


class Partials:
    """The partials of one (source partition, jurisdiction), and which of them the current batch touched."""

    def __init__(self, longest: int) -> None:
        """Start empty. `longest`: the longest window in panes; older keys are of no use to any tick."""
        self._longest = longest
        self._blocks: dict[int, dict[Key, Said]] = {}  # pane // BLOCK → what was said of its keys
        self._gone: dict[Key, list[str]] = {}
        self._forgotten_below = -(1 << 62)
        self._touched: dict[Key, None] = {}  # in order, so that equal batches send equal bytes

    def add(self, key: Key, incident_id: str) -> None:
        """One more incident contributes plus one to a key."""
        pane = key[1]
        if pane < self._forgotten_below:
            return  # in no window of a tick that may still change
        block = self._blocks.get(pane // BLOCK)
        if block is None:
            block = self._blocks[pane // BLOCK] = {}
        said = block.get(key)
        if said is None:
            block[key] = (1, incident_id)
        else:
            oldest = 1 if len(said) <= NAMED_IDS else 2
            block[key] = (said[0] + 1, *said[oldest:], incident_id)
        self._touched[key] = None

    def change(self, old: Mapping[Key, int], new: Mapping[Key, int], incident_id: str) -> bool:
        """Replace the contributions of one incident; True when any key changed."""
        changed = False
        for key in [*old, *(key for key in new if key not in old)]:
            was, now = old.get(key, 0), new.get(key, 0)
            if was != now and key[1] >= self._forgotten_below:
                self._replace(key, was, now, incident_id)
                changed = True
        return changed

    def shift(self, changes: Iterable[tuple[Key, int]]) -> bool:
        """Change keys by any amount, which names no incidents; True when any key changed."""
        changed = False
        for key, by in changes:
            if by and key[1] >= self._forgotten_below:
                self._shift(key, by)
                changed = True
        return changed

    def _replace(self, key: Key, was: int, now: int, incident_id: str) -> None:
        """One incident's contribution to a key goes from `was` to `now`, each -1, 0 or 1."""
        if now == 1:
            self.add(key, incident_id)
        if was == 1:
            self._unname(key, incident_id)
        by = now - was - (now == 1)
        if by:
            self._shift(key, by)
        if was == -1:
            self._gone[key].remove(incident_id)
        if now == -1:
            self._gone.setdefault(key, []).append(incident_id)

    def _unname(self, key: Key, incident_id: str) -> None:
        """Name an incident no longer, if it is among the newest."""
        block = self._blocks[key[1] // BLOCK]
        net, *ids = block[key]
        if incident_id in ids:
            ids.remove(incident_id)
            block[key] = (net, *ids)

    def _shift(self, key: Key, by: int) -> None:
        """Change the net of a key without naming an incident."""
        block = self._blocks.setdefault(key[1] // BLOCK, {})
        net, *ids = block.get(key, (0,))
        block[key] = (net + by, *ids)
        self._touched[key] = None

    def forget(self, oldest_open: int) -> None:
        """Forget the panes that are in no window of tick `oldest_open` or later, as soon as their block is over."""
        below = oldest_open - self._longest
        if below <= self._forgotten_below:
            return
        first = below // BLOCK
        if first > self._forgotten_below // BLOCK:
            for block in [block for block in self._blocks if block < first]:
                del self._blocks[block]
            for key in [key for key in self._gone if key[1] // BLOCK < first]:
                del self._gone[key]
        self._forgotten_below = below

    def take_touched(self) -> Columns | None:
        """All keys touched since the last call, a net of 0 too, as columns; None when there are none."""
        if not self._touched:
            return None
        touched, self._touched = self._touched, {}
        return self._columns(list(touched))

    def leave_touched(self) -> None:
        """Nobody needs to hear of the keys touched since the last call."""
        self._touched = {}

    def everything(self) -> Columns:
        """All keys, for comparing two folds."""
        keys = (key for block in self._blocks.values() for key in block if key[1] >= self._forgotten_below)
        return self._columns(sorted(keys))

    def _columns(self, keys: Sequence[Key]) -> Columns:
        index: dict[Cell, int] = {}
        said = [self._blocks[key[1] // BLOCK][key] for key in keys]
        named = self._gone  # nearly always empty
        gone = {row: list(named[key]) for row, key in enumerate(keys) if named.get(key)} if named else {}
        return Columns(
            cell=[index.setdefault(key[0], len(index)) for key in keys],
            pane=[key[1] for key in keys],
            known=[key[2] for key in keys],
            net=[each[0] for each in said],
            ids=[each[1:] for each in said],
            gone=gone,
            cells=list(index),
        )
