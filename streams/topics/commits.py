"""What a group's commits say of how its workers have counted before: it must be what the configuration says now.

A commit of a source topic carries JSON with `of` (how many partitions the topic had), `version` (the counting version)
and `fingerprint` (of everything that decides what is counted). A broker may forget it; then nothing is said.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from aiokafka import TopicPartition

from streams.settings import Fault, Settings
from streams.settings.fingerprint import counting_fingerprint

_NEW_TOPIC: Final = "restore them, or start anew under another topic_prefix: else an incident is split in two"


def changed_since(
    settings: Settings, counts: Mapping[str, int], commits: Mapping[TopicPartition, str]
) -> Iterator[Fault]:
    """What differs from what the group has worked with; the same fault may come once for each partition.

    Args:
        settings: the configuration now.
        counts: topic → how many partitions it has now.
        commits: partition → metadata of the group's commit.
    """
    fingerprint = counting_fingerprint(settings)
    for tp, metadata in commits.items():
        said = _read(metadata)
        before, now = said.get("of", max(tp.partition + 1, counts[tp.topic])), counts[tp.topic]
        if before != now:
            problem = f"are {now}, but group {settings.group} has read {before}"
            yield Fault(f"topic {tp.topic}", "partitions", problem, _NEW_TOPIC)
        yield from _counting(settings, fingerprint, said)


def _counting(settings: Settings, fingerprint: str, said: Mapping[str, Any]) -> Iterator[Fault]:
    version, before = settings.counting.version, said.get("version", settings.counting.version)
    if before > version:
        problem = f"must be at least {before}, which group {settings.group} has counted with (got {version})"
        yield Fault(
            "", "counting.version", problem, "lower versions are ignored; raise it to go back to other counts"
        )
    elif before == version and said.get("fingerprint", fingerprint) != fingerprint:
        problem = (
            f"must be above {version}: what is counted differs from what group {settings.group} has counted"
        )
        remedy = (
            f"set it to {version + 1}, or undo the change of windows, lateness, zones, type maps or goals"
        )
        yield Fault("", "counting.version", problem, remedy)


def _read(metadata: str) -> dict[str, Any]:
    try:
        said = json.loads(metadata)
    except ValueError:
        return {}
    return (
        {key: said[key] for key in ("of", "version", "fingerprint") if key in said}
        if isinstance(said, dict)
        else {}
    )
