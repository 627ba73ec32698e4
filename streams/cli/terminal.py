"""Output for people and programs: tables with boxes on a terminal, plain columns elsewhere, JSON on request."""

import json
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TextIO

from streams.cli.printable import printable, printable_lines

if TYPE_CHECKING:
    from rich.console import Console

_WIDEST = 72  # characters of a plain column that others are aligned to


class Terminal:
    """Standard output for answers, standard error for everything else."""

    def __init__(self, *, plain: bool = False, out: TextIO | None = None, err: TextIO | None = None) -> None:
        """Look at what is there.

        Args:
            plain: no colour, no boxes, no moving parts.
            out: standard output by default.
            err: standard error by default.
        """
        self._out = out or sys.stdout
        self._err = err or sys.stderr
        self.is_plain = plain or os.environ.get("TERM") == "dumb"

    @property
    def is_rich(self) -> bool:
        """Whether answers go to a person's terminal that may show boxes and colours."""
        return not self.is_plain and self._out.isatty()

    @property
    def moves(self) -> bool:
        """Whether progress may be drawn on standard error."""
        return not self.is_plain and self._err.isatty()

    def console(self, *, err: bool = False) -> "Console":
        """A rich console on standard output, or standard error; it minds NO_COLOR."""
        from rich.console import Console  # noqa: PLC0415 -- only for those who need it: 50 ms

        return Console(file=self._err if err else self._out, highlight=False, no_color=self.is_plain or None)

    def say(self, text: str = "") -> None:
        """One line of the answer; what would steer the terminal is escaped."""
        print(printable(text), file=self._out)

    def note(self, text: str) -> None:
        """One line beside the answer, on standard error; what would steer the terminal is escaped."""
        print(printable(text), file=self._err, flush=True)

    def json(self, value: Any) -> None:
        """A JSON document."""
        text = json.dumps(value, indent=2, ensure_ascii=False, default=str)
        print(printable_lines(text), file=self._out)

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[object]], *, title: str = "") -> None:
        """Rows under column names."""
        texts = [[printable(str(cell)) for cell in row] for row in rows]
        if self.is_rich:
            self._box(columns, texts, title)
            return
        widths = [
            min(_WIDEST, max(len(row[n]) for row in [list(columns), *texts])) for n in range(len(columns))
        ]
        for row in [[name.upper() for name in columns], *texts]:
            self.say("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())

    def _box(self, columns: Sequence[str], rows: Sequence[Sequence[str]], title: str) -> None:
        from rich import box  # noqa: PLC0415 -- only for those who need it
        from rich.table import Table  # noqa: PLC0415
        from rich.text import Text  # noqa: PLC0415

        table = Table(title=title or None, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
        for name in columns:
            table.add_column(name, overflow="fold")
        for row in rows:
            table.add_row(*(Text(cell) for cell in row))
        self.console().print(table)
