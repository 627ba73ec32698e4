"""What Vigil exposes to Prometheus: one collector over what this worker owns now, and counters that only grow."""

from streams.metrics.collector import CONTENT_TYPE, Metrics
from streams.metrics.counters import Counters
from streams.metrics.names import ALL, Metric
from streams.metrics.views import (
    AtWorkView,
    CellView,
    HoldingView,
    JurisdictionView,
    KpiView,
    Nobody,
    Owner,
    PartitionView,
)

__all__ = [
    "ALL",
    "CONTENT_TYPE",
    "AtWorkView",
    "CellView",
    "Counters",
    "HoldingView",
    "JurisdictionView",
    "KpiView",
    "Metric",
    "Metrics",
    "Nobody",
    "Owner",
    "PartitionView",
]
