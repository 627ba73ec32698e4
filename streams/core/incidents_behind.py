"""The incidents behind a count: which ids count in some cells and panes, as the partials name them."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from schemas.vocabulary import ANY
from streams.core.alert_book import NameIncidents
from streams.core.merging import SourceName, SourcePartition, known_ids
from streams.core.timeline import Timeline
from streams.core.windows import Cell, RollingCounts

NAMED: Final = 32
"""Ids looked for behind an alert, of which its policy names the first few; incidents of whole panes, newest first."""


class IncidentsBehind:
    """Finds the incidents behind the counts of one jurisdiction."""

    def __init__(self, jurisdiction: str, topic: str, timeline: Timeline, counts: RollingCounts) -> None:
        """Look into the partials of a source `topic`, guided by the `counts` made from them."""
        self.jurisdiction = jurisdiction
        self._topic, self._timeline, self._counts = topic, timeline, counts

    def namer(self, sources: Mapping[SourceName, SourcePartition]) -> NameIncidents:
        """How alerts name the newest incidents behind them."""
        pane_ms = self._timeline.pane_ms

        def name(zones: Sequence[str], crime_type: str, start: int, until: int) -> Sequence[str]:
            if ANY in zones or crime_type == ANY:
                cells = {
                    cell
                    for cell in self._counts.series
                    if (crime_type in (ANY, cell[1])) and (ANY in zones or cell[0] in zones)
                }
            else:
                cells = {(zone, crime_type) for zone in zones}
            panes = range(start // pane_ms, until // pane_ms)
            return [incident_id for _, incident_id in self.known_ids(sources, cells, panes, most=NAMED)]

        return name

    def known_ids(
        self,
        sources: Mapping[SourceName, SourcePartition],
        cells: Collection[Cell],
        panes: range,
        tick: int | None = None,
        most: int | None = None,
    ) -> list[tuple[int, str]]:
        """(tick from which it is known, id) of incidents that count in these cells and panes: see `known_ids`."""
        mine = (
            source.city(self.jurisdiction) for (name, _), source in sources.items() if name == self._topic
        )
        cities = [city for city in mine if city is not None]
        return known_ids(cities, cells, self._counts.panes_with(cells, panes), tick, most)
