"""Panes, windows, ticks, watermark and lateness: the arithmetic of time, in integers.

    12:00                12:01                12:02
    [------ pane n ------)[----- pane n+1 -----)
         ^ updated_at 12:00:30   is known from tick n+1 (12:01) on
                          ^ updated_at 12:01:00 is known from tick n+2 (12:02) on

Pane n is `[n * pane_ms, (n + 1) * pane_ms)`, tick n is the instant `n * pane_ms` (the end of pane n - 1). A window of
w panes at tick t holds the panes t - w … t - 1.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

MINUTE_MS = 60_000
DAY_MS = 86_400_000


@dataclass(frozen=True)
class Timeline:
    """How time is cut: all that a fold needs to know of it.

    Args:
        pane_ms: width of a pane, > 0.
        windows: name → width in ms, each a positive multiple of the pane.
        out_of_orderness_ms: how far the watermark trails the greatest `updated_at`, >= 0.
        allowed_lateness_ms: how long a published tick may still be corrected, >= 0.

    Raises:
        ValueError: a width breaks one of these bounds; the message names it.
    """

    pane_ms: int
    windows: Mapping[str, int]
    out_of_orderness_ms: int
    allowed_lateness_ms: int

    def __post_init__(self) -> None:
        """Refuse widths that would make windows inexact."""
        if self.pane_ms <= 0:
            msg = f"pane_ms must be > 0 (got {self.pane_ms})"
            raise ValueError(msg)
        if not self.windows:
            msg = "windows must name at least one window, such as {'1h': 3600000}"
            raise ValueError(msg)
        for name, width_ms in self.windows.items():
            if width_ms <= 0 or width_ms % self.pane_ms:
                msg = f"window {name} must be a positive multiple of the pane ({self.pane_ms} ms), got {width_ms} ms"
                raise ValueError(msg)
        if self.out_of_orderness_ms < 0 or self.allowed_lateness_ms < 0:
            msg = "out_of_orderness_ms and allowed_lateness_ms must be >= 0; less would publish ticks that still change"
            raise ValueError(msg)

    @cached_property
    def widths(self) -> tuple[int, ...]:
        """Window widths in panes, in the order of `windows`."""
        return tuple(width_ms // self.pane_ms for width_ms in self.windows.values())

    @cached_property
    def longest(self) -> int:
        """The longest window, in panes."""
        return max(self.widths)

    @cached_property
    def day(self) -> int:
        """Panes that cover one day, the most that a time that counts may lie after `updated_at`."""
        return -(-DAY_MS // self.pane_ms)

    def pane(self, at_ms: int) -> int:
        """Index of the pane that holds `at_ms`."""
        return at_ms // self.pane_ms

    def known_from(self, updated_at: int) -> int:
        """The first tick at which a message of `updated_at` has effect: the least t with updated_at < t * pane_ms."""
        return updated_at // self.pane_ms + 1

    def reached(self, greatest_updated_at: int) -> int:
        """The greatest tick that the watermark of `greatest_updated_at` has reached, so: the last one published."""
        return (greatest_updated_at - self.out_of_orderness_ms) // self.pane_ms

    def oldest_open(self, greatest_updated_at: int) -> int:
        """F: the oldest tick that may still change once `greatest_updated_at` has been heard."""
        return (greatest_updated_at - self.out_of_orderness_ms - self.allowed_lateness_ms) // self.pane_ms + 1
