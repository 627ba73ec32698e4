"""Plain records say what aiokafka's own say, of whatever was written."""

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

from streams.plain_consumer import PlainConsumer

pytestmark = [pytest.mark.kafka]
RECORDS = 500


@pytest.mark.parametrize("stamped", ["CreateTime", "LogAppendTime"])
@pytest.mark.parametrize("codec", ["none", "lz4", "zstd"])
async def test_plain_records_are_those_of_aiokafka(
    kafka: str, topic_prefix: str, stamped: str, codec: str
) -> None:
    tp = TopicPartition(f"{topic_prefix}plain", 0)
    spec = NewTopic(tp.topic, 1, 1, config={"message.timestamp.type": stamped, "retention.ms": "-1"})
    admin = AdminClient({"bootstrap.servers": kafka})
    admin.create_topics([spec])[tp.topic].result(30)
    producer = Producer({"bootstrap.servers": kafka, "compression.type": codec})
    for n in range(RECORDS):
        key, value = None if n % 3 == 0 else b"k%d" % n, None if n % 5 == 0 else b"v" * n
        producer.produce(tp.topic, value, key, timestamp=1_700_000_000_000 + n, headers=[("h", b"%d" % n)])
    assert producer.flush(30) == 0
    plain, own = [await read(make(bootstrap_servers=kafka), tp) for make in (PlainConsumer, AIOKafkaConsumer)]
    assert len(plain) == RECORDS
    assert plain == own


async def read(consumer: AIOKafkaConsumer, tp: TopicPartition) -> list[tuple[object, ...]]:
    """Offset, timestamp, key and value of every record."""
    found: list[tuple[object, ...]] = []
    await consumer.start()
    try:
        consumer.assign([tp])
        consumer.seek(tp, 0)
        while len(found) < RECORDS:
            for records in (await consumer.getmany(timeout_ms=1000, max_records=70)).values():
                found += [(each.offset, each.timestamp, each.key, each.value) for each in records]
        assert await consumer.position(tp) == RECORDS
    finally:
        await consumer.stop()
    return found
