"""Every window count at every tick equals the oracle, whatever the batches, crashes, zombies and disorder were."""

import os
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.core.source_fold import IntakeRules
from tests.cluster import Cluster, plain_watch_rules, timeline_of
from tests.oracle_bridge import Rules, announced, differences, expected_late
from tests.worlds import CITY, SHORT, Shape, World, random_world, worlds

WORLDS = int(os.environ.get("VIGIL_WORLDS", "12"))
"""Random worlds per rule set; more of them by VIGIL_WORLDS (`make soak`)."""


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


@pytest.mark.parametrize("rules", [SHORT, CITY], ids=["short", "city"])
def test_larger_worlds_with_crashes_and_zombies_are_counted_exactly(rules: Rules) -> None:
    crashes = zombie_steps = 0
    for seed in range(WORLDS):
        counts_by = ("reported_at",) if seed % 3 else ("occurred_at", "reported_at")
        incidents = (4, 6, 20, 60)[seed % 4]
        world = random_world(seed, rules, Shape(messages=600, counts_by=counts_by, incidents=incidents))
        cluster = cluster_of(world, seed, crash_share=0.1)
        cluster.run()
        assert_exact(cluster)
        crashes += cluster.crashes
        zombie_steps += cluster.zombie_steps
    assert crashes > 4 * WORLDS
    assert zombie_steps > 3 * WORLDS


@pytest.mark.parametrize("seed", range(10))
def test_a_taken_over_fold_goes_on_like_one_from_the_beginning(seed: int) -> None:
    """From any commit on, a fold from the commit's start sends what the uninterrupted fold sends, byte by byte."""
    world = random_world(seed, SHORT, Shape(messages=500, incidents=(4, 20)[seed % 2]))
    cluster = cluster_of(world, seed, crash_share=0.0)
    rng = random.Random(seed)
    cluster.run()
    for name, log in cluster.logs.items():
        whole = cluster.new_fold(name)
        cut = rng.randrange(len(log)) if log else 0
        for entry in log[:cut]:
            whole.step([entry])
        cluster.commits[name] = (whole.position, whole.metadata())
        again = cluster.take_over(name).fold
        assert again.position == whole.position
        for entry in log[cut:]:
            assert again.step([entry]) == whole.step([entry])
