"""Log records as lines: for people, or one JSON object each.

Exceptions can carry what was read (`invalid literal …: 'John Doe'`), so only those of ours, of the Kafka client and of
the operating system are quoted; of others the kind and the place in the code are said.
"""

import json
import logging
from pathlib import Path
from traceback import extract_tb
from typing import Any, Final

from schemas.instants import rfc3339

_QUOTED: Final = ("streams.", "schemas.", "aiokafka.")
_EVENTS: Final = {
    "aiokafka": "kafka_client",
    "faust": "worker_engine",
    "mode": "worker_engine",
    "aiohttp": "web_server",
    "asyncio": "event_loop",
    "streams": "worker_engine",  # what Faust says in the name of classes of ours
}
_ROOT: Final = Path(__file__).resolve().parents[2]


class JsonLines(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """The line of a record."""
        said: dict[str, Any] = {
            "at": rfc3339(round(record.created * 1000)),
            "level": record.levelname.lower(),
            "event": event_of(record),
            "message": message_of(record),
            **fields_of(record),
        }
        error = _error_of(record)
        if error is not None:
            said |= {"error": quoted(error), "where": places(error)}
        return json.dumps(said, ensure_ascii=False, default=str)


class HumanLines(logging.Formatter):
    """Time, level, event, message, and fields that it does not say; where an error was, on lines of their own."""

    def format(self, record: logging.LogRecord) -> str:
        """The lines of a record."""
        clock = rfc3339(round(record.created * 1000))
        message = message_of(record)
        head = f"{clock} {record.levelname.lower():<8} {event_of(record)}: {message}"
        fields = "".join(
            f" {name}={_worded(value)}"
            for name, value in fields_of(record).items()
            if str(value) not in message
        )
        error = _error_of(record)
        if error is None:
            return head + fields
        return "\n".join(
            [f"{head}{fields} error={quoted(error)}", *(f"    at {place}" for place in places(error))]
        )


def event_of(record: logging.LogRecord) -> str:
    """The event's name; a library's line goes by the library."""
    named = getattr(record, "event", None)
    if named is not None:
        return str(named)
    return _EVENTS.get(record.name.partition(".")[0], record.name)


def fields_of(record: logging.LogRecord) -> dict[str, Any]:
    """The event's fields; of a library's line its logger."""
    fields = getattr(record, "fields", None)
    return {"logger": record.name} if fields is None else dict(fields)


def message_of(record: logging.LogRecord) -> str:
    """The message in one line, exceptions in it quoted only where that is safe."""
    args = record.args
    if isinstance(args, tuple):
        args = tuple(_Quoted(each) if isinstance(each, BaseException) else each for each in args)
    try:
        said = str(record.msg) % args if args else str(record.msg)
    except (TypeError, ValueError, KeyError):
        said = str(record.msg)
    return " ".join(said.split())


class _Quoted:
    """An exception in a message."""

    def __init__(self, error: BaseException) -> None:
        self._error = error

    def __str__(self) -> str:
        return quoted(self._error)

    __repr__ = __str__


def quoted(error: BaseException) -> str:
    """What an exception says: its kind, and its message where that holds nothing that was read."""
    kind = type(error)
    is_safe = f"{kind.__module__}.".startswith(_QUOTED) or isinstance(error, OSError)
    return f"{kind.__name__}: {error}" if is_safe and str(error) else kind.__name__


def places(error: BaseException) -> list[str]:
    """Where an exception came from, the outermost place first: file, line and function."""
    return [
        f"{_short(frame.filename)}:{frame.lineno} {frame.name}" for frame in extract_tb(error.__traceback__)
    ]


def _short(filename: str) -> str:
    """A file, without where Vigil or Python is installed."""
    path = Path(filename)
    if path.is_relative_to(_ROOT) and "site-packages" not in path.parts:
        return path.relative_to(_ROOT).as_posix()
    return "/".join(path.parts[-3:])


def _error_of(record: logging.LogRecord) -> BaseException | None:
    return record.exc_info[1] if record.exc_info else None


def _worded(value: Any) -> str:
    text = str(value)
    return json.dumps(text, ensure_ascii=False) if " " in text or not text else text
