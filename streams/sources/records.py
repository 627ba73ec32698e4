"""Text → records: CSV rows and JSON objects with the line they begin on and the text they came from.

A broken record comes as one with a `problem`, and reading goes on behind it: a stray quotation mark costs its own
row, not the rows that the CSV rules would make part of it.
"""

import csv
import json
import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

_LONGEST_OBJECT: Final = 1_000  # lines of one JSON object; a longer one is taken as broken
_BETWEEN_OBJECTS: Final = re.compile(r"[\s,\[\]]*")


class Record(NamedTuple):
    """One row as its file has it."""

    line: int  # from 1
    text: str  # line ends included
    content: Any  # list of fields (CSV), dict (JSON); None where there is a problem
    problem: str = ""


class _Lines:
    """The lines of a text; those taken for the current row are remembered and can be put back."""

    def __init__(self, source: Iterator[str]) -> None:
        self.taken: list[str] = []
        self._source = source
        self._put_back: list[str] = []  # last one first

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = self._put_back.pop() if self._put_back else next(self._source)
        self.taken.append(line)
        return line

    def put_back_all_but_first(self) -> None:
        self._put_back.extend(reversed(self.taken[1:]))
        del self.taken[1:]


def csv_records(source: Iterator[str], delimiter: str = ",") -> Iterator[Record]:
    """The rows of a CSV; the first is the header. Blank lines are no rows.

    A row with more or fewer fields than the header is broken: its values may stand under the wrong titles. So is one
    that spans lines because of a stray quotation mark; then only its first line is given up, and the others are read
    anew.
    """
    lines = _Lines(source)
    reader = csv.reader(lines, delimiter=delimiter)
    width, line = 0, 1
    while True:
        lines.taken.clear()
        try:
            fields = next(reader)
            problem = ""
        except StopIteration:
            return
        except csv.Error as error:
            fields, problem = [], f"is no CSV row ({error})"
        if fields and len(fields) != (width or len(fields)):
            problem = f"has {len(fields)} fields, the header {width}"
        elif len(lines.taken) > 1 and not problem:
            problem = _strictly(lines.taken, delimiter)
        if problem:
            lines.put_back_all_but_first()
        text = lines.taken[0] if len(lines.taken) == 1 else "".join(lines.taken)
        if fields or problem:
            width = width or len(fields)
            yield Record(line, text, None if problem else fields, problem)
        line += len(lines.taken)


def _strictly(lines: list[str], delimiter: str) -> str:
    """What is wrong with a row of several lines; one of a single line may have texts behind a closing quote."""
    try:
        next(csv.reader(lines, delimiter=delimiter, strict=True))
    except csv.Error as error:
        return f"is no CSV row ({error})"
    return ""


def json_records(source: Iterator[str]) -> Iterator[Record]:
    """The objects of a JSON array, or of JSON lines, however they are laid out on lines."""
    objects = _Objects()
    for text in source:
        yield from objects.feed(text)
    yield from objects.feed("", is_last=True)


class _Objects:
    """JSON text, fed line by line, taken apart object by object."""

    def __init__(self) -> None:
        self._decode = json.JSONDecoder().raw_decode
        self._text = ""
        self._at = 0  # what lies before it is done with
        self._line = 1  # on which `_at` lies

    def feed(self, text: str, *, is_last: bool = False) -> Iterator[Record]:
        """The records that are complete with this text."""
        self._text, self._at = self._text[self._at :] + text, 0
        while True:
            blank = _BETWEEN_OBJECTS.match(self._text, self._at)
            self._go_to(blank.end() if blank else self._at)
            found = None if self._at == len(self._text) else self._next(is_last)
            if found is None:
                return
            yield found[0]
            self._go_to(found[1])

    def _go_to(self, at: int) -> None:
        self._line += self._text.count("\n", self._at, at)
        self._at = at

    def _next(self, is_last: bool) -> tuple[Record, int] | None:
        """The record that begins here and where it ends; None when more text may complete it."""
        try:
            content, end = self._decode(self._text, self._at)
        except (ValueError, RecursionError) as error:
            if not is_last and self._may_go_on(error):
                return None
            end = self._text.find("\n", self._at) + 1 or len(self._text)
            problem = f"is no JSON ({getattr(error, 'msg', 'nested too deeply')})"
        else:
            problem = "" if isinstance(content, dict) else "is no JSON object"
        return Record(self._line, self._text[self._at : end], None if problem else content, problem), end

    def _may_go_on(self, error: ValueError | RecursionError) -> bool:
        """Whether the text is right so far, and only breaks off."""
        breaks_off = isinstance(error, json.JSONDecodeError) and not self._text[error.pos :].strip()
        return breaks_off and self._text.count("\n", self._at) < _LONGEST_OBJECT
