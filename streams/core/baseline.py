"""What is expected: a rate per zone and type and hour of the week, from decayed sums of what was counted.

    rate(cell, hour of week) = level(cell) · profile(type, hour of week) · own(cell, hour of day)

Sums are folded once per refit, on event time, behind a guard that keeps what happens now out of its own yardstick.
Memory does not grow with time: per cell 24 sums by hour of day and one recent level, per type 168.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from schemas.vocabulary import ANY
from streams.core.civil import WEEK_H
from streams.core.profiles import Floats, own_hours, week_profile
from streams.core.recent import Ints


@dataclass(frozen=True, slots=True)
class BaselineRules:
    """How the past becomes an expectation. Weights are in events, tuned on simulated cities (bench/detection.py)."""

    level_days: float = 14.0  # time constant of the level: as much information as 28 plain days
    profile_days: float = 70.0  # time constant of rhythms and long-run levels
    level_weight: float = 20.0  # pull of a recent level towards the long-run one
    cell_weight: float = 3.0  # pull of a long-run level towards zone share × type rate
    hours_weight: float = 60.0  # pull of a cell's hours of day towards its type's
    day_weight: float = 10.0  # pull of a type's hours and weekdays towards the city's
    week_weight: float = 30.0  # pull of single hours of the week towards hour × weekday
    dispersion: float = 1.15  # prior phi of a type
    dispersion_weight: float = 100.0
    cv2: float = 0.07  # squared relative error of a cell's expectation
    city_cv2: float = 0.01  # the same of city totals
    learning_days: float = 14.0  # below this much observed time every answer is marked as learning


@dataclass(frozen=True, slots=True)
class Expectation:
    """The fitted rates per hour: rate[row, hour of week]; and the dispersion per row."""

    rate: Floats
    phi: Floats
    cv2: Floats
    zone_share: dict[str, float]
    type_rate: dict[str, Floats]
    city_profile: Floats

    def of_new(self, zone: str, crime_type: str) -> Floats:
        """Rates of a cell that came after the fit: its zone's share of its type's rate, or the least of both known."""
        least = min(self.zone_share.values(), default=1.0)
        share = 1.0 if zone == ANY else self.zone_share.get(zone, least)
        rate = self.type_rate.get(crime_type)
        if rate is None:
            rate = self.city_profile * min((float(r.mean()) for r in self.type_rate.values()), default=0.0)
        return share * rate


class Baseline:
    """Decayed sums per row, where a row is a cell, or a city total (zone `*`)."""

    def __init__(self, rules: BaselineRules) -> None:
        self.rules = rules
        self.cells: list[tuple[str, str]] = []
        self.recent = np.zeros(0)  # row → events, level_days
        self.hours = np.zeros((0, 24))  # row → events by hour of day, profile_days
        self.weeks: dict[str, Floats] = {}  # type → events by hour of week in the city, profile_days
        self.seen_recent = np.zeros(WEEK_H)  # hours observed per hour of week, level_days
        self.seen = np.zeros(WEEK_H)  # the same, profile_days
        self.hours_seen = 0.0  # plain hours observed since the beginning
        self.spread: dict[tuple[bool, str], Floats] = {}  # (city total?, type) → Σ(n-μ)²-μ, Σμ, Σμ²

    def add_row(self, zone: str, crime_type: str) -> int:
        """Room for one more cell; its sums are zero."""
        row = len(self.cells)
        self.cells.append((zone, crime_type))
        if row >= len(self.recent):
            room = max(64, 2 * row)
            self.recent = np.concatenate([self.recent, np.zeros(room - row)])
            self.hours = np.concatenate([self.hours, np.zeros((room - row, 24))])
        if zone == ANY:
            self.weeks.setdefault(crime_type, np.zeros(WEEK_H))
        return row

    @property
    def learning(self) -> bool:
        """Whether less than `learning_days` were observed."""
        return self.hours_seen < 24 * self.rules.learning_days

    def decay(self, days: float) -> None:
        """Let `days` pass over all sums."""
        fast, slow = np.exp(-days / self.rules.level_days), np.exp(-days / self.rules.profile_days)
        self.recent *= fast
        self.seen_recent *= fast
        self.hours *= slow
        self.seen *= slow
        for sums in (*self.weeks.values(), *self.spread.values()):
            np.multiply(sums, slow, out=sums)

    def see(self, hours_of_week: Sequence[int]) -> None:
        """These hours were observed, whether or not anything happened in them."""
        at = np.asarray(hours_of_week, np.int64)
        np.add.at(self.seen, at, 1.0)
        np.add.at(self.seen_recent, at, 1.0)
        self.hours_seen += len(at)

    def count(self, rows: Ints, hours_of_week: Ints, n: Floats) -> None:
        """`n` events of `rows` in `hours_of_week`; city totals are rows like others."""
        np.add.at(self.recent, rows, n)
        np.add.at(self.hours, (rows, hours_of_week % 24), n)
        city = np.array([zone == ANY for zone, _ in self.cells])[rows]
        entries = (rows[city].tolist(), hours_of_week[city].tolist(), n[city].tolist())
        for row, how, count in zip(*entries, strict=True):
            self.weeks[self.cells[row][1]][how] += count

    def note_spread(self, expectation: Expectation, counts: Floats, expected: Floats) -> None:
        """Compare blocks of hours with what had been expected of them: (row, block) counts and means."""
        rows = len(counts)
        variance = expectation.phi[:rows, None] * expected + expectation.cv2[:rows, None] * expected**2
        square = np.minimum(
            (counts - expected) ** 2, 12.0 * np.maximum(variance, 0.3)
        )  # surges are not noise
        parts = [(square - expected).sum(1), expected.sum(1), (expected**2).sum(1)]
        keys: dict[tuple[bool, str], int] = {}
        of = [keys.setdefault((zone == ANY, kind), len(keys)) for zone, kind in self.cells[:rows]]
        for key, *sums in zip(keys, *(np.bincount(of, part, len(keys)) for part in parts), strict=True):
            self.spread[key] = self.spread.get(key, 0.0) + np.array(sums)

    def fit(self) -> Expectation:
        """The expectation that follows from the sums."""
        rules, rows = self.rules, len(self.cells)
        types = sorted(self.weeks)
        city = week_profile(self.weeks[ANY], self.seen, np.ones(WEEK_H), rules.day_weight, rules.week_weight)
        weeks = np.stack([self.weeks[t] for t in types])
        profiles = week_profile(
            weeks, self.seen, np.broadcast_to(city, weeks.shape), rules.day_weight, rules.week_weight
        )
        at = {t: i for i, t in enumerate(types)}
        type_of = np.array([at[t] for _, t in self.cells])
        shares = (profiles * self.seen).reshape(-1, 7, 24).sum(1)
        shares /= np.maximum(shares.sum(-1, keepdims=True), 1e-9)
        own = own_hours(self.hours[:rows], shares[type_of], rules.hours_weight)
        shape = profiles[type_of]
        shape.reshape(rows, 7, 24)[...] *= own[:, None]
        level, zone_share = self._levels(shape)
        shape *= level[:, None]  # from here on the rates
        phi, cv2 = self._dispersion()
        long_run = {t: (w.sum() + 0.5) / max(self.seen.sum(), 24.0) for t, w in self.weeks.items()}
        return Expectation(
            shape,
            phi,
            cv2,
            zone_share,
            {t: long_run[t] * profiles[at[t]] for t in types},
            city,
        )

    def _levels(self, shape: Floats) -> tuple[Floats, dict[str, float]]:
        """Level per row: recent, pulled to the long run, pulled to zone share × type rate."""
        rules, rows = self.rules, len(self.cells)
        total, recent = self.hours[:rows].sum(1), self.recent[:rows]
        long_hours = np.einsum("rh,h->r", shape, self.seen)
        recent_hours = np.einsum("rh,h->r", shape, self.seen_recent)
        zones: dict[str, float] = {}
        for (zone, crime_type), n in zip(self.cells, total.tolist(), strict=True):
            if ANY not in (zone, crime_type):
                zones[zone] = zones.get(zone, 0.0) + n
        city = max(sum(zones.values()), 1.0)
        share = {zone: (n + 0.5) / city for zone, n in zones.items()}
        by_type = {t: w.sum() + 0.5 for t, w in self.weeks.items()}
        prior = np.array([by_type[t] * share.get(z, 1.0) for z, t in self.cells]) / np.maximum(
            long_hours, 1e-9
        )
        k = rules.cell_weight
        long_run = (total + k) / (long_hours + k / prior)
        k = rules.level_weight
        return (recent + k) / (recent_hours + k / long_run), share

    def _dispersion(self) -> tuple[Floats, Floats]:
        """Dispersion per row (phi, cv2): moments of past errors by type, pulled to the prior."""
        rules = self.rules
        w = rules.dispersion_weight
        found: dict[tuple[bool, str], float] = {}
        for key, (excess, mean, square) in self.spread.items():
            error = (rules.city_cv2 if key[0] else rules.cv2) * square
            found[key] = min(
                5.0, max(1.01, 1.0 + (excess - error + w * (rules.dispersion - 1.0)) / (mean + w))
            )
        city = [zone == ANY for zone, _ in self.cells]
        keys = zip(city, (kind for _, kind in self.cells), strict=True)
        phi = np.array([found.get(key, rules.dispersion) for key in keys])
        return phi, np.where(city, rules.city_cv2, rules.cv2)

    def snapshot(self, rows: int) -> Any:
        """All sums of the first `rows` rows as lists of numbers; rows added since the last fit hold none."""
        fitted = {t for zone, t in self.cells[:rows] if zone == ANY}
        return {
            "cells": [list(cell) for cell in self.cells[:rows]],
            "recent": self.recent[:rows].tolist(),
            "hours": self.hours[:rows].tolist(),
            "weeks": {t: w.tolist() for t, w in self.weeks.items() if t in fitted},
            "seen_recent": self.seen_recent.tolist(),
            "seen": self.seen.tolist(),
            "hours_seen": self.hours_seen,
            "spread": [[city, t, sums.tolist()] for (city, t), sums in self.spread.items()],
        }

    def restore(self, state: Any) -> None:
        """Take `snapshot` back."""
        self.cells = [(zone, crime_type) for zone, crime_type in state["cells"]]
        self.recent = np.array(state["recent"], float)
        self.hours = np.array(state["hours"], float).reshape(-1, 24)
        self.weeks = {t: np.array(w, float) for t, w in state["weeks"].items()}
        self.seen_recent, self.seen = np.array(state["seen_recent"]), np.array(state["seen"])
        self.hours_seen = state["hours_seen"]
        self.spread = {(city, t): np.array(sums) for city, t, sums in state["spread"]}
