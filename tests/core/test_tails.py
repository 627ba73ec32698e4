"""Tails of the negative binomial against scipy, and critical counts against the tails."""

import itertools

import numpy as np
import pytest
from scipy.stats import nbinom

from streams.core.tails import critical_counts, critical_kinds, rarity, shape

MEANS = [1e-3, 0.05, 0.3, 1.0, 3.0, 10.0, 60.0, 500.0, 3000.0]


@pytest.mark.parametrize("mu", MEANS)
def test_rarity_is_the_upper_tail(mu: float) -> None:
    for phi, cv2 in itertools.product([1.0, 1.05, 1.3, 2.5], [0.0, 0.05, 0.1]):
        r, q = shape(mu, phi, cv2)
        spread = (mu * phi + cv2 * mu * mu) ** 0.5
        for n in {1, 2, 3, 8, *(max(1, int(mu + k * spread)) for k in (-2, -0.5, 0.5, 1, 2, 6))}:
            expected = -nbinom.logsf(n - 1, r, 1 - q) / np.log(10)
            assert rarity(n, mu, phi, cv2) == pytest.approx(expected, rel=1e-6, abs=1e-8)


def test_nothing_is_no_rarity() -> None:
    assert rarity(0, 0.5, 1.2, 0.1) == 0.0
    assert rarity(-1, 0.5, 1.2, 0.1) == 0.0


def test_a_mean_of_zero_is_finite() -> None:
    assert 5.0 < rarity(1, 0.0, 1.2, 0.1) < 20.0


def test_critical_counts_miss_nothing() -> None:
    """No count below the critical one reaches the rarity asked for."""
    mu = np.array(MEANS)[:, None]
    for phi in (1.0, 1.17, 2.0):
        counts = critical_counts(mu, *critical_kinds(np.full(len(mu), phi), np.full(len(mu), 0.07), 2.0))
        for mean, n in zip(MEANS, counts[:, 0].tolist(), strict=True):
            assert n == 1 or rarity(n - 1, mean, phi, 0.07) < 2.0
            assert rarity(int(1.15 * n) + 1, mean, phi, 0.07) >= 2.0 - 0.1
