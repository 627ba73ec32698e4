"""Records that workers sent, read back from their topics: what terminals and tests look at."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from streams.settings import Settings
from streams.settings.connection import client_options
from streams.topics.partitions import partitions_of

POLL_MS = 200


class TopicReader:
    """All records of one topic, oldest first within a partition; no consumer group, nothing is committed."""

    def __init__(self, consumer: AIOKafkaConsumer, partitions: list[TopicPartition]) -> None:
        """Read from where `consumer` stands."""
        self._consumer = consumer
        self._partitions = partitions

    async def to_the_end(self) -> AsyncIterator[ConsumerRecord]:
        """What is there now."""
        ends = await self._consumer.end_offsets(self._partitions)
        left = {tp for tp in self._partitions if ends[tp] > await self._consumer.position(tp)}
        while left:
            for records in (await self._consumer.getmany(timeout_ms=POLL_MS)).values():
                for record in records:
                    yield record
            left = {tp for tp in left if await self._consumer.position(tp) < ends[tp]}

    async def as_they_come(self) -> AsyncIterator[list[ConsumerRecord]]:
        """What comes from now on, some at a time; an empty list when nothing came for a moment. Never ends."""
        while True:
            fetched = await self._consumer.getmany(timeout_ms=POLL_MS)
            yield [record for records in fetched.values() for record in records]


@asynccontextmanager
async def topic_reader(settings: Settings, name: str) -> AsyncIterator[TopicReader]:
    """A reader of a topic (named without the prefix), from its beginning.

    Raises:
        ConfigurationError: no broker answers, or the topics are missing.
    """
    count = (await partitions_of(settings, checked=True))[name]
    partitions = [TopicPartition(settings.topic(name), number) for number in range(count)]
    options: dict[str, Any] = {"enable_auto_commit": False, "auto_offset_reset": "earliest"}
    consumer = AIOKafkaConsumer(**client_options(settings), group_id=None, **options)
    await consumer.start()
    try:
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        yield TopicReader(consumer, partitions)
    finally:
        await consumer.stop()
