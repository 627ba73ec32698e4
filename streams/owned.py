"""What this worker owns, as facts for metrics and health: read from the folds at the moment somebody asks."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from time import monotonic
from typing import Any

from streams.core.at_work import Holding
from streams.core.dispatch_fold import DispatchFold
from streams.core.dispatches import BEYOND, SUM
from streams.core.incident_fold import IncidentFold
from streams.core.kpis import KPI_WINDOWS_MS, LEFT_OUT
from streams.core.source_fold import SourceFold
from streams.core.timeline import Timeline
from streams.core.watch_fold import WatchFold
from streams.core.watched_city import WatchedCity
from streams.metrics import AtWorkView, CellView, HoldingView, JurisdictionView, KpiView, PartitionView
from streams.ownership import Facts, Ownership
from streams.stages import Stages


class Owned:
    """The owner that metrics and health ask."""

    def __init__(self, ownership: Ownership, stages: Stages) -> None:
        """Of one worker."""
        self._ownership = ownership
        self._stages = stages

    def watch_folds(self) -> Iterator[WatchFold]:
        """The watch folds owned now."""
        for fold in self._ownership.folds().values():
            if isinstance(fold, WatchFold):
                yield fold

    def partitions(self) -> Iterator[PartitionView]:
        """The partitions owned now."""
        folds = self._ownership.folds()
        now, every = monotonic(), self._ownership.facts()
        # Take-overs go on a few at a time: those that wait for their turn stand still only when all of them do.
        moved_at = max((facts.take_over.moved_at for facts in every if not facts.taken_over), default=now)
        for facts in every:
            fold = folds.get(facts.tp)
            yield PartitionView(
                facts.tp.topic,
                facts.tp.partition,
                facts.taken_over,
                facts.position,
                facts.end,
                facts.committed,
                None if facts.commit_due_since is None else now - facts.commit_due_since,
                now - (facts.progressed_at if facts.taken_over else moved_at),
                _share(facts),
                _watermarks(fold, self._stages.timeline) if isinstance(fold, SourceFold) else {},
                None if facts.heard_at is None else max(now - facts.heard_at, 0.0),
            )

    def jurisdictions(self) -> Iterator[JurisdictionView]:
        """The jurisdictions watched now."""
        for fold in self.watch_folds():
            for city in fold.cities.values():
                yield self._city(fold, city)

    def at_work(self) -> Iterator[AtWorkView]:
        """What goes on now, jurisdiction by jurisdiction, as all source partitions owned now tell together."""
        folds = self._ownership.folds().values()
        calls = [
            (name, city.calls)
            for fold in folds
            if isinstance(fold, IncidentFold)
            for name, city in fold.cities.items()
        ]
        units = [
            (name, city.units)
            for fold in folds
            if isinstance(fold, DispatchFold)
            for name, city in fold.cities.items()
        ]
        for jurisdiction in dict.fromkeys(name for name, _ in (*calls, *units)):
            here = [each for name, each in calls if name == jurisdiction]
            yield AtWorkView(
                jurisdiction,
                sum(each.open for each in here) if here else None,
                _holding(each.holding() for each in here),
                sum((each.by_agency() for name, each in units if name == jurisdiction), Counter()),
            )

    def _city(self, fold: WatchFold, city: WatchedCity) -> JurisdictionView:
        timeline, topic = self._stages.timeline, fold.rules.incidents_topic
        board = city.boards[topic]
        greatest = [at for at in city.heard(topic, fold.sources).values() if at is not None]
        reached = city.reached(topic, fold.sources)
        states: dict[str, int] = {}
        for episode in city.alerting.book.open_alerts():
            state = episode.sent.state if episode.sent else "raised"
            states[state] = states.get(state, 0) + 1
        precision = city.alerting.precision(0)
        kept_back = {each: short.until for each in city.timelines if (short := city.short(each)) is not None}
        return JurisdictionView(
            jurisdiction=city.jurisdiction,
            windows=tuple(timeline.windows),
            cells=[
                CellView(cell[0], cell[1], series[-1][1])
                for cell, series in board.series.items()
                if any(series[-1][1]) and topic not in kept_back
            ],
            tick_ms=None
            if board.published is None or topic in kept_back
            else board.published * timeline.pane_ms,
            watermark_ms=None if reached is None else min(greatest) - timeline.out_of_orderness_ms,
            open_alerts={} if topic in kept_back else states,
            verdicts=city.alerting.verdicts(),
            precision=None if precision is None else precision.value,
            kpis=[] if fold.rules.dispatches_topic in kept_back else list(self._kpis(fold, city)),
            kept_back_until_ms=kept_back,
        )

    def _kpis(self, fold: WatchFold, city: WatchedCity) -> Iterator[KpiView]:
        """Response intervals by bucket, for every (agency, priority, interval, window) that has any."""
        board, settings = city.boards[fold.rules.dispatches_topic], self._stages.settings
        bounds = settings.kpi_bounds_s
        words = [*(f"{bound:g}" for bound in bounds), BEYOND]
        for agency, priority, kpi in sorted({cell[:3] for cell in board.series}):
            rows = [board.numbers((agency, priority, kpi, word)) for word in words]
            sums = board.numbers((agency, priority, kpi, SUM))
            left_out = {word: board.numbers((agency, priority, kpi, word)) for word in LEFT_OUT}
            goal = settings.jurisdiction(city.jurisdiction).benchmark(kpi, agency, priority)
            for i, over in enumerate(KPI_WINDOWS_MS):
                counts = [row[i] for row in rows]
                within = None if goal is None else _within(counts, bounds, goal.threshold_s)
                threshold_s = None if goal is None else goal.threshold_s
                missed = {word: row[i] for word, row in left_out.items() if row[i]}
                if any(counts) or missed:
                    yield KpiView(
                        agency,
                        priority,
                        kpi,
                        over,
                        bounds,
                        counts,
                        threshold_s,
                        within,
                        sums[i] / 1000,
                        missed,
                    )


def _holding(partitions: Iterable[Mapping[str, Holding]]) -> list[HoldingView]:
    """Calls that wait, by priority, of several partitions together."""
    found: dict[str, Holding] = {}
    for priority, here in ((name, each) for partition in partitions for name, each in partition.items()):
        known = found.get(priority, here._replace(calls=0))
        oldest = min(known.oldest_since, here.oldest_since)
        found[priority] = Holding(known.calls + here.calls, oldest)
    return [HoldingView(priority, *found[priority]) for priority in sorted(found)]


def _within(counts: Sequence[int], bounds: Sequence[float], threshold_s: float) -> int:
    """How many intervals lie in buckets up to the threshold."""
    return sum(n for n, bound in zip(counts, bounds, strict=False) if bound <= threshold_s)


def _share(facts: Facts) -> float:
    """How much of its take-over is done, 0 to 1."""
    progress = facts.take_over
    if facts.taken_over or progress.until <= progress.start:
        return 1.0 if facts.taken_over else 0.0
    return (progress.position - progress.start) / (progress.until - progress.start)


def _watermarks(fold: SourceFold, timeline: Timeline) -> Mapping[str, Any]:
    """Jurisdiction → watermark (ms) in this partition."""
    return {
        name: city.ledger.greatest - timeline.out_of_orderness_ms
        for name, city in fold.cities.items()
        if city.ledger.greatest is not None
    }
