"""One frozen tree of settings from a TOML file, `VIGIL_…` variables and defaults that work.

`load()` gives it or raises `ConfigurationError` with every fault: file, line, field, value and remedy.
"""

from streams.settings.benchmarks import BUCKETS_S, BUILT_IN, Benchmark
from streams.settings.checks import FOLDED_TOPICS, needed_retention_ms
from streams.settings.durations import Window, duration_ms, duration_text
from streams.settings.faults import ConfigurationError, Fault
from streams.settings.files import ZonesFile
from streams.settings.jurisdictions import Jurisdiction
from streams.settings.kafka import Kafka, SaslMechanism, SecurityProtocol
from streams.settings.kinds import MASK
from streams.settings.loading import Loaded, load, load_with_origins
from streams.settings.topics import Topic, Topics
from streams.settings.tree import (
    Counting,
    CountsAt,
    Detection,
    Heartbeats,
    Log,
    LogFormat,
    LogLevel,
    Settings,
    Web,
    Worker,
)

__all__ = [
    "BUCKETS_S",
    "BUILT_IN",
    "FOLDED_TOPICS",
    "MASK",
    "Benchmark",
    "ConfigurationError",
    "Counting",
    "CountsAt",
    "Detection",
    "Fault",
    "Heartbeats",
    "Jurisdiction",
    "Kafka",
    "Loaded",
    "Log",
    "LogFormat",
    "LogLevel",
    "SaslMechanism",
    "SecurityProtocol",
    "Settings",
    "Topic",
    "Topics",
    "Web",
    "Window",
    "Worker",
    "ZonesFile",
    "duration_ms",
    "duration_text",
    "load",
    "load_with_origins",
    "needed_retention_ms",
]
