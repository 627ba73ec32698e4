"""Values of TOML tables into configuration dataclasses: every fault is noted with its place, and reading goes on."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from streams.settings.faults import Fault, Wrong, did_you_mean
from streams.settings.kinds import Kind, ListOf, MapOf
from streams.settings.options import Option, RowsOf, TableOf, TablesOf, options_of
from streams.settings.toml_lines import KeyPath, lines_of

_NAME_LENGTH = 64


class Given(NamedTuple):
    """A value from outside the files: an environment variable or the command line."""

    where: str  # VIGIL_WEB_PORT, --port
    text: str


class Layout:
    """Where in which file each value of the configuration stands."""

    def __init__(self, name: str, base: Path) -> None:
        """Start with nothing but the main file.

        Args:
            name: the main file as a person would type it; empty when there is none.
            base: where its relative paths start.
        """
        self.places: dict[KeyPath, str] = {(): name}
        self.bases: dict[KeyPath, Path] = {(): base}

    def add(self, text: str, name: str, below: KeyPath = ()) -> None:
        """Note the lines of a TOML text whose content stands at `below`, except of what stands elsewhere already."""
        for path, line in lines_of(text).items():
            self.places.setdefault(below + path, f"{name}:{line}")

    def where(self, path: KeyPath) -> str:
        """`vigil.toml:12` of the value, or of the nearest table around it."""
        while path not in self.places:
            path = path[:-1]
        return self.places[path]

    def base(self, path: KeyPath) -> Path:
        """Where relative paths of this value start."""
        while path not in self.bases:
            path = path[:-1]
        return self.bases[path]


class Reader:
    """Reads tables into dataclasses; `faults` and `origins` grow as it goes."""

    def __init__(self, layout: Layout, given: Mapping[KeyPath, Given], cwd: Path) -> None:
        """Prepare to read.

        Args:
            layout: where the values stand.
            given: values that take precedence over the files.
            cwd: where relative paths in `given` start.
        """
        self.faults: list[Fault] = []
        self.origins: dict[KeyPath, str] = {}
        self._layout = layout
        self._given = given
        self._cwd = cwd

    def fault(self, path: KeyPath, wrong: Wrong, where: str | None = None) -> None:
        """Note what is wrong with one field."""
        place = self._layout.where(path) if where is None else where
        self.faults.append(Fault(place, dotted(path), wrong.problem, wrong.remedy))

    def table(self, like: Any, raw: Any, path: KeyPath) -> Any:
        """An instance of the class of `like`, whose values stand where none is given."""
        raw = self._as_table(raw, path)
        values: dict[str, Any] = {}
        known: set[str] = set()
        for option in options_of(type(like)):
            default = getattr(like, option.name)
            if isinstance(option.kind, TablesOf) and option.kind.like:
                default = values[option.kind.like]
            known |= set(default) if _is_inline(option.kind) else {option.key}
            values[option.name] = self._field(option, default, raw, path)
        self._report_unknown(raw, known, path)
        self._read_secrets(type(like), values, path)
        return type(like)(**values)

    def _as_table(self, raw: Any, path: KeyPath) -> dict[str, Any]:
        if isinstance(raw, dict):
            return raw
        self.fault(path, Wrong(f"must be a table (got {raw!r})", f"write [{dotted(path)}] above its keys"))
        return {}

    def _field(self, option: Option, default: Any, raw: dict[str, Any], path: KeyPath) -> Any:
        below = (*path, option.key)
        match option.kind:
            case TableOf():
                return self.table(default, raw.get(option.key, {}), below)
            case TablesOf(like=""):
                return {name: self.table(default[name], raw.get(name, {}), (*path, name)) for name in default}
            case TablesOf():
                return self._named(default, raw.get(option.key, {}), below)
            case RowsOf(cls=cls):
                return self._rows(cls, raw[option.key], below) if option.key in raw else default
        return self._value(option, default, raw, below)

    def _named(self, like: Any, raw: Any, path: KeyPath) -> Mapping[str, Any]:
        read = {}
        for name, content in self._as_table(raw, path).items():
            if not _is_name(name):
                wrong = Wrong(
                    f'cannot be named "{name}"',
                    f"1 to {_NAME_LENGTH} printable characters without | and blanks",
                )
                self.fault((*path, name), wrong)
            read[name] = self.table(like, content, (*path, name))
        return read

    def _rows(self, cls: type[Any], raw: Any, path: KeyPath) -> tuple[Any, ...]:
        if not isinstance(raw, list):
            self.fault(
                path, Wrong(f"must be a list of tables (got {raw!r})", f"write [[{dotted(path)}]] above each")
            )
            return ()
        found = (self._row(cls, content, (*path, index)) for index, content in enumerate(raw))
        return tuple(row for row in found if row is not None)

    def _row(self, cls: type[Any], raw: Any, path: KeyPath) -> Any:
        raw = self._as_table(raw, path)
        before = len(self.faults)
        values: dict[str, Any] = {}
        for option in options_of(cls):
            if option.default is dataclasses.MISSING and option.key not in raw:
                self.fault(path, Wrong(f"needs {option.key}", option.help))
            values[option.name] = self._field(option, option.default, raw, path)
        self._report_unknown(raw, {option.key for option in options_of(cls)}, path)
        return cls(**values) if len(self.faults) == before else None

    def _value(self, option: Option, default: Any, raw: dict[str, Any], path: KeyPath) -> Any:
        given = self._given.get(path)
        if given:
            self.origins[path] = given.where
            return self._read(option.kind, option.kind.from_text(given.text), path, default)
        if option.key not in raw:
            return default
        self.origins[path] = self._layout.where(path)
        if option.kind.secret:
            wrong = Wrong(
                "is a secret and must not stand in the file", f"use {variable(path)} or {option.key}_file"
            )
            self.fault(path, wrong)
            return default
        return self._read(option.kind, raw[option.key], path, default)

    def _read(self, kind: Kind, raw: Any, path: KeyPath, default: Any) -> Any:
        """The value, or the default after noting a fault."""
        given = self._given_for(path)
        try:
            match kind:
                case ListOf(item=item):
                    items = [
                        self._read(item, content, (*path, n), None) for n, content in enumerate(_listed(raw))
                    ]
                    return tuple(value for value in items if value is not None)
                case MapOf(item=item):
                    pairs = _mapped(raw).items()
                    return {name: self._read(item, content, (*path, name), None) for name, content in pairs}
            return kind.read(raw, self._cwd if given else self._layout.base(path))
        except Wrong as wrong:
            self.fault(path, wrong, given.where if given else None)
            return default

    def _given_for(self, path: KeyPath) -> Given | None:
        """What the value, or the list it is in, was given from outside the files."""
        return next((self._given[path[:n]] for n in range(len(path), 0, -1) if path[:n] in self._given), None)

    def _read_secrets(self, cls: type[Any], values: dict[str, Any], path: KeyPath) -> None:
        """Take secrets from their `_file` twins."""
        secrets = [option.name for option in options_of(cls) if option.kind.secret]
        for name in [name for name in secrets if values.get(f"{name}_file")]:
            if values[name]:
                wrong = Wrong(
                    f"is given twice, by {variable((*path, name))} and {name}_file", "keep one of them"
                )
                self.fault((*path, name), wrong, self.origins[(*path, name)])
            lines = values[f"{name}_file"].read_text("utf-8", "replace").splitlines()
            values[name] = lines[0].strip() if lines else ""
            if not values[name]:
                wrong = Wrong("names a file whose first line is empty", "put the secret there")
                self.fault((*path, f"{name}_file"), wrong)

    def _report_unknown(self, raw: dict[str, Any], known: set[str], path: KeyPath) -> None:
        for key in raw:
            if key not in known:
                self.fault((*path, key), Wrong("is not a field", did_you_mean(key, known)))


def dotted(path: KeyPath) -> str:
    """`jurisdictions.sf.benchmarks[0].kpi`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def variable(path: KeyPath) -> str:
    """The environment variable of a field: `VIGIL_WEB_PORT`."""
    return "VIGIL_" + "_".join(str(part) for part in path).upper().replace("-", "_")


def _is_inline(kind: Kind) -> bool:
    return isinstance(kind, TablesOf) and not kind.like


def _is_name(name: str) -> bool:
    return 0 < len(name) <= _NAME_LENGTH and name.isprintable() and not set(name) & set("| ")


def _listed(raw: Any) -> list[Any]:
    if not isinstance(raw, list):
        problem = f"must be a list (got {raw!r})"
        raise Wrong(problem, f'put it in brackets: ["{raw}"]' if isinstance(raw, str) else "")
    return raw


def _mapped(raw: Any) -> dict[str, Any]:
    if not isinstance(raw, dict):
        problem = f"must be a table (got {raw!r})"
        raise Wrong(problem, '{ "name" = value }')
    return raw
