"""The city's messages on their way to Kafka: the past as fast as it is taken, the present at its own speed."""

from collections.abc import Iterable, Iterator
from typing import Final

from schemas.codec import encode_event
from schemas.emissions import DeadLetter, Outgoing
from schemas.events import Heartbeat
from streams.demo.city import DemoCity
from streams.outbox import Outbox
from streams.publishing import chunks, paced
from streams.settings import Settings
from streams.settings.connection import client_options
from streams.sources.messages import DISPATCHES, INCIDENTS, Message

CHUNK: Final = 500
"""Messages made and sent before anything else may go on: some 20 ms."""


class Feed:
    """Publishes a city; counts what it published."""

    def __init__(self, settings: Settings, city: DemoCity) -> None:
        """Connect nothing yet."""
        self._settings, self._city = settings, city
        self._outbox = Outbox(client_options(settings), idempotent=settings.kafka.idempotent)
        self._past, self._present = city.past_and_present()
        self.messages = 0
        self.incidents: set[bytes] = set()
        self.at_ms = city.start_ms  # up to when the city has spoken

    async def start(self) -> None:
        """Connect."""
        await self._outbox.start()

    async def stop(self) -> None:
        """Close the connection."""
        await self._outbox.stop()

    async def publish_past(self) -> None:
        """Publish everything before the city is live, and tell every partition how late it is."""
        for chunk in chunks(self._past, CHUNK):
            await self._send(chunk)
        beat = encode_event(Heartbeat(self._city.jurisdiction, self._city.live_ms))
        await self._send(
            [Message(topic, None, beat, self._city.live_ms) for topic in (INCIDENTS, DISPATCHES)]
        )

    async def publish_present(self, speed: float) -> None:
        """Publish what happens from then on, `speed` seconds of the city in each of ours."""
        async for chunk in paced(self._present, speed):
            await self._send(chunk)

    async def _send(self, items: Iterable[Message | DeadLetter]) -> None:
        sent = [item for item in items if isinstance(item, Message)]
        await self._outbox.publish([outgoing for message in sent for outgoing in self._outgoing(message)])
        for message in sent:
            if message.key is not None:
                self.messages += 1
                if message.topic == INCIDENTS:
                    self.incidents.add(message.key)
            self.at_ms = max(self.at_ms, message.at)

    def _outgoing(self, message: Message) -> Iterator[Outgoing]:
        topic = self._settings.topic(message.topic)
        if message.key is not None:
            yield Outgoing(topic, message.key, message.value)
            return
        for partition in range(self._settings.topics.each[message.topic].partitions):
            yield Outgoing(topic, None, message.value, (), partition)
