"""Latency while a city is live: from the record that moves the watermark past a tick to the tick's window counts.

Events are published on a schedule, and each carries the time at which it was due as `updated_at` and as its Kafka
timestamp: a generator or a broker that falls behind makes latencies longer, and hides none. The end is the broker's own
timestamp of the last record of `window-counts` for the tick.
"""

import time
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import numpy as np
from confluent_kafka import Producer

from bench.deployed import Deployed, Measured
from bench.logs import PARTITIONS, Said, encoded, new_incidents
from bench.plain_reading import ms
from streams.outbox import partition_of

PANE_MS = (
    1000  # a tick a second, so that a run of seconds has many; the default configuration has one a minute
)
TRAILS_MS = 200  # allowed out-of-orderness
ENVIRONMENT = {
    "VIGIL_COUNTING_PANE": "1s",
    "VIGIL_COUNTING_WINDOWS": "15s,1m,6m,1h,1d",
    "VIGIL_COUNTING_OUT_OF_ORDERNESS": f"{TRAILS_MS}ms",
}


def published(deployed: Deployed, per_s: int, seconds: int) -> list[tuple[int, int]]:
    """Publish `per_s` events a second; (partition, updated_at) of each."""
    producer = Producer({"bootstrap.servers": deployed.broker, "linger.ms": 1, "acks": "all"})
    said = new_incidents(per_s * seconds, 0)
    began = time.time() + 0.5
    sent: list[tuple[int, int]] = []
    events = iter(said)
    for burst in range(seconds * 200):  # every 5 ms what is due
        due = began + burst / 200
        time.sleep(max(due - time.time(), 0))
        for event in islice(events, per_s // 200):
            at = round(due * 1000)
            record = encoded(Said(event.incident, at, at - 500, event.zone, event.crime_type))
            number = partition_of(record.key, None, PARTITIONS)
            producer.produce(f"{deployed.prefix}incidents", record.value, record.key, number, timestamp=at)
            sent.append((number, at))
        producer.poll(0)
    assert producer.flush(30) == 0
    return sent


def latencies(sent: Sequence[tuple[int, int]], counted: Sequence[tuple[int, int]]) -> list[float]:
    """Milliseconds of each tick.

    Args:
        sent: (partition, updated_at) of each event, ascending.
        counted: (tick, timestamp) of each record of `window-counts`, ms.
    """
    told: dict[int, int] = {}
    for tick, at in counted:
        told[tick] = max(at, told.get(tick, at))
    by_partition = [np.array([at for number, at in sent if number == each]) for each in range(PARTITIONS)]
    found = []
    for tick, at in sorted(told.items()):
        places = [int(np.searchsorted(times, tick + TRAILS_MS)) for times in by_partition]
        if all(place < len(times) for place, times in zip(places, by_partition, strict=True)):
            moved = max(int(times[place]) for place, times in zip(places, by_partition, strict=True))
            found.append(float(at - moved))
    return found


def measure(broker: str, folder: Path, per_s: int, seconds: int) -> Measured:
    """One run at a rate."""
    deployed = Deployed(broker, folder, **ENVIRONMENT)
    counted = deployed.tail("window-counts")
    try:
        worker = deployed.worker()
        before = worker.used()
        sent = published(deployed, per_s, seconds)
        deployed.vigil.settle()
        used = worker.used()
        counted.read_all(deployed.vigil.ends("window-counts")["window-counts", 0])
        records = counted.values()
        stamps = [message.timestamp()[1] for message in counted.messages]
        ticks = [ms(record["at"]) for record in records]
        found = latencies(sent, list(zip(ticks, stamps, strict=True)))
        assert len(found) > seconds * 0.8, f"only {len(found)} ticks were counted"
        spread = np.percentile(found, [50, 99, 100])
        extra = dict(zip(("p50_ms", "p99_ms", "max_ms"), map(float, spread), strict=True))
        cpu_us = (used.cpu_s - before.cpu_s) / len(sent) * 1e6
        return Measured(len(sent), float(seconds), cpu_us, used.peak_mb, extra)
    finally:
        counted.close()
        deployed.close()
