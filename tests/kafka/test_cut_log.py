"""A log on a real Kafka is cut while no worker runs: the next one tells nothing until its windows are whole again."""

import re
from collections.abc import Callable, Sequence
from typing import Any
from urllib.request import urlopen

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient

from schemas.codec import encode_event
from schemas.events import Heartbeat, Incident
from tests.kafka.deployment import Deployment, Sent, WorkerProcess, rules_environment, wait_until
from tests.oracle_bridge import DAY_MS, Rules, ms
from tests.worlds import START_MS

pytestmark = [pytest.mark.kafka]
Deploy = Callable[..., Deployment]
RULES = Rules(60_000, {"300s": 300_000, "21600s": 21_600_000}, 60_000, 300_000)
HOUR_MS = 3_600_000
NOON = START_MS // DAY_MS * DAY_MS + DAY_MS // 2


def hourly(first: int, until: int) -> list[Sent]:
    """An incident every hour, and the time after each; dispatches are not published."""
    found = []
    for n in range(first, until):
        at = NOON + n * HOUR_MS
        event = Incident(f"i{n}", "sf", at, crime_type="burglary", zone="A1", reported_at=at)
        found.append(Sent("incidents", 0, event.incident_id.encode(), encode_event(event)))
        beat = Heartbeat("sf", at + HOUR_MS // 2)
        found.append(Sent("incidents", 0, None, encode_event(beat)))
    return found


def cut(vigil: Deployment, topic: str) -> None:
    """Delete all that is in partition 0 of a topic."""
    admin = AdminClient({"bootstrap.servers": vigil.broker})
    end = vigil.ends(topic)[topic, 0]
    for deleted in admin.delete_records([TopicPartition(vigil.prefix + topic, 0, end)]).values():
        deleted.result(20)


def told(vigil: Deployment, after: int) -> Sequence[int]:
    """The ticks (ms) of window counts after an instant, each once."""
    return sorted({ms(said["at"]) for said in vigil.records("window-counts") if ms(said["at"]) > after})


def metrics(worker: WorkerProcess) -> str:
    """What /metrics says."""
    address = re.search(r"answers on (http://\S+)", worker.log)
    assert address is not None
    with urlopen(f"{address[1]}/metrics", timeout=10) as answer:
        text: str = answer.read().decode()
    return text


def kept_back_until(worker: WorkerProcess) -> int | None:
    """What the metric says, ms."""
    found = re.search(r'^vigil_kept_back_until_timestamp_seconds\{.*"sf".*\} (\S+)$', metrics(worker), re.M)
    return None if found is None else round(float(found[1]) * 1000)


@pytest.mark.parametrize("topic", ["incidents", "cells"])
def test_after_a_cut_nothing_is_told_and_the_worker_says_which_windows_are_short_until_when(
    deploy: Deploy, topic: str
) -> None:
    vigil = deploy(1, 1, **rules_environment(RULES))
    vigil.produce(hourly(0, 48))
    first = vigil.worker()
    vigil.settle()
    first.stop()
    last = told(vigil, 0)[-1]
    cut(vigil, topic)
    second = vigil.worker()
    vigil.produce(hourly(48, 60))
    vigil.settle()
    until = wait_until(lambda: kept_back_until(second), "the metric says until when")
    assert until > NOON + 48 * HOUR_MS + DAY_MS + RULES.longest_ms
    assert told(vigil, last) == []
    assert "vigil_incidents{" not in metrics(second)
    log = second.log
    assert "the log starts at" in log
    said = re.search(r"sf: nothing is told by topic \S+incidents before (\S+): a log was cut, (.*)", log)
    assert said is not None, log[-2000:]
    assert all(f"{window} at 20" in said[2] for window in RULES.windows)
    if topic == "incidents":  # what an owner sent before the cut of `cells` may come again for ten minutes
        assert ms(said[1]) == until
        is_whole_again(vigil, second, until)


def is_whole_again(vigil: Deployment, worker: WorkerProcess, until: int) -> None:
    """From the tick on that was said, every tick is told as it is."""
    vigil.produce(hourly(60, 96))
    vigil.settle()
    assert kept_back_until(worker) is None
    assert "all windows are whole again" in worker.log
    after = told(vigil, NOON + 48 * HOUR_MS)
    assert after[0] == until
    said: dict[int, Any] = {ms(each["at"]): each["counts"] for each in vigil.records("window-counts")}
    for n in range(60, 95):
        tick = NOON + n * HOUR_MS + RULES.pane_ms
        if tick > until:
            assert said[tick] == {"300s": 1, "21600s": 6}
