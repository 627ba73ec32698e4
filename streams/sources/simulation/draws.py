"""Random draws that give the same numbers on every Python and machine, and that are cheap.

Only `random.Random.random` and seeding by text are used: both are guaranteed to stay as they are. Lognormal values
come from tables of quantiles, made once: a draw is one look-up, and a value is a whole number of milliseconds.
"""

import math
import random
from bisect import bisect
from collections.abc import Callable, Sequence
from itertools import accumulate
from statistics import NormalDist
from typing import Final, NamedTuple

STEPS: Final = 1_024
"""Quantiles in a table; the most extreme ones lie 3.3 standard deviations out."""

Uniform = Callable[[], float]  # [0, 1)


class Spread(NamedTuple):
    """A lognormal distribution: its median, in seconds, and the standard deviation of its logarithm."""

    median_s: float
    sigma: float


def stream(seed: int, purpose: str) -> random.Random:
    """A stream of random numbers of its own for each purpose, so that one rate does not move all others."""
    return random.Random(f"{seed}/{purpose}")


def normal_quantiles() -> list[float]:
    """The standard normal distribution at the middles of `STEPS` equal shares."""
    normal = NormalDist()
    return [normal.inv_cdf((step + 0.5) / STEPS) for step in range(STEPS)]


_NORMAL: Final = normal_quantiles()


def duration_draw(uniform: Uniform, spread: Spread) -> Callable[[], int]:
    """Durations in ms of this distribution, one a call."""
    table = [round(1_000 * spread.median_s * math.exp(spread.sigma * z)) for z in _NORMAL]
    return lambda: table[int(uniform() * STEPS)]


def factor_draw(uniform: Uniform, squared_cv: float) -> Callable[[], float]:
    """Lognormal factors around a mean of 1, one a call.

    Args:
        uniform: source of randomness.
        squared_cv: variance of the factor, >= 0; counts with mean m then have a variance of m + squared_cv * m².
    """
    sigma = math.sqrt(math.log1p(squared_cv))
    table = [math.exp(sigma * z) for z in _NORMAL]
    mean = sum(table) / STEPS
    table = [value / mean for value in table]
    return lambda: table[int(uniform() * STEPS)]


def poisson(uniform: Uniform, mean: float) -> int:
    """A Poisson count, by multiplication of uniforms (Knuth); effort grows with the mean."""
    count = 0
    while mean > 0:
        limit = math.exp(-min(mean, 32.0))
        product = uniform()
        while product > limit:
            count += 1
            product *= uniform()
        mean -= 32.0
    return count


def cumulative(weights: Sequence[float]) -> list[float]:
    """Running sums, for `pick`."""
    return list(accumulate(weights))


def pick(uniform: Uniform, sums: Sequence[float]) -> int:
    """An index, drawn with the weights whose running sums these are."""
    return bisect(sums, uniform() * sums[-1], 0, len(sums) - 1)
