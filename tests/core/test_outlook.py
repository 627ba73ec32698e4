"""What is expected of windows that end within an hour: whole hours, the shares of two, and what is allowed for."""

from datetime import UTC, datetime

import numpy as np
import pytest

from streams.core.baseline import Expectation
from streams.core.civil import WEEK_H, utc_hour_of_week
from streams.core.evidence import WINDOW_HOURS
from streams.core.habits import Habits
from streams.core.occasions import Calendar, Occasion
from streams.core.outlook import Outlook
from tests.core.cities import MONDAY

CELLS = [("A", "larceny"), ("*", "larceny")]
RATES = np.stack([1.0 + np.arange(WEEK_H) / 100, 10.0 + np.arange(WEEK_H) / 10])


def outlook(calendar: Calendar | None = None) -> Outlook:
    made = Outlook(utc_hour_of_week, Habits(15), calendar or Calendar())
    made.begin(list(CELLS), Expectation(RATES, np.ones(2), np.ones(2), {}, {}, np.ones(WEEK_H)))
    return made


def test_a_window_that_ends_on_the_hour_sums_whole_hours() -> None:
    hour = MONDAY + 20
    means = outlook().means(0, 4 * hour)[0]
    assert means == pytest.approx([RATES[0, 20 - h : 20].sum() for h in WINDOW_HOURS])


def test_within_the_hour_the_share_of_two_hours_is_exchanged() -> None:
    hour = MONDAY + 20
    end = outlook().means(1, 4 * hour + 1)[2]  # 20:30
    assert end == pytest.approx(
        [RATES[1, 20 - h : 20].sum() + 0.5 * (RATES[1, 20] - RATES[1, 20 - h]) for h in WINDOW_HOURS]
    )


def test_the_end_of_a_quarter_is_the_beginning_of_the_next() -> None:
    made = outlook()
    for quarter in range(4 * MONDAY, 4 * MONDAY + 12):
        for row in (0, 1):
            assert made.means(row, quarter)[2] == pytest.approx(made.means(row, quarter + 1)[0])


def test_the_least_of_an_hour_is_the_least_at_its_edges() -> None:
    made = outlook()
    for hour in range(MONDAY, MONDAY + 30):
        edges_of = made.edges(np.array([0, 1]), hour)
        lowest = edges_of.min(0)
        for row in (0, 1):
            edges = [edge for quarter in range(4 * hour, 4 * hour + 4) for edge in made.means(row, quarter)]
            assert (
                lowest[:, row].tolist()
                == made.lowest_of(row, hour)
                == [min(w) for w in zip(*edges, strict=True)]
            )


def test_windows_reach_over_the_end_of_a_week() -> None:
    means = outlook().means(0, 4 * (MONDAY + WEEK_H + 2))[0]
    assert means[2] == pytest.approx(RATES[0, 167] + RATES[0, 0] + RATES[0, 1])


def test_a_row_that_came_after_the_fit_has_means_too() -> None:
    made = outlook()
    made.cells.append(("B", "larceny"))
    made.add(2, np.full(WEEK_H, 0.5))
    assert made.means(2, 4 * MONDAY)[0] == pytest.approx([0.5 * h for h in WINDOW_HOURS])


def test_an_occasion_is_allowed_for_in_its_hours_and_cells() -> None:
    fair = Occasion("fair", MONDAY + 10, MONDAY + 12, 4.0, frozenset({"A"}))
    made = outlook(Calendar((fair,)))
    assert [made.allowance(0, MONDAY + h) for h in (9, 10, 11, 12)] == [1.0, 4.0, 4.0, 1.0]
    assert made.allowance(1, MONDAY + 10) == 1.0
    means = made.means(0, 4 * (MONDAY + 13))[0]
    assert means[2] == pytest.approx(4 * RATES[0, 10] + 4 * RATES[0, 11] + RATES[0, 12])


def test_at_the_first_midnight_of_a_month_all_of_the_hour_may_come_at_once() -> None:
    midnight = int(datetime(2026, 7, 1, tzinfo=UTC).timestamp()) // 3600
    made = outlook()
    before, after, _ = made.means(0, 4 * midnight)
    more = made.allowance(0, midnight) * RATES[0, utc_hour_of_week(midnight)]
    assert after[-1] == pytest.approx(before[-1] + more, rel=0.02)
