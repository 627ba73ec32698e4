"""The report as one HTML file: figures inside, no script, nothing to fetch."""

import base64
from collections.abc import Callable
from datetime import UTC, datetime, tzinfo
from functools import partial
from html import escape
from typing import Final

from matplotlib.figure import Figure

from streams.backtest import figures
from streams.backtest.drawing import png
from streams.backtest.episode_figures import Outlines, episode
from streams.backtest.history import History, Told, by_rarity
from streams.backtest.ratios import Ratio
from streams.backtest.summary import Summary
from streams.core.explanation import rarity_words, zones_words

TOP_SURGES: Final = 10
TOP_OTHERS: Final = 3
NAMED_ZONES: Final = 6  # in a heading
_STYLE: Final = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1f2933; max-width: 1080px; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.7rem; margin-bottom: .2rem; } h2 { margin-top: 2.4rem; border-bottom: 1px solid #e4e7eb; }
h3 { margin: 1.8rem 0 .2rem; font-size: 1.05rem; } p { margin: .4rem 0; max-width: 75ch; }
img { max-width: 100%; height: auto; display: block; } .two { display: flex; flex-wrap: wrap; gap: 1rem; }
.two img { flex: 1 1 420px; max-width: 520px; } .facts { display: flex; flex-wrap: wrap; gap: .8rem 2.2rem; margin: 1rem 0; }
.facts div { min-width: 7rem; } .facts b { display: block; font-size: 1.5rem; } .said { color: #52606d; font-size: .93rem; }
table { border-collapse: collapse; font-size: .9rem; } td, th { padding: .15rem .8rem .15rem 0; text-align: left; }
td.n, th.n { text-align: right; } .note { color: #52606d; font-size: .9rem; }
@media print { body { max-width: none; } h3 { break-after: avoid; } img { break-inside: avoid; } }
"""


def page(
    history: History, summary: Summary, outlines: Outlines, zone: tzinfo, drawn: Callable[[], None]
) -> str:
    """The whole report.

    Args:
        history: what was replayed.
        summary: its numbers.
        outlines: zone → rings, empty where polygons are not known.
        zone: the jurisdiction's clock.
        drawn: is told after each figure.
    """

    def image(draw: Callable[[], Figure], words: str) -> str:
        data = base64.b64encode(png(draw)).decode()
        drawn()
        return f'<img alt="{escape(words)}" src="data:image/png;base64,{data}">'

    parts = [
        _head(summary),
        "<h2>When</h2>",
        image(lambda: figures.timeline(summary, zone), "alerts over time by crime type"),
        image(lambda: figures.per_day(summary), "alerts per day"),
        "<h2>Whether what is stated holds</h2>",
        _stated(summary),
        '<div class="two">',
        image(lambda: figures.calibration(summary), "stated and observed rarity"),
        image(lambda: figures.fairness(summary), "alerts against incidents by zone"),
        "</div>",
        _fairness(summary),
        "<h2>Habits of recording</h2>",
        _habits(summary),
        image(lambda: figures.habits(summary, zone), "alerts by minute of the hour and day of the month"),
        "<h2>The rarest episodes</h2>",
    ]
    for told in top_episodes(summary):
        parts.append(_episode(told, zone))
        parts.append(image(partial(episode, told, history.record, outlines, zone), "counted and usual"))
    title = f"Backtest of {escape(summary.city)}"
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f"<style>{_STYLE}</style></head>\n<body>\n" + "\n".join(parts) + "\n</body></html>\n"
    )


def top_episodes(summary: Summary) -> list[Told]:
    """The rarest surges after the time of learning (of all, where there are none), then the rarest of other kinds."""
    known = [told for told in summary.surges if not told.learning] or summary.surges
    return [*by_rarity(known)[:TOP_SURGES], *by_rarity(summary.others)[:TOP_OTHERS]]


def _head(summary: Summary) -> str:
    span = f"{summary.days[0]:%d %b %Y} to {summary.days[-1]:%d %b %Y}" if summary.days else "no day"
    facts = [
        (f"{len(summary.days):,}", "days"),
        (f"{summary.incidents:,}", "incidents"),
        (f"{summary.budget:g} a day", "budget of false alerts"),
        (f"{summary.per_day:.2f} a day", "surges told, true or false"),
        (f"{len(summary.others):,}", "trends, silences and rules"),
    ]
    told = "".join(f"<div><b>{value}</b>{what}</div>" for value, what in facts)
    return (
        f"<h1>Backtest of {escape(summary.city)}</h1><p>{span}. The alerts that this history would have brought, made by the "
        "code that runs live: each from what was known at its time and nothing later. No alert says anything of what will "
        f"happen, nor of persons.</p><div class='facts'>{told}</div><p class='note'>The first {summary.learning_days} days are "
        "for learning: alerts of that time say so and are left out of the averages below.</p>"
    )


def _stated(summary: Summary) -> str:
    rows = []
    for each in summary.calibration:
        low, high = each.interval
        observed = "never" if each.observed_days is None else f"once in {each.observed_days:.1f} days"
        upper = "more" if high is None else f"{high:.1f}"
        rows.append(
            f"<tr><td>once in {each.stated_days:g} days or rarer</td><td class=n>{each.episodes}</td><td>{observed}</td>"
            f"<td>{low:.1f} to {upper}</td></tr>"
        )
    return (
        "<p>An episode that is stated as once in N days should come up about once in N days by chance. A city's history also "
        "holds real surges, so that the rarest come up more often than stated.</p><table><tr><th>stated</th><th class=n>episodes"
        f"</th><th>observed</th><th>95 % interval, days</th></tr>{''.join(rows)}</table>"
    )


def _fairness(summary: Summary) -> str:
    total = sum(summary.incidents_by_zone.values())
    alerts = sum(summary.alerts_by_zone.get(zone, 0) for zone in summary.incidents_by_zone)
    if not total or not alerts:
        return "<p>No alert named a zone.</p>"
    shares = {
        zone: (summary.alerts_by_zone.get(zone, 0) / alerts, n / total)
        for zone, n in summary.incidents_by_zone.items()
    }
    over = sorted(shares, key=lambda zone: shares[zone][1] - shares[zone][0])[:5]
    rows = "".join(
        f"<tr><td>{escape(zone)}</td><td class=n>{summary.incidents_by_zone[zone]:,}</td><td class=n>{shares[zone][1]:.1%}</td>"
        f"<td class=n>{summary.alerts_by_zone.get(zone, 0)}</td><td class=n>{shares[zone][0]:.1%}</td></tr>"
        for zone in over
    )
    return (
        "<p>Alerts compare a zone with its own past, so a zone with many incidents should not have more alerts for that. These "
        "have the most alerts beyond their share of incidents:</p><table><tr><th>zone</th><th class=n>incidents</th>"
        f"<th class=n>share</th><th class=n>alerts</th><th class=n>share</th></tr>{rows}</table>"
    )


def _habits(summary: Summary) -> str:
    full = summary.full_hour
    share = full.inside_of / max(full.inside_of + full.outside_of, 1.0)
    return (
        "<p>Cities book what they do not know exactly on full hours and on the first of a month. If that made alerts, there would "
        f"be more of them then. On the first of a month there are {_times(summary.first_of_month)} as many alerts a day as on "
        f"others. {share:.0%} of the incidents are booked in the first five minutes of an hour; such an incident brings an alert "
        f"{_times(full)} as often as another one.</p>"
    )


def _times(ratio: Ratio) -> str:
    low, high = ratio.interval
    upper = "more" if high is None else f"{high:.2f}"
    said = "an unknown number of times" if ratio.value is None else f"{ratio.value:.2f} times"
    return f"{said} (95 % interval {low:.2f} to {upper})"


def _episode(told: Told, zone: tzinfo) -> str:
    at = datetime.fromtimestamp(told.raised_at / 1000, UTC).astimezone(zone)
    what = "all types" if told.first["crime_type"] == "*" else str(told.first["crime_type"]).replace("_", " ")
    kind = {"surge": "", "trend": "Trend: ", "drop": "Silence: "}.get(told.rule, f"{told.rule}: ")
    rare = f", {rarity_words(told.once_in_days)}" if told.once_in_days else ""
    zones = told.rarest["zones"]
    where = zones_words(zones) if len(zones) <= NAMED_ZONES else f"{len(zones)} zones"
    head = f"{kind}{what} in {where}, {at:%a %d %b %Y %H:%M}{rare}"
    return f"<h3>{escape(head)}</h3><p class='said'>{escape(str(told.rarest['explanation']))}</p>"


def figure_count(summary: Summary) -> int:
    """How many figures a report has."""
    return 5 + len(top_episodes(summary))
