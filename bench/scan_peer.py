"""A peer to compare with: the expectation-based Poisson space-time scan (Neill 2006), as R's scanstatistics runs it.

For each hour, type and region of up to four near zones, over the last 1 to 12 hours with C incidents where B were
expected: C·ln(C/B) - (C - B) where C > B. The zones of the region that is most likely score that hour, others are
silent. What is expected: the zone's level of the last 28 days, a day left out, pulled by 20 incidents to the zone's
share of the type, times the type's rhythm of the week, smoothed over two hours.
"""

import numpy as np
from numpy.typing import NDArray

from bench.simulated_city import COLUMNS, FIRST_TEST_HOUR, HOURS, TYPES, ZONES

_DURATIONS = (1, 2, 3, 4, 6, 8, 12)
_WEEK, _PAST, _GUARD = 168, 28 * 24, 24
_PULL = 20.0  # incidents


def scan_scores(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """(hour, zone, type) counts → (test hour, zone · types + type) scores; -inf outside the most likely region."""
    expected, regions = _expected(counts), _regions()
    seen = np.cumsum(np.concatenate([np.zeros_like(counts[:1]), counts]), 0)
    due = np.cumsum(np.concatenate([np.zeros_like(expected[:1]), expected]), 0)
    ends = np.arange(FIRST_TEST_HOUR, HOURS) + 1
    found = np.full((len(regions), len(ends), len(TYPES)), -np.inf)
    for duration in _DURATIONS:
        n, mu = seen[ends] - seen[ends - duration], due[ends] - due[ends - duration]
        for at, region in enumerate(regions):
            c, b = n[:, region].sum(1), mu[:, region].sum(1)
            with np.errstate(divide="ignore", invalid="ignore"):
                found[at] = np.maximum(found[at], np.where(c > b, c * np.log(c / b) - (c - b), -np.inf))
    likeliest, greatest = found.argmax(0), found.max(0)
    scores = np.full((len(ends), ZONES, len(TYPES)), -np.inf)
    for at, region in enumerate(regions):
        hour, kind = np.nonzero(likeliest == at)
        for zone in region:
            scores[hour, zone, kind] = greatest[hour, kind]
    return scores.reshape(len(ends), -1)


def _regions() -> list[list[int]]:
    """Each zone with its 0 to 3 nearest others, each set once."""
    at = np.array([(zone % COLUMNS, zone // COLUMNS) for zone in range(ZONES)], float)
    far = np.abs(at[:, None] - at[None]).sum(-1) + 0.01 * ((at[:, None] - at[None]) ** 2).sum(-1)
    order = np.argsort(far, 1, kind="stable")
    return [
        list(region)
        for region in sorted({tuple(sorted(row[:k].tolist())) for row in order for k in (1, 2, 3, 4)})
    ]


def _expected(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    hours = np.arange(HOURS)
    total = np.cumsum(np.concatenate([np.zeros((1, *counts.shape[1:])), counts]), 0)
    until = np.maximum(hours - _GUARD, 1)
    since = np.maximum(until - _PAST, 0)
    past = total[until] - total[since]
    share = (past.sum(2) + 0.5) / (past.sum((1, 2)) + 0.5)[:, None]
    usual = share[:, :, None] * (past.sum(1) + 0.5)[:, None]
    level = (past + _PULL) / (1.0 + _PULL / usual) / (until - since)[:, None, None]
    rhythm = np.stack([counts[:FIRST_TEST_HOUR].sum(1)[hour::_WEEK].mean(0) for hour in range(_WEEK)])
    rhythm = sum((np.roll(rhythm, shift, 0) for shift in (-2, -1, 0, 1, 2)), np.zeros_like(rhythm)) / 5.0
    rhythm /= rhythm.mean(0)
    expected: NDArray[np.float64] = level * rhythm[hours % _WEEK][:, None]
    return expected
