"""Small files of invented rows, and what a source makes of them."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from schemas.events import Dispatch, Incident
from streams.sources import Reading, Source, SourceEvent, UnusableRow


def csv_text(rows: Sequence[Mapping[str, str]], titles: Sequence[str] = ()) -> str:
    """The rows as a CSV with the titles of the first one."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(titles or rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def write_csv(path: Path, rows: Sequence[Mapping[str, str]], titles: Sequence[str] = ()) -> Path:
    path.write_text(csv_text(rows, titles), encoding="utf-8")
    return path


def read_rows(
    source: Source, folder: Path, rows: Sequence[Mapping[str, str]], titles: Sequence[str] = ()
) -> Reading:
    """What the source makes of rows in one CSV."""
    return source.read([write_csv(folder / "rows.csv", rows, titles)])


def incidents(reading: Iterable[SourceEvent | UnusableRow]) -> list[Incident]:
    return [
        item.event for item in reading if isinstance(item, SourceEvent) and isinstance(item.event, Incident)
    ]


def dispatches(reading: Iterable[SourceEvent | UnusableRow]) -> list[Dispatch]:
    return [
        item.event for item in reading if isinstance(item, SourceEvent) and isinstance(item.event, Dispatch)
    ]


def unusable(reading: Iterable[SourceEvent | UnusableRow]) -> list[UnusableRow]:
    return [item for item in reading if isinstance(item, UnusableRow)]
