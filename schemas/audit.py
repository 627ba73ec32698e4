"""What stands on the topic `audit`: who did what, when, and what came of it. Append-only; nobody is named but by role."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import orjson

from schemas.instants import rfc3339


class Action(StrEnum):
    """What is audited."""

    ANSWER = "answer"  # to an alert
    REDRIVE = "redrive"  # dead letters published again
    EXPORT = "export"  # dead letters, with what publishers sent, written to a file
    RULES = "rules"  # the rules and the configuration with which a worker began


UNKNOWN_ACTOR = "unknown"
"""Whoever sent what could not be read."""


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One thing that somebody did.

    Args:
        at: when, ms.
        actor: who, a desk, role or program; also the record's key.
        action: what.
        subject: to what: an alert, dead letters, a file.
        outcome: `done`, or why not.
        details: what else is worth keeping; never what a publisher wrote.
    """

    at: int
    actor: str
    action: Action
    subject: str
    outcome: str
    details: Mapping[str, Any] = field(default_factory=dict)


def encode_audit(entry: AuditEntry) -> bytes:
    """An entry as it stands on its topic."""
    said = {
        "at": rfc3339(entry.at),
        "actor": entry.actor,
        "action": str(entry.action),
        "subject": entry.subject,
        "outcome": entry.outcome,
        **({"details": dict(entry.details)} if entry.details else {}),
    }
    return orjson.dumps(said)
