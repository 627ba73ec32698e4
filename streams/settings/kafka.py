"""How to connect to Kafka: the settings, and what a client takes of them."""

# ruff: noqa: RUF009 -- option() and table() make dataclass fields, not values

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from streams.settings.durations import Duration
from streams.settings.files import ExistingFile
from streams.settings.kinds import Flag, Secret, Text, Word
from streams.settings.options import option


class SecurityProtocol(StrEnum):
    """How the connection to Kafka is protected."""

    PLAINTEXT = "PLAINTEXT"
    SSL = "SSL"
    SASL_PLAINTEXT = "SASL_PLAINTEXT"
    SASL_SSL = "SASL_SSL"


class SaslMechanism(StrEnum):
    """How this client says who it is."""

    PLAIN = "PLAIN"
    SCRAM_SHA_256 = "SCRAM-SHA-256"
    SCRAM_SHA_512 = "SCRAM-SHA-512"


@dataclass(frozen=True)
class Kafka:
    """`[kafka]`: how to connect."""

    security_protocol: SecurityProtocol = option(
        SecurityProtocol.PLAINTEXT, Word(SecurityProtocol), "PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL"
    )
    sasl_mechanism: SaslMechanism = option(
        SaslMechanism.SCRAM_SHA_512, Word(SaslMechanism), "PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512"
    )
    sasl_username: str | None = option(None, Text(optional=True), "user name")
    sasl_password: str | None = option(
        None, Secret(), "password (VIGIL_KAFKA_SASL_PASSWORD, or sasl_password_file)"
    )
    sasl_password_file: Path | None = option(None, ExistingFile(), "file with the password")
    ssl_ca_file: Path | None = option(
        None, ExistingFile("certificate"), "PEM certificates to trust; empty: the system's"
    )
    ssl_certificate_file: Path | None = option(
        None, ExistingFile("certificate"), "PEM certificate of this client, for mTLS"
    )
    ssl_key_file: Path | None = option(None, ExistingFile("key"), "PEM key of this client")
    ssl_key_password: str | None = option(
        None, Secret(), "password of the key (VIGIL_KAFKA_SSL_KEY_PASSWORD, or ssl_key_password_file)"
    )
    ssl_key_password_file: Path | None = option(None, ExistingFile(), "file with the password of the key")
    ssl_check_hostname: bool = option(True, Flag(), "the broker's certificate must name its host")
    idempotent: bool = option(
        True,
        Flag(),
        "send with producer ids, so that a retry repeats nothing; false for a broker without them",
    )
    connect_timeout_ms: int = option(
        5000, Duration("100ms", "10m"), "how long to wait for a broker at start", key="connect_timeout"
    )
