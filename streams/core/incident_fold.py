"""The intake step of `incidents`: checked, mapped, located, merged into the incident's record, counted as partials."""

from collections.abc import Sequence
from datetime import datetime
from sys import intern
from typing import Any, Final

from schemas.codec import IncidentWire, Rejected, instant, missing_field, personal_fields, read_incidents
from schemas.events import LogRecord
from schemas.instants import EARLIEST_MS, LATEST_MS, epoch_ms, rfc3339
from schemas.vocabulary import ANY, UNKNOWN_ZONE, WITHDRAWING, CrimeType, IncidentStatus, RejectReason
from streams.core.at_work import STAGE_OF
from streams.core.cells import Cell
from streams.core.incidents import OTHER, Contributions, Said, cell_of, latest_pane, merge, said_once
from streams.core.ledger import FIRST, LAST
from streams.core.source_fold import FUTURE_MS, City, Locality, SourceFold, from_the_future, wrong_key
from streams.core.timeline import DAY_MS

_KNOWN_TYPES: Final[dict[str | None, str]] = {word.value: word.value for word in CrimeType}
_WITHDRAWS: Final[dict[IncidentStatus | None, bool]] = {
    status: status in WITHDRAWING for status in IncidentStatus if status is not IncidentStatus.CLOSED
}
_COUNTS: Final = {status: not withdraws for status, withdraws in _WITHDRAWS.items()}
"""Statuses that say that the incident counts."""

CELLS_REMEMBERED: Final = 65_536
"""Of one city, with the words that say them: a city has some thousand."""

Record = tuple[Any, ...]
"""(last, first, *state): see `streams.core.ledger` for the first two. One flat tuple, which costs the least memory."""

STATE: Final = 2


class IncidentFold(SourceFold):
    """The fold of one partition of `incidents`."""

    def _read(self, values: Sequence[bytes | None]) -> Sequence[IncidentWire | Rejected]:
        return read_incidents(values)

    def _take_plain(self, record: LogRecord, said: IncidentWire | Rejected) -> bool:
        """The first message of an incident, whole and in time: what `_take` does in twenty calls, written out in one.

        Nearly all messages are that: with it a batch of them takes 5.6 µs each, and 8.8 without.
        """
        if (
            said.__class__ is not IncidentWire
            or said.heartbeat_at is not None
            or said.occurred_at is not None
        ):
            return False
        incident_id, updated, reported = said.incident_id, said.updated_at, said.reported_at
        city, counts = self.cities.get(said.jurisdiction), _COUNTS.get(said.status)
        if (
            city is None
            or not counts
            or incident_id is None
            or incident_id in city.ledger.records
            or record.key != incident_id.encode()
            or updated.__class__ is not datetime
            or reported.__class__ is not datetime
            or updated.tzinfo is None
            or reported.tzinfo is None
            or said.exercise
        ):
            return False
        updated_at, reported_at = epoch_ms(updated), epoch_ms(reported)
        ledger, pane_ms = city.ledger, self.rules.timeline.pane_ms
        known = updated_at // pane_ms + 1
        cell = city.cells.get((said.zone, said.crime_type, said.type_code)) or self._named(said, city)
        if (
            cell is None
            or known < ledger.oldest_open
            or not EARLIEST_MS <= reported_at <= updated_at < LATEST_MS
            or updated_at > record.timestamp + FUTURE_MS
        ):
            return False
        zone, crime_type = cell
        first = ledger.first(record.offset)
        ledger.hear(record.offset, updated_at)
        ledger.begin(
            incident_id, (known, first, known, updated_at, reported_at, None, zone, crime_type, False)
        )
        city.partials.add((cell, reported_at // pane_ms, known), incident_id)
        city.calls.begin(incident_id, STAGE_OF[said.status], updated_at, (said.priority, reported_at))
        return True

    def _named(self, wire: IncidentWire, city: City) -> Cell | None:
        """The cell of a message that names zone and type, remembered; None where there is more to it."""
        zone, code = wire.zone, wire.crime_type or wire.type_code
        crime_type = _KNOWN_TYPES.get(wire.crime_type) or city.locality.types.get(code or "")
        if not zone or zone in (ANY, UNKNOWN_ZONE) or crime_type is None:
            return None
        if len(city.cells) >= CELLS_REMEMBERED:
            city.cells.clear()  # publishers can name more zones than there are
        cell = city.cells[zone, wire.crime_type, wire.type_code] = cell_of(intern(zone), crime_type)
        return cell

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
                if contribution[0][0] == UNKNOWN_ZONE:
                    self._tallies["unlocatable"] += 1
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
        if was == now:
            return False
        if _in_unknown(now) > _in_unknown(was):
            self._tallies["unlocatable"] += 1
        return city.partials.change(was, now, incident_id)


def withdrawn(wire: IncidentWire) -> bool | None:
    """What a message says about counting: True takes the incident out, False puts it (back) in, None says nothing."""
    return True if wire.exercise else _WITHDRAWS.get(wire.status)


def _in_unknown(moves: Contributions) -> int:
    """By how many more the incident stands in zone `unknown` in the end than before the first of these."""
    more = 0
    for move, net in moves.items():
        if move[0][0] == UNKNOWN_ZONE:
            more += net
    return more


def _counts_in_the_future(field_name: str, at_ms: int, updated_at: int) -> Rejected:
    return Rejected(
        RejectReason.FROM_THE_FUTURE,
        f"{field_name}: {rfc3339(at_ms)} is more than a day after updated_at {rfc3339(updated_at)}; "
        "an incident cannot be known before it happens",
    )
