"""Series of the weekly benchmark's design (Noufaily et al. 2013), with seeds and outbreak shapes of our own.

Negative binomial weeks with mean exp(θ + βt + Σ_{j≤m} g1·cos(2πjt/52) + g2·sin(2πjt/52)) and variance φ·mean; four past
outbreaks in the weeks 313-575 and one in the last 49, each of a Poisson number of cases with k standard deviations of
its week as mean, spread over weeks.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from streams.backtest.design_files import Series

WEEKS, FIRST_PAST, FIRST_TEST = 624, 313, 576
SHAPES: Final = ("lognormal", "flat", "ramp")
_GROUPS: Final = (  # θ, β where there is a trend, g1, g2, φ
    (0.1, 0.0025, 0.6, 0.6, 1.5),
    (-2.0, 0.005, 0.1, 0.3, 2.0),
    (1.5, 0.003, 0.2, -0.4, 1.0),
    (0.5, 0.002, 0.5, 0.5, 5.0),
    (2.5, 0.001, 1.0, 0.1, 3.0),
    (3.75, 0.001, 0.1, -0.1, 1.1),
    (5.0, 0.0001, 0.05, 0.01, 1.2),
)
Spans = dict[tuple[str, str], tuple[int, int]]
"""(scenario, rep) → first and last week of the outbreak."""


def simulate_weeks(seed: int, repetitions: int, shape: str) -> tuple[Series, Spans]:
    """42 scenarios: 7 groups × trend or none × 0, 1 or 2 harmonics."""
    rng = np.random.default_rng(seed)
    series, spans = Series([], list(range(1, WEEKS + 1)), [], []), Spans()
    scenarios = [(group, trend, m) for group in _GROUPS for trend in (0, 1) for m in (0, 1, 2)]
    for number, (group, trend, m) in enumerate(scenarios, start=1):
        for rep in range(1, repetitions + 1):
            name = (str(number), str(rep))
            mean, phi = _mean(group, trend, m), group[4]
            counts = rng.negative_binomial(mean / (phi - 1.0), 1.0 / phi) if phi > 1.0 else rng.poisson(mean)
            deviation, past = np.sqrt(phi * mean), float(rng.choice([0, 2, 3, 5, 10]))
            for _ in range(4 if past else 0):
                counts = counts + _outbreak(rng, past * deviation, (FIRST_PAST, FIRST_TEST - 5), "lognormal")
            current = np.zeros(WEEKS, np.int64)
            while not current[FIRST_TEST - 1 :].any():
                current = _outbreak(rng, rng.integers(1, 11) * deviation, (FIRST_TEST, WEEKS), shape)
            struck = np.flatnonzero(current) + 1
            spans[name] = int(struck[0]), int(struck[-1])
            series.names.append(name)
            series.without.append(counts.tolist())
            series.extra.append(current.tolist())
    return series, spans


def _mean(group: tuple[float, ...], trend: int, m: int) -> NDArray[np.float64]:
    theta, beta, gamma1, gamma2, _ = group
    t = np.arange(1, WEEKS + 1)
    log = theta + trend * beta * t
    for j in range(1, m + 1):
        log = log + gamma1 * np.cos(2 * np.pi * j * t / 52) + gamma2 * np.sin(2 * np.pi * j * t / 52)
    found: NDArray[np.float64] = np.exp(log)
    return found


def _outbreak(
    rng: np.random.Generator, means: NDArray[np.float64], weeks: tuple[int, int], shape: str
) -> NDArray[np.int64]:
    start = int(rng.integers(weeks[0], weeks[1] + 1))
    cases = int(rng.poisson(means[start - 1]))
    if shape == "lognormal":
        later = np.floor(rng.lognormal(0.0, 0.5, cases)).astype(int)
    else:
        length = int(rng.integers(2, 7))
        share = np.ones(length) if shape == "flat" else np.arange(1.0, length + 1.0)
        later = rng.choice(length, cases, p=share / share.sum())
    found = np.zeros(WEEKS, np.int64)
    at = start - 1 + later
    np.add.at(found, at[at < WEEKS], 1)
    return found
