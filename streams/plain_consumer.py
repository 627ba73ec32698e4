"""A consumer that hands on records as they came out of the log, without an object of aiokafka's around each.

aiokafka makes a `ConsumerRecord` of ten fields for each record, of which a fold reads four. The record below it, which
its parser makes anyway, has the same four: offset, timestamp, key and value. This leans on the insides of the exact
version of aiokafka that pyproject.toml pins.
"""

from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.consumer.fetcher import FetchResult


class PlainConsumer(AIOKafkaConsumer):  # type: ignore[misc]  # it brings no types
    """aiokafka's consumer, whose records are no more than a `LogRecord`."""

    async def start(self) -> None:
        """Connect."""
        await super().start()
        self._fetcher._records = _Results(self._fetcher._records)


class _Results(dict[TopicPartition, Any]):
    """What was fetched and not yet taken."""

    def __setitem__(self, tp: TopicPartition, result: Any) -> None:
        if type(result) is FetchResult:
            result._partition_records._consumer_record = _as_it_came
        super().__setitem__(tp, result)


def _as_it_came(_: TopicPartition, record: Any) -> Any:
    return record
