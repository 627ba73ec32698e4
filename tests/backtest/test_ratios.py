"""Rates beside each other, and what so few events allow to say of them."""

import pytest

from streams.backtest.ratios import Calibration, Ratio


def test_a_ratio_compares_rates() -> None:
    ratio = Ratio(6, 3.0, 20, 20.0)
    assert ratio.value == 2.0
    low, high = ratio.interval
    assert high is not None
    assert 0.6 < low < 1.0
    assert 2.0 < high < 6.0


def test_equal_rates_have_an_interval_around_one() -> None:
    low, high = Ratio(100, 10.0, 100, 10.0).interval
    assert high is not None
    assert low == pytest.approx(1.0 / high)
    assert low < 1.0 < high


def test_where_nothing_is_outside_there_is_no_ratio_and_no_upper_bound() -> None:
    ratio = Ratio(3, 1.0, 0, 10.0)
    assert ratio.value is None
    assert ratio.interval[1] is None
    assert ratio.written()["ratio"] is None


def test_nothing_inside_is_a_ratio_of_zero_with_an_upper_bound() -> None:
    ratio = Ratio(0, 5.0, 50, 100.0)
    assert ratio.value == 0.0
    assert ratio.interval[0] == 0.0
    assert ratio.interval[1] is not None


def test_episodes_come_up_once_in_so_many_days() -> None:
    each = Calibration(7.0, 10, 70.0)
    assert each.observed_days == 7.0
    low, high = each.interval
    assert high is not None
    assert low < 7.0 < high
    assert (low, high) == (pytest.approx(70 / 18.39, rel=0.01), pytest.approx(70 / 4.795, rel=0.01))


def test_what_never_came_up_has_no_upper_bound() -> None:
    each = Calibration(30.0, 0, 70.0)
    assert each.observed_days is None
    assert each.interval == (pytest.approx(70 / 3.689, rel=0.01), None)
