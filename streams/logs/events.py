"""The name and the fields of a log line, beside its message."""

from collections.abc import Mapping
from typing import Any, Final

RESERVED: Final = frozenset({"at", "level", "event", "message", "error", "where"})
"""What every line may have; no field has one of these names."""


def event(name: str, **fields: Any) -> Mapping[str, Any]:
    """For `extra=` of a logging call: the event's name, such as `commit_unanswered`, and fields such as `partition=3`.

    Raises:
        ValueError: a field has a name that every line uses for something else.
    """
    if taken := RESERVED & fields.keys():
        msg = f"fields of event {name} must have other names than {', '.join(sorted(taken))}"
        raise ValueError(msg)
    return {"event": name, "fields": fields}
