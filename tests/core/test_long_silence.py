"""Long silence: it costs a bounded number of looks, and nothing is answered otherwise than with a look at every hour."""

import json
from collections.abc import Callable, Iterator

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from streams.core.civil import hour_of_week_in
from streams.core.detection import SurgeDetector
from streams.core.drops import LONGEST_H
from streams.core.scores import Arrival, Detector, Score
from streams.core.trend_detector import KEPT_WEEKS, TrendDetector
from tests.core.cities import MONDAY, PANES, steady, ticks

DAY = 24 * PANES
CITY = {("A", "larceny"): 0.6, ("B", "assault"): 0.4}
DETECTORS: list[Callable[[], Detector]] = [SurgeDetector, TrendDetector]
GAPS = [31, 62, 425, 3 * 365, 7 * 365, 60 * 365]


def with_gap(days: int, gap_days: int, zones: str = "AB") -> list[Arrival]:
    """A city, `gap_days` of nothing, and then the same city again for so many days."""
    after = MONDAY + 24 * (days + gap_days)
    cells = {cell: rate for cell, rate in CITY.items() if cell[0] in zones}
    return [*steady(days, cells), *steady(days, cells, seed=5, first_hour=after)]


def watched(
    detector: Detector, arrivals: list[Arrival], every: int = 0
) -> Iterator[tuple[int, bool, list[Score]]]:
    """Ticks as Watch visits them, with (tick, whether something came, what was said); `every` panes also unasked."""
    at = 0
    for tick, some in ticks(arrivals):
        wakes = detector.next_change()
        while wakes is not None and wakes < tick:
            assert wakes > at
            at = wakes
            yield at, False, list(detector.advance(at, []))
            wakes = detector.next_change()
        if every and at:
            for between in range((at // every + 1) * every, tick, every):
                detector.advance(between, [])
        at = tick
        yield at, True, list(detector.advance(at, some))


@pytest.mark.parametrize("gap_days", GAPS)
@pytest.mark.parametrize("detector", DETECTORS)
def test_a_gap_of_any_length_costs_a_bounded_number_of_looks(
    detector: Callable[[], Detector], gap_days: int
) -> None:
    two = [
        Arrival("A", "larceny", MONDAY * PANES, 1),
        Arrival("A", "larceny", MONDAY * PANES + gap_days * DAY, 1),
    ]
    quarters = 4 * (LONGEST_H + 2)
    assert sum(not came for _, came, _ in watched(detector(), two)) <= quarters
    begins, ends = (MONDAY + 24 * 20) * PANES, (MONDAY + 24 * (20 + gap_days)) * PANES
    looks = [tick for tick, came, _ in watched(detector(), with_gap(20, gap_days)) if not came]
    assert sum(begins < tick < ends for tick in looks) <= quarters


@pytest.mark.parametrize("gap_days", [31, 425])
@pytest.mark.parametrize("zone", ["UTC", "America/Chicago"])
def test_surges_and_drops_are_as_with_a_look_at_every_hour_of_the_gap(gap_days: int, zone: str) -> None:
    arrivals = with_gap(20, gap_days)
    asked, always = (SurgeDetector(hour_of_week=hour_of_week_in(zone)) for _ in range(2))
    said = [(tick, scores) for tick, came, scores in watched(asked, arrivals) if came]
    assert said == [(tick, scores) for tick, came, scores in watched(always, arrivals, every=PANES) if came]
    assert json.dumps(asked.snapshot()) == json.dumps(always.snapshot())


@settings(max_examples=20, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(
    st.integers(1, 60), st.integers(340, 60 * 365), st.sampled_from([7 * DAY, DAY, 5 * PANES]), st.booleans()
)
def test_trends_are_as_with_a_look_at_every_week_of_the_gap(
    days: int, gap_days: int, every: int, whole_weeks: bool
) -> None:
    gap = gap_days // 7 * 7 if whole_weeks else gap_days
    arrivals = with_gap(days, gap)
    asked, always = TrendDetector(), TrendDetector()
    said = [(tick, scores) for tick, came, scores in watched(asked, arrivals) if came]
    every = max(every, 7 * DAY if gap > 4_000 else every)
    assert said == [(tick, scores) for tick, came, scores in watched(always, arrivals, every) if came]
    assert json.dumps(asked.snapshot()) == json.dumps(always.snapshot())


def test_trends_of_a_city_of_which_all_is_forgotten_begin_anew() -> None:
    detector = TrendDetector()
    detector.advance(MONDAY * PANES + 1, [Arrival("A", "larceny", MONDAY * PANES, 1)])
    for week in range(1, KEPT_WEEKS + 5):
        assert detector.advance((MONDAY + 168 * week) * PANES, []) == []
    assert detector.next_change() is None
    pane = (MONDAY + 168 * (KEPT_WEEKS + 9)) * PANES + 5
    detector.advance(pane + 1, [Arrival("A", "larceny", pane, 1)])
    assert detector.counts.weeks == {("A", "larceny"): [1]}


@pytest.mark.parametrize("gap_days", [5, 31, 425, 7 * 365])
@pytest.mark.parametrize("detector", DETECTORS)
def test_a_snapshot_from_within_a_gap_gives_the_same_ever_after(
    detector: Callable[[], Detector], gap_days: int
) -> None:
    arrivals = with_gap(16, gap_days)
    ahead, again = detector(), detector()
    before = [a for a in arrivals if a.pane < (MONDAY + 24 * 17) * PANES]
    for _ in watched(ahead, before):
        pass
    wakes = ahead.next_change()
    while wakes is not None and wakes < before[-1].pane + min(gap_days // 2, 400) * DAY:
        ahead.advance(wakes, [])
        wakes = ahead.next_change()
    again.restore(json.loads(json.dumps(ahead.snapshot())))
    for tick, some in ticks(arrivals[len(before) :]):
        assert ahead.advance(tick, some) == again.advance(tick, some)
        assert ahead.next_change() == again.next_change()
    assert json.dumps(ahead.snapshot()) == json.dumps(again.snapshot())
