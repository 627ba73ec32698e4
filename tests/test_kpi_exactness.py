"""Every response KPI at every tick is what the dispatch log says, whatever the batches, crashes and disorder were."""

import os
import random
from collections.abc import Mapping
from dataclasses import replace

import pytest

from streams.core.alert_book import AlertBook
from streams.core.kpis import Compliance, Target
from streams.core.source_fold import IntakeRules
from streams.core.watch_fold import WatchFold, WatchRules
from tests.cluster import Cluster, timeline_of
from tests.dispatch_worlds import random_dispatches
from tests.kpi_oracle import Judge, Numbers, calls_of, differences, measured, said_by, truth
from tests.oracle_bridge import Rules, announced, ms
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


@pytest.mark.parametrize(
    "rules", [pytest.param(SHORT, id="short"), pytest.param(CITY, id="city", marks=pytest.mark.slow)]
)
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


def test_after_a_cut_no_kpi_is_told_until_its_longest_window_is_whole_and_then_all_are_exact() -> None:
    told = 0
    for seed in range(8):
        cluster = cluster_of(seed, SHORT, crash_share=0.05)
        cluster.go_on(40)
        while cluster.commits.get("cells-0", (0, ""))[0] < 8:
            cluster.go_on(5)
        cluster.cut("cells-0", cluster.commits["cells-0"][0])
        del cluster.owners["cells-0"]
        cluster.zombies.clear()
        at = cluster.end("cells-0")
        cluster.go_on()
        fold = WatchFold(0, cluster.watch_rules, cut=cluster.log_start("cells-0"))
        for entry in cluster.cells:
            fold.step([entry])
        true = truth(calls_of(cluster.world)[0], Judge(SHORT, THRESHOLDS))  # type: ignore[arg-type]
        said = said_by(cluster.records("kpis"))
        for name, city in fold.cities.items():
            gate = city.gates["dispatches"].tick
            assert gate is not None
            first = gate * SHORT.pane_ms
            after = [r for r in cluster.records("kpis") if r["jurisdiction"] == name and r["revision"] >= at]
            assert all(ms(record["at"]) >= first for record in after)
            told += len(after)
            for measure in {measure for measure in {*said, *true} if measure[0] == name}:
                ticks = {tick for tick in {*said.get(measure, {}), *true.get(measure, {})} if tick > first}
                for tick in {first, *ticks} if city.reached("dispatches", fold.sources) else ():
                    # What is not told with the first tick stands at nothing.
                    since = {at: n for at, n in said.get(measure, {}).items() if at >= first}
                    assert standing(since, tick) == standing(true.get(measure, {}), tick), (seed, measure)
    assert told > 200


def standing(numbers: Mapping[int, Numbers], at: int) -> Numbers:
    """How a measure stands at a tick."""
    before = [tick for tick in numbers if tick <= at]
    return numbers[max(before)] if before else Numbers()
