"""Log lines: what they look like, what is let through, and that nothing that was read is in them."""

import ast
import io
import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiokafka.errors import KafkaError

from streams.logs import event, set_up_logs
from streams.outbox import SendFailed
from streams.settings import load

ROOT = Path(__file__).resolve().parents[2]
Written = Callable[[], list[str]]
SetUp = Callable[..., Written]
ours = logging.getLogger("streams.somewhere")
kafka = logging.getLogger("aiokafka.consumer.group_coordinator")


@pytest.fixture
def set_up() -> Iterator[SetUp]:
    """Set logs up with settings; what was written since is asked with the answer. All is as before at the end."""
    root = logging.getLogger()
    before = (list(root.handlers), root.level)

    def begin(**environ: str) -> Written:
        stream = io.StringIO()
        set_up_logs(
            load(environ={f"VIGIL_LOG_{name.upper()}": value for name, value in environ.items()}), stream
        )
        return lambda: stream.getvalue().splitlines()

    yield begin
    root.handlers[:], root.level = before
    for name in ("streams", "schemas"):
        logging.getLogger(name).setLevel(logging.NOTSET)


def only(lines: list[str]) -> Any:
    (line,) = lines
    return json.loads(line)


# ---- the two formats


def test_json_line_has_time_level_event_message_and_fields(set_up: SetUp) -> None:
    written = set_up(format="json")
    ours.warning(
        "%s: too slow", "cells[3]", extra=event("commit_slow", topic="cells", partition=3, waited_s=2.5)
    )
    said = only(written())
    assert said.pop("at").endswith("Z")
    assert said == {
        "level": "warning",
        "event": "commit_slow",
        "message": "cells[3]: too slow",
        "topic": "cells",
        "partition": 3,
        "waited_s": 2.5,
    }


def test_human_line_says_the_fields_that_the_message_does_not(set_up: SetUp) -> None:
    written = set_up(format="human")
    ours.info("owns %s", "cells 0-1", extra=event("assigned", owns="cells 0-1", why="a rebalance", n=2))
    (line,) = written()
    assert line.partition("Z ")[2] == 'info     assigned: owns cells 0-1 why="a rebalance" n=2'


def test_message_is_one_line_whatever_is_in_it(set_up: SetUp) -> None:
    written = set_up(format="json")
    ours.error("two\n  lines\tand %s", "more\r\n", extra=event("odd"))
    assert only(written())["message"] == "two lines and more"


def test_fields_that_are_no_json_are_text(set_up: SetUp) -> None:
    written = set_up(format="json")
    ours.error("x", extra=event("odd", where_to=Path("/tmp"), text="ü"))
    assert only(written())["where_to"] == "/tmp"
    assert "ü" in written()[0]


def test_message_that_does_not_fit_its_arguments_is_still_said(set_up: SetUp) -> None:
    written = set_up(format="json")
    kafka.error("%d and %d", "one")
    assert only(written())["message"] == "%d and %d"


def test_field_with_a_name_of_every_line_is_refused() -> None:
    with pytest.raises(ValueError, match="fields of event e must have other names than level"):
        event("e", level=3)


# ---- what is let through


@pytest.mark.parametrize(
    "level, shown",
    [
        ("debug", ["debug", "info", "warning", "error", "chatter", "expected", "trouble"]),
        ("info", ["info", "warning", "error", "trouble"]),
        ("warning", ["warning", "error", "trouble"]),
        ("error", ["error"]),
    ],
)
def test_level_holds_for_ours_and_chatter_of_libraries_is_debug(
    set_up: SetUp, level: str, shown: list[str]
) -> None:
    written = set_up(format="json", level=level)
    for name in ("debug", "info", "warning", "error"):
        getattr(ours, name)(name, extra=event("e"))
    kafka.debug("never shown: it quotes what is read")
    kafka.info("chatter")
    kafka.warning("Heartbeat failed for group %s because it is rebalancing", "vigil")
    kafka.warning("trouble")
    said = ["expected" if "rebalancing" in line else json.loads(line)["message"] for line in written()]
    assert said == shown


@pytest.mark.parametrize(
    "name, said",
    [
        ("aiokafka.consumer.group_coordinator", "kafka_client"),
        ("faust.app.base", "worker_engine"),
        ("mode.timers", "worker_engine"),
        ("streams.batching", "worker_engine"),
        ("aiohttp.server", "web_server"),
        ("asyncio", "event_loop"),
        ("py.warnings", "py.warnings"),
    ],
)
def test_lines_of_libraries_have_an_event_too(set_up: SetUp, name: str, said: str) -> None:
    written = set_up(format="json")
    logging.getLogger(name).error("oh")
    assert {key: only(written())[key] for key in ("event", "logger")} == {"event": said, "logger": name}


# ---- nothing that was read


def failing(error: Exception) -> Exception:
    try:
        raise error
    except Exception as raised:  # noqa: BLE001 -- that it has a place is the point
        return raised


@pytest.mark.parametrize("log_format", ["json", "human"])
def test_message_of_an_unknown_exception_is_not_quoted(set_up: SetUp, log_format: str) -> None:
    written = set_up(format=log_format)
    error = failing(ValueError("invalid literal for int(): 'John Doe, 555-0100'"))
    ours.error("a fold failed", exc_info=error, extra=event("fold_failed"))
    logging.getLogger("mode.services").error("Crashed reason=%r", error, exc_info=error)
    text = "\n".join(written())
    assert "John" not in text
    assert text.count("ValueError") >= 3
    assert "tests/logs/test_lines.py:" in text
    assert " failing" in text


@pytest.mark.parametrize(
    "error, said",
    [
        pytest.param(
            SendFailed("no acknowledgement in 60 s"), "SendFailed: no acknowledgement in 60 s", id="ours"
        ),
        pytest.param(KafkaError("leader gone"), "KafkaError: KafkaError: leader gone", id="of the client"),
        pytest.param(
            ConnectionRefusedError("refused"), "ConnectionRefusedError: refused", id="of the system"
        ),
        pytest.param(TimeoutError(), "TimeoutError", id="without a message"),
    ],
)
def test_exceptions_that_hold_nothing_that_was_read_are_quoted(
    set_up: SetUp, error: Exception, said: str
) -> None:
    written = set_up(format="json")
    ours.error("failed", exc_info=failing(error), extra=event("failed"))
    assert only(written())["error"] == said


def test_place_in_a_library_is_said_without_where_it_is_installed(set_up: SetUp) -> None:
    written = set_up(format="json")
    try:
        json.loads("{")
    except ValueError as error:
        ours.error("failed", exc_info=error, extra=event("failed"))
    places = only(written())["where"]
    assert places[0].startswith("tests/logs/test_lines.py:")
    assert any(place.partition(":")[0].endswith("json/__init__.py") for place in places)
    assert not any(place.startswith("/") for place in places)


# ---- every line of ours


def calls_of_loggers() -> Iterator[tuple[str, ast.Call]]:
    for path in sorted((ROOT / "streams").rglob("*.py")):
        calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
        for call in calls:
            if isinstance(call.func, ast.Attribute) and ast.unparse(call.func.value) == "logger":
                yield f"{path.relative_to(ROOT)}:{call.lineno}", call


def test_every_line_of_ours_names_its_event() -> None:
    found = list(calls_of_loggers())
    assert found
    without = [where for where, call in found if "event(" not in str([ast.unparse(k) for k in call.keywords])]
    assert without == []


def test_no_event_has_two_meanings() -> None:
    said: dict[str, set[str]] = {}
    for where, call in calls_of_loggers():
        for keyword in call.keywords:
            if keyword.arg == "extra" and isinstance(keyword.value, ast.Call):
                name = ast.literal_eval(keyword.value.args[0])
                said.setdefault(name, set()).add(where)
    assert {name: sorted(places) for name, places in said.items() if len(places) > 1} == {}
