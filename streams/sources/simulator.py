"""A simulated city: calls, what becomes of them, and how the news of it comes to Kafka.

    config ──▶ city, demand, surges ──▶ calls of an hour ──▶ histories ──▶ outbox ──▶ messages in order of sending

The same configuration gives the same city and the same messages, on every machine and Python. Messages are made as
they are asked for, an hour at a time; weeks, or for ever, cost no memory.

    simulation = Simulation(Config(seed=7, days=2))
    for message in simulation.events():
        producer.send(message.topic, message.value(), key=message.key, timestamp_ms=message.at)
    simulation.truth()  # what was planted

A message without a key is a heartbeat: it is sent to every partition of its topic.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict
from heapq import merge
from operator import itemgetter
from typing import Any

from streams.sources.simulation.arrivals import Arrivals
from streams.sources.simulation.city import City
from streams.sources.simulation.config import (
    HOUR_MS,
    Config,
    Corrections,
    Delivery,
    Silence,
    Surge,
    SurgePlan,
)
from streams.sources.simulation.demand import Demand
from streams.sources.simulation.draws import stream
from streams.sources.simulation.histories import Histories
from streams.sources.simulation.personal import personal_extras
from streams.sources.simulation.publication import DISPATCHES, INCIDENTS, Outbox, Published, Silences
from streams.sources.simulation.surges import Surges


class Simulation:
    """One simulated city; what it yields follows from its configuration alone."""

    def __init__(self, config: Config | None = None) -> None:
        """Lay the city out; no call is made yet."""
        self.config = config or Config()
        self.city = City(self.config)
        self.demand = Demand(self.config, self.city)
        self._surges = Surges(self.config, self.city, self.demand)
        self._silences = Silences(self.config)

    def events(self) -> Iterator[Published]:
        """Every message in order of sending, until the last call is over; each call starts from the beginning."""
        config, hour_ms = self.config, self.config.start_ms
        arrivals = Arrivals(config, self.city, self.demand, self._surges)
        histories, outbox = Histories(config, self.city), Outbox(config, self._silences)
        personal = stream(config.seed, "personal").random
        while config.end_ms is None or hour_ms < config.end_ms or outbox:
            calls = arrivals.hour(hour_ms) if config.end_ms is None or hour_ms < config.end_ms else ()
            for call in calls:
                if config.end_ms is not None and call.received_at >= config.end_ms:
                    break
                lead, said, facts = histories.of(call)
                planted = personal() < config.delivery.personal
                outbox.put(INCIDENTS, said[0], lead, personal_extras(personal) if planted else None)
                for incident in said[1:]:
                    outbox.put(INCIDENTS, incident, lead)
                for fact in facts:
                    outbox.put(DISPATCHES, fact, fact.agency)
            yield from outbox.take(hour_ms)
            hour_ms += HOUR_MS

    def truth(self, until_ms: int | None = None) -> tuple[Surge, ...]:
        """The surges that begin before `until_ms` (default: the end), in order of beginning.

        Raises:
            ValueError: the simulation has no end and none was given.
        """
        return self._surges.up_to(self._end(until_ms))

    def silences(self, until_ms: int | None = None) -> tuple[Silence, ...]:
        """The silences of publishers that begin before `until_ms` (default: the end), in order of beginning.

        Raises:
            ValueError: the simulation has no end and none was given.
        """
        return self._silences.up_to(self._end(until_ms))

    def truth_json(self, until_ms: int | None = None) -> str:
        """What was planted, as a JSON object of the lists `surges` and `silences`."""
        planted: dict[str, Any] = {
            "jurisdiction": self.config.jurisdiction,
            "surges": [asdict(surge) for surge in self.truth(until_ms)],
            "silences": [asdict(silence) for silence in self.silences(until_ms)],
        }
        return json.dumps(planted, indent=2)

    def _end(self, until_ms: int | None) -> int:
        end_ms = self.config.end_ms if until_ms is None else until_ms
        if end_ms is None:
            msg = "a simulation without an end needs until_ms (epoch ms): what is planted goes on for ever"
            raise ValueError(msg)
        return end_ms


def together(*simulations: Simulation) -> Iterator[Published]:
    """The messages of several cities in order of sending; give each its own jurisdiction."""
    return merge(*(simulation.events() for simulation in simulations), key=itemgetter(0))


__all__ = [
    "City",
    "Config",
    "Corrections",
    "Delivery",
    "Published",
    "Silence",
    "Simulation",
    "Surge",
    "SurgePlan",
    "together",
]
