"""One city as Watch holds it: its rolling counts per source topic, its detectors, its alerts."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Final, Protocol

from schemas.emissions import Alert, KpiValue
from schemas.events import AlertAck
from schemas.vocabulary import ALERT_PRECISION, ANY, Verdict
from schemas.writers import CountsWriter
from streams.core.alert_book import NO_VERDICT, AlertBook, NameIncidents
from streams.core.merging import SourceName, SourcePartition, known_ids
from streams.core.scores import Arrival, Detector
from streams.core.timeline import DAY_MS, Timeline
from streams.core.watch_start import Start
from streams.core.windows import Cell, Change, Numbers, RollingCounts, Tick
from streams.core.withheld import Gate, Short

THIN_EVERY: Final = 30
"""Ticks between two clean-ups of old numbers: often enough to stay small, seldom enough to cost nothing."""


JUDGED_OVER: Final = "7d"
JUDGED_MS: Final = 7 * DAY_MS
"""Of which alerts the precision is taken: as long as those that are over are remembered and still take verdicts."""


NAMED: Final = 32
"""Ids looked for behind an alert, of which its policy names the first few; incidents of whole panes, newest first."""


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
        self.detectors = detectors
        self.alerts = alerts
        self.kpis = kpis
        self.gates = {topic: Gate() for topic in timelines}
        self.writer = CountsWriter(jurisdiction, next(iter(timelines.values())).windows)
        self.snapshot_start = 0  # cells offset from which the last snapshot's successor state can be folded
        self._waits_for: Mapping[str, Any] | None = None
        self._thinned: dict[str, int] = {}
        self._snapshot_day: int | None = None
        self._next_start: int | None = None
        self._wakes_at: int | None = None  # the tick at which time alone may change an answer of detection

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
    def _counts(self) -> RollingCounts:
        return next(iter(self.boards.values()))

    @property
    def _timeline(self) -> Timeline:
        return next(iter(self.timelines.values()))

    @property
    def published(self) -> int | None:
        """The last published tick of the counts; None before the first one."""
        return self._counts.published

    # ---- detection

    def wait_for(self, snapshot: Mapping[str, Any] | None) -> None:
        """Detect nothing before the position of a snapshot, and then go on from it."""
        self._waits_for = snapshot

    def detect_from(self, offset: int) -> None:
        """Take the snapshot's state over once the log has reached its position."""
        said = self._waits_for
        if said is None or offset < said["position"]:
            return
        self._waits_for = None
        for detector in self.detectors:
            state = said["detectors"].get(type(detector).__name__)
            if state is not None:  # a detector that is new in the configuration begins to learn here
                with suppress(ValueError):  # so does one whose state has another form since the last release
                    detector.restore(state)
        with suppress(ValueError):
            self.alerts.restore(said["alerts"])
        # Ticks that only detectors asked for were not visited while folding again: what they were told is not untold.
        self._counts.untold = [(tuple(cell), pane, n) for cell, pane, n in said["untold"]]
        self._snapshot_day, self.snapshot_start = said["day"], said["start"]
        self._wake()

    def detect(self, at: Tick, revision: int, sources: Mapping[SourceName, SourcePartition]) -> list[Alert]:
        """Ask the detectors about a tick and let the alerts take it in; what people must be told."""
        if self._waits_for is not None or at.tick * self._timeline.pane_ms <= self.alerts.at:
            return []  # the second: a snapshot remembers more than a log that was cut
        if not at.entered and (self._wakes_at is None or at.tick < self._wakes_at):
            return []  # something only left a window: no answer can change before the tick that was asked for
        arrivals = [Arrival(cell[0], cell[1], pane, n) for cell, pane, n in at.entered]
        scores = [score for detector in self.detectors for score in detector.advance(at.tick, arrivals)]
        at_ms = at.tick * self._timeline.pane_ms
        records = self.alerts.tick(at_ms, scores, revision, self.name_incidents(sources))
        self._wake()
        return records

    def answer(
        self, acks: Iterable[AlertAck], revision: int, sources: Mapping[SourceName, SourcePartition]
    ) -> list[Alert]:
        """Take answers to alerts in, of which some may be this city's; the alerts' next revisions show them."""
        if self._waits_for is not None:
            return []
        mine = [ack for ack in acks if self.alerts.answer(ack)]
        if not mine:
            return []
        return self.alerts.report(revision, self.name_incidents(sources))

    def verdicts(self) -> Mapping[str, int]:
        """Verdict, or `none` → alerts raised lately."""
        published = self._counts.published
        return (
            {} if published is None else self.alerts.verdicts(published * self._timeline.pane_ms - JUDGED_MS)
        )

    def precision(self, revision: int) -> KpiValue | None:
        """The share of alerts raised lately that were confirmed, of those with a verdict; None before the first tick."""
        published, found = self._counts.published, self.verdicts()
        if published is None:
            return None
        confirmed, false = found.get(Verdict.CONFIRMED, 0), found.get(Verdict.FALSE_ALARM, 0)
        judged = confirmed + false
        return KpiValue(
            jurisdiction=self.jurisdiction,
            at=published * self._timeline.pane_ms,
            agency=ANY,
            priority=ANY,
            kpi=ALERT_PRECISION,
            over=JUDGED_OVER,
            count=judged,
            within=confirmed,
            threshold_s=None,
            value=confirmed / judged if judged else None,
            mean_s=None,
            left_out=found.get(NO_VERDICT, 0),
            revision=revision,
        )

    def name_incidents(self, sources: Mapping[SourceName, SourcePartition]) -> NameIncidents:
        """How alerts name the newest incidents behind them."""
        pane_ms = self._timeline.pane_ms

        def name(zones: Sequence[str], crime_type: str, start: int, until: int) -> Sequence[str]:
            if ANY in zones or crime_type == ANY:
                cells = {
                    cell
                    for cell in self._counts.series
                    if (crime_type in (ANY, cell[1])) and (ANY in zones or cell[0] in zones)
                }
            else:
                cells = {(zone, crime_type) for zone in zones}
            panes = range(start // pane_ms, until // pane_ms)
            return [incident_id for _, incident_id in self.known_ids(sources, cells, panes, most=NAMED)]

        return name

    def known_ids(
        self,
        sources: Mapping[SourceName, SourcePartition],
        cells: Collection[Cell],
        panes: range,
        tick: int | None = None,
        most: int | None = None,
    ) -> list[tuple[int, str]]:
        """(tick from which it is known, id) of incidents that count in these cells and panes: see `known_ids`."""
        topic = next(iter(self.boards))
        mine = (source.city(self.jurisdiction) for (name, _), source in sources.items() if name == topic)
        cities = [city for city in mine if city is not None]
        return known_ids(cities, cells, self._counts.panes_with(cells, panes), tick, most)

    def _wake(self) -> None:
        """See to it that ticks are visited at which time alone may change an answer."""
        pane_ms = self._timeline.pane_ms
        ticks = [change for detector in self.detectors if (change := detector.next_change()) is not None]
        due = self.alerts.next_change()
        if due is not None:
            ticks.append(-(-due // pane_ms))
        self._wakes_at = min(ticks, default=None)
        if self._wakes_at is not None:
            self._counts.visit(self._wakes_at)

    def snapshot_if_due(self, offset: int, start_now: Callable[[], Start]) -> dict[str, Any] | None:
        """At the first chance and then once a day of event time, all that detection remembers after this message.

        `start_now` says where a take-over must begin for the counts at this position.
        """
        published = self._counts.published
        if published is None or self._waits_for is not None:
            return None
        day = published * self._timeline.pane_ms // DAY_MS
        if day == self._snapshot_day:
            return None
        if self._next_start is not None:
            self.snapshot_start = self._next_start
        start = start_now()
        self._snapshot_day, self._next_start = day, start.offset
        return {
            "jurisdiction": self.jurisdiction,
            "position": offset + 1,
            **start.said(),
            "day": day,
            "detectors": {type(detector).__name__: detector.snapshot() for detector in self.detectors},
            "alerts": self.alerts.snapshot(),
            "untold": self._counts.untold,
        }
