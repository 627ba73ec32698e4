"""One city as Watch holds it: its rolling counts per source topic, its detectors, its alerts."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Final, Protocol

from schemas.emissions import KpiValue
from schemas.writers import CountsWriter
from streams.core.alert_book import AlertBook
from streams.core.alerting import Alerting
from streams.core.incidents_behind import IncidentsBehind
from streams.core.merging import SourceName, SourcePartition
from streams.core.scores import Detector
from streams.core.timeline import Timeline
from streams.core.windows import Cell, Change, Numbers, RollingCounts
from streams.core.withheld import Gate, Short

THIN_EVERY: Final = 30
"""Ticks between two clean-ups of old numbers: often enough to stay small, seldom enough to cost nothing."""


class Kpis(Protocol):
    """How response intervals are judged: cells of buckets → compliance."""

    def follow(
        self, at_ms: int, revision: int, changed: Iterable[tuple[Cell, Numbers]]
    ) -> Iterator[KpiValue]:
        """The KPIs that change when bucket cells come to stand at these numbers, at one tick."""

    def measure(
        self, at_ms: int, revision: int, cells: Iterable[Cell], numbers_at: Callable[[Cell], Numbers]
    ) -> Iterator[KpiValue]:
        """The KPIs that bucket cells belong to, as `numbers_at` says that cells stand at a tick."""


class WatchedCity:
    """Everything Watch holds of one jurisdiction."""

    def __init__(
        self,
        jurisdiction: str,
        timelines: Mapping[str, Timeline],
        detectors: Sequence[Detector],
        alerts: AlertBook,
        kpis: Kpis,
    ) -> None:
        """Start before the first partial.

        Args:
            jurisdiction: its name.
            timelines: source topic → how its time is cut.
            detectors: fresh; their states are this city's.
            alerts: fresh.
            kpis: how its response intervals are judged.
        """
        self.jurisdiction = jurisdiction
        self.timelines = timelines
        self.boards = {topic: RollingCounts(timeline) for topic, timeline in timelines.items()}
        self.kpis = kpis
        self.gates = {topic: Gate() for topic in timelines}
        self.writer = CountsWriter(jurisdiction, next(iter(timelines.values())).windows)
        self._thinned: dict[str, int] = {}
        topic, counts = next(iter(self.boards.items()))
        self.behind = IncidentsBehind(jurisdiction, topic, timelines[topic], counts)
        self.alerting = Alerting(timelines[topic], counts, self.behind, detectors, alerts)

    def enter(self, topic: str, changes: Sequence[Change]) -> None:
        """Let changes of partials have effect: from the tick they are known from, and not before F.

        Only a swap of counting versions, and what is none of ours, speaks of ticks before F.
        """
        board = self.boards.get(topic)
        if board is None:
            return
        not_before = self.oldest_open(topic)
        board.enter(changes, -1 if not_before is None else not_before)

    def oldest_open(self, topic: str) -> int | None:
        """The oldest tick that may still change, by what was published; None before the first one."""
        published = self.boards[topic].published
        if published is None:
            return None
        timeline = self.timelines[topic]
        return published - -(-timeline.allowed_lateness_ms // timeline.pane_ms) + 1

    def heard(self, topic: str, sources: Mapping[SourceName, SourcePartition]) -> dict[int, int | None]:
        """Partition of a source topic → greatest `updated_at` (ms) heard of this city; {} before any partition was."""
        mine = {number: source for (name, number), source in sources.items() if name == topic}
        of = max((source.of for source in mine.values()), default=0)
        said = {number: source.city(self.jurisdiction) for number, source in mine.items()}
        return {n: city.greatest if (city := said.get(n)) is not None else None for n in range(of)}

    def reached(self, topic: str, sources: Mapping[SourceName, SourcePartition]) -> int | None:
        """The tick that the watermark has reached: the least over all partitions, None until all were heard of."""
        greatest = self.heard(topic, sources).values()
        known = [at for at in greatest if at is not None]
        if not known or len(known) < len(greatest):
            return None
        return self.timelines[topic].reached(min(known))

    def keep_until_whole(
        self, topic: str, sources: Mapping[SourceName, SourcePartition], *, cut: bool
    ) -> None:
        """Tell nothing before the tick at which the longest window holds only panes of which nothing is missing.

        Args:
            topic: of the source.
            sources: all of them.
            cut: whether `cells` itself begins after what would be needed.
        """
        timeline, board, gate = self.timelines[topic], self.boards[topic], self.gates[topic]
        heard = [source.city(self.jurisdiction) for (name, _), source in sources.items() if name == topic]
        found = [city.known_from(timeline, cut=cut) for city in heard if city is not None]
        tick = max((pane + timeline.longest for pane in found if pane is not None), default=0)
        if board.published is not None and tick <= board.published:
            if not gate.closed(board.published):
                return
            tick = board.published + 1  # another counting version knows more
        if tick and tick != gate.tick:
            gate.close_until(tick)
            board.visit(tick)

    def short(self, topic: str) -> Short | None:
        """Which windows of a source topic are short, and until when; None when it is told how they stand."""
        timeline, gate, published = self.timelines[topic], self.gates[topic], self.boards[topic].published
        if gate.tick is None or not gate.closed(-1 if published is None else published):
            return None
        first, pane_ms = gate.tick - timeline.longest, timeline.pane_ms
        windows = {name: first * pane_ms + width_ms for name, width_ms in timeline.windows.items()}
        return Short(self.jurisdiction, topic, first * pane_ms, windows)

    def past_gate(self, topic: str, sources: Mapping[SourceName, SourcePartition]) -> bool:
        """Whether no tick can change any more that was kept back; of the partitions, those count that were heard of."""
        gate, timeline, heard = self.gates[topic], self.timelines[topic], self.heard(topic, sources)
        known = [at for at in heard.values() if at is not None]
        return gate.tick is None or (bool(known) and timeline.oldest_open(min(known)) > gate.tick)

    def forget(self, topic: str, reached: int, sources: Mapping[SourceName, SourcePartition]) -> None:
        """Forget what no tick that may still change can see."""
        oldest_open = self.oldest_open(topic)
        if oldest_open is None:
            return
        board = self.boards[topic]
        if board.forget(oldest_open):
            below = oldest_open - self.timelines[topic].longest - 1
            for (name, _), source in sources.items():
                if name == topic:
                    source.forget(self.jurisdiction, below)
        if reached >= self._thinned.get(topic, reached - THIN_EVERY) + THIN_EVERY:
            self._thinned[topic] = reached
            board.thin(oldest_open)

    def measure(self, topic: str, reached: int | None, revision: int) -> Iterator[KpiValue]:
        """The KPIs that changed at ticks of the dispatches' time: corrections, then up to the tick `reached`."""
        board, pane_ms = self.boards[topic], self.timelines[topic].pane_ms
        corrected: dict[int, list[Cell]] = {}
        for tick, cell, _ in board.correct():
            corrected.setdefault(tick, []).append(cell)
        gate = self.gates[topic]
        for tick, cells in sorted(corrected.items()):
            if not gate.closed(tick):
                yield from self.kpis.measure(
                    tick * pane_ms, revision, cells, partial(board.numbers_at, tick=tick)
                )
        # How they stand now has been told, or is what stood before; only the sums must follow.
        standing = [(cell, board.numbers(cell)) for cells in corrected.values() for cell in cells]
        for _ in self.kpis.follow(0, revision, standing):
            pass
        if reached is not None:
            for at in board.advance(reached):
                told = list(self.kpis.follow(at.tick * pane_ms, revision, at.changed))
                if gate.closed(at.tick):
                    gate.keep((cell for cell, _ in at.changed), ())
                elif (kept := gate.release()) is not None:
                    cells = list(dict.fromkeys([*kept[0], *board.series]))
                    yield from self.kpis.measure(at.tick * pane_ms, revision, cells, board.numbers)
                else:
                    yield from told

    @property
    def published(self) -> int | None:
        """The last published tick of the counts; None before the first one."""
        return next(iter(self.boards.values())).published
