"""Drops: a zone or a city that falls silent is told as what it is, once, and not for long gone zones."""

import json
from itertools import pairwise

import pytest

from schemas.vocabulary import ANY
from streams.core.detection import SurgeDetector
from streams.core.drops import LONGEST_H
from streams.core.scores import Arrival, Score
from tests.core.cities import MONDAY, PANES, steady, ticks

CITY = {("A", "larceny"): 2.0, ("B", "larceny"): 2.0, ("B", "assault"): 1.0, ("C", "larceny"): 0.05}
END = MONDAY + 30 * 24


@pytest.fixture(scope="module")
def month() -> object:
    detector = SurgeDetector()
    for tick, some in ticks(steady(30, CITY)):
        detector.advance(tick, some)
    return json.loads(json.dumps(detector.snapshot()))


def after_a_month(month: object) -> SurgeDetector:
    detector = SurgeDetector()
    detector.restore(month)
    return detector


def drops(detector: SurgeDetector, hours: int, arrivals: list[Arrival]) -> list[tuple[int, Score]]:
    waiting = dict(ticks(arrivals))
    found = []
    for tick in sorted({*waiting, *range(END * PANES, (END + hours) * PANES, 15)}):
        scores = detector.advance(tick, waiting.get(tick, []))
        found += [(tick, score) for score in scores if score.detector == "drop"]
    return found


def further(zones: set[str], days: int = 2) -> list[Arrival]:
    rates = {cell: rate for cell, rate in CITY.items() if cell[0] in zones}
    return steady(days, rates, seed=7, first_hour=END)


def test_a_zone_that_falls_silent_is_told_with_what_was_due(month: object) -> None:
    found = drops(after_a_month(month), 24, further({"A"}, 1))
    assert {score.zones for _, score in found} == {("B",)}
    tick, first = found[0]
    assert (first.crime_type, first.observed) == (ANY, 0)
    assert first.expected is not None
    assert first.expected > 10
    assert first.once_in_days is not None
    assert first.once_in_days >= 30
    assert first.since_pane is not None
    assert first.since_pane + first.window_panes == tick
    assert "silent feed" in first.compared_with


def test_a_city_that_falls_silent_is_told_once_and_not_zone_by_zone(month: object) -> None:
    found = drops(after_a_month(month), 24, [])
    assert {score.zones for _, score in found} == {(ANY,)}


def test_zones_that_fall_silent_together_are_one_score_from_when_all_were(month: object) -> None:
    """A feed that breaks off for most of a city is one matter, also while some incidents still come."""
    some = sorted([*further({"C"}), *(Arrival("C", "larceny", (END + h) * PANES, 1) for h in range(48))])
    late = Arrival("B", "assault", (END + 2) * PANES, 1)
    found = drops(after_a_month(month), 48, sorted([*some, late], key=lambda a: a.pane))
    together = [(tick, score) for tick, score in found if score.zones == ("A", "B")]
    assert len(together) > 20
    tick, score = together[0]
    assert score.since_pane == (END + 2) * PANES + 1
    assert score.window_panes == tick - score.since_pane
    assert score.expected is not None
    assert score.expected > 10
    assert len({tick for tick, _ in found}) == len(found)


def test_a_zone_with_few_incidents_is_not_missed(month: object) -> None:
    assert not drops(after_a_month(month), 48, further({"A", "B"}))


def test_an_ordinary_day_has_no_drops(month: object) -> None:
    assert not drops(after_a_month(month), 48, further({"A", "B", "C"}))


def test_a_drop_is_over_when_the_zone_is_heard_again(month: object) -> None:
    again = [*further({"A"}, 1), Arrival("B", "larceny", (END + 20) * PANES, 1)]
    found = drops(after_a_month(month), 24, sorted(again, key=lambda a: a.pane))
    assert found
    assert max(tick for tick, _ in found) <= (END + 20) * PANES + 15


def test_a_zone_that_is_gone_is_no_longer_told(month: object) -> None:
    detector = after_a_month(month)
    late = END * PANES + (LONGEST_H + 24) * PANES
    detector.advance(late, further({"A"}, 16))
    assert not [s for s in detector.advance(late + 15, []) if s.zones == ("B",)]


def test_before_the_first_fit_silence_says_nothing() -> None:
    detector = SurgeDetector()
    detector.advance(MONDAY * PANES + 1, [Arrival("A", "larceny", MONDAY * PANES, 1)])
    assert detector.advance((MONDAY + 20) * PANES, []) == []


def test_drops_come_back_from_a_snapshot(month: object) -> None:
    detector = after_a_month(month)
    drops(detector, 14, further({"A"}, 1)[:20])
    again = SurgeDetector()
    again.restore(json.loads(json.dumps(detector.snapshot())))
    assert detector.drops.said
    assert again.drops.said == detector.drops.said
    tick = (END + 15) * PANES
    assert again.advance(tick, []) == detector.advance(tick, [])


def test_a_city_of_one_incident_is_never_told_to_be_silent() -> None:
    detector = SurgeDetector()
    detector.advance(MONDAY * PANES + 1, [Arrival("A", "larceny", MONDAY * PANES, 1)])
    hours = range(MONDAY + 1, MONDAY + LONGEST_H + 48)
    assert not any(detector.advance(hour * PANES, []) for hour in hours)


def test_silence_is_not_told_before_two_weeks_were_seen() -> None:
    for days, told in ((10, False), (20, True)):
        detector = SurgeDetector()
        for tick, some in ticks(steady(days, CITY)):
            detector.advance(tick, some)
        hours = range(MONDAY + 24 * days + 1, MONDAY + 24 * days + 24)
        assert any(detector.advance(hour * PANES, []) for hour in hours) == told


def test_a_feed_that_thins_out_is_one_silence_and_not_one_of_each_zone(month: object) -> None:
    """Three incidents a day where there were 120: each ends a silence of the city, but none is a new one."""
    thin = [Arrival("AB"[i % 2], "larceny", (END + 8 * i + 7) * PANES, 1) for i in range(90)]
    found = drops(after_a_month(month), 30 * 24, thin)
    ends = [tick for tick, _ in found]
    starts = [at for before, at in pairwise([0, *ends]) if at - before > 15]
    assert len(starts) <= 3
    assert {score.zones for _, score in found} == {(ANY,)}


def test_the_level_of_the_city_comes_back_from_a_snapshot(month: object) -> None:
    detector, again = after_a_month(month), SurgeDetector()
    drops(detector, 48, [Arrival("A", "larceny", (END + 8 * i) * PANES, 1) for i in range(6)])
    again.restore(json.loads(json.dumps(detector.snapshot())))
    assert again.drops.level == detector.drops.level < 0.2
    again.drops.restore(detector.drops.snapshot()[:2])
    assert again.drops.level == 1.0
