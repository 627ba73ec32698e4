"""The files of detection benchmarks: CSV, gzipped or not, with columns that are known by name."""

import csv
import gzip
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple, TextIO

_GZIP_MAGIC: Final = b"\x1f\x8b"


class Unusable(Exception):
    """A file of a benchmark is not what it must be; the message names file, line, column and remedy."""


class Events(NamedTuple):
    """Single events in order of their minute."""

    minute: list[int]
    zone: list[str]
    kind: list[str]  # the type, as the file writes it


def read_events(path: Path) -> Events:
    """Columns minute (since a Monday 00:00, whole numbers from 0), zone, type.

    Raises:
        Unusable: a column is missing, or a minute is none.
    """
    rows = [
        (_whole(path, line, "minute", minute), zone, kind)
        for line, (minute, zone, kind) in _rows(path, ("minute", "zone", "type"))
    ]
    rows.sort(key=lambda row: row[0])
    return Events([row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows])


def read_zones(path: Path) -> dict[str, tuple[str, ...]]:
    """Zone → the zones that touch it, from the columns zone, neighbours (with spaces between).

    Raises:
        Unusable: a column is missing, or a neighbour is no zone of the file.
    """
    listed = list(_rows(path, ("zone", "neighbours")))
    zones = {zone: tuple(around.split()) for _, (zone, around) in listed}
    for line, (_, around) in listed:
        for other in around.split():
            if other not in zones:
                message = f'{path}:{line}: neighbour "{other}" is no zone of this file; each zone has a row'
                raise Unusable(message)
    return zones


class Series(NamedTuple):
    """Weekly counts of many series, without and with the outbreak that is to be found."""

    names: list[tuple[str, str]]  # (scenario, rep)
    weeks: list[int]
    without: list[list[int]]  # series → counts by week
    extra: list[list[int]]  # what the outbreak adds


def read_series(path: Path) -> Series:
    """Columns scenario, rep, week, base, past, cur; every series has every week.

    Raises:
        Unusable: a column is missing, a count is none, or a series lacks weeks.
    """
    found: dict[tuple[str, str], dict[int, tuple[int, int]]] = {}
    for line, (scenario, rep, *numbers) in _rows(path, ("scenario", "rep", "week", "base", "past", "cur")):
        week, base, past, cur = (
            _whole(path, line, name, text)
            for name, text in zip(("week", "base", "past", "cur"), numbers, strict=True)
        )
        found.setdefault((scenario, rep), {})[week] = (base + past, cur)
    weeks = sorted({week for counts in found.values() for week in counts})
    for (scenario, rep), counts in found.items():
        lacking = next((week for week in weeks if week not in counts), None)
        if lacking is not None:
            message = f"{path}: scenario {scenario}, repetition {rep} has no week {lacking}; others have"
            raise Unusable(message)
    return Series(
        list(found),
        weeks,
        [[counts[week][0] for week in weeks] for counts in found.values()],
        [[counts[week][1] for week in weeks] for counts in found.values()],
    )


def _rows(path: Path, columns: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    """(line, values of the columns) of each row."""
    try:
        with _text(path) as text:
            reader = csv.reader(text)
            header = next(reader, [])
            missing = [name for name in columns if name not in header]
            if missing:
                message = f'{path}:1: there is no column "{missing[0]}" (got {", ".join(header) or "an empty file"})'
                raise Unusable(message)
            at = [header.index(name) for name in columns]
            for row in reader:
                if len(row) < len(header):
                    message = f"{path}:{reader.line_num}: {len(row)} columns, where the first line has {len(header)}"
                    raise Unusable(message)
                yield reader.line_num, [row[i] for i in at]
    except (UnicodeDecodeError, csv.Error, gzip.BadGzipFile, EOFError) as error:
        message = f"{path}: is no CSV in UTF-8, gzipped or not ({str(error).lower()})"
        raise Unusable(message) from None


def _text(path: Path) -> TextIO:
    with path.open("rb") as file:
        zipped = file.read(2) == _GZIP_MAGIC
    if zipped:
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")


def _whole(path: Path, line: int, column: str, text: str) -> int:
    if text.isascii() and text.isdigit():
        return int(text)
    message = f'{path}:{line}: {column} must be a whole number from 0 on (got "{text}")'
    raise Unusable(message)
