"""What a fold emits, on its way to Kafka: whole batches per partition, acknowledged by all replicas.

One record through aiokafka's `send()` costs tens of microseconds of asyncio; the same record in a batch made with
`create_batch()` and sent with `send_batch()` costs one. So emissions are grouped by partition, in order, and
`publish` returns when every one of them is acknowledged. A send that fails raises `SendFailed`: its owner must end
and take the partition over again from its commit, because going on would leave a hole below the label.
"""

import asyncio
import zlib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Protocol

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError
from aiokafka.partitioner import murmur2

from schemas.emissions import Outgoing

BATCH_BYTES = 512 * 1024
"""Size at which a batch is closed, bytes; half of Kafka's default `message.max.bytes`, which holds for a batch."""

HASHED_KEY_BYTES = 4096
"""Keys up to this length go where every Kafka client puts them; the pure Python murmur2 takes 0.2 µs per byte."""


SLICES = 6
"""Parts in which the time for an acknowledgement is counted."""


class SendFailed(Exception):
    """A record was not acknowledged, so nothing may be committed that it belongs to."""


class Publisher(Protocol):
    """What the shell needs of an outbox."""

    async def publish(self, emissions: Sequence[Outgoing]) -> None:
        """Send all, in order per partition; return when all are acknowledged."""


@lru_cache(maxsize=65_536)
def _murmur2(key: bytes) -> int:
    return int(murmur2(key)) & 0x7FFFFFFF


def partition_of(key: bytes | None, value: bytes | None, partitions: int) -> int:
    """The partition of a record: by its key, as every Kafka client does it (murmur2, sign bit off).

    A record without a key goes by a checksum of its value, so that a repeat goes to the same place; so does one
    with a key above `HASHED_KEY_BYTES` (only a dead letter can have one).

    Args:
        key: the record's key.
        value: the record's value.
        partitions: how many the topic has, > 0.

    Returns:
        Number of the partition, in [0, partitions).
    """
    if key is not None and len(key) <= HASHED_KEY_BYTES:
        return _murmur2(key) % partitions
    return zlib.crc32(key if key is not None else value or b"") % partitions


class Outbox:
    """Sends emissions through one idempotent producer."""

    def __init__(
        self,
        client: Mapping[str, Any],
        *,
        batch_bytes: int = BATCH_BYTES,
        timeout_s: float = 60.0,
        idempotent: bool = True,
    ) -> None:
        """Nothing is connected before `start`.

        Args:
            client: where and how to connect, as `AIOKafkaProducer` names it (`bootstrap_servers`, `security_protocol`, …).
            batch_bytes: size at which a batch is closed; a larger record is a batch of its own.
            timeout_s: a record that is not acknowledged for this long has failed.
            idempotent: False for a broker that knows no producer ids (the demo's); a retry may then repeat a batch.
        """
        self._client = dict(client)
        self._batch_bytes = batch_bytes
        self._timeout_s = timeout_s
        self._idempotent = idempotent
        self._producer: AIOKafkaProducer | None = None

    async def start(self) -> None:
        """Connect; does nothing when connected."""
        if self._producer is not None:
            return
        producer = AIOKafkaProducer(
            **self._client,
            acks="all",
            enable_idempotence=self._idempotent,
            max_batch_size=self._batch_bytes,
            request_timeout_ms=int(self._timeout_s * 1000 / 3),  # of one attempt of several
        )
        try:
            await producer.start()
        except BaseException:
            await producer.stop()
            raise
        self._producer = producer

    async def stop(self, timeout_s: float = 1.0) -> None:
        """Close the connection; what is not sent by then is sent by the next owner.

        Args:
            timeout_s: how long to wait for what is on its way.
        """
        producer, self._producer = self._producer, None
        if producer is not None:
            await asyncio.wait({asyncio.ensure_future(producer.stop())}, timeout=timeout_s)

    async def publish(self, emissions: Sequence[Outgoing]) -> None:
        """Send all, in order per partition; return when all are acknowledged.

        Raises:
            SendFailed: one of them was not; the others may have been.
        """
        if not emissions:
            return
        if self._producer is None:
            msg = "outbox is not started; call start() before publish()"
            raise SendFailed(msg)
        sending = asyncio.ensure_future(self._publish(self._producer, emissions))
        try:
            # aiokafka's idempotent producer would try again without end. The time is counted in slices, so that a
            # worker that was paused, and finds its time gone when it wakes, still hears the answer that waits for it.
            for _ in range(SLICES):
                done, _ = await asyncio.wait([sending], timeout=self._timeout_s / SLICES)
                if done:
                    sending.result()
                    return
        finally:
            sending.cancel()
        raise SendFailed(_failure(f"no acknowledgement in {self._timeout_s:g} s"))

    async def _publish(self, producer: AIOKafkaProducer, emissions: Sequence[Outgoing]) -> None:
        sent: list[asyncio.Future[Any]] = []
        try:
            for tp, records in (await self._by_partition(producer, emissions)).items():
                await self._send(producer, tp, records, sent)
            await asyncio.gather(*sent)
        except KafkaError as cause:
            raise SendFailed(_failure(repr(cause))) from cause
        finally:
            for future in sent:
                future.add_done_callback(_heard)

    @staticmethod
    async def _by_partition(
        producer: AIOKafkaProducer, emissions: Sequence[Outgoing]
    ) -> dict[TopicPartition, list[Outgoing]]:
        counts: dict[str, int] = {}
        grouped: dict[TopicPartition, list[Outgoing]] = {}
        for record in emissions:
            count = counts.get(record.topic)
            if count is None:
                try:
                    count = counts[record.topic] = len(await producer.partitions_for(record.topic))
                except Exception as cause:
                    raise SendFailed(_failure(repr(cause), f"to topic {record.topic} ")) from cause
            partition = record.partition
            if partition is None:
                partition = partition_of(record.key, record.value, count)
            grouped.setdefault(TopicPartition(record.topic, partition), []).append(record)
        return grouped

    @staticmethod
    async def _send(
        producer: AIOKafkaProducer,
        tp: TopicPartition,
        records: Sequence[Outgoing],
        sent: list[asyncio.Future[Any]],
    ) -> None:
        """Queue records of one partition; `send_batch` waits until the batch before it has left, so order is kept."""
        try:
            batch = producer.create_batch()
            for record in records:
                while (
                    batch.append(
                        key=record.key, value=record.value, timestamp=None, headers=list(record.headers)
                    )
                    is None
                ):
                    sent.append(await producer.send_batch(batch, tp.topic, partition=tp.partition))
                    batch = producer.create_batch()
            sent.append(await producer.send_batch(batch, tp.topic, partition=tp.partition))
        except Exception as cause:
            raise SendFailed(_failure(repr(cause), f"to {tp.topic}[{tp.partition}] ")) from cause


def _heard(future: asyncio.Future[Any]) -> None:
    """Take an error that nobody will ask for."""
    if not future.cancelled():
        future.exception()


def _failure(cause: str, where: str = "") -> str:
    return f"sending {where}failed: {cause}; the owner must take over again from its commit"
