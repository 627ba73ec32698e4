"""Where a partition's log begins and ends, asked until its leader answers."""

import time
from contextlib import suppress

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

PASSING = frozenset(
    {
        KafkaError.LEADER_NOT_AVAILABLE,
        KafkaError.NOT_LEADER_FOR_PARTITION,
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError._UNKNOWN_PARTITION,
        KafkaError._TRANSPORT,
        KafkaError._TIMED_OUT,
        KafkaError._ALL_BROKERS_DOWN,
    }
)
"""What is said of a topic that was just created, or of a broker that just came back, until metadata has caught up."""

TRY_S = 2.0
"""How long one question waits: a client that has old metadata must ask for them anew, not wait for them."""


def log_bounds(consumer: Consumer, place: TopicPartition, timeout_s: float = 60.0) -> tuple[int, int]:
    """First offset and end of one partition's log."""
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            start, end = consumer.get_watermark_offsets(place, timeout=TRY_S)
        except KafkaException as failure:
            if failure.args[0].code() not in PASSING or time.monotonic() > deadline:
                raise
            time.sleep(0.1)
            with suppress(KafkaException):
                consumer.list_topics(place.topic, timeout=TRY_S)  # anew
        else:
            return start, end
