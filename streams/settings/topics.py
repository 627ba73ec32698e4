"""What can be chosen for the topics."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from streams.settings.durations import DAY_MS, Duration
from streams.settings.kinds import Integer
from streams.settings.options import option, tables


@dataclass(frozen=True)
class Topic:
    """`[topics.NAME]`: what can be chosen for one topic."""

    partitions: int = option(1, Integer(1, 10_000), "partitions; fixed once the topic exists")
    retention_ms: int = option(
        14 * DAY_MS, Duration("1h", "3650d"), "how long messages are kept", key="retention"
    )


def _topic(partitions: int, retention_days: int) -> Topic:
    return Topic(partitions, retention_days * DAY_MS)


TOPIC_DEFAULTS: Final[Mapping[str, Topic]] = {
    "incidents": _topic(4, 14),
    "dispatches": _topic(4, 14),
    "alert-acks": _topic(1, 400),
    "cells": _topic(1, 14),
    "watch-state": _topic(1, 14),
    "window-counts": _topic(1, 8),
    "alerts": _topic(1, 400),
    "kpis": _topic(1, 400),
    "dead-letters": _topic(1, 30),
    "late-events": _topic(1, 30),
    "audit": _topic(1, 400),
}
"""Source: the topic table of the design; `watch-state` is compacted, so its retention says nothing."""


@dataclass(frozen=True)
class Topics:
    """`[topics]`: what `vigil topics apply` creates."""

    replication_factor: int = option(1, Integer(1, 15), "copies of each partition; 3 in production")
    max_message_bytes: int = option(
        1_048_588, Integer(1024, 512 * 1024 * 1024), "largest message of a source topic, in bytes"
    )
    each: Mapping[str, Topic] = tables(TOPIC_DEFAULTS)
