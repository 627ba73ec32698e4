"""Rates beside each other, with the intervals that so few events allow."""

from dataclasses import dataclass
from typing import Any, Final

from scipy.stats import beta, chi2

_LEVEL: Final = 0.95


@dataclass(frozen=True, slots=True)
class Ratio:
    """How many times as often alerts came up per day, or per incident, in one part as in the rest; 95 % interval."""

    inside: int
    inside_of: float  # days, or incidents
    outside: int
    outside_of: float

    @property
    def value(self) -> float | None:
        """None where there is nothing to compare with."""
        if not (self.outside and self.inside_of and self.outside_of):
            return None
        return (self.inside / self.inside_of) / (self.outside / self.outside_of)

    @property
    def interval(self) -> tuple[float, float | None]:
        """Of two Poisson rates: the Clopper-Pearson interval of the share inside, as a ratio. None: no upper bound."""
        a, b, tail = self.inside, self.outside, (1.0 - _LEVEL) / 2.0
        low = float(beta.ppf(tail, a, b + 1)) if a else 0.0
        high = float(beta.ppf(1.0 - tail, a + 1, b)) if b else 1.0
        scale = self.outside_of / self.inside_of if self.inside_of else 0.0
        return low / (1.0 - low) * scale, high / (1.0 - high) * scale if high < 1.0 else None

    def written(self) -> dict[str, Any]:
        """As in report.json."""
        low, high = self.interval
        return {
            "inside": self.inside,
            "inside_of": self.inside_of,
            "outside": self.outside,
            "outside_of": self.outside_of,
            "ratio": self.value,
            "interval_95": [low, high],
        }


@dataclass(frozen=True, slots=True)
class Calibration:
    """How often episodes came up that were stated as once in so many days or rarer."""

    stated_days: float
    episodes: int
    days: float

    @property
    def observed_days(self) -> float | None:
        """Once in so many days; None where none came up."""
        return self.days / self.episodes if self.episodes else None

    @property
    def interval(self) -> tuple[float, float | None]:
        """Of the observed days between episodes: exact Poisson, 95 %. None: no upper bound."""
        tail, n = (1.0 - _LEVEL) / 2.0, self.episodes
        most = float(chi2.ppf(1.0 - tail, 2 * n + 2)) / 2.0
        least = float(chi2.ppf(tail, 2 * n)) / 2.0 if n else 0.0
        return self.days / most, self.days / least if least else None
