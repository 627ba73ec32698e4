"""Exact counts in one moving window, whose end moves only when it is asked."""

import heapq
from dataclasses import dataclass, field


@dataclass(slots=True)
class Tally:
    """One rule in one place: what counts in which pane, and how much of it lies in the window that ends at `now`."""

    within: int
    counts: dict[int, int] = field(default_factory=dict)  # pane → incidents
    now: int = 0
    total: int = 0  # of the panes [now - within, now)
    leaving: list[int] = field(default_factory=list)  # heap of panes in the window
    waiting: list[int] = field(default_factory=list)  # heap of panes at or after `now`

    def move(self, now: int) -> None:
        """Move the window on, so that it ends at `now`; amortised O(log panes) per pane."""
        self.now = max(self.now, now)
        while self.waiting and self.waiting[0] < self.now:
            pane = heapq.heappop(self.waiting)
            self.total += self.counts[pane]
            heapq.heappush(self.leaving, pane)
        while self.leaving and self.leaving[0] < self.now - self.within:
            self.total -= self.counts.pop(heapq.heappop(self.leaving))

    def add(self, pane: int, n: int) -> None:
        """Count `n` more incidents in `pane`; one that has left the window for good says nothing any more."""
        if pane < self.now - self.within:
            return
        if pane not in self.counts:
            self.counts[pane] = 0
            heapq.heappush(self.waiting if pane >= self.now else self.leaving, pane)
        self.counts[pane] += n
        if pane < self.now:
            self.total += n

    def first(self) -> int | None:
        """The oldest pane of the window with an incident."""
        return min((pane for pane in self.leaving if self.counts[pane] > 0), default=None)

    def next_change(self) -> int | None:
        """The next tick at which silence alone changes the total, given that the window is moved there."""
        ticks = [pane + self.within + 1 for pane in self.leaving if self.counts[pane]]
        ticks.extend(pane + 1 for pane in self.waiting if self.counts[pane])
        return min(ticks, default=None)
