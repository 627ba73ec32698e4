"""Outputs that are kept off because a log was cut: until a tick whose longest window is whole again.

    cells, or a source   ✂ gone ✂ ├── first heard: g ─── a day ──┤
    panes                         may lack what is gone         │ whole from here on
    ticks                         nothing is told              … + longest window ▶ every cell is told, and so on

What counts in a pane may be said up to a day ahead, so the panes up to a day after the greatest `updated_at` before
the cut may lack something; every later pane was named by nothing that is gone.
"""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from schemas.emissions import Alert
from streams.core.windows import Cell

CUT_DAYS: Final = 4
"""For how long after its windows are whole a partition speaks of its cut: others may be read days behind it."""

SETTLES_MS: Final = 600_000
"""For how long after the first record behind a cut in `cells`, by the time of sending, what an owner sent before the
cut may be sent again: so long a partition may seem to be further back than it is."""

SILENT_MS: Final = 86_400_000
"""A city of which nothing was heard for this long, by the time of sending, is waited for no longer."""


class Short(NamedTuple):
    """A city of which nothing is told yet, by one source topic. Instants in ms."""

    jurisdiction: str
    topic: str
    whole_from: int  # what counts before this may be missing
    windows: Mapping[str, int]  # name → the tick from which the window is whole

    @property
    def until(self) -> int:
        """The tick from which on it is told again: the longest window is whole."""
        return max(self.windows.values())


class Gate:
    """Keeps what one city tells by one source topic, before a tick; what people must hear of it is told then."""

    def __init__(self) -> None:
        """Open."""
        self.tick: int | None = None  # nothing before it is told
        self._restate = False
        self._cells: dict[Cell, None] = {}
        self._alerts: dict[str, Alert] = {}

    def close_until(self, tick: int) -> None:
        """Tell nothing before a tick."""
        self.tick, self._restate = tick, True

    def closed(self, tick: int) -> bool:
        """Whether a tick is not told."""
        return self.tick is not None and tick < self.tick

    def keep(self, cells: Iterable[Cell], alerts: Iterable[Alert]) -> None:
        """Remember which cells changed, and of every alert the last that was to be said."""
        self._cells.update(dict.fromkeys(cells))
        self._alerts.update((alert.alert_id, alert) for alert in alerts)

    def release(self) -> tuple[list[Cell], list[Alert]] | None:
        """At the first tick that is told: all that changed in the meantime; None at every other tick."""
        if not self._restate:
            return None
        kept = list(self._cells), list(self._alerts.values())
        self._restate, self._cells, self._alerts = False, {}, {}
        return kept
