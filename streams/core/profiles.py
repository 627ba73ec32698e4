"""Rhythms: how a rate follows the hour of the week, shrunk from a cell to its type and from a type to the city.

All profiles are factors around a level. A profile with few counts stays near the one above it:

    factor = (counts + k) / (expected from the profile above + k)         (k in events: a gamma prior with mean 1)

Source: empirical-Bayes gamma-Poisson shrinkage (Clayton & Kaldor 1987).
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_KERNEL = (1.0, 2.0, 3.0, 2.0, 1.0)  # ± 2 h
_EFFECTIVE_BINS = sum(_KERNEL) ** 2 / sum(
    w * w for w in _KERNEL
)  # 4.3 bins' worth of counts in a smoothed one


def smoothed(values: Floats) -> Floats:
    """Weighted mean over ± 2 h along the last axis, which is a circle (a day or a week)."""
    length = values.shape[-1]
    circle = np.concatenate([values[..., -2:], values, values[..., :2]], -1)
    total = np.zeros_like(values)
    for start, weight in enumerate(_KERNEL):
        total += weight / sum(_KERNEL) * circle[..., start : start + length]
    return total


def week_profile(counts: Floats, exposure: Floats, above: Floats, day_k: float, week_k: float) -> Floats:
    """Factors by hour of the week with mean 1, shrunk towards `above` (mean 1): hour of day, weekday, then hour of week.

    Args:
        counts: (…, 168) → events ≥ 0.
        exposure: (168,) → hours observed in each hour of the week.
        above: (…, 168) → the profile to stay near.
        day_k: events of prior weight per hour of day and per weekday.
        week_k: events of prior weight per hour of week.
    """
    expected = above * exposure
    scale = counts.sum(-1) / np.maximum(expected.sum(-1), 1e-9)
    expected = expected * scale[..., None]
    shape = (*counts.shape[:-1], 7, 24)
    hours = _factor(
        _EFFECTIVE_BINS * smoothed(counts.reshape(shape).sum(-2)),
        _EFFECTIVE_BINS * smoothed(expected.reshape(shape).sum(-2)),
        day_k,
    )[..., None, :]
    by_hour = np.broadcast_to(hours, shape).reshape(counts.shape)
    expected = expected * by_hour
    days = _factor(counts.reshape(shape).sum(-1), expected.reshape(shape).sum(-1), day_k)[..., None]
    by_day = np.broadcast_to(days, shape).reshape(counts.shape)
    expected = expected * by_day
    rest = _factor(_EFFECTIVE_BINS * smoothed(counts), _EFFECTIVE_BINS * smoothed(expected), week_k)
    profile: Floats = above * by_hour * by_day * rest
    profile /= profile.mean(-1, keepdims=True)
    return profile


def own_hours(counts: Floats, expected: Floats, weight: float) -> Floats:
    """How far each cell's own hours of day depart from its type's: (cell, 24) factors.

    Args:
        counts: (cell, 24) → the cell's events.
        expected: (cell, 24) → its type's share per hour of day, sums to 1 per cell.
        weight: events of prior weight over the whole day.
    """
    total = counts.sum(-1, keepdims=True)
    factor: Floats = (smoothed(counts) + weight * expected + 1e-9) / (
        smoothed(expected) * total + weight * expected + 1e-9
    )
    return factor


def _factor(counts: Floats, expected: Floats, k: float) -> Floats:
    factor: Floats = (counts + k) / (expected + k)
    return factor
