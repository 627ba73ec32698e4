"""Random worlds of dispatches: few calls, units and instants, so that everything collides.

What a unit does comes in any order, again, corrected, too late, without the call's times, with an end before its
start or days after it, and some calls go on after their record has ended. As `tests.worlds`, which shares the clocks
and the partitions; heartbeats close every world. All messages are acceptable.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from schemas.events import Dispatch, Entry, Heartbeat
from schemas.vocabulary import ANY, Agency, UnitStatus
from tests.oracle_bridge import DAY_MS, Rules
from tests.worlds import FUTURE_MS, SPEEDS, START_MS, delays, incident_id, partition_of, steps, weighted


class DispatchEntry(NamedTuple):
    """One record of a world's log, the event not yet encoded."""

    offset: int
    timestamp: int
    key: bytes | None
    event: Dispatch | Heartbeat

    def encoded(self, encode: Callable[[Dispatch | Heartbeat], bytes]) -> Entry:
        """The record as it lies in Kafka."""
        return Entry(self.offset, self.timestamp, self.key, encode(self.event))


@dataclass(frozen=True)
class DispatchWorld:
    """The logs of all partitions of `dispatches`; `rules.windows` are those over which intervals are measured."""

    rules: Rules
    logs: tuple[tuple[DispatchEntry, ...], ...]
    topic: str = "dispatches"


@dataclass
class _Publisher:
    """Writes one partition's log."""

    rules: Rules
    rng: random.Random
    speed: int
    entries: list[DispatchEntry] = field(default_factory=list)
    clocks: dict[str, int] = field(default_factory=dict)
    last_effect_ms: int = START_MS

    def say(self, name: str, call: str) -> None:
        """The next thing that is said, by the publisher's clock of a jurisdiction."""
        rng, rules = self.rng, self.rules
        step_ms = rng.choice(steps(rules, silences=True))
        silence = step_ms >= rules.longest_ms
        clock = self.clocks[name] = self.clocks.get(name, START_MS) + step_ms * (1 if silence else self.speed)
        kind = rng.choice(weighted(("fact", 18), ("heartbeat", 1), ("repeat", 2)))
        said = [entry for entry in self.entries if isinstance(entry.event, Dispatch)]
        event: Dispatch | Heartbeat
        if kind == "repeat" and said:
            event = rng.choice(said[-20:]).event
        elif kind == "heartbeat":
            event = Heartbeat(name, clock)
        else:
            event = self._fact(name, call, clock - rng.choice(delays(rules)))
        self.append(event, clock)

    def _fact(self, name: str, call: str, updated_at: int) -> Dispatch:
        rng, pane = self.rng, self.rules.pane_ms
        near = ((0, 12), (-1, 2), (-pane // 3, 6), (-pane, 4), (-4 * pane, 3), (pane, 1), (5 * pane, 1))
        far = ((-self.rules.longest_ms, 1), (-DAY_MS - 7, 1), (DAY_MS, 1))
        at = updated_at + rng.choice(weighted(*near, *far))
        received = rng.choice((None, None, -pane // 2, -2 * pane, -9 * pane, pane, -DAY_MS, -DAY_MS - 1))
        status = weighted(
            *((word, 4) for word in (UnitStatus.DISPATCHED, UnitStatus.EN_ROUTE, UnitStatus.ON_SCENE)),
            (UnitStatus.AVAILABLE, 4),
            (UnitStatus.ACKNOWLEDGED, 1),
            (UnitStatus.CANCELLED, 1),
        )
        return Dispatch(
            call,
            name,
            rng.choice(("E1", "M2", "T3")),
            rng.choice(weighted((Agency.FIRE, 6), (Agency.EMS, 1))),
            rng.choice(status),
            at,
            updated_at,
            None if received is None else at + received,
            rng.choice(weighted((None, 5), ("1", 4), ("2", 1), (ANY, 1))),
        )

    def append(self, event: Dispatch | Heartbeat, clock: int) -> None:
        """Write one record, now and then after a hole in the offsets."""
        offset = self.entries[-1].offset + self.rng.choice((1,) * 20 + (3,)) if self.entries else 0
        known = event.updated_at if isinstance(event, Dispatch) else event.heartbeat_at
        key = event.incident_id.encode() if isinstance(event, Dispatch) else None
        self.entries.append(DispatchEntry(offset, max(clock, known - FUTURE_MS), key, event))
        ends = (event.at, known) if isinstance(event, Dispatch) else (known,)
        self.last_effect_ms = max(self.last_effect_ms, *ends)


def random_dispatches(seed: int, rules: Rules, messages: int = 400, calls: int = 8) -> DispatchWorld:
    """The world of this seed, always the same: two jurisdictions with the same call ids in three partitions."""
    rng = random.Random(seed)
    speeds: tuple[Any, ...] = rng.choice(SPEEDS)
    logs = [_Publisher(rules, rng, speed) for speed in speeds]
    names = ("city0", "city1")
    for _ in range(messages):
        call = incident_id(rng.randrange(calls))
        logs[partition_of(call, len(logs))].say(rng.choice(names), call)
    horizon = max(log.last_effect_ms for log in logs) + rules.longest_ms + 2 * rules.pane_ms
    horizon += rules.lateness_ms + rules.out_of_orderness_ms
    for log in logs:
        for name in names:
            log.append(Heartbeat(name, horizon), horizon)
    return DispatchWorld(rules, tuple(tuple(log.entries) for log in logs))
