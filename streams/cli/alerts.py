"""`vigil alerts`: alerts in the terminal."""

import asyncio
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import click

from schemas.codec import from_json
from schemas.vocabulary import AlertState
from streams.cli.registry import examples
from streams.cli.session import Session
from streams.cli.terminal import Terminal
from streams.reading_back import TopicReader, topic_reader
from streams.settings import Settings

Record = Mapping[str, Any]
OVER: Final = frozenset({AlertState.CLEARED, AlertState.WITHDRAWN})


@click.command(
    epilog=examples(
        "vigil alerts              the open ones",
        "vigil alerts --all        those that are over too",
        "vigil alerts --follow     a live board of them, until Ctrl-C; without a terminal each change as it comes",
        "vigil alerts --json       for programs: one record a line",
    )
)
@click.option(
    "--follow", is_flag=True, help="Go on: a live board on a terminal, else each change as it comes."
)
@click.option("--all", "everything", is_flag=True, help="Those that are cleared or withdrawn too.")
@click.option("--json", "as_json", is_flag=True, help="One JSON record a line, as on the topic.")
@click.pass_obj
def alerts(session: Session, follow: bool, everything: bool, as_json: bool) -> None:
    """Show alerts: where, what, how much more than usual, how rare, since when, and why."""
    asyncio.run(_show(session, follow, everything, as_json))


async def _show(session: Session, follow: bool, everything: bool, as_json: bool) -> None:
    terminal, newest = session.terminal, dict[str, Record]()
    async with topic_reader(session.settings, "alerts") as reader:
        async for record in reader.to_the_end():
            keep_newest(newest, from_json(record.value))
        if follow and terminal.is_rich and not as_json:
            await _keep_board(session, reader, newest)
        shown = [alert for alert in newest.values() if everything or alert["state"] not in OVER]
        show(terminal, sorted(shown, key=lambda alert: alert["at"]), as_json=as_json)
        if follow:
            async for records in reader.as_they_come():
                news = [alert for record in records if keep_newest(newest, alert := from_json(record.value))]
                for alert in news:
                    tell(terminal, alert, as_json=as_json)


async def _keep_board(session: Session, reader: TopicReader, newest: dict[str, Record]) -> None:
    """The live board, until Ctrl-C; it is drawn anew when something comes, and every second for its clock."""
    from rich.live import Live  # noqa: PLC0415 -- only for those who look at it: 50 ms

    from streams.cli.board import board, look_for  # noqa: PLC0415

    console = session.terminal.console()
    with Live(console=console, screen=True, auto_refresh=False) as live:
        drawn_at: datetime | None = None
        async for records in reader.as_they_come():
            news = [keep_newest(newest, from_json(record.value)) for record in records]
            now = datetime.now(UTC).astimezone(_zone_of(session.settings, newest.values()))
            if drawn_at is None or any(news) or now - drawn_at >= timedelta(seconds=1):
                live.update(board(newest.values(), now, look_for(console.height)), refresh=True)
                drawn_at = now


def _zone_of(settings: Settings, alerts: Iterable[Record]) -> ZoneInfo | None:
    """The time zone of the jurisdiction that all alerts are of; None, the machine's, where there are several."""
    names = {alert["jurisdiction"] for alert in alerts}
    return ZoneInfo(settings.jurisdiction(names.pop()).time_zone) if len(names) == 1 else None


def keep_newest(newest: dict[str, Record], alert: Record) -> bool:
    """Keep an alert's greatest revision; False when this one is not greater: repeats and stale owners say nothing."""
    kept = newest.get(alert["alert_id"])
    if kept is not None and kept["revision"] >= alert["revision"]:
        return False
    newest[alert["alert_id"]] = alert
    return True


def show(terminal: Terminal, found: Iterable[Record], *, as_json: bool) -> None:
    """All alerts, one after the other."""
    some = False
    for alert in found:
        tell(terminal, alert, as_json=as_json)
        some = True
    if not some and not as_json:
        terminal.say("no open alerts; --all shows those that are over")


def tell(terminal: Terminal, alert: Record, *, as_json: bool) -> None:
    """One alert: a line that says what, and the explanation below it."""
    if as_json:
        terminal.say(json.dumps(alert, ensure_ascii=False))
        return
    answered = f", {alert['acknowledged_by']} has it" if alert.get("acknowledged_by") else ""
    provisional = " (provisional)" if alert["provisional"] else ""
    terminal.say(
        f"{alert['at']}  {alert['state'].upper()}{provisional}  {alert['alert_id']}  {alert['jurisdiction']}: "
        f"{alert['crime_type']} in {', '.join(alert['zones'])}{answered}"
    )
    terminal.say(f"    {alert['explanation']}")
