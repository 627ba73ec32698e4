"""What data say, made fit for a terminal: it could move the cursor, hide lines or imitate our own output."""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

_STEERING: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""C0 and C1 controls, line separators, what turns the direction of writing, and bytes that were no text."""


def printable(text: str) -> str:
    """The text in one line; what would steer the terminal as JSON escapes it: a document stays one, and means the same."""
    return text if text.isprintable() else _STEERING.sub(lambda found: json.dumps(found[0])[1:-1], text)


def printable_lines(text: str) -> str:
    """The same for a text of ours in several lines."""
    return "\n".join(map(printable, text.split("\n")))


def printable_record(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """A flat record from a topic, its texts and lists of texts printable."""
    return {name: _printable_value(value) for name, value in record.items()}


def _printable_value(value: Any) -> Any:
    if isinstance(value, str):
        return printable(value)
    return [_printable_value(each) for each in value] if isinstance(value, list) else value
