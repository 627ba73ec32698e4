"""Analysts' rules against a count over the list of all arrivals."""

import json
from dataclasses import replace
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.rules import STATE_VERSION, Rule, RuleClock, RuleDetector, in_hours, rule_text
from streams.core.scores import Arrival, Score

ZONES = ("A", "B", "unknown")
TYPES = ("burglary", "robbery")
RULES = (
    Rule("each", "burglary", 2, 5),
    Rule("city", "*", 4, 8, (("*",),)),
    Rule("pair", "robbery", 3, 6, (("A", "B"),)),
    Rule("list", "burglary", 1, 3, (("B",), ("unknown",))),
    Rule("night", "burglary", 2, 12, hours=(10, 3)),  # of a day of 24 "minutes", see CLOCK
)
CLOCK = RuleClock(600_000, lambda at: at // 600_000 % 24)


class Known(NamedTuple):
    """An arrival, and the tick from which it is known."""

    tick: int
    arrival: Arrival


def places(rule: Rule) -> tuple[tuple[str, ...], ...]:
    return rule.places or tuple((zone,) for zone in ZONES if zone != "unknown")


def count(rule: Rule, place: tuple[str, ...], tick: int, log: list[Known]) -> int:
    """The definition: what is known at `tick` and lies in the window."""
    return sum(
        arrival.n
        for known, arrival in log
        if known <= tick
        and tick - rule.within_panes <= arrival.pane < tick
        and rule.crime_type in ("*", arrival.crime_type)
        and (place == ("*",) or arrival.zone in place)
        and in_hours(arrival.pane % 24, rule.hours)
    )


@st.composite
def logs(draw: st.DrawFn) -> list[Known]:
    """Arrivals of up to 60 ticks, some in panes long past or still to come, some taken back later."""
    log = []
    for _ in range(draw(st.integers(0, 25))):
        tick = draw(st.integers(20, 80))
        pane = tick + draw(st.sampled_from([-1, -1, -1, -2, -3, -6, -9, -15, 0, 1, 4]))
        arrival = Arrival(draw(st.sampled_from(ZONES)), draw(st.sampled_from(TYPES)), pane, 1)
        log.append(Known(tick, arrival))
        if draw(st.booleans()):
            log.append(Known(tick + draw(st.integers(0, 12)), arrival._replace(n=-1)))
    return log


def by_place(scores: list[Score]) -> dict[tuple[str, tuple[str, ...]], Score]:
    answered = {(score.detector, score.zones): score for score in scores}
    assert len(answered) == len(scores), "one answer per rule and place"
    return answered


@given(logs())
def test_rules_count_as_the_definition_says(log: list[Known]) -> None:
    detector = RuleDetector(RULES, CLOCK)
    for tick in range(20, 110):
        answered = by_place(detector.advance(tick, [k.arrival for k in log if k.tick == tick]))
        for rule in RULES:
            for place in places(rule):
                exact = count(rule, place, tick, log)
                score = answered.pop((rule.detector, place), None)
                assert score is not None or exact < rule.at_least
                if score is not None:
                    assert (score.observed, score.level) == (exact, exact / rule.at_least)
        assert answered == {}


@given(logs())
def test_silent_ticks_before_the_next_change_say_the_same(log: list[Known]) -> None:
    detector = RuleDetector(RULES, CLOCK)
    said: dict[Any, int] = {}
    change: int | None = None
    for tick in range(20, 110):
        arrivals = [k.arrival for k in log if k.tick == tick]
        speaking = {key: score.observed for key, score in by_place(detector.advance(tick, arrivals)).items()}
        if not arrivals and tick != change:
            assert speaking == said
        said, change = speaking, detector.next_change()
        assert change is None or change > tick
    assert detector.next_change() is None, "nothing is left to change in silence"


@given(logs())
def test_skipping_silent_ticks_changes_no_answer(log: list[Known]) -> None:
    each, jumping = RuleDetector(RULES, CLOCK), RuleDetector(RULES, CLOCK)
    change: int | None = 20
    for tick in range(20, 110):
        arrivals = [k.arrival for k in log if k.tick == tick]
        scores = each.advance(tick, arrivals)
        if arrivals or tick == change:
            assert jumping.advance(tick, arrivals) == scores
            change = jumping.next_change()


@given(logs(), st.integers(20, 100))
def test_a_snapshot_restores_exactly(log: list[Known], cut: int) -> None:
    detector = RuleDetector(RULES, CLOCK)
    for tick in range(20, 110):
        if tick == cut:
            state = json.loads(json.dumps(detector.snapshot()))
            detector, before = RuleDetector(RULES, CLOCK), detector
            detector.restore(state)
            assert detector.snapshot() == before.snapshot()
        arrivals = [k.arrival for k in log if k.tick == tick]
        scores = detector.advance(tick, arrivals)
        if tick >= cut:
            assert scores == before.advance(tick, arrivals)
            assert detector.next_change() == before.next_change()


@given(logs(), st.randoms())
def test_the_order_of_arrivals_is_of_no_account(log: list[Known], random: Any) -> None:
    one, other = RuleDetector(RULES, CLOCK), RuleDetector(RULES, CLOCK)
    for tick in range(20, 110):
        arrivals = [k.arrival for k in log if k.tick == tick]
        shuffled = random.sample(arrivals, len(arrivals))
        assert one.advance(tick, arrivals) == other.advance(tick, shuffled)


# panes   98   99  100          within 3
#         ├────┼────┼────┤
# tick                101  sees [98, 101), tick 102 sees [99, 102)
def test_an_incident_leaves_the_window_at_the_tick_after_within() -> None:
    detector = RuleDetector([Rule("r", "burglary", 1, 3)])
    assert [s.observed for s in detector.advance(99, [Arrival("A", "burglary", 98, 1)])] == [1]
    assert detector.next_change() == 102
    assert [s.observed for s in detector.advance(101, [])] == [1]
    assert [(s.observed, s.level) for s in detector.advance(102, [])] == [(0, 0.0)]
    assert detector.next_change() == 163, "an hour later it falls silent"
    assert detector.advance(163, []) == []
    assert detector.next_change() is None


def test_an_incident_of_a_pane_to_come_waits_for_its_tick() -> None:
    detector = RuleDetector([Rule("r", "burglary", 1, 3)])
    assert detector.advance(99, [Arrival("A", "burglary", 105, 1)]) == []
    assert detector.next_change() == 106
    assert [s.observed for s in detector.advance(106, [])] == [1]


def test_an_incident_of_a_pane_to_come_that_is_taken_back_is_waited_for_no_more() -> None:
    detector = RuleDetector([Rule("r", "burglary", 1, 3)])
    later = Arrival("A", "burglary", 100 + 2 * 24 * 60, 1)
    detector.advance(99, [later, later._replace(n=-1)])
    assert detector.next_change() is None


def test_a_place_that_was_forgotten_before_its_pane_came_says_nothing() -> None:
    detector = RuleDetector([Rule("r", "burglary", 1, 3)])
    later = Arrival("A", "burglary", 100 + 2 * 24 * 60, 1)
    detector.advance(99, [later, later._replace(n=-1)])
    detector.advance(99 + 24 * 60, [])
    assert detector.advance(101 + 2 * 24 * 60, []) == []


def test_a_withdrawn_incident_leaves_the_count() -> None:
    detector = RuleDetector([Rule("r", "burglary", 2, 60)])
    detector.advance(100, [Arrival("A", "burglary", 98, 2)])
    scores = detector.advance(110, [Arrival("A", "burglary", 98, -1)])
    assert [(s.observed, s.level) for s in scores] == [(1, 0.5)]


def test_a_rule_says_what_it_is_and_since_when() -> None:
    detector = RuleDetector([Rule("r", "burglary", 2, 60)])
    (score,) = detector.advance(100, [Arrival("A", "burglary", 97, 1), Arrival("A", "burglary", 95, 1)])
    assert score == Score(
        detector="rule:r",
        zones=("A",),
        crime_type="burglary",
        window_panes=60,
        observed=2,
        expected=None,
        once_in_days=None,
        level=1.0,
        since_pane=95,
        compared_with="at least 2 burglary incidents in any one zone within 1h",
    )


def test_a_rule_goes_on_answering_for_an_hour_after_it_fell_below_its_number() -> None:
    detector = RuleDetector([Rule("r", "burglary", 4, 600)])
    detector.advance(100, [Arrival("A", "burglary", 98, 4)])
    assert levels(detector, 120, -1) == [0.75]
    assert detector.next_change() == 181
    assert levels(detector, 180, -1) == [0.5]
    assert levels(detector, 181, 0) == []
    assert levels(detector, 182, 1) == [], "it begins again at its number only"
    assert levels(detector, 183, 1) == [1.0]
    assert levels(detector, 190, -1) == [0.75]
    assert levels(detector, 250, 1) == [1.0]
    assert levels(detector, 260, -1) == [0.75], "the hour begins anew"
    assert levels(detector, 320, 0) == [0.75]


def levels(detector: RuleDetector, tick: int, n: int) -> list[float]:
    return [score.level for score in detector.advance(tick, [Arrival("A", "burglary", 98, n)] if n else [])]


def test_a_place_that_never_reached_the_number_is_not_spoken_of() -> None:
    assert RuleDetector([Rule("r", "burglary", 4, 60)]).advance(100, [Arrival("A", "burglary", 98, 3)]) == []


def test_the_unknown_zone_is_no_place_but_counts_in_the_city() -> None:
    rules = [Rule("each", "burglary", 1, 60), Rule("city", "burglary", 1, 60, (("*",),))]
    scores = RuleDetector(rules).advance(100, [Arrival("unknown", "burglary", 98, 1)])
    assert [score.detector for score in scores] == ["rule:city"]


def test_an_arrival_is_counted_by_the_rules_of_its_type_only() -> None:
    others = [Rule(f"r{n}", "robbery", 1, 60) for n in range(1000)]
    detector = RuleDetector([Rule("r", "burglary", 1, 60), *others])
    assert len(detector.advance(100, [Arrival("A", "burglary", 98, 1)])) == 1
    assert sum(len(rule["places"]) for rule in detector.snapshot()["rules"].values()) == 1


def test_places_without_incidents_are_forgotten() -> None:
    detector = RuleDetector([Rule("r", "burglary", 2, 60)])
    detector.advance(100, [Arrival("A", "burglary", 98, 1)])
    detector.advance(100 + 24 * 60, [])
    assert detector.snapshot()["rules"]["r"]["places"] == []


def test_a_rule_with_other_terms_begins_with_nothing() -> None:
    rule = Rule("r", "burglary", 2, 60)
    before = RuleDetector([rule, Rule("gone", "burglary", 2, 60)])
    before.advance(100, [Arrival("A", "burglary", 98, 1)])
    kept, changed = RuleDetector([replace(rule, at_least=5)]), RuleDetector([replace(rule, within_panes=90)])
    for detector in (kept, changed):
        detector.restore(before.snapshot())
    assert kept.snapshot()["rules"]["r"]["places"] == [[["A"], [[98, 1]], False, None]]
    assert changed.snapshot()["rules"]["r"]["places"] == []


def test_a_state_of_another_version_is_refused() -> None:
    detector = RuleDetector([])
    with pytest.raises(
        ValueError, match=rf"rules state version must be {STATE_VERSION} \(got 0\); fold the log"
    ):
        detector.restore({**detector.snapshot(), "version": 0})


DAY, NIGHT = (8 * 60, 18 * 60), (22 * 60, 6 * 60)


@pytest.mark.parametrize(
    "minute, hours, inside",
    [
        pytest.param(8 * 60, DAY, True, id="the first minute belongs"),
        pytest.param(18 * 60, DAY, False, id="the last is exclusive"),
        pytest.param(23 * 60, NIGHT, True, id="before midnight"),
        pytest.param(0, NIGHT, True, id="midnight"),
        pytest.param(6 * 60, NIGHT, False, id="the end of the night"),
        pytest.param(12 * 60, NIGHT, False, id="noon"),
        pytest.param(12 * 60, None, True, id="no hours are all hours"),
        pytest.param(12 * 60, (60, 60), True, id="equal ends are all hours"),
    ],
)
def test_hours_of_the_day(minute: int, hours: tuple[int, int] | None, *, inside: bool) -> None:
    assert in_hours(minute, hours) is inside


def test_hours_follow_the_clock_of_the_jurisdiction() -> None:
    rule = Rule("r", "burglary", 1, 6 * 60, hours=(22 * 60, 6 * 60))
    utc = RuleDetector([rule])
    chicago = RuleDetector([rule], RuleClock(60_000, lambda at: (at // 60_000 - 6 * 60) % (24 * 60)))
    noon = Arrival("A", "burglary", 11 * 60, 1)  # 11:00 UTC, 05:00 in Chicago
    assert utc.advance(12 * 60, [noon]) == []
    assert len(chicago.advance(12 * 60, [noon])) == 1


@pytest.mark.parametrize(
    "rule, text",
    [
        pytest.param(
            Rule("r", "burglary", 3, 7 * 24 * 60),
            "at least 3 burglary incidents in any one zone within 7d",
            id="each zone",
        ),
        pytest.param(
            Rule("r", "*", 1, 90, (("*",),), (22 * 60, 6 * 60 + 30)),
            "at least 1 incident of all types in the whole city within 90m, from 22:00 to 06:30",
            id="city, hours",
        ),
        pytest.param(
            Rule("r", "structure_fire", 2, 24 * 60, (("A",), ("B", "C"))),
            "at least 2 structure fire incidents in A or B + C together within 24h",
            id="zones",
        ),
    ],
)
def test_a_rule_in_words(rule: Rule, text: str) -> None:
    assert rule_text(rule) == text
