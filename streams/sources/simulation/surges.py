"""Planted surges: when, where, of what, how strong. What was planted is the truth for those who measure detection."""

from dataclasses import replace

from streams.sources.simulation.city import City
from streams.sources.simulation.config import DAY_MS, MINUTE_MS, Config, Surge
from streams.sources.simulation.demand import Demand
from streams.sources.simulation.draws import cumulative, pick, poisson, stream

SIZES = cumulative((4, 1, 0.5, 0.5))
"""Weights of 1 to 4 zones: a third of the surges spans several, as in the hourly detection benchmark."""


class Surges:
    """The surges of a configuration: those named by hand and those of its plan, day by day."""

    def __init__(self, config: Config, city: City, demand: Demand) -> None:
        """Measure those named by hand against what is usual there."""
        self._config, self._city, self._demand = config, city, demand
        self._named = tuple(self._measured(surge) for surge in config.surges)
        self._days: dict[int, tuple[Surge, ...]] = {}

    def up_to(self, end_ms: int) -> tuple[Surge, ...]:
        """Every surge that begins before `end_ms`, in order of beginning."""
        days = range((end_ms - 1 - self._config.start_ms) // DAY_MS + 1)
        found = [*self._named, *(surge for day in days for surge in self._of_day(day))]
        begun = [surge for surge in found if surge.start_ms < end_ms]
        return tuple(
            sorted(begun, key=lambda surge: (surge.start_ms, surge.end_ms, surge.zones, surge.crime_type))
        )

    def within(self, start_ms: int, end_ms: int) -> tuple[Surge, ...]:
        """The surges that lie, wholly or in part, in `[start_ms, end_ms)`."""
        today = (start_ms - self._config.start_ms) // DAY_MS
        near = (*self._named, *self._of_day(today - 1), *self._of_day(today))
        return tuple(surge for surge in near if surge.start_ms < end_ms and surge.end_ms > start_ms)

    def _of_day(self, day: int) -> tuple[Surge, ...]:
        """The planned surges that begin on a day of the simulation; none is longer than a day."""
        if day not in self._days:
            uniform = stream(self._config.seed, f"surges/{day}").random
            plan = self._config.surge_plan
            number = poisson(uniform, plan.per_day) if day >= plan.from_day else 0
            self._days[day] = tuple(self._random(day, number, index) for index in range(number))
        return self._days[day]

    def _random(self, day: int, number: int, index: int) -> Surge:
        """One surge of a day, in its own part of the day, so that two seldom lie upon each other."""
        uniform = stream(self._config.seed, f"surges/{day}/{index}").random
        plan, config = self._config.surge_plan, self._config
        begins = config.start_ms + round((day + (index + uniform()) / number) * DAY_MS)
        start_ms = begins // MINUTE_MS * MINUTE_MS
        least, most = plan.hours
        length_min = round(60 * min(least + uniform() * (most - least), 24.0))
        zones = self._city.cluster(uniform, 1 + pick(uniform, SIZES))
        low, high = plan.factor
        return self._measured(
            Surge(
                start_ms=start_ms,
                end_ms=start_ms + length_min * MINUTE_MS,
                zones=tuple(self._city.zones[zone] for zone in zones),
                crime_type=plan.crime_types[int(uniform() * len(plan.crime_types))],
                factor=low + uniform() * (high - low),
            )
        )

    def _measured(self, surge: Surge) -> Surge:
        """The surge with what is usual there, strong enough to be seen at all when it is a planned one."""
        zones = [self._city.index(zone) for zone in surge.zones]
        expected = self._demand.expected(surge.crime_type, zones, surge.start_ms, surge.end_ms)
        factor = surge.factor
        if surge not in self._config.surges and expected > 0:
            factor = max(factor, 1 + self._config.surge_plan.least_added / expected)
        return replace(surge, factor=factor, expected=expected, added=(factor - 1) * expected)
