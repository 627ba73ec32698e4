"""The outbox: where records go, in which order, and what happens when they cannot be sent."""

import asyncio
import os
import random
import signal
import time
import uuid
from collections.abc import AsyncIterator, Callable
from typing import Any, cast

import pytest
from aiokafka.partitioner import DefaultPartitioner
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic
from hypothesis import given
from hypothesis import strategies as st

from schemas.emissions import Outgoing
from streams.outbox import HASHED_KEY_BYTES, Outbox, SendFailed, partition_of
from tests.kafka.broker import Cluster
from tests.shell.world import World

NewWorld = Callable[..., World]


@given(st.binary(max_size=100), st.integers(1, 64))
def test_keys_go_where_every_client_puts_them(key: bytes, partitions: int) -> None:
    everything = list(range(partitions))
    assert partition_of(key, b"v", partitions) == DefaultPartitioner()(key, everything, everything)


@pytest.mark.parametrize(
    "key,value",
    [(None, b"v"), (None, None), (b"k" * (HASHED_KEY_BYTES + 1), b"v")],
    ids=["keyless", "empty", "long"],
)
def test_what_has_no_usable_key_goes_to_the_same_place_every_time(
    key: bytes | None, value: bytes | None
) -> None:
    assert len({partition_of(key, value, 5) for _ in range(10)}) == 1
    assert 0 <= partition_of(key, value, 5) < 5


async def test_publishing_before_start_says_so() -> None:
    with pytest.raises(SendFailed, match=r"not started; call start\(\)"):
        await Outbox({"bootstrap_servers": "127.0.0.1:1"}).publish([Outgoing("t", None, b"v")])


async def test_stopping_before_start_does_nothing() -> None:
    await Outbox({"bootstrap_servers": "127.0.0.1:1"}).stop()


@pytest.fixture
async def outbox(kafka: str) -> AsyncIterator[Outbox]:
    outbox = Outbox({"bootstrap_servers": kafka}, batch_bytes=16_384, timeout_s=5.0)
    await outbox.start()
    await outbox.start()
    yield outbox
    await outbox.stop()


@pytest.mark.kafka
async def test_order_is_kept_per_partition_across_batches(outbox: Outbox, new_world: NewWorld) -> None:
    world = new_world(partitions=3)
    rng = random.Random(7)
    keys = [f"k{rng.randrange(40)}".encode() for _ in range(20_000)]
    await outbox.publish([Outgoing(world.topic, key, str(i).encode()) for i, key in enumerate(keys[:10_000])])
    await asyncio.gather(
        outbox.publish(
            [Outgoing(world.topic, key, str(i).encode()) for i, key in enumerate(keys[10_000:], 10_000)]
        ),
        outbox.publish([Outgoing(world.out, b"k", b"v")] * 1_000),
    )
    read = world.read(world.topic, range(3))
    by_key: dict[bytes, list[int]] = {}
    for message in read:
        assert message.partition() == partition_of(message.key(), None, 3)
        by_key.setdefault(message.key(), []).append(int(message.value()))
    assert sum(map(len, by_key.values())) == 20_000
    assert all(numbers == sorted(numbers) for numbers in by_key.values())
    assert len(world.read(world.out, range(2))) == 1_000


@pytest.mark.kafka
async def test_records_arrive_as_they_are(outbox: Outbox, new_world: NewWorld) -> None:
    world = new_world(partitions=3)
    sent = [
        Outgoing(world.topic, b"k", b"v", (("vigil-reason", b"not_json"), ("vigil-at", b"1")), 2),
        Outgoing(world.topic, None, b"v", (), 2),
        Outgoing(world.topic, b"k", None, (), 2),
        Outgoing(world.topic, None, None, (), 2),
        Outgoing(world.topic, b"", b"", (), 2),
        Outgoing(world.topic, b"big", b"x" * 1_000_000, (), 2),
        Outgoing(world.topic, b"after", b"v", (), 2),
    ]
    await outbox.publish(sent)
    read = world.read(world.topic, [2])
    assert [(m.key(), m.value(), tuple(m.headers() or ())) for m in read] == [r[1:4] for r in sent]
    assert all(m.timestamp()[1] > 1_700_000_000_000 for m in read), "stamped with the time of sending"


@pytest.mark.kafka
async def test_partitions_are_those_of_another_client(outbox: Outbox, new_world: NewWorld) -> None:
    world = new_world(partitions=5)
    keys = [f"incident-{i}".encode() for i in range(200)]
    producer = Producer({"bootstrap.servers": world.broker, "partitioner": "murmur2_random"})
    for key in keys:
        producer.produce(world.topic, b"theirs", key)
    assert producer.flush(20) == 0
    await outbox.publish([Outgoing(world.topic, key, b"ours") for key in keys])
    places: dict[bytes, set[int]] = {}
    for message in world.read(world.topic, range(5)):
        places.setdefault(message.key(), set()).add(message.partition())
    assert all(len(place) == 1 for place in places.values())


@pytest.mark.kafka
async def test_record_a_broker_refuses_fails(outbox: Outbox, new_world: NewWorld) -> None:
    world = new_world()
    with pytest.raises(SendFailed, match=r"MessageSizeTooLarge.*must take over again"):
        await outbox.publish(
            [Outgoing(world.topic, b"k", b"v"), Outgoing(world.topic, b"k", b"x" * 3_000_000)]
        )


@pytest.mark.kafka
async def test_topic_that_does_not_exist_fails(outbox: Outbox, topic_prefix: str) -> None:
    with pytest.raises(SendFailed, match=f"to topic {topic_prefix}gone failed: .*must take over again"):
        await outbox.publish([Outgoing(f"{topic_prefix}gone", b"k", b"v")])


@pytest.mark.kafka
async def test_partition_that_does_not_exist_fails(outbox: Outbox, new_world: NewWorld) -> None:
    world = new_world()
    with pytest.raises(SendFailed, match=r"\[7\] failed"):
        await outbox.publish([Outgoing(world.topic, b"k", b"v", (), 7)])


@pytest.mark.kafka
async def test_broker_that_does_not_answer_fails_in_time_and_cancelling_does_not_wait(
    start_kafka: Callable[..., Cluster],
) -> None:
    cluster = start_kafka()
    topic = uuid.uuid4().hex
    admin = AdminClient({"bootstrap.servers": cluster.bootstrap})
    admin.create_topics([NewTopic(topic, 1)])[topic].result()
    outbox = Outbox({"bootstrap_servers": cluster.bootstrap}, timeout_s=2.0)
    await outbox.start()
    await outbox.publish([Outgoing(topic, b"k", b"v")])
    os.kill(cluster.brokers[1].pid, signal.SIGSTOP)
    try:
        publishing = asyncio.ensure_future(outbox.publish([Outgoing(topic, b"k", b"v")]))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(publishing, 0.1)
        with pytest.raises(SendFailed):
            await asyncio.wait_for(outbox.publish([Outgoing(topic, b"k", b"v")]), 15.0)
        await asyncio.wait_for(outbox.stop(), 3.0)
    finally:
        os.kill(cluster.brokers[1].pid, signal.SIGCONT)


class SlowOutbox(Outbox):
    """Takes two loop turns to send, the first of which takes all the time there is."""

    async def _publish(self, producer: Any, emissions: Any) -> None:
        time.sleep(self._timeout_s * 1.5)  # noqa: ASYNC251 - as when the process is paused
        await asyncio.sleep(0.001)


async def test_pause_of_the_process_is_no_failure_to_send() -> None:
    outbox = SlowOutbox({}, timeout_s=0.06)
    outbox._producer = cast(Any, object())
    await outbox.publish([Outgoing("t", b"k", b"v")])


@pytest.mark.kafka
def test_send_that_fails_ends_the_owner_and_nothing_is_lost(new_world: NewWorld) -> None:
    world = new_world()
    world.produce(500)
    for done in world.admin.delete_topics([world.out]).values():
        done.result()
    worker = world.worker(outbox_timeout_s=3.0)
    assert worker.wait(60.0) == 1
    assert "must take over again from its commit" in worker.said.read_text()
    assert world.commits().get(0, (0, ""))[0] == 0
    for made in world.admin.create_topics([NewTopic(world.out, 2)]).values():
        made.result()
    world.worker()
    world.wait_for_end()
    world.check()
