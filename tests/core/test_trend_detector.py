"""Slow trends: looked at once a week, told until the next, with weeks of the jurisdiction's own clock."""

import json
from itertools import pairwise

import numpy as np
import pytest

from schemas.vocabulary import ANY
from streams.core.civil import hour_of_week_in
from streams.core.scores import Arrival, Score
from streams.core.trend_detector import KEPT_WEEKS, TrendDetector, TrendRules
from tests.core.cities import MONDAY, PANES

WEEK = 168 * PANES
FIRST = MONDAY * PANES


def weeks_of(counts: dict[tuple[str, str], list[int]], seed: int = 3) -> dict[int, list[Arrival]]:
    """Tick → arrivals: so many incidents a week, anywhere in it."""
    rng = np.random.default_rng(seed)
    found: dict[int, list[Arrival]] = {}
    for (zone, crime_type), per_week in counts.items():
        for week, n in enumerate(per_week):
            for pane in rng.integers(FIRST + week * WEEK, FIRST + (week + 1) * WEEK, n).tolist():
                found.setdefault(pane + 1, []).append(Arrival(zone, crime_type, pane, 1))
    return found


def run(detector: TrendDetector, arrivals: dict[int, list[Arrival]], until: int) -> dict[int, list[Score]]:
    """Week that has ended (1 is the first) → what was said of it."""
    said = {}
    mondays = {FIRST + week * WEEK: week for week in range(1, until + 1)}
    for tick in sorted({*arrivals, *mondays}):
        scores = list(detector.advance(tick, arrivals.get(tick, [])))
        if tick in mondays:
            said[mondays[tick]] = scores
    return said


def steady(weeks: int, per_week: float = 4.0, seed: int = 1) -> list[int]:
    counts: list[int] = np.random.default_rng(seed).poisson(per_week, weeks).tolist()
    return counts


def city(weeks: int) -> dict[tuple[str, str], list[int]]:
    return {(zone, "burglary"): steady(weeks, 6.0, seed) for seed, zone in enumerate("ABCDEFGH")}


def test_what_builds_up_over_weeks_is_told_at_the_end_of_a_week() -> None:
    cells = city(40)
    cells["C", "burglary"][-3:] = [14, 18, 22]
    said = run(TrendDetector(), weeks_of(cells), 40)
    (score,) = [score for score in said[40] if score.zones == ("C",)]
    assert (score.detector, score.crime_type) == ("trend", "burglary")
    assert score.level >= 1
    assert score.window_panes in {WEEK, 2 * WEEK, 3 * WEEK}
    assert score.observed == sum([14, 18, 22][-score.window_panes // WEEK :])
    assert score.expected == pytest.approx(6.0 * score.window_panes / WEEK, rel=0.35)
    assert score.since_pane == FIRST + 40 * WEEK - score.window_panes
    assert score.once_in_days is not None
    assert score.once_in_days >= 30
    assert "last 40 weeks" in score.compared_with


def test_a_steady_city_has_no_trends() -> None:
    assert not any(run(TrendDetector(), weeks_of(city(60)), 60).values())


def test_it_goes_on_answering_until_the_next_week() -> None:
    cells = city(40)
    cells["C", "burglary"][-1] = 40
    cells["D", "larceny"] = [60] * 40
    detector = TrendDetector()
    run(detector, weeks_of(cells), 40)
    monday = FIRST + 40 * WEEK
    assert detector.advance(monday + 77, []) == detector.scores != []
    assert detector.advance(monday + WEEK, []) == []


def test_a_past_of_less_than_a_year_is_marked_as_learning() -> None:
    for weeks, learning in ((40, True), (60, False)):
        cells = city(weeks)
        cells["C", "burglary"][-1] = 40
        said = run(TrendDetector(), weeks_of(cells), weeks)[weeks]
        assert [score.learning for score in said if score.zones == ("C",)] == [learning]


def test_nothing_is_said_of_a_young_city() -> None:
    cells = {("A", "burglary"): [2, 3, 2, 3, 2, 3, 40]}
    assert not any(run(TrendDetector(), weeks_of(cells), 7).values())


def test_types_that_follow_patrols_are_left_out() -> None:
    cells = city(40)
    cells["C", "drugs"] = [*steady(39), 60]
    assert run(TrendDetector(), weeks_of(cells), 40)[40] == []


def test_city_totals_are_looked_at_too() -> None:
    cells = {(f"Z{i}", "arson"): [*steady(39, 0.5, i), 3] for i in range(12)}
    said = run(TrendDetector(), weeks_of(cells), 40)[40]
    assert (ANY,) in [score.zones for score in said]


def test_incidents_without_a_zone_count_for_the_city_alone() -> None:
    cells = {("unknown", "arson"): [*steady(39, 3.0), 40], ("A", "arson"): steady(40, 5.0)}
    said = run(TrendDetector(), weeks_of(cells), 40)[40]
    assert [score.zones for score in said] == [(ANY,)]


def test_corrections_take_incidents_out_again() -> None:
    cells = city(40)
    cells["C", "burglary"][-1] = 40
    arrivals = weeks_of(cells)
    last = FIRST + 40 * WEEK - 1
    arrivals[last] = [
        *arrivals.get(last, []),
        *(
            a._replace(n=-1)
            for tick, some in arrivals.items()
            for a in some
            if tick > FIRST + 39 * WEEK and a.zone == "C"
        ),
    ]
    assert not run(TrendDetector(), arrivals, 40)[40]


def test_a_week_in_which_the_feed_was_out_is_not_a_low_one() -> None:
    """Half a week of silence, then as before: no trend is told of the weeks after it."""
    cells = city(60)
    arrivals = {
        tick: some
        for tick, some in weeks_of(cells).items()
        if not FIRST + 40 * WEEK <= tick < FIRST + 41 * WEEK + WEEK // 2
    }
    detector = TrendDetector()
    assert not any(run(detector, arrivals, 60).values())
    assert detector.counts.usable.count(False) <= 3


def test_counts_of_before_the_first_week_are_left_out() -> None:
    detector = TrendDetector()
    detector.advance(FIRST + 5, [Arrival("A", "arson", FIRST, 1)])
    detector.advance(FIRST + 9, [Arrival("A", "arson", FIRST - 3 * WEEK, 5)])
    assert detector.counts.weeks == {("A", "arson"): [1]}


def test_weeks_end_on_local_monday_also_where_the_clock_changes() -> None:
    detector = TrendDetector(TrendRules(), hour_of_week_in("America/Chicago"))
    start = 492_960 * PANES  # 2026-03-28, around the European change; the American one lies before
    detector.advance(start, [Arrival("A", "arson", start - 1, 1)])
    changes = []
    for _ in range(40):
        change = detector.next_change()
        assert change is not None
        assert detector.hour_of_week(change // PANES) == 0
        changes.append(change)
        detector.advance(change, [])
    assert {(b - a) // PANES for a, b in pairwise(changes)} == {168, 169}


def test_nothing_asks_to_be_looked_at_before_the_first_incident() -> None:
    detector = TrendDetector()
    detector.advance(FIRST, [])
    assert detector.next_change() is None


def test_only_six_years_are_kept() -> None:
    weeks = KEPT_WEEKS + 20
    detector = TrendDetector()
    run(detector, weeks_of({("A", "burglary"): steady(weeks), ("B", "arson"): [1]}), weeks)
    assert len(detector.counts.usable) == KEPT_WEEKS
    assert ("B", "arson") not in detector.counts.weeks


def test_a_snapshot_gives_the_same_scores_ever_after() -> None:
    cells = city(40)
    cells["C", "burglary"][36:] = [12, 16, 20, 24]
    arrivals = weeks_of(cells)
    detector, again = TrendDetector(), TrendDetector()
    half = FIRST + 37 * WEEK + 1234
    run(detector, {tick: some for tick, some in arrivals.items() if tick <= half}, 37)
    again.restore(json.loads(json.dumps(detector.snapshot())))
    for tick in sorted({*(t for t in arrivals if t > half), *(FIRST + w * WEEK for w in range(38, 41))}):
        assert detector.advance(tick, arrivals.get(tick, [])) == again.advance(tick, arrivals.get(tick, []))
        assert detector.next_change() == again.next_change()
    assert json.dumps(detector.snapshot()) == json.dumps(again.snapshot())
