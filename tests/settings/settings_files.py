"""Configurations in files of a test's own."""

from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent

from streams.settings import ConfigurationError, Settings, load


class Files:
    """A folder with configuration files; `cwd` is somewhere else, so relative paths must start at the file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text))
        return path

    def load(self, text: str, environ: Mapping[str, str] | None = None, **overrides: str) -> Settings:
        return load(self.write("vigil.toml", text), environ or {}, overrides)

    def faults(self, text: str, environ: Mapping[str, str] | None = None) -> list[str]:
        """The faults as a person sees them, the folder's name left out."""
        try:
            self.load(text, environ)
        except ConfigurationError as error:
            return [str(fault).replace(f"{self.folder}/", "") for fault in error.faults]
        return []
