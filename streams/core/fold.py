"""What the shell needs to know of a stage: a deterministic fold over one partition of a log.

The shell reads batches, gives them to `step`, sends what comes back, waits until the brokers have acknowledged it
and then commits `position` with `metadata`. To take a partition over it makes a new fold, reads the log again from
where `metadata` says, outputs thrown away, up to the committed offset, and goes on with outputs on.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from schemas.emissions import Outgoing
from schemas.events import LogRecord


class Step(NamedTuple):
    """What one batch led to: records to send, in order, and how many messages were of which kind."""

    emissions: list[Outgoing]
    tallies: dict[str, int]  # "accepted", "dead_letter.not_json", … : for metrics, never for decisions


class Fold(Protocol):
    """The state of one partition of one topic, as a fold over its log."""

    position: int
    """Offset of the next record to fold; records below it are ignored by `step`."""

    def step(self, records: Sequence[LogRecord]) -> Step:
        """Fold records (ascending offsets, holes allowed) and say what to send."""

    def absorb(self, records: Sequence[LogRecord]) -> None:
        """Fold records as `step` does; what it would say to send was sent by an owner before."""

    def metadata(self) -> str:
        """What the commit of `position` carries: where a take-over starts (at most 4,096 bytes)."""


class TakeOver(NamedTuple):
    """How to bring a fold to the committed offset."""

    fold: Fold
    start: int  # first offset to read
    silent_until: int  # outputs of records below this offset were sent by an owner before: throw them away
