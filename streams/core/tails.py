"""How rare a count is: upper tails of the negative binomial, in plain Python.

A count with mean mu has variance phi·mu + cv2·mu² (phi: clumping of events, cv2: error of the mean itself). As a
negative binomial with size r and success probability 1 - q:

    r = mu / (phi - 1 + cv2·mu)        q = 1 - 1 / (phi + cv2·mu)        P(N >= n) = I_q(n, r)

Source: Johnson, Kemp, Kotz, Univariate Discrete Distributions, 3rd ed., 5.6; the continued fraction of the
incomplete beta function I is DLMF 8.17.22, evaluated by the modified Lentz method.
"""

import math

_LN10 = math.log(10.0)
_TINY = 1e-300
_POISSON = 1.0001  # a variance ratio as good as Poisson's; keeps r finite
_FALLING = 0.5  # ratio of neighbouring terms below which they are summed
_EXACT = 1e-11
_ROUNDS = 500  # of the continued fraction; some 3·sqrt(n) are used


def shape(mu: float, phi: float, cv2: float) -> tuple[float, float]:
    """Size r and q of the negative binomial with mean `mu` and variance phi·mu + cv2·mu²."""
    ratio = phi + cv2 * mu
    ratio = max(ratio, _POISSON)
    return mu / (ratio - 1.0), 1.0 - 1.0 / ratio


def rarity(n: int, mu: float, phi: float, cv2: float) -> float:
    """-log10 P(N >= n): 3.0 is one in a thousand; 0.0 for n <= 0.

    Exact to some 1e-9 of its value. Costs about 2 µs while n is some way above mu.
    """
    if n <= 0:
        return 0.0
    r, q = shape(max(mu, 1e-9), phi, cv2)
    log_point = (
        math.lgamma(n + r) - math.lgamma(n + 1.0) - math.lgamma(r) + n * math.log(q) + r * math.log1p(-q)
    )
    ratio = q * (n + r) / (n + 1.0)
    if ratio < _FALLING:  # the terms fall at least by half: sum them
        term = total = 1.0
        k = n
        while term > 1e-10 * total:
            term *= q * (k + r) / (k + 1.0)
            total += term
            k += 1
        return max(0.0, -(log_point + math.log(total)) / _LN10)
    if q * (n + r + 2.0) < n + 1.0:  # above the mean: the fraction converges fast
        return max(0.0, -(log_point + math.log(_fraction(q, float(n), r))) / _LN10)
    below = math.exp(log_point) * n / r * _fraction(1.0 - q, r, float(n))
    return max(0.0, -math.log1p(-min(below, 1.0 - 1e-16)) / _LN10)


def _fraction(x: float, a: float, b: float) -> float:
    """The continued fraction of I_x(a, b)·a·B(a, b) / (x^a·(1-x)^b), DLMF 8.17.22; for x < (a+1)/(a+b+2)."""
    c, d = 1.0, 1.0 - (a + b) * x / (a + 1.0)
    d = 1.0 / (d if abs(d) > _TINY else _TINY)
    value = d
    for m in range(1, _ROUNDS):
        even = m * (b - m) * x / ((a + 2 * m - 1.0) * (a + 2 * m))
        d = 1.0 + even * d
        c = 1.0 + even / c
        d = 1.0 / (d if abs(d) > _TINY else _TINY)
        value *= d * c
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1.0))
        d = 1.0 + odd * d
        c = 1.0 + odd / (c if abs(c) > _TINY else _TINY)
        d = 1.0 / (d if abs(d) > _TINY else _TINY)
        step = d * c
        value *= step
        if abs(step - 1.0) < _EXACT:
            break
    return value
