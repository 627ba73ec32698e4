"""The topics of Vigil as they should be: partitions, copies and configuration of each."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from streams.settings import Settings

SOURCES: Final = ("incidents", "dispatches", "alert-acks")
"""What others publish: stamped with the publisher's time of sending."""

COMPACTED: Final = ("watch-state",)
"""Only the newest record of a key matters. No other topic is compacted: an old record could follow a new one there."""

ROOM: Final = {"dead-letters": 2, "cells": 8, "watch-state": 16}
"""Largest message as a multiple of a source's: a dead letter carries one whole with its headers, a `cells` message the
partials of a batch, a `watch-state` message the snapshot of a city."""

_SAFE_COPIES: Final = (
    3  # from this replication factor on, two copies must have a message before it counts as sent
)


class TopicSpec(NamedTuple):
    """One topic as it should be."""

    name: str  # in the design: "incidents"
    kafka_name: str  # with the prefix
    partitions: int
    replication_factor: int
    configs: Mapping[str, str]


def topic_table(settings: Settings) -> tuple[TopicSpec, ...]:
    """Every topic of Vigil, in the order of the design."""
    return tuple(_spec(settings, name) for name in settings.topics.each)


def _spec(settings: Settings, name: str) -> TopicSpec:
    topics = settings.topics
    configs = {
        "cleanup.policy": "compact" if name in COMPACTED else "delete",
        "max.message.bytes": str(topics.max_message_bytes * ROOM.get(name, 1)),
        "message.timestamp.type": "CreateTime" if name in SOURCES else "LogAppendTime",
    }
    if name not in COMPACTED:
        configs["retention.ms"] = str(topics.each[name].retention_ms)
        configs["retention.bytes"] = "-1"
    if topics.replication_factor >= _SAFE_COPIES:
        configs["min.insync.replicas"] = "2"
    return TopicSpec(
        name, settings.topic(name), topics.each[name].partitions, topics.replication_factor, configs
    )
