"""What each message would become: the folds of production, one message at a time, and what they send is looked at.

    message ──▶ IncidentFold / DispatchFold / AckFold ──▶ dead letter, late event, partials ──▶ Outcome

There is no second logic here: whether a message is usable, where it counts and whether it is late is read from what
the fold sends and tallies. A fold's answer does not depend on how its messages are cut into batches.
"""

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any, Final, NamedTuple

from schemas.codec import IncidentWire, from_json, instant, read_incident
from schemas.emissions import Outgoing
from schemas.events import Entry
from schemas.instants import rfc3339
from streams.checking.outcomes import Becomes, Cell, Outcome, Place
from streams.core.ack_fold import AckFold, AckRules
from streams.core.dispatch_fold import DispatchFold
from streams.core.dispatches import ABSURD, BEYOND, MISSING, NEGATIVE, SUM
from streams.core.fold import Fold
from streams.core.incident_fold import IncidentFold, withdrawn
from streams.core.source_fold import IntakeRules, Source

TOPICS: Final = ("incidents", "dispatches", "alert-acks")
YEAR_2000_MS: Final = 946_684_800_000
_SECONDS: Final = "before 2000: are its times epoch seconds? milliseconds are meant"
_OVERTAKEN: Final = "overtaken: a message known later holds, so only earlier ticks move"
_LEFT_OUT: Final = {MISSING: "its start is missing", NEGATIVE: "negative", ABSURD: "longer than a day"}


Contribution = tuple[tuple[tuple[str, ...], int, int], int]
"""((cell, pane, tick from which it is known), +1 or -1) of one incident."""

Row = tuple[tuple[str, ...], int, int, int, Sequence[str], Sequence[str]]
"""A partial as sent: (cell, pane, known, net, ids that came, ids that left)."""


class Given(NamedTuple):
    """A message as Kafka would have it, or has it."""

    place: Place
    topic: str  # without the prefix
    key: bytes | None
    value: bytes | None
    sent_at: int  # Kafka timestamp, ms
    partition: int = 0
    of: int = 1


class Found(NamedTuple):
    """What a fold sent for one message."""

    dead: Mapping[str, str]  # headers of the dead letter
    late: Mapping[str, Any]
    rows: Sequence[Row]
    tallies: Mapping[str, int]


class Checker:
    """Folds messages partition by partition, and says what becomes of each."""

    def __init__(self, rules: IntakeRules) -> None:
        """Start before the first message; `rules` are those of production."""
        self._rules = rules
        self._folds: dict[tuple[str, int], Fold] = {}
        self._offsets: dict[tuple[str, int], int] = {}
        self._seen: set[bytes] = set()
        self._contributions: dict[tuple[str, str], Sequence[Contribution]] = {}  # of each incident
        self._nets: dict[Any, int] = {}

    def check(self, given: Given) -> Outcome:
        """What a message becomes after all those before it."""
        found = self._fold(given)
        key = None if given.key is None else given.key.decode("utf-8", "replace")
        about = (given.place, given.topic, key)
        personal = tuple(name[9:] for name in found.tallies if name.startswith("personal."))
        said: dict[str, Any] = {"personal": personal}
        if found.dead:
            reason, why = found.dead["vigil-reason"], found.dead["vigil-message"]
            return Outcome(*about, Becomes.DEAD_LETTER, reason=reason, why=why)
        if found.tallies.get("heartbeats"):
            return Outcome(*about, Becomes.HEARTBEAT)
        repeated = self._repeated(given)
        if given.topic == "incidents":
            said |= self._incident(given, found, repeated)
        elif given.topic == "dispatches":
            said |= self._fact(given, found, repeated)
        else:
            said["becomes"] = Becomes.DUPLICATE if repeated else Becomes.ANSWER
        if found.late:
            said |= {"late_by_s": found.late["late_by_ms"] / 1000, "known_from": found.late["effective_from"]}
        return Outcome(*about, **said)

    def _fold(self, given: Given) -> Found:
        """Fold one message."""
        name = (given.topic, given.partition)
        fold = self._folds.get(name) or self._folds.setdefault(name, self._new(given))
        offset = self._offsets[name] = self._offsets.get(name, -1) + 1
        step = fold.step([Entry(offset, given.sent_at, given.key, given.value)])
        dead: dict[str, str] = {}
        late: dict[str, Any] = {}
        rows: list[Row] = []
        for outgoing in step.emissions:
            if outgoing.topic == self._rules.dead_letters_topic:
                dead = {header: text.decode() for header, text in outgoing.headers}
            elif outgoing.topic == self._rules.late_events_topic:
                late = from_json(outgoing.value or b"")
            elif given.topic != "alert-acks":
                rows = _rows(outgoing)
        return Found(dead, late, rows, step.tallies)

    def _new(self, given: Given) -> Fold:
        source = Source(given.topic, given.partition, given.of)
        if given.topic == "alert-acks":
            return AckFold(source, AckRules(dead_letters_topic=self._rules.dead_letters_topic))
        fold = IncidentFold if given.topic == "incidents" else DispatchFold
        return fold(source, self._rules)

    def _repeated(self, given: Given) -> bool:
        """Whether the same message came before."""
        parts = (given.topic.encode(), given.key or b"", given.value or b"")
        digest = blake2b(b"\0".join(parts), digest_size=16).digest()
        known = digest in self._seen
        self._seen.add(digest)
        return known

    def _incident(self, given: Given, found: Found, repeated: bool) -> dict[str, Any]:
        """What a message about an incident becomes."""
        wire = read_incident(given.value)
        assert isinstance(wire, IncidentWire)
        assert wire.incident_id is not None
        said: dict[str, Any] = {"unlocatable": bool(found.tallies.get("unlocatable"))}
        if found.tallies.get("unknown_code"):
            said["unknown_code"] = wire.crime_type or wire.type_code
        if found.rows:
            tick = min(row[2] for row in found.rows)
            said["known_from"] = rfc3339(tick * self._rules.timeline.pane_ms)
        updated_at = instant("updated_at", wire.updated_at or 0)
        if isinstance(updated_at, int) and updated_at < YEAR_2000_MS:
            said["hint"] = _SECONDS
        said |= self._standing((wire.jurisdiction, wire.incident_id), found)
        if "becomes" not in said and repeated:
            said["becomes"] = Becomes.DUPLICATE
        elif "becomes" not in said:
            counts = said["cell"] is not None
            said |= {"becomes": Becomes.UNCHANGED if counts else Becomes.NOT_COUNTED}
            said["why"] = "" if counts else self._why_not(wire)
        return said

    def _standing(self, name: tuple[str, str], found: Found) -> dict[str, Any]:
        """Where the incident counts after this message, and what the message becomes where it moved anything."""
        contributions = self._contributions.get(name, ())
        before = self._standing_of(contributions)
        if not found.rows:
            return {"cell": before}
        touched = {row[:3] for row in found.rows}
        kept = [(key, sign) for key, sign in contributions if key not in touched]
        for cell, pane, known, _, ids, gone in found.rows:
            if name[1] in ids or name[1] in gone:
                kept.append(((cell, pane, known), 1 if name[1] in ids else -1))
        self._contributions[name] = tuple(kept)
        now = self._standing_of(kept)
        if now == before:
            return {"becomes": Becomes.MOVED, "cell": now, "hint": _OVERTAKEN}
        if now is None:
            return {"becomes": Becomes.WITHDRAWN, "left": before}
        return {"becomes": Becomes.COUNTED if before is None else Becomes.MOVED, "cell": now, "left": before}

    def _standing_of(self, contributions: Sequence[Contribution]) -> Cell | None:
        """Where an incident counts in the end: what its newest contributions put in, if they put it in anywhere."""
        newest = max((known for (_, _, known), _ in contributions), default=None)
        for (cell, pane, known), sign in reversed(
            contributions
        ):  # the last said: panes of others may be forgotten
            if known == newest and sign > 0:
                return Cell(cell[0], cell[1], rfc3339(pane * self._rules.timeline.pane_ms))
        return None

    def _why_not(self, wire: IncidentWire) -> str:
        """Why an incident that was not in the counts is not after this message either."""
        if withdrawn(wire):
            return "exercise" if wire.exercise else f"{wire.status}: it does not count"
        said = wire.occurred_at if self._rules.counts_by_occurred else None
        if (said or wire.reported_at) is None:
            field = "reported_at or occurred_at" if self._rules.counts_by_occurred else "reported_at"
            return f"no time that counts yet: {field} was not said"
        return "too old, or withdrawn before: in no window of a tick that may still change"

    def _fact(self, given: Given, found: Found, repeated: bool) -> dict[str, Any]:
        """Which response intervals a fact about a unit completes or corrects."""
        intervals = []
        for cell, pane, known, net, *_ in found.rows:
            key = (given.partition, cell, pane, known)
            more, self._nets[key] = net - self._nets.get(key, 0), net
            if more > 0 and cell[3] != SUM:
                intervals.append(_interval(cell[2], cell[3]))
        said: dict[str, Any] = {"intervals": tuple(dict.fromkeys(intervals))}
        if found.rows:
            return said | {"becomes": Becomes.MEASURED}
        return said | {"becomes": Becomes.DUPLICATE if repeated else Becomes.NOTED}


def _rows(cells: Outgoing) -> list[Row]:
    """The partials that a message touched."""
    (city,) = from_json(cells.value or b"")["cities"]
    if "net" not in city:
        return []
    named, gone = [tuple(cell) for cell in city["cells"]], city["gone"]
    columns = zip(city["cell"], city["pane"], city["known"], city["net"], city["ids"], strict=True)
    return [
        (named[cell], pane, known, net, ids, gone.get(str(row), ()))
        for row, (cell, pane, known, net, ids) in enumerate(columns)
    ]


def _interval(kpi: str, bucket: str) -> str:
    if bucket in _LEFT_OUT:
        return f"{kpi} left out: {_LEFT_OUT[bucket]}"
    return f"{kpi} beyond every bound" if bucket == BEYOND else f"{kpi} within {bucket} s"
