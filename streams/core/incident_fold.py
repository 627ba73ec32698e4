"""The intake step of `incidents`: checked, mapped, located, merged into the incident's record, counted as partials."""

from collections.abc import Sequence
from sys import intern
from typing import Any, Final

from schemas.codec import IncidentWire, Rejected, instant, missing_field, personal_fields, read_incidents
from schemas.events import LogRecord
from schemas.instants import rfc3339
from schemas.vocabulary import ANY, UNKNOWN_ZONE, WITHDRAWING, CrimeType, IncidentStatus, RejectReason
from streams.core.incidents import OTHER, Said, latest_pane, merge, said_once
from streams.core.ledger import FIRST, LAST
from streams.core.source_fold import City, Locality, SourceFold, from_the_future, wrong_key
from streams.core.timeline import DAY_MS

_KNOWN_TYPES: Final[dict[str | None, str]] = {word.value: word.value for word in CrimeType}
_WITHDRAWS: Final[dict[IncidentStatus | None, bool]] = {
    status: status in WITHDRAWING for status in IncidentStatus if status is not IncidentStatus.CLOSED
}

Record = tuple[Any, ...]
"""(last, first, *state): see `streams.core.ledger` for the first two. One flat tuple, which costs the least memory."""

STATE: Final = 2


class IncidentFold(SourceFold):
    """The fold of one partition of `incidents`."""

    def _read(self, values: Sequence[bytes | None]) -> Sequence[IncidentWire | Rejected]:
        return read_incidents(values)

    def _take(self, record: LogRecord, wire: IncidentWire) -> Rejected | None:
        if wire.heartbeat_at is not None:
            return self._heartbeat(record, wire.jurisdiction, wire.heartbeat_at)
        incident_id = wire.incident_id
        if incident_id is None:
            return missing_field("incident_id")
        if record.key != incident_id.encode():
            return wrong_key(record.key, incident_id)
        times = self._times(wire, record.timestamp)
        if isinstance(times, Rejected):
            return times
        city = self.cities.get(wire.jurisdiction) or self._city(wire.jurisdiction)
        if type(wire) is not IncidentWire:
            self._notice(wire)
        updated_at, reported_at, occurred_at = times
        status = wire.status
        if status is not None or wire.exercise:
            status = None if wire.exercise else status
            city.calls.hear(incident_id, status, updated_at, (wire.priority, reported_at))
        zone, crime_type = self._place(wire, city.locality)
        values = (reported_at, occurred_at, zone, crime_type, withdrawn(wire))
        self._hear(record, city, (wire.jurisdiction, incident_id, updated_at), values)
        return None

    def _times(self, wire: IncidentWire, timestamp: int) -> tuple[int, int | None, int | None] | Rejected:
        """(updated_at, reported_at, occurred_at), the last two as far as they can be the time that counts."""
        if wire.updated_at is None:
            return missing_field("updated_at")
        updated_at = instant("updated_at", wire.updated_at)
        if isinstance(updated_at, Rejected):
            return updated_at
        future = from_the_future("updated_at", updated_at, timestamp)
        if future is not None:
            return future
        reported_at = occurred_at = None
        if wire.reported_at is not None:
            at = instant("reported_at", wire.reported_at)
            if isinstance(at, Rejected):
                return at
            if at > updated_at + DAY_MS:
                return _counts_in_the_future("reported_at", at, updated_at)
            reported_at = at
        if wire.occurred_at is not None:
            at = instant("occurred_at", wire.occurred_at)
            if isinstance(at, Rejected):
                return at
            if self.rules.counts_by_occurred:
                if at > updated_at + DAY_MS:
                    return _counts_in_the_future("occurred_at", at, updated_at)
                occurred_at = at
        return updated_at, reported_at, occurred_at

    def _place(self, wire: IncidentWire, locality: Locality) -> tuple[str | None, str | None]:
        """(zone, crime type) as far as they are said; nothing is dropped for want of them."""
        zone = wire.zone or None
        if zone == ANY:
            zone = UNKNOWN_ZONE  # "*" stands for the whole city and can be no zone of its own
        elif zone is not None:
            zone = intern(zone)  # one text for all incidents of a zone, not one for each: 53 bytes less
        elif wire.lat is not None and wire.lon is not None and locality.zone_of is not None:
            zone = locality.zone_of(wire.lat, wire.lon) or UNKNOWN_ZONE
        if zone == UNKNOWN_ZONE:
            self._tallies["unlocatable"] += 1
        code = wire.crime_type
        crime_type = _KNOWN_TYPES.get(code)
        if crime_type is None and (code := code or wire.type_code):
            crime_type = locality.types.get(code)
            if crime_type is None:
                crime_type = OTHER
                self._tallies["unknown_code"] += 1
        return zone, crime_type

    def _notice(self, wire: IncidentWire) -> None:
        """Count the fields that can hold personal data."""
        for name in personal_fields(wire):
            self._tallies[f"personal.{name}"] += 1

    def _hear(
        self, record: LogRecord, city: City, incident: tuple[str, str, int], values: tuple[Any, ...]
    ) -> None:
        """Merge a message into its incident's record and the record's contributions into the partials."""
        _, incident_id, updated_at = incident
        ledger, pane_ms = city.ledger, self.rules.timeline.pane_ms
        first, old, oldest_open = ledger.first(record.offset), ledger.find(incident_id), ledger.oldest_open
        known, late = ledger.hear(record.offset, updated_at)
        said: Said = (known, updated_at, *values)
        last = latest_pane(said, pane_ms)
        if old is None:
            ledger.keep(incident_id, (last, first, *said))
            contribution = said_once(said, pane_ms)
            changed = contribution is not None
            if contribution is not None:
                city.partials.add(contribution, incident_id)
        else:
            changed = self._merge(city, incident_id, old, (last, said, oldest_open))
        if late:
            self._late(record, city, incident, changed)

    def _merge(self, city: City, incident_id: str, old: Record, news: tuple[int, Said, int]) -> bool:
        """A further message of an incident."""
        last, said, oldest_open = news
        before = old[STATE:]
        state, was, now = merge(before, said, oldest_open, self.rules.timeline.pane_ms)
        longer = last > old[LAST]
        if longer or state is not before:
            record: Record = (last if longer else old[LAST], old[FIRST], *state)
            city.ledger.keep(incident_id, record)
            if longer:
                city.ledger.lengthened(incident_id, record)
        return was != now and city.partials.change(was, now, incident_id)


def withdrawn(wire: IncidentWire) -> bool | None:
    """What a message says about counting: True takes the incident out, False puts it (back) in, None says nothing."""
    return True if wire.exercise else _WITHDRAWS.get(wire.status)


def _counts_in_the_future(field_name: str, at_ms: int, updated_at: int) -> Rejected:
    return Rejected(
        RejectReason.FROM_THE_FUTURE,
        f"{field_name}: {rfc3339(at_ms)} is more than a day after updated_at {rfc3339(updated_at)}; "
        "an incident cannot be known before it happens",
    )
