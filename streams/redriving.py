"""Dead letters that come back: which there are, which can be used now, and which have been published again already.

    dead-letters ──choose──▶ fold once more, as the configuration says now ──▶ incidents, dispatches, alert-acks
                                                                         └──▶ audit: who, which, what came of it

A letter is named by where its message was (`incidents[3]@81002`). The audit topic is the memory of what was redriven:
a letter named there is not published a second time. Publishing twice would change no count; so a crash between the
message and its entry does no harm.
"""

import base64
import json
from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from typing import Any, Final, NamedTuple

from schemas.audit import Action
from schemas.codec import from_json
from schemas.emissions import Outgoing
from schemas.events import Entry, LogRecord
from streams.core.ack_fold import AckFold, AckRules
from streams.core.dispatch_fold import DispatchFold
from streams.core.fold import Fold
from streams.core.incident_fold import IncidentFold
from streams.core.source_fold import Source
from streams.reading_back import topic_reader
from streams.settings import Settings
from streams.stages import Stages

SOURCES: Final = ("incidents", "dispatches", "alert-acks")
LETTERS_PER_ENTRY: Final = 500
"""So that an entry stays far below the size that a record may have."""


class Letter(NamedTuple):
    """A dead letter as it lies on its topic."""

    topic: str  # without the prefix, where its message was
    partition: int
    offset: int
    at: str  # the message's Kafka timestamp, RFC 3339
    reason: str
    message: str
    key: bytes | None
    value: bytes | None

    @property
    def place(self) -> str:
        """Its name."""
        return f"{self.topic}[{self.partition}]@{self.offset}"


def letter_of(record: Any, settings: Settings) -> Letter | None:
    """The letter of a record of `dead-letters`; None when its message was on no topic that is published to."""
    said = {name: content.decode("utf-8", "replace") for name, content in record.headers}
    topic = said.get("vigil-topic", "").removeprefix(settings.topic_prefix)
    partition, offset = said.get("vigil-partition", ""), said.get("vigil-offset", "")
    if topic not in SOURCES or not partition.isdecimal() or not offset.isdecimal():
        return None
    at, reason, message = (said.get(f"vigil-{name}", "") for name in ("at", "reason", "message"))
    return Letter(topic, int(partition), int(offset), at, reason, message, record.key, record.value)


async def letters(settings: Settings) -> AsyncIterator[Letter]:
    """The letters that are there now, each once."""
    seen: set[str] = set()
    async with topic_reader(settings, "dead-letters") as reader:
        async for record in reader.to_the_end():
            letter = letter_of(record, settings)
            if letter is not None and letter.place not in seen:
                seen.add(letter.place)
                yield letter


async def redriven_before(settings: Settings) -> set[str]:
    """Places of letters that the audit says were published again."""
    found: set[str] = set()
    async with topic_reader(settings, "audit") as reader:
        async for record in reader.to_the_end():
            found.update(_redriven(record))
    return found


def _redriven(record: LogRecord) -> Iterable[str]:
    try:
        said = from_json(record.value or b"")
        return list(said["details"]["letters"]) if said["action"] == Action.REDRIVE else ()
    except (ValueError, TypeError, KeyError):
        return ()  # of somebody else


class Choice(NamedTuple):
    """Which letters are meant; empty: all."""

    topics: Collection[str] = ()
    reasons: Collection[str] = ()
    places: Collection[str] = ()

    def holds(self, letter: Letter) -> bool:
        """Whether a letter is meant."""
        return (
            (not self.topics or letter.topic in self.topics)
            and (not self.reasons or letter.reason in self.reasons)
            and (not self.places or letter.place in self.places)
        )


class Judge:
    """Says what would become of a letter if it were published now."""

    def __init__(self, settings: Settings) -> None:
        """By this configuration.

        Raises:
            ConfigurationError: a file that it names cannot be used.
        """
        self._intake = Stages(settings).intake(cells_partitions=1)
        self._dead = settings.topic("dead-letters")
        self._acks = AckRules(dead_letters_topic=self._dead)

    def refuses(self, letter: Letter, now_ms: int) -> str | None:
        """The reason for which it would be a dead letter again; None when it would be used."""
        step = self._fold(letter.topic).step([Entry(0, now_ms, letter.key, letter.value)])
        for outgoing in step.emissions:
            if outgoing.topic == self._dead:
                return dict(outgoing.headers)["vigil-reason"].decode()
        return None

    def _fold(self, topic: str) -> Fold:
        source = Source(topic, 0, 1)
        if topic == "alert-acks":
            return AckFold(source, self._acks)
        return (IncidentFold if topic == "incidents" else DispatchFold)(source, self._intake)


def published_again(letter: Letter, settings: Settings) -> Outgoing:
    """A letter as the message that it was."""
    return Outgoing(settings.topic(letter.topic), letter.key, letter.value)


def as_line(letter: Letter) -> str:
    """A letter as a line of a file, as `vigil replay` writes dead letters."""
    said: Mapping[str, Any] = {
        "vigil-reason": letter.reason,
        "vigil-message": letter.message,
        "vigil-topic": letter.topic,
        "vigil-partition": letter.partition,
        "vigil-offset": letter.offset,
        "vigil-at": letter.at,
        "key_base64": _base64(letter.key),
        "value_base64": _base64(letter.value),
    }
    return json.dumps(said)


def _base64(content: bytes | None) -> str | None:
    return None if content is None else base64.b64encode(content).decode()
