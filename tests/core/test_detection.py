"""Surges: what is found, what is not, and that a detector goes on from its snapshot as if nothing had been."""

import datetime
import json
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from streams.core.civil import hour_of_week_in, utc_hour_of_week
from streams.core.detection import SurgeDetector, SurgeRules
from streams.core.scores import Arrival, Score
from tests.core.cities import MONDAY, PANES, steady, ticks

CELLS = {
    ("A", "burglary"): 0.2,
    ("B", "burglary"): 0.1,
    ("C", "burglary"): 0.3,
    ("A", "robbery"): 0.1,
    ("B", "assault"): 0.5,
}
RULES = SurgeRules(neighbours={"A": ("B",), "B": ("A", "C"), "C": ("B",)})


def run(detector: SurgeDetector, arrivals: Sequence[Arrival], every: int = 0) -> list[tuple[int, Score]]:
    return [
        (tick, score)
        for tick, some in ticks(arrivals, every)
        for score in surges(detector.advance(tick, some))
    ]


def surges(scores: Sequence[Score]) -> list[Score]:
    """Without drops: these tests feed a city nothing but the surge in question, so it is otherwise silent."""
    return [score for score in scores if score.detector == "surge"]


def burst(zone: str, crime_type: str, hour: int, n: int, step: int = 5) -> list[Arrival]:
    return [Arrival(zone, crime_type, hour * PANES + step * i, 1) for i in range(n)]


@pytest.fixture(scope="module")
def month() -> object:
    """The state after 30 quiet days; tests restore it."""
    detector = SurgeDetector(RULES)
    run(detector, steady(30, CELLS))
    return json.loads(json.dumps(detector.snapshot()))


def after_a_month(month: object, rules: SurgeRules = RULES) -> SurgeDetector:
    detector = SurgeDetector(rules)
    detector.restore(month)
    return detector


NOW = MONDAY + 30 * 24 + 10


def test_a_surge_is_told_with_its_numbers(month: object) -> None:
    scores = run(after_a_month(month), burst("B", "burglary", NOW, 8))
    tick, last = [(tick, score) for tick, score in scores if score.zones == ("B",)][-1]
    assert last.detector == "surge"
    assert (last.zones, last.crime_type) == (("B",), "burglary")
    assert last.level > 1
    assert last.observed == 8
    assert last.expected is not None
    assert 0.02 < last.expected < 0.6
    assert last.once_in_days is not None
    assert last.once_in_days > 1
    assert last.since_pane == NOW * PANES
    assert not last.learning
    assert "last 4 weeks" in last.compared_with
    assert tick - NOW * PANES <= 60


def test_an_episode_goes_on_until_it_has_sunk(month: object) -> None:
    detector = after_a_month(month)
    run(detector, burst("B", "burglary", NOW, 8))
    levels = []
    for quarter in range(1, 100):
        levels.append(
            [s.level for s in detector.advance(NOW * PANES + 36 + 15 * quarter, []) if s.zones == ("B",)]
        )
    spoken = [level[0] for level in levels if level]
    assert spoken[0] > 1 > spoken[-1]
    assert levels[-1] == []


def test_quiet_days_bring_few_alerts(month: object) -> None:
    first = MONDAY + 30 * 24
    quiet = run(after_a_month(month), steady(20, CELLS, seed=2, first_hour=first))
    last: dict[str, int] = {}
    begun = 0
    for tick, score in quiet:
        if score.level >= 1:
            begun += tick - last.get(score.crime_type, 0) > 6 * PANES
            last[score.crime_type] = tick
    assert begun <= 2 * 20  # the budget


def test_the_city_total_is_scored_too(month: object) -> None:
    several = [Arrival(f"Z{i}", "assault", NOW * PANES + 3 * i, 1) for i in range(14)]
    scores = run(after_a_month(month), several)
    assert any(score.zones == ("*",) and score.level > 1 for _, score in scores)


def test_a_surge_of_one_zone_is_not_told_again_of_the_city(month: object) -> None:
    scores = run(after_a_month(month), burst("B", "burglary", NOW, 12, step=2))
    assert any(score.zones == ("B",) and score.level > 1 for _, score in scores)
    assert not any(score.zones == ("*",) and score.level > 1 for _, score in scores)


def test_a_city_that_rises_beside_a_told_zone_is_told_as_a_city_too(month: object) -> None:
    downtown = burst("B", "assault", NOW, 9, step=2)
    elsewhere = [Arrival(f"Z{i}", "assault", NOW * PANES + 20 + 3 * i, 1) for i in range(8)]
    scores = run(after_a_month(month), downtown + elsewhere)
    assert any(score.zones == ("B",) and score.level > 1 for _, score in scores)
    whole = [score for _, score in scores if score.zones == ("*",) and score.level > 1]
    assert max(score.observed for score in whole) == 17


def test_neighbours_that_rise_together_are_one_score(month: object) -> None:
    both = sorted(
        burst("A", "burglary", NOW, 4, step=9) + burst("B", "burglary", NOW, 4, step=8), key=lambda a: a.pane
    )
    scores = run(after_a_month(month), both)
    last = [score for _, score in scores if score.zones == ("A", "B")][-1]
    assert last.level > 1
    assert last.observed == 8


def test_one_incident_is_never_a_surge(month: object) -> None:
    assert run(after_a_month(month), burst("C", "homicide", NOW, 1)) == []


def test_a_type_never_seen_in_history_surges_when_it_comes_in_number(month: object) -> None:
    scores = run(after_a_month(month), burst("C", "arson", NOW, 4))
    assert [score.zones for _, score in scores if score.level >= 1]


def test_a_new_zone_is_expected_to_be_like_the_least_of_the_others(month: object) -> None:
    scores = run(after_a_month(month), burst("Z", "burglary", NOW, 5))
    assert any(score.zones == ("Z",) and score.level >= 1 for _, score in scores)


def test_types_that_follow_patrols_are_left_out(month: object) -> None:
    assert run(after_a_month(month), burst("A", "drugs", NOW, 30)) == []


def test_before_a_day_was_seen_nothing_is_said() -> None:
    assert run(SurgeDetector(RULES), burst("A", "burglary", MONDAY, 50)) == []


def test_a_young_city_says_that_it_is_learning() -> None:
    detector = SurgeDetector(RULES)
    run(detector, steady(3, CELLS))
    scores = run(detector, burst("B", "burglary", MONDAY + 3 * 24 + 5, 9))
    assert scores
    assert all(score.learning and "still learning" in score.compared_with for _, score in scores)


def test_corrections_take_incidents_out_again(month: object) -> None:
    detector = after_a_month(month)
    assert max(score.level for _, score in run(detector, burst("B", "burglary", NOW, 8))) > 1
    back = [Arrival("B", "burglary", NOW * PANES + 5 * i, -1) for i in range(8)]
    level = [s.level for s in detector.advance(NOW * PANES + 41, back) if s.zones == ("B",)]
    assert level == [0.0]


def test_a_correction_of_what_is_not_held_changes_nothing(month: object) -> None:
    one, other = after_a_month(month), after_a_month(month)
    one.advance(NOW * PANES, [Arrival("B", "burglary", NOW * PANES - 7, -5)])
    other.advance(NOW * PANES, [])
    assert run(one, burst("B", "burglary", NOW, 8)) == run(other, burst("B", "burglary", NOW, 8))


def test_late_incidents_count_in_their_own_pane(month: object) -> None:
    detector = after_a_month(month)
    scores = detector.advance(NOW * PANES + 120, burst("B", "burglary", NOW, 8))
    assert [s.since_pane for s in scores if s.zones == ("B",)] == [NOW * PANES]


def test_incidents_from_before_the_guard_reach_the_baseline(month: object) -> None:
    detector = after_a_month(month)
    before = detector.board.baseline.hours.sum()
    old = [Arrival("B", "burglary", (NOW - 24 * 5) * PANES, 1000)]
    assert surges(detector.advance(NOW * PANES, old)) == []
    detector.advance((NOW + 24) * PANES, [])
    assert detector.board.baseline.hours.sum() > before + 2500  # the cell and two totals


def test_future_incidents_wait_for_their_pane(month: object) -> None:
    detector = after_a_month(month)
    assert surges(detector.advance(NOW * PANES - 1, burst("B", "burglary", NOW, 8))) == []
    assert detector.next_change() is not None
    assert any(s.zones == ("B",) for s in detector.advance(NOW * PANES + 40, []))


def test_a_day_without_a_feed_is_no_quiet_day() -> None:
    """An outage does not lower the expectation."""
    with_gap = [a for a in steady(30, CELLS) if not 20 * 24 <= a.pane // PANES - MONDAY < 22 * 24]
    gap, whole = SurgeDetector(RULES), SurgeDetector(RULES)
    run(gap, with_gap, every=60)
    run(whole, steady(30, CELLS), every=60)
    assert gap.board.baseline.hours_seen < whole.board.baseline.hours_seen - 40
    row = whole.board.row_of["B", "assault"]
    assert gap.board.outlook.rate[row].mean() == pytest.approx(whole.board.outlook.rate[row].mean(), rel=0.15)


def test_a_long_jump_of_the_tick_is_no_quiet_time(month: object) -> None:
    detector = after_a_month(month)
    before = detector.board.baseline.hours_seen
    assert detector.advance((NOW + 24 * 400) * PANES, []) == []
    assert detector.board.baseline.hours_seen <= before + 48
    assert detector.advance((NOW + 24 * 400) * PANES + 7, []) == []


@pytest.mark.parametrize("zones", [{}, {"A": ()}], ids=["no adjacency", "no neighbours"])
def test_zones_without_neighbours_surge_alone(month: object, zones: dict[str, tuple[str, ...]]) -> None:
    scores = run(after_a_month(month, SurgeRules(neighbours=zones)), burst("A", "burglary", NOW, 9))
    assert any(score.zones == ("A",) for _, score in scores)


def test_a_city_of_one_zone_works() -> None:
    detector = SurgeDetector(SurgeRules())
    run(detector, steady(20, {("A", "burglary"): 0.5}))
    scores = run(detector, burst("A", "burglary", MONDAY + 20 * 24 + 3, 9))
    assert any(score.zones == ("A",) for _, score in scores)


@pytest.mark.parametrize("first_day", ["2026-03-08", "2026-11-01"], ids=["23 hours", "25 hours"])
def test_clock_changes_keep_the_local_rhythm(first_day: str) -> None:
    """The hour after the change is compared with the same local hour of other days."""
    local = hour_of_week_in("America/New_York")
    start = int(datetime.datetime.fromisoformat(first_day + "T00:00:00+00:00").timestamp()) // 3600
    week = [local(hour) for hour in range(start, start + 36)]
    steps = {(b - a) % 168 for a, b in pairwise(week)}
    assert steps in ({1, 2}, {0, 1})
    detector = SurgeDetector(SurgeRules(), local)
    first = start - 20 * 24
    assert run(detector, steady(22, {("A", "burglary"): 2.0}, first_hour=first), every=15) is not None
    assert detector.board.baseline.seen.sum() > 0


def test_half_hour_zones_count_by_the_start_of_the_utc_hour() -> None:
    assert hour_of_week_in("Asia/Kolkata")(MONDAY) == 5
    assert hour_of_week_in("UTC")(MONDAY + 30) == utc_hour_of_week(MONDAY + 30) == 30


def test_panes_that_straddle_a_quarter_are_refused() -> None:
    with pytest.raises(ValueError, match="pane_ms must divide 900000"):
        SurgeRules(pane_ms=7_000)


def test_nothing_ever_asks_to_be_looked_at_before_the_first_tick() -> None:
    assert SurgeDetector(RULES).next_change() is None


@settings(max_examples=25, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(st.data())
def test_a_snapshot_at_any_point_gives_the_same_scores_ever_after(data: st.DataObject) -> None:
    """Also with surges, corrections, late and future incidents, new cells, and refits in between."""
    seed = data.draw(st.integers(0, 10**6))
    days = data.draw(st.integers(1, 4))
    arrivals = steady(days, {cell: 3 * rate for cell, rate in CELLS.items()}, seed)
    odd = st.builds(
        Arrival,
        st.sampled_from("ABCD"),
        st.sampled_from(["burglary", "robbery", "arson"]),
        st.integers((MONDAY + 6) * PANES, (MONDAY + 24 * days + 5) * PANES),
        st.integers(-2, 4),
    )
    extra = [(a.pane + data.draw(st.integers(-300, 2000)), a) for a in data.draw(st.lists(odd, max_size=12))]
    plan = dict(ticks(arrivals, every=data.draw(st.sampled_from([0, 15, 200]))))
    for tick, arrival in extra:
        plan.setdefault(max(tick, MONDAY * PANES + 1), []).append(arrival)
    order = sorted(plan)
    cut = data.draw(st.integers(0, len(order)))
    detector = SurgeDetector(RULES)
    for tick in order[:cut]:
        detector.advance(tick, plan[tick])
    again = SurgeDetector(RULES)
    again.restore(json.loads(json.dumps(detector.snapshot())))
    for tick in order[cut:]:
        assert detector.advance(tick, plan[tick]) == again.advance(tick, plan[tick])
        assert detector.next_change() == again.next_change()
    assert json.dumps(detector.snapshot()) == json.dumps(again.snapshot())
