"""What a configuration takes from other files: tables of jurisdictions, and type maps."""

import csv
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from streams.settings.faults import Fault, Wrong, shown
from streams.settings.files import existing_file
from streams.settings.reader import Layout, dotted
from streams.settings.toml_lines import KeyPath


def expand(raw: dict[str, Any], layout: Layout) -> list[Fault]:
    """Put what `file` and `type_map_file` of each jurisdiction name into its table; files that don't exist are left.

    Returns:
        The faults of those files as such; what they hold is checked where it was put.
    """
    faults: list[Fault] = []
    for path, table in _jurisdictions(raw):
        for key, take in (("file", _take_table), ("type_map_file", _take_type_map)):
            file = table.get(key)
            try:
                found = (
                    existing_file(file, layout.base((*path, key)), "file") if isinstance(file, str) else None
                )
            except Wrong:
                continue  # the field itself is found to be wrong when it is read
            if found is None:
                continue
            try:
                take(found, table, path, layout)
            except Wrong as wrong:
                faults.append(
                    Fault(
                        wrong.where or layout.where((*path, key)),
                        dotted((*path, key)),
                        wrong.problem,
                        wrong.remedy,
                    )
                )
    return faults


def read_toml(path: Path) -> tuple[str, dict[str, Any]]:
    """The text of a TOML file and what it holds.

    Raises:
        Wrong: it cannot be read, or is no TOML; `where` has the line.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n")
        return text, tomllib.loads(text)
    except OSError as error:
        problem = f"cannot be read ({(error.strerror or 'unknown error').lower()})"
        raise Wrong(problem, "check the path and its permissions") from None
    except UnicodeDecodeError as error:
        problem = f"is not UTF-8 (byte {error.start})"
        raise Wrong(problem, "save it as UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"^(.*?) \(at line (\d+), column (\d+)\)$", str(error))
        what, where = (found[1], f"{shown(path)}:{found[2]}") if found else (str(error), "")
        problem = f"is not TOML: {what[:1].lower()}{what[1:]}" + (f" at column {found[3]}" if found else "")
        raise Wrong(problem, 'texts and durations need quotes: pane = "60s"', where) from None
    except (RecursionError, ValueError):
        problem = "is not TOML that anybody would write: nested too deeply, or a number too long"
        raise Wrong(problem) from None


def _jurisdictions(raw: dict[str, Any]) -> Iterator[tuple[KeyPath, dict[str, Any]]]:
    if isinstance(raw.get("defaults"), dict):
        yield ("defaults",), raw["defaults"]
    named = raw.get("jurisdictions")
    for name, table in (named if isinstance(named, dict) else {}).items():
        if isinstance(table, dict):
            yield ("jurisdictions", name), table


def _take_table(file: Path, table: dict[str, Any], path: KeyPath, layout: Layout) -> None:
    """Keys of a jurisdiction file that the table itself does not have."""
    text, content = read_toml(file)
    taken = {key: value for key, value in content.items() if key not in table}
    layout.add(text, shown(file), path)
    for key in taken:
        layout.bases[(*path, key)] = file.resolve().parent
    table |= taken


def _take_type_map(file: Path, table: dict[str, Any], path: KeyPath, layout: Layout) -> None:
    """Codes of a type map file that the table itself does not have."""
    below = (*path, "type_map")
    if file.suffix.lower() == ".csv":
        codes = _csv_codes(file, below, layout)
    else:
        text, codes = read_toml(file)
        layout.add(text, shown(file), below)
    own = table.get("type_map", {})
    if isinstance(own, dict):
        table["type_map"] = codes | own


def _csv_codes(file: Path, below: KeyPath, layout: Layout) -> dict[str, Any]:
    try:
        return _codes(file, below, layout)
    except (UnicodeDecodeError, csv.Error) as error:
        problem = f"is not CSV in UTF-8 ({str(error).lower()})"
        raise Wrong(problem, "save it as CSV with UTF-8", shown(file)) from None


def _codes(file: Path, below: KeyPath, layout: Layout) -> dict[str, Any]:
    with file.open(encoding="utf-8-sig", newline="") as lines:
        rows = csv.DictReader(lines)
        if not {"code", "crime_type"} <= set(rows.fieldnames or ()):
            problem = f"needs the columns code and crime_type (got {', '.join(rows.fieldnames or ()) or 'an empty file'})"
            raise Wrong(problem, "the first line names the columns", f"{shown(file)}:1")
        codes: dict[str, Any] = {}
        for row in rows:
            code = (row["code"] or "").strip()
            if code in codes:
                problem = f'has the code "{code}" twice'
                raise Wrong(problem, "keep one of them", f"{shown(file)}:{rows.line_num}")
            codes[code] = (row["crime_type"] or "").strip()
            layout.places.setdefault((*below, code), f"{shown(file)}:{rows.line_num}")
    return codes
