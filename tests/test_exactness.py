"""Every window count at every tick equals the oracle, whatever the batches, crashes, zombies and disorder were."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.core.intake_fold import IntakeRules
from tests.cluster import Cluster, plain_watch_rules, timeline_of
from tests.oracle_bridge import announced, differences, expected_late
from tests.worlds import CITY, SHORT, Shape, World, random_world, worlds


def cluster_of(world: World, seed: int, crash_share: float) -> Cluster:
    """A cluster that counts a world."""
    timeline = timeline_of(world.rules)
    rules = IntakeRules(timeline, counts_by_occurred=world.shape.counts_by[0] == "occurred_at")
    return Cluster(world, random.Random(seed), lambda _: rules, plain_watch_rules(timeline), crash_share)


def assert_exact(cluster: Cluster) -> None:
    """What was sent is what the oracle says, and every late message was announced."""
    world = cluster.world
    late = cluster.records("late-events")
    assert announced(late) == expected_late(world.accepted(), world.counting)
    found = differences(world.accepted(), late, cluster.records("window-counts"), world.counting)
    assert found == []


@settings(deadline=None, max_examples=150)
@given(worlds(), st.integers(0, 1000))
def test_small_worlds_are_counted_exactly(world: World, seed: int) -> None:
    cluster = cluster_of(world, seed, crash_share=0.0)
    cluster.run()
    assert_exact(cluster)


@settings(deadline=None, max_examples=150)
@given(worlds(), st.integers(0, 1000))
def test_crashes_between_any_two_writes_change_nothing(world: World, seed: int) -> None:
    cluster = cluster_of(world, seed, crash_share=0.08)
    cluster.run()
    assert_exact(cluster)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("rules", [SHORT, CITY], ids=["short", "city"])
def test_larger_worlds_with_crashes_and_zombies_are_counted_exactly(seed: int, rules) -> None:
    counts_by = ("reported_at",) if seed % 3 else ("occurred_at", "reported_at")
    world = random_world(seed, rules, Shape(messages=600, counts_by=counts_by))
    cluster = cluster_of(world, seed, crash_share=0.05)
    cluster.run()
    assert cluster.crashes > 5
    assert_exact(cluster)
