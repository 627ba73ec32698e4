"""Events of a source in the order in which they became known.

A source reads its files once, keeps what it needs of each row in a compact form, and makes the events while they are
iterated: a city's year fits in memory, and a reading can be iterated as often as needed.
"""

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np

from streams.sources.facts import Facts, OnProgress, SourceEvent, UnusableRow
from streams.sources.local_time import LocalTimes
from streams.sources.table import Row, Table

PARTS: Final = 16
"""Most events that one row can lead to; among equals they keep their order."""

_BEFORE_ALL: Final = -(2**62)

Make = Callable[[Any, int], SourceEvent]


class Entries:
    """Where each event of a reading stands in time, as three columns of integers (24 bytes an event)."""

    __slots__ = ("_code", "_known_from", "_order")

    def __init__(self) -> None:
        self._known_from = array("q")
        self._order = array("q")
        self._code = array("q")

    def add(self, known_from: int | None, order: int, code: int) -> None:
        """Note one event.

        Args:
            known_from: UTC ms; None stands before all others.
            order: decides among equals: number of the row × PARTS + place within the row.
            code: what the reading's `make` will be asked for.
        """
        self._known_from.append(_BEFORE_ALL if known_from is None else known_from)
        self._order.append(order)
        self._code.append(code)

    def __len__(self) -> int:
        return len(self._code)

    def sorted_codes(self) -> list[int]:
        """The codes by (known from, order). O(n log n)."""
        at = np.lexsort((np.array(self._order), np.array(self._known_from)))
        codes: list[int] = np.array(self._code)[at].tolist()
        return codes


class Reading:
    """Everything some files say, in order of (known from, row); iterating makes the events anew each time."""

    def __init__(self, facts: Facts, entries: Entries, items: Sequence[Any], make: Make) -> None:
        """Take what a source has read.

        Args:
            facts: complete counts.
            entries: all events and unusable rows; a code is `index of the item * PARTS + part`.
            items: what events are made from, and unusable rows as they are.
            make: (item, part) → event; a pure function.
        """
        self.facts = facts
        self._entries = entries
        self._items = items
        self._make = make

    def __len__(self) -> int:
        """Number of events and unusable rows."""
        return len(self._entries)

    def __iter__(self) -> Iterator[SourceEvent | UnusableRow]:
        """All of them, in order."""
        for code in self._entries.sorted_codes():
            item = self._items[code // PARTS]
            yield item if isinstance(item, UnusableRow) else self._make(item, code % PARTS)


class Collected:
    """What a source has taken in so far: facts, entries, and the items from which events will be made."""

    def __init__(self) -> None:
        self.facts = Facts()
        self.place: int | None = None  # known-from of the last row that had one: there an unusable row stands
        self._entries = Entries()
        self._items: list[Any] = []

    def usable(self, rows: Iterable[tuple[Table, Row | UnusableRow]]) -> Iterator[tuple[Table, Row]]:
        """Rows that are whole; the others are noted as unusable. All are counted."""
        for table, row in rows:
            self.facts.rows += 1
            if isinstance(row, UnusableRow):
                self.reject(row)
            else:
                yield table, row

    def keep(self, item: object) -> int:
        """Keep an item; returns the code of its part 0."""
        self._items.append(item)
        return (len(self._items) - 1) * PARTS

    def add(self, known_from: int, code: int, row: int | None = None) -> None:
        """Note one event.

        Args:
            known_from: UTC ms.
            code: of its item, plus the part.
            row: number of the row, from 1, whose place among equals it takes; the row just read when None.
        """
        self._entries.add(known_from, (self.facts.rows if row is None else row) * PARTS + code % PARTS, code)

    def reject(self, row: UnusableRow) -> None:
        """Note an unusable row."""
        self.facts.unusable += 1
        code = self.keep(row._replace(known_from=self.place))
        self._entries.add(self.place, self.facts.rows * PARTS + PARTS - 1, code)

    def reading(self, times: LocalTimes, make: Make) -> Reading:
        """All of it, when the last row has been read."""
        self.facts.ambiguous_times = times.ambiguous
        self.facts.nonexistent_times = times.nonexistent
        return Reading(self.facts, self._entries, self._items, make)


class Source(Protocol):
    """Files of one kind → events of one jurisdiction."""

    @property
    def name(self) -> str:
        """What `--source` calls it; of a mapping, the name of its file."""
        ...

    @property
    def jurisdiction(self) -> str:
        """The jurisdiction of all its events."""
        ...

    @property
    def time_zone(self) -> str:
        """IANA name of the zone in which naive times are read."""
        ...

    def read(self, paths: Sequence[Path], progress: OnProgress | None = None) -> Reading:
        """Read the files as one, whatever the order of their rows.

        Args:
            paths: CSV or JSON, gzipped or not.
            progress: told now and then, and at the end of each file.

        Raises:
            ConfigurationError: a file is missing, unreadable or lacks columns; all faults of all files at once.
        """
        ...
