"""The parts of the demo's picture, as lines of text: head, alerts, hottest cells, response, legend."""

import textwrap
from itertools import zip_longest
from typing import Final

from rich.text import Text

from schemas.vocabulary import AlertState
from streams.cli import demo_words as words
from streams.cli.demo_drawing import BAR, BOLD, DIM, GOOD, SHORT, bar, beside, columns_of, row, rule, sides
from streams.demo.alerts import AlertNews
from streams.demo.readings import Kpi
from streams.demo.scene import Phase, Scene, Step

STATE_STYLES: Final = {
    AlertState.RAISED: "bold red",
    AlertState.ESCALATED: "bold magenta",
    AlertState.UPDATED: "red",
    AlertState.CLEARED: "green",
    AlertState.WITHDRAWN: DIM,
}
ALERT_COLUMNS: Final = ("STATE", "WHAT", "WHERE", "COUNTED", "USUAL", "HOW RARE", "SINCE")
FULL_BAR: Final = {"15m": 4, "1h": 6, "24h": 12}
"""Incidents of a full bar at least, so that one call is a short one."""
GOAL: Final = 0.9
TIP_FRAMES: Final = 48  # how long a part of the legend stays where not all of it has room: 12 s
NARROW: Final = 72  # below it, hottest and response do not stand side by side
GAP: Final = 2
WITH_BARS: Final = 52  # from this width on, hottest has a bar for each window
WITH_COUNTS: Final = 46  # from this width on, response says of how many intervals


def head(scene: Scene, width: int) -> list[Text]:
    """Who, when, how much."""
    reading = scene.reading
    who = Text.assemble((" vigil ", "bold reverse"), ("  riverton", BOLD), (", a simulated city", DIM))
    when = Text.assemble(
        f"{words.day(scene.clock_ms)}  ", (words.clock(scene.clock_ms), BOLD), (" UTC ", DIM)
    )
    much = Text.assemble(
        (f" {scene.events_per_s:,.0f}", BOLD),
        (" events/s   ", DIM),
        (f"{reading.in_city('1h')}", BOLD),
        (" incidents/h ", DIM),
        (columns_of(scene.rhythm, width // 4), BAR),
    )
    trouble = Text.assemble(
        (f"{reading.dead_letters.total()}", BOLD),
        (" dead letters  ", DIM),
        (f"{reading.late}", BOLD),
        (" late ", DIM),
    )
    return [sides(who, when, width), sides(much, trouble, width)]


def alerts(scene: Scene, width: int, rows: int, why: int) -> list[Text]:
    """What is out of the ordinary, what was, and in whole sentences why the last one spoke."""
    listed, totals = scene.alerts.ordered(), scene.reading.transitions
    begun = sum(alert.open for alert in listed)
    said = f"{begun} open · since the beginning {totals['raised']} raised, {totals['cleared']} cleared"
    widths = alert_columns(width)
    lines = [rule("alerts", width, said), row(widths, ALERT_COLUMNS, DIM)]
    lines += [_alert(alert, widths, scene.clock_ms) for alert in listed[:rows]]
    lines += [Text() for _ in range(rows + 2 - len(lines))]
    return lines + _why(scene.alerts.latest(), width, why)


def alert_columns(width: int) -> tuple[int, ...]:
    """Widths of an alert's columns; what a wide terminal has more goes to what, where and how rare."""
    spare = max(width - 80, 0)
    return 11, 16 + min(spare // 4, 8), 10 + min(spare // 3, 16), 10, 6, 14 + min(spare // 3, 12), 6


def _alert(alert: AlertNews, widths: tuple[int, ...], now_ms: int) -> Text:
    over = words.near(alert.at_ms, now_ms)
    columns = (
        f"{'●' if alert.open else '○'} {alert.state}",
        words.spoken(alert.crime_type),
        words.place(alert.zones, (widths[2] + 1) // 3 - (len(alert.zones) > widths[2] // 3)),
        words.counted(alert),
        words.usual(alert),
        words.rarity(alert) if alert.open else f"over {'at' if ':' in over else 'on'} {over}",
        words.near(alert.since_ms, now_ms),
    )
    line = row(widths, columns, "" if alert.open else DIM)
    line.stylize(STATE_STYLES[alert.state], 1, 1 + widths[0])
    return line


def _why(alert: AlertNews | None, width: int, most: int) -> list[Text]:
    if alert is None:
        said = ["Nothing is out of the ordinary yet."]
    else:
        said = textwrap.wrap(alert.explanation, width - 9, max_lines=most or 1, placeholder=" …")
    said = [*said, *[""] * most][:most]
    return [Text.assemble((f" {'' if n else 'why':<6}", BAR), line) for n, line in enumerate(said)]


def middle(scene: Scene, width: int, rows: int) -> list[Text]:
    """Hottest cells and response, side by side where there is room."""
    if width < NARROW:
        return _hottest(scene, width, rows)
    left = (width - GAP) // 2
    pairs = zip_longest(_hottest(scene, left, rows), _response(scene, width - GAP - left, rows))
    lines = [beside(one or Text(), other or Text(), left + GAP) for one, other in pairs]
    return lines + [Text() for _ in range(rows + 1 - len(lines))]


def _hottest(scene: Scene, width: int, most: int) -> list[Text]:
    """One line a cell; a bar beside each number where there is room, else beside that of the last hour."""
    cells = words.hottest(scene)[:most]
    drawn = FULL_BAR if width >= WITH_BARS else ("1h",)
    numbers = 5 * len(words.WINDOWS)
    name_width = min(17 if width >= WITH_BARS else 14, max(width - 4 - numbers, 6))
    bar_width = max((width - 4 - name_width - numbers) // len(drawn), 0)
    lines = [rule("hottest", width, "in 15m, 1h, 24h")]
    for zone, crime_type, counts in cells:
        line = Text.assemble(
            (f" {words.short(zone):<3.3}", BOLD), f"{words.spoken(crime_type):<{name_width}.{name_width}}"
        )
        for window, least in FULL_BAR.items():
            n, full = counts.get(window, 0), max(least, *(each.get(window, 0) for *_, each in cells))
            line.append(f"{n:>4} ", "" if n else DIM)
            if window in drawn:
                line.append(bar(n / full, bar_width), BAR)
        lines.append(line)
    return lines


def _response(scene: Scene, width: int, most: int) -> list[Text]:
    return [
        rule("response", width, "goal met, 24h"),
        *(_kpi(kpi, width) for kpi in words.kpis_of_day(scene)[:most]),
    ]


def _kpi(kpi: Kpi, width: int) -> Text:
    of = f" of {kpi.intervals:<4}" if width >= WITH_COUNTS else ""
    bar_width = max(width - 31 - len(of), 4)
    drawn = list(bar(kpi.share, bar_width))
    drawn[min(round(GOAL * bar_width), bar_width - 1)] = "┃"
    line = Text.assemble(f" {kpi.agency + ' ' + kpi.kpi:<17.17}", (f"{words.seconds(kpi.goal_s):>6} ", DIM))
    line.append("".join(drawn), GOOD if kpi.share >= GOAL else SHORT)
    return line.append(f"{kpi.share:>5.0%}", BOLD).append(of, DIM)


def steps(scene: Scene, width: int) -> list[Text]:
    """What has to be done before the city is live."""
    return [rule("getting ready", width), *(_step(step, scene, width) for step in scene.steps)]


def _step(step: Step, scene: Scene, width: int) -> Text:
    if step.took_s is not None:
        return Text.assemble((" ✓ ", GOOD), f"{step.what:<46}", (f"{step.took_s:5.1f} s", DIM))
    line = Text.assemble((" ● ", BAR), f"{step.what:<46}")
    if step.counts:
        line.append(bar(scene.past_share, max(width - 58, 4)), BAR).append(f"{scene.past_share:>6.0%}", BOLD)
    return line


def legend(width: int, most: int, frame: int) -> list[Text]:
    """As much of the legend as there is room for; its pages are turned where that is not all."""
    told = [_entry(name, text, width) for name, text in words.LEGEND]
    if sum(map(len, told)) + 1 > most:
        first = frame // TIP_FRAMES % len(told)
        told = told[first:] + told[:first]
    lines = [rule("what you see", width)]
    for entry in told:
        if len(lines) + len(entry) > most:
            break
        lines += entry
    return lines if len(lines) > 1 else []


def _entry(name: str, text: str, width: int) -> list[Text]:
    said = textwrap.wrap(text, max(width - 16, 20))
    return [Text.assemble((f" {'' if n else name:<14}", BOLD), (line, DIM)) for n, line in enumerate(said)]


def foot(scene: Scene, width: int) -> Text:
    """Where to scrape, how fast time goes, how to end."""
    left = Text.assemble((" metrics ", DIM), scene.metrics_url)
    hour_s = f"{3600 / scene.speed:.0f} s are an hour"
    said = f"{scene.speed:.0f} times faster than life: {hour_s} · Ctrl-C ends "
    if len(left) + len(said) >= width:
        said = f"{hour_s} · Ctrl-C ends "
    return sides(
        left, Text("ending: the worker commits … " if scene.phase is Phase.ENDING else said, DIM), width
    )
