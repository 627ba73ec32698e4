"""What kinds of calls there are: how many, when, how they come in, and who is sent.

Shares *within* a group come from the aggregates that `figures` names (crimes: Chicago; fire and EMS: SFFD). How the
groups stand to each other: a city has about 1.6 fire and EMS calls for each crime that is reported (SFFD 445 calls a
day, SFPD 283 incidents a day, in one city); how many calls to the police are no crimes is assumed, and so is
whatever the tables below do not name a source for.
"""

from typing import Final, NamedTuple

from schemas.vocabulary import Agency, CrimeType
from streams.sources.simulation.draws import Spread

CRIMES: Final = 0.28
FIRE_AND_EMS: Final = 0.44
POLICE_CALLS: Final = 0.28

HOUR_S: Final = 3_600.0
C = CrimeType
POLICE, FIRE, EMS = Agency.POLICE, Agency.FIRE, Agency.EMS


class Answer(NamedTuple):
    """Who is sent, and how fast."""

    crews: tuple[tuple[float, tuple[Agency, ...]], ...]  # (weight, a unit of each); the first leads
    priorities: tuple[float, float, float]  # weights of 1, 2 and 3


class Report(NamedTuple):
    """How a call comes in."""

    delay: Spread  # from the occurrence to the report
    officer: float = 0.0  # share that officers find themselves
    online: float = 0.0  # share that is reported at a desk or on the web, without any unit
    on_hour: float = 0.3  # share of the times of occurrence that are booked on the full hour
    alarm: bool = False  # a device calls, not a person


class Profile(NamedTuple):
    """One kind of call."""

    crime_type: CrimeType
    share: float  # of all incidents
    rhythm: str  # name in `rhythms.RHYTHMS`
    answer: Answer
    report: Report
    becomes: CrimeType | None = None  # what it may be reclassified to


_ONE_CAR: Final = ((0.7, (POLICE,)), (0.3, (POLICE, POLICE)))
_TWO_CARS: Final = ((0.15, (POLICE,)), (0.6, (POLICE, POLICE)), (0.25, (POLICE, POLICE, POLICE)))
_COLLISION: Final = ((0.6, (POLICE, EMS, FIRE)), (0.2, (POLICE, EMS, EMS, FIRE)), (0.2, (POLICE, FIRE)))
PETTY: Final = Answer(_ONE_CAR, (0.02, 0.28, 0.7))
SERIOUS: Final = Answer(_TWO_CARS, (0.2, 0.5, 0.3))
VIOLENT: Final = Answer(_TWO_CARS, (0.7, 0.25, 0.05))
CRASH: Final = Answer(_COLLISION, (0.5, 0.4, 0.1))

# SFFD: share of code 3 calls, and the agencies of a call's units.
_AMBULANCE: Final = (
    (0.48, (EMS, FIRE)),
    (0.29, (EMS,)),
    (0.12, (EMS, FIRE, FIRE)),
    (0.06, (EMS, EMS)),
    (0.05, (EMS, FIRE, FIRE, FIRE)),
)
_FULL_ALARM: Final = ((0.48, (FIRE,) * 2), (0.2, (FIRE,) * 3), (0.32, (*(FIRE,) * 9, EMS)))
SICK: Final = Answer(_AMBULANCE, (0.49, 0.51, 0.0))
ENGINE: Final = Answer(((0.88, (FIRE,)), (0.12, (FIRE, FIRE))), (1.0, 0.0, 0.0))
THREE_ENGINES: Final = Answer(((0.9, (FIRE,) * 3), (0.1, (FIRE,) * 4)), (1.0, 0.0, 0.0))
FULL_ALARM: Final = Answer(_FULL_ALARM, (1.0, 0.0, 0.0))

AT_ONCE: Final = Spread(120, 0.8)
FOUND: Final = Spread(60, 1.0)  # by officers: occurrence and report fall together (SFPD)


def _after(hours: float, sigma: float) -> Spread:
    return Spread(hours * HOUR_S, sigma)


_FIGHT: Final = _after(0.17, 2.27)

# Shares and booking on the full hour: Chicago. Delays and reports on the web: SFPD, by category, for theft, assault,
# vandalism, fraud, drugs, burglary, vehicle theft and robbery. Officers: drugs and group B as SFPD's reports without
# any delay (0.71, 0.40). The rest is assumed.
_CRIMES: Final = (
    Profile(C.LARCENY, 0.2385, "larceny", PETTY, Report(_after(8.67, 2.10), 0.02, 0.54, 0.42), C.ROBBERY),
    Profile(C.ASSAULT, 0.2715, "assault", VIOLENT, Report(_FIGHT, 0.02, 0.0, 0.21), C.DISTURBANCE),
    Profile(C.VANDALISM, 0.1065, "vandalism", PETTY, Report(_after(5.03, 2.38), 0.02, 0.41, 0.40), C.ARSON),
    Profile(C.GROUP_B, 0.1060, "day", PETTY, Report(_after(0.5, 2.2), 0.40, 0.0, 0.30), C.DISTURBANCE),
    Profile(C.FRAUD, 0.0650, "fraud", PETTY, Report(_after(85.9, 2.30), 0.0, 0.03, 0.53), C.LARCENY),
    Profile(C.DRUGS, 0.0475, "drugs", PETTY, Report(FOUND, 0.71, 0.0, 0.07)),
    Profile(C.BURGLARY, 0.0435, "burglary", SERIOUS, Report(_after(10.9, 2.55), 0.02, 0.01, 0.49), C.LARCENY),
    Profile(
        C.MOTOR_VEHICLE_THEFT,
        0.0373,
        "motor_vehicle_theft",
        PETTY,
        Report(_after(14.35, 1.90), 0.02, 0.0, 0.52),
        C.LARCENY,
    ),
    Profile(C.ROBBERY, 0.0368, "robbery", VIOLENT, Report(_after(0.20, 2.29), 0.02, 0.0, 0.19), C.LARCENY),
    Profile(C.WEAPONS, 0.0210, "weapons", VIOLENT, Report(FOUND, 0.50, 0.0, 0.04), C.ASSAULT),
    Profile(C.SEX_OFFENSE, 0.0095, "assault", SERIOUS, Report(_after(8.0, 2.5), 0.0, 0.0, 0.47)),
    Profile(C.PROSTITUTION, 0.0026, "weapons", PETTY, Report(FOUND, 0.95, 0.0, 0.05)),
    Profile(C.HOMICIDE, 0.0022, "robbery", VIOLENT, Report(AT_ONCE, 0.0, 0.0, 0.05)),
    Profile(C.ARSON, 0.0014, "vandalism", SERIOUS, Report(AT_ONCE, 0.0, 0.0, 0.13), C.OTHER_FIRE),
    Profile(C.GAMBLING, 0.0009, "drugs", PETTY, Report(FOUND, 0.90, 0.0, 0.09)),
    Profile(C.KIDNAPPING, 0.0007, "assault", VIOLENT, Report(_FIGHT, 0.0, 0.0, 0.20), C.DISTURBANCE),
)

# Shares and units: SFFD. `service` also holds "Other"; `hazmat` gas leaks, spills and electrical hazards.
_FIRE: Final = (
    Profile(C.MEDICAL, 0.7551, "medical", SICK, Report(AT_ONCE)),
    Profile(C.ALARM, 0.0733, "medical", THREE_ENGINES, Report(AT_ONCE, alarm=True), C.STRUCTURE_FIRE),
    Profile(C.SERVICE, 0.0500, "medical", ENGINE, Report(AT_ONCE)),
    Profile(C.STRUCTURE_FIRE, 0.0419, "medical", FULL_ALARM, Report(AT_ONCE), C.OTHER_FIRE),
    Profile(C.TRAFFIC_COLLISION, 0.0284, "medical", CRASH, Report(AT_ONCE)),
    Profile(C.OTHER_FIRE, 0.0260, "medical", ENGINE, Report(AT_ONCE), C.ARSON),
    Profile(C.HAZMAT, 0.0160, "medical", ENGINE, Report(AT_ONCE)),
    Profile(C.RESCUE, 0.0085, "medical", THREE_ENGINES, Report(AT_ONCE)),
)

# Assumed: what else the police are called for, or do by themselves.
_CALLS: Final = (
    Profile(C.TRAFFIC_STOP, 0.28, "day", Answer(((1.0, (POLICE,)),), (0.0, 0.0, 1.0)), Report(FOUND, 1.0)),
    Profile(C.DISTURBANCE, 0.24, "assault", SERIOUS, Report(AT_ONCE), C.ASSAULT),
    Profile(C.SUSPICIOUS, 0.16, "vandalism", PETTY, Report(AT_ONCE, 0.20), C.BURGLARY),
    Profile(C.WELFARE_CHECK, 0.12, "medical", SERIOUS, Report(AT_ONCE), C.MEDICAL),
    Profile(C.ALARM, 0.10, "burglary", SERIOUS, Report(AT_ONCE, alarm=True), C.BURGLARY),
    Profile(C.OTHER, 0.10, "day", PETTY, Report(AT_ONCE, 0.30)),
)


def _scaled(group: float, kinds: tuple[Profile, ...]) -> tuple[Profile, ...]:
    whole = sum(kind.share for kind in kinds)
    return tuple(kind._replace(share=group * kind.share / whole) for kind in kinds)


PROFILES: Final = (*_scaled(CRIMES, _CRIMES), *_scaled(FIRE_AND_EMS, _FIRE), *_scaled(POLICE_CALLS, _CALLS))
"""All kinds of calls; their shares add up to 1."""

CRIME_TYPES: Final = frozenset(kind.crime_type for kind in _CRIMES)
"""The types that are crimes: of these, reports are supplemented."""
