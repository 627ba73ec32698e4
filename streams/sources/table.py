"""Rows of CSV and JSON files, by the columns a source names.

Columns are found by their titles, in any order; `Received DtTm` and `received_dttm` are the same title, for portals
write the first in CSV exports and the second in their APIs. Columns nobody names are ignored. Files may be gzipped,
begin with a byte order mark, and hold bytes that are no UTF-8: in what is not named they do no harm.
"""

import gzip
import io
import json
import re
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from operator import itemgetter
from pathlib import Path
from typing import Any, BinaryIO, Final, NamedTuple, NoReturn

from schemas.vocabulary import RejectReason
from streams.settings.faults import ConfigurationError, Fault, shown
from streams.sources.facts import OnProgress, Progress, UnusableRow
from streams.sources.local_time import FIRST_YEAR, LAST_YEAR
from streams.sources.records import Record, csv_records, json_records

_GZIP_MAGIC: Final = b"\x1f\x8b"
_ROWS_PER_PROGRESS: Final = 2_000
_SHOWN_LENGTH: Final = 60  # characters of a value that a message repeats
_TITLES_SHOWN: Final = 40
_SURROGATE: Final = re.compile("[\ud800-\udfff]")  # what `surrogateescape` makes of a byte that is no UTF-8


class Column(NamedTuple):
    """A column a source can use."""

    titles: tuple[str, ...]  # as files call it; the first one that a file has is taken
    required: bool = True
    may_be_empty: bool = (
        True  # the portals' APIs leave empty fields out, so in JSON nobody can demand such a column
    )


class Row(NamedTuple):
    """One row: the line on which it begins, and a text for each column, "" where there is none."""

    line: int
    values: tuple[str, ...]


@lru_cache(maxsize=4096)
def title_key(title: str) -> str:
    """What the spellings of one title have in common: `Neighborhood  District` → `neighborhood_district`."""
    return re.sub(r"[\W_]+", "_", title.casefold()).strip("_")


def read_tables(
    paths: Sequence[Path], columns: Sequence[Column], progress: OnProgress | None = None, delimiter: str = ","
) -> Iterator[tuple["Table", Row | UnusableRow]]:
    """The rows of files, one file after the other, each with its table.

    Raises:
        ConfigurationError: after the last row, with the faults of all files.
    """
    faults: list[Fault] = []
    for path in paths:
        table = Table(path, columns, delimiter)
        try:
            for row in table.read(progress):
                yield table, row
        except ConfigurationError as error:
            faults.extend(error.faults)
    if faults:
        raise ConfigurationError(faults)


class Table:
    """The rows of one file; iterate once."""

    def __init__(self, path: Path, columns: Sequence[Column], delimiter: str = ",") -> None:
        """Name the file and what is wanted of it.

        Args:
            path: CSV, JSON array or JSON lines, gzipped or not; told apart by content.
            columns: what `Row.values` will hold, in this order.
            delimiter: between the fields of a CSV.
        """
        self.name = shown(path)
        self.rows = 0
        self._path = path
        self._columns = columns
        self._delimiter = delimiter
        self._titles = [column.titles[0] for column in columns]  # later: as this file calls them
        self._record = Record(0, "", None)

    def read(self, progress: OnProgress | None = None) -> Iterator[Row | UnusableRow]:
        """All rows in file order; broken ones come as values, and reading goes on behind them.

        Raises:
            ConfigurationError: the file cannot be opened, is empty, is no text, breaks off, or lacks columns.
        """
        try:
            with self._path.open("rb") as file:
                yield from self._rows(file, progress)
        except (gzip.BadGzipFile, zlib.error) as error:
            self._fail(f"is damaged after row {self.rows} ({error})", "download it again")
        except EOFError:
            self._fail(f"breaks off after row {self.rows}: its gzip data has no end", "download it again")
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            self._fail(f"cannot be read ({reason})", "check the path and the rights")

    def unusable(
        self, column: int, value: str, reason: RejectReason, problem: str, *, partly: bool = False
    ) -> UnusableRow:
        """The row just read, with what is wrong in one of its columns.

        Args:
            column: index into the columns.
            value: what stands there.
            reason: the word for it.
            problem: what it must be, and what to do.
            partly: whether the rest of the row is used.
        """
        field = self._titles[column]
        got = (
            "it is empty"
            if not value
            else f'got "{value[:_SHOWN_LENGTH]}{"…" if len(value) > _SHOWN_LENGTH else ""}"'
        )
        return self._unusable(field, value, reason, f"{field} {problem} ({got})", partly=partly)

    def no_time(self, column: int, value: str, reason: RejectReason, *, partly: bool = False) -> UnusableRow:
        """The row just read, whose column holds no time; `reason` is what `LocalTimes.parse` said of it."""
        if not value:
            return self.unusable(column, value, RejectReason.MISSING_FIELD, "must be a time", partly=partly)
        if reason is RejectReason.TIME_OUT_OF_RANGE:
            problem = f"must lie in the years {FIRST_YEAR} to {LAST_YEAR}"
            return self.unusable(column, value, reason, problem, partly=partly)
        problem = "must be a time in one of the source's formats"
        return self.unusable(column, value, reason, problem, partly=partly)

    def _unusable(
        self, field: str, value: str, reason: RejectReason, message: str, *, partly: bool = False
    ) -> UnusableRow:
        raw = self._record.text.rstrip("\r\n").encode("utf-8", "surrogateescape")
        return UnusableRow(None, self.name, self._record.line, field, value, reason, message, raw, partly)

    def _rows(self, file: BinaryIO, progress: OnProgress | None) -> Iterator[Row | UnusableRow]:
        total = file.seek(0, io.SEEK_END)
        records, pick = self._open(file)
        for record in records:
            self._record = record
            self.rows += 1
            if progress and self.rows % _ROWS_PER_PROGRESS == 0:
                progress(Progress(self.name, self.rows, file.tell(), total))
            if record.problem:
                yield self._unusable(
                    "", "", RejectReason.WRONG_TYPE, f"the row {record.problem}; mend or remove it"
                )
                continue
            values = tuple(map(str.strip, pick(record.content)))
            joined = "".join(values)
            if not joined.isascii() and _SURROGATE.search(joined):
                yield self._not_utf8(values)
            else:
                yield Row(record.line, values)
        if isinstance(pick, _JsonPicker) and self.rows:
            self._check(pick.seen, [column.required and not column.may_be_empty for column in self._columns])
        if progress:
            progress(Progress(self.name, self.rows, total, total))

    def _open(self, file: BinaryIO) -> tuple[Iterator[Record], Callable[[Any], Sequence[str]]]:
        """The records of the file, and what picks the columns out of the content of one."""
        file.seek(0)
        packed = file.read(2) == _GZIP_MAGIC
        file.seek(0)
        binary = gzip.GzipFile(fileobj=file) if packed else file
        text = io.TextIOWrapper(binary, "utf-8-sig", "surrogateescape", newline="")
        head: list[str] = []
        while not head or (head[-1] and not head[-1].strip()):
            head.append(text.readline())
        if "\0" in head[-1]:
            self._fail("is no text", "CSV or JSON in UTF-8 is needed, gzipped or not")
        if not head[-1]:
            self._fail("is empty", "not even a header is there")
        lines = chain(head, text)
        if head[-1].lstrip().startswith(("[", "{")):
            return json_records(lines), _JsonPicker(self._columns)
        records = csv_records(lines, self._delimiter)
        return records, self._csv_picker(next(records).content)

    def _csv_picker(self, header: list[str]) -> Callable[[list[str]], Sequence[str]]:
        """Takes the columns out of a row by their place in the header."""
        at: dict[str, int] = {}
        for place, title in enumerate(header):
            at.setdefault(title_key(title), place)
        self._check(
            {title: header[place] for title, place in at.items()},
            [column.required for column in self._columns],
        )
        keys = [
            next((key for title in column.titles if (key := title_key(title)) in at), "")
            for column in self._columns
        ]
        self._titles = [
            header[at[key]] if key else title for key, title in zip(keys, self._titles, strict=True)
        ]
        places = [at.get(key, len(header)) if key else len(header) for key in keys]
        pick = itemgetter(*places, len(header))

        def picker(fields: list[str]) -> Sequence[str]:
            fields.append("")  # stands for every column that the file has not
            picked: tuple[str, ...] = pick(fields)
            return picked[:-1]

        return picker

    def _check(self, seen: Mapping[str, str], demanded: Sequence[bool]) -> None:
        """Refuse a file in which demanded columns are missing.

        Args:
            seen: key of a title → the title, of all that the file has.
            demanded: for each column, whether it must be there.
        """
        missing = [
            " or ".join(f'"{title}"' for title in column.titles)
            for column, must in zip(self._columns, demanded, strict=True)
            if must and not any(title_key(title) in seen for title in column.titles)
        ]
        if missing:
            listed = ", ".join(f'"{title}"' for title in list(seen.values())[:_TITLES_SHOWN])
            more = f" and {len(seen) - _TITLES_SHOWN} more" if len(seen) > _TITLES_SHOWN else ""
            count = "1 column" if len(missing) == 1 else f"{len(missing)} columns"
            self._fail(
                f"lacks {count}: {'; '.join(missing)}", f"it has {listed}{more}; does --source fit the file?"
            )

    def _not_utf8(self, values: Sequence[str]) -> UnusableRow:
        column = next(place for place, value in enumerate(values) if _SURROGATE.search(value))
        value = _SURROGATE.sub("\N{REPLACEMENT CHARACTER}", values[column])
        return self.unusable(column, value, RejectReason.WRONG_TYPE, "must be UTF-8; convert the file")

    def _fail(self, problem: str, remedy: str) -> NoReturn:
        raise ConfigurationError([Fault("", self.name, problem, remedy)]) from None


class _JsonPicker:
    """Takes the columns out of an object by their keys; `seen` are all that any object had (key → as written)."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self.seen: dict[str, str] = {}
        self._keys = [[title_key(title) for title in column.titles] for column in columns]

    def __call__(self, content: dict[str, Any]) -> Sequence[str]:
        by_key = {title_key(title): value for title, value in content.items() if value is not None}
        if not by_key.keys() <= self.seen.keys():
            self.seen |= {title_key(title): title for title in content}
        return [_json_text(next((by_key[key] for key in keys if key in by_key), "")) for keys in self._keys]


def _json_text(value: Any) -> str:
    """A JSON value as a CSV would have it."""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)
