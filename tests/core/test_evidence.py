"""Evidence of a surge: against scipy's negative binomial, and critical counts against the evidence."""

import math

import numpy as np
import pytest
from scipy.stats import nbinom

from streams.core.evidence import (
    LEAST_COUNT,
    STRENGTHS,
    WEIGHTS,
    WINDOW_HOURS,
    CriticalCounts,
    ratio,
    terms,
)

MEANS = [1e-3, 0.05, 0.3, 1.0, 3.0, 10.0, 60.0, 500.0]


@pytest.mark.parametrize("mu", MEANS)
def test_the_ratio_is_that_of_two_negative_binomials_of_one_size(mu: float) -> None:
    phi, cv2, hours = 1.2, 0.07, 3
    r = mu / (phi - 1 + cv2 * mu)
    for n in {max(1, math.ceil(mu + k * (phi * mu + cv2 * mu**2) ** 0.5)) for k in (0.1, 1, 3, 6)} - {
        int(mu)
    }:
        if n <= mu:
            continue
        past = nbinom.pmf(n, r, r / (r + mu))
        surge = sum(
            weight * nbinom.pmf(n, r, r / (r + mu + per_hour * hours + share * mu))
            for per_hour, share, weight in STRENGTHS
        )
        assert ratio(n, mu, hours, phi, cv2) == pytest.approx(surge / past, rel=1e-7)


def test_what_is_not_above_the_expected_is_no_evidence() -> None:
    assert ratio(0, 0.0, 1, 1.2, 0.1) == 0.0
    assert ratio(3, 3.0, 1, 1.2, 0.1) == 0.0


def test_huge_counts_stay_finite() -> None:
    assert ratio(5_000, 0.001, 1, 1.2, 0.1) == 1e250
    assert math.isfinite(sum(terms([5_000] * 7, [0.001] * 7, 1.2, 0.1)))


def test_evidence_grows_with_the_count_and_falls_with_the_expectation() -> None:
    grows = [ratio(n, 0.5, 2, 1.2, 0.07) for n in range(1, 12)]
    falls = [ratio(6, mu, 2, 1.2, 0.07) for mu in (0.1, 0.3, 0.9, 2.7)]
    assert grows == sorted(grows)
    assert falls == sorted(falls, reverse=True)


def test_critical_counts_miss_nothing() -> None:
    """Below its critical count no window's term reaches what was asked for; little above it one does."""
    least = 1.2
    critical = CriticalCounts(least)
    mu = np.repeat(np.array(MEANS)[None], len(WINDOW_HOURS), 0)
    for phi, cv2 in [(1.02, 0.07), (1.17, 0.07), (1.99, 0.01), (4.0, 0.2)]:
        kinds = np.full(len(MEANS), critical.kind(phi, cv2))
        counts = critical.of(mu, kinds).T.tolist()
        assert [critical.of_one([mean] * len(WINDOW_HOURS), kinds[0]) for mean in MEANS] == counts
        for mean, row in zip(MEANS, counts, strict=True):
            for n, hours, weight in zip(row, WINDOW_HOURS, WEIGHTS, strict=True):
                below = weight * ratio(n - 1, mean, hours, phi, cv2)
                assert n == LEAST_COUNT or below < 10**least
                above = weight * ratio(math.ceil(1.3 * n) + 1, mean, hours, phi, cv2)
                assert above > 10**least or n > 500


def test_means_beyond_the_grid_keep_its_ends() -> None:
    critical = CriticalCounts(1.2)
    kinds = np.zeros(1, np.int64) + critical.kind(1.2, 0.07)
    ends = critical.of(np.array([[0.0]] * 7), kinds), critical.of(np.array([[1e9]] * 7), kinds)
    assert (ends[0] >= LEAST_COUNT).all()
    assert (ends[1] > ends[0]).all()
