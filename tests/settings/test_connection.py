"""What a Kafka client takes of the settings."""

import shutil
import ssl
import subprocess
from pathlib import Path

import pytest

from streams.settings import ConfigurationError, load
from streams.settings.connection import client_options
from tests.settings.settings_files import Files

needs_openssl = pytest.mark.skipif(
    shutil.which("openssl") is None, reason="no openssl to make certificates with"
)


def make_certificate(folder: Path, password: str = "") -> None:
    """`client.pem` and `client.key`, self-signed."""
    protect = ["-passout", f"pass:{password}"] if password else ["-nodes"]
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-days",
        "2",
    ]
    command += ["-subj", "/CN=localhost", "-keyout", "client.key", "-out", "client.pem", *protect]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)


def test_plaintext_needs_only_where_to_connect() -> None:
    assert client_options(load(environ={"VIGIL_BROKER": "a:1, [::1]:2"})) == {
        "bootstrap_servers": ["a:1", "[::1]:2"],
        "security_protocol": "PLAINTEXT",
    }


def test_user_and_password_are_sent_with_sasl() -> None:
    options = client_options(
        load(
            environ={
                "VIGIL_KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT",
                "VIGIL_KAFKA_SASL_MECHANISM": "SCRAM-SHA-256",
                "VIGIL_KAFKA_SASL_USERNAME": "vigil",
                "VIGIL_KAFKA_SASL_PASSWORD": "geheim",
            }
        )
    )
    assert options["security_protocol"] == "SASL_PLAINTEXT"
    assert options["sasl_mechanism"] == "SCRAM-SHA-256"
    assert (options["sasl_plain_username"], options["sasl_plain_password"]) == ("vigil", "geheim")
    assert "ssl_context" not in options


def test_tls_trusts_the_system_and_checks_the_host_by_default() -> None:
    context = client_options(load(environ={"VIGIL_KAFKA_SECURITY_PROTOCOL": "SSL"}))["ssl_context"]
    assert isinstance(context, ssl.SSLContext)
    assert context.check_hostname
    assert context.verify_mode is ssl.CERT_REQUIRED


@needs_openssl
@pytest.mark.parametrize(
    "password", [pytest.param("", id="open key"), pytest.param("geheim", id="key with a password")]
)
def test_certificate_key_and_password_are_used(files: Files, password: str) -> None:
    make_certificate(files.folder, password)
    settings = files.load(
        """
        [kafka]
        security_protocol = "SSL"
        ssl_ca_file = "client.pem"
        ssl_certificate_file = "client.pem"
        ssl_key_file = "client.key"
        ssl_check_hostname = false
        """,
        {"VIGIL_KAFKA_SSL_KEY_PASSWORD": password},
    )
    context = client_options(settings)["ssl_context"]
    assert not context.check_hostname
    assert [each["subject"] for each in context.get_ca_certs()] == [((("commonName", "localhost"),),)]


@needs_openssl
def test_wrong_password_is_a_fault_and_nobody_is_asked_for_one(files: Files) -> None:
    make_certificate(files.folder, "geheim")
    settings = files.load(
        '[kafka]\nsecurity_protocol = "SSL"\nssl_certificate_file = "client.pem"\nssl_key_file = "client.key"'
    )
    with pytest.raises(
        ConfigurationError, match=r"^kafka\.ssl_certificate_file cannot be used \(.+\); it takes PEM files"
    ):
        client_options(settings)


def test_file_that_is_no_certificate_is_a_fault(files: Files) -> None:
    files.write("ca.pem", "not a certificate")
    settings = files.load('[kafka]\nsecurity_protocol = "SSL"\nssl_ca_file = "ca.pem"')
    with pytest.raises(ConfigurationError) as caught:
        client_options(settings)
    assert str(caught.value) == (
        "kafka.ssl_ca_file cannot be used (no certificate or crl found); "
        "it takes PEM files, the key fitting the certificate and its password"
    )
