"""How the simulated city is, what goes wrong in it, and what is planted: all rates in one value.

Every ratio is a share of what it is said of, from 0 to 1; every width is in the unit its name says.
"""

from dataclasses import dataclass, field
from typing import Final

from schemas.vocabulary import Agency, CrimeType
from streams.sources.simulation.draws import Spread

MINUTE_MS: Final = 60_000
HOUR_MS: Final = 3_600_000
DAY_MS: Final = 86_400_000
DELAY: Final = Spread(0.3, 0.8)  # assumed: from `updated_at` to Kafka


@dataclass(frozen=True)
class Surge:
    """More calls of one type than usual, in connected zones: what a detector has to find.

    `expected` is what these zones usually have in that time, `added` what the surge adds on average.
    """

    start_ms: int
    end_ms: int
    zones: tuple[str, ...]
    crime_type: CrimeType
    factor: float
    expected: float = 0.0
    added: float = 0.0


@dataclass(frozen=True)
class Silence:
    """Nothing of a publisher reaches Kafka in `[start_ms, end_ms)`: kept back until the end, or lost for good.

    `agency` None means all of them, heartbeats included.
    """

    start_ms: int
    end_ms: int
    agency: Agency | None = None
    lost: bool = False


@dataclass(frozen=True)
class SurgePlan:
    """Surges at random times, in random connected zones.

    Args:
        per_day: how many begin, on average.
        from_day: days without any at the beginning, so that there is an ordinary past.
        least_added: the factor is raised until a surge adds so many calls on average; below that nobody could see it.
        factor: least and greatest factor.
        hours: least and greatest length.
        crime_types: what may surge.
    """

    per_day: float = 1.0
    from_day: float = 21.0
    least_added: float = 6.0
    factor: tuple[float, float] = (3.0, 12.0)
    hours: tuple[float, float] = (2.0, 12.0)
    crime_types: tuple[CrimeType, ...] = (
        CrimeType.LARCENY,
        CrimeType.ASSAULT,
        CrimeType.BURGLARY,
        CrimeType.ROBBERY,
        CrimeType.VANDALISM,
        CrimeType.MOTOR_VEHICLE_THEFT,
        CrimeType.OTHER_FIRE,
        CrimeType.DISTURBANCE,
    )


@dataclass(frozen=True)
class Corrections:
    """What becomes of incidents; assumed where no source is named.

    The first six are shares of the calls that units are sent to, and exclude each other.
    """

    cancelled: float = 0.024  # SFFD, final disposition
    unfounded: float = 0.006  # SFPD, resolution
    merged: float = 0.02
    reopened: float = 0.005
    reclassified: float = 0.03
    moved: float = 0.01
    exercise: float = 0.002
    supplemented: float = 0.13  # SFPD, supplements among the report rows; of crimes that stand, only
    no_zone: float = 0.01
    unmapped: float = 0.003  # of a local code that no type map knows
    coordinates: float = 0.0  # lat and lon instead of a zone
    partial: float = 0.8  # of the later messages: only what is new


@dataclass(frozen=True)
class Delivery:
    """How messages come to Kafka, as shares of all messages; assumed."""

    delay: Spread = DELAY
    disorder: float = 0.01  # up to 45 s later than the rest
    late: float = 0.001  # 2 to 30 min
    too_late: float = 0.0002  # 65 min to 6 h
    repeated: float = 0.005  # redelivered
    broken: float = 0.0  # a broken message beside it
    personal: float = 0.0  # of the first messages of incidents: with made-up personal data in extra fields
    heartbeat_ms: int = 30_000  # between heartbeats per topic; 0: none
    outages_per_week: float = 0.0  # of one agency's link, 20 to 120 min, delivered afterwards


@dataclass(frozen=True)
class Config:
    """One simulated city.

    Args:
        seed: the same seed gives the same city and the same events.
        jurisdiction: its name; no real one.
        start_ms: when the first hour begins, epoch ms; local midnight is best.
        days: how long calls come in, None for ever.
        incidents_per_day: on average, before surges; units grow with it.
        columns, rows: zones, at most 26 columns.
        utc_offset_h: local time less UTC, the whole year.
        surges, silences: planted by hand, beside those of the plans.
    """

    seed: int = 1
    jurisdiction: str = "riverton"
    start_ms: int = 1_767_589_200_000  # Monday 2026-01-05 00:00 at UTC-5
    days: float | None = 28.0
    incidents_per_day: float = 1_200.0
    columns: int = 8
    rows: int = 5
    utc_offset_h: float = -5.0
    surge_plan: SurgePlan = field(default_factory=SurgePlan)
    corrections: Corrections = field(default_factory=Corrections)
    delivery: Delivery = field(default_factory=Delivery)
    surges: tuple[Surge, ...] = ()
    silences: tuple[Silence, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what would give no city."""
        if not 1 <= self.columns <= 26 or self.rows < 1:  # noqa: PLR2004 -- letters
            msg = f"columns must be 1 to 26 and rows >= 1 (got {self.columns} x {self.rows}); zones are named A1 to Z9"
            raise ValueError(msg)
        if self.start_ms % HOUR_MS:
            msg = f"start_ms must be a full hour (got {self.start_ms}); rhythms are hourly"
            raise ValueError(msg)

    @property
    def end_ms(self) -> int | None:
        """When the last call comes in, exclusively."""
        return None if self.days is None else self.start_ms + round(self.days * DAY_MS)
