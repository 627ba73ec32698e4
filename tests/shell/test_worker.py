"""Whole workers on a real Kafka: nothing is lost, nothing is counted twice, and they end when they are told to."""

import signal
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.kafka.broker import Cluster
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


@pytest.mark.parametrize(
    "place,fault",
    [
        ("before-step", "SIGKILL"),
        ("after-step", "SIGKILL"),
        ("after-ack", "SIGKILL"),
        ("after-advance", "SIGKILL"),
        ("after-step", "error"),
        ("after-ack", "error"),
    ],
)
def test_end_between_two_steps_of_a_batch_changes_nothing(
    new_world: NewWorld, place: str, fault: str
) -> None:
    world = new_world()
    world.produce(5_000)
    name = {
        "consumer_group_instance_id": "one"
    }  # so that the second need not wait until the first is forgotten
    first = world.worker(fault_at=place, fault_after=2_500, fault=fault, records=700, settings=name)
    assert first.wait() == (-signal.SIGKILL if fault == "SIGKILL" else 1)
    if fault == "error":
        assert f"planted {place}" in first.said.read_text()
    done = max([batch["end"] for batch in first.told("batch")], default=0)
    assert world.commits().get(0, (0, ""))[0] <= done
    world.worker(records=700, settings=name)
    world.wait_for_end()
    world.check()


def test_three_workers_share_four_partitions_and_one_is_killed(new_world: NewWorld) -> None:
    world = new_world(partitions=4)
    workers = [world.worker(session_timeout_s=6.0) for _ in range(3)]
    wait_until(lambda: sorted(len(worker.owns()) for worker in workers) == [1, 1, 2], "all share")
    world.produce(4_000)
    victim = max(workers, key=lambda worker: len(worker.owns()))
    world.produce(4_000)
    victim.signal(signal.SIGKILL)
    world.produce(4_000)
    world.wait_for_end()
    left = [worker for worker in workers if worker is not victim]
    wait_until(lambda: sorted(len(worker.owns()) for worker in left) == [2, 2], "two share")
    assert set.union(*(worker.owns() for worker in left)) == {0, 1, 2, 3}
    world.check()


def test_fold_outlives_a_rebalance_that_gives_its_partition_back(new_world: NewWorld) -> None:
    world = new_world(partitions=4)
    world.produce(4_000)
    first = world.worker()
    world.wait_for_end()
    second = world.worker()
    wait_until(lambda: len(first.owns()) == 2 and len(second.owns()) == 2, "both share")
    world.produce(400)
    world.wait_for_end()
    assert second.stop() < 10.0
    wait_until(lambda: len(first.owns()) == 4, "the first has all again")
    world.produce(400)
    world.wait_for_end()
    opened = [opened["tp"] for opened in first.told("open")]
    assert sorted(opened) == sorted([0, 1, 2, 3, *second.owns()]), "only what another owned is folded again"
    world.check()


def test_sigterm_in_full_flow_ends_in_time_with_everything_processed_committed(new_world: NewWorld) -> None:
    world = new_world(partitions=4)
    world.produce(200_000, keys=100)
    worker = world.worker(records=50)
    wait_until(lambda: len(worker.told("batch")) > 20, "it is in full flow")
    assert worker.stop() < 10.0
    ends = dict.fromkeys(range(4), 0) | {batch["tp"]: batch["end"] for batch in worker.told("batch")}
    assert {number: offset for number, (offset, _) in world.commits().items()} == ends
    assert sum(ends.values()) < 200_000, "it ended on its way"


def test_sigterm_while_taking_over_ends_in_time_and_in_order(new_world: NewWorld) -> None:
    world = new_world()
    world.produce(50_000)
    old = world.worker()
    world.wait_for_end()
    old.stop()
    new = world.worker(version=2, chunk=10)
    wait_until(
        lambda: new.told("open") and new.facts().get(0) == (False, None, None, None), "it is taking over"
    )
    assert new.stop() < 10.0
    assert world.commits() == {0: (50_000, "v1|0")}


def test_records_deleted_while_they_were_waited_for_end_the_worker_and_the_next_says_so(
    new_world: NewWorld,
) -> None:
    world = new_world()
    world.produce(100)
    paused = world.worker(
        fault_at="before-step", fault_after=101, fault="SIGSTOP", records=100, session_timeout_s=30.0
    )
    world.wait_for_end()
    world.produce(20_000, value=b"x" * 1_000)
    wait_until(lambda: paused.told("fault"), "it is paused in the next batch")
    world.delete_below(19_000)
    paused.signal(signal.SIGCONT)
    assert paused.wait() == 1
    assert "OffsetOutOfRangeError" in paused.said.read_text()
    [(committed, _)] = world.commits().values()
    again = world.worker()
    world.wait_for_end()
    assert f"offsets {committed} to 18999 were deleted before they were processed" in again.said.read_text()


@pytest.mark.parametrize("place", ["after-step", "after-ack"])
def test_paused_worker_that_wakes_moves_no_commit(new_world: NewWorld, place: str) -> None:
    world = new_world()
    world.produce(5_000)
    paused = world.worker(
        fault_at=place, fault_after=2_500, fault="SIGSTOP", records=700, session_timeout_s=6.0
    )
    wait_until(lambda: paused.told("fault"), "it is paused with a batch in hand")
    other = world.worker(records=700, session_timeout_s=6.0)
    world.wait_for_end()
    world.produce(700)
    world.wait_for_end()
    before = world.commits()
    paused.signal(signal.SIGCONT)
    wait_until(
        lambda: len(paused.owns() | other.owns()) == 1 and len(other.facts()) + len(paused.facts()) == 1,
        "one owns it",
    )
    assert world.commits() == before
    world.produce(700)
    world.wait_for_end()
    world.check()


def test_new_counting_version_reads_all_again_aloud_and_then_commits(new_world: NewWorld) -> None:
    world = new_world(partitions=2)
    world.produce(5_000)
    old = world.worker()
    world.wait_for_end()
    old.stop()
    new = world.worker(version=2, records=700)
    wait_until(
        lambda: {metadata for _, metadata in world.commits().values()} == {"v2|0"},
        "the commits are of version 2",
    )
    assert world.at_end()
    world.check(version=2)
    assert {opened["metadata"] for opened in new.told("open")} == {"v1|0"}


def test_new_counting_version_that_dies_on_its_way_leaves_the_old_commit(new_world: NewWorld) -> None:
    world = new_world()
    world.produce(5_000)
    old = world.worker()
    world.wait_for_end()
    old.stop()
    name = {"consumer_group_instance_id": "one"}
    dying = world.worker(version=2, fault_at="in-take-over", fault_after=2_500, chunk=100, settings=name)
    assert dying.wait() == -signal.SIGKILL
    assert world.commits() == {0: (5_000, "v1|0")}
    world.worker(version=2, settings=name)
    wait_until(lambda: world.commits() == {0: (5_000, "v2|0")}, "the commit is of version 2")
    world.check(version=2)


def test_worker_outlives_a_restart_of_the_broker(
    start_kafka: Callable[..., Cluster], topic_prefix: str, tmp_path: Path
) -> None:
    cluster = start_kafka()
    world = World(cluster.bootstrap, topic_prefix, tmp_path, partitions=2)
    world.create()
    with closing(world):
        world.produce(2_000)
        worker = world.worker(outbox_timeout_s=60.0)
        world.wait_for_end()
        cluster.restart(1)
        world.produce(2_000)
        world.wait_for_end()
        assert worker.process.poll() is None
        world.check()


def test_static_member_comes_back_without_a_rebalance(new_world: NewWorld) -> None:
    world = new_world(partitions=2)
    names = [{"consumer_group_instance_id": f"worker-{number}"} for number in range(2)]
    workers = [world.worker(settings=name, session_timeout_s=30.0) for name in names]
    wait_until(lambda: [len(worker.owns()) for worker in workers] == [1, 1], "both share")
    owned = workers[0].owns()
    workers[0].stop()
    world.produce(200)
    again = world.worker(settings=names[0], session_timeout_s=30.0)
    world.wait_for_end()
    assert again.owns() == owned
    joined = [worker.said.read_text().count("Joined group") for worker in (workers[1], again)]
    assert joined[1] == 1
    world.check()


def test_batch_is_never_larger_than_asked(new_world: NewWorld) -> None:
    world = new_world(partitions=2)
    world.produce(1_000)
    worker = world.worker(records=64)
    world.wait_for_end()
    batches = worker.told("batch")
    assert max(batch["records"] for batch in batches) == 64
    assert sum(batch["records"] for batch in batches) == 1_000
