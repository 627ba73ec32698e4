"""Events of files → messages as publishers send them, with the heartbeat that ends a file's time."""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from schemas.codec import encode_event
from schemas.emissions import DeadLetter
from schemas.events import Heartbeat, Incident
from streams.core.timeline import Timeline
from streams.sources.facts import SourceEvent, UnusableRow

INCIDENTS = "incidents"
DISPATCHES = "dispatches"


class Message(NamedTuple):
    """One message of a source topic; `topic` without the prefix, `at` the ms at which its publisher knew it."""

    topic: str
    key: bytes | None
    value: bytes
    at: int


def messages(
    items: Iterable[SourceEvent | UnusableRow], locate: Callable[[Incident], Incident] | None = None
) -> Iterator[Message | DeadLetter]:
    """Every item as a message or, where its row cannot be used, as a dead letter with the file and line it came from.

    Args:
        items: what a source read.
        locate: puts a zone into incidents that say only coordinates.
    """
    for item in items:
        if isinstance(item, UnusableRow):
            at = item.known_from or 0
            yield DeadLetter(item.file, 0, item.line, at, None, item.raw, item.reason, item.message_to_send)
        else:
            event, topic = item.event, DISPATCHES
            if isinstance(event, Incident):
                event, topic = locate(event) if locate else event, INCIDENTS
            yield Message(topic, event.incident_id.encode(), encode_event(event), item.known_from)


def last_heartbeat(
    jurisdiction: str, greatest: int, timeline: Timeline, latest: int | None = None
) -> Heartbeat:
    """The heartbeat that brings the watermark to the first pane end after the last message, at `greatest` ms.

    Args:
        jurisdiction: of the messages.
        greatest: ms.
        timeline: the panes.
        latest: ms; what is told is no later, for intake would refuse it. None: there is no such bound.
    """
    end = timeline.known_from(greatest) * timeline.pane_ms + timeline.out_of_orderness_ms
    return Heartbeat(jurisdiction, end if latest is None else min(end, latest))
