"""What counts as found, how late, and what false alerts cost, on alarms placed by hand."""

import numpy as np
import pytest

from bench.hourly_evaluation import TEST_DAYS, Scores, Surge, at_threshold, threshold_for
from bench.simulated_city import FIRST_TEST_HOUR, HOURS, TYPES, ZONES

HOUR = FIRST_TEST_HOUR + 100
SURGE = Surge(2, (9, 10), HOUR, HOUR + 4)


def scores(*alarms: tuple[int, int, int, float]) -> Scores:
    """(hour, zone, type, score) of each cell that speaks."""
    found = np.full((HOURS - FIRST_TEST_HOUR, ZONES * len(TYPES)), -np.inf)
    for hour, zone, kind, score in alarms:
        found[hour - FIRST_TEST_HOUR, zone * len(TYPES) + kind] = score
    return found


def false_alerts(*alarms: tuple[int, int, int]) -> float:
    found = at_threshold(scores(*((*alarm, 5.0) for alarm in alarms)), 4.0, [SURGE])
    return round(found.false_per_day * TEST_DAYS, 6)


def test_a_surge_is_found_in_any_of_its_series_and_as_late_as_the_hour_that_saw_it() -> None:
    found = at_threshold(scores((HOUR + 2, 10, 2, 5.0)), 4.0, [SURGE])
    assert found.hit.tolist() == [True]
    assert found.median_delay_h == found.penalised_delay_h == 3.0
    assert found.false_per_day == 0.0


@pytest.mark.parametrize(
    "hour, zone, kind", [(HOUR - 1, 9, 2), (HOUR + 5, 9, 2), (HOUR, 11, 2), (HOUR, 9, 3)],
    ids=["before", "an hour too late", "beside it", "another type"],
)  # fmt: skip
def test_alarms_elsewhere_do_not_find_it(hour: int, zone: int, kind: int) -> None:
    found = at_threshold(scores((hour, zone, kind, 5.0)), 4.0, [SURGE])
    assert found.hit.tolist() == [False]
    assert found.penalised_delay_h == 4 + 12


def test_an_alarm_beside_a_surge_or_soon_after_it_is_not_false() -> None:
    assert false_alerts((HOUR, 11, 2)) == 0
    assert false_alerts((HOUR + 10, 9, 2)) == 0
    assert false_alerts((HOUR + 11, 9, 2)) == 1
    assert false_alerts((HOUR, 12, 2)) == 1


def test_alarms_that_touch_within_six_hours_are_one_false_alert() -> None:
    early = FIRST_TEST_HOUR + 10
    assert false_alerts((early, 30, 0), (early + 6, 31, 0)) == 1
    assert false_alerts((early, 30, 0), (early + 7, 31, 0)) == 2
    assert false_alerts((early, 26, 0), (early, 28, 0)) == 2
    assert false_alerts((early, 26, 0), (early, 28, 0), (early + 1, 27, 0)) == 1
    assert false_alerts((early, 30, 0), (early, 31, 1)) == 2


def test_long_and_wide_alerts_cost_more_and_true_ones_one_less() -> None:
    early = FIRST_TEST_HOUR + 10
    assert false_alerts(*((early + 6 * i, 30, 0) for i in range(5))) == 2  # 25 hours
    assert false_alerts(*((early, zone, 0) for zone in (24, 25, 26, 27, 28))) == 2  # 5 zones
    assert false_alerts(*((HOUR + 6 * i, 9, 2) for i in range(5))) == 1


def test_the_threshold_is_the_lowest_that_keeps_the_target() -> None:
    early = FIRST_TEST_HOUR + 10
    noise = [(early + 12 * i, 30, 0, 1.0 + 0.01 * i) for i in range(40)]
    found = scores((HOUR + 1, 9, 2, 0.5), *noise)
    assert threshold_for(found, [SURGE], 1.0) == pytest.approx(1.0 + 0.01 * 12)
    assert threshold_for(found, [SURGE], 2.0) == 0.5
