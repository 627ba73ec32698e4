"""The city of the demo: four weeks of ordinary life, and what is planted in them and after them.

      28 days                        17:00 of day 28
    ──┴──────────────────────────────┬─────────────────────────────▶ city time
      past, as fast as it can be read │ live, 360 times faster than life
                                 ▲    ▲  ▲   ▲     ▲   ▲ … surges

The same city each time, on other dates: it began a whole number of weeks before the week of today, so long ago that
its present does not reach ours for a day of watching.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from typing import Final, NamedTuple

from schemas.vocabulary import CrimeType
from streams.sources.messages import DISPATCHES, Message
from streams.sources.simulation.config import DAY_MS, HOUR_MS, MINUTE_MS
from streams.sources.simulator import Config, Delivery, Published, Simulation, Surge, SurgePlan

WEEK_MS: Final = 7 * DAY_MS
MONDAY_MS: Final = 4 * DAY_MS  # 5 January 1970, the first Monday
BEGAN_WEEKS_AGO: Final = 56
PAST_DAYS: Final = 28
LIVE_HOUR: Final = 17  # of the day after: when the streets are full
DISPATCHES_MS: Final = DAY_MS  # how much of the past has dispatches: the KPIs over a day are complete
LAST_DAY: Final = PAST_DAYS + 330

SPEED: Final = 360
"""Seconds of the city in one of ours: ten seconds are an hour."""


class Planted(NamedTuple):
    """A surge of the first evening, by minutes from the moment the city is live."""

    after_min: int
    length_min: int
    zones: tuple[str, ...]
    crime_type: CrimeType
    added: float  # incidents more than usual, on average


EVENING: Final = (
    Planted(-8_400, 120, ("B3",), CrimeType.BURGLARY, 9),
    Planted(-3_000, 90, ("E2", "E3"), CrimeType.VANDALISM, 12),
    Planted(-300, 90, ("C2", "D2"), CrimeType.ASSAULT, 11),
    Planted(10, 60, ("D3",), CrimeType.ROBBERY, 8),
    Planted(55, 70, ("B2", "B3", "C3"), CrimeType.OTHER_FIRE, 14),
    Planted(140, 80, ("E2",), CrimeType.LARCENY, 12),
    Planted(250, 60, ("C3",), CrimeType.TRAFFIC_COLLISION, 9),
)
"""Planted by hand, so that nobody waits long for the first alert, nor for its end."""

RULES: Final = """\
# Analysts' rules of the demo; deploy/rules.example.toml says what a rule can be.

[[rule]]
name = "fires-in-the-city"
crime_type = "other_fire"
zones = "city"
at_least = 6
within = "1h"

[[rule]]
name = "robbery-series"
crime_type = "robbery"
at_least = 4
within = "2h"
"""


class DemoCity:
    """The simulated city, cut into its past and its present."""

    def __init__(self, today_ms: int) -> None:
        """Lay the city out; no call is made yet.

        Args:
            today_ms: now, epoch ms; decides the dates, and nothing else.
        """
        monday_ms = (today_ms - MONDAY_MS) // WEEK_MS * WEEK_MS + MONDAY_MS
        config = _config(monday_ms - BEGAN_WEEKS_AGO * WEEK_MS)
        self.start_ms = config.start_ms
        self.live_ms = config.start_ms + PAST_DAYS * DAY_MS + LIVE_HOUR * HOUR_MS
        self.counted_ms = self.live_ms - 2 * MINUTE_MS  # the last tick of the past: time trails what is said
        plain = Simulation(config)
        self.simulation = Simulation(
            replace(config, surges=tuple(self._surge(plain, each) for each in EVENING))
        )
        self.jurisdiction = config.jurisdiction

    def past_and_present(self) -> tuple[Iterator[Message], Iterator[Message]]:
        """What is published before the city is live, and after; the second is to be taken when the first has ended.

        In the past nothing is broken, nobody sends heartbeats, and dispatches begin a day before its end. A message
        without a key goes to every partition.
        """
        events = self.simulation.events()
        first_live: list[Published] = []

        def past() -> Iterator[Message]:
            for event in events:
                if event.at >= self.live_ms:
                    first_live.append(event)
                    return
                if self._belongs_to_past(event):
                    yield _message(event)

        return past(), (_message(event) for event in chain(_taken(first_live), events))

    def _belongs_to_past(self, event: Published) -> bool:
        if event.key is None or event.event is None:
            return False
        return event.topic != DISPATCHES or event.at >= self.live_ms - DISPATCHES_MS

    def _surge(self, plain: Simulation, planted: Planted) -> Surge:
        start_ms = self.live_ms + planted.after_min * MINUTE_MS
        end_ms = start_ms + planted.length_min * MINUTE_MS
        zones = [plain.city.index(zone) for zone in planted.zones]
        usual = plain.demand.expected(planted.crime_type, zones, start_ms, end_ms)
        return Surge(start_ms, end_ms, planted.zones, planted.crime_type, 1 + planted.added / usual)


def _config(start_ms: int) -> Config:
    return Config(
        seed=7,
        start_ms=start_ms,
        days=LAST_DAY,
        incidents_per_day=300,
        columns=5,
        rows=4,
        utc_offset_h=0.0,
        surge_plan=SurgePlan(
            per_day=6.0, from_day=PAST_DAYS + 1, least_added=7.0, factor=(4.0, 12.0), hours=(1.0, 2.5)
        ),
        delivery=Delivery(late=0.004, too_late=0.001, repeated=0.01, broken=0.003, heartbeat_ms=120_000),
    )


def _message(event: Published) -> Message:
    return Message(event.topic, event.key, event.value(), event.at)


def _taken(waiting: list[Published]) -> Iterator[Published]:
    """What is waiting when it is asked for, not when this was made."""
    yield from waiting
