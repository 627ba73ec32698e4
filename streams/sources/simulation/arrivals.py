"""Which calls come when: hour by hour, from means, unevenness and surges."""

import math
from operator import itemgetter
from typing import Final, NamedTuple

from streams.sources.simulation.city import City
from streams.sources.simulation.config import HOUR_MS, Config, Surge
from streams.sources.simulation.demand import Demand
from streams.sources.simulation.draws import cumulative, factor_draw, pick, poisson, stream
from streams.sources.simulation.figures import CITY_SQUARED_CV, ZONE_SQUARED_CV
from streams.sources.simulation.profiles import PROFILES
from streams.sources.simulation.surges import Surges

BLOCK_MS: Final = 6 * HOUR_MS
"""How long a kind of call keeps its share above or below the mean, in the city and in each zone."""


class Call(NamedTuple):
    """A call as it comes in."""

    received_at: int
    number: int  # of its incident, from 1
    profile: int  # index in PROFILES
    zone: int  # index in the city
    surge: bool  # whether a planted surge brought it


class Arrivals:
    """The calls of a city, to be asked for hour by hour in order."""

    def __init__(self, config: Config, city: City, demand: Demand, surges: Surges) -> None:
        """Start before the first call."""
        self._city, self._demand, self._surges = city, demand, surges
        self._uniform = stream(config.seed, "calls").random
        self._city_factor = factor_draw(self._uniform, CITY_SQUARED_CV)
        self._zone_factor = factor_draw(self._uniform, ZONE_SQUARED_CV)
        self._block = math.nan
        self._levels: list[float] = []  # [profile]
        self._places: list[list[float]] = []  # [profile] running sums over zones
        self._number = 0

    def hour(self, start_ms: int) -> list[Call]:
        """The calls that come in during `[start_ms, start_ms + 1 h)`, in order."""
        if start_ms // BLOCK_MS != self._block:
            self._block = start_ms // BLOCK_MS
            self._draw_block()
        uniform, hour_of_week = self._uniform, self._demand.hour_of_week(start_ms)
        found: list[tuple[int, int, int, bool]] = []
        for profile, week in enumerate(self._demand.hourly):
            sums = self._places[profile]
            for _ in range(poisson(uniform, week[hour_of_week] * self._levels[profile])):
                at = start_ms + int(uniform() * HOUR_MS)
                found.append((at, profile, pick(uniform, sums), False))
        for surge in self._surges.within(start_ms, start_ms + HOUR_MS):
            found += self._added(surge, start_ms)
        found.sort(key=itemgetter(0))
        calls = [
            Call(at, number, profile, zone, surge)
            for number, (at, profile, zone, surge) in enumerate(found, self._number + 1)
        ]
        self._number += len(calls)
        return calls

    def _draw_block(self) -> None:
        self._levels = [self._city_factor() for _ in PROFILES]
        factor = self._zone_factor
        # The sums end near 1: a zone above its mean does not take calls from the others, it adds its own.
        factors = [[share * factor() for share in shares] for shares in self._city.shares]
        self._places = [cumulative(row) for row in factors]
        self._levels = [level * sums[-1] for level, sums in zip(self._levels, self._places, strict=True)]

    def _added(self, surge: Surge, hour_ms: int) -> list[tuple[int, int, int, bool]]:
        """What a surge brings in one hour."""
        uniform = self._uniform
        start, end = max(surge.start_ms, hour_ms), min(surge.end_ms, hour_ms + HOUR_MS)
        zones = [self._city.index(zone) for zone in surge.zones]
        profile = next(number for number, each in enumerate(PROFILES) if each.crime_type is surge.crime_type)
        sums = cumulative([self._city.shares[profile][zone] for zone in zones])
        mean = (surge.factor - 1) * self._demand.expected(surge.crime_type, zones, start, end)
        return [
            (start + int(uniform() * (end - start)), profile, zones[pick(uniform, sums)], True)
            for _ in range(poisson(uniform, mean))
        ]
