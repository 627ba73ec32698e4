"""The board of an operations centre."""

from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from rich.console import Console

from streams.cli.board import DEFAULT_LOOK, Look, ago, board, how_rare, look_for, more_than_usual, where

NOW = datetime(2026, 11, 23, 20, 30, tzinfo=UTC)


def alert(**said: Any) -> dict[str, Any]:
    """A record as on the topic: what is not known is left out."""
    record = {
        "alert_id": "00000000000000aa",
        "revision": 1,
        "state": "raised",
        "reason": "exceeded",
        "provisional": False,
        "jurisdiction": "sf",
        "zones": ["B04"],
        "crime_type": "motor_vehicle_theft",
        "window": "2h",
        "at": "2026-11-23T20:20:00.000Z",
        "since": "2026-11-23T19:45:00.000Z",
        "observed": 9,
        "expected": 1.2,
        "once_in_days": 12.0,
        "incident_ids": [],
        "rule": "surge",
        "explanation": "9 motor vehicle theft incidents in zone B04.",
    }
    return {name: value for name, value in {**record, **said}.items() if value is not None}


def drawn(*alerts: dict[str, Any], now: datetime = NOW, width: int = 100, look: Look = DEFAULT_LOOK) -> str:
    """The board as a person sees it."""
    console = Console(file=StringIO(), width=width, force_terminal=False)
    console.print(board(alerts, now, look))
    file = console.file
    assert isinstance(file, StringIO)
    return file.getvalue()


def rows(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def test_an_alert_says_what_where_how_much_how_rare_since_when_and_who() -> None:
    text = rows(drawn(alert()))
    assert text[0] == "1 open, 1 without an answer   20:30:00 UTC"
    assert (
        " ".join(text[4].split()) == "raised motor vehicle theft 9 in 2h, 7.5 × the usual 1.2 19:45, 45 min"
    )
    assert " ".join(text[5].split()) == "00000000000000aa B04 once in 12 d nobody yet"
    assert text[6] == "00000000000000aa ● 9 motor vehicle theft incidents in zone B04."


def test_who_has_it_and_what_they_said() -> None:
    assert rows(drawn(alert(acknowledged_by="desk 4")))[5].endswith(" desk 4")
    assert "desk 4: false alarm" in drawn(alert(acknowledged_by="desk 4", verdict="false_alarm"))
    assert "desk 4: confirmed" in drawn(alert(acknowledged_by="desk 4", verdict="confirmed"))


def test_provisional_is_said() -> None:
    assert "raised, provisional" in drawn(alert(provisional=True))


def test_times_are_those_of_the_zone_of_now() -> None:
    assert "11:45, 45 min" in drawn(alert(), now=NOW.astimezone(ZoneInfo("America/Los_Angeles")))


def test_another_day_is_said() -> None:
    assert "22 Nov 19:45, 1 d 0 h" in drawn(alert(since="2026-11-22T19:45:00.000Z"))


def test_what_is_over_stays_for_an_hour() -> None:
    over = alert(state="cleared", at="2026-11-23T19:31:00.000Z")
    assert "ended 59 min ago" in drawn(over)
    assert "ended just now" in drawn(alert(state="cleared", at="2026-11-23T20:29:30.000Z"))
    assert "once in" not in drawn(over)
    assert " in 2h" not in drawn(over), "how many there are now says nothing"
    assert "nobody yet" not in drawn(over)
    gone = drawn(alert(state="withdrawn", at="2026-11-23T19:30:00.000Z"))
    assert rows(gone) == ["0 open   20:30:00 UTC", "Nothing is out of the ordinary."]


def test_what_waits_for_an_answer_comes_first_and_the_rarest_before_others() -> None:
    alerts = [
        alert(alert_id="over", state="cleared"),
        alert(alert_id="answered", once_in_days=900.0, acknowledged_by="desk 4"),
        alert(alert_id="rule", once_in_days=None, expected=None, rule="rule:r"),
        alert(alert_id="worse", state="escalated", once_in_days=None, expected=None, rule="rule:r"),
        alert(alert_id="newer", at="2026-11-23T20:25:00.000Z"),
        alert(alert_id="rarest", once_in_days=40.0),
        alert(alert_id="older"),
    ]
    text = drawn(*alerts, look=Look(explained=0))
    order = ["rarest", "newer", "older", "worse", "rule", "answered", "over"]
    assert [line.split()[0] for line in rows(text)[5::2]] == order


def test_what_does_not_fit_is_counted() -> None:
    alerts = [alert(alert_id=f"{n:016}") for n in range(9)]
    text = drawn(*alerts, look=Look(rows=4, explained=2))
    assert "and 5 more" in text
    assert text.count("●") == 2


@pytest.mark.parametrize(
    "height, look",
    [
        pytest.param(24, Look(4, 1), id="small"),
        pytest.param(50, Look(9, 3), id="tall"),
        pytest.param(5, Look(2, 1), id="tiny"),
    ],
)
def test_what_fits(height: int, look: Look) -> None:
    assert look_for(height) == look


def test_whose_it_is_is_said_where_there_are_several() -> None:
    assert "sf: B04" not in drawn(alert())
    text = drawn(alert(), alert(alert_id="x", jurisdiction="oak"))
    assert "sf: B04" in text
    assert "oak: B04" in text


def test_nothing_that_a_record_says_is_markup() -> None:
    assert "[bold]B04[/bold]" in drawn(alert(zones=["[bold]B04[/bold]"], explanation="[red]x[/red]"))


def test_a_narrow_terminal_shows_everything() -> None:
    text = drawn(alert(zones=["Outer Richmond", "Inner Richmond"]), width=60)
    assert {"Outer", "Inner", "Richmond,", "nobody", "00000000000000aa"} <= set(text.split())


@pytest.mark.parametrize(
    "span, words",
    [
        pytest.param(timedelta(seconds=-5), "just now", id="clocks differ"),
        pytest.param(timedelta(seconds=59), "just now", id="seconds"),
        pytest.param(timedelta(minutes=25), "25 min", id="minutes"),
        pytest.param(timedelta(minutes=190), "3 h 10 min", id="hours"),
        pytest.param(timedelta(hours=52), "2 d 4 h", id="days"),
    ],
)
def test_how_long_ago(span: timedelta, words: str) -> None:
    assert ago(span) == words


@pytest.mark.parametrize(
    "days, words",
    [
        pytest.param(None, "rule:r", id="a rule"),
        pytest.param(0.0, "1000 a day", id="common"),
        pytest.param(0.25, "4 a day", id="a quarter of a day"),
        pytest.param(41.3, "once in 41 d", id="days"),
        pytest.param(1100.0, "once in 3 y", id="years"),
        pytest.param(1e6, "< once in 10 y", id="rarer than can be known"),
    ],
)
def test_how_rare(days: float | None, words: str) -> None:
    assert how_rare(alert(once_in_days=days, rule="rule:r")) == words


@pytest.mark.parametrize(
    "expected, words",
    [
        pytest.param(None, "9 in 2h", id="a rule"),
        pytest.param(0.05, "9 in 2h, usually next to none", id="next to none"),
        pytest.param(6.0, "9 in 2h, 1.5 × the usual 6.0", id="usual"),
    ],
)
def test_how_much_more(expected: float | None, words: str) -> None:
    assert more_than_usual(alert(expected=expected)) == words


@pytest.mark.parametrize(
    "zones, words",
    [
        pytest.param(["*"], "whole city", id="city"),
        pytest.param(["unknown"], "no known zone", id="unknown"),
        pytest.param(["A", "B", "C"], "A, B, C", id="three"),
        pytest.param(["A", "B", "C", "D", "E"], "A, B, C +2", id="many"),
    ],
)
def test_where(zones: list[str], words: str) -> None:
    assert where(alert(zones=zones)) == words


def test_what_alerts_say_cannot_steer_the_terminal() -> None:
    nasty = "B\x1b[2J\nx"
    text = drawn(alert(zones=[nasty], explanation=nasty, acknowledged_by=nasty, alert_id=nasty), width=200)
    assert "\x1b" not in text
    assert text.count("B\\u001b[2J\\nx") == 5, "its id twice"
