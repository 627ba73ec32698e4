"""The configuration as one frozen tree: every field with its default, what it takes, and what it is for.

The field's place in the tree is its name in the file (`[web] port`) and in the environment (`VIGIL_WEB_PORT`).
Durations are milliseconds here and texts such as "15m" in the file.
"""

# ruff: noqa: RUF009 -- option() and table() make dataclass fields, not values

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from streams.settings.benchmarks import BUCKETS_S
from streams.settings.durations import HOUR_MS, Duration, Window, WindowLength, duration_ms
from streams.settings.files import ExistingFile
from streams.settings.jurisdictions import Jurisdiction
from streams.settings.kafka import Kafka
from streams.settings.kinds import Flag, Free, Integer, Kind, ListOf, Number, Secret, Text, Word
from streams.settings.options import option, table, tables
from streams.settings.topics import Topics


class CountsAt(StrEnum):
    """Which time of an incident decides the windows it is in."""

    REPORTED_AT = "reported_at"
    OCCURRED_AT = "occurred_at"


class LogFormat(StrEnum):
    """Lines for people, or one JSON object a line."""

    HUMAN = "human"
    JSON = "json"


class LogLevel(StrEnum):
    """The least severe level that is logged."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True)
class Counting:
    """`[counting]`: what the rolling counts are. Changing any of it needs a higher `version`."""

    version: int = option(
        1, Integer(1, 10**9), "counting version: raise it by one with any change of what is counted"
    )
    pane_ms: int = option(
        60_000,
        Duration("1s", "1h"),
        "the slice that windows are made of; a tick is published at each of its ends",
        key="pane",
    )
    windows: tuple[Window, ...] = option(
        tuple(Window(name, duration_ms(name)) for name in ("15m", "1h", "6h", "24h", "7d")),
        ListOf(WindowLength()),
        "rolling windows, each a multiple of the pane",
    )
    out_of_orderness_ms: int = option(
        60_000,
        Duration("0s", "7d"),
        "how far the watermark trails the greatest updated_at",
        key="out_of_orderness",
    )
    allowed_lateness_ms: int = option(
        HOUR_MS,
        Duration("0s", "30d"),
        "how long a published tick may still be corrected",
        key="allowed_lateness",
    )
    counts_at: CountsAt = option(
        CountsAt.REPORTED_AT, Word(CountsAt), "the time that decides the windows an incident is in"
    )

    @property
    def window_lengths_ms(self) -> dict[str, int]:
        """Name → length of each window, in the order given."""
        return {window.name: window.length_ms for window in self.windows}

    @property
    def longest_window_ms(self) -> int:
        """The length of the longest window."""
        return max(window.length_ms for window in self.windows)


@dataclass(frozen=True)
class Heartbeats:
    """`[heartbeats]`: what makes idle partitions advance when publishers send no heartbeats themselves."""

    enabled: bool = option(
        True, Flag(), "live mode: the worker sends heartbeats for partitions that are idle without lag"
    )
    interval_ms: int = option(
        15_000, Duration("1s", "1h"), "how long a partition is idle before one is sent", key="interval"
    )
    patience_ms: int = option(
        120_000,
        Duration("1s", "1d"),
        "how long it is idle before one is sent that makes messages older than the allowed lateness too late",
        key="patience",
    )


@dataclass(frozen=True)
class Worker:
    """`[worker]`: how one worker reads, commits and takes over."""

    batch_size: int = option(
        2000,
        Integer(1, 100_000),
        "most messages of a partition that are folded at once; less, where that would take over 20 ms",
    )
    commit_interval_ms: int = option(
        1000, Duration("10ms", "10m"), "how often positions are committed", key="commit_interval"
    )
    take_over_deadline_ms: int = option(
        600_000,
        Duration("1s", "1d"),
        "how long a take-over may take before the worker gives up",
        key="take_over_deadline",
    )
    session_timeout_ms: int = option(
        20_000,
        Duration("1s", "30m"),
        "after this silence Kafka gives a worker's partitions to another one",
        key="session_timeout",
    )
    shutdown_deadline_ms: int = option(
        8000,
        Duration("1s", "10m"),
        "how long a worker may take to end after SIGTERM",
        key="shutdown_deadline",
    )
    stall_after_ms: int = option(
        30_000,
        Duration("1s", "1d"),
        "lag without progress for this long makes /healthz fail",
        key="stall_after",
    )
    dead_letter_share: float = option(
        0.05, Number(0, 1), "more dead letters than this share of a batch window is an alarm"
    )
    stop_on_dead_letters: bool = option(
        False, Flag(), "stop the worker, instead of only saying so, above that share"
    )


@dataclass(frozen=True)
class Web:
    """`[web]`: /metrics, /healthz, /readyz and the questions under /v1."""

    bind: str = option(
        "127.0.0.1",
        Text(r"[0-9A-Za-z.:\-]{1,255}", "an address or host name, such as 127.0.0.1"),
        "address to listen on",
    )
    port: int = option(6066, Integer(0, 65535, "0 takes any free port"), "port to listen on; 0: any free one")
    token: str | None = option(
        None, Secret(), "bearer token for /v1 beyond loopback (VIGIL_WEB_TOKEN, or token_file)"
    )
    token_file: Path | None = option(None, ExistingFile(), "file with the bearer token")
    tls_certificate: Path | None = option(
        None, ExistingFile("certificate"), "PEM certificate chain: serve HTTPS"
    )
    tls_key: Path | None = option(None, ExistingFile("key"), "PEM key of the certificate")


@dataclass(frozen=True)
class Detection:
    """`[detection]`: rules, the false-alarm budget, and what detectors take."""

    rules_file: Path | None = option(
        None, ExistingFile("rules file"), "analysts' rules: at least N of a type in a zone within W"
    )
    calendar_file: Path | None = option(
        None, ExistingFile("calendar file"), "planned events and holidays, during which more is expected"
    )
    alerts_per_day: float = option(
        2.0, Number(0.001, 1000), "false alerts a day that one jurisdiction can stand"
    )
    options: Mapping[str, Any] = option(
        {}, Free(), "settings of the detectors, passed on as they are", env=False
    )


@dataclass(frozen=True)
class Log:
    """`[log]`: what the worker says on standard error."""

    format: LogFormat = option(LogFormat.HUMAN, Word(LogFormat), "human or json")
    level: LogLevel = option(LogLevel.INFO, Word(LogLevel), "debug, info, warning or error")


_BROKERS: Final[Kind] = Text(
    r"([A-Za-z0-9.\-]{1,253}|\[[0-9A-Fa-f:.]+\]):([1-9]\d{0,4})(\s*,\s*([A-Za-z0-9.\-]{1,253}|\[[0-9A-Fa-f:.]+\]):([1-9]\d{0,4}))*",
    "HOST:PORT, several with commas between, such as 127.0.0.1:9092",
)
_NAME: Final = r"[A-Za-z0-9._\-]{0,100}"


@dataclass(frozen=True)
class Settings:
    """Everything that can be configured. `Settings()` is the default configuration."""

    broker: str = option(
        "127.0.0.1:9092", _BROKERS, "Kafka brokers to ask first, HOST:PORT with commas between"
    )
    topic_prefix: str = option(
        "",
        Text(_NAME, "letters, digits, . _ and -"),
        'put before every topic and the group, such as "staging."',
    )
    group_id: str = option(
        "vigil",
        Text(_NAME.replace("{0,", "{1,"), "letters, digits, . _ and -"),
        "consumer group of the workers",
    )
    counting: Counting = table(Counting)
    heartbeats: Heartbeats = table(Heartbeats)
    worker: Worker = table(Worker)
    web: Web = table(Web)
    kafka: Kafka = table(Kafka)
    topics: Topics = table(Topics)
    detection: Detection = table(Detection)
    log: Log = table(Log)
    defaults: Jurisdiction = table(Jurisdiction)
    jurisdictions: Mapping[str, Jurisdiction] = tables({}, like="defaults")

    @property
    def group(self) -> str:
        """The consumer group in Kafka, with the prefix."""
        return self.topic_prefix + self.group_id

    @property
    def kpi_bounds_s(self) -> tuple[float, ...]:
        """Upper bounds of the KPI buckets: those of the standards, and every goal of a jurisdiction."""
        own = (
            each.threshold_s
            for city in (self.defaults, *self.jurisdictions.values())
            for each in city.benchmarks
        )
        return tuple(sorted({float(bound) for bound in BUCKETS_S} | set(own)))

    def topic(self, name: str) -> str:
        """The name in Kafka of one of the topics of the design."""
        return self.topic_prefix + name

    def jurisdiction(self, name: str) -> Jurisdiction:
        """What holds for a jurisdiction: its own table, or `[defaults]` for one that is not listed."""
        return self.jurisdictions.get(name, self.defaults)
