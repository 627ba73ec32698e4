"""`--source NAME|mapping.toml` → what reads the files."""

from pathlib import Path
from typing import Final

from streams.settings.faults import ConfigurationError, Fault, did_you_mean
from streams.sources.chicago import Chicago
from streams.sources.mapping import MappedSource
from streams.sources.reading import Source
from streams.sources.sffd import Sffd
from streams.sources.sfpd import Sfpd

BUILT_IN: Final[dict[str, type[Source]]] = {"chicago": Chicago, "sffd": Sffd, "sfpd": Sfpd}


def source_named(text: str) -> Source:
    """The source of a command line: a built-in name, or the path of a mapping file (it ends in .toml).

    Raises:
        ConfigurationError: there is no such source, or the mapping has faults; all of them at once.
    """
    if text in BUILT_IN:
        return BUILT_IN[text]()
    if text.lower().endswith(".toml"):
        return MappedSource(Path(text))
    remedy = f"{did_you_mean(text, BUILT_IN)}, or the path of a mapping.toml"
    raise ConfigurationError([Fault("--source", "", f'cannot be "{text}"', remedy)])
