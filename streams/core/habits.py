"""Habits of recording that look like surges: times rounded to the hour or its quarters, and the first of the month.

A third of a city's records may say exactly 14:00, and what nobody knows the day of is booked on the 1st at midnight.
Both are learnt, per type, and expected:

- `shares`: how an hour's incidents lie on its four marks (:00, :15, :30, :45) and between them, by local hour of day;
- `first`: how much more comes on the first of a month, in its first hour and in the others.

Each share is shrunk to the city's, that to the whole day's, that to an even spread, with `_EVENTS` events each. The
first of the month starts from what `_FIRST` says, for `_FIRST_EVENTS` incidents, and each type from all of them; but
calls for service (`CALLS`) are stamped as they come, so for them it is a day like others until it has shown otherwise.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from schemas.vocabulary import ANY, CrimeType
from streams.core.profiles import Floats
from streams.core.recent import Ints

QUARTERS: Final = 4
_EVENTS: Final = 30.0
_FIRST: Final = (
    2.0,
    1.1,
)  # first hour of the month, other hours of that day: the shape of two cities' records
_FIRST_EVENTS: Final = 15.0
_FIRST_MOST: Final = 20.0
CALLS: Final = frozenset(
    {
        CrimeType.MEDICAL,
        CrimeType.STRUCTURE_FIRE,
        CrimeType.OTHER_FIRE,
        CrimeType.ALARM,
        CrimeType.TRAFFIC_COLLISION,
        CrimeType.HAZMAT,
        CrimeType.RESCUE,
        CrimeType.WELFARE_CHECK,
        CrimeType.DISTURBANCE,
        CrimeType.SUSPICIOUS,
        CrimeType.TRAFFIC_STOP,
        CrimeType.SERVICE,
    }
)
"""Types whose records are made while somebody is on the telephone."""


class Habits:
    """Sums per type, and what follows from them at a fit."""

    def __init__(self, quarter_panes: int) -> None:
        self._even = np.repeat([[1.0, quarter_panes - 1.0]], QUARTERS, 0) / (QUARTERS * quarter_panes)
        self.marks: dict[str, Floats] = {}  # type → (hour of day, quarter, on its mark or after it) events
        self.firsts: dict[str, Floats] = {}  # type → (first hour or other, observed or expected) events
        self.types: dict[str, int] = {ANY: 0}
        self.shares: Floats = self._fit_shares()
        self.first: Floats = self._fit_firsts()
        self.at_once: Floats = self._fit_at_once()

    def count(self, crime_types: Sequence[str], hours_of_day: Ints, places: Ints, n: Ints) -> None:
        """`n` incidents in hours of day, at places in the hour: 2·quarter, + 1 when after its mark."""
        numbers = {crime_type: i for i, crime_type in enumerate(dict.fromkeys(crime_types))}
        of = np.array([numbers[crime_type] for crime_type in crime_types])
        for crime_type, i in numbers.items():
            mine = of == i
            for name in (crime_type, ANY):
                sums = self.marks.setdefault(name, np.zeros((24, QUARTERS, 2)))
                np.add.at(sums.reshape(24, -1), (hours_of_day[mine], places[mine]), n[mine])

    def count_first(self, crime_type: str, hour_of_day: int, observed: float, expected: float) -> None:
        """What an hour of the first of a month brought, and what a usual day would have."""
        sums = self.firsts.setdefault(crime_type, np.zeros((2, 2)))
        sums[0 if hour_of_day == 0 else 1] += (observed, expected)

    def decay(self, factor: float) -> None:
        """Let time pass over the shares; firsts of months are rare and kept."""
        for sums in self.marks.values():
            np.multiply(sums, factor, out=sums)

    def fit(self) -> None:
        """Take the sums as the habits from now on."""
        self.types = {name: i for i, name in enumerate([ANY, *sorted({*self.marks, *self.firsts} - {ANY})])}
        self.shares, self.first = self._fit_shares(), self._fit_firsts()
        self.at_once = self._fit_at_once()

    def _fit_shares(self) -> Floats:
        """(type, hour of day, quarter, edge) → share of the hour gone: before the mark, after it, at the end."""
        city = self.marks.get(ANY, np.zeros((24, QUARTERS, 2)))
        day = (city.sum(0) + _EVENTS * self._even) / (city.sum() + _EVENTS)
        hour = (city + _EVENTS * day) / (city.sum((1, 2), keepdims=True) + _EVENTS)
        shares = np.empty((len(self.types), 24, QUARTERS, 3))
        for name, i in self.types.items():
            own = self.marks.get(name, np.zeros((24, QUARTERS, 2))) if i else city
            part = (own + _EVENTS * hour) / (own.sum((1, 2), keepdims=True) + _EVENTS)
            gone = np.cumsum(part.reshape(24, -1), 1).reshape(24, QUARTERS, 2)
            shares[i, :, 1:, 0] = gone[:, :-1, 1]
            shares[i, :, 0, 0] = 0.0
            shares[i, :, :, 1:] = gone
        return shares

    def _fit_firsts(self) -> Floats:
        """(type, first hour or other) → how many times the usual comes on the first of a month, at least once."""
        booked = [sums for name, sums in self.firsts.items() if name != ANY and name not in CALLS]
        crimes = _more(sum(booked, np.zeros((2, 2))), np.array(_FIRST))
        found = np.ones((len(self.types), 2))
        for name, i in self.types.items():
            if i:
                prior = np.ones(2) if name in CALLS else crimes
                found[i] = _more(self.firsts.get(name, np.zeros((2, 2))), prior)
        city = crimes + (1.0 - crimes) * (1.0 - self._fit_at_once()[0])
        found[0] = _more(self.firsts.get(ANY, np.zeros((2, 2))), city)
        return np.clip(found, 1.0, _FIRST_MOST)

    def _fit_at_once(self) -> Floats:
        """(type,) → share of its records that may all be booked in the first minute of a month; of all types the mean."""
        share = np.array([float(name not in CALLS) for name in self.types])
        seen = np.array(
            [self.marks[name].sum() if name in self.marks and i else 0.0 for name, i in self.types.items()]
        )
        if seen.sum() > 0.0:
            share[0] = (seen * share).sum() / seen.sum()
        return share

    def snapshot(self) -> Any:
        """The sums by type, and those whose habits are in force."""
        return {
            "marks": {name: sums.tolist() for name, sums in self.marks.items()},
            "firsts": {name: sums.tolist() for name, sums in self.firsts.items()},
            "fitted": len(self.types) > 1 or bool(self.marks),
        }

    def restore(self, state: Any) -> None:
        """Take `snapshot` back."""
        self.marks = {name: np.array(sums) for name, sums in state["marks"].items()}
        self.firsts = {name: np.array(sums) for name, sums in state["firsts"].items()}
        if state["fitted"]:
            self.fit()


def _more(sums: Floats, prior: Floats) -> Floats:
    """Observed over expected, (first hour or other,), pulled to the prior."""
    ratio: Floats = (sums[:, 0] + _FIRST_EVENTS * prior) / (sums[:, 1] + _FIRST_EVENTS)
    return ratio
