"""What went through this worker since it started: counters that only grow, whatever is owned now."""

from collections.abc import Mapping
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram

from schemas.vocabulary import AlertState, RejectReason
from streams.metrics import names
from streams.metrics.names import Metric

_BATCH_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)
_BATCH_RECORDS: Final = (1, 10, 30, 100, 300, 1000, 3000, 10_000, 100_000)

_BY_KIND: Final[Mapping[str, tuple[Metric, str | None]]] = {
    "accepted": (names.MESSAGES, "accepted"),
    "heartbeats": (names.MESSAGES, "heartbeat"),
    "late": (names.LATE, None),
    "unlocatable": (names.UNLOCATABLE, None),
    "unknown_code": (names.UNKNOWN_CODES, None),
}
_BY_PREFIX: Final[Mapping[str, Metric]] = {
    "dead_letter": names.DEAD_LETTERS,
    "personal": names.PERSONAL,
    "cells": names.PARTIALS,
}


class Counters:
    """Counters of one worker; cheap enough to be told of every batch."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Register all of them, at 0 where the labels are known before."""
        self._registry = registry
        self._counters = {metric: self._counter(metric) for metric in names.ALL if metric.kind == "counter"}
        self._seconds = self._histogram(names.BATCH_SECONDS, _BATCH_SECONDS)
        self._records = self._histogram(names.BATCH_RECORDS, _BATCH_RECORDS)
        for state in AlertState:
            self._counters[names.TRANSITIONS].labels(str(state))
        self._known: set[str] = set()

    def _counter(self, metric: Metric) -> Counter:
        return Counter(metric.name, metric.help, metric.labels, registry=self._registry)

    def _histogram(self, metric: Metric, bounds: tuple[float, ...]) -> Histogram:
        return Histogram(metric.name, metric.help, metric.labels, registry=self._registry, buckets=bounds)

    def observe_batch(self, topic: str, records: int, seconds: float) -> None:
        """Note a batch that was folded, sent and acknowledged.

        Args:
            topic: that it was read from.
            records: how many it had.
            seconds: from having it in hand to everything acknowledged.
        """
        self._seconds.labels(topic).observe(seconds)
        self._records.labels(topic).observe(records)

    def count(self, topic: str, tallies: Mapping[str, int]) -> None:
        """Add what one step of a fold tallied (`accepted`, `dead_letter.not_json`, …).

        Steps of a take-over are not to be told: their messages were counted by the owner before.
        """
        if topic not in self._known:
            self._known.add(topic)
            for reason in RejectReason:
                self._counters[names.DEAD_LETTERS].labels(topic, str(reason))
        for kind, n in tallies.items():
            metric, labels = _where(topic, kind)
            self._counters[metric].labels(*labels).inc(n)

    def rebalanced(self) -> None:
        """Partitions were assigned."""
        self._counters[names.REBALANCES].inc()

    def answered(self, path: str, status: int) -> None:
        """A request was answered; `path` is one of ours, not what the client wrote."""
        self._counters[names.REQUESTS].labels(path, str(status)).inc()


def _where(topic: str, kind: str) -> tuple[Metric, tuple[str, ...]]:
    """The counter and labels of a tally."""
    if kind in _BY_KIND:
        metric, value = _BY_KIND[kind]
        return metric, (topic,) if value is None else (topic, value)
    prefix, _, rest = kind.partition(".")
    if prefix == "alerts" and rest:
        return names.TRANSITIONS, (rest,)
    if prefix in _BY_PREFIX and rest:
        return _BY_PREFIX[prefix], (topic, rest)
    return names.OTHER, (topic, kind)
