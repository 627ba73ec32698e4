"""Which partitions time must be told to go on in, when their publishers send no heartbeats themselves.

A city's watermark is the least over all partitions, so one partition without messages holds the whole city back. A
heartbeat goes to the end of the partition's log: whatever lies before it is folded before it. What its publisher sends
after it, of an earlier time, is late. So only a partition that is read to its end and in which nothing came for a
while is told; a longer while, when that would make messages of its own time too late to correct what was published:
its publisher may be slow, or behind after an outage.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

LIVE_WITHIN_MS = 600_000
"""A city whose newest message is not older than this is live: its time goes on with the clock, also in silence."""

HISTORY_MS = 86_400_000
"""A city whose newest message is older than this is being published from its past: only publishers know how far."""


class Beat(NamedTuple):
    """One heartbeat to send."""

    partition: int
    heartbeat_at: int


@dataclass(frozen=True)
class BeatRules:
    """When heartbeats are sent; all in ms.

    Args:
        trail_ms: how far behind the clock a live city's time is kept: publishers need time to send.
        interval_ms: partitions less behind, or in which something came within this time, are left alone.
        patience_ms: for how long nothing must have come before a partition is moved by more than the lateness.
        lateness_ms: how late a message may be and still correct what was published.
    """

    trail_ms: int
    interval_ms: int
    patience_ms: int
    lateness_ms: int


def beats_due(
    heard: Mapping[int, int | None], quiet_ms: Mapping[int, int], now_ms: int, rules: BeatRules
) -> list[Beat]:
    """The heartbeats a city needs on one topic.

    Args:
        heard: partition → greatest `updated_at` heard, None for one that was never heard of.
        quiet_ms: partition → for how long nothing came; those that are not read to their end are left out.
        now_ms: the clock.
        rules: when.

    Returns:
        A live city's partitions are brought to `trail_ms` before the clock, those of one that was live within the last
        day to its greatest; nothing for a city of which nothing was heard, or only of long ago.
    """
    greatest = max((at for at in heard.values() if at is not None), default=None)
    if greatest is None or now_ms - greatest > HISTORY_MS:
        return []
    live = 0 <= now_ms - greatest <= LIVE_WITHIN_MS
    target = max(greatest, now_ms - rules.trail_ms) if live else greatest
    found = []
    for partition, at in sorted(heard.items()):
        near = live and at is not None and target - at <= rules.lateness_ms
        waits_ms = rules.interval_ms if near else rules.patience_ms
        behind = at is None or (at < target and target - at >= rules.interval_ms)
        if behind and quiet_ms.get(partition, -1) >= waits_ms:
            found.append(Beat(partition, target))
    return found


NameT = TypeVar("NameT")


class Quiet(Generic[NameT]):
    """For how long nothing but our own heartbeats came to the ends of logs."""

    def __init__(self) -> None:
        """Nothing is known."""
        self._since: dict[
            NameT, tuple[int, int]
        ] = {}  # name → (end of the log, when it was first seen there, ms)

    def heard(self, name: NameT, end: int, committed: int, now_ms: int) -> int | None:
        """For how long nothing came to a log, ms; None when there is something to read.

        Args:
            name: of the partition.
            end: of its log.
            committed: what its owner has committed, -1 for nothing.
            now_ms: a clock that never goes back.
        """
        before = self._since.get(name)
        if before is None or before[0] != end:
            before = self._since[name] = (end, now_ms)
        return now_ms - before[1] if committed >= end else None

    def told(self, name: NameT) -> None:
        """One of our own goes to the end of a log."""
        end, since = self._since[name]
        self._since[name] = (end + 1, since)
