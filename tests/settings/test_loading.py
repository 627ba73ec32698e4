"""Where settings come from, and that every fault of them is named at once."""

from pathlib import Path

import pytest

from schemas.vocabulary import Agency, CrimeType
from streams.settings import (
    ConfigurationError,
    CountsAt,
    SecurityProtocol,
    Settings,
    Window,
    load,
    load_with_origins,
)
from streams.settings.faults import Fault, in_order, shown
from streams.settings.loading import environment_paths
from streams.settings.reader import variable
from tests.settings.settings_files import Files


def test_without_anything_the_defaults_hold() -> None:
    assert load(environ={}) == Settings()


def test_environment_of_the_process_is_used_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIGIL_WEB_PORT", "7000")
    monkeypatch.delenv("VIGIL_CONFIG", raising=False)
    assert load().web.port == 7000


def test_file_wins_over_defaults_environment_over_file_command_line_over_all(files: Files) -> None:
    text = "[web]\nport = 1000\n"
    assert files.load(text).web.port == 1000
    assert files.load(text, {"VIGIL_WEB_PORT": "2000"}).web.port == 2000
    assert files.load(text, {"VIGIL_WEB_PORT": "2000"}, **{"web.port": "3000"}).web.port == 3000


def test_vigil_config_names_the_file_where_none_is_given(files: Files) -> None:
    path = files.write("other.toml", 'broker = "kafka:9092"')
    assert load(environ={"VIGIL_CONFIG": str(path)}).broker == "kafka:9092"


def test_every_kind_of_field_is_read_from_the_file(files: Files) -> None:
    settings = files.load(
        """
        broker = "a:9092, b:9092"
        [counting]
        pane = "5m"
        windows = ["24h", "1h"]
        counts_at = "occurred_at"
        [heartbeats]
        enabled = false
        [worker]
        dead_letter_share = 0.2
        [detection.options]
        surge = { level = 3 }
        [defaults]
        agencies = ["fire"]
        residents = { Mission = 57000 }
        """
    )
    assert settings.broker == "a:9092, b:9092"
    assert settings.counting.pane_ms == 300_000
    assert settings.counting.windows == (Window("24h", 86_400_000), Window("1h", 3_600_000))
    assert settings.counting.window_lengths_ms == {"24h": 86_400_000, "1h": 3_600_000}
    assert settings.counting.longest_window_ms == 86_400_000
    assert settings.counting.counts_at is CountsAt.OCCURRED_AT
    assert settings.heartbeats.enabled is False
    assert settings.worker.dead_letter_share == 0.2
    assert settings.detection.options == {"surge": {"level": 3}}
    assert settings.defaults.agencies == (Agency.FIRE,)
    assert settings.defaults.residents == {"Mission": 57000}


def test_every_kind_of_field_is_read_from_the_environment(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("from a file\nnot this\n")
    settings = load(
        environ={
            "VIGIL_BROKER": "kafka:9092",
            "VIGIL_COUNTING_WINDOWS": "1h, 24h",
            "VIGIL_HEARTBEATS_ENABLED": "off",
            "VIGIL_WORKER_DEAD_LETTER_SHARE": "0.5",
            "VIGIL_TOPICS_LATE_EVENTS_RETENTION": "31d",
            "VIGIL_KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
            "VIGIL_KAFKA_SASL_USERNAME": " vigil ",
            "VIGIL_KAFKA_SASL_PASSWORD": "geheim",
            "VIGIL_WEB_TOKEN_FILE": str(secret),
            "UNRELATED": "x",
        }
    )
    assert settings.broker == "kafka:9092"
    assert [window.name for window in settings.counting.windows] == ["1h", "24h"]
    assert settings.heartbeats.enabled is False
    assert settings.worker.dead_letter_share == 0.5
    assert settings.topics.each["late-events"].retention_ms == 31 * 86_400_000
    assert settings.kafka.security_protocol is SecurityProtocol.SASL_SSL
    assert (settings.kafka.sasl_username, settings.kafka.sasl_password) == ("vigil", "geheim")
    assert settings.web.token == "from a file"


def test_secrets_are_not_in_the_text_of_settings() -> None:
    settings = load(environ={"VIGIL_WEB_TOKEN": "geheim"})
    assert settings.web.token == "geheim"
    assert "geheim" not in repr(settings)


def test_prefix_is_put_before_topics_and_group() -> None:
    settings = load(environ={"VIGIL_TOPIC_PREFIX": "staging."})
    assert settings.topic("incidents") == "staging.incidents"
    assert settings.group == "staging.vigil"


def test_origins_tell_the_line_the_variable_or_the_command_line(files: Files) -> None:
    path = files.write("vigil.toml", '\nbroker = "kafka:9092"\n[web]\nport = 1\n')
    loaded = load_with_origins(path, {"VIGIL_GROUP_ID": "g"}, {"web.port": "0"})
    assert loaded.origins[("broker",)].endswith("vigil.toml:2")
    assert loaded.origins[("group_id",)] == "VIGIL_GROUP_ID"
    assert loaded.origins[("web", "port")] == "command line"
    assert ("web", "bind") not in loaded.origins


def test_no_two_fields_share_a_variable() -> None:
    names = [variable(path) for path in environment_paths()]
    assert len(names) == len(set(names)) > 50
    assert {
        "VIGIL_BROKER",
        "VIGIL_WEB_BIND",
        "VIGIL_WEB_PORT",
        "VIGIL_TOPICS_DEAD_LETTERS_PARTITIONS",
    } <= set(names)


def test_all_faults_are_named_at_once_in_the_order_of_the_lines(files: Files) -> None:
    found = files.faults(
        """\
        brocker = "x"
        [web]
        port = 70000
        [counting]
        pane = "7s"
        [defaults]
        type_map = { "459" = "burglery", "1" = "assault" }
        """,
        {"VIGIL_WORKER_BATCH_SIZE": "many"},
    )
    assert found == [
        'vigil.toml:1: brocker is not a field; did you mean "broker"?',
        "vigil.toml:3: web.port must be a whole number from 0 to 65535 (got 70000); 0 takes any free port",
        'vigil.toml:5: counting.pane must divide an hour (got "7s"); such as "30s", "60s" or "5m"',
        'vigil.toml:7: defaults.type_map.459 cannot be "burglery"; did you mean "burglary"?',
        "VIGIL_WORKER_BATCH_SIZE: worker.batch_size must be a whole number from 1 to 100000 (got 'many')",
    ]


SIMPLE = [
    pytest.param(
        "[web]\nprot = 1", 'vigil.toml:2: web.prot is not a field; did you mean "port"?', id="near key"
    ),
    pytest.param(
        "[log]\nx = 1",
        "vigil.toml:2: log.x is not a field; one of: format, level",
        id="key that is like none",
    ),
    pytest.param(
        "web = 1", "vigil.toml:1: web must be a table (got 1); write [web] above its keys", id="no table"
    ),
    pytest.param(
        "broker = 1", "vigil.toml:1: broker must be a text (got 1); put it in quotes", id="number for a text"
    ),
    pytest.param(
        'broker = "kafka"',
        'vigil.toml:1: broker cannot be "kafka"; it takes HOST:PORT, several with commas between, such as 127.0.0.1:9092',
        id="broker without a port",
    ),
    pytest.param(
        'topic_prefix = "a b"',
        'vigil.toml:1: topic_prefix cannot be "a b"; it takes letters, digits, . _ and -',
        id="blank in the prefix",
    ),
    pytest.param(
        "[web]\nport = true",
        "vigil.toml:2: web.port must be a whole number from 0 to 65535 (got True); 0 takes any free port",
        id="truth for a number",
    ),
    pytest.param(
        "[worker]\ndead_letter_share = 2",
        "vigil.toml:2: worker.dead_letter_share must be a number from 0 to 1 (got 2)",
        id="share above 1",
    ),
    pytest.param(
        '[heartbeats]\nenabled = "yes"',
        "vigil.toml:2: heartbeats.enabled must be true or false (got 'yes')",
        id="text for a truth",
    ),
    pytest.param(
        "[counting]\npane = 60",
        "vigil.toml:2: counting.pane must be a duration in quotes (got 60); "
        'a whole number and ms, s, m, h or d, such as "90s", "15m", "6h", "7d"',
        id="number for a duration",
    ),
    pytest.param(
        '[counting]\npane = "1 min"',
        'vigil.toml:2: counting.pane is not a duration (got "1 min"); '
        'a whole number and ms, s, m, h or d, such as "90s", "15m", "6h", "7d"',
        id="no duration",
    ),
    pytest.param(
        '[counting]\npane = "2h"',
        'vigil.toml:2: counting.pane must be 1s to 1h (got "2h")',
        id="duration out of range",
    ),
    pytest.param(
        '[counting]\nwindows = "1h"',
        "vigil.toml:2: counting.windows must be a list (got '1h'); put it in brackets: [\"1h\"]",
        id="text for a list",
    ),
    pytest.param(
        "[counting]\nwindows = 1",
        "vigil.toml:2: counting.windows must be a list (got 1)",
        id="number for a list",
    ),
    pytest.param(
        '[counting]\ncounts_at = "reported"',
        'vigil.toml:2: counting.counts_at cannot be "reported"; did you mean "reported_at"?',
        id="unknown word",
    ),
    pytest.param(
        "[defaults]\ntype_map = 1",
        'vigil.toml:2: defaults.type_map must be a table (got 1); { "name" = value }',
        id="number for a map",
    ),
    pytest.param(
        "[detection]\noptions = 1",
        "vigil.toml:2: detection.options must be a table (got 1)",
        id="number for options",
    ),
    pytest.param(
        '[defaults]\ntime_zone = "America/Sao Paolo"',
        'vigil.toml:2: defaults.time_zone is not a time zone of the IANA database (got "America/Sao Paolo"); '
        'such as "America/Chicago" or "UTC"',
        id="no time zone",
    ),
    pytest.param(
        '[defaults]\ntime_zone = "../../etc/passwd"',
        'vigil.toml:2: defaults.time_zone is not a time zone of the IANA database (got "../../etc/passwd"); '
        'such as "America/Chicago" or "UTC"',
        id="time zone that is a path",
    ),
    pytest.param(
        '[web]\ntoken = "geheim"',
        "vigil.toml:2: web.token is a secret and must not stand in the file; use VIGIL_WEB_TOKEN or token_file",
        id="secret in the file",
    ),
    pytest.param(
        '[detection]\nrules_file = "rules.toml"',
        'vigil.toml:2: detection.rules_file names a rules file that does not exist (got "rules.toml"); '
        "looked for rules.toml",
        id="file that does not exist",
    ),
    pytest.param(
        '[detection]\nrules_file = "."',
        'vigil.toml:2: detection.rules_file is a directory, not a rules file (got "."); name the file in it',
        id="directory for a file",
    ),
    pytest.param(
        '[defaults]\nzones = "zones.geojson:name"',
        'vigil.toml:2: defaults.zones names a zones file that does not exist (got "zones.geojson"); '
        "looked for zones.geojson",
        id="zones file that does not exist",
    ),
    pytest.param(
        '["jurisdictions"."a|b"]',
        'vigil.toml:1: jurisdictions.a|b cannot be named "a|b"; 1 to 64 printable characters without | and blanks',
        id="separator in the name of a jurisdiction",
    ),
    pytest.param(
        "[defaults]\nbenchmarks = 1",
        "vigil.toml:2: defaults.benchmarks must be a list of tables (got 1); write [[defaults.benchmarks]] above each",
        id="number for rows",
    ),
    pytest.param(
        '[[defaults.benchmarks]]\nkpi = "turnout"',
        "vigil.toml:1: defaults.benchmarks[0] needs threshold; the longest interval that is good enough",
        id="row without a field it needs",
    ),
    pytest.param(
        "[defaults]\nbenchmarks = [ 1 ]",
        "vigil.toml:2: defaults.benchmarks[0] must be a table (got 1); write [defaults.benchmarks[0]] above its keys",
        id="number for a row",
    ),
]


@pytest.mark.parametrize("text, fault", SIMPLE)
def test_fault_names_line_field_value_and_remedy(files: Files, text: str, fault: str) -> None:
    assert fault in files.faults(text)


@pytest.mark.parametrize(
    "environ, fault",
    [
        pytest.param(
            {"VIGIL_WEB_PROT": "1"},
            "VIGIL_WEB_PROT: is not a variable of Vigil; did you mean VIGIL_WEB_PORT?",
            id="near variable",
        ),
        pytest.param(
            {"VIGIL_HEARTBEATS_ENABLED": "perhaps"},
            "VIGIL_HEARTBEATS_ENABLED: heartbeats.enabled must be true or false (got 'perhaps')",
            id="no truth",
        ),
        pytest.param(
            {"VIGIL_WORKER_DEAD_LETTER_SHARE": "half"},
            "VIGIL_WORKER_DEAD_LETTER_SHARE: worker.dead_letter_share must be a number from 0 to 1 (got 'half')",
            id="no number",
        ),
        pytest.param(
            {"VIGIL_COUNTING_WINDOWS": "1h,x"},
            'VIGIL_COUNTING_WINDOWS: counting.windows[1] is not a duration (got "x"); '
            'a whole number and ms, s, m, h or d, such as "90s", "15m", "6h", "7d"',
            id="item of a list",
        ),
    ],
)
def test_fault_of_a_variable_names_the_variable(environ: dict[str, str], fault: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load(environ=environ)
    assert str(caught.value) == fault


def test_variables_of_others_are_left_alone() -> None:
    kubernetes = {  # for services named vigil and vigil-web
        "VIGIL_SERVICE_HOST": "10.0.0.1",
        "VIGIL_SERVICE_PORT": "80",
        "VIGIL_SERVICE_PORT_HTTP": "80",
        "VIGIL_PORT": "tcp://10.0.0.1:80",
        "VIGIL_PORT_80_TCP": "tcp://10.0.0.1:80",
        "VIGIL_PORT_80_TCP_ADDR": "10.0.0.1",
        "VIGIL_WEB_SERVICE_HOST": "10.0.0.2",
        "VIGIL_WEB_PORT_80_TCP_PROTO": "tcp",
    }
    ours = dict.fromkeys(("VIGIL_TEST_BROKER", "VIGIL_SHARED", "VIGIL_WORLDS", "VIGIL_REQUIRE_KAFKA"), "x")
    assert load(environ={**kubernetes, **ours, "VIGILANT": "no"}) == Settings()


@pytest.mark.parametrize(
    "name, remedy",
    [
        ("VIGIL_WEB_PROT", "did you mean VIGIL_WEB_PORT?"),
        ("VIGIL_CONFG", "did you mean VIGIL_CONFIG?"),
        ("VIGIL_KAFKA_BROKERS_LIST", "vigil config show names the fields; unset it"),
        ("VIGIL_", "vigil config show names the fields; unset it"),
        ("VIGIL_PORT", "vigil config show names the fields; unset it"),
    ],
)
def test_any_other_variable_that_begins_like_ours_is_a_fault(name: str, remedy: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load(environ={name: "80"})
    assert str(caught.value) == f"{name}: is not a variable of Vigil; {remedy}"


@pytest.mark.parametrize(
    "content, fault",
    [
        pytest.param(
            b"a = 1\npane = 60s\n",
            "bad.toml:2: is not TOML: expected newline or end of document after a statement at column 10; "
            'texts and durations need quotes: pane = "60s"',
            id="no TOML",
        ),
        pytest.param(
            b'a = "\n',
            "bad.toml:1: is not TOML: illegal character '\\n' at column 6; "
            'texts and durations need quotes: pane = "60s"',
            id="open text",
        ),
        pytest.param(
            b"a = ",
            "bad.toml: is not TOML: invalid value (at end of document); "
            'texts and durations need quotes: pane = "60s"',
            id="cut off",
        ),
        pytest.param(b"\xff\xfe", "bad.toml: is not UTF-8 (byte 0); save it as UTF-8", id="another encoding"),
    ],
)
def test_file_that_is_no_toml_names_the_line(tmp_path: Path, content: bytes, fault: str) -> None:
    path = tmp_path / "bad.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError) as caught:
        load(path, {})
    assert str(caught.value).replace(f"{tmp_path}/", "") == fault


def test_missing_file_is_one_clear_fault(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path / "none.toml", {})
    assert str(caught.value).endswith(
        "none.toml: cannot be read (no such file or directory); check the path and its permissions"
    )


def test_unreadable_file_is_a_fault_of_its_field(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    files.write("rules.toml", "")
    original = Path.open

    def refuse(path: Path, *args: object, **kwargs: object) -> object:
        if path.name == "rules.toml":
            raise PermissionError(13, "Permission denied")
        return original(path, *args, **kwargs)  # type: ignore[call-overload]

    monkeypatch.setattr(Path, "open", refuse)
    assert files.faults('[detection]\nrules_file = "rules.toml"') == [
        'vigil.toml:2: detection.rules_file names a rules file that this user may not read (got "rules.toml"); '
        "give it the right to"
    ]


@pytest.mark.parametrize(
    "name, reason",
    [
        pytest.param("\\u0000", "embedded null byte", id="NUL"),
        pytest.param("x" * 300, "file name too long", id="too long"),
        pytest.param("~nobody-of-that-name/x", "could not determine home directory", id="no such home"),
    ],
)
@pytest.mark.parametrize("field", ["file", "type_map_file", "zones"])
def test_name_that_no_file_can_have_is_a_fault(files: Files, field: str, name: str, reason: str) -> None:
    (fault,) = files.faults(f'[defaults]\n{field} = "{name}"')
    assert fault.startswith(f"vigil.toml:2: defaults.{field} cannot name a ")
    assert fault.endswith(f": {reason})")


@pytest.mark.parametrize("text", ["a = " + "[" * 5000 + "]" * 5000, "a = " + "9" * 5000])
def test_toml_that_nobody_would_write_is_a_fault(files: Files, text: str) -> None:
    assert files.faults(text) == [
        "vigil.toml: is not TOML that anybody would write: nested too deeply, or a number too long"
    ]


def test_secret_comes_from_one_place(files: Files) -> None:
    files.write("token", "first\n")
    assert files.faults('[web]\ntoken_file = "token"', {"VIGIL_WEB_TOKEN": "x"}) == [
        "VIGIL_WEB_TOKEN: web.token is given twice, by VIGIL_WEB_TOKEN and token_file; keep one of them"
    ]


def test_secret_file_must_not_be_empty(files: Files) -> None:
    files.write("token", "\n")
    assert files.faults('[web]\ntoken_file = "token"') == [
        "vigil.toml:2: web.token_file names a file whose first line is empty; put the secret there"
    ]


def test_default_type_map_is_empty_and_codes_are_crime_types(files: Files) -> None:
    settings = files.load('[jurisdictions.sf.type_map]\n"459" = "burglary"')
    assert settings.jurisdiction("sf").type_map == {"459": CrimeType.BURGLARY}
    assert settings.jurisdiction("elsewhere").type_map == {}


def test_faults_are_in_the_order_of_the_lines_each_once(files: Files) -> None:
    a, b, c = Fault("x:10", "a", "p", ""), Fault("x:9", "b", "p", ""), Fault("", "c", "p", "r")
    assert in_order([a, c, b, a]) == [b, a, c]
    assert [str(each) for each in (a, c)] == ["x:10: a p", "c p; r"]


def test_paths_below_the_current_directory_are_shown_short(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert shown(tmp_path / "a" / "b.toml") == "a/b.toml"
