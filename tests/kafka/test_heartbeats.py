"""Workers send heartbeats while publishers of different speed still publish: no message becomes late by them."""

import time
from collections.abc import Callable

import pytest

from schemas.codec import encode_event
from schemas.events import Incident
from tests.kafka.deployment import Deployment, Sent, wait_until

pytestmark = [pytest.mark.kafka]
Deploy = Callable[..., Deployment]
HOUR_MS = 3_600_000


def incidents(partition: int, first_ms: int, last_ms: int, number: int) -> list[Sent]:
    """Incidents of one publisher, evenly over its past."""
    found = []
    for n in range(number):
        at = first_ms + (last_ms - first_ms) * n // (number - 1)
        event = Incident(f"p{partition}-{n}", "sf", at, crime_type="burglary", zone="A1", reported_at=at)
        found.append(Sent("incidents", partition, event.incident_id.encode(), encode_event(event)))
    return found


def test_slow_publishers_lose_nothing_to_heartbeats_and_a_silent_partition_holds_nobody_up(
    deploy: Deploy,
) -> None:
    vigil = deploy(
        4,
        1,
        VIGIL_HEARTBEATS_ENABLED="true",
        VIGIL_HEARTBEATS_INTERVAL="1s",
        VIGIL_HEARTBEATS_PATIENCE="8s",
        VIGIL_COUNTING_PANE="5s",
        VIGIL_COUNTING_OUT_OF_ORDERNESS="1s",
    )
    now = round(time.time() * 1000)
    vigil.worker()
    fast = incidents(0, now - 9 * HOUR_MS, now - 1_000, 2_000)
    slow = incidents(1, now - 9 * HOUR_MS, now - 1_000, 7)
    later = incidents(2, now - 9 * HOUR_MS, now - 1_000, 5)
    vigil.produce(fast)
    for n in range(7):  # each waits for longer than the interval, and is hours behind the fast one
        vigil.produce(slow[n : n + 1])
        if n > 1:
            vigil.produce(later[n - 2 : n - 1])
        time.sleep(2.5)
    wait_until(lambda: vigil.records("window-counts"), "the silent partition holds the city up", 60.0)
    wait_until(lambda: total(vigil) == 2_012, "everything counts", 60.0)
    assert vigil.records("late-events") == []
    assert vigil.dead_letters() == {}


def total(vigil: Deployment) -> int:
    """The newest count of the last 24 hours."""
    newest = max(vigil.records("window-counts"), key=lambda record: (record["at"], record["revision"]))
    count: int = newest["counts"]["24h"]
    return count
