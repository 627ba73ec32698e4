"""A configuration from a file, the environment and the command line, with every fault of all three."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from streams.settings.checks import check
from streams.settings.expanding import expand, read_toml
from streams.settings.faults import ConfigurationError, Fault, Wrong, in_order, shown
from streams.settings.options import TableOf, TablesOf, options_of
from streams.settings.reader import Given, Layout, Reader, variable
from streams.settings.toml_lines import KeyPath
from streams.settings.tree import Settings
from streams.settings.variables import CONFIG_VARIABLE, strange_variables


class Loaded(NamedTuple):
    """Settings, and where each value that is not a default came from."""

    settings: Settings
    origins: Mapping[KeyPath, str]  # ("web", "port") → "vigil.toml:12" or "VIGIL_WEB_PORT"


class Examined(NamedTuple):
    """What a configuration says, and what is wrong with it; a value that is wrong stands at its default."""

    settings: Settings
    origins: Mapping[KeyPath, str]
    faults: list[Fault]


def load(
    path: Path | None = None,
    environ: Mapping[str, str] | None = None,
    overrides: Mapping[str, str] | None = None,
) -> Settings:
    """The settings in force.

    Args:
        path: TOML file; without it the one that `VIGIL_CONFIG` names, without that the defaults.
        environ: variables, by default those of the process.
        overrides: dotted field → text, as given on the command line; they win over everything.

    Raises:
        ConfigurationError: something is wrong; it lists every fault with file, line, field, value and remedy.
    """
    return load_with_origins(path, environ, overrides).settings


def load_with_origins(
    path: Path | None = None,
    environ: Mapping[str, str] | None = None,
    overrides: Mapping[str, str] | None = None,
) -> Loaded:
    """As `load`, with the origin of each value that is not a default."""
    found = examine(path, environ, overrides)
    if found.faults:
        raise ConfigurationError(in_order(found.faults))
    return Loaded(found.settings, found.origins)


def examine(
    path: Path | None = None,
    environ: Mapping[str, str] | None = None,
    overrides: Mapping[str, str] | None = None,
) -> Examined:
    """As `load_with_origins`, with the faults as values, for those who look for more of them.

    Raises:
        ConfigurationError: the file is no TOML, so that nothing else can be said.
    """
    environ = os.environ if environ is None else environ
    if path is None and environ.get(CONFIG_VARIABLE):
        path = Path(environ[CONFIG_VARIABLE])
    raw, layout = _read_file(path)
    faults = expand(raw, layout)
    given, strange = _given(environ, overrides or {})
    reader = Reader(layout, given, Path.cwd())
    settings: Settings = reader.table(Settings(), raw, ())
    faults += strange + reader.faults
    faults += check(settings, reader.origins, {fault.field.partition("[")[0] for fault in faults})
    return Examined(settings, reader.origins, faults)


def _read_file(path: Path | None) -> tuple[dict[str, Any], Layout]:
    """What the file holds and where; a file that is no TOML is the only fault, for nothing else can be said."""
    if path is None:
        return {}, Layout("", Path.cwd())
    try:
        text, raw = read_toml(path)
    except Wrong as wrong:
        raise ConfigurationError(
            [Fault(wrong.where or shown(path), "", wrong.problem, wrong.remedy)]
        ) from None
    layout = Layout(shown(path), path.resolve().parent)
    layout.add(text, shown(path))
    return raw, layout


def _given(
    environ: Mapping[str, str], overrides: Mapping[str, str]
) -> tuple[dict[KeyPath, Given], list[Fault]]:
    """Values from variables and the command line, and variables that begin like ours and are none."""
    variables = {variable(path): path for path in environment_paths()}
    given = {path: Given(name, environ[name]) for name, path in variables.items() if name in environ}
    given |= {tuple(field.split(".")): Given("command line", text) for field, text in overrides.items()}
    return given, list(strange_variables(environ, variables))


def environment_paths(like: Any = None, path: KeyPath = ()) -> Iterator[KeyPath]:
    """The fields that `VIGIL_…` variables can set."""
    like = Settings() if like is None else like
    for option in options_of(type(like)):
        below, value = (*path, option.key), getattr(like, option.name)
        if isinstance(option.kind, TableOf):
            yield from environment_paths(value, below)
        elif isinstance(option.kind, TablesOf):
            for name in value:
                yield from environment_paths(value[name], (*path, name))
        elif option.env:
            yield below
