"""What stands on the topic `audit`: who did what, when, and what came of it. Append-only; nobody is named but by role."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


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
    """One thing that somebody did. An entry that comes twice, after a crash, says the same."""

    at: int  # when, ms
    actor: str  # who: a desk, role or program
    action: Action
    subject: str  # to what
    outcome: str  # what came of it
    details: Mapping[str, Any] | None = None  # never what a publisher wrote
