"""Which topics have a contract, in which version, with which records and keys; and which are nobody's business."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from schemas.audit import AuditEntry
from schemas.codec import AckWire, DispatchWire, IncidentWire
from schemas.emissions import Alert, DeadLetter, KpiValue, LateEvent, WindowCounts
from schemas.events import AlertAck, Dispatch, Heartbeat, Incident


class Direction(StrEnum):
    """Who writes a topic, and who reads it."""

    IN = "in"  # others publish, Vigil reads
    OUT = "out"  # Vigil publishes, others read
    INTERNAL = "internal"  # Vigil alone; may change with any version


@dataclass(frozen=True)
class Record:
    """One kind of message of a topic.

    Args:
        cls: the value inside Vigil; its docstring is the description.
        wire: what decoding makes of a message (in).
        required: the fields that a message cannot do without (in).
    """

    cls: type[Any]
    wire: type[Any] | None = None
    required: Sequence[str] = ()

    @property
    def name(self) -> str:
        """What the schema calls it."""
        return self.cls.__name__


@dataclass(frozen=True)
class Contract:
    """What holds for one topic."""

    topic: str
    direction: Direction
    key: str
    text: str
    records: Sequence[Record] = ()
    version: int = 1

    @property
    def name(self) -> str:
        """`incidents.v1`."""
        return f"{self.topic}.v{self.version}"

    @property
    def file(self) -> str:
        """`incidents.v1.json`."""
        return f"{self.name}.json"


CONTRACTS: Final = (
    Contract(
        "incidents",
        Direction.IN,
        "incident_id (a heartbeat has no key)",
        "What dispatch systems know of incidents, message by message, whole or in part; and heartbeats.",
        (
            Record(Incident, IncidentWire, ("incident_id", "jurisdiction", "updated_at")),
            Record(Heartbeat, IncidentWire, ("jurisdiction", "heartbeat_at")),
        ),
    ),
    Contract(
        "dispatches",
        Direction.IN,
        "incident_id (a heartbeat has no key)",
        "What units do for incidents, one fact a message; and heartbeats. They drive the response measures, never a count.",
        (
            Record(
                Dispatch, DispatchWire, ("incident_id", "jurisdiction", "unit_id", "agency", "status", "at")
            ),
            Record(Heartbeat, DispatchWire, ("jurisdiction", "heartbeat_at")),
        ),
    ),
    Contract(
        "alert-acks",
        Direction.IN,
        "alert_id",
        "What operations centres answer to alerts.",
        (Record(AlertAck, AckWire, ("alert_id", "verdict", "by", "at")),),
    ),
    Contract(
        "window-counts",
        Direction.OUT,
        "jurisdiction|zone|crime_type",
        "Rolling counts, each time one of a cell's numbers changes, to 0 too. A tick without a record has the numbers "
        "of the one before; a late message sends ticks again with a higher revision.",
        (Record(WindowCounts),),
    ),
    Contract("alerts", Direction.OUT, "alert_id", "Alerts, one record per change.", (Record(Alert),)),
    Contract(
        "kpis",
        Direction.OUT,
        "jurisdiction",
        "Response measures over 1 h, 24 h and 7 d, each time one changes.",
        (Record(KpiValue),),
    ),
    Contract(
        "late-events",
        Direction.OUT,
        "incident_id",
        "Messages that came past the allowed lateness: they count, but only from a later tick on.",
        (Record(LateEvent),),
    ),
    Contract(
        "dead-letters",
        Direction.OUT,
        "as it came",
        "Messages that could not be used: key and value byte by byte as they came, why and where from as headers.",
        (Record(DeadLetter),),
    ),
    Contract(
        "audit",
        Direction.OUT,
        "actor",
        "Who did what, and what came of it: answers, redrives, exports, and the rules with which workers begin.",
        (Record(AuditEntry),),
    ),
    Contract(
        "cells",
        Direction.INTERNAL,
        "source topic and partition",
        "Partial counts and event time of each source partition, for the second stage.",
    ),
    Contract(
        "watch-state",
        Direction.INTERNAL,
        "jurisdiction",
        "What detectors and alerts remember, once a night of event time; compacted.",
    ),
)
"""Every topic, in the order of the design."""
