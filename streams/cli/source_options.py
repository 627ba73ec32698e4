"""The options by which commands name files and what they mean: FILE…, --source, --zones."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import click

from streams.cli.progress import progress
from streams.cli.terminal import Terminal
from streams.settings import Settings
from streams.settings.files import ZonesFile
from streams.sources import Progress, Reading, Source
from streams.zones import ZoneFile

SOURCE_HELP: Final = "sffd, sfpd, chicago, or the path of a mapping.toml that describes your columns."
ZONES_HELP: Final = "Polygons for events that carry coordinates but no zone."


def source_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """FILE…, --source and --zones."""
    for decorate in (
        click.option("--zones", metavar="FILE.geojson[.gz][:PROPERTY]", help=ZONES_HELP),
        click.option("--source", "source_name", required=True, metavar="NAME|mapping.toml", help=SOURCE_HELP),
        click.argument(
            "files",
            nargs=-1,
            required=True,
            metavar="FILE...",
            type=click.Path(exists=True, dir_okay=False, readable=True, path_type=Path),
        ),
    ):
        command = decorate(command)
    return command


def settings_for(settings: Settings, source: Source, zones: str | None) -> Settings:
    """The settings with what a source and `--zones` say of its jurisdiction, where the configuration is silent."""
    listed = settings.jurisdictions.get(source.jurisdiction)
    city = listed or replace(settings.defaults, time_zone=source.time_zone)
    if zones is not None:
        named = ZoneFile.from_option(zones)
        city = replace(city, zones=ZonesFile(named.path, named.property))
    return replace(settings, jurisdictions={**settings.jurisdictions, source.jurisdiction: city})


def read_files(terminal: Terminal, source: Source, files: Sequence[Path]) -> Reading:
    """Read the files of a source, showing how far it is."""
    done: dict[str, int] = {}
    total = sum(path.stat().st_size for path in files)
    with progress(terminal, f"reading {', '.join(path.name for path in files)}", total, unit="bytes") as bar:

        def on_progress(state: Progress) -> None:
            done[state.file] = state.bytes_read
            bar.reach(sum(done.values()))

        reading = source.read(files, on_progress)
        bar.reach(total)
    return reading
