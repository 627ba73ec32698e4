"""The board of an operations centre: every alert in two lines, those that wait for an answer first.

A pure function of alert records (as on the topic) and an instant; `vigil alerts --follow` draws it again and again.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from schemas.vocabulary import ANY, UNKNOWN_ZONE, AlertState, Verdict
from streams.cli.printable import printable_record

Record = Mapping[str, Any]

SHOWN_AFTER_END: Final = timedelta(hours=1)
"""How long an alert that is over stays on the board."""

_OVER: Final = (AlertState.CLEARED, AlertState.WITHDRAWN)
_STYLES: Final = {
    AlertState.RAISED: "bold yellow",
    AlertState.UPDATED: "yellow",
    AlertState.ESCALATED: "bold red",
    AlertState.CLEARED: "green",
    AlertState.WITHDRAWN: "dim",
}
_VERDICTS: Final = {Verdict.CONFIRMED: "confirmed", Verdict.FALSE_ALARM: "false alarm"}
_ZONES_SHOWN: Final = 3
JUST_NOW: Final = "just now"
_LEAST_RATIO_EXPECTED: Final = 0.1  # as in explanations: below it a ratio means nothing
_RAREST_SAID_DAYS: Final = 3650
_YEAR_DAYS: Final = 365


class Look(NamedTuple):
    """How much of the board is shown."""

    rows: int = 20  # alerts in the table
    explained: int = 3  # of them with their explanation below the table


DEFAULT_LOOK: Final = Look()


def look_for(height: int) -> Look:
    """What fits on a terminal of `height` lines: three a row, some five an explanation."""
    explained = 3 if height >= 40 else 1  # noqa: PLR2004 -- a tall terminal has room for both
    return Look(max(2, (height - 6 - 5 * explained) // 3), explained)


def board(alerts: Iterable[Record], now: datetime, look: Look = DEFAULT_LOOK) -> RenderableType:
    """The alerts that are open, or were until lately, at `now`.

    Args:
        alerts: the newest revision of each.
        now: an instant; times are shown in its time zone.
        look: how much is shown.
    """
    found = sorted((printable_record(alert) for alert in alerts if _is_shown(alert, now)), key=_urgency)
    opened = [alert for alert in found if not is_over(alert)]
    if not found:
        return Group(_headline(opened, now), Text("Nothing is out of the ordinary.", style="dim"))
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_lines=False)
    for name in ("state\nalert", "what\nwhere", "how many\nhow rare", "since\nwho has it"):
        table.add_column(name, overflow="fold")
    several = len({alert["jurisdiction"] for alert in found}) > 1
    for alert in found[: look.rows]:
        place = f"{alert['jurisdiction']}: {where(alert)}" if several else where(alert)
        table.add_row(*_cells(alert, place, now), style="dim" if is_over(alert) else "", end_section=True)
    parts: list[RenderableType] = [_headline(opened, now), table]
    if len(found) > look.rows:
        parts.append(Text(f"and {len(found) - look.rows} more", style="dim"))
    parts.extend(_explained(alert) for alert in opened[: look.explained])
    return Group(*parts)


def is_over(alert: Record) -> bool:
    """Whether an alert was cleared or withdrawn."""
    return alert["state"] in _OVER


def instant(text: str) -> datetime:
    """An instant as on the topics (RFC 3339)."""
    return datetime.fromisoformat(text)


def ago(span: timedelta) -> str:
    """A span to now in words: `just now`, `25 min`, `3 h 10 min`, `2 d 4 h`."""
    minutes = int(span.total_seconds() // 60)
    hours, days = minutes // 60, minutes // 1440
    if minutes < 1:
        return JUST_NOW
    if hours < 1:
        return f"{minutes} min"
    return f"{hours} h {minutes % 60} min" if days < 1 else f"{days} d {hours % 24} h"


def more_than_usual(alert: Record) -> str:
    """`9 in 2h, 7.5 × the usual 1.2`; of a rule what it counted."""
    counted, expected = f"{alert['observed']} in {alert['window']}", alert.get("expected")
    if expected is None:
        return counted
    if expected < _LEAST_RATIO_EXPECTED:
        return f"{counted}, usually next to none"
    return f"{counted}, {alert['observed'] / expected:.1f} × the usual {expected:.1f}"


def how_rare(alert: Record) -> str:
    """`once in 12 d`; of a rule its name."""
    days = alert.get("once_in_days")
    if days is None:
        return str(alert["rule"])
    if days >= _RAREST_SAID_DAYS:
        return "< once in 10 y"
    if days >= 2 * _YEAR_DAYS:
        return f"once in {days / _YEAR_DAYS:.0f} y"
    return f"once in {days:.0f} d" if days >= 1 else f"{1 / max(days, 0.001):.0f} a day"


def where(alert: Record) -> str:
    """`B04, B05, B06 +2`, `whole city`."""
    names = {ANY: "whole city", UNKNOWN_ZONE: "no known zone"}
    zones = [names.get(zone, str(zone)) for zone in alert["zones"]]
    more = len(zones) - _ZONES_SHOWN
    return ", ".join(zones[:_ZONES_SHOWN]) + (f" +{more}" if more > 0 else "")


def _is_shown(alert: Record, now: datetime) -> bool:
    return not is_over(alert) or now - instant(alert["at"]) < SHOWN_AFTER_END


def _urgency(alert: Record) -> tuple[bool, bool, float, bool, float, str]:
    """Open before over, unanswered before answered, the rarest first, then what escalated, then the newest."""
    answered = alert.get("acknowledged_by") is not None
    rarity = 0.0 if is_over(alert) else -(alert.get("once_in_days") or 0.0)
    calm = alert["state"] != AlertState.ESCALATED
    return is_over(alert), answered, rarity, calm, -instant(alert["at"]).timestamp(), alert["alert_id"]


def _headline(opened: list[Record], now: datetime) -> Text:
    waiting = sum(alert.get("acknowledged_by") is None for alert in opened)
    text = Text.assemble((f"{len(opened)} open", "bold"), f", {waiting} without an answer" if opened else "")
    return text.append(f"   {now:%H:%M:%S %Z}", style="dim")


def _cells(alert: Record, place: str, now: datetime) -> list[Text]:
    """Four cells of two lines."""
    state = AlertState(alert["state"])
    what = "all types" if alert["crime_type"] == ANY else alert["crime_type"].replace("_", " ")
    name = f"{state}, provisional" if alert["provisional"] else str(state)
    return [
        Text.assemble((name, _STYLES[state]), "\n", (alert["alert_id"], "dim")),
        Text.assemble((what, "" if is_over(alert) else "bold"), "\n", place),
        Text("" if is_over(alert) else f"{more_than_usual(alert)}\n{how_rare(alert)}"),
        Text(f"{_since(alert, now)}\n{_who(alert)}"),
    ]


def _since(alert: Record, now: datetime) -> str:
    if is_over(alert):
        ended = ago(now - instant(alert["at"]))
        return f"ended {ended}" if ended == JUST_NOW else f"ended {ended} ago"
    since = instant(alert["since"])
    local = since.astimezone(now.tzinfo)
    day = "" if local.date() == now.date() else f"{local:%d %b} "
    return f"{day}{local:%H:%M}, {ago(now - since)}"


def _who(alert: Record) -> str:
    by, verdict = alert.get("acknowledged_by"), alert.get("verdict")
    if by is None:
        return "" if is_over(alert) else "nobody yet"
    return f"{by}: {_VERDICTS[Verdict(verdict)]}" if verdict else str(by)


def _explained(alert: Record) -> Text:
    style = _STYLES[AlertState(alert["state"])]
    text = Text.assemble((f"{alert['alert_id']} ", "dim"), ("● ", style), alert["explanation"])
    text.append("\n")
    return text
