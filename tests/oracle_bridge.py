"""From events, late-event announcements and window counts to the oracle beside the repository.

The oracle (`../shared/oracle/oracle.py`, or below `VIGIL_SHARED`) says what every window count has to be, from the
accepted messages alone. It is loaded by path and never imported by the product; where the folder is missing, tests
that ask for it are skipped with the remedy.

    counting = Counting(rules)
    assert differences(accepted, late_events, window_counts, counting, until=last_tick) == []

Instants in records may be integers (ms) or RFC 3339 text, records dicts or dataclasses of `schemas.emissions`. The
rules of time are written once more here, on purpose: a judge that borrowed them would share their mistakes.
"""

import functools
import importlib.util
import os
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import pytest

from schemas.emissions import LateEvent, WindowCounts
from schemas.events import Heartbeat, Incident

DAY_MS = 86_400_000
Coordinates = tuple[str, int, int]  # topic, partition, offset
Cell = tuple[str, str, str]  # jurisdiction, zone, crime type


def shared_dir() -> Path:
    """The folder with the oracle and the city data: `VIGIL_SHARED`, else `shared` beside the repository."""
    return Path(os.environ.get("VIGIL_SHARED") or Path(__file__).resolve().parents[2] / "shared")


@functools.cache
def load_oracle() -> ModuleType:
    """The oracle as a module; skips the test that asks where there is none."""
    path = shared_dir() / "oracle" / "oracle.py"
    if not path.is_file():
        pytest.skip("oracle/oracle.py not found in ../shared; put the folder there or set VIGIL_SHARED")
    spec = importlib.util.spec_from_file_location("vigil_oracle", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@dataclass(frozen=True)
class Rules:
    """How time is cut, in ms: panes, windows by name, out-of-orderness, allowed lateness."""

    pane_ms: int
    windows: Mapping[str, int]
    out_of_orderness_ms: int
    lateness_ms: int

    @property
    def longest_ms(self) -> int:
        """Width of the longest window."""
        return max(self.windows.values())

    def tick_after(self, at_ms: int) -> int:
        """The first tick (ms) at which a message of `updated_at` = `at_ms` is known."""
        return (at_ms // self.pane_ms + 1) * self.pane_ms

    def oldest_open(self, greatest_ms: int) -> int:
        """F (ms), the oldest tick that may still change: the least whose lateness the watermark has not used up."""
        return self.tick_after(greatest_ms - self.out_of_orderness_ms - self.lateness_ms)

    def last_published(self, greatest_ms: int) -> int:
        """The last tick (ms) a watermark that follows from `greatest_ms` has reached."""
        return (greatest_ms - self.out_of_orderness_ms) // self.pane_ms * self.pane_ms


@dataclass(frozen=True)
class Counting:
    """How messages become counts.

    Args:
        rules: time and windows.
        counts_by: fields that give the time that counts; of the merged record, the first that is known holds.
        zone_of: the zone an incident message says, after mapping.
        type_of: the crime type it says, after mapping.
    """

    rules: Rules
    counts_by: tuple[str, ...] = ("reported_at",)
    zone_of: Callable[[Incident], str | None] = lambda event: event.zone
    type_of: Callable[[Incident], str | None] = lambda event: event.crime_type


class Accepted(NamedTuple):
    """One accepted message and where it lay; dispatches may be among them, and say nothing about counts."""

    topic: str
    partition: int
    offset: int
    event: object


@dataclass
class RecordEnds:
    """Where the records of one partition end, and what is too late for it (rules 1 and 4), in order of the log."""

    counting: Counting
    greatest: dict[str, int] = field(default_factory=dict)  # by jurisdiction, before the next message
    lasts_until: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)  # ms: surely, at most

    def oldest_open(self, jurisdiction: str) -> int | None:
        """F (ms) before the next message, None before the first."""
        heard = self.greatest.get(jurisdiction)
        return None if heard is None else self.counting.rules.oldest_open(heard)

    def too_late(self, event: Incident) -> int | None:
        """The tick (ms) from which a too-late message is known; None when it is not too late."""
        oldest = self.oldest_open(event.jurisdiction)
        first_tick = self.counting.rules.tick_after(event.updated_at)
        return oldest if oldest is not None and first_tick < oldest else None

    def has_ended(self, event: Incident) -> bool:
        """Whether this message starts a new record, there having been one."""
        until, oldest = self._until(event), self.oldest_open(event.jurisdiction)
        return until is not None and oldest is not None and until[1] < oldest

    def is_close(self, event: Incident, margin_panes: int) -> bool:
        """Whether this message lies so close to the end that a pane more or less decides about it."""
        until, oldest = self._until(event), self.oldest_open(event.jurisdiction)
        if until is None or oldest is None or margin_panes == 0:
            return False
        margin = margin_panes * self.counting.rules.pane_ms
        return until[0] - margin <= oldest and until[1] + margin >= oldest

    def hear(self, event: object) -> None:
        """Go on by one message."""
        if isinstance(event, Heartbeat):
            self._hear_time(event.jurisdiction, event.heartbeat_at)
        elif isinstance(event, Incident):
            key = (event.jurisdiction, event.incident_id)
            old = None if self.has_ended(event) else self.lasts_until.get(key)
            known = self.too_late(event) or self.counting.rules.tick_after(event.updated_at)
            first, *others = (getattr(event, name) for name in self.counting.counts_by)
            surely = max(known, self._pane_start(first))
            at_most = max([surely, *(self._pane_start(at) for at in others)])
            longest = self.counting.rules.longest_ms
            before = old or (surely + longest, at_most + longest)
            self.lasts_until[key] = (max(before[0], surely + longest), max(before[1], at_most + longest))
            self._hear_time(event.jurisdiction, event.updated_at)

    def _until(self, event: Incident) -> tuple[int, int] | None:
        return self.lasts_until.get((event.jurisdiction, event.incident_id))

    def _hear_time(self, jurisdiction: str, at_ms: int) -> None:
        self.greatest[jurisdiction] = max(at_ms, self.greatest.get(jurisdiction, at_ms))

    def _pane_start(self, at_ms: int | None) -> int:
        return -1 if at_ms is None else at_ms // self.counting.rules.pane_ms * self.counting.rules.pane_ms


def ms(instant: int | str) -> int:
    """An instant of a record in ms, from ms or RFC 3339 text."""
    if isinstance(instant, int):
        return instant
    parsed = datetime.fromisoformat(instant)
    assert parsed.tzinfo is not None, f"naive time in a record: {instant}"
    return round(parsed.timestamp() * 1_000)


class Heard(NamedTuple):
    """One incident message as its partition took it."""

    accepted: Accepted
    event: Incident
    record: int  # how many records of this incident ended before
    effective_from: int | None  # by the rule: the tick (ms) from which it is known, when it is too late


def walk(accepted: Iterable[Accepted], counting: Counting) -> Iterator[Heard]:
    """The incident messages, partition by partition in order of offset."""
    by_partition: dict[tuple[str, int], list[Accepted]] = defaultdict(list)
    for message in accepted:
        by_partition[message.topic, message.partition].append(message)
    for _, log in sorted(by_partition.items()):
        ends = RecordEnds(counting)
        records: dict[tuple[str, str], int] = defaultdict(int)
        for message in sorted(log, key=lambda message: message.offset):
            event = message.event
            if isinstance(event, Incident):
                key = (event.jurisdiction, event.incident_id)
                records[key] += ends.has_ended(event)
                yield Heard(message, event, records[key], ends.too_late(event))
            ends.hear(event)


def expected_late(accepted: Iterable[Accepted], counting: Counting) -> dict[Coordinates, int]:
    """Which messages have to be announced on `late-events`, and the tick (ms) from which they are known."""
    return {
        heard.accepted[:3]: heard.effective_from
        for heard in walk(accepted, counting)
        if heard.effective_from is not None
    }


def announced(late_events: Iterable[LateEvent | Mapping[str, Any]]) -> dict[Coordinates, int]:
    """What was announced on `late-events`: coordinates → tick (ms). Repeats have to say the same."""
    found: dict[Coordinates, int] = {}
    for record in late_events:
        said = _fields(record)
        where = (said["topic"], said["partition"], said["offset"])
        effective_from = ms(said["effective_from"])
        assert found.setdefault(where, effective_from) == effective_from, f"{where} announced for two ticks"
    return found


def messages_of(
    accepted: Iterable[Accepted], late: Mapping[Coordinates, int], counting: Counting
) -> list[Any]:
    """What the oracle is to judge by: its `Message` for every accepted one, every copy included.

    A record that ended goes on under a new id. With more than one field in `counts_by`, the fields are merged first,
    as known from each tick on, and told to the oracle as messages that say nothing else: `counts_at` is a value of
    the record, not of one message.
    """
    oracle = load_oracle()
    records: dict[tuple[str, str, int], list[tuple[Incident, int | None]]] = defaultdict(list)
    for heard in walk(accepted, counting):
        key = (heard.event.jurisdiction, heard.event.incident_id, heard.record)
        records[key].append((heard.event, late.get(heard.accepted[:3])))
    messages = []
    for (jurisdiction, incident_id, record), copies in records.items():
        message = functools.partial(oracle.Message, f"{incident_id}#{record}", jurisdiction=jurisdiction)
        for event, effective_from in copies:
            said = {
                "zone": counting.zone_of(event),
                "crime_type": counting.type_of(event),
                "withdrawn": withdrawn_by(event),
            }
            if len(counting.counts_by) == 1:
                said["counts_at"] = getattr(event, counting.counts_by[0])
            messages.append(message(event.updated_at, effective_from=effective_from, **said))
        if len(counting.counts_by) > 1:
            merged = merged_times(copies, counting)
            messages += [message(tick - 1, counts_at=counts_at) for tick, counts_at in merged]
    return messages


def merged_times(copies: Iterable[tuple[Incident, int | None]], counting: Counting) -> list[tuple[int, int]]:
    """(tick, time that counts) of one record, for each tick (ms) from which more is known of it."""
    first_tick = counting.rules.tick_after
    known_from = [(first_tick(event.updated_at) if late is None else late, event) for event, late in copies]
    found = []
    for tick in sorted({tick for tick, _ in known_from}):
        known = [event for since, event in known_from if since <= tick]
        for name in counting.counts_by:
            said = [(event.updated_at, getattr(event, name)) for event in known]
            said = [(updated_at, at) for updated_at, at in said if at is not None]
            if said:
                found.append((tick, max(said)[1]))  # times have 13 digits: their order is that of their text
                break
    return found


def withdrawn_by(event: Incident) -> bool | None:
    """What a message says about counting: `exercise: true` takes it out, else its status decides."""
    if event.exercise:
        return True
    said: bool | None = load_oracle().withdrawn_by(None if event.status is None else str(event.status))
    return said


def said_by(
    window_counts: Iterable[WindowCounts | Mapping[str, Any]],
) -> dict[Cell, dict[int, dict[str, int]]]:
    """What the records on `window-counts` say in the end: of each (cell, tick) the highest revision."""
    records = (_fields(record) for record in window_counts)
    final: dict[Cell, dict[int, dict[str, int]]] = load_oracle().final(
        (
            (said["jurisdiction"], said["zone"], said["crime_type"]),
            ms(said["at"]),
            said["counts"],
            said["revision"],
        )
        for said in records
    )
    return final


def differences(
    accepted: Iterable[Accepted],
    late_events: Iterable[LateEvent | Mapping[str, Any]],
    window_counts: Iterable[WindowCounts | Mapping[str, Any]],
    counting: Counting,
    until: int | None = None,
) -> list[tuple[Cell, int, dict[str, int], dict[str, int]]]:
    """Every (cell, tick, said, true) where the records and the definition disagree; `[]` is exact.

    Args:
        accepted: every message of the log that is no dead letter, in any order, heartbeats included.
        late_events: all announcements, repeats allowed.
        window_counts: all records, in any order, repeats and revisions included.
        counting: how messages become counts.
        until: the last published tick (ms), when the run ended before every window had emptied.
    """
    oracle, windows = load_oracle(), counting.rules.windows
    messages = messages_of(list(accepted), announced(late_events), counting)
    true = oracle.truth(messages, windows, counting.rules.pane_ms)
    found: list[tuple[Cell, int, dict[str, int], dict[str, int]]] = oracle.differences(
        said_by(window_counts), true, windows, until
    )
    return found


def _fields(record: object) -> Mapping[str, Any]:
    if isinstance(record, Mapping):
        return record
    return {name: getattr(record, name) for name in type(record).__dataclass_fields__}  # type: ignore[attr-defined]
