"""Where a partition's log begins and ends, asked until its leader answers."""

import time

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

PASSING = frozenset(
    {
        KafkaError.LEADER_NOT_AVAILABLE,
        KafkaError.NOT_LEADER_FOR_PARTITION,
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError._UNKNOWN_PARTITION,
        KafkaError._TRANSPORT,
    }
)
"""What a broker says of a topic that was just created, until every listener of its metadata has heard of it."""


def log_bounds(consumer: Consumer, place: TopicPartition, timeout_s: float = 20.0) -> tuple[int, int]:
    """First offset and end of one partition's log."""
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            start, end = consumer.get_watermark_offsets(place, timeout=timeout_s)
        except KafkaException as failure:
            if failure.args[0].code() not in PASSING or time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return start, end
