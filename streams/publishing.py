"""Events to the source topics: what `vigil publish`, the demo and load tests send with."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from itertools import islice
from time import monotonic

from schemas.codec import dead_letter_headers, encode_event
from schemas.emissions import DeadLetter, Outgoing
from schemas.events import Heartbeat
from streams.outbox import Outbox
from streams.settings import Settings
from streams.settings.connection import client_options
from streams.sources.messages import Message
from streams.topics.partitions import partitions_of

CHUNK = 2000
"""Messages sent before the next acknowledgements are waited for."""

LEAST_WAIT_S = 0.02
"""Messages due sooner than this are sent together."""


class Publisher:
    """Sends messages to the topics of a configuration."""

    def __init__(self, settings: Settings) -> None:
        """Connect nothing yet."""
        self._settings = settings
        self._outbox = Outbox(client_options(settings), idempotent=settings.kafka.idempotent)

    async def __aenter__(self) -> "Publisher":
        """Connect."""
        await self._outbox.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the connection."""
        await self._outbox.stop()

    async def send(self, items: Iterable[Message | DeadLetter]) -> None:
        """Send messages, and wait until all of them are acknowledged."""
        await self._outbox.publish([self._outgoing(item) for item in items])

    async def heartbeat(self, beat: Heartbeat, topics: Iterable[str]) -> None:
        """Tell every partition of these topics (without the prefix) how far time has come."""
        counts = await partitions_of(self._settings)
        value = encode_event(beat)
        await self._outbox.publish(
            [
                Outgoing(self._settings.topic(name), None, value, (), number)
                for name in topics
                for number in range(counts[name])
            ]
        )

    def _outgoing(self, item: Message | DeadLetter) -> Outgoing:
        if isinstance(item, DeadLetter):
            topic = self._settings.topic("dead-letters")
            return Outgoing(topic, item.key, item.value, dead_letter_headers(item))
        return Outgoing(self._settings.topic(item.topic), item.key, item.value)


def chunks(items: Iterable[Message | DeadLetter], size: int = CHUNK) -> Iterator[list[Message | DeadLetter]]:
    """Items in lists of at most `size`."""
    iterator = iter(items)
    while chunk := list(islice(iterator, size)):
        yield chunk


async def paced(
    items: Iterable[Message | DeadLetter], speed: float | None, clock: Callable[[], float] = monotonic
) -> AsyncIterator[list[Message | DeadLetter]]:
    """Items in chunks, at their own speed or faster.

    Args:
        items: in order of `at`.
        speed: seconds of the items' time per second; None: as fast as they are taken.
        clock: seconds.
    """
    if speed is None:
        for chunk in chunks(items):
            yield chunk
        return
    began, first = clock(), None
    due: list[Message | DeadLetter] = []
    for item in items:
        if first is None:
            first = item.at
        wait_s = (item.at - first) / 1000 / speed - (clock() - began)
        if wait_s > LEAST_WAIT_S or len(due) >= CHUNK:
            yield due
            due = []
            await asyncio.sleep(max(wait_s, 0.0))
        due.append(item)
    yield due
