"""What questions want to know of the cities that a worker watches now: plain facts, read at the moment of asking."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

from schemas.emissions import Alert, KpiValue

Counts = tuple[str, str, Sequence[int]]
"""(zone, crime type, one number per window)."""


class Ticks(NamedTuple):
    """The ticks that can be asked about, ms: from the oldest that may still be corrected to the last published."""

    oldest: int
    last: int


class Standing(NamedTuple):
    """An alert as it stands: its record with the numbers of now and no incident ids; instants in ms."""

    alert: Alert
    raised_at: int
    ended_at: int | None
    counted_from: int  # what was observed lies in [counted_from, counted_to)
    counted_to: int


class City(Protocol):
    """One jurisdiction that this worker watches now."""

    jurisdiction: str
    windows: Mapping[str, int]  # name → width in ms, in the order of the numbers
    pane_ms: int

    def ticks(self) -> Ticks | None:
        """None before the first tick was published."""

    def kpis_at(self) -> int | None:
        """The last published tick of the dispatches, ms; None before the first."""

    def counts(self, at: int) -> Iterable[Counts]:
        """Every cell at a tick, in no order; cells without any incident may be among them."""

    def incident_ids(
        self, cells: Collection[tuple[str, str]], start: int, at: int
    ) -> Sequence[tuple[int, str]]:
        """(ms from which it is known, id) of incidents that count in these cells and in `[start, at)`, at tick `at`.

        Newest first, as far as they are named: partials carry a few ids per cell and pane.
        """

    def alerts(self) -> Iterable[Standing]:
        """Alerts that people were told of: open ones, and those that still take answers."""

    def incidents_of(self, standing: Standing) -> Sequence[str]:
        """Ids of the newest incidents of an alert, as far as they are named."""

    def kpis(self) -> Iterable[KpiValue]:
        """Every response measure at the last published tick of the dispatches."""


class Cities(Protocol):
    """The cities of this worker."""

    def names(self) -> Sequence[str]:
        """The jurisdictions watched here now, sorted."""

    def city(self, name: str) -> City | None:
        """One of them."""

    def is_coming(self, name: str) -> bool:
        """Whether this worker is taking the jurisdiction over at this moment."""
