"""What the simulated city is calibrated with, and where each figure comes from.

Three public extracts were measured, in aggregate only (shares, quantiles, hourly profiles; no record is kept here):

- *SFFD*: San Francisco Fire Department calls for service, 31 December 2016 to 7 January 2017, 3,560 calls
  (DataSF nuek-vuh3). EMS units are MEDIC and PRIVATE, the rest fire.
- *SFPD*: San Francisco Police incident reports of December 2018, 8,766 different incidents (DataSF wg3w-h783).
- *Chicago*: reported crimes, 1 January to 8 August 2018, 156,385 records (City of Chicago portal, ijzp-q8t2).

A spread is (median in seconds, standard deviation of the logarithm); the latter is ln(p90 / median) / 1.2816 of the
values above 0. What no figure was at hand for says *assumed*. Real cities miss the NFPA benchmarks, and so does this
one: SFFD dispatched 25 % of its calls within 64 s of receipt (27 % of code 3 calls), where NFPA 1710 asks for 90 %.
"""

from typing import Final

from schemas.vocabulary import Agency
from streams.sources.simulation.draws import Spread

# --- From the call to the unit ---------------------------------------------------------------------------------

PROCESSING: Final = {
    "1": Spread(101, 0.56),  # SFFD, code 3 calls, received -> first dispatch (p90 208 s)
    "2": Spread(145, 0.68),  # SFFD, code 2 calls (p90 347 s)
    "3": Spread(145, 0.68),  # as priority 2
}
ENTRY_SHARE: Final = 0.7
"""Share of the processing time after which the call is entered and published (SFFD medians: 94 s to entry, 31 s on)."""

HOLDING: Final = {
    "1": 0.0,
    "2": 0.05,
    "3": 0.35,
}  # assumed: share of police calls that wait although a unit is free
HOLD: Final = Spread(900, 0.8)  # assumed

TURNOUT: Final = {
    Agency.FIRE: Spread(80, 0.44),  # SFFD (p90 140 s; NFPA 1710 asks for 90 % within 80 s)
    Agency.EMS: Spread(
        14, 1.2
    ),  # SFFD (p90 66 s; NFPA 1710 asks for 90 % within 60 s): crews are on the road
    Agency.POLICE: Spread(20, 0.8),  # assumed: on the road
}
TRAVEL: Final = {
    (Agency.FIRE, "1"): Spread(157, 0.54),  # SFFD, all units, code 3 (p90 313 s)
    (Agency.FIRE, "2"): Spread(221, 0.64),  # SFFD, code 2
    (Agency.FIRE, "3"): Spread(221, 0.64),
    (Agency.EMS, "1"): Spread(334, 0.60),  # SFFD, code 3 (p90 725 s)
    (Agency.EMS, "2"): Spread(597, 0.54),  # SFFD, code 2
    (Agency.EMS, "3"): Spread(597, 0.54),
    (Agency.POLICE, "1"): Spread(
        240, 0.50
    ),  # assumed, so that response is near the 5 to 6 min of city dashboards
    (Agency.POLICE, "2"): Spread(420, 0.60),  # assumed
    (Agency.POLICE, "3"): Spread(600, 0.60),  # assumed
}

# --- On scene and back -----------------------------------------------------------------------------------------

ON_SCENE: Final = {
    Agency.FIRE: Spread(567, 0.83),  # SFFD, no transport
    Agency.EMS: Spread(918, 0.92),  # SFFD, no transport
    Agency.POLICE: Spread(1_500, 0.80),  # assumed
}
TRANSPORTS: Final = 0.82  # SFFD: share of EMS units on scene that transport
TO_TRANSPORT: Final = Spread(1_080, 0.42)  # SFFD: on scene -> transport
TO_HOSPITAL: Final = Spread(941, 0.50)  # SFFD: transport -> hospital
AT_HOSPITAL: Final = Spread(1_912, 0.31)  # SFFD: hospital -> available

SAME_TIME: Final = 0.88  # SFFD: units dispatched in the same second as the first
STAGGER: Final = Spread(186, 1.34)  # SFFD: the others, after the first
NEVER_ARRIVES: Final = {Agency.FIRE: 0.24, Agency.EMS: 0.14, Agency.POLICE: 0.10}
"""Share of the units behind the first that turn back (SFFD, of all units; police assumed)."""
TURNED_BACK: Final = Spread(272, 0.95)  # SFFD: dispatch -> available of units that never arrive
BUTTON_MISSED: Final = 0.03  # SFFD: no response time in 2.8 % of unit rows
NEGATIVE: Final = 0.0036  # SFFD: 28 negative intervals in 7,704 unit rows

COMMITTED_S: Final = {Agency.FIRE: 970.0, Agency.EMS: 3_700.0, Agency.POLICE: 2_500.0}
"""Mean time from dispatch to available (SFFD; police assumed): how many units have to be staffed."""
UTILISATION: Final = 0.25
"""Committed hours by staffed hours; EMS practice sees strain above 0.25 to 0.30."""

# --- Reports and corrections -----------------------------------------------------------------------------------

FIVE_MINUTES: Final = 0.63  # Chicago: share on a multiple of five minutes, of times that are not on the hour
SUPPLEMENT: Final = Spread(211_000, 1.6)  # SFPD: first report -> supplement (quartiles 0.8, 2.4, 6.9 days)
CITY_SQUARED_CV: Final = 0.015  # Chicago, per type and six hours, 0.00 to 0.04; fights most, burglary least
ZONE_SQUARED_CV: Final = 0.10  # Chicago, per type, area and six hours, median 0.10
ZONE_SIGMA: Final = 0.89  # Chicago: standard deviation of the log of the areas' shares
TYPE_SIGMA: Final = 0.32  # Chicago: the same for a type's share in an area (cv 0.21 to 0.47)
