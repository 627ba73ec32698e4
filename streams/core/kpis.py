"""Response KPIs: compliance with benchmarks over rolling windows, from bucket cells.

Compliance is a percentile measure (share of intervals within the threshold), never only a mean: NFPA 1710, NFPA 1225.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

from schemas.emissions import KpiValue
from schemas.vocabulary import ANY
from streams.core.dispatches import ABSURD, BEYOND, MISSING, NEGATIVE, SUM
from streams.core.windows import Cell, Numbers

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


class Compliance:
    """How the response intervals of one jurisdiction are judged. Remembers which priorities it has seen."""

    def __init__(
        self, jurisdiction: str, windows: Sequence[str], bounds_s: Sequence[float], targets: Sequence[Target]
    ) -> None:
        """`windows`: names, in the order of the numbers; `bounds_s` as the buckets were made with."""
        self._jurisdiction = jurisdiction
        self._windows = tuple(windows)
        self._targets = tuple(targets)
        self._bounds = {f"{bound:g}": bound for bound in bounds_s}
        self._words = (*self._bounds, BEYOND)
        self._priorities: dict[tuple[str, str], dict[str, None]] = {}  # (agency, kpi) → priorities seen

    def measure(
        self, at_ms: int, revision: int, cells: Sequence[Cell], numbers_at: Callable[[Cell], Numbers]
    ) -> Iterator[KpiValue]:
        """The KPIs that the changed bucket cells belong to, at one tick: per priority, and over all priorities."""
        groups: dict[tuple[str, str, str], None] = {}
        for agency, priority, kpi, _ in cells:
            self._priorities.setdefault((agency, kpi), {})[priority] = None
            groups[agency, priority, kpi] = None
            groups[agency, ANY, kpi] = None
        for agency, priority, kpi in sorted(groups):
            named = sorted(self._priorities[agency, kpi]) if priority == ANY else [priority]
            counted = {
                word: _add([numbers_at((agency, each, kpi, word)) for each in named])
                for word in (*self._words, SUM, *LEFT_OUT)
            }
            target = target_for(self._targets, kpi, agency, priority)
            for i, over in enumerate(self._windows):
                yield self._value(
                    at_ms,
                    revision,
                    (agency, priority, kpi, over),
                    target,
                    {word: numbers[i] for word, numbers in counted.items()},
                )

    def _value(
        self,
        at_ms: int,
        revision: int,
        names: tuple[str, str, str, str],
        target: Target | None,
        counted: dict[str, int],
    ) -> KpiValue:
        agency, priority, kpi, over = names
        count = sum(counted[word] for word in self._words)
        within = None
        if target is not None:
            within = sum(counted[word] for word, bound in self._bounds.items() if bound <= target.threshold_s)
        return KpiValue(
            jurisdiction=self._jurisdiction,
            at=at_ms,
            agency=agency,
            priority=priority,
            kpi=kpi,
            over=over,
            count=count,
            within=within,
            threshold_s=None if target is None else target.threshold_s,
            value=None if within is None or not count else within / count,
            mean_s=counted[SUM] / 1000 / count if count else None,
            left_out=sum(counted[word] for word in LEFT_OUT),
            revision=revision,
        )


def _add(rows: Sequence[Numbers]) -> Numbers:
    return tuple(map(sum, zip(*rows, strict=True)))
