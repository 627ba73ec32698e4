"""Whole workers on a real Kafka: nothing is lost, nothing is counted twice, and they end when they are told to."""

import signal
from collections.abc import Callable

import pytest

from tests.shell.world import World, wait_until

pytestmark = pytest.mark.kafka
NewWorld = Callable[..., World]


def test_commit_reaches_the_end_and_carries_metadata(new_world: NewWorld) -> None:
    world = new_world(partitions=4)
    world.produce(10_000)
    worker = world.worker()
    world.wait_for_end()
    assert {metadata for _, metadata in world.commits().values()} == {"v1|0"}
    world.produce(1_003)
    world.wait_for_end()
    world.check()
    assert worker.stop() < 10.0
    assert {opened["metadata"] for opened in worker.told("open")} == {""}
    again = world.worker()
    wait_until(lambda: again.owns() == {0, 1, 2, 3}, "all is taken over")
    assert {opened["metadata"] for opened in again.told("open")} == {"v1|0"}


def test_idle_partition_is_taken_over_and_committed(new_world: NewWorld) -> None:
    world = new_world(partitions=3)
    worker = world.worker()
    wait_until(lambda: worker.owns() == {0, 1, 2}, "empty partitions are taken over")
    wait_until(lambda: world.commits() == dict.fromkeys(range(3), (0, "v1|0")), "each has a commit")


@pytest.mark.parametrize("fault", ["SIGKILL", "error"])
@pytest.mark.parametrize("place", ["before-step", "after-step", "after-ack", "after-advance"])
def test_end_between_two_steps_of_a_batch_changes_nothing(
    new_world: NewWorld, place: str, fault: str
) -> None:
    world = new_world()
    world.produce(5_000)
    first = world.worker(fault_at=place, fault_after=2_500, fault=fault, records=700, session_timeout_s=6.0)
    assert first.wait() == (-signal.SIGKILL if fault == "SIGKILL" else 1)
    if fault == "error":
        assert f"planted {place}" in first.said.read_text()
    done = max([batch["end"] for batch in first.told("batch")], default=0)
    assert world.commits().get(0, (0, ""))[0] <= done
    world.worker(records=700, session_timeout_s=6.0)
    world.wait_for_end()
    world.check()
