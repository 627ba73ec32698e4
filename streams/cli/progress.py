"""Progress of long work: a bar on a terminal, a line now and then elsewhere; always on standard error."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any, Final, Protocol

from streams.cli.printable import printable
from streams.cli.terminal import Terminal

LINE_EVERY_S: Final = 5.0
DRAW_EVERY_S: Final = 0.1


class Progress(Protocol):
    """How the work tells how far it is."""

    def advance(self, done: float = 1) -> None:
        """So much more is done."""

    def reach(self, done: float, total: float | None = None) -> None:
        """So much is done in all, of `total` where that was not known before."""


@contextmanager
def progress(
    terminal: Terminal,
    what: str,
    total: float | None = None,
    *,
    unit: str = "",
    clock: Callable[[], float] = monotonic,
) -> Iterator[Progress]:
    """Show how far something is until the block ends.

    Args:
        terminal: where.
        what: what is being done: "reading calls.csv".
        total: how much there is in all; None when nobody knows.
        unit: of what: "events".
        clock: seconds; for tests.
    """
    if terminal.moves:
        with _bar(terminal, what, total, unit) as bar:
            yield bar
    else:
        lines = Lines(terminal, what, total, unit=unit, clock=clock)
        yield lines
        lines.end()


class Lines:
    """A line at the end, and one every `LINE_EVERY_S` before."""

    def __init__(
        self,
        terminal: Terminal,
        what: str,
        total: float | None,
        *,
        unit: str = "",
        clock: Callable[[], float] = monotonic,
    ) -> None:
        """Say nothing yet; short work says only that it is done."""
        self._terminal, self._what, self._total, self._unit, self._clock = terminal, what, total, unit, clock
        self._done = 0.0
        self._began_at = self._said_at = clock()

    def advance(self, done: float = 1) -> None:
        """So much more is done."""
        self.reach(self._done + done)

    def reach(self, done: float, total: float | None = None) -> None:
        """So much is done in all."""
        self._done = done
        self._total = self._total if total is None else total
        now = self._clock()
        if now - self._said_at >= LINE_EVERY_S:
            self._said_at = now
            self._terminal.note(f"{self._what}: {self._how_far()}")

    def end(self) -> None:
        """Say how much it was, and how long it took."""
        took = self._clock() - self._began_at
        self._terminal.note(f"{self._what}: {amount(self._done, self._unit)} in {took:.1f} s")

    def _how_far(self) -> str:
        if not self._total:
            return amount(self._done, self._unit)
        return f"{amount(self._done)} of {amount(self._total, self._unit)} ({self._done / self._total:.0%})"


def amount(number: float, unit: str = "") -> str:
    """`156,385 events`."""
    return f"{number:,.0f} {unit}".rstrip()


@contextmanager
def _bar(terminal: Terminal, what: str, total: float | None, unit: str) -> Iterator[Progress]:
    from rich import progress as rich_progress  # noqa: PLC0415 -- only for those who need it: 100 ms

    columns = (
        rich_progress.TextColumn("{task.description}", markup=False),
        rich_progress.BarColumn(),
        rich_progress.TaskProgressColumn(),
        rich_progress.TextColumn("{task.fields[amount]}", markup=False),
        rich_progress.TimeElapsedColumn(),
        rich_progress.TimeRemainingColumn(),
    )
    with rich_progress.Progress(*columns, console=terminal.console(err=True)) as bars:
        bar = _Bar(bars, bars.add_task(printable(what), total=total, amount=""), total, unit)
        yield bar
        bar.draw()


class _Bar:
    """A bar that is drawn ten times a second at most, so that it may be told of every single event."""

    def __init__(self, bars: Any, task: Any, total: float | None, unit: str) -> None:
        self._bars, self._task, self._total, self._unit = bars, task, total, unit
        self._done = 0.0
        self._drawn_at = monotonic()

    def advance(self, done: float = 1) -> None:
        """So much more is done."""
        self.reach(self._done + done)

    def reach(self, done: float, total: float | None = None) -> None:
        """So much is done in all."""
        self._done = done
        if total is not None:
            self._total = total
        if monotonic() - self._drawn_at >= DRAW_EVERY_S:
            self.draw()

    def draw(self) -> None:
        """Show how far it is now."""
        self._drawn_at = monotonic()
        said = amount(self._done, self._unit)
        self._bars.update(self._task, completed=self._done, total=self._total, amount=said)
