"""Lines of keys: the scanner must see exactly the keys that tomllib sees, each on its line."""

import tomllib
from textwrap import dedent
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.settings.toml_lines import KeyPath, line_at, lines_of

STORY = dedent(
    '''\
    # a comment with [brackets] and key = "value"
    broker = "a:1" # [not.a.table]
    "quoted key".'inner' = 1

    [counting]
    windows = [ # first
      "15m", "1h",
      "6h", # ] not the end
    ]
    text = """
    pane = "not a key"
    [nor.a.table] \\""" still inside
    """
    literal = \'\'\'
    [nope] \'\'\'
    when = 2026-01-01 12:00:00

    [jurisdictions.sf]
    type_map = { "459" = "burglary", deep = { a = [1, { b = 2 }] } }

    [[jurisdictions.sf.benchmarks]]
    kpi = "turnout"
    [[jurisdictions.sf.benchmarks]]
    kpi = "travel"
    [jurisdictions.sf.benchmarks.extra]
    a.b.c = true
    '''
)


@pytest.mark.parametrize(
    "path, line",
    [
        pytest.param(("broker",), 2, id="key"),
        pytest.param(("quoted key", "inner"), 3, id="quoted dotted key"),
        pytest.param(("counting",), 5, id="table"),
        pytest.param(("counting", "windows"), 6, id="array"),
        pytest.param(("counting", "windows", 1), 7, id="item of an array"),
        pytest.param(("counting", "windows", 2), 8, id="item on a later line"),
        pytest.param(("counting", "literal"), 14, id="after a text of many lines"),
        pytest.param(("counting", "when"), 16, id="time with a blank"),
        pytest.param(("jurisdictions", "sf", "type_map", "deep", "a", 1, "b"), 19, id="inline"),
        pytest.param(("jurisdictions", "sf", "benchmarks", 0, "kpi"), 22, id="first table of an array"),
        pytest.param(("jurisdictions", "sf", "benchmarks", 1, "kpi"), 24, id="second table of an array"),
        pytest.param(
            ("jurisdictions", "sf", "benchmarks", 1, "extra", "a", "b", "c"), 26, id="table within it"
        ),
    ],
)
def test_key_has_its_line(path: KeyPath, line: int) -> None:
    assert lines_of(STORY)[path] == line


def test_what_is_not_in_the_file_has_the_line_of_what_is_around_it() -> None:
    lines = lines_of(STORY)
    assert line_at(lines, ("counting", "pane")) == 5
    assert line_at(lines, ("web", "port")) is None


def paths_of(value: Any, path: KeyPath = ()) -> set[KeyPath]:
    """Every path that a TOML value has."""
    below: list[tuple[str | int, Any]] = []
    if isinstance(value, dict):
        below = list(value.items())
    elif isinstance(value, list):
        below = list(enumerate(value))
    return {path} | {found for key, item in below for found in paths_of(item, (*path, key))}


def test_story_has_exactly_the_keys_that_tomllib_sees() -> None:
    assert set(lines_of(STORY)) | {()} == paths_of(tomllib.loads(STORY))


TEXTS = st.text(alphabet="ab=[]{}#\"'\\,. \n", max_size=8)
NAMES = st.text(alphabet="ab.-\"'[ ]#=", min_size=1, max_size=4)
SCALARS = st.booleans() | st.integers(-9, 9) | TEXTS
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)


def quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def written(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case str():
            return quoted(value) if "\n" not in value or '"""' in value else f'"""\n{quoted(value)[1:-1]}"""'
        case list():
            return "[ # ]\n" + ",\n".join(written(item) for item in value) + "\n]"
    return "{" + ", ".join(f"{quoted(key)} = {written(item)}" for key, item in value.items()) + "}"


@given(st.dictionaries(NAMES, VALUES, max_size=4), st.dictionaries(NAMES, VALUES, max_size=3))
def test_scanner_sees_what_tomllib_sees(top: dict[str, Any], table: dict[str, Any]) -> None:
    text = "".join(f"{quoted(key)} = {written(value)}\n" for key, value in top.items())
    text += '[["t"]]\n' * 2 + "".join(
        f"{quoted(key)} = {written(value)} # end\n" for key, value in table.items()
    )
    if "t" in top:
        return
    assert set(lines_of(text)) | {()} == paths_of(tomllib.loads(text))
