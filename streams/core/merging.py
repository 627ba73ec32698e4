"""Merging the absolute partials of many source partitions: what changed, how far time has come, where to start.

    cells log   p3 up to 81002: net 7 for key K  ──▶  p3 said 5 before  ──▶  +2 for K
                p3 up to 80990: …                ──▶  not above p3's label: ignored whole

A label is (counting version, offset). Partials of a higher version than the one in force are collected aside, and
take the old one's place in one step when their offset reaches the old one's.
"""

from collections.abc import Collection, Iterator, Mapping
from heapq import heappop, heappush
from typing import Any, NamedTuple

from streams.core.cells import Cell, Key

SourceName = tuple[str, int]
"""(topic, partition)."""


class Change(NamedTuple):
    """`by` more for a key, of one source partition."""

    key: Key
    by: int


class CityPartials:
    """What one source partition (under one counting version) has said of one jurisdiction."""

    def __init__(self) -> None:
        """Nothing said yet."""
        self.greatest: int | None = None  # updated_at, ms
        self.raised_at = -1  # cells offset at which `greatest` last rose
        self.net: dict[Key, int] = {}
        self.named: dict[Key, tuple[list[str], list[str]]] = {}  # ids that came, ids that left
        self._by_pane: dict[int, list[Key]] = {}
        self._pane_heap: list[int] = []
        self._first_named: dict[int, int] = {}  # pane → cells offset that first named it
        self._oldest: list[tuple[int, int]] = []  # heap of (offset, pane), lazily cleaned
        self._forgotten_below = -(1 << 62)

    def take(self, part: Mapping[str, Any], offset: int) -> Iterator[Change]:
        """Take one message's part in, and say what changed."""
        greatest = part["greatest"]
        if self.greatest is None or greatest > self.greatest:
            self.greatest, self.raised_at = greatest, offset
        if "net" not in part:
            return
        cells = [tuple(cell) for cell in part["cells"]]
        gone: Mapping[str, list[str]] = part["gone"]
        rows = zip(part["cell"], part["pane"], part["known"], part["net"], part["ids"], strict=True)
        for row, (cell, pane, known, net, ids) in enumerate(rows):
            if pane < self._forgotten_below:
                continue  # a paused owner tells again what was heard and forgotten: no open tick sees it
            key = (cells[cell], pane, known)
            before = self.net.get(key)
            if before is None:
                self._first(key, offset)
            self.net[key] = net
            self.named[key] = (ids, gone.get(str(row), []) if gone else [])
            if net != (before or 0):
                yield Change(key, net - (before or 0))

    def _first(self, key: Key, offset: int) -> None:
        pane = key[1]
        keys = self._by_pane.get(pane)
        if keys is None:
            self._by_pane[pane] = [key]
            heappush(self._pane_heap, pane)
            self._first_named[pane] = offset
            heappush(self._oldest, (offset, pane))
        else:
            keys.append(key)

    def forget(self, below: int) -> None:
        """Forget the panes before `below`."""
        self._forgotten_below = max(below, self._forgotten_below)
        while self._pane_heap and self._pane_heap[0] < below:
            pane = heappop(self._pane_heap)
            for key in self._by_pane.pop(pane):
                del self.net[key], self.named[key]
            del self._first_named[pane]

    def start(self) -> int:
        """The oldest cells offset that a take-over must read for this."""
        while self._oldest and self._first_named.get(self._oldest[0][1]) != self._oldest[0][0]:
            heappop(self._oldest)
        return min(self.raised_at, self._oldest[0][0]) if self._oldest else self.raised_at

    def keys_in(self, first_pane: int, end_pane: int) -> Iterator[Key]:
        """The keys that count in panes [first_pane, end_pane), newest pane first."""
        for pane in sorted((p for p in self._by_pane if first_pane <= p < end_pane), reverse=True):
            yield from reversed(self._by_pane[pane])


class Version:
    """All that a source partition has said under one counting version."""

    def __init__(self, number: int, fingerprint: str, first_offset: int) -> None:
        """Nothing said yet; `first_offset` is the cells offset of its first message."""
        self.number = number
        self.fingerprint = fingerprint
        self.first_offset = first_offset
        self.offset = -1  # of the source log: the label
        self.raised_at = first_offset  # cells offset at which the label last rose
        self.cities: dict[str, CityPartials] = {}

    def take(self, label: Mapping[str, Any], offset: int) -> dict[str, list[Change]]:
        """Take a message in: jurisdiction → what changed."""
        self.offset, self.raised_at = label["offset"], offset
        changed = {}
        for part in label["cities"]:
            city = self.cities.setdefault(part["jurisdiction"], CityPartials())
            changed[part["jurisdiction"]] = list(city.take(part, offset))
        return changed

    def start(self) -> int:
        """The oldest cells offset that a take-over must read for this."""
        return min([self.raised_at, *(city.start() for city in self.cities.values())])


class Taken(NamedTuple):
    """What a message led to: jurisdiction → changes; `swapped` when another counting version came into force."""

    changes: dict[str, list[Change]]
    swapped: bool = False
    verdict: str = "taken"  # or why it was ignored


class SourcePartition:
    """One partition of a source topic as Watch knows it: the version in force, and one that may be coming."""

    def __init__(self) -> None:
        """Not heard of yet."""
        self.of = 0
        self.active: Version | None = None
        self.pending: Version | None = None

    def take(self, label: Mapping[str, Any], offset: int) -> Taken:
        """Take a cells message in; one whose label is not above what is known changes nothing."""
        number, fingerprint = label["version"], label["fingerprint"]
        self.of = label["of"]
        if self.active is None:
            self.active = Version(number, fingerprint, offset)
        if number < self.active.number:
            return Taken({}, verdict="lower_version")
        if number > self.active.number:
            return self._take_aside(label, offset)
        if fingerprint != self.active.fingerprint:
            return Taken({}, verdict="refused_version")
        if label["offset"] <= self.active.offset:
            return Taken({}, verdict="repeated")
        changes = self.active.take(label, offset)
        return self._swap() if self._is_behind() else Taken(changes)

    def _take_aside(self, label: Mapping[str, Any], offset: int) -> Taken:
        number, fingerprint = label["version"], label["fingerprint"]
        if self.pending is None or number > self.pending.number:
            self.pending = Version(number, fingerprint, offset)
        if number < self.pending.number:
            return Taken({}, verdict="lower_version")
        if fingerprint != self.pending.fingerprint:
            return Taken({}, verdict="refused_version")
        if label["offset"] <= self.pending.offset:
            return Taken({}, verdict="repeated")
        self.pending.take(label, offset)
        return self._swap() if self._is_behind() else Taken({}, verdict="aside")

    def _is_behind(self) -> bool:
        assert self.active is not None
        return self.pending is not None and self.pending.offset >= self.active.offset

    def _swap(self) -> Taken:
        """Put the version that was collected aside in the place of the old one."""
        old, new = self.active, self.pending
        assert old is not None
        assert new is not None
        changes = {}
        for name in sorted(old.cities.keys() | new.cities.keys()):
            was = old.cities[name].net if name in old.cities else {}
            now = new.cities[name].net if name in new.cities else {}
            keys = [*was, *(key for key in now if key not in was)]
            changes[name] = [Change(key, by) for key in keys if (by := now.get(key, 0) - was.get(key, 0))]
        self.active, self.pending = new, None
        return Taken(changes, swapped=True)

    def city(self, jurisdiction: str) -> CityPartials | None:
        """What is in force for a jurisdiction."""
        return self.active.cities.get(jurisdiction) if self.active else None

    def forget(self, jurisdiction: str, below: int) -> None:
        """Forget the panes of a jurisdiction before `below`, under either version."""
        for version in (self.active, self.pending):
            if version and jurisdiction in version.cities:
                version.cities[jurisdiction].forget(below)

    def start(self) -> int | None:
        """The oldest cells offset that a take-over must read for this partition."""
        starts = [version.start() for version in (self.active,) if version]
        if self.pending:
            starts.append(self.pending.first_offset)
        return min(starts, default=None)


def newest_ids(
    sources: Mapping[SourceName, SourcePartition], jurisdiction: str, cells: Collection[Cell], panes: range
) -> list[str]:
    """Ids of the incidents that count in these cells and panes, newest first, as far as partials name them."""
    return [incident_id for _, incident_id in known_ids(sources, jurisdiction, cells, panes)]


def known_ids(
    sources: Mapping[SourceName, SourcePartition],
    jurisdiction: str,
    cells: Collection[Cell],
    panes: range,
    tick: int | None = None,
) -> list[tuple[int, str]]:
    """(tick from which it is known, id) of the same; only what is known at `tick`, where one is given.

    An incident that moved from one of the cells to another left once and came twice: it counts.
    """
    known: dict[str, int] = {}
    net: dict[str, int] = {}
    for source in sources.values():
        city = source.city(jurisdiction)
        if city is None:
            continue
        for key in city.keys_in(panes.start, panes.stop):
            if key[0] in cells and (tick is None or key[2] <= tick):
                ids, gone = city.named[key]
                for incident_id in ids:
                    known[incident_id] = max(key[2], known.get(incident_id, key[2]))
                    net[incident_id] = net.get(incident_id, 0) + 1
                for incident_id in gone:
                    net[incident_id] = net.get(incident_id, 0) - 1
    counting = ((known[incident_id], incident_id) for incident_id, n in net.items() if n > 0)
    return sorted(counting, key=lambda each: (-each[0], each[1]))
