"""The alerting of one city: its detectors are asked tick by tick, and its alert book takes their answers in.

tick of the counts ──Arrival──▶ detectors ──Score──▶ alert book ──▶ records
└─ remembered once a day, for who takes over ─┘
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from schemas.emissions import Alert, KpiValue
from schemas.events import AlertAck
from schemas.vocabulary import ALERT_PRECISION, ANY, Verdict
from streams.core.alert_book import NO_VERDICT, AlertBook
from streams.core.incidents_behind import IncidentsBehind
from streams.core.merging import SourceName, SourcePartition
from streams.core.scores import Arrival, Detector
from streams.core.timeline import DAY_MS, Timeline
from streams.core.watch_start import Start
from streams.core.windows import RollingCounts, Tick

JUDGED_OVER: Final = "7d"
JUDGED_MS: Final = 7 * DAY_MS
"""Of which alerts the precision is taken: as long as those that are over are remembered and still take verdicts."""


class Alerting:
    """Detectors and alerts of one jurisdiction."""

    def __init__(
        self,
        timeline: Timeline,
        counts: RollingCounts,
        behind: IncidentsBehind,
        detectors: Sequence[Detector],
        book: AlertBook,
    ) -> None:
        """Start before the first tick.

        Args:
            timeline: of the counts.
            counts: of incidents.
            behind: names the incidents behind a count.
            detectors: fresh; their states are this city's.
            book: fresh.
        """
        self.detectors = detectors
        self.book = book
        self.snapshot_start = 0  # cells offset from which the last snapshot's successor state can be folded
        self._timeline, self._counts, self._behind = timeline, counts, behind
        self._waits_for: Mapping[str, Any] | None = None
        self._snapshot_day: int | None = None
        self._next_start: int | None = None
        self._wakes_at: int | None = None  # the tick at which time alone may change an answer

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
            self.book.restore(said["alerts"])
        # Ticks that only detectors asked for were not visited while folding again: what they were told is not untold.
        self._counts.untold = [(tuple(cell), pane, n) for cell, pane, n in said["untold"]]
        self._snapshot_day, self.snapshot_start = said["day"], said["start"]
        self._wake()

    def detect(self, at: Tick, revision: int, sources: Mapping[SourceName, SourcePartition]) -> list[Alert]:
        """Ask the detectors about a tick and let the alerts take it in; what people must be told."""
        if self._waits_for is not None or at.tick * self._timeline.pane_ms <= self.book.at:
            return []  # the second: a snapshot remembers more than a log that was cut
        if not at.entered and (self._wakes_at is None or at.tick < self._wakes_at):
            return []  # something only left a window: no answer can change before the tick that was asked for
        arrivals = [Arrival(cell[0], cell[1], pane, n) for cell, pane, n in at.entered]
        scores = [score for detector in self.detectors for score in detector.advance(at.tick, arrivals)]
        at_ms = at.tick * self._timeline.pane_ms
        records = self.book.tick(at_ms, scores, revision, self._behind.namer(sources))
        self._wake()
        return records

    def answer(
        self, acks: Iterable[AlertAck], revision: int, sources: Mapping[SourceName, SourcePartition]
    ) -> list[Alert]:
        """Take answers to alerts in, of which some may be this city's; the alerts' next revisions show them."""
        if self._waits_for is not None:
            return []
        mine = [ack for ack in acks if self.book.answer(ack)]
        if not mine:
            return []
        return self.book.report(revision, self._behind.namer(sources))

    def verdicts(self) -> Mapping[str, int]:
        """Verdict, or `none` → alerts raised lately."""
        published = self._counts.published
        return {} if published is None else self.book.verdicts(published * self._timeline.pane_ms - JUDGED_MS)

    def precision(self, revision: int) -> KpiValue | None:
        """The share of alerts raised lately that were confirmed, of those with a verdict; None before the first tick."""
        published, found = self._counts.published, self.verdicts()
        if published is None:
            return None
        confirmed, false = found.get(Verdict.CONFIRMED, 0), found.get(Verdict.FALSE_ALARM, 0)
        judged = confirmed + false
        return KpiValue(
            jurisdiction=self._behind.jurisdiction,
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

    def _wake(self) -> None:
        """See to it that ticks are visited at which time alone may change an answer."""
        pane_ms = self._timeline.pane_ms
        ticks = [change for detector in self.detectors if (change := detector.next_change()) is not None]
        due = self.book.next_change()
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
            "jurisdiction": self._behind.jurisdiction,
            "position": offset + 1,
            **start.said(),
            "day": day,
            "detectors": {type(detector).__name__: detector.snapshot() for detector in self.detectors},
            "alerts": self.book.snapshot(),
            "untold": self._counts.untold,
        }
