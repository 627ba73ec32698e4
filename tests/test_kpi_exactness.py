"""Every response KPI at every tick is what the dispatch log says, whatever the batches, crashes and disorder were."""

import os
import random
from dataclasses import replace

import pytest

from streams.core.alert_book import AlertBook
from streams.core.kpis import Compliance, Target
from streams.core.source_fold import IntakeRules
from streams.core.watch_fold import WatchRules
from tests.cluster import Cluster, timeline_of
from tests.dispatch_worlds import random_dispatches
from tests.kpi_oracle import Judge, calls_of, differences, measured, said_by, truth
from tests.oracle_bridge import Rules, announced
from tests.worlds import CITY, SHORT

WORLDS = int(os.environ.get("VIGIL_WORLDS", "12"))
"""Random worlds per rule set; more of them by VIGIL_WORLDS (`make soak`)."""

BOUNDS_S = (0.5, 1.0, 2.0, 4.0, 60.0, 240.0, 3600.0)
TARGETS = (Target("turnout", 1.0), Target("response", 240.0, "fire", "1"), Target("response", 4.0, "fire"))
AGENCIES, PRIORITIES = ("fire", "ems"), ("1", "2", "unknown", "*")
THRESHOLDS = (
    {("turnout", agency, priority): 1_000 for agency in AGENCIES for priority in PRIORITIES}
    | {("response", "fire", priority): 4_000 for priority in PRIORITIES}
    | {("response", "fire", "1"): 240_000}
)


def cluster_of(seed: int, rules: Rules, crash_share: float) -> Cluster:
    """A cluster that measures the world of a seed; its windows of counts are shorter than those of the intervals."""
    timeline = timeline_of(rules)
    counts = replace(timeline, windows={"shortest": min(rules.windows.values())})
    intake = IntakeRules(counts, kpi_bounds_s=BOUNDS_S, kpi_windows=rules.windows)
    watch = WatchRules(
        counts,
        timeline,
        lambda _: [],
        AlertBook,
        lambda name: Compliance(name, tuple(rules.windows), BOUNDS_S, TARGETS),
    )
    world = random_dispatches(seed, rules, calls=(3, 8, 25)[seed % 3])
    return Cluster(world, random.Random(seed), lambda _: intake, watch, crash_share)


@pytest.mark.parametrize("rules", [SHORT, CITY], ids=["short", "city"])
def test_every_kpi_at_every_tick_is_what_the_log_says_through_crashes_and_take_overs(rules: Rules) -> None:
    crashes = zombie_steps = late = left_out = within = 0
    for seed in range(WORLDS):
        cluster = cluster_of(seed, rules, crash_share=0.15 if seed % 4 else 0.0)
        cluster.run()
        calls, too_late = calls_of(cluster.world)  # type: ignore[arg-type]
        assert announced(cluster.records("late-events")) == too_late
        true = truth(calls, Judge(rules, THRESHOLDS))
        assert differences(said_by(cluster.records("kpis")), true) == []
        crashes += cluster.crashes
        zombie_steps += cluster.zombie_steps
        late += len(too_late)
        left_out += sum(n.left_out for ticks in true.values() for n in ticks.values())
        within += sum(n.within for ticks in true.values() for n in ticks.values())
    assert min(late, left_out, within) > 10 * WORLDS
    assert crashes > 3 * WORLDS
    assert zombie_steps > WORLDS


@pytest.mark.parametrize("rules", [SHORT, CITY], ids=["short", "city"])
def test_what_has_to_be_said_is_the_definition_at_every_tick(rules: Rules) -> None:
    calls, _ = calls_of(random_dispatches(5, rules, messages=150))
    judge, rng = Judge(rules, THRESHOLDS), random.Random(5)
    true = truth(calls, judge)
    for measure in rng.sample(sorted(true), 12):
        for tick, numbers in rng.sample(sorted(true[measure].items()), min(6, len(true[measure]))):
            assert measured(calls, judge, measure, tick) == numbers
