"""Whatever a new user gets wrong: one clear message for each mistake, exit code 2, no traceback."""

import gzip
import json
import socket
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest

from tests.cli.conftest import Vigil


class Case(NamedTuple):
    """A configuration or command line that is wrong."""

    arguments: str
    says: str  # the first message, as far as it matters
    config: str = ""  # vigil.toml
    environ: Mapping[str, str] = MappingProxyType({})
    number: int = 1  # of messages
    code: int = 2


MAPPING = 'jurisdiction = "x"\ntime_zone = "UTC"\n[columns]\nid = ["Id"]\nreported_at = "At"\n'
RULE = '[[rule]]\nname = "x"\ncrime_type = "burglary"\nat_least = 3\nwithin = "7d"\n'
SQUARE = {"type": "Polygon", "coordinates": [[[0, 0], [0, 1], [1, 1], [1, 0], [0, 0]]]}


def zones(name: Any, geometry: Any = SQUARE) -> str:
    feature = {"type": "Feature", "properties": {"name": name}, "geometry": geometry}
    return json.dumps({"type": "FeatureCollection", "features": [feature]})


FILES: dict[str, str | bytes] = {
    "calls.csv": "Id,At\nA,2026-03-02 21:14:05\n",
    "empty.csv": "",
    "broken.csv.gz": gzip.compress(b"Id,At\nA,2026-03-02 21:14:05\n" * 9)[:-12],
    "picture.csv": b"\x89PNG\r\n\x1a\n\0\0\0",
    "mapping.toml": MAPPING,
    "no-zone.toml": MAPPING.replace('time_zone = "UTC"\n', ""),
    "slip.toml": MAPPING + '[types]\n"BURG" = "burglery"\n',
    "twins.toml": MAPPING + 'type = ["T"]\n[types]\n"a" = "arson"\n"A" = "fraud"\n',
    "no-toml.toml": "jurisdiction = springfield\n",
    "zones.geojson": zones("North"),
    "utm.geojson": zones(
        "North", {"type": "Polygon", "coordinates": [[[0, 0], [0, 500], [500, 500], [0, 0]]]}
    ),
    "points.geojson": zones("North", {"type": "Point", "coordinates": [0, 0]}),
    "reserved.geojson": zones("unknown"),
    "no-json.geojson": '{"type": "FeatureCollection",\n "features": [}',
    "rules.toml": RULE,
    "long-rule.toml": RULE.replace('"7d"', '"30d"'),
    "twice.toml": RULE + RULE,
    "hours.toml": RULE + 'hours = "25:00-03:00"\n',
    "zone-rule.toml": RULE + 'zones = ["Norht"]\njurisdictions = ["sf"]\n',
    "backwards.toml": "[[event]]\nfrom = 2026-07-05\nuntil = 2026-07-04\n",
    "zone-event.toml": '[[event]]\nfrom = 2026-07-04\nuntil = 2026-07-05\nzones = ["Norht"]\n',
    "city.toml": 'time_zone = "Chicago"\n',
    "codes.csv": "code,crime_type\n459,burglery\n",
    "secret": "\n",
    "certificate.pem": "this is no certificate\n",
}

CHECK = "-c vigil.toml config check"
CASES = {
    # ---- the command line
    "no such command": Case("wroker", 'there is no command "wroker"; did you mean "worker"?'),
    "no such option": Case("replay --ot out", "no such option: --ot"),
    "no files": Case("replay --source sffd --out out", "missing argument 'FILE...'"),
    "no source": Case("replay calls.csv --out out", "missing option '--source'"),
    "no folder": Case("replay calls.csv --source sffd", "missing option '--out'"),
    "file that is not there": Case(
        "replay nope.csv --source sffd --out out", "invalid value for 'FILE...': File 'nope.csv' does not exist"
    ),
    "unknown source": Case(
        "replay calls.csv --source sfdf --out out", '--source: cannot be "sfdf"; did you mean "sfpd"?'
    ),
    "source of another city": Case("replay calls.csv --source sffd --out out", "calls.csv lacks 12 columns:"),
    "empty file": Case(
        "replay empty.csv --source sffd --out out", "empty.csv is empty; not even a header is there"
    ),
    "file that breaks off": Case(
        "replay broken.csv.gz --source mapping.toml --out out", "broken.csv.gz breaks off after row"
    ),
    "no text": Case(
        "replay picture.csv --source mapping.toml --out out", "picture.csv is no text, or none in UTF-8; CSV or JSON in UTF-8 is needed, gzipped or not"
    ),
    "output that is a file": Case(
        "replay calls.csv --source mapping.toml --out calls.csv",
        "invalid value for '--out': Directory 'calls.csv' is a file",
    ),
    "speed": Case(
        "publish calls.csv --source mapping.toml --speed fast", "invalid value for '--speed': cannot be \"fast\""
    ),
    "speed of nothing": Case(
        "publish calls.csv --source mapping.toml --speed 0x", "invalid value for '--speed': cannot be \"0x\""
    ),
    "nothing to check": Case("check", "nothing to check; name files with --source or --topic"),
    "topic that is not read": Case("check --topic alerts", "invalid value for '--topic'"),
    "contract that is not there": Case(
        "contracts incident", 'there is no contract of "incident"; did you mean "incidents"?'
    ),
    "subcommand": Case("config chek", "no such command 'chek'"),
    "port on the command line": Case("worker --web-port http", "invalid value for '--web-port'"),
    "port that there is not": Case(
        "worker --web-port 70000",
        "command line: web.port must be a whole number from 0 to 65535 (got 70000); 0 takes any free port",
    ),
    # ---- mappings
    "mapping that is not there": Case(
        "replay calls.csv --source nope.toml --out out", "nope.toml: cannot be read (no such file or directory)"
    ),
    "mapping without a time zone": Case(
        "replay calls.csv --source no-zone.toml --out out", 'no-zone.toml: time_zone is missing; such as "America/'
    ),
    "mapping with a slip": Case(
        "config check --source slip.toml",
        'slip.toml:6: types does nothing without columns.type; name that column, or take this away',
        number=2,  # and burglery is no type
    ),
    "codes that differ in case": Case(
        "config check --source twins.toml", 'twins.toml:9: types.A is "fraud", and "a" is "arson"'
    ),
    "mapping that is no TOML": Case("config check --source no-toml.toml", "no-toml.toml:1: is not TOML:"),
    # ---- zones
    "zones on the command line": Case(
        "check calls.csv --source mapping.toml --zones nope.geojson", "nope.geojson"
    ),
    "zones without that property": Case(
        CHECK,
        'vigil.toml:2: zones.geojson has no property "zone" (there are: "name")',
        '[jurisdictions.sf]\nzones = "zones.geojson:zone"\n',
    ),
    "zones in metres": Case(
        CHECK,
        "vigil.toml:2: utm.geojson feature 1: coordinates must be degrees, lon before lat (got",
        '[jurisdictions.sf]\nzones = "utm.geojson"\n',
    ),
    "zones that are points": Case(
        CHECK,
        "vigil.toml:2: points.geojson feature 1: must be a Polygon or MultiPolygon (got Point); zones are areas",
        '[defaults]\nzones = "points.geojson"\n',
    ),
    "zone with a reserved name": Case(
        CHECK,
        'vigil.toml:2: reserved.geojson feature 1: name cannot be "unknown"',
        '[defaults]\nzones = "reserved.geojson"\n',
    ),
    "zones that are no JSON": Case(
        CHECK,
        "vigil.toml:2: no-json.geojson is no JSON (expecting value: line 2 column 15",
        '[defaults]\nzones = "no-json.geojson"\n',
    ),
    "zones that are not there": Case(
        CHECK,
        'vigil.toml:2: defaults.zones names a zones file that does not exist (got "nope.geojson"); looked for',
        '[defaults]\nzones = "nope.geojson"\n',
    ),
    # ---- rules
    "rule longer than what is counted": Case(
        CHECK,
        'long-rule.toml:5: rule[0].within must be at most the longest window, 7d (got "30d")',
        '[detection]\nrules_file = "long-rule.toml"\n',
    ),
    "rule twice": Case(
        CHECK, 'twice.toml:7: rule[1].name is taken: "x" is rule[0] already', '[detection]\nrules_file = "twice.toml"\n'
    ),
    "hours that no day has": Case(
        CHECK,
        'hours.toml:6: rule[0].hours must be hours of the day (got "25:00-03:00"); such as "22:00-06:00"',
        '[detection]\nrules_file = "hours.toml"\n',
    ),
    "zone of a rule": Case(
        CHECK,
        'zone-rule.toml:6: rule[0].zones has no zone "Norht" in sf; did you mean "North"?',
        '[jurisdictions.sf]\nzones = "zones.geojson"\n[detection]\nrules_file = "zone-rule.toml"\n',
    ),
    "rules that are not there": Case(
        CHECK,
        "vigil.toml:2: detection.rules_file names a rules file that does not exist",
        '[detection]\nrules_file = "nope.toml"\n',
    ),
    "calendar that goes backwards": Case(
        CHECK,
        "backwards.toml:1: from and until must be dates or times, until after from",
        '[detection]\ncalendar_file = "backwards.toml"\n',
    ),
    "zone of a calendar": Case(
        CHECK,
        "zone-event.toml:1: zone 'Norht' is not known",
        '[jurisdictions.sf]\nzones = "zones.geojson"\n[detection]\ncalendar_file = "zone-event.toml"\n',
    ),
    # ---- jurisdictions
    "time zone of a jurisdiction file": Case(
        CHECK,
        'city.toml:1: jurisdictions.sf.time_zone is not a time zone of the IANA database (got "Chicago")',
        '[jurisdictions.sf]\nfile = "city.toml"\n',
    ),
    "type map file": Case(
        CHECK,
        'codes.csv:2: jurisdictions.sf.type_map.459 cannot be "burglery"; did you mean "burglary"?',
        '[jurisdictions.sf]\ntype_map_file = "codes.csv"\n',
    ),
    "name of a jurisdiction": Case(
        CHECK, 'vigil.toml:1: jurisdictions.san francisco cannot be named "san francisco"', '[jurisdictions."san francisco"]\n'
    ),
    "benchmark": Case(
        CHECK,
        "vigil.toml:1: defaults.benchmarks[0] needs threshold",
        '[[defaults.benchmarks]]\nkpi = "response"\n',
    ),
    "residents": Case(
        CHECK,
        "vigil.toml:2: defaults.residents.Mission must be a whole number",
        '[defaults.residents]\nMission = "many"\n',
    ),
    # ---- the configuration itself
    "configuration that is not there": Case(
        "-c nope.toml config check", "nope.toml: cannot be read (no such file or directory)"
    ),
    "configuration that is a folder": Case("-c . config check", ".: cannot be read (is a directory)"),
    "configuration that is no TOML": Case(CHECK, "vigil.toml:1: is not TOML: ", 'broker = 127.0.0.1:9092\n'),
    "field with a slip": Case(CHECK, 'vigil.toml:2: web.prot is not a field; did you mean "port"?', "[web]\nprot = 1\n"),
    "table with a slip": Case(CHECK, 'vigil.toml:1: contuing is not a field; did you mean "counting"?', "[contuing]\npane = 1\n"),
    "duration without quotes": Case(CHECK, "vigil.toml:2: counting.pane must be a duration in quotes (got 60); a whole number and ms, s, m, h or d", "[counting]\npane = 60\n"),
    "duration without a unit": Case(CHECK, 'vigil.toml:2: counting.pane', '[counting]\npane = "60"\n'),
    "pane that divides no hour": Case(
        CHECK,
        'vigil.toml:2: counting.pane must divide an hour (got "7m"); such as "30s", "60s" or "5m"',
        '[counting]\npane = "7m"\n',
    ),
    "window that is no multiple": Case(
        CHECK,
        "vigil.toml:3: counting.windows must be multiples of the pane, 5m (got 12m)",
        '[counting]\npane = "5m"\nwindows = ["12m", "1h"]\n',
    ),
    "no window": Case(CHECK, "vigil.toml:2: counting.windows must name at least one window (got [])", "[counting]\nwindows = []\n"),
    "window without brackets": Case(
        CHECK, "vigil.toml:2: counting.windows must be a list (got '1h'); put it in brackets", '[counting]\nwindows = "1h"\n'
    ),
    "lateness shorter than a pane": Case(
        CHECK, "vigil.toml:2: counting.allowed_lateness must be >= the pane (got 30s < 1m)", '[counting]\nallowed_lateness = "30s"\n'
    ),
    "retention shorter than what is counted": Case(
        CHECK,
        'vigil.toml:2: topics.incidents.retention must be >= ',
        '[topics.incidents]\nretention = "2d"\n',
    ),
    "topic with a slip": Case(
        CHECK, 'vigil.toml:1: topics.incident is not a field; did you mean "incidents"?', "[topics.incident]\npartitions = 3\n"
    ),
    "broker without a port": Case(CHECK, 'vigil.toml:1: broker cannot be "kafka"; it takes HOST:PORT', 'broker = "kafka"\n'),
    "secret in the file": Case(
        CHECK,
        "vigil.toml:2: web.token is a secret and must not stand in the file; use VIGIL_WEB_TOKEN or token_file",
        '[web]\ntoken = "geheim"\n',
    ),
    "secret in an empty file": Case(
        CHECK, "vigil.toml:2: web.token_file names a file whose first line is empty", '[web]\ntoken_file = "secret"\n'
    ),
    "user without a password": Case(
        CHECK,
        "vigil.toml:2: kafka.sasl_password is needed with SASL_SSL; set VIGIL_KAFKA_SASL_PASSWORD",
        '[kafka]\nsecurity_protocol = "SASL_SSL"\nsasl_username = "u"\n',
    ),
    "user that would not be sent": Case(
        CHECK, "vigil.toml:2: kafka.security_protocol is PLAINTEXT, so a user would not be sent", '[kafka]\nsasl_username = "u"\n'
    ),
    "certificate without a key": Case(
        CHECK, "vigil.toml:2: web.tls_certificate needs a key; set web.tls_key", '[web]\ntls_certificate = "certificate.pem"\n'
    ),
    "certificates that are none": Case(
        "-c vigil.toml topics plan",
        "kafka.ssl_ca_file cannot be used (",
        '[kafka]\nsecurity_protocol = "SSL"\nssl_ca_file = "certificate.pem"\n',
    ),
    "variable with a slip": Case(
        "config check", "VIGIL_WEB_PROT: is not a variable of Vigil; did you mean VIGIL_WEB_PORT?", environ={"VIGIL_WEB_PROT": "1"}
    ),
    "variable that is no number": Case(
        "config check", "VIGIL_WEB_PORT: web.port must be a whole number from 0 to 65535 (got 'http')", environ={"VIGIL_WEB_PORT": "http"}
    ),
    "variable that names no file": Case("config show", "nope.toml: cannot be read", environ={"VIGIL_CONFIG": "nope.toml"}),
    "everything at once": Case(
        CHECK,
        "vigil.toml:1: brocker is not a field",
        'brocker = "x"\n[counting]\npane = "7m"\n[defaults]\nzones = "points.geojson"\n[detection]\nrules_file = "hours.toml"\n',
        number=4,
    ),
    "no Kafka there": Case(
        "topics plan", 'broker "127.0.0.1:{port}" does not answer', environ={"VIGIL_BROKER": "127.0.0.1:{port}"}
    ),
}  # fmt: skip


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@pytest.mark.parametrize("case", [pytest.param(case, id=name) for name, case in CASES.items()])
def test_mistake_is_one_clear_message(
    vigil: Vigil, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: Case
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VIGIL_KAFKA_CONNECT_TIMEOUT", "1s")
    for name, content in {**FILES, "vigil.toml": case.config}.items():
        (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    port = str(free_port())
    for name, value in case.environ.items():
        monkeypatch.setenv(name, value.format(port=port))
    said = vigil(*case.arguments.split())
    lines = [line for line in said.err.splitlines() if not line.startswith(("reading ", "       try: "))]
    assert (said.code, said.out) == (case.code, ""), said
    assert "Traceback" not in said.err
    assert "a bug in Vigil" not in said.err
    if case.number > 1:
        assert lines[0] == f"vigil: {case.number} faults in the configuration"
        lines = [line.removeprefix("  ") for line in lines[1:]]
    else:
        lines = [line.removeprefix("vigil: ") for line in lines]
    assert len(lines) == case.number, said.err
    assert lines[0].startswith(case.says.format(port=port)), said.err


def test_there_are_at_least_forty_of_them() -> None:
    assert len(CASES) >= 40
