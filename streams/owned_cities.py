"""What this worker knows of the cities it watches now, for questions: read from the folds when somebody asks."""

from collections.abc import Collection, Iterator, Sequence
from typing import Final, NamedTuple

from aiokafka import TopicPartition

from schemas.emissions import KpiValue
from streams.core.source_fold import cells_partition
from streams.core.watch_fold import WatchFold
from streams.core.watched_city import WatchedCity
from streams.ownership import Ownership
from streams.questions import Counts, Standing, Ticks

MOST_NAMED: Final = 10_000
"""Ids looked for behind a count, newest minutes first: some 20 ms, in which a worker does nothing else."""

INCIDENTS_OF_AN_ALERT: Final = 10
"""Ids named per alert, as on the topic."""


class Named(NamedTuple):
    """The incidents that were named behind alerts since the last tick: many ask the same, again and again."""

    at: WatchedCity
    tick: int | None
    ids: dict[tuple[str, int, int], Sequence[str]]  # (alert, counted from, counted to) → ids


class OwnedCities:
    """The cities of this worker."""

    def __init__(self, ownership: Ownership, cells_topic: str, cells_partitions: int) -> None:
        """Of one worker."""
        self._ownership = ownership
        self._topic = cells_topic
        self._of = cells_partitions
        self._named: dict[str, Named] = {}

    def _cities(self) -> Iterator[tuple[WatchFold, WatchedCity]]:
        for fold in self._ownership.folds().values():
            if isinstance(fold, WatchFold):
                for city in fold.cities.values():
                    if city.short(fold.rules.incidents_topic) is None:
                        yield fold, city

    def names(self) -> Sequence[str]:
        """The jurisdictions watched here now, sorted."""
        return sorted(city.jurisdiction for _, city in self._cities())

    def city(self, name: str) -> "OwnedCity | None":
        """One of them."""
        for fold, city in self._cities():
            if city.jurisdiction == name:
                named = self._named.get(name)
                if named is None or named.at is not city or named.tick != city.published:
                    named = self._named[name] = Named(city, city.published, {})
                return OwnedCity(fold, city, named)
        return None

    def is_coming(self, name: str) -> bool:
        """Whether the partition that holds the jurisdiction is being taken over, or it is kept back until it is whole."""
        tp = TopicPartition(self._topic, cells_partition(name, self._of))
        fold = self._ownership.folds().get(tp)
        if isinstance(fold, WatchFold):
            return any(short.jurisdiction == name for short in fold.short())
        return any(facts.tp == tp and not facts.taken_over for facts in self._ownership.facts())


class OwnedCity:
    """One jurisdiction as questions see it, for the time of one request."""

    def __init__(self, fold: WatchFold, city: WatchedCity, named: Named) -> None:
        """`city` as `fold` holds it."""
        self._named = named
        self._fold = fold
        self._city = city
        self._counts = city.boards[fold.rules.incidents_topic]
        self._measures = city.boards[fold.rules.dispatches_topic]
        self.jurisdiction = city.jurisdiction
        self.windows = fold.rules.timeline.windows
        self.pane_ms = fold.rules.timeline.pane_ms

    def ticks(self) -> Ticks | None:
        """From the oldest tick that may still be corrected to the last published one."""
        published = self._counts.published
        oldest = self._city.oldest_open(self._fold.rules.incidents_topic)
        if published is None or oldest is None:
            return None
        return Ticks(min(oldest, published) * self.pane_ms, published * self.pane_ms)

    def kpis_at(self) -> int | None:
        """The last published tick of the dispatches."""
        published = self._measures.published
        if self._city.short(self._fold.rules.dispatches_topic) is not None:
            return None
        return None if published is None else published * self._fold.rules.kpi_timeline.pane_ms

    def counts(self, at: int) -> Iterator[Counts]:
        """Every cell at a tick; the numbers of a cell stand at the end of its series."""
        tick, board = at // self.pane_ms, self._counts
        for cell, series in board.series.items():
            yield cell[0], cell[1], series[-1][1] if series[-1][0] <= tick else board.numbers_at(cell, tick)

    def incident_ids(
        self, cells: Collection[tuple[str, str]], start: int, at: int
    ) -> Sequence[tuple[int, str]]:
        """Incidents behind counts, newest first."""
        tick = at // self.pane_ms
        panes = range(start // self.pane_ms, tick)
        found = self._city.behind.known_ids(self._fold.sources, cells, panes, tick, most=MOST_NAMED)
        return [(known * self.pane_ms, incident_id) for known, incident_id in found]

    def alerts(self) -> Iterator[Standing]:
        """Alerts as they stand."""
        for episode, alert in self._city.alerting.book.standing():
            start = episode.reading_at - episode.reading.window_panes * self.pane_ms
            yield Standing(alert, episode.raised_at, episode.ended_at, start, episode.reading_at)

    def incidents_of(self, standing: Standing) -> Sequence[str]:
        """Ids of the newest incidents of an alert."""
        alert = standing.alert
        of = (alert.alert_id, standing.counted_from, standing.counted_to)
        ids = self._named.ids.get(of)
        if ids is None:
            name = self._city.behind.namer(self._fold.sources)
            found = name(alert.zones, alert.crime_type, standing.counted_from, standing.counted_to)
            ids = self._named.ids[of] = found[:INCIDENTS_OF_AN_ALERT]
        return ids

    def kpis(self) -> Iterator[KpiValue]:
        """Every response measure, and the precision of alerts."""
        precision, at = self._city.alerting.precision(0), self.kpis_at()
        if precision is not None:
            yield precision
        if at is not None:
            series = list(self._measures.series)
            yield from self._city.kpis.measure(at, 0, series, self._measures.numbers)
