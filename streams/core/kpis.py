"""Response KPIs: compliance with benchmarks over rolling windows, from bucket cells.

Compliance is a percentile measure (share of intervals within the threshold), never only a mean: NFPA 1710, NFPA 1225.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from schemas.emissions import KpiValue
from schemas.vocabulary import ANY
from streams.core.dispatches import ABSURD, BEYOND, MISSING, NEGATIVE, SUM
from streams.core.windows import Cell, Numbers

KPI_WINDOWS_MS: Final[Mapping[str, int]] = {"1h": 3_600_000, "24h": 86_400_000, "7d": 604_800_000}
"""Over which response KPIs are measured."""

LEFT_OUT: Final = (MISSING, NEGATIVE, ABSURD)


class Target(NamedTuple):
    """At most `threshold_s` is good enough for an interval of an agency and priority (`*`: any)."""

    kpi: str
    threshold_s: float
    agency: str = ANY
    priority: str = ANY


def target_for(targets: Sequence[Target], kpi: str, agency: str, priority: str) -> Target | None:
    """The target that holds: one that names the agency and the priority beats one that does not."""
    fitting = [
        t for t in targets if t.kpi == kpi and t.agency in (agency, ANY) and t.priority in (priority, ANY)
    ]
    return max(fitting, key=lambda t: (t.agency != ANY, t.priority != ANY), default=None)


Group = tuple[str, str, str]
"""(agency, priority or `*`, kpi)."""

COUNT: Final = 0
WITHIN: Final = 1
SUM_MS: Final = 2
OMITTED: Final = 3


class Sums:
    """What is published of one group, per window: [count, within, sum of the lengths in ms, left out]."""

    __slots__ = ("target", "windows")

    def __init__(self, target: Target | None, windows: int) -> None:
        """Nothing counted."""
        self.target = target
        self.windows = [[0, 0, 0, 0] for _ in range(windows)]


class Compliance:
    """How the response intervals of one jurisdiction are judged.

    Follows the bucket cells from tick to tick: a cell that changes moves the sums of its two groups, that of its
    priority and that of all priorities, and only windows of which a sum changed are said again.
    """

    def __init__(
        self, jurisdiction: str, windows: Sequence[str], bounds_s: Sequence[float], targets: Sequence[Target]
    ) -> None:
        """`windows`: names, in the order of the numbers; `bounds_s` as the buckets were made with."""
        self._jurisdiction = jurisdiction
        self._windows = tuple(windows)
        self._targets = tuple(targets)
        self._bounds = {f"{bound:g}": bound for bound in bounds_s}
        self._followed: dict[Cell, Numbers] = {}
        self._sums: dict[Group, Sums] = {}
        self._cells: dict[Group, dict[Cell, None]] = {}  # of which cells a group was ever made

    def follow(
        self, at_ms: int, revision: int, changed: Iterable[tuple[Cell, Numbers]]
    ) -> Iterator[KpiValue]:
        """The KPIs that change when bucket cells come to stand at these numbers, at one tick."""
        moved: set[tuple[Group, int]] = set()
        for cell, numbers in changed:
            moved.update(self._move(self._sums, cell, self._followed.get(cell), numbers))
            self._followed[cell] = numbers
            if not any(numbers):
                del self._followed[cell]
        for group, window in sorted(moved):
            yield self._value(at_ms, revision, group, window, self._sums[group])

    def measure(
        self, at_ms: int, revision: int, cells: Iterable[Cell], numbers_at: Callable[[Cell], Numbers]
    ) -> Iterator[KpiValue]:
        """The KPIs that bucket cells belong to, in every window, as `numbers_at` says that cells stand at a tick."""
        wanted: set[Group] = set()
        for cell in cells:
            wanted.update(self._groups(cell))
        for group in sorted(wanted):
            sums: dict[Group, Sums] = {group: self._new(group)}
            for cell in self._cells[group]:
                self._move(sums, cell, None, numbers_at(cell))
            for window in range(len(self._windows)):
                yield self._value(at_ms, revision, group, window, sums[group])

    def _groups(self, cell: Cell) -> Sequence[Group]:
        """The groups in which a bucket cell counts: that of its priority, and that of all priorities."""
        agency, priority, kpi, _ = cell
        groups = ((agency, ANY, kpi),) if priority == ANY else ((agency, priority, kpi), (agency, ANY, kpi))
        for group in groups:
            self._cells.setdefault(group, {})[cell] = None
        return groups

    def _move(
        self, all_sums: dict[Group, Sums], cell: Cell, before: Numbers | None, numbers: Numbers
    ) -> Sequence[tuple[Group, int]]:
        """Let a cell's numbers take the place of those before in the sums of its groups; which sums that moves."""
        moved = []
        changes = [
            (window, by)
            for window, number in enumerate(numbers)
            if (by := number - (before[window] if before else 0))
        ]
        for group in self._groups(cell):
            sums = all_sums.get(group)
            if sums is None:
                sums = all_sums[group] = self._new(group)
            for column in self._columns(cell[3], sums.target):
                for window, by in changes:
                    sums.windows[window][column] += by
                    moved.append((group, window))
        return moved

    def _new(self, group: Group) -> Sums:
        agency, priority, kpi = group
        return Sums(target_for(self._targets, kpi, agency, priority), len(self._windows))

    def _columns(self, word: str, target: Target | None) -> tuple[int, ...]:
        """Which sums a bucket counts in."""
        if word == SUM:
            return (SUM_MS,)
        if word in LEFT_OUT:
            return (OMITTED,)
        if word == BEYOND:
            return (COUNT,)
        bound = self._bounds.get(word)
        if bound is None:
            return ()  # of buckets that are no longer made
        return (COUNT, WITHIN) if target is not None and bound <= target.threshold_s else (COUNT,)

    def _value(self, at_ms: int, revision: int, group: Group, window: int, sums: Sums) -> KpiValue:
        agency, priority, kpi = group
        count, within, sum_ms, omitted = sums.windows[window]
        target = sums.target
        return KpiValue(
            jurisdiction=self._jurisdiction,
            at=at_ms,
            agency=agency,
            priority=priority,
            kpi=kpi,
            over=self._windows[window],
            count=count,
            within=None if target is None else within,
            threshold_s=None if target is None else target.threshold_s,
            value=None if target is None or not count else within / count,
            mean_s=sum_ms / 1000 / count if count else None,
            left_out=omitted,
            revision=revision,
        )
