"""The intake step: a batch of source messages → partials, late events, dead letters.

    records ──decode──▶ checked ──▶ ledger (late? ended?) ──▶ record ⊕ message ──▶ partials ──▶ one cells message

This is what both source topics share; `streams.core.incident_fold` and `streams.core.dispatch_fold` say what their
messages mean. What a step sends is a pure function of the log up to its position, whatever the batches were.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, NamedTuple
from zlib import crc32

from schemas.codec import (
    Rejected,
    dead_letter_headers,
    encode_record,
    from_json,
    instant,
    to_json,
)
from schemas.emissions import DeadLetter, LateEvent, Outgoing
from schemas.events import LogRecord
from schemas.instants import EARLIEST_MS, LATEST_MS, rfc3339
from schemas.quoting import quoted
from schemas.vocabulary import RejectReason
from streams.core.at_work import CommittedUnits, OpenCalls
from streams.core.cells import Cell, Partials
from streams.core.fold import Step
from streams.core.ledger import Ledger
from streams.core.timeline import Timeline
from streams.core.withheld import CUT_DAYS

FUTURE_MS: Final = 600_000
"""How far `updated_at` may lie after the record's Kafka timestamp: clocks of publishers drift, but not 10 minutes."""


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
    kpi_bounds_s: Sequence[float] = ()  # upper bounds of the buckets of response intervals, ascending
    kpi_windows: Mapping[str, int] = field(default_factory=dict)  # name → ms, over which they are measured
    elsewhere: Locality = field(default_factory=Locality)  # jurisdictions that are not listed
    cells_partitions: int = 1
    cells_topic: str = "cells"
    dead_letters_topic: str = "dead-letters"
    late_events_topic: str = "late-events"

    @property
    def dispatch_timeline(self) -> Timeline:
        """The timeline of `dispatches`: calls and their partials last as long as the longest of all windows asks for."""
        longest_ms = max([*self.timeline.windows.values(), *self.kpi_windows.values()])
        return replace(self.timeline, windows={"longest": longest_ms})


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
        self.cells: dict[
            tuple[str | None, str | None, str | None], Cell
        ] = {}  # zone, type, code as said → cell
        self.calls = OpenCalls()
        self.units = CommittedUnits()
        self.told: int | None = None  # greatest `updated_at` that Watch was told
        self.whole_from: int | None = None  # the first pane of which all was heard; None: all of them


class SourceFold:
    """The fold of one partition of a source topic: everything but what the messages mean."""

    def __init__(self, source: Source, rules: IntakeRules, cut: int | None = None) -> None:
        """Start before the first record of the log.

        Args:
            source: which partition.
            rules: what is counted, and how.
            cut: the offset at which the log begins, after what this fold would need; None: nothing is gone.
        """
        self.source = source
        self.rules = rules
        self.cut = cut
        self.position = 0
        self.cities: dict[str, City] = {}
        self._sent: list[Outgoing] = []
        self._tallies: Counter[str] = Counter()

    def step(self, records: Sequence[LogRecord]) -> Step:
        """Fold records and say what to send: dead letters, late events, then one message per target partition."""
        accepted = self._fold(records)
        self._tell()
        self._clean(2 * len(records))
        self._tallies["accepted"] = accepted
        return Step(self._sent, {what: n for what, n in self._tallies.items() if n})

    def absorb(self, records: Sequence[LogRecord]) -> None:
        """Fold records whose partials an owner before has sent: making them is an eighth of the work."""
        self._fold(records)
        if self.cut is not None:
            self._note_the_cut()
        for city in self.cities.values():
            city.partials.leave_touched()
            city.told = city.ledger.greatest
        self._clean(2 * len(records))

    def _fold(self, records: Sequence[LogRecord]) -> int:
        """Fold records, with what follows from single messages; how many were accepted."""
        self._sent, self._tallies = [], Counter()
        fresh = [record for record in records if record.offset >= self.position]
        dead = 0
        take_plain = self._take_plain
        for record, said in zip(fresh, self._read([record.value for record in fresh]), strict=True):
            if not take_plain(record, said):
                rejected = said if isinstance(said, Rejected) else self._take(record, said)
                if rejected is not None:
                    self._dead_letter(record, rejected)
                    dead += 1
        if fresh:
            self.position = fresh[-1].offset + 1
        # What is true of nearly every message is counted by the batch.
        return len(fresh) - dead - self._tallies["heartbeats"]

    def metadata(self) -> str:
        """Where a take-over starts, and under which counting version."""
        starts = [start for city in self.cities.values() if (start := city.ledger.start()) is not None]
        said: dict[str, Any] = {
            "start": min(starts, default=self.position),
            "version": self.rules.counting_version,
            "fingerprint": self.rules.fingerprint,
            "of": self.source.of,
        }
        if self.cut is not None:
            said |= {"start": min(said["start"], self.cut), "cut": self.cut}
        return to_json(said).decode()

    def _read(self, values: Sequence[bytes | None]) -> Sequence[Any]:
        """Decode the values of a batch, each to a wire struct or a `Rejected`."""
        raise AssertionError

    def _take_plain(self, record: LogRecord, said: Any) -> bool:
        """Fold a record of the most ordinary kind, as `_take` would; False, and nothing done, where it is another."""
        return False

    def _take(self, record: LogRecord, wire: Any) -> Rejected | None:
        """Fold one decoded record; a `Rejected` makes it a dead letter."""
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
        letter = DeadLetter(
            *self.source[:2], record.offset, written_stamp(record), record.key, record.value, *rejected
        )
        topic = self.rules.dead_letters_topic
        self._sent.append(Outgoing(topic, record.key, record.value, dead_letter_headers(letter)))
        self._tallies[f"dead_letter.{rejected.reason}"] += 1

    def _tell(self) -> None:
        """One message of partials and event times per partition of `cells` that has any."""
        said: dict[int, list[dict[str, Any]]] = {}
        if self.cut is not None:
            self._note_the_cut()
        for name, city in self.cities.items():
            columns, greatest = city.partials.take_touched(), city.ledger.greatest
            if columns is None and greatest == city.told:
                continue
            city.told = greatest
            target = cells_partition(name, self.rules.cells_partitions)
            part = {"jurisdiction": name, "greatest": greatest}
            if city.whole_from is not None:
                part["whole_from"] = city.whole_from
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

    def _note_the_cut(self) -> None:
        """Note of which panes all was heard, of cities that are heard of for the first time."""
        for city in self.cities.values():
            if city.whole_from is None:
                city.whole_from = city.ledger.whole_from()

    def _forget_the_cut(self) -> None:
        """Days after all windows are whole it matters no more; of any city: another may have fallen silent for good."""
        timeline = self.rules.timeline
        reach = timeline.longest + CUT_DAYS * timeline.day
        if any(
            city.whole_from is not None and city.ledger.oldest_open - reach > city.whole_from
            for city in self.cities.values()
        ):
            self.cut = None
            for city in self.cities.values():
                city.whole_from = None

    def _clean(self, most: int) -> None:
        """Forget what no open tick can see."""
        if self.cut is not None:
            self._forget_the_cut()
        for city in self.cities.values():
            city.partials.forget(city.ledger.oldest_open)
            city.ledger.sweep(most)


def written_stamp(record: LogRecord) -> int:
    """A record's Kafka timestamp as a dead letter can say it: publishers have stamped microseconds, or nothing."""
    return min(max(record.timestamp, EARLIEST_MS), LATEST_MS)


def from_the_future(field_name: str, at_ms: int, timestamp: int) -> Rejected | None:
    """Refuse a time that would drive the watermark past what other publishers still send."""
    if timestamp < 0 or at_ms <= timestamp + FUTURE_MS:
        return None
    return Rejected(
        RejectReason.FROM_THE_FUTURE,
        f"{field_name}: {rfc3339(at_ms)} is more than 10 min after the record's Kafka timestamp "
        f"{rfc3339(timestamp)}; set the publisher's clock and time zone",
    )


def wrong_key(key: bytes | None, incident_id: str) -> Rejected:
    """Refuse a message whose key is not its incident: one incident would become two."""
    said = "null" if key is None else quoted(key)
    return Rejected(
        RejectReason.KEY_MISMATCH,
        f"key: {said} is not the incident_id {incident_id!r}; use the incident_id as the record's key",
    )


def cut_of(said: Mapping[str, Any], log_start: int) -> int | None:
    """The offset at which a log was cut, for a take-over from what a commit says; None: nothing that matters is gone.

    A commit that says nothing (there is none, or the broker forgot what it carried) needs the whole log.
    """
    if said.get("start", 0) < log_start:
        return log_start
    cut: int | None = said.get("cut")
    return cut


def read_metadata(text: str | None) -> dict[str, Any]:
    """What a commit of ours carries; nothing when it carries none (a broker may forget it)."""
    if not text:
        return {}
    try:
        said = from_json(text.encode())
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}
