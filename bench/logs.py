"""The generator: logs of incidents and dispatches as a dispatch system would publish them, the same for the same seed.

Zones and types follow Zipf's law, as a city's do; event time runs evenly, messages come up to 30 s out of order.
Every message keeps to the contract of its topic, and every log knows what was said, so that results can be judged.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import orjson

from schemas.instants import rfc3339
from streams.outbox import partition_of

ZONES, PARTITIONS, JURISDICTION = 77, 4, "springfield"
TYPES = (
    "larceny",
    "assault",
    "vandalism",
    "burglary",
    "fraud",
    "robbery",
    "drugs",
    "weapons",
    "disturbance",
    "service",
    "medical",
    "alarm",
)
PER_MINUTE = 278  # 400,000 a day, as in the measurements of the peers
MINUTE_MS = 60_000
FOLLOW_MS = 600_000  # a correction or a repeat comes this long after what it follows


class Said(NamedTuple):
    """What one message says of an incident."""

    incident: int
    updated_at: int
    reported_at: int
    zone: str
    crime_type: str
    status: str = "received"


class Fact(NamedTuple):
    """What one message of `dispatches` says of a unit."""

    incident: int
    updated_at: int
    received_at: int
    unit: str
    status: str
    priority: str


class Record(NamedTuple):
    """A record as it is published; `at` is its Kafka timestamp."""

    key: bytes
    value: bytes
    at: int


@dataclass
class Log:
    """What was said, and the records of each topic's partitions."""

    incidents: list[Said]
    dispatches: list[Fact] = field(default_factory=list)
    partitions: int = PARTITIONS
    records: dict[tuple[str, int], list[Record]] = field(init=False)

    def __post_init__(self) -> None:
        """Encode it all."""
        said = sorted(self.incidents, key=_heard_at)
        facts = sorted(self.dispatches, key=_heard_at)
        self.records = {("incidents", number): [] for number in range(self.partitions)}
        self._spread("incidents", map(encoded, said))
        if facts:
            self.records |= {("dispatches", number): [] for number in range(self.partitions)}
            self._spread("dispatches", map(_dispatch, facts))

    def _spread(self, topic: str, records: Iterable[Record]) -> None:
        for record in records:
            number = partition_of(record.key, None, self.partitions)
            self.records[topic, number].append(record)

    @property
    def size(self) -> int:
        """Messages of all topics."""
        return sum(map(len, self.records.values()))

    @property
    def ends(self) -> dict[tuple[str, int], int]:
        """(topic, partition) → its end, of those that hold anything."""
        return {at: len(records) for at, records in self.records.items() if records}


def _heard_at(said: Said | Fact) -> tuple[int, int]:
    """When it reaches the topic: up to 30 s late, the same for the same incident and time."""
    return said.updated_at + (said.incident * 7_919 + said.updated_at) % 30_000, said.incident


def _id(incident: int) -> str:
    return f"INC-{incident:012d}"


def encoded(said: Said) -> Record:
    """A message as it is published."""
    value = {
        "incident_id": _id(said.incident),
        "jurisdiction": JURISDICTION,
        "updated_at": rfc3339(said.updated_at),
        "status": said.status,
        "crime_type": said.crime_type,
        "zone": said.zone,
        "priority": "2",
        "agency": "police",
        "reported_at": rfc3339(said.reported_at),
    }
    return Record(value["incident_id"].encode(), orjson.dumps(value), said.updated_at)


def _dispatch(fact: Fact) -> Record:
    value: dict[str, Any] = {
        "incident_id": _id(fact.incident),
        "jurisdiction": JURISDICTION,
        "unit_id": fact.unit,
        "agency": "police",
        "status": fact.status,
        "at": rfc3339(fact.updated_at),
        "received_at": rfc3339(fact.received_at),
        "priority": fact.priority,
    }
    return Record(_id(fact.incident).encode(), orjson.dumps(value), fact.updated_at)


def new_incidents(n: int, end_ms: int, *, per_minute: float = PER_MINUTE, seed: int = 7) -> list[Said]:
    """`n` incidents with one message each; the last is heard of before `end_ms`."""
    rng = np.random.default_rng(seed)
    zones = rng.choice(ZONES, n, p=_zipf(ZONES, 0.8)).tolist()
    types = rng.choice(len(TYPES), n, p=_zipf(len(TYPES), 0.9)).tolist()
    updated = (end_ms - 2 * MINUTE_MS - np.arange(n)[::-1] * (MINUTE_MS / per_minute)).astype(np.int64)
    reported = updated - rng.integers(0, 90_000, n)
    return [
        Said(i, u, r, f"Z{z:03d}", TYPES[t])
        for i, (u, r, z, t) in enumerate(zip(updated.tolist(), reported.tolist(), zones, types, strict=True))
    ]


def _zipf(n: int, power: float) -> np.ndarray:
    weights = 1 / np.arange(1, n + 1) ** power
    return weights / weights.sum()


def corrected(incidents: list[Said]) -> list[Said]:
    """Each incident, and ten minutes later a correction: another type, another zone, or it is cancelled."""
    later = []
    for said in incidents:
        updated_at, kind = said.updated_at + FOLLOW_MS, said.incident % 3
        if kind == 0:
            crime_type = TYPES[(TYPES.index(said.crime_type) + 1) % len(TYPES)]
            later.append(said._replace(updated_at=updated_at, crime_type=crime_type, status="reclassified"))
        elif kind == 1:
            zone = f"Z{(int(said.zone[1:]) + 1) % ZONES:03d}"
            later.append(said._replace(updated_at=updated_at, zone=zone, status="active"))
        else:
            later.append(said._replace(updated_at=updated_at, status="cancelled"))
    return [*incidents, *later]


def dispatches_of(incidents: list[Said]) -> list[Fact]:
    """One unit to each incident: dispatched, en route, on scene, available."""
    rng = np.random.default_rng(11)
    gaps = rng.integers(
        (1_000, 20_000, 60_000, 300_000), (20_000, 120_000, 600_000, 3_600_000), (len(incidents), 4)
    )
    facts = []
    for said, after in zip(incidents, np.cumsum(gaps, axis=1).tolist(), strict=True):
        unit, priority = f"U{said.incident % 400}", str(1 + said.incident % 3)
        for status, gap in zip(("dispatched", "en_route", "on_scene", "available"), after, strict=True):
            facts.append(Fact(said.incident, said.updated_at + gap, said.reported_at, unit, status, priority))
    return facts
