"""Habits of recording: what is booked on the hour, on its quarters and on the first of a month is learnt and expected."""

import json
from datetime import UTC, datetime

import numpy as np
import pytest

from schemas.vocabulary import ANY
from streams.core.detection import SurgeDetector
from streams.core.habits import Habits
from streams.core.scores import Arrival
from tests.core.cities import MONDAY, PANES, steady, ticks

QUARTER = 15  # panes
ON_THE_HOUR, AFTER_IT = 0, 1  # places: 2 · quarter, + 1 when after its mark


def learnt(crime_type: str, places: list[int], n: int) -> Habits:
    habits = Habits(QUARTER)
    for hour in range(24):
        at = np.array(places)
        habits.count([crime_type] * len(at), np.full(len(at), hour), at, np.full(len(at), n))
    habits.fit()
    return habits


def test_an_hour_is_even_before_anything_is_known() -> None:
    shares = Habits(QUARTER).shares[0, 13]
    assert shares[0].tolist() == pytest.approx([0.0, 1 / 60, 15 / 60])
    assert shares[3].tolist() == pytest.approx([45 / 60, 46 / 60, 1.0])


def test_what_is_booked_on_the_hour_is_due_in_its_first_minute() -> None:
    habits = learnt("larceny", [ON_THE_HOUR, AFTER_IT], 500)
    own = habits.shares[habits.types["larceny"], 13]
    assert own[0, 1] == pytest.approx(0.5, abs=0.02)
    assert own[0, 2] > 0.95


def test_a_type_with_few_records_is_expected_to_have_the_habits_of_the_city() -> None:
    habits = learnt("larceny", [ON_THE_HOUR], 500)
    habits.count(["arson"], np.array([13]), np.array([AFTER_IT]), np.array([1]))
    habits.fit()
    assert habits.shares[habits.types["arson"], 13, 0, 1] > 0.9


def test_habits_fade_as_time_goes_by() -> None:
    habits = learnt("larceny", [ON_THE_HOUR], 100)
    habits.decay(0.5)
    assert habits.marks["larceny"].sum() == 24 * 50
    assert habits.marks[ANY].sum() == 24 * 50


def test_the_first_of_a_month_is_expected_to_bring_more_from_the_start() -> None:
    midnight, later = learnt("fraud", [AFTER_IT], 1).first[1]
    assert midnight > later > 1.0


def test_calls_are_stamped_as_they_come_so_a_first_of_the_month_is_a_day_like_others() -> None:
    habits = learnt("medical", [AFTER_IT], 9)
    assert habits.first[habits.types["medical"]].tolist() == [1.0, 1.0]
    assert habits.first[0].tolist() == [1.0, 1.0]
    assert habits.at_once.tolist() == [0.0, 0.0]


def test_calls_have_habits_of_their_own_where_they_have_shown_them() -> None:
    habits = Habits(QUARTER)
    habits.count_first("service", 0, observed=300.0, expected=100.0)
    habits.fit()
    assert habits.first[habits.types["service"], 0] == pytest.approx(2.7, rel=0.1)


def test_the_city_expects_of_a_first_what_its_types_do() -> None:
    habits = learnt("fraud", [AFTER_IT], 3)
    many = np.array([AFTER_IT])
    habits.count(["medical"], np.array([9]), many, np.array([72]))
    habits.fit()
    assert habits.at_once.tolist() == [0.5, 1.0, 0.0]
    fraud, medical = habits.first[habits.types["fraud"], 0], habits.first[habits.types["medical"], 0]
    assert habits.first[0, 0] == pytest.approx((fraud + medical) / 2)


def test_what_firsts_of_months_brought_is_learnt_by_type() -> None:
    habits = Habits(QUARTER)
    habits.count_first("fraud", 0, observed=600.0, expected=50.0)
    habits.count_first("fraud", 9, observed=500.0, expected=500.0)
    habits.fit()
    midnight, later = habits.first[habits.types["fraud"]]
    assert midnight == pytest.approx(12.0, rel=0.25)
    assert later == pytest.approx(1.0, abs=0.02)


def test_a_first_of_the_month_is_never_expected_to_bring_less_than_usual() -> None:
    habits = Habits(QUARTER)
    habits.count_first("fraud", 0, observed=0.0, expected=900.0)
    habits.fit()
    assert habits.first.min() == 1.0


def test_habits_come_back_from_their_snapshot() -> None:
    habits = learnt("larceny", [ON_THE_HOUR, AFTER_IT], 7)
    habits.count_first("larceny", 0, 9.0, 3.0)
    habits.fit()
    again = Habits(QUARTER)
    again.restore(json.loads(json.dumps(habits.snapshot())))
    assert np.array_equal(again.shares, habits.shares)
    assert np.array_equal(again.first, habits.first)
    untouched = Habits(QUARTER)
    untouched.restore(json.loads(json.dumps(Habits(QUARTER).snapshot())))
    assert untouched.types == {ANY: 0}


def rounded(days: int, share: float) -> list[Arrival]:
    """A month in which so many of the records say exactly the full hour."""
    rng = np.random.default_rng(5)
    plain = steady(days, {("A", "larceny"): 3.0, ("B", "larceny"): 2.0}, seed=5)
    return sorted(
        (a._replace(pane=a.pane // PANES * PANES) if rng.random() < share else a for a in plain),
        key=lambda a: a.pane,
    )


def test_a_city_that_rounds_its_times_expects_them_at_the_full_hour() -> None:
    """Minutes after the hour, a window of one hour holds two hours' worth of rounded records, and knows it."""
    detector = SurgeDetector()
    for tick, some in ticks(rounded(30, 0.6)):
        detector.advance(tick, some)
    now = (MONDAY + 30 * 24 + 12) * PANES
    detector.advance(now - 20, [])
    before = detector.board.expected(detector.board.row_of["A", "larceny"], now - 20)[0]
    detector.advance(now + 1, [])
    row = detector.board.row_of["A", "larceny"]
    just_after, rate = detector.board.expected(row, now + 1)[0], detector.board.outlook.rate[row]
    at_noon, before_noon = rate[12], rate[11]
    assert just_after == pytest.approx(0.6 * at_noon + 0.4 * before_noon, rel=0.1)
    assert before == pytest.approx(before_noon, rel=0.25)


def test_the_first_midnight_of_a_month_is_expected_to_bring_many() -> None:
    """History in which each month begins with thirty records booked at 00:00 on the 1st."""
    start = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp()) // 3600
    firsts = [int(datetime(2026, month, 1, tzinfo=UTC).timestamp()) // 60 for month in range(2, 8)]
    arrivals = steady(181, {("A", "fraud"): 0.5, ("B", "fraud"): 0.5}, first_hour=start)
    arrivals += [Arrival("A", "fraud", first, 30) for first in firsts[:-1]]
    detector = SurgeDetector()
    for tick, some in ticks(sorted(arrivals, key=lambda a: a.pane)):
        detector.advance(tick, some)
    last = firsts[-1]
    detector.advance(last + 1, [])
    row = detector.board.row_of["A", "fraud"]
    expected = detector.board.expected(row, last + 1)[0]
    usual = float(detector.board.outlook.rate[row].mean())
    assert expected > 5 * usual
