"""When calls come in: 24 hourly factors (mean 1) and seven daily ones from Monday, per kind of call.

Source: the aggregates that `figures` names. *Chicago* by time of occurrence, those booked on the full hour and in the
minute after midnight left out; *SFFD* by time of receipt, without New Year's Day. All smoothed 1-2-1 and rounded.
"""

from typing import Final

Rhythm = tuple[tuple[float, ...], tuple[float, ...]]


def _rhythm(night: str, day: str, week: str = "1 1 1 1 1 1 1") -> Rhythm:
    """Hours 0 to 11, hours 12 to 23, Monday to Sunday."""
    hours = tuple(float(factor) for factor in (night + " " + day).split())
    return hours, tuple(float(factor) for factor in week.split())


RHYTHMS: Final[dict[str, Rhythm]] = {
    "larceny": _rhythm(  # Chicago: theft
        "0.6 0.5 0.4 0.3 0.3 0.35 0.45 0.6 0.75 0.9 1.1 1.35",
        "1.5 1.6 1.65 1.7 1.7 1.7 1.55 1.4 1.15 0.95 0.8 0.7",
        "1.05 1.05 1.05 1 1.05 1 0.9",
    ),
    "assault": _rhythm(  # Chicago: battery, which is assault in NIBRS
        "1.25 1.1 0.95 0.75 0.55 0.45 0.45 0.55 0.75 0.8 0.9 1",
        "1.05 1.05 1.1 1.2 1.25 1.2 1.2 1.25 1.25 1.3 1.3 1.3",
        "0.95 0.95 1 0.9 0.95 1.1 1.2",
    ),
    "vandalism": _rhythm(  # Chicago: criminal damage
        "1.2 1.05 0.9 0.8 0.7 0.65 0.7 0.75 0.8 0.85 0.8 0.85",
        "0.85 0.9 0.95 1.05 1.1 1.15 1.2 1.25 1.3 1.4 1.4 1.35",
        "1 0.95 0.95 0.95 1 1.05 1.05",
    ),
    "fraud": _rhythm(  # Chicago: deceptive practice
        "0.45 0.35 0.3 0.25 0.25 0.25 0.3 0.4 0.65 0.9 1.15 1.45",
        "1.7 1.85 1.95 2 1.95 1.9 1.65 1.35 1.05 0.8 0.65 0.5",
        "1.1 1.1 1.05 1.1 1.1 0.85 0.7",
    ),
    "drugs": _rhythm(  # Chicago: narcotics
        "0.6 0.35 0.2 0.1 0.05 0.05 0.1 0.3 0.55 1 1.5 1.8",
        "1.65 1.4 1.25 1.1 1.05 1.25 1.9 2.3 2 1.45 1.15 0.9",
        "0.95 1.05 1.05 1 1.1 1 0.9",
    ),
    "burglary": _rhythm(  # Chicago
        "0.85 0.85 0.85 0.9 0.9 0.9 1.05 1.15 1.15 1.1 1.15 1.2",
        "1.2 1.15 1.15 1.1 1.1 1.1 1 0.85 0.8 0.8 0.85 0.8",
        "1.1 1.1 1 1 1.05 0.9 0.85",
    ),
    "motor_vehicle_theft": _rhythm(  # Chicago
        "0.85 0.65 0.5 0.5 0.5 0.65 0.9 1 0.95 0.9 0.85 0.8",
        "0.85 0.95 1.05 1.15 1.2 1.3 1.45 1.5 1.45 1.45 1.4 1.15",
        "1.05 1.05 1 0.95 1.05 0.95 1",
    ),
    "robbery": _rhythm(  # Chicago
        "1.3 1.15 0.95 0.85 0.75 0.6 0.5 0.5 0.5 0.6 0.7 0.8",
        "0.9 1 1.1 1.1 1.15 1.25 1.3 1.3 1.35 1.45 1.5 1.4",
        "1 0.95 1 0.95 1.05 1 1.05",
    ),
    "weapons": _rhythm(  # Chicago: weapons violation
        "1.5 1.1 0.8 0.55 0.3 0.2 0.15 0.25 0.35 0.5 0.7 0.85",
        "0.85 0.8 0.85 0.9 0.85 1.1 1.55 1.95 2.05 2.05 2 1.85",
        "1 0.85 1 1 1.05 1 1.05",
    ),
    "day": _rhythm(  # Chicago: other offense
        "0.75 0.55 0.4 0.3 0.25 0.25 0.4 0.65 0.9 1.15 1.4 1.55",
        "1.5 1.35 1.3 1.3 1.35 1.35 1.4 1.5 1.35 1.2 1.05 0.9",
        "1.05 1.1 1 1.05 1 0.9 0.9",
    ),
    "medical": _rhythm(  # SFFD: all calls; daily factors cannot be had from eight days
        "0.7 0.65 0.6 0.55 0.55 0.6 0.7 0.8 0.95 1.05 1.15 1.2",
        "1.25 1.25 1.25 1.25 1.3 1.35 1.4 1.3 1.2 1.1 1 0.85",
    ),
}
