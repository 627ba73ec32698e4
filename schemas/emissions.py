"""What Vigil sends: partials between its stages, counts, alerts, KPIs, dead letters and late events.

Instants are integer UTC epoch milliseconds here, RFC 3339 on the wire (`schemas.codec`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from schemas.vocabulary import AlertState, RejectReason


class Outgoing(NamedTuple):
    """One record to send. `partition` None leaves the choice to the key."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()
    partition: int | None = None


@dataclass(frozen=True, slots=True)
class WindowCounts:
    """How a cell stands at a tick: one number per window name, windows ending (exclusively) at `at`."""

    jurisdiction: str
    zone: str
    crime_type: str
    at: int
    counts: Mapping[str, int]
    revision: int


@dataclass(frozen=True, slots=True)
class Alert:
    """One revision in the life of an alert; `explanation` is made of the numbers beside it."""

    alert_id: str
    revision: int
    state: AlertState
    reason: str
    provisional: bool
    jurisdiction: str
    zones: tuple[str, ...]
    crime_type: str
    window: str
    at: int
    since: int
    observed: int
    expected: float | None  # None: a rule spoke, nothing is expected
    once_in_days: float | None
    incident_ids: tuple[str, ...]
    rule: str
    explanation: str
    acknowledged_by: str | None = None
    verdict: str | None = None


@dataclass(frozen=True, slots=True)
class KpiValue:
    """One response interval over one window: `within` of `count` were at most `threshold_s` long.

    Without a benchmark `threshold_s`, `within` and `value` say nothing; without intervals `mean_s` and `value` do.
    """

    jurisdiction: str
    at: int
    agency: str
    priority: str  # "*" for all
    kpi: str
    over: str
    count: int
    within: int | None
    threshold_s: float | None
    value: float | None  # within / count
    mean_s: float | None
    left_out: int  # missing, negative and absurd intervals
    revision: int


@dataclass(frozen=True, slots=True)
class LateEvent:
    """A message that came past the allowed lateness; it has effect from tick `effective_from` on."""

    jurisdiction: str
    incident_id: str
    topic: str
    partition: int
    offset: int
    updated_at: int
    late_by_ms: int
    effective_from: int
    changed: bool


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that could not be used: its bytes as they came, where it was, and why."""

    topic: str
    partition: int
    offset: int
    at: int  # the record's Kafka timestamp, so that a repeat is the same
    key: bytes | None
    value: bytes | None
    reason: RejectReason
    message: str
