"""The figure of one alert: what was counted beside what was expected, and where."""

import math
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Any, Final

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Polygon

from schemas.instants import epoch_ms
from schemas.vocabulary import ANY, UNKNOWN_ZONE
from streams.backtest.drawing import (
    ALERT,
    COUNT,
    INK,
    PALE,
    USUAL,
    dated,
    day_number,
    hour_number,
    paper,
    plain,
)
from streams.backtest.history import Told
from streams.backtest.record import Record
from streams.core.civil import HOUR_MS, WEEK_H
from streams.core.explanation import zones_words

Outlines = Mapping[str, Sequence[Sequence[tuple[float, float]]]]
_WEEKS_BEFORE: Final = 26
_WEEKS_AFTER: Final = 4
_LEAST_LAT_SPAN: Final = 1e-6


def episode(told: Told, record: Record, outlines: Outlines, zone: tzinfo) -> Figure:
    """Left the counts around the alert, right the city with what was counted in the same time."""
    figure = paper(10.0, 2.9)
    left, right = figure.subplots(1, 2, width_ratios=(3.2, 1.0))
    if told.rule == "trend":
        _weeks(left, told, record)
    else:
        _hours(left, told, record)
    dated(left, zone)
    _map(right, told, record, outlines)
    return figure


def _hours(axes: Axes, told: Told, record: Record) -> None:
    hours = range(told.first_hour, told.first_hour + len(told.expected))
    if not hours:
        start = told.raised_at // HOUR_MS
        hours = range(start - 36, start + 36)
    observed = record.observed(told.rarest["zones"], told.first["crime_type"], hours)
    width = 1.0 / 24.0
    at = [hour_number(hour) for hour in hours]
    _span(axes, told)
    axes.bar(at, observed, width=0.92 * width, align="edge", color=COUNT, label="counted in the hour")
    if told.expected:
        axes.step(
            [*at, at[-1] + width],
            [*told.expected, told.expected[-1]],
            where="post",
            color=USUAL,
            linewidth=1.4,
            label="usual",
        )
    axes.set_xlim(at[0], at[-1] + width)
    axes.legend(fontsize=7, frameon=False, loc="upper left")
    plain(axes, "Counted and usual, by hour; shaded: the alert", y="incidents")


def _weeks(axes: Axes, told: Told, record: Record) -> None:
    end = told.raised_at // HOUR_MS
    starts = range(end - _WEEKS_BEFORE * WEEK_H, end + _WEEKS_AFTER * WEEK_H, WEEK_H)
    observed = [
        sum(record.observed(told.zones, told.first["crime_type"], range(start, start + WEEK_H)))
        for start in starts
    ]
    _span(axes, told)
    axes.bar(
        [hour_number(h) for h in starts],
        observed,
        width=6.6,
        align="edge",
        color=COUNT,
        label="counted in the week",
    )
    since = instant(told.rarest["since"])
    weeks = max(1, round((instant(told.rarest["at"]) - since) / (WEEK_H * HOUR_MS)))
    usual = float(told.rarest["expected"] or 0.0) / weeks
    axes.plot(
        [day_number(since), day_number(told.raised_at)],
        [usual, usual],
        color=USUAL,
        linewidth=2.0,
        label="usual",
    )
    axes.legend(fontsize=7, frameon=False, loc="upper left")
    plain(axes, "Counted and usual, by week; shaded: the alert", y="incidents")


def _span(axes: Axes, told: Told) -> None:
    end = told.ended_at or told.raised_at
    axes.axvspan(
        day_number(told.raised_at), day_number(max(end, told.raised_at)), color=ALERT, alpha=0.15, linewidth=0
    )
    axes.axvline(day_number(told.raised_at), color=ALERT, linewidth=1.2)


def _map(axes: Axes, told: Told, record: Record, outlines: Outlines) -> None:
    first, last = instant(told.rarest["since"]) // HOUR_MS, instant(told.rarest["at"]) // HOUR_MS
    known = {name for name, _ in record.hourly if name not in (ANY, UNKNOWN_ZONE)}
    places = outlines or tiles(sorted(known, key=natural))
    counts = {
        name: sum(record.observed((name,), told.first["crime_type"], range(first, last + 1)))
        for name in places
    }
    most = max(1, *counts.values()) if counts else 1
    shades = colormaps["Oranges"]
    for name, rings in places.items():
        mine = name in told.rarest["zones"]
        for ring in rings:
            axes.add_patch(
                Polygon(
                    np.array(ring),
                    facecolor=shades(0.08 + 0.72 * counts[name] / most) if counts[name] else PALE,
                    edgecolor=INK if mine else "white",
                    linewidth=1.5 if mine else 0.4,
                    zorder=2 if mine else 1,
                )
            )
    axes.autoscale_view()
    lats = [lat for rings in places.values() for ring in rings for _, lat in ring]
    middle = math.radians((min(lats) + max(lats)) / 2.0) if outlines and lats else 0.0
    axes.set_aspect(1.0 / max(math.cos(middle), _LEAST_LAT_SPAN))
    axes.set_axis_off()
    where = zones_words(told.rarest["zones"])
    axes.set_title(where if outlines else f"{where} (no polygons given)", loc="left", fontsize=8, color=INK)


def tiles(names: Sequence[str]) -> dict[str, list[list[tuple[float, float]]]]:
    """Squares in rows, for a city whose polygons are not known."""
    across = max(1, math.ceil(math.sqrt(len(names))))
    found = {}
    for i, name in enumerate(names):
        x, y = float(i % across), -float(i // across)
        found[name] = [[(x, y), (x + 0.9, y), (x + 0.9, y - 0.9), (x, y - 0.9)]]
    return found


def natural(name: str) -> list[Any]:
    """Sorts 8 before 32."""
    return [
        (0, int(part), "") if part.isdigit() else (1, 0, part) for part in re.split(r"(\d+)", name) if part
    ]


def instant(text: str) -> int:
    """Epoch milliseconds of a record's time."""
    return epoch_ms(datetime.fromisoformat(text))
