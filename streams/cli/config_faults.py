"""Every fault of a configuration, and of the files that it names, at once."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from streams.calendar_file import load_calendar
from streams.rules_file import Bounds, load_rules
from streams.settings import ConfigurationError, Fault, Settings
from streams.settings.faults import in_order
from streams.settings.loading import Examined, examine
from streams.sources import source_named
from streams.zones import ZoneMap

_ANY_LENGTH: Final = (1, 1 << 62)
"""Pane and longest window, ms, that no rule breaks: for a configuration whose own are wrong."""


def all_faults(path: Path | None, overrides: Mapping[str, str], sources: Iterable[str]) -> list[Fault]:
    """The faults of a configuration, its zones and rules files, and of mappings; first those of files, by line."""
    faults: list[Fault] = []
    try:
        found = examine(path, overrides=overrides)
        faults += found.faults
        faults += _file_faults(found)
    except ConfigurationError as error:
        faults += error.faults
    for source in sources:
        try:
            source_named(source)
        except ConfigurationError as error:
            faults += error.faults
    return in_order(faults)


def _file_faults(found: Examined) -> Iterator[Fault]:
    """Faults in the files that the configuration names."""
    zones: dict[str, tuple[str, ...]] = {}
    for name, city in {**found.settings.jurisdictions, "": found.settings.defaults}.items():
        if city.zones is not None:
            try:
                zones[name] = ZoneMap.from_file(*city.zones).names
            except ConfigurationError as error:
                yield from _placed(error.faults, found, name)
    rules_file = found.settings.detection.rules_file
    if rules_file is not None:
        known = {name: names for name, names in zones.items() if name}
        try:
            load_rules(rules_file, Bounds(*_lengths(found.settings, found.faults), known))
        except ConfigurationError as error:
            yield from error.faults
    yield from _calendar_faults(found.settings, zones)


def _calendar_faults(settings: Settings, zones: Mapping[str, tuple[str, ...]]) -> Iterator[Fault]:
    if settings.detection.calendar_file is None:
        return
    try:
        file = load_calendar(settings.detection.calendar_file)
    except ConfigurationError as error:
        yield from error.faults
        return
    for name, city in settings.jurisdictions.items():
        try:
            file.of(name, city.time_zone, zones.get(name, ()))
        except ConfigurationError as error:
            yield from error.faults


def _placed(faults: Iterable[Fault], found: Examined, name: str) -> Iterator[Fault]:
    """Faults of a zones file, with the line of the configuration that names it."""
    path = ("jurisdictions", name, "zones") if name else ("defaults", "zones")
    if path not in found.origins:  # inherited: said once, where it is named
        path = ("defaults", "zones")
    for fault in faults:
        yield fault._replace(where=found.origins.get(path, ""))


def _lengths(settings: Settings, faults: Iterable[Fault]) -> tuple[int, int]:
    """Pane and longest window, ms, that rules must keep to."""
    if any(fault.field.startswith("counting") for fault in faults):
        return _ANY_LENGTH
    return settings.counting.pane_ms, settings.counting.longest_window_ms
