"""Random worlds: message logs in which everything that can go wrong with an incident does, small enough to see.

A world is one log per partition of the topic `incidents`. It is assembled from *sayings*, each drawn from short
menus: the same menus feed Hypothesis (`worlds`, shrinks to a few messages) and a seeded generator (`random_world`,
for thousands of messages). Few incidents, zones, types and instants, so that everything collides: messages that say
only some fields, ties within a millisecond, redeliveries, disorder within and beyond the watermark, messages that
are too late, times that count before and after, withdrawals and re-openings, exercises, heartbeats, several
jurisdictions (with the same incident ids) in one partition, partitions of very different speed, and silences of days
after which a record has ended.

    sayings ──assemble(rules, shape)──▶ World.logs[partition] = (WorldEntry(offset, timestamp, key, event), …)

All messages of a world are acceptable: no dead letters. Nothing here imports the code under test.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from zlib import crc32

from hypothesis import strategies as st

from schemas.events import Entry, Heartbeat, Incident
from schemas.vocabulary import CallSource, IncidentStatus
from tests.oracle_bridge import DAY_MS, Accepted, Counting, RecordEnds, Rules

START_MS = 1_772_323_199_000  # one second before 2026-03-01T00:00:00Z: panes, hours and days begin early on
FUTURE_MS = 600_000  # `updated_at` may lie this much after the Kafka timestamp and no more

SHORT = Rules(
    pane_ms=1_000,
    windows={"2p": 2_000, "5p": 5_000, "12p": 12_000},
    out_of_orderness_ms=1_500,
    lateness_ms=4_000,
)
"""Panes of a second: windows fill, empty and close for good within a few dozen messages."""

CITY = Rules(
    pane_ms=60_000,
    windows={"15m": 900_000, "1h": 3_600_000, "6h": 21_600_000, "24h": DAY_MS},
    out_of_orderness_ms=60_000,
    lateness_ms=3_600_000,
)
"""As in production, without the window of seven days."""


@dataclass(frozen=True)
class Shape:
    """How big a world is.

    Args:
        partitions: logs; an incident's is the CRC-32 of its id modulo this.
        jurisdictions: all of them appear in every partition, with the same incident ids.
        incidents: different ids; the fewer, the more messages each.
        messages: sayings of a seeded world (a Hypothesis world has at most `HYPOTHESIS_MESSAGES`).
        silences: whether now and then nothing is said for days (records end).
        closing: whether every partition ends with heartbeats after which all windows are empty.
        counts_by: fields that give the time that counts, the first that is known holds.
        margin_panes: messages that come this close to the end of their incident's record are left out; 0 keeps
            them, and asks the code under test for the same end to the tick.
    """

    partitions: int = 3
    jurisdictions: int = 2
    incidents: int = 6
    messages: int = 400
    silences: bool = True
    closing: bool = True
    counts_by: tuple[str, ...] = ("reported_at",)
    margin_panes: int = 2


class WorldEntry(NamedTuple):
    """One record of a world's log, the event not yet encoded."""

    offset: int
    timestamp: int
    key: bytes | None
    event: Incident | Heartbeat

    def encoded(self, encode: Callable[[Incident | Heartbeat], bytes]) -> Entry:
        """The record as it lies in Kafka."""
        return Entry(self.offset, self.timestamp, self.key, encode(self.event))


@dataclass(frozen=True)
class World:
    """The logs of all partitions of one topic, and the rules they were made for."""

    rules: Rules
    shape: Shape
    logs: tuple[tuple[WorldEntry, ...], ...]
    topic: str = "incidents"

    @property
    def counting(self) -> Counting:
        """How these messages are counted (for `tests.oracle_bridge`)."""
        return Counting(self.rules, self.shape.counts_by)

    def accepted(self) -> list[Accepted]:
        """Every message with its coordinates (all are acceptable)."""
        return [
            Accepted(self.topic, partition, entry.offset, entry.event)
            for partition, log in enumerate(self.logs)
            for entry in log
        ]


class Saying(NamedTuple):
    """What somebody says next, relative to the clock of the publisher of (partition, jurisdiction)."""

    jurisdiction: int
    incident: int
    step_ms: int  # the publisher's clock goes on by this, times the speed of the partition
    behind_ms: int  # `updated_at` lies this far before that clock: disorder, and lateness
    reported_ms: int | None  # relative to `updated_at`; None: not said
    occurred_ms: int | None
    zone: str | None
    crime_type: str | None
    status: IncidentStatus | None
    exercise: bool | None
    source: CallSource | None
    kind: str  # "message", "heartbeat" or "repeat": an earlier message of the same partition once more
    back: int  # how many messages earlier the repeated one was
    skew_ms: int  # the Kafka timestamp lies this far before the publisher's clock, <= FUTURE_MS
    hole: int  # offsets left out before this record, as transaction markers do


def weighted(*choices: tuple[Any, int]) -> tuple[Any, ...]:
    """A menu in which each value stands as often as its weight; the first is what Hypothesis shrinks to."""
    return tuple(value for value, weight in choices for _ in range(weight))


def times_that_count(rules: Rules) -> tuple[int | None, ...]:
    """Menu of times that count, in ms from `updated_at`: around every boundary, past and future."""
    pane, longest = rules.pane_ms, rules.longest_ms
    edges = tuple((-width + nudge, 1) for width in rules.windows.values() for nudge in (-1, 0, pane))
    near = ((-pane // 4, 3), (-pane, 3), (pane // 4, 1), (pane, 1), (3 * pane, 1))
    far = ((-longest - 5 * pane, 1), (min(2 * longest, DAY_MS - 1), 1), (DAY_MS, 1))
    return weighted((0, 14), (None, 16), *near, *edges, *far)


def delays(rules: Rules) -> tuple[int, ...]:
    """Menu of how far a message lies behind its publisher: in order, in disorder, late, and too late."""
    pane, gone = rules.pane_ms, rules.out_of_orderness_ms + rules.lateness_ms
    disorder = ((1, 2), (pane // 4, 3), (rules.out_of_orderness_ms, 3))
    late = ((2 * pane, 3), (rules.out_of_orderness_ms + pane, 2), (rules.lateness_ms, 2))
    too_late = (
        (gone - pane, 1),
        (gone, 1),
        (gone + pane // 2, 1),
        (gone + 3 * pane, 1),
        (rules.longest_ms, 1),
    )
    return weighted((0, 40), *disorder, *late, *too_late)


def steps(rules: Rules, silences: bool) -> tuple[int, ...]:
    """Menu of how far a publisher's clock goes on: mostly ties and parts of a pane, rarely days."""
    pane = rules.pane_ms
    ordinary = ((0, 70), (1, 20), (pane // 4, 70), (pane, 40), (3 * pane, 14), (rules.lateness_ms, 2))
    silent = ((rules.longest_ms + rules.lateness_ms, 1), (2 * DAY_MS, 1), (5 * DAY_MS, 1))
    return weighted(*ordinary, *(silent if silences else ()))


def menus(rules: Rules, shape: Shape) -> dict[str, tuple[Any, ...]]:
    """What every field of a saying is drawn from."""
    status = IncidentStatus
    puts_in = (status.RECEIVED, status.PENDING, status.DISPATCHED, status.REOPENED, status.MOVED)
    takes_out = ((status.CANCELLED, 3), (status.UNFOUNDED, 1), (status.MERGED, 1))
    return {
        "jurisdiction": tuple(range(shape.jurisdictions)),
        "incident": tuple(range(shape.incidents)),
        "step_ms": steps(rules, shape.silences),
        "behind_ms": delays(rules),
        "reported_ms": times_that_count(rules),
        "occurred_ms": weighted((None, 40)) + times_that_count(rules),
        "zone": weighted(("A1", 4), (None, 6), ("B2", 3), ("Ä9", 1), ("unknown", 1)),
        "crime_type": weighted(("burglary", 4), (None, 6), ("larceny", 3), ("other", 1)),
        "status": weighted((None, 10), *((word, 1) for word in puts_in), *takes_out, (status.CLOSED, 3)),
        "exercise": weighted((None, 30), (False, 2), (True, 1)),
        "source": weighted((None, 3), (CallSource.E911, 2), (CallSource.OFFICER, 1)),
        "kind": weighted(("message", 18), ("heartbeat", 1), ("repeat", 2)),
        "back": (0, 1, 2, 5, 20),
        "skew_ms": weighted((0, 8), (1_000, 2), (FUTURE_MS, 1)),
        "hole": weighted((0, 20), (1, 2), (7, 1)),
    }


def assemble(rules: Rules, shape: Shape, sayings: Sequence[Saying], speeds: Sequence[int] = (1,)) -> World:
    """The world in which these things are said, in this order within each partition.

    Args:
        rules: time and windows.
        shape: `partitions`, `closing`, `counts_by` and `margin_panes` are used.
        sayings: what is said.
        speeds: how fast each partition's clocks go, repeated as needed: 1 is slowest.
    """
    logs = tuple(_Log(rules, shape, speeds[number % len(speeds)]) for number in range(shape.partitions))
    for saying in sayings:
        logs[partition_of(incident_id(saying.incident), shape.partitions)].hear(saying)
    if shape.closing:
        names = [f"city{number}" for number in range(shape.jurisdictions)]
        horizon = max([START_MS, *(log.last_effect_ms for log in logs)]) + 2 * rules.pane_ms
        horizon += rules.longest_ms + rules.lateness_ms + rules.out_of_orderness_ms
        for log in logs:
            for name in names:
                log.append(Heartbeat(name, horizon), horizon)
    return World(rules, shape, tuple(tuple(log.entries) for log in logs))


def incident_id(number: int) -> str:
    """The id of the incident of this number."""
    return f"i{number}"


def partition_of(key: str, partitions: int) -> int:
    """The partition of a key; any function of the key would do."""
    return crc32(key.encode()) % partitions


@dataclass
class _Log:
    """A partition while it is being written."""

    rules: Rules
    shape: Shape
    speed: int
    entries: list[WorldEntry] = field(default_factory=list)
    said: list[Incident] = field(default_factory=list)
    clocks: dict[str, int] = field(default_factory=dict)
    last_effect_ms: int = START_MS
    offset: int = 0
    ends: RecordEnds = field(init=False)

    def __post_init__(self) -> None:
        """Watch where records end."""
        self.ends = RecordEnds(Counting(self.rules, self.shape.counts_by))

    def hear(self, saying: Saying) -> None:
        """Write what is said, unless it comes too close to the end of its incident's record."""
        name = f"city{saying.jurisdiction}"
        silence = saying.step_ms >= self.rules.longest_ms  # lasts as long for the fast as for the slow
        clock = self.clocks.get(name, START_MS) + saying.step_ms * (1 if silence else self.speed)
        self.clocks[name] = clock
        event = self._event(saying, name, clock)
        if isinstance(event, Incident) and self.ends.is_close(event, self.shape.margin_panes):
            return
        self.ends.hear(event)
        self.offset += saying.hole
        self.append(event, max(clock - saying.skew_ms, known_at(event) - FUTURE_MS))

    def append(self, event: Incident | Heartbeat, timestamp: int) -> None:
        """Write one record at the next offset."""
        key = event.incident_id.encode() if isinstance(event, Incident) else None
        self.entries.append(WorldEntry(self.offset, timestamp, key, event))
        self.offset += 1
        self.last_effect_ms = max(self.last_effect_ms, known_at(event))
        if isinstance(event, Incident):
            self.said.append(event)
            self.last_effect_ms = max(self.last_effect_ms, event.reported_at or 0, event.occurred_at or 0)

    def _event(self, saying: Saying, name: str, clock: int) -> Incident | Heartbeat:
        if saying.kind == "repeat" and saying.back < len(self.said):
            return self.said[-1 - saying.back]
        if saying.kind == "heartbeat":
            return Heartbeat(name, clock)
        updated_at = clock - saying.behind_ms
        return Incident(
            incident_id=incident_id(saying.incident),
            jurisdiction=name,
            updated_at=updated_at,
            status=saying.status,
            crime_type=saying.crime_type,
            zone=saying.zone,
            call_source=saying.source,
            occurred_at=None if saying.occurred_ms is None else updated_at + saying.occurred_ms,
            reported_at=None if saying.reported_ms is None else updated_at + saying.reported_ms,
            exercise=saying.exercise,
        )


def known_at(event: Incident | Heartbeat) -> int:
    """The publisher's time of an event: `updated_at`, or `heartbeat_at`."""
    return event.updated_at if isinstance(event, Incident) else event.heartbeat_at


HYPOTHESIS_MESSAGES = 40
SPEEDS = ((1, 1, 1), (1, 7, 3), (1, 40, 400))


def worlds(rules: Rules = SHORT, shape: Shape | None = None) -> st.SearchStrategy[World]:
    """Hypothesis strategy of worlds of at most `HYPOTHESIS_MESSAGES` messages; shrinks to the fewest, plainest."""
    chosen = shape or Shape()
    sayings = st.builds(
        Saying, **{name: st.sampled_from(menu) for name, menu in menus(rules, chosen).items()}
    )
    return st.builds(
        assemble,
        st.just(rules),
        st.just(chosen),
        st.lists(sayings, max_size=HYPOTHESIS_MESSAGES),
        st.sampled_from(SPEEDS),
    )


def random_world(seed: int, rules: Rules = SHORT, shape: Shape | None = None) -> World:
    """The world of this seed: `shape.messages` sayings, always the same."""
    chosen = shape or Shape()
    rng = random.Random(seed)
    listed = menus(rules, chosen)
    sayings = [
        Saying(**{name: rng.choice(menu) for name, menu in listed.items()}) for _ in range(chosen.messages)
    ]
    return assemble(rules, chosen, sayings, rng.choice(SPEEDS))


def schedule(world: World, rng: random.Random, largest: int = 50) -> Iterator[tuple[int, int, int]]:
    """Batches in which the partitions may be read: (partition, first index, end index), each log whole and in order.

    Some partitions run far ahead of others, as when catching up.
    """
    done = [0] * len(world.logs)
    eagerness = [rng.choice((1, 1, 5, 50)) for _ in world.logs]
    while open_logs := [number for number, log in enumerate(world.logs) if done[number] < len(log)]:
        number = rng.choices(open_logs, [eagerness[each] for each in open_logs])[0]
        end = min(done[number] + rng.randint(1, largest), len(world.logs[number]))
        yield number, done[number], end
        done[number] = end
