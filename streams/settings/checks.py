"""What several settings must be together."""

from collections.abc import Iterator, Mapping, Set
from typing import Final, NamedTuple

from streams.core.kpis import KPI_WINDOWS_MS
from streams.settings.durations import DAY_MS, HOUR_MS, duration_text
from streams.settings.faults import Fault
from streams.settings.kafka import Kafka, SecurityProtocol
from streams.settings.toml_lines import KeyPath
from streams.settings.tree import Settings

FOLDED_TOPICS: Final = ("incidents", "dispatches", "cells")
"""Topics that a take-over folds again."""

RETENTION_SLACK_MS: Final = 4 * DAY_MS
"""What a folded topic keeps beyond the longest window and the allowed lateness. Source: the topic table of the design."""

_TOPIC_LENGTH: Final = 249  # Kafka's limit


class Finding(NamedTuple):
    """A rule that does not hold: the fields it is about, the one to blame first."""

    fields: tuple[str, ...]
    problem: str
    remedy: str


def check(settings: Settings, origins: Mapping[KeyPath, str], faulty: Set[str]) -> list[Fault]:
    """Faults between fields, leaving out rules about fields that are `faulty` themselves."""
    places = {".".join(map(str, path)): where for path, where in origins.items()}
    faults = []
    for rule in (_counting, _retention, _kafka, _web, _names):
        for finding in rule(settings):
            if not set(finding.fields) & faulty:
                where = next((places[field] for field in finding.fields if field in places), "")
                faults.append(Fault(where, finding.fields[0], finding.problem, finding.remedy))
    return faults


def needed_retention_ms(settings: Settings, topic: str) -> int:
    """How long a topic that is folded again (named without the prefix) must keep messages, at least."""
    counting = settings.counting
    longest_ms = counting.longest_window_ms
    if topic != "incidents":  # response intervals are measured over windows of their own
        longest_ms = max(longest_ms, *KPI_WINDOWS_MS.values())
    return longest_ms + counting.allowed_lateness_ms + RETENTION_SLACK_MS


def _counting(settings: Settings) -> Iterator[Finding]:
    counting = settings.counting
    pane = duration_text(counting.pane_ms)
    if HOUR_MS % counting.pane_ms:
        yield Finding(
            ("counting.pane",), f'must divide an hour (got "{pane}")', 'such as "30s", "60s" or "5m"'
        )
    lengths = [window.length_ms for window in counting.windows]
    odd = [window.name for window in counting.windows if window.length_ms % counting.pane_ms]
    fields = ("counting.windows", "counting.pane")
    if not lengths:
        yield Finding(fields, "must name at least one window (got [])", 'such as ["1h", "24h"]')
    if odd and not HOUR_MS % counting.pane_ms:
        yield Finding(
            fields,
            f"must be multiples of the pane, {pane} (got {', '.join(odd)})",
            "change them or counting.pane",
        )
    twice = [window.name for window in counting.windows if lengths.count(window.length_ms) > 1]
    if twice:
        yield Finding(fields, f"must differ (got {', '.join(twice)})", "name each length once")
    if counting.allowed_lateness_ms < counting.pane_ms:
        yield Finding(
            ("counting.allowed_lateness", "counting.pane"),
            f"must be >= the pane (got {duration_text(counting.allowed_lateness_ms)} < {pane})",
            "late counts would be lost",
        )


def _retention(settings: Settings) -> Iterator[Finding]:
    if not settings.counting.windows:
        return
    for name in FOLDED_TOPICS:
        needed = needed_retention_ms(settings, name)
        kept = settings.topics.each[name].retention_ms
        if kept < needed:
            fields = (f"topics.{name}.retention", "counting.windows", "counting.allowed_lateness")
            problem = f'must be >= {duration_text(needed)} (got "{duration_text(kept)}")'
            yield Finding(
                fields,
                problem,
                "the longest window, the allowed lateness and 4 d: a take-over reads them again",
            )


def _kafka(settings: Settings) -> Iterator[Finding]:
    kafka = settings.kafka
    sasl = kafka.security_protocol in (SecurityProtocol.SASL_PLAINTEXT, SecurityProtocol.SASL_SSL)
    protocol = "kafka.security_protocol"
    if sasl and not kafka.sasl_username:
        yield Finding(
            ("kafka.sasl_username", protocol), f"is needed with {kafka.security_protocol}", "name the user"
        )
    if sasl and not kafka.sasl_password:
        remedy = "set VIGIL_KAFKA_SASL_PASSWORD or kafka.sasl_password_file"
        yield Finding(("kafka.sasl_password", protocol), f"is needed with {kafka.security_protocol}", remedy)
    if not sasl and (kafka.sasl_username or kafka.sasl_password):
        fields = (protocol, "kafka.sasl_username", "kafka.sasl_password", "kafka.sasl_password_file")
        problem = f"is {kafka.security_protocol}, so a user would not be sent"
        yield Finding(fields, problem, "SASL_SSL sends it over TLS")
    yield from _kafka_tls(kafka)


def _kafka_tls(kafka: Kafka) -> Iterator[Finding]:
    files = {
        "kafka.ssl_ca_file": kafka.ssl_ca_file,
        "kafka.ssl_certificate_file": kafka.ssl_certificate_file,
        "kafka.ssl_key_file": kafka.ssl_key_file,
    }
    tls = kafka.security_protocol in (SecurityProtocol.SSL, SecurityProtocol.SASL_SSL)
    if not tls and any(files.values()):
        field = next(name for name, file in files.items() if file)
        problem = f"is not used with {kafka.security_protocol}"
        yield Finding(
            (field, "kafka.security_protocol"), problem, "set kafka.security_protocol to SSL or SASL_SSL"
        )
    if kafka.ssl_certificate_file and not kafka.ssl_key_file:
        yield Finding(
            ("kafka.ssl_certificate_file", "kafka.ssl_key_file"), "needs a key", "set kafka.ssl_key_file"
        )
    if kafka.ssl_key_file and not kafka.ssl_certificate_file:
        remedy = "set kafka.ssl_certificate_file"
        yield Finding(("kafka.ssl_key_file", "kafka.ssl_certificate_file"), "needs a certificate", remedy)


def _web(settings: Settings) -> Iterator[Finding]:
    if settings.web.tls_certificate and not settings.web.tls_key:
        yield Finding(("web.tls_certificate", "web.tls_key"), "needs a key", "set web.tls_key")
    if settings.web.tls_key and not settings.web.tls_certificate:
        yield Finding(
            ("web.tls_key", "web.tls_certificate"), "needs a certificate", "set web.tls_certificate"
        )


def _names(settings: Settings) -> Iterator[Finding]:
    longest = max(settings.topics.each, key=len)
    if len(settings.topic(longest)) > _TOPIC_LENGTH:
        problem = (
            f"makes topic names longer than {_TOPIC_LENGTH} characters (got {len(settings.topic(longest))})"
        )
        yield Finding(("topic_prefix",), problem, "shorten it")
