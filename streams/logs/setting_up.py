"""Where log lines go, and which of the libraries' are worth a person's time.

Faust and aiokafka tell at level info what is a debugger's business, and warn of what every rebalance brings. So
their info lines, and those warnings, are shown at `log.level = "debug"` only; their debug lines, which quote what is
read and sent, never.
"""

import logging
import re
import sys
from typing import Final, TextIO

from streams.logs.lines import HumanLines, JsonLines
from streams.settings import LogFormat, Settings

OURS: Final = ("streams", "schemas")
EXPECTED: Final = re.compile(
    r"because it is rebalancing"
    r"|Heartbeat failed for group .*generation id is not"
    r"|Timer .* (woke up|overlap)"
    r"|Topic creation disabled"
    r"|Fetcher is ignoring cancel"
    r"|Missing sensor state"
)
"""Warnings of libraries that ask nothing of a person: an ordinary rebalance or end brings them."""


class Tamed(logging.Filter):
    """Lets through what is at least as severe as asked for, libraries' chatter counted as debug."""

    def __init__(self, level: int) -> None:
        """`level`: the least severe that is shown."""
        super().__init__()
        self._level = level

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether a record is shown; the level of chatter is put right."""
        if record.name.partition(".")[0] in OURS and hasattr(record, "event"):
            return record.levelno >= self._level
        if record.levelno <= logging.DEBUG:
            return False
        if record.levelno == logging.INFO or EXPECTED.search(str(record.msg)):
            record.levelno, record.levelname = logging.DEBUG, "DEBUG"
        return record.levelno >= self._level


def set_up_logs(settings: Settings, stream: TextIO | None = None) -> None:
    """Write log lines to standard error, and nothing anywhere else. To be called before Faust starts."""
    level = getattr(logging, settings.log.level.upper())
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines() if settings.log.format is LogFormat.JSON else HumanLines())
    handler.addFilter(Tamed(level))
    root = logging.getLogger()
    for old in list(root.handlers):
        root.removeHandler(old)
    root.addHandler(handler)
    # What is not shown is not even made; libraries' info lines become debug, and are made for that only.
    root.setLevel(logging.INFO if level <= logging.DEBUG else max(level, logging.WARNING))
    for name in OURS:
        logging.getLogger(name).setLevel(level)
