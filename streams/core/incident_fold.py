"""The intake step of `incidents`: checked, mapped, located, merged into the incident's record, counted as partials."""

from typing import Any, Final

from schemas.codec import IncidentWire, Rejected, instant, missing_field, personal_fields, read_incident
from schemas.events import LogRecord
from schemas.instants import rfc3339
from schemas.vocabulary import UNKNOWN_ZONE, WITHDRAWING, CrimeType, IncidentStatus, RejectReason
from streams.core.incidents import OTHER, Record, Said, latest_pane, merge, said_once
from streams.core.ledger import FIRST, LAST
from streams.core.source_fold import City, Locality, SourceFold, from_the_future, wrong_key
from streams.core.timeline import DAY_MS

_KNOWN_TYPES: Final = frozenset(CrimeType)


class IncidentFold(SourceFold):
    """The fold of one partition of `incidents`."""

    def _take(self, record: LogRecord) -> Rejected | None:
        wire = read_incident(record.value)
        if isinstance(wire, Rejected):
            return wire
        if wire.heartbeat_at is not None:
            return self._heartbeat(record, wire.jurisdiction, wire.heartbeat_at)
        incident_id = wire.incident_id
        if incident_id is None:
            return missing_field("incident_id")
        if record.key != incident_id.encode():
            return wrong_key(record.key, incident_id)
        if wire.updated_at is None:
            return missing_field("updated_at")
        updated_at = instant("updated_at", wire.updated_at)
        if isinstance(updated_at, Rejected):
            return updated_at
        times = self._times(wire, updated_at, record.timestamp)
        if isinstance(times, Rejected):
            return times
        city = self._city(wire.jurisdiction)
        place = self._place(wire, city.locality)
        self._hear(
            record, city, (wire.jurisdiction, incident_id, updated_at), (*times, *place, withdrawn(wire))
        )
        return None

    def _times(
        self, wire: IncidentWire, updated_at: int, timestamp: int
    ) -> tuple[int | None, int | None] | Rejected:
        """(reported_at, occurred_at) as far as they can be the time that counts."""
        future = from_the_future("updated_at", updated_at, timestamp)
        if future is not None:
            return future
        times: list[int | None] = [None, None]
        for i, (field, said) in enumerate(
            (("reported_at", wire.reported_at), ("occurred_at", wire.occurred_at))
        ):
            if said is None:
                continue
            at = instant(field, said)
            if isinstance(at, Rejected):
                return at
            if i == 0 or self.rules.counts_by_occurred:
                if at > updated_at + DAY_MS:
                    return _counts_in_the_future(field, at, updated_at)
                times[i] = at
        return times[0], times[1]

    def _place(self, wire: IncidentWire, locality: Locality) -> tuple[str | None, str | None]:
        """(zone, crime type) as far as they are said; nothing is dropped for want of them."""
        zone = wire.zone or None
        if zone is None and wire.lat is not None and wire.lon is not None and locality.zone_of is not None:
            zone = locality.zone_of(wire.lat, wire.lon)
            if zone is None:
                zone = UNKNOWN_ZONE
        if zone == UNKNOWN_ZONE:
            self._tallies["unlocatable"] += 1
        crime_type = wire.crime_type or None
        if crime_type is not None and crime_type not in _KNOWN_TYPES:
            crime_type = locality.types.get(crime_type)
            if crime_type is None:
                crime_type = OTHER
                self._tallies["unknown_code"] += 1
        elif crime_type is None and wire.type_code:
            crime_type = locality.types.get(wire.type_code)
            if crime_type is None:
                crime_type = OTHER
                self._tallies["unknown_code"] += 1
        for name in personal_fields(wire):
            self._tallies[f"personal.{name}"] += 1
        return zone, crime_type

    def _hear(
        self, record: LogRecord, city: City, incident: tuple[str, str, int], values: tuple[Any, ...]
    ) -> None:
        """Merge a message into its incident's record and the record's contributions into the partials."""
        _, incident_id, updated_at = incident
        ledger = city.ledger
        first, old = ledger.first(record.offset), ledger.find(incident_id)
        oldest_open = ledger.oldest_open
        known, late = ledger.hear(record.offset, updated_at)
        said: Said = (known, updated_at, *values)
        last = latest_pane(said, self.rules.timeline.pane_ms)
        if old is None:
            changed = self._new(city, incident_id, (last, first, said), said)
        else:
            changed = self._merge(city, incident_id, old, (last, said, oldest_open))
        self._tallies["accepted"] += 1
        if late:
            self._late(record, city, incident, changed)

    def _new(self, city: City, incident_id: str, record: Record, said: Said) -> bool:
        """The first message of an incident, or of one that is heard of again after its record has ended."""
        city.ledger.keep(incident_id, record)
        for key in said_once(said, self.rules.timeline.pane_ms):
            city.partials.add(key, incident_id)
            return True
        return False

    def _merge(self, city: City, incident_id: str, old: Record, news: tuple[int, Said, int]) -> bool:
        """A further message of an incident."""
        last, said, oldest_open = news
        last = max(last, old[LAST])
        state, was, now = merge(old[2], said, oldest_open, self.rules.timeline.pane_ms)
        if state is not old[2] or last > old[LAST]:
            record: Record = (last, old[FIRST], state)
            city.ledger.keep(incident_id, record)
            if last > old[LAST]:
                city.ledger.lengthened(incident_id, record)
        return was != now and city.partials.change(was, now, incident_id)


def withdrawn(wire: IncidentWire) -> bool | None:
    """What a message says about counting: True takes the incident out, False puts it (back) in, None says nothing."""
    if wire.exercise:
        return True
    status = wire.status
    if status is None or status is IncidentStatus.CLOSED:
        return None
    return status in WITHDRAWING


def _counts_in_the_future(field_name: str, at_ms: int, updated_at: int) -> Rejected:
    return Rejected(
        RejectReason.FROM_THE_FUTURE,
        f"{field_name}: {rfc3339(at_ms)} is more than a day after updated_at {rfc3339(updated_at)}; "
        "an incident cannot be known before it happens",
    )
