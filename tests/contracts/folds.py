"""What production makes of one message: the folds of the source topics, fresh for each."""

from typing import Any, NamedTuple

from schemas.codec import to_json
from schemas.events import Entry
from streams.contracts import Sample
from streams.core.ack_fold import AckFold, AckRules
from streams.core.dispatch_fold import DispatchFold
from streams.core.fold import Fold
from streams.core.incident_fold import IncidentFold
from streams.core.source_fold import IntakeRules, Source
from streams.core.timeline import Timeline

HOUR_MS = 3_600_000
LATEST_MS = 4_102_444_800_000
RULES = IntakeRules(Timeline(60_000, {"1h": HOUR_MS}, 60_000, HOUR_MS))


class Why(NamedTuple):
    """Why a message is a dead letter."""

    reason: str
    message: str


def fold_of(topic: str) -> Fold:
    source = Source(topic, 0, 1)
    if topic == "alert-acks":
        return AckFold(source, AckRules())
    return IncidentFold(source, RULES) if topic == "incidents" else DispatchFold(source, RULES)


def refused(topic: str, value: bytes, key: bytes | None, sent_at: int = LATEST_MS) -> Why | None:
    """Why the topic's fold makes a dead letter of a message; None when it takes it."""
    step = fold_of(topic).step([Entry(0, sent_at, key, value)])
    for outgoing in step.emissions:
        if outgoing.topic == "dead-letters":
            headers = {name: content.decode() for name, content in outgoing.headers}
            return Why(headers["vigil-reason"], headers["vigil-message"])
    return None


def key_of(message: Any) -> bytes | None:
    """The key that a message's publisher would use."""
    said = message if isinstance(message, dict) else {}
    name = said.get("incident_id") or said.get("alert_id")
    return name.encode() if isinstance(name, str) else None


def sample_refused(topic: str, sample: Sample) -> Why | None:
    value = to_json(sample.message) if sample.raw is None else sample.raw.encode()
    given = None if sample.key is None else sample.key.encode()
    key = key_of(sample.message) if sample.key == "" else given
    return refused(topic, value, key, sample.sent_at or LATEST_MS)
