"""Which partitions time must be told to go on in, when their publishers send no heartbeats themselves.

A city's watermark is the least over all partitions, so one partition without messages holds the whole city back. A
heartbeat goes to the end of the partition's log: whatever lies before it is folded before it.
"""

from collections.abc import Mapping
from typing import NamedTuple

LIVE_WITHIN_MS = 600_000
"""A city whose newest message is not older than this is live: its time goes on with the clock, also in silence."""


class Beat(NamedTuple):
    """One heartbeat to send."""

    partition: int
    heartbeat_at: int


def beats_due(heard: Mapping[int, int | None], now_ms: int, trail_ms: int, least_ms: int) -> list[Beat]:
    """The heartbeats a city needs on one topic.

    Args:
        heard: partition → greatest `updated_at` heard, None for one that was never heard of.
        now_ms: the clock.
        trail_ms: how far behind the clock a live city's time is kept: publishers need time to send.
        least_ms: partitions less behind than this are left alone.

    Returns:
        A live city's partitions are brought to `trail_ms` before the clock, another city's to its greatest; nothing
        for a city of which nothing was heard.
    """
    greatest = max((at for at in heard.values() if at is not None), default=None)
    if greatest is None:
        return []
    target = max(greatest, now_ms - trail_ms) if 0 <= now_ms - greatest <= LIVE_WITHIN_MS else greatest
    return [
        Beat(partition, target)
        for partition, at in sorted(heard.items())
        if at is None or (at < target and target - at >= least_ms)
    ]
