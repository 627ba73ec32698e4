"""How the demo says what it shows: short words for narrow columns, and what a newcomer has to know."""

from datetime import UTC, datetime
from typing import Final

from schemas.vocabulary import ANY, UNKNOWN_ZONE
from streams.demo.alerts import AlertNews
from streams.demo.readings import Kpi
from streams.demo.scene import Scene

DAY_MS: Final = 86_400_000
WEEK_DAYS: Final = 7
YEAR_DAYS: Final = 365
FEW: Final = 10  # below it a mean is said with a decimal
LEAST_USUAL: Final = 0.1  # less than that cannot be compared with

LEGEND: Final = (
    (
        "alerts",
        "are raised when a zone, or the whole city, has more incidents than its past explains at this hour of the "
        "week; escalated when it gets rarer, cleared when sunk for half an hour.",
    ),
    (
        "how rare",
        "is how often chance alone brings as many somewhere in the city. Rules are analysts' own: so many of a type "
        "within so long.",
    ),
    (
        "hottest",
        "shows zones and types with the most incidents in the last hour; counts roll on every minute of city time, "
        "and follow corrections: a cancelled call leaves them.",
    ),
    (
        "response",
        "is the share of intervals that met their goal; the mark ┃ is the 90 % that NFPA and contracts ask for. "
        "Processing, turnout, travel: call, crew, road.",
    ),
    (
        "dead letters",
        "are messages that cannot be read: set aside with the reason, nothing stops. Late ones come after their hour "
        "is closed: they count, and are announced.",
    ),
)
"""What is seen, in the words of somebody who sees it for the first time: name and sentence."""


def clock(at_ms: int) -> str:
    """`17:41`."""
    return f"{datetime.fromtimestamp(at_ms / 1000, tz=UTC):%H:%M}"


def day(at_ms: int) -> str:
    """`Mon 24 Nov 2025`."""
    moment = datetime.fromtimestamp(at_ms / 1000, tz=UTC)
    return f"{moment:%a} {moment.day} {moment:%b %Y}"


def near(at_ms: int, now_ms: int) -> str:
    """`17:41` of today, `Sun` of the last days, `27 Oct` before."""
    days = now_ms // DAY_MS - at_ms // DAY_MS
    moment = datetime.fromtimestamp(at_ms / 1000, tz=UTC)
    if days == 0:
        return f"{moment:%H:%M}"
    return f"{moment:%a}" if 0 < days < WEEK_DAYS else f"{moment.day} {moment:%b}"


def spoken(crime_type: str) -> str:
    """`other fire`, `all types`."""
    return "all types" if crime_type == ANY else crime_type.replace("_", " ")


def place(zones: tuple[str, ...], most: int = 3) -> str:
    """`D3`, `B2 B3 C3`, `B2 B3 +2`, `whole city`."""
    if zones == (ANY,):
        return "whole city"
    zones = tuple(short(zone) for zone in zones)
    named = zones if len(zones) <= most else zones[: most - 1]
    more = len(zones) - len(named)
    return " ".join(named) + (f" +{more}" if more else "")


def short(zone: str) -> str:
    """The zone; `?` for the one of incidents whose place is unknown."""
    return "?" if zone == UNKNOWN_ZONE else zone


def counted(alert: AlertNews) -> str:
    """`9 in 1h`."""
    return f"{alert.observed} in {alert.window}"


def usual(alert: AlertNews) -> str:
    """What would be usual: `0.4`, `12`, `<0.1`, `a rule`."""
    if alert.expected is None:
        return "a rule"
    if alert.expected < LEAST_USUAL:
        return "<0.1"
    return f"{alert.expected:.1f}" if alert.expected < FEW else f"{alert.expected:.0f}"


def rarity(alert: AlertNews) -> str:
    """How often chance brings as many: `daily`, `1 in 12 days`, `1 in 3 years`, `1 in 10+ years`."""
    once = alert.once_in_days
    if once is None:
        return alert.rule.removeprefix("rule:")
    years = once / YEAR_DAYS
    if years >= FEW:
        return f"1 in {FEW}+ years"
    if years >= 2:  # noqa: PLR2004 -- years, not "1 year"
        return f"1 in {years:.0f} years"
    return f"1 in {once:.0f} days" if round(once) > 1 else "daily"


def seconds(span_s: float) -> str:
    """`60 s`, `8:59`."""
    return f"{span_s:.0f} s" if span_s < 120 else f"{span_s // 60:.0f}:{span_s % 60:02.0f}"  # noqa: PLR2004 -- two minutes


WINDOWS: Final = ("15m", "1h", "24h")
KPI_ORDER: Final = ("response", "travel", "turnout", "processing", "committed")


def kpis_of_day(scene: Scene) -> list[Kpi]:
    """The KPIs over a day that have a goal, those that matter most first."""
    mine = [kpi for kpi in scene.reading.kpis if kpi.over == "24h" and kpi.intervals]
    return sorted(mine, key=lambda kpi: (KPI_ORDER.index(kpi.kpi), kpi.agency, kpi.goal_s))


def hottest(scene: Scene) -> list[tuple[str, str, dict[str, int]]]:
    """Cells by their incidents in the last hour: (zone, type, window → count)."""
    cells = [(zone, crime_type, counts) for (zone, crime_type), counts in scene.reading.cells.items()]
    return sorted(
        cells, key=lambda c: (-c[2].get("1h", 0), -c[2].get("15m", 0), -c[2].get("24h", 0), c[0], c[1])
    )
