"""Weekly counts: the curve that is fitted to the past, and how much the newest weeks are above it."""

import numpy as np
import pytest

from streams.core.trends import GUARD_WEEKS, SPANS, Floats, excess, fit_curves, weekly_scores

RNG = np.random.default_rng(11)


def seasonal(weeks: int, series: int = 40, level: float = 3.0, slope: float = 0.0) -> Floats:
    t = np.arange(weeks)
    mean = np.exp(np.log(level) + slope * t + 0.5 * np.cos(2 * np.pi * t / 52))
    return RNG.poisson(np.tile(mean, (series, 1))).astype(float)


def test_level_trend_and_season_are_found() -> None:
    weeks = 312
    counts = seasonal(weeks, slope=0.003)
    curve = fit_curves(counts)
    t = weeks - 1
    true = np.exp(np.log(3.0) + 0.003 * t + 0.5 * np.cos(2 * np.pi * t / 52))
    assert curve.mean[:, 0].mean() == pytest.approx(true, rel=0.06)
    assert curve.phi.mean() == pytest.approx(1.0, abs=0.15)


def test_a_short_past_has_no_season_and_no_trend_of_its_own() -> None:
    curve = fit_curves(np.array([[5.0, 1, 6, 2, 5, 3, 4, 6, 5, 4, 5, 9]]))
    assert curve.mean[0, 0] == pytest.approx(4.2, rel=0.3)


def test_half_a_year_is_not_taken_for_half_a_season() -> None:
    """Twenty weeks that rise are a level of their own; they do not fall again because a wave would."""
    rising = np.array([[4.0, 4, 7, 7, 8, 10, 7, 12, 14, 11, 19, 13, 10, 10, 7, 11, 9, 15, 10, 11, 16, 33]])
    assert fit_curves(rising).mean[0, 0] == pytest.approx(9.7, rel=0.2)


def test_the_newest_weeks_do_not_raise_their_own_yardstick() -> None:
    counts = seasonal(312)
    risen = counts.copy()
    risen[:, -GUARD_WEEKS:] *= 10
    assert np.array_equal(fit_curves(risen).mean, fit_curves(counts).mean)


def test_past_outbreaks_are_weighed_down() -> None:
    counts = seasonal(312)
    struck = counts.copy()
    struck[:, 100:104] += 40
    plain = fit_curves(counts).mean[:, 0]
    assert fit_curves(struck).mean[:, 0] == pytest.approx(plain, rel=0.12)


def test_weeks_that_were_not_observed_do_not_lower_the_curve() -> None:
    counts, usable = seasonal(312), np.ones(312, bool)
    gap = counts.copy()
    gap[:, 200:230], usable[200:230] = 0.0, False
    assert fit_curves(gap, usable).mean[:, 0] == pytest.approx(fit_curves(counts).mean[:, 0], rel=0.12)


def test_a_series_of_nothing_has_a_curve_of_next_to_nothing() -> None:
    curve = fit_curves(np.zeros((2, 60)))
    assert curve.mean.max() < 0.2
    assert np.isfinite(curve.error).all()


def test_an_excess_speaks_louder_the_greater_it_is() -> None:
    counts = np.tile(seasonal(312, series=1), (4, 1))
    counts[:, -1] = 0, 6, 12, 24
    newest = counts[:, : -len(SPANS) - 1 : -1]
    scores, spans = excess(newest, fit_curves(counts))
    assert (np.diff(scores) > 0).all()
    assert scores[0] < 0
    assert spans[-1] == 0


def test_an_excess_that_builds_up_is_seen_over_its_weeks() -> None:
    counts = np.tile(seasonal(312, series=1), (1, 1))
    counts[:, -3:] = 9
    _, spans = excess(counts[:, : -len(SPANS) - 1 : -1], fit_curves(counts))
    assert SPANS[spans[0]] == 3


def test_scores_see_nothing_after_their_week() -> None:
    counts = seasonal(80, series=3)
    changed = counts.copy()
    changed[:, 75:] = 50
    whole, part = weekly_scores(counts, 70, 75), weekly_scores(changed, 70, 75)
    assert np.array_equal(whole, part)
    assert weekly_scores(changed, 76, 76).min() > whole.max()
