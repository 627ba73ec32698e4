"""Whether the worker is well, and why not: for /healthz (restart me?) and /readyz (count on my answers?)."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from streams.metrics import Metrics, PartitionView


class Condition(NamedTuple):
    """Whether something is well; the reasons are empty exactly when it is."""

    reasons: tuple[str, ...]
    facts: dict[str, Any]

    @property
    def is_well(self) -> bool:
        """Nothing speaks against it."""
        return not self.reasons


class Health:
    """What the worker says of itself: assigned, folded, connected, making progress.

    Whoever wires the worker sets `assigned` and `failure`; the rest is read from the owner.
    """

    def __init__(self, metrics: Metrics, stall_after_s: float) -> None:
        """Nothing is assigned yet.

        Args:
            metrics: its owner tells of the partitions.
            stall_after_s: lag without progress, or no answer of a broker, for this long is not well.
        """
        self.assigned = False
        self.was_assigned = False  # at any time before
        self.failure: str | None = None  # why an agent ended
        self._metrics = metrics
        self._stall_after_s = stall_after_s

    def alive(self) -> Condition:
        """False when a partition has lag and makes no progress, or an agent died: restart me."""
        partitions = list(self._metrics.owner.partitions())
        reasons = [self.failure] if self.failure else []
        reasons += [reason for view in partitions if (reason := self._stalled(view))]
        return Condition(tuple(reasons), {"partitions": _facts(partitions)})

    def ready(self) -> Condition:
        """True when assigned, connected and every partition is folded: count on my answers."""
        partitions = list(self._metrics.owner.partitions())
        reasons = list(self.alive().reasons)
        if not self.assigned:
            reasons.append("no partitions assigned yet")
        reasons += [reason for view in partitions if (reason := self._unheard(view))]
        reasons += [
            f"{view.topic}[{view.partition}] is being taken over: {view.take_over_done:.0%} of its log folded"
            for view in partitions
            if not view.taken_over
        ]
        return Condition(tuple(reasons), {"partitions": _facts(partitions)})

    def _unheard(self, view: PartitionView) -> str | None:
        if view.silent_s is None or view.silent_s < self._stall_after_s:
            return None
        return f"{view.topic}[{view.partition}]: Kafka has not answered for {view.silent_s:.0f} s"

    def _stalled(self, view: PartitionView) -> str | None:
        behind = not view.taken_over or bool(view.lag)
        if not behind or view.still_s < self._stall_after_s:
            return None
        what = f"has {view.lag} records to read" if view.taken_over else "is being taken over"
        return f"{view.topic}[{view.partition}] {what} and has not moved for {view.still_s:.0f} s"


def _facts(partitions: Iterable[PartitionView]) -> list[dict[str, Any]]:
    return [
        {
            "topic": view.topic,
            "partition": view.partition,
            "taken_over": view.taken_over,
            "position": view.position,
            "lag": view.lag,
            "still_s": round(view.still_s, 1),
        }
        for view in partitions
    ]
