"""Who owns what and what may be committed, without a broker."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, cast

import pytest
from aiokafka import TopicPartition

from streams.core.fold import Fold
from streams.ownership import Batch, Ownership, OwnershipBroken, Partition
from streams.recovery import Commit, OpenFold, Progress, Recovery, TakeOverFailed
from tests.shell.fakes import FakeGroup, entries
from tests.shell.toy import ToyFold

A, B = TopicPartition("in", 0), TopicPartition("in", 1)


class FakeRecovery:
    """Makes a fold at the committed offset at once; remembers for which partitions."""

    def __init__(self) -> None:
        self.taken: list[TopicPartition] = []
        self.error: Exception | None = None
        self.go_on = asyncio.Event()
        self.go_on.set()

    async def take_over(
        self, tp: TopicPartition, commit: Commit | None, open_fold: OpenFold, progress: Progress
    ) -> tuple[Fold, int]:
        await self.go_on.wait()
        if self.error:
            raise self.error
        self.taken.append(tp)
        at = commit.offset if commit else 0
        return ToyFold(tp, at, "out"), at


class Owner:
    """An `Ownership` with fakes around it."""

    def __init__(self) -> None:
        self.group = FakeGroup()
        self.recovery = FakeRecovery()
        self.ownership = Ownership({"in": cast(OpenFold, None)}, cast(Recovery, self.recovery))
        self.ownership.attach(self.group)

    async def assign(self, *tps: TopicPartition, generation: int = 1) -> None:
        self.group.generation = generation
        self.ownership.assign(tps, generation)
        await settled()

    def batch(self, tp: TopicPartition, start: int, end: int, generation: int = 1) -> Batch:
        return Batch(tp, generation, entries(range(start, end)), start, end)

    def process(self, tp: TopicPartition, start: int, end: int, generation: int = 1) -> None:
        with self.ownership.processing(self.batch(tp, start, end, generation)) as partition:
            assert partition is not None
            assert partition.fold is not None
            partition.fold.step(entries(range(start, end)))
            partition.advance(end)


async def settled() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_assigned_partition_is_taken_over_at_once_and_read_from_its_commit() -> None:
    owner = Owner()
    owner.group.commits[A] = Commit(7, "v1|0")
    await owner.assign(A, B)
    assert owner.group.positions == {A: 7, B: 0}
    assert owner.ownership.ready(1) == [A, B]
    assert owner.ownership.ready(2) == []
    assert [fact.position for fact in owner.ownership.facts()] == [7, 0]


async def test_partition_is_not_ready_while_it_is_taken_over() -> None:
    owner = Owner()
    owner.recovery.go_on.clear()
    await owner.assign(A)
    assert owner.ownership.ready(1) == []
    [facts] = owner.ownership.facts()
    assert (facts.taken_over, facts.position, facts.lag) == (False, None, None)
    with owner.ownership.processing(owner.batch(A, 0, 5)) as partition:
        assert partition is None


async def test_only_what_was_acknowledged_is_committed() -> None:
    owner = Owner()
    await owner.assign(A)
    with owner.ownership.processing(owner.batch(A, 0, 5)) as partition:
        assert partition is not None
        assert partition.fold is not None
        partition.fold.step(entries(range(5)))
        await owner.ownership.commit(1)
        assert owner.group.commits == {A: Commit(0, "v1|0")}, "folded, and not yet acknowledged"
        partition.advance(5)
    await owner.ownership.commit(1)
    assert owner.group.commits == {A: Commit(5, "v1|0")}
    asked = len(owner.group.asked)
    await owner.ownership.commit(1)
    assert len(owner.group.asked) == asked, "nothing new, nothing asked"


async def test_commit_passes_a_hole_at_the_end() -> None:
    owner = Owner()
    await owner.assign(A)
    with owner.ownership.processing(Batch(A, 1, (), 0, 12)) as partition:
        assert partition is not None
        partition.advance(12)
    await owner.ownership.commit(1)
    assert owner.group.commits[A].offset == 12


async def test_commit_goes_back_when_the_fold_does() -> None:
    owner = Owner()
    owner.group.commits[A] = Commit(7, "v0|0")
    await owner.assign(A)
    await owner.ownership.commit(1)
    assert owner.group.commits[A] == Commit(7, "v1|0"), "another counting version"
    [partition] = owner.ownership._owned.values()
    partition.fold = ToyFold(A, 3, "out")
    partition.advance(3)
    await owner.ownership.commit(1)
    assert owner.group.commits[A] == Commit(3, "v1|0")


async def test_metadata_is_of_the_position_it_goes_with() -> None:
    owner = Owner()
    await owner.assign(A)
    owner.process(A, 0, 5)
    [partition] = owner.ownership._owned.values()
    fold = cast(ToyFold, partition.fold)
    fold.version = 9  # the fold goes on, its outputs not acknowledged
    assert partition.due() == Commit(5, "v1|0")


async def test_metadata_a_broker_would_refuse_is_refused_here() -> None:
    owner = Owner()
    await owner.assign(A)
    [partition] = owner.ownership._owned.values()
    cast(Any, partition.fold).metadata = lambda: "ä" * 2049
    with pytest.raises(OwnershipBroken, match=r"metadata of .* must be <= 4096 bytes \(got 4098\)"):
        partition.advance(1)


async def test_commit_under_an_old_generation_changes_nothing() -> None:
    owner = Owner()
    await owner.assign(A)
    owner.process(A, 0, 5)
    owner.group.generation = 2
    owner.group.commits[A] = Commit(50, "another owner")
    await owner.ownership.commit(1)
    assert owner.group.commits[A] == Commit(50, "another owner")
    assert owner.ownership.facts()[0].commit_due_since is not None


async def test_batch_of_an_old_generation_is_not_processed() -> None:
    owner = Owner()
    await owner.assign(A)
    await owner.ownership.release(1)
    await owner.assign(A, generation=2)
    with owner.ownership.processing(owner.batch(A, 0, 5, generation=1)) as partition:
        assert partition is None
    with owner.ownership.processing(owner.batch(B, 0, 5, generation=2)) as partition:
        assert partition is None


async def test_records_missing_before_a_batch_are_an_error() -> None:
    owner = Owner()
    await owner.assign(A)
    with (
        pytest.raises(OwnershipBroken, match="a batch starts at 3, the position is 0"),
        owner.ownership.processing(owner.batch(A, 3, 5)),
    ):
        pass


async def test_batch_that_was_seen_is_let_through_for_the_fold_to_skip() -> None:
    owner = Owner()
    owner.group.commits[A] = Commit(7, "")
    await owner.assign(A)
    owner.process(A, 5, 9)
    [partition] = owner.ownership._owned.values()
    assert cast(ToyFold, partition.fold).counts == {"k": 2}
    assert partition.position == 9


async def test_release_commits_and_what_comes_later_changes_nothing() -> None:
    owner = Owner()
    await owner.assign(A)
    owner.process(A, 0, 5)
    [partition] = owner.ownership._owned.values()
    await owner.ownership.release(1)
    assert owner.group.commits[A] == Commit(5, "v1|0")
    assert owner.ownership.facts() == []
    partition.advance(6)
    assert partition.position == 5


async def test_release_waits_for_the_batch_in_hand() -> None:
    owner = Owner()
    await owner.assign(A)
    with owner.ownership.processing(owner.batch(A, 0, 5)) as partition:
        assert partition is not None
        releasing = asyncio.ensure_future(owner.ownership.release(5))
        await settled()
        assert not releasing.done()
        partition.advance(5)
    await releasing
    assert owner.group.commits[A].offset == 5


async def test_release_has_an_end(caplog: pytest.LogCaptureFixture) -> None:
    owner = Owner()
    await owner.assign(A)
    owner.process(A, 0, 5)
    owner.group.answers.clear()
    with owner.ownership.processing(owner.batch(A, 5, 9)), caplog.at_level(logging.WARNING):
        await owner.ownership.release(0.05)
    assert [record.getMessage() for record in caplog.records] == [
        "a batch was not finished in 0.1 s; its next owner repeats it",
        "a commit was not answered in 0.0 s",
    ]


async def reassign(owner: Owner) -> None:
    await owner.ownership.release(0.05)
    await owner.assign(A, generation=2)


async def test_fold_that_comes_back_is_kept() -> None:
    owner = Owner()
    await owner.assign(A, B)
    owner.process(A, 0, 5)
    await reassign(owner)
    assert owner.recovery.taken == [A, B], "not a second time"
    assert owner.group.positions[A] == 5
    owner.process(A, 5, 6, generation=2)
    [partition] = owner.ownership._owned.values()
    assert cast(ToyFold, partition.fold).counts == {"k": 6}
    await owner.ownership.release(1)
    await owner.assign(B, generation=3)
    assert owner.recovery.taken == [A, B, B], "B was away for one generation"


async def commit_moved(owner: Owner) -> None:
    await owner.ownership.release(1)
    owner.group.commits[A] = Commit(8, "v1|0")
    await owner.assign(A, generation=2)


async def commit_of_another_version(owner: Owner) -> None:
    await owner.ownership.release(1)
    owner.group.commits[A] = Commit(5, "v2|0")
    await owner.assign(A, generation=2)


async def batch_in_hand(owner: Owner) -> None:
    with owner.ownership.processing(owner.batch(A, 5, 6)):
        await reassign(owner)


async def batch_failed(owner: Owner) -> None:
    with pytest.raises(RuntimeError), owner.ownership.processing(owner.batch(A, 5, 6)):
        raise RuntimeError
    await reassign(owner)


async def commit_failed(owner: Owner) -> None:
    owner.group.answers.clear()
    await owner.ownership.release(0.05)
    owner.group.answers.set()
    await owner.assign(A, generation=2)


@pytest.mark.parametrize(
    "what", [commit_moved, commit_of_another_version, batch_in_hand, batch_failed, commit_failed]
)
async def test_fold_that_comes_back_is_folded_again_after(what: Callable[[Owner], Awaitable[None]]) -> None:
    owner = Owner()
    await owner.assign(A)
    owner.process(A, 0, 5)
    await what(owner)
    assert owner.recovery.taken == [A, A]


async def test_failing_take_over_ends_the_worker() -> None:
    owner = Owner()
    owner.recovery.error = TakeOverFailed("no")
    await owner.assign(A)
    assert owner.group.failures == [owner.recovery.error]
    assert owner.ownership.ready(1) == []


async def test_group_that_does_not_tell_its_commit_ends_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    async def committed(tps: object) -> dict[TopicPartition, Commit]:
        await asyncio.sleep(60)
        return {}

    monkeypatch.setattr("streams.ownership.COMMITTED_S", 0.01)
    owner = Owner()
    monkeypatch.setattr(owner.group, "committed", committed)
    owner.ownership.assign([A], 1)
    await asyncio.sleep(0.05)
    [failure] = owner.group.failures
    assert isinstance(failure, TakeOverFailed)
    assert "was not told in 0.01 s; is the group's coordinator there?" in str(failure)


async def test_take_over_of_what_was_revoked_ends_without_a_word() -> None:
    owner = Owner()
    owner.recovery.go_on.clear()
    await owner.assign(A)
    owner.recovery.error = TakeOverFailed("no")
    await owner.ownership.release(1)
    owner.recovery.go_on.set()
    await settled()
    assert owner.group.failures == []
    assert owner.ownership.facts() == []


async def test_topics_without_a_fold_are_left_alone() -> None:
    owner = Owner()
    await owner.assign(TopicPartition("other", 0))
    assert owner.ownership.facts() == []


async def test_facts_say_how_far() -> None:
    owner = Owner()
    await owner.assign(A)
    owner.ownership.heard_of(A, 9, 123.0)
    owner.ownership.heard_of(A, None, None)
    owner.ownership.heard_of(B, 9, 123.0)
    owner.process(A, 0, 5)
    [facts] = owner.ownership.facts()
    assert (facts.position, facts.end, facts.lag, facts.heard_at, facts.committed) == (5, 9, 4, 123.0, None)
    await owner.ownership.commit(1)
    [facts] = owner.ownership.facts()
    assert (facts.committed, facts.commit_due_since) == (5, None)


def test_ownership_without_a_group_says_how_to_get_one() -> None:
    ownership = Ownership({}, cast(Recovery, None))
    with pytest.raises(OwnershipBroken, match="new_app"):
        _ = ownership.group


def test_partition_not_taken_over_does_not_advance() -> None:
    partition = Partition(A, 1)
    partition.advance(3)
    assert partition.due() is None
