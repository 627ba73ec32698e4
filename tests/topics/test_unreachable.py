"""Why no broker answers: one message each, with what to do."""

import pytest

from streams.settings import load
from streams.topics.unreachable import said_of, unreachable

START_IT = "start it, or name another with VIGIL_BROKER or broker in the configuration file"
USER = {"VIGIL_KAFKA_SASL_USERNAME": "vigil", "VIGIL_KAFKA_SASL_PASSWORD": "geheim"}
SASL = {"VIGIL_KAFKA_SECURITY_PROTOCOL": "SASL_SSL", **USER}


@pytest.mark.parametrize(
    "environ, said, fault",
    [
        pytest.param(
            {},
            'Unable connect to "a:1": [Errno 111] Connect call failed',
            'broker "a:1" does not answer (waited up to 5s; Unable connect to "a:1": [Errno 111] Connect call failed); '
            + START_IT,
            id="nobody there",
        ),
        pytest.param(
            {},
            "Connection at a:1 closed",
            f'broker "a:1" does not answer (waited up to 5s; Connection at a:1 closed); {START_IT}; '
            "kafka.security_protocol is PLAINTEXT: does it listen with that?",
            id="hangs up",
        ),
        pytest.param(
            {"VIGIL_KAFKA_SECURITY_PROTOCOL": "SSL"},
            'Unable connect to "a:1": ',
            f'broker "a:1" does not answer (waited up to 5s; Unable connect to "a:1"); {START_IT}; '
            "kafka.security_protocol is SSL: does it listen with that?",
            id="another protocol",
        ),
        pytest.param(
            SASL,
            "[Error 58] SaslAuthenticationFailed: Authentication failed",
            'broker "a:1" refuses user "vigil": unknown, or another password; '
            "see kafka.sasl_username, VIGIL_KAFKA_SASL_PASSWORD, kafka.sasl_mechanism",
            id="wrong password",
        ),
        pytest.param(
            SASL,
            "[Error 33] UnsupportedSaslMechanismError: <x>",
            'kafka.sasl_mechanism is SCRAM-SHA-512, which "a:1" does not offer; ask who runs it for another',
            id="mechanism",
        ),
        pytest.param(
            SASL,
            "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate.",
            'broker "a:1" is not trusted ([SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed '
            "certificate); kafka.ssl_ca_file names the certificates to trust",
            id="certificate",
        ),
    ],
)
def test_reason_and_remedy(environ: dict[str, str], said: str, fault: str) -> None:
    assert str(unreachable(load(environ={"VIGIL_BROKER": "a:1", **environ}), said)) == fault


def test_error_without_words_says_what_it_is() -> None:
    assert said_of(TimeoutError()) == "TimeoutError"
    assert said_of(TimeoutError("late")) == "late"
