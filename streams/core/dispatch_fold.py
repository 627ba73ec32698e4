"""The intake step of `dispatches`: unit facts → response intervals → partials, labelled with this topic's offsets."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from schemas.codec import DispatchWire, Rejected, instant, missing_field, personal_fields, read_dispatches
from schemas.events import LogRecord
from schemas.instants import rfc3339
from schemas.vocabulary import RejectReason
from streams.core.dispatches import Buckets, Call, Fact, News
from streams.core.ledger import FIRST, LAST
from streams.core.source_fold import IntakeRules, Source, SourceFold, from_the_future, wrong_key
from streams.core.timeline import DAY_MS


class DispatchFold(SourceFold):
    """The fold of one partition of `dispatches`."""

    def __init__(self, source: Source, rules: IntakeRules, cut: int | None = None) -> None:
        """Start before the first record of the log."""
        super().__init__(source, replace(rules, timeline=rules.dispatch_timeline), cut)
        self._buckets = Buckets(rules.kpi_bounds_s, rules.timeline.pane_ms)

    def _read(self, values: Sequence[bytes | None]) -> Sequence[DispatchWire | Rejected]:
        return read_dispatches(values)

    def _take(self, record: LogRecord, wire: DispatchWire) -> Rejected | None:
        if wire.heartbeat_at is not None:
            return self._heartbeat(record, wire.jurisdiction, wire.heartbeat_at)
        if wire.incident_id is None:
            return missing_field("incident_id")
        if record.key != wire.incident_id.encode():
            return wrong_key(record.key, wire.incident_id)
        said = self._said(wire, record.timestamp)
        if isinstance(said, Rejected):
            return said
        for name in personal_fields(wire):
            self._tallies[f"personal.{name}"] += 1
        self._hear_fact(record, wire.jurisdiction, wire.incident_id, said)
        return None

    def _said(self, wire: DispatchWire, timestamp: int) -> tuple[int, Fact] | Rejected:
        """(updated_at, fact) of a dispatch."""
        if wire.unit_id is None:
            return missing_field("unit_id")
        if wire.agency is None:
            return missing_field("agency")
        if wire.status is None:
            return missing_field("status")
        times = self._times(wire, timestamp)
        if isinstance(times, Rejected):
            return times
        at, updated_at, received_at = times
        priority = None if wire.priority in (None, "") else str(wire.priority)
        return updated_at, Fact(wire.unit_id, wire.agency.value, wire.status.value, at, received_at, priority)

    def _times(self, wire: DispatchWire, timestamp: int) -> tuple[int, int, int | None] | Rejected:
        """(at, updated_at, received_at) in ms."""
        if wire.at is None:
            return missing_field("at")
        at = instant("at", wire.at)
        if isinstance(at, Rejected):
            return at
        updated_at: int | Rejected = at if wire.updated_at is None else instant("updated_at", wire.updated_at)
        if isinstance(updated_at, Rejected):
            return updated_at
        field = "at" if wire.updated_at is None else "updated_at"
        future = from_the_future(field, updated_at, timestamp)
        if future is not None:
            return future
        if at > updated_at + DAY_MS:
            return Rejected(
                RejectReason.FROM_THE_FUTURE,
                f"at: {rfc3339(at)} is more than a day after updated_at {rfc3339(updated_at)}; "
                "a fact cannot be known before it happens",
            )
        received_at = None if wire.received_at is None else instant("received_at", wire.received_at)
        if isinstance(received_at, Rejected):
            return received_at
        return at, updated_at, received_at

    def _hear_fact(
        self, record: LogRecord, jurisdiction: str, incident_id: str, said: tuple[int, Fact]
    ) -> None:
        """Merge a fact into its call and the call's contributions into the partials."""
        updated_at, fact = said
        city = self._city(jurisdiction)
        ledger = city.ledger
        first, oldest_open = ledger.first(record.offset), ledger.oldest_open
        old = ledger.find(incident_id)
        known, late = ledger.hear(record.offset, updated_at)
        last = max(known, fact.at // self.rules.timeline.pane_ms)
        call: list[Any] = [last, first, Call()] if old is None else [max(last, old[LAST]), old[FIRST], old[2]]
        changed = city.partials.shift(call[2].hear(known, updated_at, fact, News(oldest_open, self._buckets)))
        city.units.hear(incident_id, fact)
        ledger.keep(incident_id, call)
        if old is not None and call[LAST] > old[LAST]:
            ledger.lengthened(incident_id, call)
        if late:
            self._late(record, city, (jurisdiction, incident_id, updated_at), changed)
