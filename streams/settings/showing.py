"""The configuration in force, field by field, with the origin of each value; secrets masked."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from streams.settings.kinds import ListOf
from streams.settings.loading import Loaded
from streams.settings.options import Option, RowsOf, TableOf, TablesOf, options_of
from streams.settings.reader import dotted
from streams.settings.toml_lines import KeyPath


class Shown(NamedTuple):
    """One field."""

    field: str  # "web.port"
    value: Any  # as TOML would hold it
    origin: str  # "vigil.toml:12", "VIGIL_WEB_PORT"; empty for a default
    help: str


def shown_settings(loaded: Loaded) -> Iterator[Shown]:
    """Every field of the settings, in the order of the tree."""
    return _table(loaded.settings, (), loaded)


def _table(values: Any, path: KeyPath, loaded: Loaded) -> Iterator[Shown]:
    for option in options_of(type(values)):
        value, below = getattr(values, option.name), (*path, option.key)
        match option.kind:
            case TableOf():
                yield from _table(value, below, loaded)
            case TablesOf(like=like):
                for name, table in value.items():
                    yield from _table(table, (*below, name) if like else (*path, name), loaded)
            case _:
                yield Shown(dotted(below), _plain(option, value), loaded.origins.get(below, ""), option.help)


def _plain(option: Option, value: Any) -> Any:
    if isinstance(option.kind, RowsOf):
        return [
            {each.key: _plain(each, getattr(row, each.name)) for each in options_of(type(row))}
            for row in value
        ]
    if value is None:
        return ""
    shown = option.kind.show(value)
    return list(shown) if isinstance(option.kind, ListOf) else shown
