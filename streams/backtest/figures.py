"""The figures of a whole history: when alerts were raised, how many a day, whether rarities hold, and where."""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from typing import Final

import numpy as np
from matplotlib.figure import Figure

from streams.backtest.drawing import ALERT, COUNT, INK, PALE, USUAL, dated, day_number, paper, plain
from streams.backtest.summary import Summary

_MOST_TYPES: Final = 18
_NAMED_ZONES: Final = 6


def timeline(summary: Summary, zone: tzinfo) -> Figure:
    """Every alert: when, of which type, how rare; hollow while the detector was learning."""
    alerts = [*summary.surges, *summary.others]
    counts = Counter(_name(told.first["crime_type"]) for told in alerts)
    kinds = [kind for kind, _ in counts.most_common(_MOST_TYPES)]
    figure = paper(10.0, 1.2 + 0.24 * max(4, len(kinds)))
    axes = figure.add_subplot()
    at = {kind: len(kinds) - i for i, kind in enumerate(kinds)}
    shown = [told for told in alerts if _name(told.first["crime_type"]) in at]
    for told in shown:
        rim = ALERT if told.rule == "surge" else USUAL
        axes.plot(
            day_number(told.raised_at),
            at[_name(told.first["crime_type"])],
            "o",
            markersize=4.0 + 2.2 * max(0.0, np.log10(max(told.once_in_days, 0.1)) + 1.0),
            markerfacecolor="none" if told.learning else rim,
            markeredgecolor=rim,
            alpha=0.7,
        )
    axes.set_yticks([at[kind] for kind in kinds], [f"{kind} ({counts[kind]})" for kind in kinds])
    axes.grid(axis="y", color=PALE, linewidth=0.7)
    axes.set_axisbelow(True)
    dated(axes, zone)
    plain(
        axes,
        "Alerts by crime type; larger is rarer, hollow while learning; blue are trends, silences and rules",
    )
    return figure


def per_day(summary: Summary) -> Figure:
    """Alerts of surges raised on each day, and the budget."""
    figure = paper(10.0, 2.6)
    axes = figure.add_subplot()
    counts = [summary.alerts_by_day[day] for day in summary.days]
    learning = summary.learning_days
    colours = [
        PALE if i < learning else COUNT if day.day != 1 else ALERT for i, day in enumerate(summary.days)
    ]
    axes.bar(np.arange(len(counts)), counts, width=0.9, color=colours, edgecolor=COUNT, linewidth=0.3)
    axes.axhline(summary.budget, color=USUAL, linewidth=1.2)
    axes.text(
        len(counts), summary.budget, f" budget {summary.budget:g}", color=USUAL, fontsize=8, va="center"
    )
    firsts = [i for i, day in enumerate(summary.days) if day.day == 1]
    axes.set_xticks(firsts, [summary.days[i].strftime("1 %b %Y") for i in firsts])
    plain(
        axes,
        f"Surges told per day: {summary.per_day:.2f} on average after the days of learning (pale); orange: first of a month",
        y="alerts",
    )
    return figure


def calibration(summary: Summary) -> Figure:
    """Stated against observed rarity of episodes, whole city."""
    figure = paper(4.9, 3.9)
    axes = figure.add_subplot()
    ends = np.array([0.3, 60.0])
    axes.fill_between(ends, ends / 2.0, ends * 2.0, color=PALE, label="within a factor of 2")
    axes.plot(ends, ends, color=USUAL, linewidth=1.2, label="as stated")
    for each in summary.calibration:
        if each.observed_days is None:
            continue
        low, high = each.interval
        axes.plot([each.stated_days] * 2, [low, high or ends[1]], color=INK, linewidth=1.0)
        axes.plot(each.stated_days, each.observed_days, "o", color=ALERT, markersize=5)
    axes.set_xscale("log")
    axes.set_yscale("log")
    stated = [each.stated_days for each in summary.calibration]
    axes.set_xticks(stated, [f"{days:g}" for days in stated])
    axes.set_yticks([0.5, 1, 2, 7, 30], ["0.5", "1", "2", "7", "30"])
    axes.minorticks_off()
    axes.set_ylim(0.15, 120.0)
    axes.legend(fontsize=7, frameon=False, loc="upper left")
    plain(
        axes,
        "How rare episodes were: stated, and observed",
        "stated: once in so many days, or rarer",
        "observed: once in so many days",
    )
    return figure


def fairness(summary: Summary) -> Figure:
    """Alerts of each zone against its incidents."""
    figure = paper(4.9, 3.9)
    axes = figure.add_subplot()
    zones = sorted(summary.incidents_by_zone)
    incidents = np.array([summary.incidents_by_zone[zone] for zone in zones], float)
    alerts = np.array([summary.alerts_by_zone.get(zone, 0) for zone in zones], float)
    axes.plot(incidents, alerts, "o", color=ALERT, markersize=4, alpha=0.7)
    if incidents.sum() > 0:
        share = alerts.sum() / incidents.sum()
        axes.plot([0.0, incidents.max()], [0.0, share * incidents.max()], color=USUAL, linewidth=1.2)
        for i in np.argsort(-np.abs(alerts - share * incidents))[:_NAMED_ZONES].tolist():
            axes.annotate(
                zones[i], (incidents[i], alerts[i]), fontsize=7, xytext=(4, 3), textcoords="offset points"
            )
    plain(
        axes,
        "Zones: alerts against incidents; the line is in proportion",
        "incidents",
        "alerts with the zone",
    )
    return figure


def habits(summary: Summary, zone: tzinfo) -> Figure:
    """At which minute of the hour, and on which day of the month, surges were told."""
    figure = paper(10.0, 2.4)
    minutes, days = figure.subplots(1, 2)
    known = [
        datetime.fromtimestamp(told.raised_at / 1000, UTC).astimezone(zone)
        for told in summary.surges
        if not told.learning
    ]
    by_minute = np.bincount([(at.minute - 1) % 60 // 5 for at in known], minlength=12)
    minutes.bar(np.arange(12) * 5 + 2.5, by_minute, width=4.6, color=COUNT)
    minutes.set_xticks(range(0, 61, 15))
    plain(minutes, "Surges told, by minute of the hour", "minute", "alerts")
    seen: Mapping[int, int] = Counter(day.day for day in summary.days[summary.learning_days :])
    told_on = Counter(at.day for at in known)
    rate = [told_on[day] / seen[day] if seen.get(day) else 0.0 for day in range(1, 32)]
    days.bar(range(1, 32), rate, width=0.85, color=[ALERT, *[COUNT] * 30])
    plain(days, "Surges told per day, by day of the month", "day", "alerts a day")
    return figure


def _name(crime_type: str) -> str:
    return "all types" if crime_type == "*" else str(crime_type).replace("_", " ")
