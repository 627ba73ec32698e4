"""Why no broker answers, in one message with what to do: aiokafka says it in its log and leaves it out of its error."""

import logging
from typing import Final

from streams.settings import Fault, SecurityProtocol, Settings, duration_text

_START_IT: Final = "start it, or name another with VIGIL_BROKER or broker in the configuration file"


class Listener(logging.Handler):
    """Hears what aiokafka says of a failed connection, which its exception leaves out, and keeps it off the screen."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.last = ""
        self._logger = logging.getLogger("aiokafka")
        self._propagated = True

    def __enter__(self) -> "Listener":
        self._propagated, self._logger.propagate = self._logger.propagate, False
        self._logger.addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        self._logger.removeHandler(self)
        self._logger.propagate = self._propagated

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the newest message."""
        self.last = record.getMessage()


def said_of(error: BaseException) -> str:
    """What an error says, or what it is."""
    return str(error) or type(error).__name__


def unreachable(settings: Settings, said: str) -> Fault:
    """The fault for a connection that failed.

    Args:
        settings: how it was tried.
        said: what aiokafka says of it.
    """
    kafka, brokers = settings.kafka, f'"{settings.broker}"'
    if "SaslAuthenticationFailed" in said:
        problem = f'{brokers} refuses user "{kafka.sasl_username}": unknown, or another password'
        return Fault(
            "", "broker", problem, "see kafka.sasl_username, VIGIL_KAFKA_SASL_PASSWORD, kafka.sasl_mechanism"
        )
    if "UnsupportedSaslMechanism" in said:
        problem = f"is {kafka.sasl_mechanism}, which {brokers} does not offer"
        return Fault("", "kafka.sasl_mechanism", problem, "ask who runs it for another")
    if "CERTIFICATE" in said:
        problem = f"{brokers} is not trusted ({said.rstrip('.')})"
        return Fault("", "broker", problem, "kafka.ssl_ca_file names the certificates to trust")
    waited = duration_text(kafka.connect_timeout_ms)
    problem = f"{brokers} does not answer (waited up to {waited}; {said.rstrip('.: ')})"
    if kafka.security_protocol is not SecurityProtocol.PLAINTEXT or said.endswith("closed"):
        protocol = f"kafka.security_protocol is {kafka.security_protocol}: does it listen with that?"
        return Fault("", "broker", problem, f"{_START_IT}; {protocol}")
    return Fault("", "broker", problem, _START_IT)
