"""The numbers of a backtest: how many alerts, whether rarities hold, habits of recording, and fairness between zones."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any, Final

from schemas.vocabulary import ANY, UNKNOWN_ZONE
from streams.backtest.history import History, Told, by_rarity
from streams.backtest.ratios import Calibration, Ratio
from streams.core.civil import HOUR_MS

STATED_DAYS: Final = (0.5, 1.0, 2.0, 3.0, 7.0, 14.0, 30.0)
FULL_HOUR_MIN: Final = 5  # an alert within so many minutes of a full hour is at it
_HOUR_MIN: Final = 60
_SHOWN: Final = 200  # alerts written out in report.json


@dataclass(frozen=True)
class Summary:
    """All numbers of a backtest."""

    city: str
    days: list[date]  # local days of the history, all of them
    surges: list[Told]
    others: list[Told]  # trends, drops, rules
    alerts_by_day: Counter[date]  # surges alone
    calibration: list[Calibration]
    first_of_month: Ratio  # alerts per day
    full_hour: Ratio  # alerts per incident
    incidents_by_zone: Mapping[str, int]
    alerts_by_zone: Mapping[str, int]
    incidents: int
    learning_days: int
    budget: float

    @property
    def per_day(self) -> float:
        """Alerts of surges a day, after the time of learning."""
        days = max(1, len(self.days) - self.learning_days)
        return sum(not told.learning for told in self.surges) / days


def summarise(history: History, zone: tzinfo) -> Summary:
    """The numbers of a history whose days are those of the time zone `zone`."""
    record, local = history.record, _local(zone)
    hours = sorted({hour for counts in record.hourly.values() for hour, n in counts.items() if n > 0})
    days = _days(local(hours[0] * HOUR_MS).date(), local(hours[-1] * HOUR_MS).date()) if hours else []
    surges = [told for told in history.alerts if told.rule == "surge"]
    excluded = record.surges.rules.excluded
    incidents: Counter[str] = Counter()
    for (name, kind), counts in record.hourly.items():
        if kind not in excluded:
            incidents[name] += sum(counts.values())
    learning_days = min(len(days), round(record.surges.rules.baseline.learning_days))
    known = [told for told in surges if not told.learning]
    return Summary(
        city=history.jurisdiction,
        days=days,
        surges=surges,
        others=[told for told in history.alerts if told.rule != "surge"],
        alerts_by_day=Counter(local(told.raised_at).date() for told in surges),
        calibration=_calibration(history, len(days) - learning_days),
        first_of_month=_firsts(known, days[learning_days:], local),
        full_hour=_full_hours(known, history, local),
        incidents_by_zone={name: n for name, n in incidents.items() if name != UNKNOWN_ZONE},
        alerts_by_zone=Counter(name for told in surges for name in told.zones if name != ANY),
        incidents=sum(incidents.values()),
        learning_days=learning_days,
        budget=record.surges.rules.budget.false_alerts_per_day,
    )


def _local(zone: tzinfo) -> Callable[[int], datetime]:
    def local(at_ms: int) -> datetime:
        return datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(zone)

    return local


def _days(first: date, last: date) -> list[date]:
    return [first + timedelta(days) for days in range((last - first).days + 1)]


def _calibration(history: History, days: int) -> list[Calibration]:
    known = [peak.once_in_days for peak in history.record.peaks if not peak.learning]
    return [
        Calibration(stated, sum(once >= stated for once in known), float(max(days, 0)))
        for stated in STATED_DAYS
    ]


def _firsts(alerts: Sequence[Told], days: Sequence[date], local: Callable[[int], datetime]) -> Ratio:
    inside = sum(local(told.raised_at).day == 1 for told in alerts)
    firsts = sum(day.day == 1 for day in days)
    return Ratio(inside, float(firsts), len(alerts) - inside, float(len(days) - firsts))


def _full_hours(alerts: Sequence[Told], history: History, local: Callable[[int], datetime]) -> Ratio:
    """Alerts that follow incidents of the first minutes of an hour, and others; each by the incidents there are."""
    record = history.record
    panes = FULL_HOUR_MIN * record.panes_per_hour // _HOUR_MIN
    inside = sum(1 <= local(told.raised_at).minute <= FULL_HOUR_MIN for told in alerts)
    booked = sum(n for pane, n in record.by_pane_of_hour.items() if pane < panes)
    others = sum(record.by_pane_of_hour.values()) - booked
    return Ratio(inside, float(booked), len(alerts) - inside, float(others))


def written(summary: Summary) -> dict[str, Any]:
    """The content of report.json."""
    kinds = Counter(told.rule for told in (*summary.surges, *summary.others))
    return {
        "city": summary.city,
        "first_day": summary.days[0].isoformat() if summary.days else None,
        "last_day": summary.days[-1].isoformat() if summary.days else None,
        "days": len(summary.days),
        "days_of_learning": summary.learning_days,
        "incidents": summary.incidents,
        "budget_per_day": summary.budget,
        "surges_per_day": summary.per_day,
        "alerts": dict(sorted(kinds.items())),
        "alerts_by_day": {day.isoformat(): summary.alerts_by_day[day] for day in summary.days},
        "calibration": [
            {
                "stated_once_in_days": each.stated_days,
                "episodes": each.episodes,
                "observed_once_in_days": each.observed_days,
                "interval_95": list(each.interval),
            }
            for each in summary.calibration
        ],
        "first_of_month": summary.first_of_month.written(),
        "full_hour": summary.full_hour.written(),
        "zones": {
            zone: {"incidents": n, "alerts": summary.alerts_by_zone.get(zone, 0)}
            for zone, n in sorted(summary.incidents_by_zone.items())
        },
        "rarest": [_alert(told) for told in by_rarity([*summary.surges, *summary.others])[:_SHOWN]],
    }


def _alert(told: Told) -> dict[str, Any]:
    names = ("alert_id", "rule", "crime_type")
    of_rarest = ("window", "observed", "expected", "once_in_days", "explanation")
    return {
        **{name: told.first[name] for name in names},
        "zones": list(told.zones),
        "raised_at": told.first["at"],
        "since": told.first["since"],
        "learning": told.learning,
        **{name: told.rarest[name] for name in of_rarest},
    }
