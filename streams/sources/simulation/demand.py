"""How many calls are to be expected: per kind, hour of the week and zone. No randomness here."""

from collections.abc import Iterable

from schemas.vocabulary import CrimeType
from streams.sources.simulation.city import City
from streams.sources.simulation.config import HOUR_MS, Config
from streams.sources.simulation.profiles import PROFILES
from streams.sources.simulation.rhythms import RHYTHMS

WEEK_H = 168
EPOCH_HOUR = 72  # hour of the week, from Monday 00:00, of 1970-01-01T00:00: a Thursday


class Demand:
    """The means of the simulated city."""

    def __init__(self, config: Config, city: City) -> None:
        """Work the hourly means of a week out."""
        self._shares = city.shares
        self._offset_ms = round(config.utc_offset_h * HOUR_MS)
        self.hourly = tuple(
            self._week(profile.rhythm, config.incidents_per_day * profile.share / 24) for profile in PROFILES
        )

    def hour_of_week(self, at_ms: int) -> int:
        """Local hour of the week, 0 to 167, Monday 00:00 being 0."""
        return ((at_ms + self._offset_ms) // HOUR_MS + EPOCH_HOUR) % WEEK_H

    def expected(self, crime_type: CrimeType, zones: Iterable[int], start_ms: int, end_ms: int) -> float:
        """Mean number of calls of a type in these zones in `[start_ms, end_ms)`, without surges."""
        total = 0.0
        zones = tuple(zones)
        for number, profile in enumerate(PROFILES):
            if profile.crime_type is crime_type:
                share = sum(self._shares[number][zone] for zone in zones)
                total += share * sum(self._parts(number, start_ms, end_ms))
        return total

    def _parts(self, number: int, start_ms: int, end_ms: int) -> Iterable[float]:
        at = start_ms
        while at < end_ms:
            until = min((at // HOUR_MS + 1) * HOUR_MS, end_ms)
            yield self.hourly[number][self.hour_of_week(at)] * (until - at) / HOUR_MS
            at = until

    @staticmethod
    def _week(rhythm: str, mean: float) -> tuple[float, ...]:
        hours, days = RHYTHMS[rhythm]
        week = [hours[hour % 24] * days[hour // 24] for hour in range(WEEK_H)]
        level = mean * WEEK_H / sum(week)
        return tuple(level * factor for factor in week)
