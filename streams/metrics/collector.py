"""What /metrics answers: facts of what this worker owns now, read at scrape time, and its counters."""

import platform
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

from prometheus_client import (
    CollectorRegistry,
    GCCollector,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector

from streams.metrics import names
from streams.metrics.counters import Counters
from streams.metrics.exposition import Templates, header
from streams.metrics.names import Metric
from streams.metrics.views import AtWorkView, JurisdictionView, Nobody, Owner, PartitionView

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
CELLS_AT_ONCE = 500
"""Cells rendered without letting the event loop go on: with five windows some 1 ms, 10 ms at the first scrape."""

KPIS_AT_ONCE = 100
"""Histograms rendered without letting the event loop go on."""

T = TypeVar("T")


class Metrics:
    """Everything that one worker exposes. Owners are set once they exist, and asked at each scrape."""

    def __init__(self, *, version: str = "", counting_version: int = 0, fingerprint: str = "") -> None:
        """Say what runs here; own nothing yet."""
        disable_created_metrics()  # type: ignore[no-untyped-call]  # process-wide: no *_created beside each counter
        self.owner: Owner = Nobody()
        self._registry = CollectorRegistry()
        for collector in (ProcessCollector, GCCollector):
            collector(registry=self._registry)
        self.dead_letter_shares: Callable[[], Mapping[str, float]] = (
            dict  # topic → share, of the newest messages
        )
        self._registry.register(_Owned(self))
        build = (version, platform.python_version(), str(counting_version), fingerprint)
        self._registry.register(_Constant(names.BUILD_INFO, build))
        self.counters = Counters(self._registry)
        self._templates = Templates()
        self.views: Sequence[JurisdictionView] = ()  # of the scrape that is being answered

    def render(self) -> Iterator[str]:
        """The text, in pieces; between two of them the event loop may go on.

        Cost: some 20 ms of CPU for 44,000 series, in pieces of a few ms.
        """
        views = self.views = list(self.owner.jurisdictions())
        yield generate_latest(self._registry).decode()
        self._templates.forget_all_but(view.jurisdiction for view in views)
        yield header(names.INCIDENTS)
        for view in views:
            for cells in _portions(view.cells, CELLS_AT_ONCE):
                yield self._templates.counts(view, cells)
        yield header(names.RESPONSE)
        for view in views:
            for kpis in _portions(view.kpis, KPIS_AT_ONCE):
                yield self._templates.histograms(view, kpis)


def _portions(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """All items, taken at once, so that they are of one tick, in lists of at most `size`."""
    taken = list(items)
    return (taken[first : first + size] for first in range(0, len(taken), size))


class _Constant(Collector):
    """A metric that is always 1."""

    def __init__(self, metric: Metric, values: tuple[str, ...]) -> None:
        self._metric = metric
        self._values = values

    def collect(self) -> Iterable[GaugeMetricFamily]:
        family = _family(self._metric)
        family.add_metric(self._values, 1)
        yield family


class _Owned(Collector):
    """Gauges of what is owned at the moment of the scrape."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[GaugeMetricFamily]:
        families = {metric: _family(metric) for metric in _OWNED}
        owner = self._metrics.owner
        owned: dict[str, int] = {}
        for partition in owner.partitions():
            owned[partition.topic] = owned.get(partition.topic, 0) + 1
            for metric, labels, value in _partition_samples(partition):
                families[metric].add_metric(labels, value)
        for topic, count in owned.items():
            families[names.OWNED].add_metric((topic,), count)
        for view in self._metrics.views:
            for metric, labels, value in _jurisdiction_samples(view):
                families[metric].add_metric(labels, value)
        for at_work in owner.at_work():
            for metric, labels, value in _at_work_samples(at_work):
                families[metric].add_metric(labels, value)
        for topic, share in self._metrics.dead_letter_shares().items():
            families[names.DEAD_LETTER_SHARE].add_metric((topic,), share)
        return families.values()


Sample = tuple[Metric, tuple[str, ...], float]

_OWNED = [
    metric
    for metric in names.ALL
    if metric.kind == "gauge" and metric not in (names.INCIDENTS, names.BUILD_INFO)
]


def _family(metric: Metric) -> GaugeMetricFamily:
    return GaugeMetricFamily(metric.name, metric.help, labels=metric.labels)


def _partition_samples(view: PartitionView) -> Iterator[Sample]:
    labels = (view.topic, str(view.partition))
    known = {
        names.POSITION: view.position,
        names.COMMITTED: view.committed,
        names.LAG: view.lag,
        names.SILENCE: view.silent_s,
    }
    for metric, value in known.items():
        if value is not None:
            yield metric, labels, value
    yield names.STILL, labels, view.still_s
    yield names.COMMIT_AGE, labels, view.commit_waits_s or 0.0
    yield names.TAKE_OVER, labels, 1.0 if view.taken_over else view.take_over_done
    for jurisdiction, at_ms in view.watermarks_ms.items():
        yield names.PARTITION_WATERMARK, (*labels, jurisdiction), at_ms / 1000


def _jurisdiction_samples(view: JurisdictionView) -> Iterator[Sample]:
    city = (view.jurisdiction,)
    if view.tick_ms is not None:
        yield names.TICK, city, view.tick_ms / 1000
    if view.watermark_ms is not None:
        yield names.CITY_WATERMARK, city, view.watermark_ms / 1000
    for topic, until_ms in view.kept_back_until_ms.items():
        yield names.KEPT_BACK, (*city, topic), until_ms / 1000
    for state, alerts in view.open_alerts.items():
        yield names.ALERTS, (*city, state), alerts
    for verdict, alerts in view.verdicts.items():
        yield names.ALERT_VERDICTS, (*city, verdict), alerts
    if view.precision is not None:
        yield names.ALERT_PRECISION, city, view.precision
    for kpi in view.kpis:
        labels = (*city, kpi.agency, kpi.priority, kpi.kpi, kpi.over)
        total = sum(kpi.counts)
        if kpi.threshold_s is not None:
            yield names.RESPONSE_GOAL, labels, kpi.threshold_s
        for reason, intervals in kpi.left_out.items():
            yield names.RESPONSE_LEFT_OUT, (*labels, reason), intervals
        if kpi.within is not None and total:
            yield names.RESPONSE_WITHIN, labels, kpi.within / total


def _at_work_samples(view: AtWorkView) -> Iterator[Sample]:
    city = (view.jurisdiction,)
    if view.open_incidents is not None:
        yield names.OPEN_INCIDENTS, city, view.open_incidents
    for agency, units in view.units_committed.items():
        yield names.UNITS_COMMITTED, (*city, agency), units
    for holding in view.holding:
        yield names.CALLS_HOLDING, (*city, holding.priority), holding.calls
        if holding.oldest_since_ms is not None:
            yield names.OLDEST_CALL, (*city, holding.priority), holding.oldest_since_ms / 1000
