"""Tails of the negative binomial against scipy."""

import itertools

import numpy as np
import pytest
from scipy.stats import nbinom

from streams.core.tails import rarity, shape

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
