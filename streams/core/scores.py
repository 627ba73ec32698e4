"""The seam between counting, detectors and alerts: what a detector is told, and what it answers.

    windows ──Arrival──▶ detectors ──Score──▶ alerts (lifecycle)

A detector is told, tick by tick, how many more (or fewer) incidents are known in which pane of which cell. It owns
its windows and its memory, reads no clock, and answers with the cells that are out of the ordinary. Its state is a
plain JSON-able value, so that a take-over goes on exactly where the last owner stood.
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, Protocol


class Arrival(NamedTuple):
    """`n` more incidents (fewer when negative) of one cell are known to count in one pane."""

    zone: str
    crime_type: str
    pane: int  # index: [pane * pane_ms, (pane + 1) * pane_ms)
    n: int


class Score(NamedTuple):
    """What one detector says of one crime type in one or more zones at a tick.

    A detector goes on answering for an episode it has spoken of, each tick it is asked, until it is over: `level`
    below 1 says how far it has sunk (hysteresis is the lifecycle's business). `level >= 1` means worth an alert.
    """

    detector: str  # "surge", "rule:NAME", "drop", "trend"
    zones: tuple[str, ...]  # sorted; ("*",) for the city
    crime_type: str  # "*" for all types
    window_panes: int  # the window the numbers below are for; ends at the tick
    observed: int
    expected: float | None  # None for rules
    once_in_days: float | None  # how rare, for the whole city; None for rules
    level: float  # 1.0 is the alert threshold
    learning: bool = False
    since_pane: int | None = None  # first pane of the excess, when the detector knows it
    compared_with: str = ""  # plain words: what the expectation was made from


class Detector(Protocol):
    """A source of scores. `now_pane` is the tick: panes below it are closed."""

    def advance(self, now_pane: int, arrivals: Iterable[Arrival]) -> Sequence[Score]:
        """Take in what became known and score what changed, at the tick that ends pane `now_pane - 1`."""

    def next_change(self) -> int | None:
        """The first tick after the last one at which the answer may change without an arrival; None: never."""

    def snapshot(self) -> Any:
        """The whole state as JSON-able values (floats round-trip exactly)."""

    def restore(self, state: Any) -> None:
        """Take the state of `snapshot` back; afterwards every answer is the same."""
