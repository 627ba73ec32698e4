"""`config show` and the example file: what they say is what is in force."""

import re
import tomllib
from pathlib import Path

from streams.settings import MASK, Settings, load, load_with_origins
from streams.settings.kinds import Secret
from streams.settings.options import TableOf, TablesOf, options_of
from streams.settings.showing import Shown, shown_settings
from tests.settings.settings_files import Files

EXAMPLE = Path(__file__).parents[2] / "deploy" / "vigil.example.toml"


def by_field(files: Files, text: str, environ: dict[str, str]) -> dict[str, Shown]:
    loaded = load_with_origins(files.write("vigil.toml", text), environ)
    return {each.field: each for each in shown_settings(loaded)}


def test_every_field_is_shown_as_the_file_would_hold_it(files: Files) -> None:
    files.write("zones.geojson", "{}")
    shown = by_field(
        files,
        """
        [counting]
        windows = ["1h", "24h"]
        [jurisdictions.sf]
        zones = "zones.geojson:name"
        type_map = { a = "arson" }
        [[jurisdictions.sf.benchmarks]]
        kpi = "turnout"
        threshold = "90s"
        """,
        {},
    )
    assert shown["counting.windows"].value == ["1h", "24h"]
    assert shown["counting.pane"].value == "1m"
    assert shown["kafka.security_protocol"].value == "PLAINTEXT"
    assert shown["topics.late-events.retention"].value == "30d"
    assert shown["jurisdictions.sf.zones"].value.endswith("zones.geojson:name")
    assert shown["jurisdictions.sf.type_map"].value == {"a": "arson"}
    assert shown["jurisdictions.sf.benchmarks"].value[0]["threshold"] == "90s"
    assert shown["web.tls_key"].value == ""


def test_origin_is_told_and_empty_for_a_default(files: Files) -> None:
    shown = by_field(files, "[web]\nport = 1", {"VIGIL_WEB_BIND": "::1"})
    assert shown["web.port"].origin.endswith("vigil.toml:2")
    assert shown["web.bind"].origin == "VIGIL_WEB_BIND"
    assert shown["broker"].origin == ""


def test_secrets_are_masked(files: Files) -> None:
    shown = by_field(files, "", {"VIGIL_WEB_TOKEN": "geheim"})
    assert shown["web.token"].value == MASK
    assert shown["kafka.sasl_password"].value == ""


def test_example_file_equals_the_defaults() -> None:
    assert load(EXAMPLE, {}) == Settings()


def test_example_file_names_every_setting() -> None:
    text = EXAMPLE.read_text()
    missing = []

    def look(values: object, section: str) -> None:
        for option in options_of(type(values)):
            value = getattr(values, option.name)
            if isinstance(option.kind, TableOf):
                look(value, option.key)
            elif isinstance(option.kind, TablesOf):
                missing.extend(name for name in value if f"[{section}.{name}]" not in text)
            elif not isinstance(option.kind, Secret):
                named = rf"(?m)^(# )?{option.key} = |^(# )?\[+{section}.{option.key}\]|\.{option.key}\]"
                missing.extend([] if re.search(named, text) else [f"{section}.{option.key}"])

    look(Settings(), "")
    assert missing == []


def test_what_the_example_file_leaves_out_can_be_taken_in(tmp_path: Path) -> None:
    """Its commented settings are valid too, once the files they name exist."""
    text = re.sub(r"(?m)^# ?((?:[a-z_]+|\"[^\"]+\") = .*|\[.*\])$", r"\1", EXAMPLE.read_text())
    assert "jurisdictions" in tomllib.loads(text)
    for name in re.findall(r'(?m)^(?:\w+_file|file|zones|tls_\w+) = "([^":]+)', text):
        path = tmp_path / name.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("code,crime_type\n" if name.endswith(".csv") else "")
    text = text.replace('"/run/', f'"{tmp_path}/run/').replace(
        'protocol = "PLAINTEXT"', 'protocol = "SASL_SSL"'
    )
    (tmp_path / "run/secrets").mkdir(parents=True, exist_ok=True)
    for secret in ("vigil-token", "kafka-password", "key-password"):
        (tmp_path / "run/secrets" / secret).write_text("geheim\n")
    (tmp_path / "vigil.toml").write_text(text)
    settings = load(tmp_path / "vigil.toml", {})
    assert settings.jurisdiction("sf").type_map["Medical Incident"] == "medical"
    assert settings.web.token == "geheim"
