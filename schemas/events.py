"""What is published to Vigil: incidents, unit dispatches, heartbeats and answers to alerts.

All instants are integer UTC epoch milliseconds here; on the wire they are RFC 3339 with an offset, or integer
epoch milliseconds (`schemas.codec`). `None` means that the message says nothing about the field.
"""

from dataclasses import dataclass
from typing import NamedTuple, Protocol

from schemas.vocabulary import Agency, CallSource, IncidentStatus, UnitStatus, Verdict


class LogRecord(Protocol):
    """One record of a Kafka log; aiokafka's `ConsumerRecord` is one."""

    @property
    def offset(self) -> int: ...
    @property
    def timestamp(self) -> int: ...  # ms, the broker's or the producer's, as the topic is configured
    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...


class Entry(NamedTuple):
    """A plain `LogRecord`, for files and tests."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None


@dataclass(frozen=True, slots=True)
class Incident:
    """What one message says of an incident, whole or in part."""

    incident_id: str
    jurisdiction: str
    updated_at: int
    agency: Agency | None = None
    status: IncidentStatus | None = None
    type_code: str | None = None
    crime_type: str | None = None
    zone: str | None = None
    lat: float | None = None
    lon: float | None = None
    priority: str | None = None
    call_source: CallSource | None = None
    occurred_at: int | None = None
    reported_at: int | None = None
    exercise: bool | None = None


@dataclass(frozen=True, slots=True)
class Dispatch:
    """One fact about one unit on one incident: since `at` its status is `status`."""

    incident_id: str
    jurisdiction: str
    unit_id: str
    agency: Agency
    status: UnitStatus
    at: int
    updated_at: int  # `at` where the message does not say it
    received_at: int | None = None
    priority: str | None = None
    zone: str | None = None


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """Nothing happened in this jurisdiction up to `heartbeat_at`, as far as this publisher knows."""

    jurisdiction: str
    heartbeat_at: int


@dataclass(frozen=True, slots=True)
class AlertAck:
    """An operations centre's answer to an alert."""

    alert_id: str
    verdict: Verdict
    by: str
    at: int
    note: str | None = None
