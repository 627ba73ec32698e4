"""How often a score happens by chance, and the threshold that keeps the city's budget of false alerts.

Scores are the log10 of evidence. Over a whole city they come in episodes; the peaks of episodes above a base fall off
exponentially:

    rate(s) = rate(base) · 10^(-slope · (s - base))        episodes a day in the whole city

Both numbers follow from recent episodes (decayed on event time), starting from what simulated cities showed. Peaks far
above the base are cut off, so that real surges do not make chance look wilder than it is.
"""

import math
from dataclasses import dataclass
from typing import Any

_LN10 = math.log(10.0)


@dataclass(frozen=True, slots=True)
class BudgetRules:
    """What the city asks for, and how the tail of scores is learnt."""

    false_alerts_per_day: float = 2.0
    base: float = 2.0  # scores below are not looked at
    memory_days: float = 28.0  # time constant of what is learnt
    prior_days: float = 4.0  # weight of the prior rate
    prior_episodes: float = 40.0  # weight of the prior slope
    prior_per_incident: float = 0.02  # episodes above the base per incident
    prior_slope: float = 0.9
    cut: float = 1.5  # peaks count at most this far above the base


class Budget:
    """The tail of recent episode peaks."""

    def __init__(self, rules: BudgetRules) -> None:
        self.rules = rules
        self.days = self.episodes = self.excess = self.inside = self.incidents = 0.0

    def close(self, peak: float) -> None:
        """An episode that is over had this greatest score."""
        above = peak - self.rules.base
        self.episodes += 1.0
        self.excess += min(above, self.rules.cut)
        self.inside += above < self.rules.cut

    def pass_day(self, days: float, incidents: float) -> None:
        """`days` of observed time with so many incidents went by."""
        keep = math.exp(-days / self.rules.memory_days)
        for name in ("days", "episodes", "excess", "inside", "incidents"):
            setattr(self, name, getattr(self, name) * keep)
        self.days += days
        self.incidents += incidents

    @property
    def base_rate(self) -> float:
        """Episodes a day above the base."""
        rules = self.rules
        per_day = self.incidents / self.days if self.days else 1.0
        prior = rules.prior_per_incident * max(per_day, 1.0)
        return (self.episodes + prior * rules.prior_days) / (self.days + rules.prior_days)

    @property
    def slope(self) -> float:
        """Decades of rarity per unit of score: censored exponential maximum likelihood, pulled to the prior."""
        rules = self.rules
        prior_excess = rules.prior_episodes / (rules.prior_slope * _LN10)
        return (self.inside + rules.prior_episodes) / ((self.excess + prior_excess) * _LN10)

    def per_day(self, score: float) -> float:
        """Episodes a day that reach `score` by chance, whole city."""
        return self.base_rate * math.exp(-_LN10 * self.slope * (score - self.rules.base))

    @property
    def threshold(self) -> float:
        """The score that chance reaches `false_alerts_per_day` times a day."""
        rules = self.rules
        return max(
            rules.base, rules.base + math.log10(self.base_rate / rules.false_alerts_per_day) / self.slope
        )

    def snapshot(self) -> Any:
        """The sums behind the tail."""
        return [self.days, self.episodes, self.excess, self.inside, self.incidents]

    def restore(self, state: Any) -> None:
        """Take `snapshot` back."""
        self.days, self.episodes, self.excess, self.inside, self.incidents = state
