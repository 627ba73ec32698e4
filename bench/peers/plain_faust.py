"""Plain Faust: an agent that decodes each event and adds it to a table, `table[zone|type] += 1`.

    python -m bench.peers.plain_faust BROKER TOPIC EVENTS

Its last line is a JSON object: from the first event to the last, seconds and CPU seconds; peak memory; the table.
"""

import json
import os
import sys
import time
from typing import Any

import faust

from bench.process import usage


class Incident(faust.Record, serializer="json"):
    """The part of the contract that counts."""

    incident_id: str
    jurisdiction: str
    updated_at: str
    status: str
    crime_type: str
    zone: str
    reported_at: str


def main(broker: str, topic: str, events: int) -> None:
    """Count `events` of a topic, then end."""
    app = faust.App(
        f"{topic}-plain",
        broker=f"kafka://{broker}",
        store="memory://",
        topic_partitions=4,
        topic_replication_factor=1,
        stream_wait_empty=False,
        consumer_auto_offset_reset="earliest",
        broker_session_timeout=10.0,
        broker_rebalance_timeout=10.0,
        broker_heartbeat_interval=2.0,
        web_enabled=False,
        worker_redirect_stdouts=False,
    )
    table = app.Table("counted", default=int, partitions=4)
    heard: dict[str, Any] = {"n": 0}

    @app.agent(app.topic(topic, value_type=Incident))
    async def count(stream: Any) -> None:
        async for incident in stream:
            if not heard["n"]:
                heard["at"], heard["cpu_s"] = time.perf_counter(), time.process_time()
            heard["n"] += 1
            table[f"{incident.zone}|{incident.crime_type}"] += 1
            if heard["n"] == events:
                said = {
                    "seconds": time.perf_counter() - heard["at"],
                    "cpu_s": time.process_time() - heard["cpu_s"],
                    "peak_mb": usage().peak_mb,
                    "counts": dict(table.items()),
                }
                print("\n" + json.dumps(said), flush=True)  # after what Faust writes
                await app.producer.flush()
                os._exit(0)  # its own way to end takes longer than the measurement

    faust.Worker(app, quiet=True, loglevel="error").execute_from_commandline()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
