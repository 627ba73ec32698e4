"""Rows of CSV and JSON files, by the columns a source names.

Files may be gzipped, begin with a byte order mark, and hold bytes that are no UTF-8: in what is not named they do no
harm.
"""

import gzip
import io
import re
import zlib
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple, NoReturn

from schemas.vocabulary import RejectReason
from streams.settings.faults import ConfigurationError, Fault, shown
from streams.sources.columns import Column, FieldPicker, KeyPicker, MissingColumns
from streams.sources.facts import OnProgress, Progress, UnusableRow
from streams.sources.local_time import NoTime
from streams.sources.records import Record, csv_records, json_records

_GZIP_MAGIC: Final = b"\x1f\x8b"
_ROWS_PER_PROGRESS: Final = 2_000
_LONG: Final = 256  # characters of a row from which its values are looked at one by one
_SURROGATE: Final = re.compile("[\ud800-\udfff]")  # what `surrogateescape` makes of a byte that is no UTF-8
_NO_TITLE: Final = re.compile(
    "[\x01-\x08\x0e-\x1f\ud800-\udfff]"
)  # what no title holds: controls, such bytes
_WANTED: Final = "CSV or JSON in UTF-8 is needed, gzipped or not"


class Row(NamedTuple):
    """One row: the line on which it begins, and a text for each column, "" where there is none."""

    line: int
    values: tuple[str, ...]


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
            with self._path.open("rb") as file, _text_of(file) as text:
                yield from self._rows(file, text, progress)
        except (gzip.BadGzipFile, zlib.error) as error:
            self._fail(f"is damaged after row {self.rows} ({error})", "download it again")
        except MissingColumns as lack:
            self._fail(lack.problem, lack.remedy)
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
        return self._unusable(self._titles[column], value, reason, problem, partly=partly)

    def no_time(self, column: int, value: str, why: NoTime, *, partly: bool = False) -> UnusableRow:
        """The row just read, one of whose columns must hold a time, and holds none."""
        return self.unusable(column, value, why.reason, why.problem, partly=partly)

    def _unusable(
        self, field: str, value: str, reason: RejectReason, problem: str, *, partly: bool = False
    ) -> UnusableRow:
        raw = self._record.text.rstrip("\r\n").encode("utf-8", "surrogateescape")
        return UnusableRow(None, self.name, self._record.line, field, value, reason, problem, raw, partly)

    def _rows(
        self, file: BinaryIO, text: io.TextIOWrapper, progress: OnProgress | None
    ) -> Iterator[Row | UnusableRow]:
        total = self._path.stat().st_size
        records, pick = self._open(text)
        self._titles = pick.titles
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
            if len(joined) > _LONG or not joined.isascii():
                yield self._checked(values)
            else:
                yield Row(record.line, values)
        if isinstance(pick, KeyPicker) and self.rows:
            pick.check()
        if progress:
            progress(Progress(self.name, self.rows, total, total))

    def _open(self, text: io.TextIOWrapper) -> tuple[Iterator[Record], FieldPicker | KeyPicker]:
        """The records of the file, and what picks the columns out of the content of one."""
        head = [text.readline()]
        while head[-1] and not head[-1].strip():
            head.append(text.readline())
        if "\0" in head[-1]:
            self._fail("is no text", _WANTED)
        if not head[-1]:
            self._fail("is empty", "not even a header is there")
        lines = chain(head, text)
        if head[-1].lstrip().startswith(("[", "{")):
            return json_records(lines), KeyPicker(self._columns)
        records = csv_records(lines, self._delimiter)
        header = next(records)
        if header.problem:
            self._fail(
                f"has no header: line {header.line} {header.problem}", "the first line names the columns"
            )
        try:
            return records, FieldPicker(self._columns, header.content)
        except MissingColumns:
            if _NO_TITLE.search(header.text):
                self._fail("is no text, or none in UTF-8", _WANTED)
            raise

    def _checked(self, values: tuple[str, ...]) -> Row | UnusableRow:
        """The row, where its texts can travel."""
        for column, value in enumerate(values):
            if len(value) > (longest := self._columns[column].longest):
                return self.unusable(
                    column, value, RejectReason.WRONG_TYPE, f"must have at most {longest} characters"
                )
            if _SURROGATE.search(value):
                shown_value = _SURROGATE.sub("\N{REPLACEMENT CHARACTER}", value)
                return self.unusable(
                    column, shown_value, RejectReason.WRONG_TYPE, "must be UTF-8; convert the file"
                )
        return Row(self._record.line, values)

    def _fail(self, problem: str, remedy: str) -> NoReturn:
        raise ConfigurationError([Fault("", self.name, problem, remedy)]) from None


def _text_of(file: BinaryIO) -> io.TextIOWrapper:
    """The text of a file, gzipped or not; bytes that are no UTF-8 become surrogates."""
    packed = file.read(len(_GZIP_MAGIC)) == _GZIP_MAGIC
    file.seek(0)
    binary = gzip.GzipFile(fileobj=file) if packed else file
    return io.TextIOWrapper(binary, "utf-8-sig", "surrogateescape", newline="")
