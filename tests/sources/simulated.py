"""Simulated cities that several tests look at."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cache

from schemas.events import Incident
from streams.sources.simulation.arrivals import Arrivals, Call
from streams.sources.simulation.config import HOUR_MS
from streams.sources.simulation.surges import Surges
from streams.sources.simulator import (
    Config,
    Delivery,
    Published,
    Simulation,
    SurgePlan,
)

NO_SURGES = SurgePlan(per_day=0.0)
PERFECT = Delivery(disorder=0, late=0, too_late=0, repeated=0, heartbeat_ms=0)
START_MS = Config().start_ms
DAYS, PER_DAY = 14, 600.0


@cache
def two_weeks() -> tuple[Published, ...]:
    """Two ordinary weeks of a smaller city, perfectly delivered."""
    return tuple(
        Simulation(
            Config(seed=11, days=DAYS, incidents_per_day=PER_DAY, surge_plan=NO_SURGES, delivery=PERFECT)
        ).events()
    )


@cache
def two_weeks_by_incident() -> dict[str, list[Incident]]:
    return by_incident(two_weeks())


def by_incident(messages: Iterable[Published]) -> dict[str, list[Incident]]:
    """What is said of each incident, in order of `updated_at`."""
    found: dict[str, list[Incident]] = defaultdict(list)
    for message in messages:
        if isinstance(message.event, Incident):
            found[message.event.incident_id].append(message.event)
    for said in found.values():
        said.sort(key=lambda event: event.updated_at)
    return found


def first_said(messages: Iterable[Published]) -> list[Incident]:
    """The first message of each incident, which is always whole."""
    return [said[0] for said in by_incident(messages).values()]


def calls(simulation: Simulation) -> Iterator[Call]:
    """The calls of a simulation, without what becomes of them: many weeks take no time."""
    config = simulation.config
    assert config.end_ms is not None
    arrivals = Arrivals(
        config, simulation.city, simulation.demand, Surges(config, simulation.city, simulation.demand)
    )
    for hour_ms in range(config.start_ms, config.end_ms, HOUR_MS):
        yield from arrivals.hour(hour_ms)


def short(**changes: object) -> Simulation:
    """A simulation of two days without surges."""
    return Simulation(replace(Config(seed=3, days=2, surge_plan=NO_SURGES), **changes))  # type: ignore[arg-type]
