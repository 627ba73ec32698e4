"""Files that a configuration names."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from streams.settings.faults import Wrong, shown
from streams.settings.kinds import Kind, text_of


@dataclass(frozen=True)
class ExistingFile(Kind):
    """A path to a file that exists, relative to the configuration file (to the current directory in a variable)."""

    what: str = "file"

    def read(self, raw: Any, base: Path) -> Path | None:
        """The absolute path; None for an empty text."""
        text = text_of(raw).strip()
        return existing_file(text, base, self.what) if text else None

    def show(self, value: Any) -> Any:
        """The path as a person would type it, empty when there is none."""
        return shown(value) if value else ""


def existing_file(text: str, base: Path, what: str) -> Path:
    """The absolute path of a file that can be read.

    Raises:
        Wrong: there is no such file, it is a directory, or it may not be read.
    """
    path = (base / Path(text).expanduser()).resolve()
    if path.is_dir():
        problem = f'is a directory, not a {what} (got "{text}")'
        raise Wrong(problem, "name the file in it")
    try:
        path.open("rb").close()
    except FileNotFoundError:
        problem = f'names a {what} that does not exist (got "{text}")'
        raise Wrong(problem, f"looked for {shown(path)}") from None
    except OSError as error:
        problem = f'names a {what} that cannot be read (got "{text}": {(error.strerror or "").lower()})'
        raise Wrong(problem, "give this user the right to read it") from None
    return path


class ZonesFile(NamedTuple):
    """Polygons (GeoJSON, gzipped or not), and which of their properties names the zone."""

    path: Path
    property: str | None  # None: the reader decides


@dataclass(frozen=True)
class Zones(Kind):
    """`FILE.geojson[.gz][:PROPERTY]`."""

    def read(self, raw: Any, base: Path) -> ZonesFile | None:
        """The file, known to exist, and the property; None for an empty text.

        A colon that is part of a path that exists stays in it.
        """
        text = text_of(raw).strip()
        if not text:
            return None
        path, colon, name = text.rpartition(":")
        if not colon or (base / text).exists() or "/" in name:
            path, name = text, ""
        return ZonesFile(existing_file(path, base, "zones file"), name or None)

    def show(self, value: Any) -> Any:
        """The path and property as in the file."""
        return "" if value is None else shown(value.path) + (f":{value.property}" if value.property else "")
