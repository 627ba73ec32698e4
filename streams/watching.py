"""The watch agent: messages of `cells` → window counts, alerts, KPIs; and what it remembers between owners."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition

from schemas.codec import from_json
from streams.core.fold import TakeOver
from streams.core.source_fold import cells_partition, cut_of, read_metadata
from streams.core.watch_fold import WatchFold, WatchRules
from streams.core.watch_start import versions_said
from streams.recovery import OpenFold

Snapshot = Mapping[str, Any]


def open_watch(rules: WatchRules, partitions: Mapping[str, int], client: Mapping[str, Any]) -> OpenFold:
    """How a partition of `cells` is opened: with the newest snapshots of its jurisdictions.

    Args:
        rules: what is watched, and how.
        partitions: how many `cells` and `watch-state` have.
        client: where and how to connect, as aiokafka names it.
    """

    async def open_fold(
        tp: TopicPartition, committed: int | None, metadata: str, log_start: int, log_end: int, /
    ) -> TakeOver:
        snapshots = await read_snapshots(client, rules.state_topic, partitions["watch-state"])
        mine = {
            name: said
            for name, said in snapshots.items()
            if cells_partition(name, partitions["cells"]) == tp.partition
        }
        return begin(tp.partition, rules, mine, Commit(committed, read_metadata(metadata)), log_start)

    return open_fold


class Commit(NamedTuple):
    """What the group has committed for a partition: offset (None: nothing) and what the commit carries."""

    offset: int | None
    said: Mapping[str, Any]


def begin(
    partition: int, rules: WatchRules, snapshots: Mapping[str, Snapshot], commit: Commit, log_start: int
) -> TakeOver:
    """The fold of a partition of `cells`, and where it begins to read.

    Args:
        partition: of `cells`.
        rules: what is watched, and how.
        snapshots: jurisdiction → its newest snapshot.
        commit: of the group.
        log_start: the oldest offset that is kept.
    """
    needed = int(commit.said.get("start", log_start))
    # Where a commit says nothing of it, the versions in force are not known: those that are heard first.
    first = commit.said if "start" in commit.said and needed >= log_start else {"start": log_start}
    readable = [said for said in snapshots.values() if log_start <= said["start"] < first["start"]]
    first = min([first, *readable], key=lambda said: int(said["start"]))
    fold = WatchFold(partition, rules, snapshots, versions_said(first), cut_of(commit.said, log_start))
    fold.position = first["start"]
    start = min(needed, fold.position)
    return TakeOver(fold, start, log_start if commit.offset is None else commit.offset)


async def read_snapshots(client: Mapping[str, Any], topic: str, of: int) -> dict[str, Snapshot]:
    """Jurisdiction → its snapshot of the greatest position; that of a paused owner may come later in the log."""
    newest: dict[str, Snapshot] = {}
    consumer = AIOKafkaConsumer(
        **client, group_id=None, enable_auto_commit=False, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        partitions = [TopicPartition(topic, number) for number in range(of)]
        ends = await consumer.end_offsets(partitions)
        consumer.assign(partitions)
        while any([await consumer.position(tp) < ends[tp] for tp in partitions]):
            for records in (await consumer.getmany(timeout_ms=200)).values():
                for record in records:
                    if record.value is not None:
                        keep_newest(newest, from_json(record.value))
    finally:
        await consumer.stop()
    return newest


def keep_newest(newest: dict[str, Snapshot], said: Snapshot) -> None:
    """Keep a snapshot unless one of a greater position is kept already."""
    kept = newest.get(said["jurisdiction"])
    if kept is None or said["position"] > kept["position"]:
        newest[said["jurisdiction"]] = said
