"""The watch step: partials of many partitions → rolling counts, alerts and response KPIs of whole cities.

    cells message ──merge──▶ changes ──enter──▶ corrections of published ticks
                        └──▶ watermark ─advance─▶ tick by tick: counts changed ─▶ detectors ─▶ alert lifecycle

Watch publishes message by message of `cells`: what it sends for a message is a pure function of the log up to it, so
every owner, dead, paused or new, sends the same records, and the message's offset is their revision.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from schemas.codec import Rejected, dead_letter_headers, encode_record, to_json
from schemas.emissions import Alert, DeadLetter, KpiValue, Outgoing
from schemas.events import AlertAck, LogRecord
from schemas.instants import rfc3339
from schemas.partials import read_partials
from schemas.vocabulary import RejectReason, Verdict
from schemas.writers import CountsWriter
from streams.core.alert_book import AlertBook
from streams.core.fold import Step
from streams.core.merging import Change, SourceName, SourcePartition, Taken
from streams.core.scores import Detector
from streams.core.timeline import Timeline
from streams.core.watch_start import start_before
from streams.core.watched_city import Kpis, WatchedCity
from streams.core.windows import Cell, Numbers
from streams.core.withheld import SETTLES_MS, SILENT_MS, Short

REVISIONS: Final = 1_000_000
"""Revisions of alerts per cells offset: one message may publish many ticks, and each may change an alert."""


@dataclass(frozen=True)
class WatchRules:
    """What Watch needs to know.

    Args:
        timeline: of the counts.
        kpi_timeline: the same, with the windows over which compliance is measured.
        detectors: jurisdiction → its detectors, fresh.
        alerts: jurisdiction → its alert book, fresh.
        kpis: jurisdiction → how its response intervals are judged.
        snapshots: whether somebody may take over, and needs what detectors and alerts remember.
    """

    timeline: Timeline
    kpi_timeline: Timeline
    detectors: Callable[[str], Sequence[Detector]]
    alerts: Callable[[str], AlertBook]
    kpis: Callable[[str], Kpis]
    snapshots: bool = True
    incidents_topic: str = "incidents"
    dispatches_topic: str = "dispatches"
    cells_topic: str = "cells"
    window_counts_topic: str = "window-counts"
    alerts_topic: str = "alerts"
    kpis_topic: str = "kpis"
    state_topic: str = "watch-state"
    dead_letters_topic: str = "dead-letters"


class WatchFold:
    """The fold of one partition of `cells`."""

    def __init__(
        self,
        partition: int,
        rules: WatchRules,
        snapshots: Mapping[str, Mapping[str, Any]] = {},
        versions: Mapping[SourceName, int] = {},
        cut: int | None = None,
    ) -> None:
        """Start before the first record of the log.

        Args:
            partition: of `cells`.
            rules: what to do.
            snapshots: jurisdiction → its newest snapshot of detectors and alerts, as sent to `watch-state`.
            versions: the counting versions in force where reading begins, as far as they are known.
            cut: the offset at which the log begins, after what this fold would need; None: nothing is gone.
        """
        self.partition = partition
        self.rules = rules
        self.position = 0
        self.sources: dict[SourceName, SourcePartition] = {}
        self.cities: dict[str, WatchedCity] = {}
        self._counted = (rules.incidents_topic, rules.dispatches_topic)
        self._snapshots = dict(snapshots)
        self._versions = versions
        self.cut = cut
        self._begins = 0 if cut is None else cut  # nothing before it can be read
        self._is_short = cut is not None
        self._settles_at: int | None = None
        self._now = 0  # by the time of sending, as far as a cut is minded
        self._heard_at: dict[tuple[str, str], int] = {}  # (jurisdiction, topic) → the same
        self._snapshot_due: list[Outgoing] = []
        self._sent: list[Outgoing] = []
        self._aloud = True
        self._tallies: Counter[str] = Counter()

    def step(self, records: Sequence[LogRecord]) -> Step:
        """Fold records, one by one, and say what to send."""
        # A snapshot follows only when everything before it has been acknowledged: in the step after.
        self._sent, self._snapshot_due = self._snapshot_due, []
        self._tallies = Counter()
        for record in records:
            if record.offset >= self.position:
                self.position = record.offset + 1
                self._take(record)
        return Step(self._sent, dict(self._tallies))

    def absorb(self, records: Sequence[LogRecord]) -> None:
        """Fold records that an owner before has published: window counts are not written again."""
        self._aloud = False
        self.step(records)
        self._aloud = True

    def metadata(self) -> str:
        """Where a take-over starts."""
        counting = self._counting
        starts = [first for source in counting.values() if (first := source.start()) is not None]
        starts += [city.alerting.snapshot_start for city in self.cities.values()]
        first = max(min(starts, default=self.position), self._begins)
        if self.cut is not None and self._is_whole_for_good():
            self.cut = None
        start = start_before(first if self.cut is None else self.cut, counting)
        for source in counting.values():
            source.forget_swaps(start.offset)
        return to_json(start.said() | ({} if self.cut is None else {"cut": self.cut})).decode()

    def short(self) -> list[Short]:
        """The cities of which nothing is told until their windows are whole again, by source topic."""
        found = (city.short(topic) for city in self.cities.values() for topic in self._counted)
        return [short for short in found if short is not None] if self._is_short else []

    def _is_whole_for_good(self) -> bool:
        """Whether all is told again that was kept back, of the cities that are still heard of."""
        lively = [where for where, at in self._heard_at.items() if at > self._now - SILENT_MS]
        waited = self._settles_at is not None and self._now > self._settles_at + SILENT_MS
        return (waited or self._all_heard()) and all(
            self.cities[name].past_gate(topic, self.sources) for name, topic in lively
        )

    def _all_heard(self) -> bool:
        heard = (self.cities[name].heard(topic, self.sources) for name, topic in self._heard_at)
        return bool(self._heard_at) and all(None not in each.values() for each in heard)

    @property
    def _counting(self) -> dict[SourceName, SourcePartition]:
        # Answers to alerts need no old label: hearing one again changes nothing, and snapshots carry them.
        return {name: source for name, source in self.sources.items() if name[0] in self._counted}

    def _take(self, record: LogRecord) -> None:
        label = read_partials(record.value)
        if label is None or not self._fits(label):
            self._dead_letter(record)
            return
        name = (label["topic"], label["partition"])
        source = self.sources.get(name)
        if source is None:
            source = self.sources[name] = SourcePartition(self._versions.get(name))
        taken = source.take(label, record.offset)
        self._tallies[f"cells.{taken.verdict}"] += 1
        names = [part["jurisdiction"] for part in label["cities"]]
        if self.cut is not None:
            self._mind_the_cut(record.timestamp, name, names)
        self._is_short |= any("whole_from" in part for part in label["cities"])
        for jurisdiction in dict.fromkeys([*taken.changes, *names]):
            city = self._city(jurisdiction, record.offset)
            self._advance(city, name, taken, record.offset)
        if "acks" in label and taken.verdict == "taken":
            acks = [AlertAck(**{**said, "verdict": Verdict(said["verdict"])}) for said in label["acks"]]
            for city in self.cities.values():
                self._answer(city, acks, record.offset)

    def _fits(self, label: Mapping[str, Any]) -> bool:
        """Whether the cells are of the kind that its topic has: (zone, type), or (agency, priority, kpi, bucket)."""
        words = {self.rules.incidents_topic: 2, self.rules.dispatches_topic: 4}.get(label["topic"])
        cells = (cell for part in label["cities"] for cell in part.get("cells", ()))
        return words is None or all(len(cell) == words for cell in cells)

    def _mind_the_cut(self, now: int, source: SourceName, jurisdictions: Iterable[str]) -> None:
        """Note what was heard when, by the time of sending."""
        self._now = max(now, self._now)
        if self._settles_at is None:
            self._settles_at = now + SETTLES_MS
        if now <= self._settles_at:
            self.sources[source].settle(jurisdictions)
        if source[0] in self._counted:
            self._heard_at.update(((name, source[0]), now) for name in jurisdictions)

    def _city(self, jurisdiction: str, offset: int) -> WatchedCity:
        city = self.cities.get(jurisdiction)
        if city is None:
            rules = self.rules
            city = self.cities[jurisdiction] = WatchedCity(
                jurisdiction,
                {rules.incidents_topic: rules.timeline, rules.dispatches_topic: rules.kpi_timeline},
                rules.detectors(jurisdiction),
                rules.alerts(jurisdiction),
                rules.kpis(jurisdiction),
            )
            city.alerting.snapshot_start = offset
            city.alerting.wait_for(self._snapshots.get(jurisdiction))
        return city

    def _advance(self, city: WatchedCity, source: SourceName, taken: Taken, offset: int) -> None:
        """Let the changes of one message have their effect on one city."""
        topic = source[0]
        changes: Sequence[Change] = taken.changes.get(city.jurisdiction, [])
        if self._is_short and topic in self._counted:
            city.keep_until_whole(topic, self.sources, cut=self.cut is not None)
        city.enter(topic, changes)
        if topic == self.rules.incidents_topic:
            self._count(city, offset)
        elif topic == self.rules.dispatches_topic:
            self._measure(city, offset)

    def _count(self, city: WatchedCity, offset: int) -> None:
        topic = self.rules.incidents_topic
        board, gate = city.boards[topic], city.gates[topic]
        city.alerting.detect_from(offset)
        for tick, cell, numbers in board.correct():
            if not gate.closed(tick):
                self._send_counts(city.writer, tick, [(cell, numbers)], offset)
        reached = city.reached(topic, self.sources)
        if reached is None:
            return
        revision = offset * REVISIONS
        for at in board.advance(reached):
            changed, alerts = at.changed, city.alerting.detect(at, revision, self.sources)
            revision += 1
            if gate.closed(at.tick):
                gate.keep((cell for cell, _ in changed), alerts)
                continue
            if (kept := gate.release()) is not None:  # how every cell stands, and every alert
                cells = dict.fromkeys([*kept[0], *board.series])
                changed, alerts = [(cell, board.numbers(cell)) for cell in cells], kept[1] + alerts
            self._send_counts(city.writer, at.tick, changed, offset)
            self._send_alerts(alerts)
        city.forget(topic, reached, self.sources)
        if not gate.closed(reached):
            self._snapshot(city, offset)

    def _measure(self, city: WatchedCity, offset: int) -> None:
        topic = self.rules.dispatches_topic
        reached = city.reached(topic, self.sources)
        self._send_kpis(city.measure(topic, reached, offset))
        if reached is not None:
            city.forget(topic, reached, self.sources)

    def _answer(self, city: WatchedCity, acks: Sequence[AlertAck], offset: int) -> None:
        """The next revisions of the alerts that were answered, and what that makes of the precision of alerts."""
        told = city.alerting.answer(acks, offset * REVISIONS, self.sources)
        if city.short(self.rules.incidents_topic) is not None:
            city.gates[self.rules.incidents_topic].keep((), told)
            return
        self._send_alerts(told)
        precision = city.alerting.precision(offset) if told else None
        if precision is not None:
            self._send_kpis(iter([precision]))

    def _send_counts(
        self, writer: CountsWriter, tick: int, cells: Iterable[tuple[Cell, Numbers]], offset: int
    ) -> None:
        """How cells stand at a tick."""
        if not self._aloud:
            return
        at = rfc3339(tick * self.rules.timeline.pane_ms)
        self._sent.extend(writer.write(self.rules.window_counts_topic, at, cells, offset))

    def _send_alerts(self, alerts: Sequence[Alert]) -> None:
        for alert in alerts:
            self._sent.append(
                Outgoing(self.rules.alerts_topic, alert.alert_id.encode(), encode_record(alert))
            )
            self._tallies[f"alerts.{alert.state}"] += 1

    def _send_kpis(self, kpis: Iterator[KpiValue]) -> None:
        for kpi in kpis:
            self._sent.append(Outgoing(self.rules.kpis_topic, kpi.jurisdiction.encode(), encode_record(kpi)))

    def _snapshot(self, city: WatchedCity, offset: int) -> None:
        """Every night of event time: what detectors and alerts remember, to be sent with the next step."""
        if not self.rules.snapshots:
            return
        sources = [
            source for (topic, _), source in self.sources.items() if topic == self.rules.incidents_topic
        ]
        start = min(s for source in sources if (s := source.start()) is not None)
        said = city.alerting.snapshot_if_due(offset, partial(start_before, start, self._counting))
        if said is not None:
            key = city.jurisdiction.encode()
            self._snapshot_due.append(Outgoing(self.rules.state_topic, key, to_json(said)))

    def _dead_letter(self, record: LogRecord) -> None:
        """A record of `cells` that is not ours: somebody else writes there, or the log is damaged."""
        rejected = Rejected(
            RejectReason.NOT_JSON,
            "value: not a partial of ours; only workers may write to this topic",
        )
        topic = self.rules.cells_topic
        letter = DeadLetter(
            topic, self.partition, record.offset, record.timestamp, record.key, record.value, *rejected
        )
        self._sent.append(
            Outgoing(self.rules.dead_letters_topic, record.key, record.value, dead_letter_headers(letter))
        )
        self._tallies[f"dead_letter.{rejected.reason}"] += 1
