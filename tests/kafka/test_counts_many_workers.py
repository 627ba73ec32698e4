"""Several workers on a real Kafka, killed, paused and of different speed: every count is what the log says."""

import signal
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.kafka.deployment import (
    Deployment,
    Sent,
    interleaved,
    rules_environment,
    wait_until,
    world_records,
)
from tests.oracle_bridge import DAY_MS, Rules
from tests.worlds import CITY, Shape, random_world

pytestmark = [pytest.mark.kafka]
Deploy = Callable[..., Deployment]
FIRE = "sffd_calls_2016-12-31_2017-01-07.csv.gz"
RULES = Rules(
    CITY.pane_ms,
    {f"{width // 1000}s": width for width in CITY.windows.values()},
    CITY.out_of_orderness_ms,
    CITY.lateness_ms,
)
SMALL = {**rules_environment(RULES), "VIGIL_WORKER_BATCH_SIZE": "20"}
"""Small batches: many messages of `cells`, and a worker that is on its way for a while."""


def city_records(seed: int, partitions: int, messages: int = 3_000) -> list[Sent]:
    """A random world of three jurisdictions, partitions taking turns."""
    shape = Shape(partitions=partitions, messages=messages, jurisdictions=3, incidents=60)
    return interleaved(world_records(random_world(seed, RULES, shape)))


def test_two_workers_share_four_partitions_and_one_is_killed_half_way_and_restarted(
    deploy: Deploy, city_data: Path
) -> None:
    vigil = deploy(4, 2, VIGIL_WORKER_BATCH_SIZE="50")
    workers = [vigil.worker(), vigil.worker()]
    wait_until(lambda: len(vigil.committed("incidents")) == 4, "both have begun")
    publishing = threading.Thread(
        target=vigil.publish, args=(str(city_data / FIRE), "--source", "sffd"), daemon=True
    )
    publishing.start()
    wait_until(lambda: sum(vigil.committed("incidents").values()) > 500, "they are on their way")
    workers[0].kill()
    killed_at = vigil.committed("incidents", "cells")
    publishing.join(120)
    vigil.worker()
    vigil.settle()
    assert vigil.committed("incidents", "cells") != killed_at, "it was killed after all was done"
    vigil.assert_exact()


def test_three_workers_on_four_partitions_count_like_one(deploy: Deploy) -> None:
    vigil = deploy(4, 2, **SMALL)
    records = city_records(1, partitions=4)
    for _ in range(3):
        vigil.worker()
    wait_until(lambda: len(vigil.committed("incidents")) == 4, "they have begun")
    vigil.produce(records)
    vigil.settle()
    vigil.assert_exact(RULES)


def test_paused_owner_that_goes_on_after_its_replacement_changes_nothing(deploy: Deploy) -> None:
    vigil = deploy(2, 1, **SMALL)
    records = city_records(3, partitions=2)
    first = vigil.worker()
    vigil.produce(records[:2_000])
    wait_until(lambda: vigil.progress() > 0.1, "it is on its way")
    first.signal(signal.SIGSTOP)
    paused_at = vigil.committed("incidents", "cells")
    second = vigil.worker()
    vigil.settle()
    assert vigil.committed("incidents", "cells") != paused_at, "it was paused after all was done"
    first.signal(signal.SIGCONT)
    vigil.produce(records[2_000:])
    vigil.settle()
    vigil.assert_exact(RULES)
    assert second.stop() < 10.0
    vigil.settle()
    vigil.assert_exact(RULES)


def test_backlog_whose_partitions_are_a_day_apart_loses_nothing(deploy: Deploy) -> None:
    """Partition 0 is whole days ahead in event time, and is read to its end while partition 1 has barely begun."""
    vigil = deploy(2, 1, **SMALL)
    shape = Shape(partitions=2, messages=3_000, jurisdictions=2, incidents=60, silences=False)
    records = world_records(random_world(2, RULES, shape))
    ahead = [record for record in records if record.partition == 0]
    behind = [record for record in records if record.partition == 1]
    vigil.produce(ahead)
    vigil.produce(behind[:200])
    vigil.worker()
    vigil.settle()
    vigil.assert_exact(RULES)
    heard = {each.partition: each.event for each in vigil.accepted()}
    apart = abs(last_time(heard[0]) - last_time(heard[1]))
    assert apart > DAY_MS, f"the partitions are only {apart / 3_600_000:.1f} h apart"
    vigil.produce(behind[200:])
    vigil.settle()
    vigil.assert_exact(RULES)


def last_time(event: object) -> int:
    """The time of an incident or heartbeat."""
    return getattr(event, "updated_at", None) or event.heartbeat_at  # type: ignore[attr-defined,no-any-return]
