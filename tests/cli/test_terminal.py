"""Output for people and programs, and progress that is quiet where nobody watches."""

import io
import json
import time

import pytest

from streams.cli.errors import Failed, present
from streams.cli.progress import amount, progress
from streams.cli.terminal import Terminal


class Screen(io.StringIO):
    """A terminal that keeps what is written to it."""

    def isatty(self) -> bool:
        return True


class Clock:
    """Seconds that a test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def usual_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("NO_COLOR", raising=False)


def test_table_on_a_terminal_has_a_rule_below_its_names() -> None:
    out = Screen()
    Terminal(out=out).table(("zone", "n"), [("B04", 3), ("[bold]", 12)], title="cells")
    assert "─" in out.getvalue()
    assert "[bold]" in out.getvalue(), "what looks like markup is shown as it is"
    assert "cells" in out.getvalue()


@pytest.mark.parametrize(
    "out, plain",
    [pytest.param(io.StringIO(), False, id="no terminal"), pytest.param(Screen(), True, id="plain wanted")],
)
def test_table_elsewhere_is_plain_columns(out: io.StringIO, *, plain: bool) -> None:
    Terminal(plain=plain, out=out).table(("zone", "n"), [("B04", 3), ("Mission", 12)])
    assert out.getvalue() == "ZONE     N\nB04      3\nMission  12\n"


def test_very_wide_cell_does_not_push_the_others_away() -> None:
    out = io.StringIO()
    Terminal(out=out).table(("what", "n"), [("x" * 200, 1), ("y", 2)])
    assert out.getvalue().splitlines()[2] == "y".ljust(72) + "  2"


def test_dumb_terminal_is_plain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    assert not Terminal(out=Screen(), err=Screen()).is_rich
    assert not Terminal(out=Screen(), err=Screen()).moves


def test_no_color_is_minded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    out = Screen()
    Terminal(out=out).console().print("[red]x[/red]")
    assert "\x1b[31m" not in out.getvalue()


def test_colour_is_used_where_nobody_objects() -> None:
    err = Screen()
    Terminal(err=err).console(err=True).print("[red]x[/red]")
    assert "\x1b[31m" in err.getvalue()


def test_answers_go_out_notes_go_beside() -> None:
    out, err = io.StringIO(), io.StringIO()
    terminal = Terminal(out=out, err=err)
    terminal.say("answer")
    terminal.say()
    terminal.note("note")
    terminal.json({"zone": "Ñuñoa"})
    answer, _, document = out.getvalue().partition("\n\n")
    assert answer == "answer"
    assert json.loads(document) == {"zone": "Ñuñoa"}
    assert "Ñuñoa" in document
    assert err.getvalue() == "note\n"


# ---- what data say must not steer the terminal

NASTY = "\x1b[2J\nzone\x9b\x7f\u202e\udcff ü€"
ESCAPED = r"\u001b[2J\nzone\u009b\u007f\u202e\udcff ü€"


@pytest.mark.parametrize("stream", [io.StringIO, Screen])
def test_what_data_say_cannot_steer_the_terminal(stream: type[io.StringIO]) -> None:
    out, err = stream(), stream()
    terminal = Terminal(out=out, err=err)
    terminal.say(NASTY)
    terminal.note(NASTY)
    terminal.table(("zone",), [(NASTY,)])
    said = out.getvalue() + err.getvalue()
    assert said.count(ESCAPED) == 3
    assert not any(character in said for character in "\x9b\x7f\u202e\udcff")
    assert "\x1b[2J" not in said


def test_documents_cannot_steer_the_terminal_and_mean_the_same() -> None:
    out = io.StringIO()
    Terminal(out=out).json({"zone": NASTY})
    Terminal(out=out).say(json.dumps({"zone": NASTY}, ensure_ascii=False))
    first, _, second = out.getvalue().rpartition("\n{")
    assert json.loads(first) == json.loads("{" + second) == {"zone": NASTY}
    assert ESCAPED in first
    assert ESCAPED in second


def test_faults_cannot_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    present(Failed("zone \x1b[2J\x9b"))
    assert capsys.readouterr().err == "vigil: zone \\u001b[2J\\u009b\n"


# ---- progress


def test_short_work_says_only_that_it_is_done() -> None:
    err, clock = io.StringIO(), Clock()
    with progress(Terminal(err=err), "reading calls.csv", 10, unit="events", clock=clock) as steps:
        for _ in range(10):
            steps.advance()
        clock.now = 1.25
    assert err.getvalue() == "reading calls.csv: 10 events in 1.2 s\n"


def test_long_work_says_how_far_it_is_every_five_seconds() -> None:
    err, clock = io.StringIO(), Clock()
    with progress(Terminal(err=err), "reading", 2000, unit="events", clock=clock) as steps:
        for n in range(1, 5):
            clock.now = 3.0 * n
            steps.reach(500 * n)
    assert err.getvalue().splitlines() == [
        "reading: 1,000 of 2,000 events (50%)",
        "reading: 2,000 of 2,000 events (100%)",
        "reading: 2,000 events in 12.0 s",
    ]


def test_total_may_be_unknown_and_become_known() -> None:
    err, clock = io.StringIO(), Clock()
    with progress(Terminal(err=err), "reading", clock=clock) as steps:
        clock.now = 6
        steps.reach(100)
        clock.now = 12
        steps.reach(200, total=400)
    assert err.getvalue().splitlines()[:2] == ["reading: 100", "reading: 200 of 400 (50%)"]


def test_work_that_fails_does_not_claim_to_be_done() -> None:
    err = io.StringIO()

    def fail() -> None:
        with progress(Terminal(err=err), "reading", 10):
            raise ValueError

    with pytest.raises(ValueError, match=r"^$"):
        fail()
    assert err.getvalue() == ""


def test_bar_may_be_told_of_every_event() -> None:
    err = Screen()
    began = time.process_time()
    with progress(Terminal(err=err), "reading", 100_000, unit="events") as steps:
        for _ in range(100_000):
            steps.advance()
    assert "100,000 events" in err.getvalue()
    assert time.process_time() - began < 1, "drawn ten times a second, not 100,000 times"


def test_bar_moves_while_the_work_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.cli.progress.DRAW_EVERY_S", 0)
    err = Screen()
    with progress(Terminal(err=err), "reading", 10) as steps:
        steps.advance(3)
        steps.reach(5, total=20)
    assert "25%" in err.getvalue()


def test_terminal_gets_a_bar() -> None:
    err = Screen()
    with progress(Terminal(err=err), "reading [x]", 10, unit="events") as steps:
        steps.advance(4)
        steps.reach(10, total=10)
    text = err.getvalue()
    assert "reading [x]" in text
    assert "100%" in text
    assert "10 events" in text


@pytest.mark.parametrize(
    "number, unit, text",
    [pytest.param(156_385, "events", "156,385 events", id="unit"), pytest.param(0, "", "0", id="no unit")],
)
def test_amounts_are_readable(number: int, unit: str, text: str) -> None:
    assert amount(number, unit) == text
