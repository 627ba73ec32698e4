"""Analysts' rules from a TOML file; every fault at once, with file, line, field, value and remedy.

The file is described in `deploy/rules.example.toml`.
"""

import dataclasses
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, NamedTuple

from schemas.vocabulary import ANY, CrimeType
from streams.core.episodes import DAY_MS, MINUTE_MS, Policy
from streams.core.rule_terms import DAY_MINUTES, Rule
from streams.settings.durations import Duration, duration_text
from streams.settings.expanding import read_toml
from streams.settings.faults import ConfigurationError, Fault, Wrong, did_you_mean, shown
from streams.settings.kinds import Flag, Integer, Kind, ListOf, Text, text_of, word
from streams.settings.options import option, rows
from streams.settings.reader import Layout, Reader

CITY: Final = "city"
_HOURS: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)\s*-\s*([01]\d|2[0-3]|24):([0-5]\d)")
_HOURS_REMEDY: Final = 'such as "22:00-06:00", local time; the second is exclusive'


@dataclass(frozen=True)
class TypeWord(Kind):
    """A crime type, or * for all."""

    def read(self, raw: Any, base: Path) -> str:
        """The crime type."""
        return ANY if raw == ANY else str(word(text_of(raw), CrimeType))


@dataclass(frozen=True)
class Where(Kind):
    """`"*"` (each zone by itself), `"city"`, or a list of zones."""

    def read(self, raw: Any, base: Path) -> tuple[str, ...]:
        """The zones; `("*",)` and `("city",)` for the words."""
        if raw in (ANY, CITY):
            return (raw,)
        if not isinstance(raw, list) or not raw or not all(isinstance(zone, str) and zone for zone in raw):
            problem = f"must be zones (got {raw!r})"
            raise Wrong(
                problem, '"*" for each zone, "city" for all together, or a list such as ["B04", "B05"]'
            )
        reserved = sorted({ANY, CITY} & set(raw))
        if reserved:
            problem = f'cannot hold "{reserved[0]}" beside zones'
            raise Wrong(problem, "make it a rule of its own")
        return tuple(dict.fromkeys(raw))


@dataclass(frozen=True)
class Hours(Kind):
    """Hours of the day, `HH:MM-HH:MM`."""

    def read(self, raw: Any, base: Path) -> tuple[int, int]:
        """Minutes of the day [from, to); over midnight where from > to."""
        found = _HOURS.fullmatch(text_of(raw).strip())
        if not found:
            problem = f'must be hours of the day (got "{raw}")'
            raise Wrong(problem, _HOURS_REMEDY)
        start, end = int(found[1]) * 60 + int(found[2]), int(found[3]) * 60 + int(found[4])
        if start == end or end > DAY_MINUTES:
            problem = f'must be a part of the day (got "{raw}")'
            raise Wrong(problem, f"{_HOURS_REMEDY}; leave it out for the whole day")
        return start, end % DAY_MINUTES


@dataclass(frozen=True)
class RuleRow:
    """One `[[rule]]`."""

    name: str = option(
        dataclasses.MISSING,
        Text(r"[a-z0-9][a-z0-9_-]{0,39}", "1 to 40 lower-case letters, digits, - and _"),
        'a short name, such as "night-burglary"',
    )
    crime_type: str = option(dataclasses.MISSING, TypeWord(), 'what: a crime type, or "*" for all')
    at_least: int = option(dataclasses.MISSING, Integer(1, 1_000_000), "how many, 1 or more")
    within_ms: int = option(
        dataclasses.MISSING, Duration("1s", "3650d"), 'in how long, such as "7d"', key="within"
    )
    zones: tuple[str, ...] = option((ANY,), Where(), 'where: "*" for each zone, "city", or a list of zones')
    together: bool = option(False, Flag(), "count the zones of the list together")
    hours: tuple[int, int] | None = option(None, Hours(), "only incidents of these hours, local time")
    quiet_ms: int = option(0, Duration("0s", "365d"), "how long a return is not told", key="quiet")
    jurisdictions: tuple[str, ...] = option((), ListOf(Text(r"\S+", "a name")), "whose rule; all by default")


@dataclass(frozen=True)
class RulesTable:
    """The whole file."""

    rule: tuple[RuleRow, ...] = rows(RuleRow, (), "analysts' rules")


class Bounds(NamedTuple):
    """What rules have to keep to."""

    pane_ms: int = MINUTE_MS
    longest_ms: int = 7 * DAY_MS  # the longest window that is counted
    zones: Mapping[str, Collection[str]] = {}  # jurisdiction → its zones, where they are known


DEFAULT_BOUNDS: Final = Bounds()


class Rules(NamedTuple):
    """What a rules file says."""

    rows: tuple[tuple[tuple[str, ...], Rule], ...]  # (jurisdictions, empty for all; rule)

    def of(self, jurisdiction: str) -> tuple[Rule, ...]:
        """The rules that hold in a jurisdiction, in the order of the file."""
        return tuple(rule for whose, rule in self.rows if not whose or jurisdiction in whose)


def load_rules(path: Path, bounds: Bounds = DEFAULT_BOUNDS) -> Rules:
    """The rules of a file.

    Raises:
        ConfigurationError: something is wrong; it lists every fault.
    """
    try:
        text, raw = read_toml(path)
    except Wrong as wrong:
        raise ConfigurationError(
            [Fault(wrong.where or shown(path), "", wrong.problem, wrong.remedy)]
        ) from None
    layout = Layout(shown(path), path.resolve().parent)
    layout.add(text, shown(path))
    reader = Reader(layout, {}, Path.cwd())
    reader.table(RulesTable(), raw, ())
    read = _readable_rows(raw, layout)
    for index, row in read:
        for key, found in _wrongs(row, [other for other in read if other[0] < index], bounds):
            reader.fault(("rule", index, key), found)
    if reader.faults:
        raise ConfigurationError(dict.fromkeys(reader.faults))
    return Rules(tuple((row.jurisdictions, _rule(row, bounds.pane_ms)) for _, row in read))


def policies_of(rules: Collection[Rule], policy: Policy) -> dict[str, Policy]:
    """Detector → policy, for rules with a quiet time of their own."""
    return {rule.detector: replace(policy, mute_ms=rule.quiet_ms) for rule in rules if rule.quiet_ms}


def _readable_rows(raw: dict[str, Any], layout: Layout) -> list[tuple[int, RuleRow]]:
    """The rules that are right by themselves, with their place in the file."""
    listed = raw.get("rule")
    found: list[tuple[int, RuleRow]] = []
    for index, content in enumerate(listed if isinstance(listed, list) else []):
        table = Reader(layout, {}, Path.cwd()).table(RulesTable(), {"rule": [content]}, ())
        found.extend((index, row) for row in table.rule)
    return found


def _wrongs(row: RuleRow, before: list[tuple[int, RuleRow]], bounds: Bounds) -> Iterator[tuple[str, Wrong]]:
    """What is wrong with a rule beside others, and within bounds."""
    twin = next((index for index, other in before if other.name == row.name), None)
    if twin is not None:
        yield "name", Wrong(f'is taken: "{row.name}" is rule[{twin}] already', "names must differ")
    within, pane, longest = (duration_text(ms) for ms in (row.within_ms, bounds.pane_ms, bounds.longest_ms))
    if row.within_ms % bounds.pane_ms:
        remedy = f'such as "{duration_text(-(-row.within_ms // bounds.pane_ms) * bounds.pane_ms)}"'
        yield "within", Wrong(f'must be a multiple of the pane, {pane} (got "{within}")', remedy)
    if row.within_ms > bounds.longest_ms:
        remedy = "counts are kept no longer; add a window of that length to counting.windows"
        yield "within", Wrong(f'must be at most the longest window, {longest} (got "{within}")', remedy)
    if row.together and row.zones[0] in (ANY, CITY):
        remedy = 'write zones = "city", or list the zones'
        yield "together", Wrong(f'needs a list of zones (got zones = "{row.zones[0]}")', remedy)
    yield from _unknown_zones(row, bounds)


def _unknown_zones(row: RuleRow, bounds: Bounds) -> Iterator[tuple[str, Wrong]]:
    whose = row.jurisdictions or tuple(bounds.zones)
    known = {zone for name in whose for zone in bounds.zones.get(name, ())}
    if row.zones[0] in (ANY, CITY) or not known or any(name not in bounds.zones for name in whose):
        return
    for zone in row.zones:
        if zone not in known:
            yield "zones", Wrong(f'has no zone "{zone}" in {", ".join(whose)}', did_you_mean(zone, known))


def _rule(row: RuleRow, pane_ms: int) -> Rule:
    if row.zones == (ANY,):
        places: tuple[tuple[str, ...], ...] = ()
    elif row.zones == (CITY,):
        places = ((ANY,),)
    else:
        places = (tuple(sorted(row.zones)),) if row.together else tuple((zone,) for zone in row.zones)
    return Rule(
        name=row.name,
        crime_type=row.crime_type,
        at_least=row.at_least,
        within_panes=row.within_ms // pane_ms,
        places=places,
        hours=row.hours,
        quiet_ms=row.quiet_ms,
    )
