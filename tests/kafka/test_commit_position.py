"""Where the group stands on a real Kafka: at the end of every topic, also after SIGTERM, and a restart repeats nothing."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from tests.kafka.deployment import (
    SOURCES,
    STOP_S,
    Deployment,
    interleaved,
    rules_environment,
    wait_until,
    world_records,
)
from tests.oracle_bridge import Rules
from tests.worlds import SHORT, Shape, random_world

pytestmark = [pytest.mark.kafka]
Deploy = Callable[..., Deployment]
RULES = Rules(
    SHORT.pane_ms,
    {f"{width // 1000}s": width for width in SHORT.windows.values()},
    SHORT.out_of_orderness_ms,
    SHORT.lateness_ms,
)
SMALL = {**rules_environment(RULES), "VIGIL_WORKER_BATCH_SIZE": "20"}


def records_of(messages: int) -> list[Any]:
    """A random world, partitions taking turns."""
    shape = Shape(partitions=2, messages=messages, jurisdictions=2, incidents=40)
    return interleaved(world_records(random_world(4, RULES, shape)))


def test_sigterm_ends_a_worker_in_time_and_a_restart_counts_nothing_twice(deploy: Deploy) -> None:
    vigil = deploy(2, 1, **SMALL)
    vigil.produce(records_of(1_500))
    first = vigil.worker()
    vigil.settle()
    assert vigil.committed(*SOURCES, "cells") == vigil.ends(*SOURCES, "cells")
    assert first.stop() < STOP_S
    said = len(vigil.records("window-counts"))
    second = vigil.worker()
    vigil.produce(records_of(1_500)[-4:])  # the closing heartbeats once more: nothing new
    vigil.settle()
    assert second.stop() < STOP_S
    assert vigil.committed(*SOURCES, "cells") == vigil.ends(*SOURCES, "cells")
    assert len(vigil.records("window-counts")) == said, "counts were sent again"
    assert repeated_labels(vigil) == {}
    vigil.assert_exact(RULES)


def test_sigterm_in_full_flow_commits_what_was_sent_and_the_next_worker_goes_on_from_there(
    deploy: Deploy,
) -> None:
    vigil = deploy(2, 1, **SMALL)
    vigil.produce(records_of(6_000))
    first = vigil.worker()
    wait_until(lambda: vigil.progress() > 0.05, "it is in full flow")
    assert first.stop() < STOP_S
    assert vigil.progress() < 1.0, "it ended on its way"
    vigil.worker()
    vigil.settle()
    vigil.assert_exact(RULES)
    assert repeated_labels(vigil) == {}


def repeated_labels(vigil: Deployment) -> dict[Any, int]:
    """(topic, partition, offset) of partials that were sent more than once."""
    labels = Counter(
        (said["topic"], said["partition"], said["offset"])
        for said in vigil.records("cells")
        if "offset" in said
    )
    return {label: times for label, times in labels.items() if times > 1}
