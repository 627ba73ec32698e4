"""The intake step: a batch of source messages → partials, late events, dead letters.

    records ──decode──▶ checked ──▶ ledger (late? ended?) ──▶ record ⊕ message ──▶ partials ──▶ one cells message

`SourceFold` is what both source topics share; `IncidentFold` folds `incidents`, `streams.core.dispatch_fold` the
other. What a step sends is a pure function of the log up to its position, whatever the batches were.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple
from zlib import crc32

from schemas.codec import (
    Rejected,
    dead_letter_headers,
    encode_record,
    from_json,
    instant,
    missing_field,
    personal_fields,
    read_incident,
    to_json,
)
from schemas.emissions import DeadLetter, LateEvent, Outgoing
from schemas.events import LogRecord
from schemas.instants import rfc3339
from schemas.vocabulary import UNKNOWN_ZONE, WITHDRAWING, CrimeType, IncidentStatus, RejectReason
from streams.core.cells import Columns, Partials
from streams.core.fold import Step
from streams.core.incidents import OTHER, Histories, Record, Said, latest_pane, said_once, same_pane
from streams.core.ledger import Ledger
from streams.core.timeline import DAY_MS, Timeline

FUTURE_MS: Final = 600_000
"""How far `updated_at` may lie after the record's Kafka timestamp: clocks of publishers drift, but not 10 minutes."""

_KNOWN_TYPES: Final = frozenset(CrimeType)
_CLOSED: Final = IncidentStatus.CLOSED


class Source(NamedTuple):
    """One partition of a source topic, and how many of them there are."""

    topic: str
    partition: int
    of: int


@dataclass(frozen=True)
class Locality:
    """What intake needs to know of one jurisdiction.

    Args:
        types: local type code → word of `CrimeType`.
        zone_of: (lat, lon) → zone, or None where no polygon holds the point; None where there are no polygons.
    """

    types: Mapping[str, str] = field(default_factory=dict)
    zone_of: Callable[[float, float], str | None] | None = None


@dataclass(frozen=True)
class IntakeRules:
    """Everything that decides what is counted, and where partials go."""

    timeline: Timeline
    counting_version: int = 1
    fingerprint: str = ""
    counts_by_occurred: bool = False
    localities: Mapping[str, Locality] = field(default_factory=dict)
    elsewhere: Locality = field(default_factory=Locality)  # jurisdictions that are not listed
    cells_partitions: int = 1
    cells_topic: str = "cells"
    dead_letters_topic: str = "dead-letters"
    late_events_topic: str = "late-events"


def cells_partition(jurisdiction: str, partitions: int) -> int:
    """The partition of `cells` that holds a jurisdiction: CRC-32 of its name, modulo."""
    return crc32(jurisdiction.encode()) % partitions


class City:
    """What one source partition holds of one jurisdiction."""

    def __init__(self, timeline: Timeline, locality: Locality) -> None:
        """Start before the first message."""
        self.ledger: Ledger[Any] = Ledger(timeline)
        self.partials = Partials(timeline.longest)
        self.locality = locality
        self.told: int | None = None  # greatest `updated_at` that Watch was told


class SourceFold:
    """The fold of one partition of a source topic: everything but what the messages mean."""

    def __init__(self, source: Source, rules: IntakeRules) -> None:
        """Start before the first record of the log."""
        self.source = source
        self.rules = rules
        self.position = 0
        self.cities: dict[str, City] = {}
        self._sent: list[Outgoing] = []
        self._tallies: Counter[str] = Counter()

    def step(self, records: Sequence[LogRecord]) -> Step:
        """Fold records and say what to send: dead letters, late events, then one message per target partition."""
        self._sent, self._tallies = [], Counter()
        for record in records:
            if record.offset >= self.position:
                self.position = record.offset + 1
                rejected = self._take(record)
                if rejected is not None:
                    self._dead_letter(record, rejected)
        self._tell()
        self._clean(2 * len(records))
        return Step(self._sent, dict(self._tallies))

    def metadata(self) -> str:
        """Where a take-over starts, and under which counting version."""
        starts = [start for city in self.cities.values() if (start := city.ledger.start()) is not None]
        said = {
            "start": min(starts, default=self.position),
            "version": self.rules.counting_version,
            "fingerprint": self.rules.fingerprint,
        }
        return to_json(said).decode()

    def _take(self, record: LogRecord) -> Rejected | None:
        """Fold one record; a `Rejected` makes it a dead letter."""
        raise AssertionError

    def _city(self, jurisdiction: str) -> City:
        city = self.cities.get(jurisdiction)
        if city is None:
            locality = self.rules.localities.get(jurisdiction, self.rules.elsewhere)
            city = self.cities[jurisdiction] = City(self.rules.timeline, locality)
        return city

    def _heartbeat(self, record: LogRecord, jurisdiction: str, said: Any) -> Rejected | None:
        """Nothing happened up to `heartbeat_at`: only time goes on."""
        heartbeat_at = instant("heartbeat_at", said)
        if isinstance(heartbeat_at, Rejected):
            return heartbeat_at
        future = from_the_future("heartbeat_at", heartbeat_at, record.timestamp)
        if future is None:
            self._city(jurisdiction).ledger.hear(record.offset, heartbeat_at)
            self._tallies["heartbeats"] += 1
        return future

    def _late(self, record: LogRecord, city: City, incident: tuple[str, str, int], changed: bool) -> None:
        """Announce a message that came past the allowed lateness, also when it changed nothing."""
        jurisdiction, incident_id, updated_at = incident
        timeline, ledger = self.rules.timeline, city.ledger
        effective_from = ledger.oldest_open * timeline.pane_ms
        late_by = effective_from - timeline.known_from(updated_at) * timeline.pane_ms
        event = LateEvent(
            jurisdiction,
            incident_id,
            *self.source[:2],
            record.offset,
            updated_at,
            late_by,
            effective_from,
            changed,
        )
        self._sent.append(Outgoing(self.rules.late_events_topic, incident_id.encode(), encode_record(event)))
        self._tallies["late"] += 1

    def _dead_letter(self, record: LogRecord, rejected: Rejected) -> None:
        letter = DeadLetter(*self.source[:2], record.offset, record.timestamp, record.key, record.value, *rejected)
        topic = self.rules.dead_letters_topic
        self._sent.append(Outgoing(topic, record.key, record.value, dead_letter_headers(letter)))
        self._tallies[f"dead_letter.{rejected.reason}"] += 1

    def _tell(self) -> None:
        """One message of partials and event times per partition of `cells` that has any."""
        said: dict[int, list[dict[str, Any]]] = {}
        for name, city in self.cities.items():
            columns, greatest = city.partials.take_touched(), city.ledger.greatest
            if columns is None and greatest == city.told:
                continue
            city.told = greatest
            target = cells_partition(name, self.rules.cells_partitions)
            part = {"jurisdiction": name, "greatest": greatest}
            if columns is not None:
                part |= columns._asdict() | {"gone": {str(row): ids for row, ids in columns.gone.items()}}
            said.setdefault(target, []).append(part)
        for target, parts in said.items():
            label = {
                "topic": self.source.topic,
                "partition": self.source.partition,
                "of": self.source.of,
                "version": self.rules.counting_version,
                "fingerprint": self.rules.fingerprint,
                "offset": self.position,
                "cities": parts,
            }
            key = f"{self.source.topic}-{self.source.partition}".encode()
            self._sent.append(Outgoing(self.rules.cells_topic, key, to_json(label), (), target))

    def _clean(self, most: int) -> None:
        """Forget what no open tick can see."""
        for city in self.cities.values():
            city.partials.forget(city.ledger.oldest_open)
            city.ledger.sweep(most)


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
        self._hear(record, city, (wire.jurisdiction, incident_id, updated_at), (*times, *place, withdrawn(wire)))
        return None

    def _times(self, wire: Any, updated_at: int, timestamp: int) -> tuple[int | None, int | None] | Rejected:
        """(reported_at, occurred_at) as far as they can be the time that counts."""
        future = from_the_future("updated_at", updated_at, timestamp)
        if future is not None:
            return future
        reported_at = occurred_at = None
        if wire.reported_at is not None:
            reported_at = instant("reported_at", wire.reported_at)
            if isinstance(reported_at, Rejected):
                return reported_at
            if reported_at > updated_at + DAY_MS:
                return _counts_in_the_future("reported_at", reported_at, updated_at)
        if wire.occurred_at is not None:
            occurred_at = instant("occurred_at", wire.occurred_at)
            if isinstance(occurred_at, Rejected):
                return occurred_at
            if not self.rules.counts_by_occurred:
                occurred_at = None
            elif occurred_at > updated_at + DAY_MS:
                return _counts_in_the_future("occurred_at", occurred_at, updated_at)
        return reported_at, occurred_at

    def _place(self, wire: Any, locality: Locality) -> tuple[str | None, str | None]:
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

    def _hear(self, record: LogRecord, city: City, incident: tuple[str, str, int], values: tuple[Any, ...]) -> None:
        """Merge a message into its incident's record and the record's contributions into the partials."""
        _, incident_id, updated_at = incident
        ledger = city.ledger
        first, old = ledger.first(record.offset), ledger.find(incident_id)
        oldest_open = ledger.oldest_open
        known, late = ledger.hear(record.offset, updated_at)
        said: Said = (known, updated_at, *values)  # type: ignore[assignment]
        last = latest_pane(said, self.rules.timeline.pane_ms)
        if old is None:
            changed = self._new(city, incident_id, (last, first, said))
        else:
            changed = self._merge(city, incident_id, old, (last, said, oldest_open))
        self._tallies["accepted"] += 1
        if late:
            self._late(record, city, incident, changed)

    def _new(self, city: City, incident_id: str, record: Record) -> bool:
        """The first message of an incident, or of one that is heard of again after its record has ended."""
        city.ledger.keep(incident_id, record)
        for key in said_once(record[2], self.rules.timeline.pane_ms):
            city.partials.add(key, incident_id)
            return True
        return False

    def _merge(self, city: City, incident_id: str, old: Record, news: tuple[int, Said, int]) -> bool:
        """A further message of an incident."""
        last, said, oldest_open = news
        pane_ms = self.rules.timeline.pane_ms
        if type(old) is tuple:
            was = said_once(old[2], pane_ms)
            both = same_pane(old[2], said)
            if both is not None:
                if both == old[2] and last <= old[0]:
                    return False
                record: Record = (max(last, old[0]), old[1], both)
                changed = both != old[2] and city.partials.change(was, said_once(both, pane_ms), incident_id)
            else:
                histories = Histories(old[2])
                histories.hear(said)
                record = [max(last, old[0]), old[1], histories]
                changed = city.partials.change(was, histories.contributions(pane_ms), incident_id)
        else:
            histories = old[2]
            histories.forget(oldest_open)
            was = histories.contributions(pane_ms)
            changed = histories.hear(said) and city.partials.change(
                was, histories.contributions(pane_ms), incident_id
            )
            record = [max(last, old[0]), old[1], histories]
        city.ledger.keep(incident_id, record)
        if record[0] > old[0]:
            city.ledger.lengthened(incident_id, record)
        return changed


def withdrawn(wire: Any) -> bool | None:
    """What a message says about counting: True takes the incident out, False puts it (back) in, None says nothing."""
    if wire.exercise:
        return True
    status = wire.status
    if status is None or status is _CLOSED:
        return None
    return status in WITHDRAWING


def from_the_future(field_name: str, at_ms: int, timestamp: int) -> Rejected | None:
    """Refuse a time that would drive the watermark past what other publishers still send."""
    if timestamp < 0 or at_ms <= timestamp + FUTURE_MS:
        return None
    return Rejected(
        RejectReason.FROM_THE_FUTURE,
        f"{field_name}: {rfc3339(at_ms)} is more than 10 min after the record's Kafka timestamp "
        f"{rfc3339(timestamp)}; set the publisher's clock and time zone",
    )


def _counts_in_the_future(field_name: str, at_ms: int, updated_at: int) -> Rejected:
    return Rejected(
        RejectReason.FROM_THE_FUTURE,
        f"{field_name}: {rfc3339(at_ms)} is more than a day after updated_at {rfc3339(updated_at)}; "
        "an incident cannot be known before it happens",
    )


def wrong_key(key: bytes | None, incident_id: str) -> Rejected:
    """Refuse a message whose key is not its incident: one incident would become two."""
    said = "null" if key is None else repr(key[:64])[1:]
    return Rejected(
        RejectReason.KEY_MISMATCH,
        f"key: {said} is not the incident_id {incident_id!r}; use the incident_id as the record's key",
    )


def read_metadata(text: str | None) -> dict[str, Any]:
    """What a commit of ours carries; nothing when it carries none (a broker may forget it)."""
    if not text:
        return {}
    try:
        said = from_json(text.encode())
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


__all__ = [
    "City",
    "Columns",
    "IncidentFold",
    "IntakeRules",
    "Locality",
    "Source",
    "SourceFold",
    "cells_partition",
    "read_metadata",
]
