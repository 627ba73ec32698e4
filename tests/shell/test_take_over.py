"""Taking over logs as a real Kafka keeps them: emptied, compacted, with transactions, corrupted, gone."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiokafka import TopicPartition
from confluent_kafka import Producer

from streams.core.fold import TakeOver
from streams.recovery import Commit, Progress, Recovery, TakeOverFailed, whole_log
from tests.kafka.broker import Cluster
from tests.shell.fakes import FakePublisher
from tests.shell.toy import ToyFold
from tests.shell.world import World, wait_until

pytestmark = pytest.mark.kafka
NewWorld = Callable[..., World]


async def take_over(
    world: World, committed: int | None, stall_s: float = 10.0
) -> tuple[ToyFold, int, Progress]:
    recovery = Recovery({"bootstrap_servers": world.broker}, FakePublisher(), stall_s=stall_s)
    progress = Progress()

    def open_fold(tp: TopicPartition, at: int | None, metadata: str, start: int, end: int) -> TakeOver:
        return whole_log(ToyFold(tp, start, world.out), at, start)

    commit = None if committed is None else Commit(committed, "")
    fold, at = await recovery.take_over(TopicPartition(world.topic, 0), commit, open_fold, progress)
    assert isinstance(fold, ToyFold)
    return fold, at, progress


async def test_empty_log(new_world: NewWorld) -> None:
    world = new_world()
    for committed in (None, 0):
        fold, at, _ = await take_over(world, committed)
        assert (fold.position, at) == (0, 0)


async def test_log_below_the_commit(new_world: NewWorld) -> None:
    world = new_world()
    world.produce(5_000, keys=2)
    fold, at, progress = await take_over(world, 4_001)
    assert (fold.position, at, fold.counts) == (4_001, 4_001, {"k0": 2_001, "k1": 2_000})
    assert progress.records == 4_001


async def test_log_of_which_all_was_deleted(new_world: NewWorld) -> None:
    world = new_world()
    world.produce(100)
    world.delete_below(100)
    fold, at, _ = await take_over(world, 100)
    assert (at, fold.counts) == (100, {})


async def test_log_of_which_the_beginning_was_deleted(new_world: NewWorld) -> None:
    world = new_world()
    world.produce(100, keys=1)
    world.delete_below(30)
    fold, at, progress = await take_over(world, 80)
    assert (at, fold.counts, progress.lost) == (80, {"k0": 50}, 0)


async def test_log_that_was_deleted_beyond_the_commit(new_world: NewWorld) -> None:
    world = new_world()
    world.produce(100)
    world.delete_below(60)
    fold, at, progress = await take_over(world, 20)
    assert (at, fold.counts, progress.lost) == (60, {}, 40)


async def test_log_that_was_compacted(new_world: NewWorld) -> None:
    config = {
        "cleanup.policy": "compact",
        "segment.ms": "50",
        "segment.bytes": "1048576",
        "min.cleanable.dirty.ratio": "0.001",
        "max.compaction.lag.ms": "100",
    }
    world = new_world(config=config)
    for _ in range(5):
        world.produce(400, keys=4)

    def compacted() -> bool:
        world.produce(1, keys=1)  # a write closes the segment before it
        return len(world.read(world.topic, [0])) < 200

    wait_until(compacted, "the log is compacted", 120.0)
    [(_, end)] = world.bounds().values()
    fold, at, progress = await take_over(world, end)
    assert at == end
    assert set(fold.counts) == {"k0", "k1", "k2", "k3"}
    assert progress.records == sum(fold.counts.values()) < end


def transact(world: World, count: int, *, abort: bool) -> None:
    producer = Producer({"bootstrap.servers": world.broker, "transactional.id": world.group})
    producer.init_transactions(20)
    producer.begin_transaction()
    for _ in range(count):
        producer.produce(world.topic, b"v", b"aborted" if abort else b"kept", 0)
    if abort:
        producer.flush(20)
        producer.abort_transaction(20)
    else:
        producer.commit_transaction(20)


async def test_log_that_ends_in_a_transaction_marker(new_world: NewWorld) -> None:
    world = new_world()
    transact(world, 3, abort=False)
    transact(world, 5, abort=True)
    [(_, end)] = world.bounds().values()
    assert end == 3 + 1 + 5 + 1
    fold, at, _ = await take_over(world, end)
    assert (at, fold.counts) == (end, {"kept": 3}), "what a publisher aborted was never said"


def test_worker_commits_past_transaction_markers(new_world: NewWorld) -> None:
    world = new_world()
    worker = world.worker()
    transact(world, 3, abort=False)
    transact(world, 5, abort=True)
    world.wait_for_end()
    assert worker.facts()[0][3] == 0
    again = world.worker()
    transact(world, 2, abort=False)
    transact(world, 2, abort=True)
    world.wait_for_end()
    assert worker.process.poll() is None
    assert again.process.poll() is None
    assert all(output["totals"].keys() == {"kept"} for output in world.outputs())


async def test_commit_beyond_the_end(new_world: NewWorld) -> None:
    world = new_world()
    world.produce(10)
    with pytest.raises(TakeOverFailed, match="committed offset 11 lies beyond the end 10"):
        await take_over(world, 11, stall_s=0.5)


def test_topic_that_was_made_again_ends_the_worker_with_the_reason(new_world: NewWorld) -> None:
    world = new_world()
    world.produce(10)
    worker = world.worker()
    world.wait_for_end()
    worker.stop()
    for done in world.admin.delete_topics([world.topic]).values():
        done.result()
    wait_until(lambda: world.topic not in world.admin.list_topics(timeout=10).topics, "the topic is gone")
    world.create_again()
    world.reset(10)
    worker = world.worker(stall_s=0.5)
    assert worker.wait() == 1
    assert "committed offset 10 lies beyond the end 0" in worker.said.read_text()


@pytest.fixture
def own_world(
    start_kafka: Callable[..., Cluster], topic_prefix: str, tmp_path: Path
) -> Iterator[tuple[World, Cluster]]:
    """A world on a broker of its own, which may be harmed."""
    cluster = start_kafka()
    world = World(cluster.bootstrap, topic_prefix, tmp_path)
    world.create()
    yield world, cluster
    world.close()


async def test_log_that_was_corrupted(own_world: tuple[World, Cluster]) -> None:
    world, cluster = own_world
    world.produce(2_000, value=b"x" * 1_000)
    [segment] = cluster.brokers[1].directory.glob(f"data/{world.topic}-0/*.log")
    with segment.open("r+b") as file:
        file.seek(1_000_000)
        file.write(b"overwritten")
    with pytest.raises(
        TakeOverFailed, match=r"cannot be read: CorruptRecordException.*restore the partition"
    ):
        await take_over(world, 2_000)


async def test_broker_that_hangs(own_world: tuple[World, Cluster]) -> None:
    world, cluster = own_world
    world.produce(200_000)
    frozen: list[int] = []

    class Freezing(ToyFold):
        def step(self, records: Any) -> Any:
            if not frozen:
                frozen.append(cluster.brokers[1].pid)
                os.kill(frozen[0], signal.SIGSTOP)
            return super().step(records)

    recovery = Recovery({"bootstrap_servers": world.broker}, FakePublisher(), stall_s=2.0)
    tp = TopicPartition(world.topic, 0)
    began = time.monotonic()
    try:
        with pytest.raises(TakeOverFailed, match="stands still at offset"):
            await recovery.take_over(
                tp,
                Commit(200_000, ""),
                lambda *_: whole_log(Freezing(tp, 0, world.out), 200_000, 0),
                Progress(),
            )
    finally:
        os.kill(frozen[0], signal.SIGCONT)
    assert time.monotonic() - began < 20.0


def test_sigterm_ends_in_time_when_the_broker_hangs(own_world: tuple[World, Cluster]) -> None:
    world, cluster = own_world
    world.produce(60_000, keys=100)
    worker = world.worker(records=50)
    wait_until(lambda: len(worker.told("batch")) > 20, "it is in full flow")
    os.kill(cluster.brokers[1].pid, signal.SIGSTOP)
    try:
        began = time.monotonic()
        worker.signal(signal.SIGTERM)
        worker.wait()
        assert time.monotonic() - began < 10.0
    finally:
        os.kill(cluster.brokers[1].pid, signal.SIGCONT)
    world.worker()
    world.wait_for_end()
    world.check()
