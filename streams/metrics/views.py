"""What metrics and health want to know of the owners: plain facts, read anew at each scrape.

An owner is whoever holds state in this worker now. It answers with what it owns at that moment, so nothing of a
partition that went to another worker is ever shown.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol


class PartitionView(NamedTuple):
    """One partition of a topic that this worker owns."""

    topic: str
    partition: int
    taken_over: bool  # False while its log is folded again
    position: int | None = None  # next offset to fold; None while it is being taken over
    end: int | None = None  # end of the log as last heard of
    committed: int | None = None
    commit_waits_s: float | None = (
        None  # how long something acknowledged has waited to be committed; None: nothing
    )
    still_s: float = 0.0  # how long the position has not moved
    take_over_done: float = 1.0  # share of the log that is folded again, 0 to 1
    watermarks_ms: Mapping[str, int] = {}  # jurisdiction → watermark in this partition
    silent_s: float | None = (
        None  # how long the broker has not answered a fetch; None before the first answer
    )

    @property
    def lag(self) -> int | None:
        """Records (and holes) between the position and the end; None when one of them is not known."""
        return None if self.position is None or self.end is None else max(self.end - self.position, 0)


class CellView(NamedTuple):
    """The rolling counts of one cell at the last published tick."""

    zone: str
    crime_type: str
    counts: Sequence[int]  # one per window, in the order of the jurisdiction's `windows`


class KpiView(NamedTuple):
    """How response intervals of one kind are spread over one window."""

    agency: str
    priority: str
    kpi: str
    over: str  # "1h"
    bounds_s: Sequence[float]  # upper bounds, ascending, without infinity
    counts: Sequence[int]  # per bucket, not cumulative; one more than bounds: the last is beyond all of them
    threshold_s: float | None = None  # the goal
    within: int | None = None  # how many were at most the threshold
    sum_s: float | None = None  # of all intervals, when it is known
    left_out: Mapping[str, int] = {}  # reason → intervals that could not be measured


class HoldingView(NamedTuple):
    """Calls that wait for a unit."""

    priority: str
    calls: int
    oldest_since_ms: int | None = None


class JurisdictionView(NamedTuple):
    """One jurisdiction that this worker watches."""

    jurisdiction: str
    windows: Sequence[str]
    cells: Iterable[CellView]  # cells that count something in the longest window; read at once
    tick_ms: int | None = None  # the last published tick
    watermark_ms: int | None = None  # the least over all source partitions; None until all were heard of
    open_alerts: Mapping[str, int] = {}  # state → number
    kpis: Iterable[KpiView] = ()
    verdicts: Mapping[str, int] = {}  # verdict, or "none" → alerts raised in the last 7 days
    precision: float | None = None  # share of the confirmed among those with a verdict
    kept_back_until_ms: Mapping[str, int] = {}  # source topic → tick before which nothing is told by it


class AtWorkView(NamedTuple):
    """What goes on now in one jurisdiction, as far as the source partitions of this worker tell."""

    jurisdiction: str
    open_incidents: int | None = None  # None: this worker has no partition of `incidents`
    holding: Iterable[HoldingView] = ()
    units_committed: Mapping[str, int] = {}  # agency → units


class Owner(Protocol):
    """Whoever holds state in this worker: asked at each scrape, in the event loop, so it must answer at once."""

    def partitions(self) -> Iterable[PartitionView]:
        """The partitions that are owned now."""

    def jurisdictions(self) -> Iterable[JurisdictionView]:
        """The jurisdictions that are watched now."""

    def at_work(self) -> Iterable[AtWorkView]:
        """What goes on now in the jurisdictions that the source partitions tell of."""


class Nobody:
    """An owner of nothing, for a worker that has not started yet."""

    def partitions(self) -> Iterable[PartitionView]:
        """No partition."""
        return ()

    def jurisdictions(self) -> Iterable[JurisdictionView]:
        """No jurisdiction."""
        return ()

    def at_work(self) -> Iterable[AtWorkView]:
        """No jurisdiction."""
        return ()
