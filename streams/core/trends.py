"""Slow trends: weekly counts against their own level, trend and season, and the evidence that they are above it.

    log mean(t) = a + b·t + Σ_{j=1,2} c_j·cos(2πjt/52) + d_j·sin(2πjt/52)        variance = phi · mean

fitted by iteratively reweighted least squares over all series at once. Each coefficient but the level has a normal
prior around 0 (`PRIOR_PRECISION`), so that a short past has no wild trend or season; weeks far above the curve count
less, so that past outbreaks do not raise it; the newest weeks are left out, so that one that goes on does not either.

The evidence is the likelihood ratio of an excess over the last one, two or three weeks, summed over these and over
its size in standard deviations of a week.

Source: quasi-Poisson regression with down-weighting as in Noufaily et al., Statistics in Medicine 2013 ("Farrington
Flexible"), 1.5·(y^⅔ - μ^⅔)/(μ^⅙ √phi) being Anscombe residuals; the excess as in `evidence`.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SPANS: Final = (1, 2, 3)  # weeks of an excess that ends now
SIZES: Final = ((2.0, 0.4), (4.0, 0.35), (8.0, 0.25))  # (standard deviations of a week in all, prior weight)
GUARD_WEEKS: Final = (
    10  # the newest weeks are not part of the curve; a quarter of the past where that is short
)
LEAST_WEEKS: Final = 8  # below this much past nothing is said
PRIOR_PRECISION: Final = (1e-6, 4.0, 8.0, 8.0, 8.0, 8.0)  # level; trend per 5 years; season
SEASONS_WEEKS: Final = (
    104  # a past shorter than two years says little of season and trend: they are held closer to 0
)
ROUNDS: Final = 8
_FAR: Final = 2.0  # Anscombe residuals above it are down-weighted
_DISPERSION, _DISPERSION_WEEKS = 1.3, 10.0  # prior phi, and what it weighs
_ETA: Final = (-8.0, 12.0)  # bounds of the log mean


@dataclass(frozen=True, slots=True)
class Curve:
    """What is expected of each series in its newest weeks.

    mean: (series, span) → expected counts of the last `span` weeks, newest first.
    phi: (series,) → variance over mean.
    error: (series,) → squared relative error of the newest mean.
    """

    mean: Floats
    phi: Floats
    error: Floats


def weekly_design(weeks: Floats, now: float) -> Floats:
    """(week, coefficient): level, trend in units of five years before `now`, two harmonics of the year."""
    angle = 2.0 * np.pi * weeks / 52.0
    waves = (np.cos(angle), np.sin(angle), np.cos(2.0 * angle), np.sin(2.0 * angle))
    return np.stack([np.ones_like(weeks), (weeks - now) / 260.0, *waves], 1)


def fit_curves(counts: Floats, usable: NDArray[np.bool_] | None = None) -> Curve:
    """Fit the past and expect the newest weeks.

    Args:
        counts: (series, week) → counts ≥ 0; the last column is the week in question.
        usable: (week,) → False for weeks that were not (wholly) observed.

    Returns:
        The curve; O(series · weeks · rounds).
    """
    length = counts.shape[1]
    guard = min(GUARD_WEEKS, max(1, length // 4))
    weeks = np.arange(length, dtype=float)
    design = weekly_design(weeks, length - 1.0)
    past = slice(0, length - guard)
    seen = np.ones(length) if usable is None else usable.astype(float)
    beta, phi, covariance = _regress(counts[:, past], design[past], seen[past])
    newest = design[: -len(SPANS) - 1 : -1]
    mean: Floats = np.exp(np.clip(beta @ newest.T, *_ETA))
    error = (np.matmul(newest[0], covariance) * newest[0]).sum(-1)
    return Curve(mean, phi, error)


def _regress(counts: Floats, design: Floats, seen: Floats) -> tuple[Floats, Floats, Floats]:
    """Coefficients, dispersion and covariance per series."""
    series, p = len(counts), design.shape[1]
    beta = np.zeros((series, p))
    held = max(1.0, SEASONS_WEEKS / max(1, len(design))) ** 2
    beta[:, 0] = np.log((counts * seen).sum(1) / max(1.0, seen.sum()) + 0.05)
    weight, phi = np.tile(seen, (series, 1)), np.full(series, _DISPERSION)
    prior = np.diag([PRIOR_PRECISION[0], *(held * each for each in PRIOR_PRECISION[1:])])
    squares = (design[:, :, None] * design[:, None, :]).reshape(len(design), -1)
    information = np.tile(prior, (series, 1, 1))
    for _ in range(ROUNDS):
        eta = np.clip(beta @ design.T, *_ETA)
        mean = np.exp(eta)
        load = mean * weight / phi[:, None]
        information = (load @ squares).reshape(series, p, p) + prior
        target = (load * (eta + (counts - mean) / mean)) @ design
        beta = np.clip(np.linalg.solve(information, target[..., None])[..., 0], -15.0, 15.0)
        mean = np.exp(np.clip(beta @ design.T, *_ETA))
        pearson = (weight * (counts - mean) ** 2 / mean).sum(1)
        degrees = np.maximum(weight.sum(1) - p, 0.0)
        phi = np.maximum(1.0, (pearson + _DISPERSION_WEEKS * _DISPERSION) / (degrees + _DISPERSION_WEEKS))
        anscombe = 1.5 * (counts ** (2 / 3) - mean ** (2 / 3)) / (mean ** (1 / 6) * np.sqrt(phi)[:, None])
        weight = seen * np.where(anscombe > _FAR, (_FAR / np.maximum(anscombe, _FAR)) ** 2, 1.0)
    return beta, phi, np.linalg.inv(information)


def excess(newest: Floats, curve: Curve) -> tuple[Floats, NDArray[np.int64]]:
    """Log10 of the evidence of an excess per series, and the index of the span that speaks most.

    Args:
        newest: (series, span) → counts of the last weeks, newest first.
        curve: what was expected of them.
    """
    terms = np.zeros((len(newest), len(SPANS)))
    for i, span in enumerate(SPANS):
        n, mu = newest[:, :span].sum(1), np.maximum(curve.mean[:, :span].sum(1), 1e-4)
        r = mu / np.maximum(curve.phi - 1.0 + curve.error * mu, 0.02)
        week = np.sqrt(mu / span * curve.phi)
        for deviations, weight in SIZES:
            more = mu + deviations * week
            t = (mu + r) / (more + r)
            terms[:, i] += (
                weight / len(SPANS) * np.exp(np.minimum(n * np.log(more / mu * t) + r * np.log(t), 500.0))
            )
    return np.log10(terms.sum(1)), terms.argmax(1)


def weekly_scores(counts: Floats, first: int, last: int) -> Floats:
    """(series, week) → score of weeks `first` … `last` (1 is the first column), each from nothing after it."""
    found = []
    for week in range(first, last + 1):
        known = counts[:, :week]
        found.append(excess(known[:, : -len(SPANS) - 1 : -1], fit_curves(known))[0])
    return np.stack(found, 1)
