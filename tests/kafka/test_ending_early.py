"""SIGTERM ends a worker in order and in time, however far its start has come."""

import re
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from schemas.codec import encode_event
from schemas.events import Incident
from tests.kafka.deployment import STOP_S, Deployment, Sent, wait_until
from tests.worlds import START_MS

pytestmark = [pytest.mark.kafka]
Deploy = Callable[..., Deployment]


def catches(pid: int, number: signal.Signals) -> bool:
    """Whether a process has a handler for a signal, as Linux tells."""
    said = re.search(r"^SigCgt:\s*([0-9a-f]+)$", Path(f"/proc/{pid}/status").read_text(), re.M)
    return said is not None and bool(int(said[1], 16) >> (number - 1) & 1)


@pytest.mark.parametrize("after_s", [0.0, 0.3, 0.7, 1.1, 1.5])
def test_sigterm_before_anything_is_owned_ends_a_worker_in_order(deploy: Deploy, after_s: float) -> None:
    vigil = deploy(2, 1)
    worker = vigil.worker()
    wait_until(lambda: catches(worker.process.pid, signal.SIGTERM), "Python has come to the command")
    time.sleep(after_s)
    assert worker.stop() < STOP_S


def test_sigterm_during_a_take_over_ends_a_worker_in_order_and_the_next_one_does_it_again(
    deploy: Deploy,
) -> None:
    vigil = deploy(1, 1)
    vigil.produce(incidents(120_000))
    first = vigil.worker()
    vigil.settle()
    first.stop()
    committed = vigil.committed("incidents", "cells")
    second = vigil.worker()
    wait_until(lambda: " and owns " in second.log, "it owns something")
    assert second.stop() < STOP_S
    assert "took over" not in second.log, "it ended on its way"
    assert vigil.committed("incidents", "cells") == committed
    third = vigil.worker()
    wait_until(lambda: "took over" in third.log, "it takes over")
    assert third.stop() < STOP_S


def incidents(number: int) -> list[Sent]:
    """Calls two seconds apart."""
    found = []
    for n in range(number):
        at = START_MS + 2_000 * n
        event = Incident(f"i{n}", "sf", at, crime_type="burglary", zone="A1", reported_at=at)
        found.append(Sent("incidents", 0, event.incident_id.encode(), encode_event(event)))
    return found
