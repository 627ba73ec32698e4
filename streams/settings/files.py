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
    try:
        path = (base / Path(text).expanduser()).resolve()
        path.open("rb").close()
    except FileNotFoundError:
        problem = f'names a {what} that does not exist (got "{text}")'
        raise Wrong(problem, f"looked for {shown(base / text)}") from None
    except IsADirectoryError:
        problem = f'is a directory, not a {what} (got "{text}")'
        raise Wrong(problem, "name the file in it") from None
    except PermissionError:
        problem = f'names a {what} that this user may not read (got "{text}")'
        raise Wrong(problem, "give it the right to") from None
    except (OSError, ValueError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        problem = f"cannot name a {what} (got {text[:80]!r}: {reason.lower().rstrip('.')})"
        raise Wrong(problem) from None
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
        if not colon or "/" in name or _exists(base / text):
            path, name = text, ""
        return ZonesFile(existing_file(path, base, "zones file"), name or None)

    def show(self, value: Any) -> Any:
        """The path and property as in the file."""
        return "" if value is None else shown(value.path) + (f":{value.property}" if value.property else "")


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return False
