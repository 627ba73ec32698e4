"""What a Kafka client takes of the settings, as aiokafka names it."""

import ssl
from typing import Any

from streams.settings.faults import ConfigurationError, Fault
from streams.settings.kafka import Kafka, SecurityProtocol
from streams.settings.tree import Settings

_WITH_TLS = (SecurityProtocol.SSL, SecurityProtocol.SASL_SSL)
_WITH_USER = (SecurityProtocol.SASL_PLAINTEXT, SecurityProtocol.SASL_SSL)


def client_options(settings: Settings) -> dict[str, Any]:
    """Where and how to connect: arguments that consumers, producers and admin clients of aiokafka share.

    Raises:
        ConfigurationError: a certificate or key cannot be used.
    """
    kafka = settings.kafka
    options: dict[str, Any] = {
        "bootstrap_servers": [server.strip() for server in settings.broker.split(",")],
        "security_protocol": str(kafka.security_protocol),
    }
    if kafka.security_protocol in _WITH_TLS:
        options["ssl_context"] = tls_context(kafka)
    if kafka.security_protocol in _WITH_USER:
        options["sasl_mechanism"] = str(kafka.sasl_mechanism)
        options["sasl_plain_username"] = kafka.sasl_username
        options["sasl_plain_password"] = kafka.sasl_password
    return options


def tls_context(kafka: Kafka) -> ssl.SSLContext:
    """Whom to trust, and who this client is.

    Raises:
        ConfigurationError: a certificate or key cannot be used.
    """
    field = "kafka.ssl_ca_file"
    try:
        context = ssl.create_default_context(cafile=kafka.ssl_ca_file)
        context.check_hostname = kafka.ssl_check_hostname
        if kafka.ssl_certificate_file:
            field = "kafka.ssl_certificate_file"
            # A password is always given, so that OpenSSL never asks for one on the terminal.
            password = kafka.ssl_key_password or ""
            context.load_cert_chain(kafka.ssl_certificate_file, kafka.ssl_key_file, password)
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or str(error)
        problem = f"cannot be used ({str(reason).lower().replace('_', ' ')})"
        remedy = "it takes PEM files, the key fitting the certificate and its password"
        raise ConfigurationError([Fault("", field, problem, remedy)]) from None
    return context
