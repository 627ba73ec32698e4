"""Evidence of a surge: how much better an ongoing surge explains the counts of the last hours than the past does.

For a window of h hours that ends now, with n incidents where mu were expected, and for a surge that brings x more:

    r = mu / (phi - 1 + cv2·mu)        size of the negative binomial with variance phi·mu + cv2·mu²
    LR(n; x) = (u)^n · t^r             with t = (mu + r) / (mu + x + r),   u = t·(mu + x) / mu

the likelihood ratio of two negative binomials of one size. The evidence is its sum over what is not known: when the
surge began (the windows, weighted by the hours each stands for) and how strong it is (`STRENGTHS`). Its log10 is the
score. Sparse and busy cells, short and long windows are then on one scale without corrections for many looks.

Source: Bayesian spatial scan, Neill, Moore & Cooper 2006, with a discrete prior on strength. Against the maximum of
-log10 upper tails over the same windows it found as many surges with fewer false alerts, and costs no tail sums.
"""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

WINDOW_HOURS: Final = (1, 2, 3, 4, 6, 8, 12)
WEIGHTS: Final = (1.0, 1.0, 1.0, 1.5, 2.0, 3.0, 3.0)
"""Hours of possible beginnings that each window stands for."""
STRENGTHS: Final = ((0.7, 0.3, 0.6), (3.0, 1.0, 0.4))
"""(incidents an hour, share of the expected, prior weight): x = first · h + second · mu."""
LEAST_COUNT: Final = 2  # one incident alone is never a surge
TRIGGER: Final = 1.2
"""Log10 of a window's term from which on a cell is looked at closely."""
MEAN_FLOOR: Final = 1e-4
_TOP: Final = 1e250  # evidence beyond this is cut; keeps products finite


def ratio(n: int, mu: float, hours: int, phi: float, cv2: float) -> float:
    """Likelihood ratio of an ongoing surge over the past in one window; 0.0 where n is not above mu.

    Costs about 1 µs.
    """
    if n <= mu:
        return 0.0
    mu = max(mu, MEAN_FLOOR)
    r = mu / (phi - 1.0 + cv2 * mu)
    total = 0.0
    for per_hour, share, weight in STRENGTHS:
        more = mu + per_hour * hours + share * mu
        t = (mu + r) / (more + r)
        try:
            total += weight * (more / mu * t) ** n * t**r
        except OverflowError:
            return _TOP
    return min(total, _TOP)


def terms(counts: Sequence[int], means: Sequence[float], phi: float, cv2: float) -> list[float]:
    """The ratio of each window."""
    windows = zip(counts, means, WINDOW_HOURS, strict=True)
    return [0.0 if n <= mu else ratio(n, mu, hours, phi, cv2) for n, mu, hours in windows]


_GRID_BITS = 5  # leading bits of the mantissa: neighbouring means differ by 1.6 to 3.1 %
_GRID_POINTS = 26 << _GRID_BITS  # from 2^-14 to 4,096; above it the last count is kept
_GRID_SHIFT = 52 - _GRID_BITS
_GRID_START = 2.0**-14
_FIRST_BITS = int(np.float64(_GRID_START).view(np.int64)) >> _GRID_SHIFT


class CriticalCounts:
    """Counts below which no window's term reaches 10^least, looked up on a grid of means per dispersion.

    The place on the grid is read from a mean's leading bits: no logarithm, no search.

    Means and phi are rounded down to the grid, so a count may be a little low but never too high: where one is
    reached the exact evidence decides.
    """

    def __init__(self, least: float) -> None:
        self._least = least
        self._kind_of: dict[tuple[int, float], int] = {}
        self._tables = np.zeros((0, len(WINDOW_HOURS), _GRID_POINTS), np.int64)
        self._lists: list[list[list[int]]] = []  # the same: a list costs a tenth for single rows

    def kind(self, phi: float, cv2: float) -> int:
        """A number for this dispersion, to ask with."""
        key = (int(phi * 20.0), cv2)
        kind = self._kind_of.get(key)
        if kind is None:
            kind = self._kind_of[key] = len(self._tables)
            table = _critical_table(max(1.01, key[0] / 20.0), cv2, self._least)
            self._tables = np.concatenate([self._tables, table[None]])
            self._lists.append(table.tolist())
        return kind

    def of(self, mu: NDArray[np.float64], kinds: NDArray[np.int64]) -> NDArray[np.int64]:
        """(window, cell) means and (cell,) kinds → (window, cell) counts."""
        at = (np.maximum(mu, _GRID_START).view(np.int64) >> _GRID_SHIFT) - _FIRST_BITS
        np.minimum(at, _GRID_POINTS - 1, out=at)
        at += kinds * (len(WINDOW_HOURS) * _GRID_POINTS)
        at += (np.arange(len(WINDOW_HOURS)) * _GRID_POINTS)[:, None]
        found: NDArray[np.int64] = self._tables.take(at)
        return found

    def of_one(self, means: Sequence[float], kind: int) -> list[int]:
        """The counts of one cell's windows."""
        return [table[_grid_point(mu)] for mu, table in zip(means, self._lists[kind], strict=True)]


def _grid_point(mu: float) -> int:
    mantissa, exponent = math.frexp(max(mu, _GRID_START))
    leading = int(mantissa * (2 << _GRID_BITS)) - (1 << _GRID_BITS)
    return min(((exponent + 13) << _GRID_BITS) + leading, _GRID_POINTS - 1)


def _critical_table(phi: float, cv2: float, least: float) -> NDArray[np.int64]:
    """(window, grid mean) → the smallest count with which a window's term can be 10^least."""
    bits = np.arange(_FIRST_BITS, _FIRST_BITS + _GRID_POINTS, dtype=np.int64) << _GRID_SHIFT
    mu = bits.view(np.float64)
    r = mu / (phi - 1.0 + cv2 * mu)
    found = np.full((len(WINDOW_HOURS), _GRID_POINTS), np.inf)
    for i, (hours, weight) in enumerate(zip(WINDOW_HOURS, WEIGHTS, strict=True)):
        for per_hour, share, prior in STRENGTHS:
            more = mu + per_hour * hours + share * mu
            t = (mu + r) / (more + r)
            wanted = math.log(10.0**least / (len(STRENGTHS) * prior * weight))
            found[i] = np.minimum(found[i], (wanted - r * np.log(t)) / np.log(more / mu * t))
    counts: NDArray[np.int64] = np.maximum(np.ceil(found - 1e-9), LEAST_COUNT).astype(np.int64)
    return counts
