"""Whatever stands in the file and the environment: settings, or faults with a place, never another exception."""

import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from streams.settings import ConfigurationError, Settings, load
from streams.settings.loading import environment_paths
from streams.settings.options import TableOf, TablesOf, options_of
from streams.settings.reader import variable
from streams.settings.toml_lines import KeyPath

VALUES: st.SearchStrategy[str] = st.sampled_from(
    [
        "1",
        "-1",
        "0",
        "1.5",
        "true",
        '""',
        '"x"',
        '"1h"',
        '"7d"',
        '"SSL"',
        "[]",
        '["1h"]',
        "[[1]]",
        "{}",
        '{ a = "arson" }',
        "nan",
    ]
)


def every_path(like: Any, path: KeyPath = ()) -> list[KeyPath]:
    found: list[KeyPath] = []
    for option in options_of(type(like)):
        value, below = getattr(like, option.name), (*path, option.key)
        found.append(below)
        if isinstance(option.kind, TableOf):
            found += every_path(value, below)
        elif isinstance(option.kind, TablesOf):
            found += [each for name in value for each in every_path(value[name], (*path, name))]
    return found


PATHS = [path for path in every_path(Settings()) if len(path) < 4] + [
    ("jurisdictions", "sf"),
    ("jurisdictions", "sf", "benchmarks"),
    ("jurisdictions", "sf", "time_zone"),
    ("topics", "nothing"),
]


def loaded(text: str, environ: dict[str, str]) -> Settings | ConfigurationError:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "vigil.toml"
        path.write_text(text)
        try:
            return load(path, environ)
        except ConfigurationError as error:
            return error


@given(st.dictionaries(st.sampled_from(PATHS), VALUES, max_size=6))
def test_any_file_gives_settings_or_faults_with_their_line(given_values: dict[KeyPath, str]) -> None:
    tables = {
        path for path in given_values if any(other[: len(path)] == path != other for other in given_values)
    }
    lines = [
        f"{'.'.join(map(str, path))} = {value}" for path, value in given_values.items() if path not in tables
    ]
    found = loaded("\n".join(lines), {})
    if isinstance(found, ConfigurationError):
        assert all("vigil.toml:" in fault.where and fault.problem for fault in found.faults)


@given(
    st.dictionaries(
        st.sampled_from([variable(path) for path in environment_paths()]),
        st.text(alphabet=st.characters(blacklist_characters="\0", blacklist_categories=["Cs"]), max_size=9)
        | st.sampled_from(["1h", "7d", "1", "true", "SSL", "."]),
        max_size=4,
    )
)
def test_any_variables_give_settings_or_faults_that_name_them(environ: dict[str, str]) -> None:
    found = loaded("", environ)
    if isinstance(found, ConfigurationError):
        assert all(fault.where in environ for fault in found.faults)


@given(st.text(max_size=60))
def test_any_text_gives_settings_or_faults(text: str) -> None:
    loaded(text, {})
