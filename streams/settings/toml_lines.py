"""On which line of a TOML text each key stands, for faults that name the line (tomllib does not say).

The text must have been accepted by `tomllib` before: the scanner only follows its structure.
"""

import re
import tomllib
from bisect import bisect_right
from typing import Final

KeyPath = tuple[str | int, ...]
"""Where a value is: table and key names, and indexes into arrays: `("jurisdictions", "sf", "benchmarks", 0)`."""

_BLANK: Final = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)*")
_KEY: Final = re.compile(r"""[ \t]*("(?:[^"\\\n]|\\.)*"|'[^'\n]*'|[A-Za-z0-9_-]+)[ \t]*""")
_SCALAR: Final = re.compile(
    r'"""(?:[^"\\]|\\.|"{1,2}(?!"))*"{3,5}'
    r"|'''(?:[^']|'{1,2}(?!'))*'{3,5}"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'"
    r"|[^,\]}\n#]+",
    re.DOTALL,
)


def lines_of(text: str) -> dict[KeyPath, int]:
    """The line (from 1) of every table header, key and array item of a valid TOML text.

    Cost: linear in the length of the text.
    """
    scanner = _Scanner(text)
    scanner.document()
    return scanner.lines


def line_at(lines: dict[KeyPath, int], path: KeyPath) -> int | None:
    """The line of `path`, or of the nearest table or array around it; None when nothing of it is in the file."""
    while path:
        if path in lines:
            return lines[path]
        path = path[:-1]
    return None


class _Scanner:
    """One pass over the text; every method starts and ends between two tokens."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.lines: dict[KeyPath, int] = {}
        self._starts = [0, *(found.end() for found in re.finditer("\n", text))]
        self._arrays: dict[KeyPath, int] = {}  # arrays of tables: their last index

    def document(self) -> None:
        """Headers and `key = value` lines until the end."""
        prefix: KeyPath = ()
        while self._skip_blank():
            if self.text.startswith("[", self.at):
                prefix = self._header()
            else:
                self._pair(prefix)

    def _skip_blank(self) -> bool:
        blank = _BLANK.match(self.text, self.at)
        self.at = blank.end() if blank else self.at
        return self.at < len(self.text)

    def _note(self, path: KeyPath) -> None:
        self.lines.setdefault(path, bisect_right(self._starts, self.at))

    def _header(self) -> KeyPath:
        """`[a.b]` or `[[a.b]]`: the path that the lines below it continue."""
        repeated = self.text.startswith("[[", self.at)
        brackets = 2 if repeated else 1
        start, self.at = self.at, self.at + brackets
        path: KeyPath = ()
        for name in self._key():
            if path in self._arrays:
                path += (self._arrays[path],)
            path += (name,)
        end, self.at = self.at + brackets, start
        for n in range(1, len(path) + 1):
            self._note(path[:n])
        if repeated:
            self._arrays[path] = self._arrays.get(path, -1) + 1
            path += (self._arrays[path],)
            self._note(path)
        self.at = end
        return path

    def _key(self) -> list[str]:
        """A dotted key: its names."""
        names = []
        while found := _KEY.match(self.text, self.at):
            self.at = found.end()
            bare = found.group(1)
            names.append(str(tomllib.loads(f"k={bare}")["k"]) if bare[0] in "\"'" else bare)
            if not self.text.startswith(".", self.at):
                break
            self.at += 1
        return names

    def _pair(self, prefix: KeyPath) -> None:
        start = self.at
        names = self._key()
        after, self.at = self.at, start
        for n in range(1, len(names) + 1):
            self._note(prefix + tuple(names[:n]))
        self.at = after + 1  # past the =
        self._value(prefix + tuple(names))

    def _value(self, path: KeyPath) -> None:
        self._skip_blank()
        opening = self.text[self.at]
        if opening in "[{":
            self.at += 1
            self._items(path, "]" if opening == "[" else "}")
        elif found := _SCALAR.match(self.text, self.at):
            self.at = found.end()

    def _items(self, path: KeyPath, closing: str) -> None:
        """What an array or an inline table holds, its closing bracket included."""
        index = 0
        while self._skip_blank() and not self.text.startswith(closing, self.at):
            if closing == "]":
                self._note((*path, index))
                self._value((*path, index))
                index += 1
            else:
                self._pair(path)
            self._skip_blank()
            if self.text.startswith(",", self.at):
                self.at += 1
        self.at += 1
