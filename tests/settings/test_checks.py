"""What several settings must be together; each rule with the text that a person reads."""

import pytest

from streams.settings import load, needed_retention_ms
from tests.settings.settings_files import Files

DAY_MS = 86_400_000


@pytest.mark.parametrize(
    "text, fault",
    [
        pytest.param(
            '[counting]\npane = "5m"\nwindows = ["7m", "1h", "12m"]',
            "vigil.toml:3: counting.windows must be multiples of the pane, 5m (got 7m, 12m); "
            "change them or counting.pane",
            id="window that is no multiple of the pane",
        ),
        pytest.param(
            '[counting]\nwindows = ["60m", "1h", "24h"]',
            "vigil.toml:2: counting.windows must differ (got 60m, 1h); name each length once",
            id="two windows of one length",
        ),
        pytest.param(
            "[counting]\nwindows = []",
            'vigil.toml:2: counting.windows must name at least one window (got []); such as ["1h", "24h"]',
            id="no window",
        ),
        pytest.param(
            '[counting]\nallowed_lateness = "30s"',
            "vigil.toml:2: counting.allowed_lateness must be >= the pane (got 30s < 1m); late counts would be lost",
            id="lateness below the pane",
        ),
        pytest.param(
            '[topics.cells]\nretention = "11d"',
            'vigil.toml:2: topics.cells.retention must be >= 265h (got "11d"); '
            "the longest window, the allowed lateness and 4 d: a take-over reads them again",
            id="retention below what a take-over reads",
        ),
        pytest.param(
            '[counting]\nwindows = ["10d"]\n[topics.dispatches]\nretention = "15d"\n[topics.cells]\nretention = "15d"',
            'vigil.toml:2: topics.incidents.retention must be >= 337h (got "14d"); '
            "the longest window, the allowed lateness and 4 d: a take-over reads them again",
            id="window longer than the default retention",
        ),
        pytest.param(
            '[kafka]\nsecurity_protocol = "SASL_SSL"\nsasl_username = "vigil"',
            "vigil.toml:2: kafka.sasl_password is needed with SASL_SSL; "
            "set VIGIL_KAFKA_SASL_PASSWORD or kafka.sasl_password_file",
            id="no password",
        ),
        pytest.param(
            '[kafka]\nsecurity_protocol = "SASL_PLAINTEXT"\nsasl_password_file = "secret"',
            "vigil.toml:2: kafka.sasl_username is needed with SASL_PLAINTEXT; name the user",
            id="no user",
        ),
        pytest.param(
            '[kafka]\nsasl_username = "vigil"',
            "vigil.toml:2: kafka.security_protocol is PLAINTEXT, so a user would not be sent; SASL_SSL sends it over TLS",
            id="user that is not sent",
        ),
        pytest.param(
            '[kafka]\nssl_ca_file = "secret"',
            "vigil.toml:2: kafka.ssl_ca_file is not used with PLAINTEXT; set kafka.security_protocol to SSL or SASL_SSL",
            id="certificate that is not used",
        ),
        pytest.param(
            '[kafka]\nsecurity_protocol = "SSL"\nssl_certificate_file = "secret"',
            "vigil.toml:3: kafka.ssl_certificate_file needs a key; set kafka.ssl_key_file",
            id="certificate without a key",
        ),
        pytest.param(
            '[kafka]\nsecurity_protocol = "SSL"\nssl_key_file = "secret"',
            "vigil.toml:3: kafka.ssl_key_file needs a certificate; set kafka.ssl_certificate_file",
            id="key without a certificate",
        ),
        pytest.param(
            '[web]\ntls_certificate = "secret"',
            "vigil.toml:2: web.tls_certificate needs a key; set web.tls_key",
            id="web certificate without a key",
        ),
        pytest.param(
            '[web]\ntls_key = "secret"',
            "vigil.toml:2: web.tls_key needs a certificate; set web.tls_certificate",
            id="web key without a certificate",
        ),
    ],
)
def test_rule_between_fields(files: Files, text: str, fault: str) -> None:
    files.write("secret", "geheim\n")
    assert files.faults(text) == [fault]


def test_prefix_that_makes_names_too_long_is_a_fault(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.settings.checks._TOPIC_LENGTH", 20)
    assert files.faults('topic_prefix = "12345678"') == [
        "vigil.toml:1: topic_prefix makes topic names longer than 20 characters (got 21); shorten it"
    ]


def test_rule_about_a_field_that_is_wrong_itself_is_left_out(files: Files) -> None:
    found = files.faults('[counting]\npane = "x"\nwindows = ["90s"]')
    assert len(found) == 1
    assert found[0].startswith("vigil.toml:2: counting.pane is not a duration")


def test_rule_holds_for_variables_too(files: Files) -> None:
    found = files.faults("", {"VIGIL_COUNTING_ALLOWED_LATENESS": "1s"})
    assert found == [
        "VIGIL_COUNTING_ALLOWED_LATENESS: counting.allowed_lateness must be >= the pane (got 1s < 1m); "
        "late counts would be lost"
    ]


def test_folded_topics_keep_the_longest_window_the_lateness_and_four_days() -> None:
    assert needed_retention_ms(load(environ={}), "incidents") == 7 * DAY_MS + 3_600_000 + 4 * DAY_MS
    assert needed_retention_ms(load(environ={}), "cells") == 7 * DAY_MS + 3_600_000 + 4 * DAY_MS


def test_what_response_intervals_are_folded_from_is_kept_for_their_windows_too(files: Files) -> None:
    """Windows of counts may be shorter than the seven days over which compliance is measured."""
    lines = ["[counting]", 'windows = ["1h"]']
    lines += [f'[topics.{name}]\nretention = "6d"' for name in ("incidents", "dispatches", "cells")]
    found = files.faults("\n".join(lines))
    remedy = "the longest window, the allowed lateness and 4 d: a take-over reads them again"
    assert found == [
        f'vigil.toml:{line}: topics.{name}.retention must be >= 265h (got "6d"); {remedy}'
        for name, line in (("dispatches", 6), ("cells", 8))
    ]
