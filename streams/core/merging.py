"""Merging the absolute partials of many source partitions: what changed, how far time has come, where to start.

    cells log   p3 up to 81002: net 7 for key K  ──▶  p3 said 5 before  ──▶  +2 for K
                p3 up to 80990: …                ──▶  not above p3's label: ignored whole

A label is (counting version, offset). Partials of a higher version than the one in force are collected aside, and
take the old one's place in one step when their offset reaches the old one's.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from heapq import heappop, heappush
from typing import Any, NamedTuple

from streams.core.cells import Cell, Key
from streams.core.timeline import Timeline

SourceName = tuple[str, int]
"""(topic, partition)."""


Change = tuple[Key, int]
"""A key, and how much more one source partition says of it."""

Said = tuple[Any, ...]
"""(net, newest ids …) of a key: a plain tuple, which the garbage collector stops looking at."""


class CityPartials:
    """What one source partition (under one counting version) has said of one jurisdiction."""

    def __init__(self, forgotten_below: int = -(1 << 62)) -> None:
        """Nothing said yet; panes before `forgotten_below` are of no use to any tick."""
        self.greatest: int | None = None  # updated_at, ms
        self.raised_at = -1  # cells offset at which `greatest` last rose
        self.first_greatest = 0  # as it was first heard; where `cells` was cut, as it was heard a while after
        self.whole_from: int | None = None  # the first pane of which its fold knows all; None: all of them
        self._panes: dict[int, dict[Key, Said]] = {}  # whole panes are forgotten at once
        self._gone: dict[Key, list[str]] = {}  # ids that left; mostly empty
        self._pane_heap: list[int] = []
        self._first_named: dict[int, int] = {}  # pane → cells offset that first named it
        self._oldest: list[tuple[int, int]] = []  # heap of (offset, pane), lazily cleaned
        self._forgotten_below = forgotten_below

    def take(self, part: Mapping[str, Any], offset: int) -> list[Change]:
        """Take one message's part in, and say what changed."""
        greatest = part["greatest"]
        if self.greatest is None:
            self.first_greatest = greatest
        if "whole_from" in part:
            self.whole_from = max(part["whole_from"], self.whole_from or part["whole_from"])
        if self.greatest is None or greatest > self.greatest:
            self.greatest, self.raised_at = greatest, offset
        if "net" not in part:
            return []
        changes: list[Change] = []
        cells = [cell_of(*cell) for cell in part["cells"]]
        for cell, pane, known, net, ids in zip(
            part["cell"], part["pane"], part["known"], part["net"], part["ids"], strict=True
        ):
            if pane < self._forgotten_below:
                continue  # a paused owner tells again what was heard and forgotten: no open tick sees it
            held = self._panes.get(pane)
            if held is None:
                held = self._begin(pane, offset)
            key = (cells[cell], pane, known)
            before = held.get(key)
            held[key] = (net, *ids)
            by = net if before is None else net - before[0]
            if by:
                changes.append((key, by))
        if part["gone"] or self._gone:
            self._note_gone(part, cells)
        return changes

    def _note_gone(self, part: Mapping[str, Any], cells: Sequence[Cell]) -> None:
        """Which ids have left the keys of a message."""
        gone: Mapping[str, list[str]] = part["gone"]
        for row, (cell, pane, known) in enumerate(
            zip(part["cell"], part["pane"], part["known"], strict=True)
        ):
            key = (cells[cell], pane, known)
            self._gone.pop(key, None)
            if pane >= self._forgotten_below and str(row) in gone:
                self._gone[key] = gone[str(row)]

    def _begin(self, pane: int, offset: int) -> dict[Key, Said]:
        held: dict[Key, Said] = {}
        self._panes[pane] = held
        heappush(self._pane_heap, pane)
        self._first_named[pane] = offset
        heappush(self._oldest, (offset, pane))
        return held

    def forget(self, below: int) -> None:
        """Forget the panes before `below`."""
        self._forgotten_below = max(below, self._forgotten_below)
        while self._pane_heap and self._pane_heap[0] < below:
            pane = heappop(self._pane_heap)
            held = self._panes.pop(pane)
            for key in held if self._gone else ():
                self._gone.pop(key, None)
            del self._first_named[pane]

    def known_from(self, timeline: Timeline, *, cut: bool) -> int | None:
        """The first pane of which nothing is missing; None: all of them.

        Args:
            timeline: of the source topic.
            cut: whether `cells` begins after what a take-over would need: what was said before, counts at most a day
                after its `updated_at`.
        """
        found = [] if self.whole_from is None else [self.whole_from]
        if cut:
            found.append(timeline.pane(self.first_greatest) + timeline.day + 1)
        return max(found, default=None)

    def start(self) -> int:
        """The oldest cells offset that a take-over must read for this."""
        while self._oldest and self._first_named.get(self._oldest[0][1]) != self._oldest[0][0]:
            heappop(self._oldest)
        return min(self.raised_at, self._oldest[0][0]) if self._oldest else self.raised_at

    def nets(self) -> dict[Key, int]:
        """Every key with its net."""
        return {key: said[0] for held in self._panes.values() for key, said in held.items()}

    def named_in(self, pane: int, cells: Collection[Cell]) -> list[tuple[Key, Sequence[str], Sequence[str]]]:
        """(key, ids that came, ids that left) of these cells in a pane."""
        held = self._panes.get(pane, {})
        return [(key, said[1:], self._gone.get(key, ())) for key, said in held.items() if key[0] in cells]


@lru_cache(maxsize=65_536)
def cell_of(*words: str) -> Cell:
    """A cell as one object, however often it is named: that saves memory."""
    return words


class Version:
    """All that a source partition has said under one counting version."""

    def __init__(
        self, number: int, fingerprint: str, first_offset: int, forgotten: Mapping[str, int]
    ) -> None:
        """Nothing said yet.

        Args:
            number: which it is.
            fingerprint: of what it counts.
            first_offset: cells offset of its first message.
            forgotten: jurisdiction → the pane before which nothing is held; kept up to date by its owner.
        """
        self.number = number
        self.fingerprint = fingerprint
        self.first_offset = first_offset
        self.offset = -1  # of the source log: the label
        self.raised_at = first_offset  # cells offset at which the label last rose
        self.cities: dict[str, CityPartials] = {}
        self._forgotten = forgotten

    def take(self, label: Mapping[str, Any], offset: int) -> dict[str, list[Change]]:
        """Take a message in: jurisdiction → what changed."""
        self.offset, self.raised_at = label["offset"], offset
        changed = {}
        for part in label["cities"]:
            name = part["jurisdiction"]
            city = self.cities.get(name)
            if city is None:
                below = self._forgotten.get(name)
                city = self.cities[name] = CityPartials() if below is None else CityPartials(below)
            changed[name] = city.take(part, offset)
        return changed

    def start(self) -> int:
        """The oldest cells offset that a take-over must read for this."""
        return min([self.raised_at, *(city.start() for city in self.cities.values())])


class Taken(NamedTuple):
    """What a message led to: jurisdiction → changes; all that differs where another counting version came into force."""

    changes: dict[str, list[Change]]
    verdict: str = "taken"  # or why it was ignored


class Swap(NamedTuple):
    """Where one counting version took the place of another."""

    offset: int  # in cells
    before: int  # the version that was in force until then
    last_heard: int  # cells offset at which the old version's label last rose


class SourcePartition:
    """One partition of a source topic as Watch knows it: the version in force, and one that may be coming."""

    def __init__(self, in_force: int | None = None) -> None:
        """Not heard of yet.

        Args:
            in_force: the counting version that was in force where reading `cells` begins; a higher one waits for
                its label. None: the first that is heard of.
        """
        self.of = 0
        self.active: Version | None = None
        self.pending: Version | None = None
        self.swaps: list[Swap] = []  # those that a take-over may have to go through again
        self._in_force = in_force
        self._forgotten: dict[str, int] = {}

    def take(self, label: Mapping[str, Any], offset: int) -> Taken:
        """Take a cells message in; one whose label is not above what is known changes nothing."""
        number, fingerprint = label["version"], label["fingerprint"]
        self.of = label["of"]
        in_force = self.version
        if in_force is None:
            in_force = number
        if number < in_force:
            return Taken({}, verdict="lower_version")
        if number > in_force:
            return self._take_aside(label, offset)
        if self.active is None:
            self.active = Version(number, fingerprint, offset, self._forgotten)
        if fingerprint != self.active.fingerprint:
            return Taken({}, verdict="refused_version")
        if label["offset"] <= self.active.offset:
            return Taken({}, verdict="repeated")
        changes = self.active.take(label, offset)
        return self._swap(offset) if self._is_behind() else Taken(changes)

    @property
    def version(self) -> int | None:
        """The counting version in force; None before the first was heard of."""
        return self._in_force if self.active is None else self.active.number

    def version_at(self, offset: int) -> int | None:
        """The counting version that was in force before the message of `cells` at an offset."""
        return next((swap.before for swap in self.swaps if swap.offset >= offset), self.version)

    def _take_aside(self, label: Mapping[str, Any], offset: int) -> Taken:
        number, fingerprint = label["version"], label["fingerprint"]
        if self.pending is None or number > self.pending.number:
            self.pending = Version(number, fingerprint, offset, self._forgotten)
        if number < self.pending.number:
            return Taken({}, verdict="lower_version")
        if fingerprint != self.pending.fingerprint:
            return Taken({}, verdict="refused_version")
        if label["offset"] <= self.pending.offset:
            return Taken({}, verdict="repeated")
        self.pending.take(label, offset)
        return self._swap(offset) if self._is_behind() else Taken({}, verdict="aside")

    def _is_behind(self) -> bool:
        if self.active is None or self.pending is None:
            return False
        return self.pending.offset >= self.active.offset

    def _swap(self, offset: int) -> Taken:
        """Put the version that was collected aside in the place of the old one."""
        old, new = self.active, self.pending
        assert old is not None
        assert new is not None
        changes = {}
        for name in sorted(old.cities.keys() | new.cities.keys()):
            was = old.cities[name].nets() if name in old.cities else {}
            now = new.cities[name].nets() if name in new.cities else {}
            keys = sorted(was.keys() | now.keys())
            changes[name] = [(key, by) for key in keys if (by := now.get(key, 0) - was.get(key, 0))]
        self.active, self.pending = new, None
        self.swaps.append(Swap(offset, old.number, old.raised_at))
        return Taken(changes)

    def city(self, jurisdiction: str) -> CityPartials | None:
        """What is in force for a jurisdiction."""
        return self.active.cities.get(jurisdiction) if self.active else None

    def forget(self, jurisdiction: str, below: int) -> None:
        """Forget the panes of a jurisdiction before `below`, under either version, and one still to come."""
        self._forgotten[jurisdiction] = below
        for version in (self.active, self.pending):
            if version and jurisdiction in version.cities:
                version.cities[jurisdiction].forget(below)

    def forget_swaps(self, before: int) -> None:
        """Forget the swaps that no take-over will go through again: it begins at `before`."""
        if self.swaps:
            self.swaps = [swap for swap in self.swaps if swap.offset >= before]

    def settle(self, jurisdictions: Iterable[str]) -> None:
        """Soon after a cut: what is gone may have told of later times than the first message, a repeat, does."""
        for version in (self.active, self.pending):
            for name in jurisdictions:
                city = version.cities.get(name) if version else None
                if city is not None and city.greatest is not None:
                    city.first_greatest = city.greatest

    def start(self) -> int | None:
        """The oldest cells offset that a take-over must read for this partition."""
        starts = [version.start() for version in (self.active,) if version]
        if self.pending:
            starts.append(self.pending.first_offset)
        return min(starts, default=None)


def known_ids(
    cities: Collection[CityPartials],
    cells: Collection[Cell],
    panes: Iterable[int],
    tick: int | None = None,
    most: int | None = None,
) -> list[tuple[int, str]]:
    """(tick from which it is known, id) of the incidents that count in these cells and panes, those known last first.

    As far as partials name them. An incident that moved from one of the cells to another left once and came twice: it
    counts. What left a pane had come in it, so panes are independent of each other.

    Args:
        cities: what each source partition says of the jurisdiction.
        cells: in which they count.
        panes: the newest first.
        tick: only what is known at this tick; None for all.
        most: stop after the pane with which there are so many.
    """
    found: list[tuple[int, str]] = []
    for pane in panes:
        known: dict[str, int] = {}
        net: dict[str, int] = {}
        for city in cities:
            for key, ids, gone in city.named_in(pane, cells):
                if tick is None or key[2] <= tick:
                    for incident_id in ids:
                        known[incident_id] = max(key[2], known.get(incident_id, key[2]))
                        net[incident_id] = net.get(incident_id, 0) + 1
                    for incident_id in gone:
                        net[incident_id] = net.get(incident_id, 0) - 1
        found += [(known[incident_id], incident_id) for incident_id, n in net.items() if n > 0]
        if most is not None and len(found) >= most:
            break
    return sorted(found, key=lambda each: (-each[0], each[1]))
