"""How a dataclass says, field by field, what the file and the environment may put there."""

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from streams.settings.kinds import Kind

_META = "vigil"


@dataclass(frozen=True)
class TableOf(Kind):
    """A table with the fields of one dataclass."""

    cls: type[Any]


@dataclass(frozen=True)
class TablesOf(Kind):
    """Tables of one dataclass under names that the user chooses, with the values of the field `like` where none is given.

    Without `like` the names are fixed, and the tables stand beside the other keys of the table around them.
    """

    like: str = ""


@dataclass(frozen=True)
class RowsOf(Kind):
    """An array of tables of one dataclass."""

    cls: type[Any]


class Option(NamedTuple):
    """One field of a configuration dataclass."""

    name: str  # of the attribute
    key: str  # in the file
    kind: Kind
    help: str
    env: bool  # may come from the environment
    default: Any  # of the dataclass; MISSING where it is required


def option(default: Any, kind: Kind, text: str, *, key: str = "", env: bool = True) -> Any:
    """A field with its default, what it takes and what it is for.

    Args:
        default: as the field holds it (durations in milliseconds); `dataclasses.MISSING` makes it required.
        kind: how it is read and shown.
        text: what it is for, one line, lower case.
        key: its name in the file where that differs from the attribute's.
        env: whether `VIGIL_…` may set it.
    """
    metadata = {_META: (key, kind, text, env)}
    if isinstance(default, dict):
        return dataclasses.field(default_factory=lambda: dict(default), metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata, repr=not kind.secret)


def table(cls: type[Any]) -> Any:
    """A table of its own, by default the dataclass' defaults."""
    return dataclasses.field(default_factory=cls, metadata={_META: ("", TableOf(cls), "", True)})


def tables(default: Mapping[str, Any], *, like: str = "") -> Any:
    """Named tables (see `TablesOf`)."""
    return dataclasses.field(
        default_factory=lambda: dict(default), metadata={_META: ("", TablesOf(like), "", True)}
    )


def rows(cls: type[Any], default: tuple[Any, ...], text: str) -> Any:
    """An array of tables."""
    return dataclasses.field(default=default, metadata={_META: ("", RowsOf(cls), text, False)})


def options_of(cls: type[Any]) -> Iterator[Option]:
    """The fields of a configuration dataclass in their order."""
    for field in dataclasses.fields(cls):
        key, kind, text, env = field.metadata[_META]
        factory = field.default_factory
        default = field.default if factory is dataclasses.MISSING else factory()
        yield Option(field.name, key or field.name, kind, text, env, default)
