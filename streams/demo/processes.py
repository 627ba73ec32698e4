"""Processes that the demo starts, and ends by their id."""

import ctypes
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

LAST_WORDS: Final = 12
"""Lines of a process' log that are shown when it ended by itself."""

_SET_PARENT_DEATH_SIGNAL: Final = 1  # prctl(2)


class Child:
    """A process with a log of its own, out of reach of a Ctrl-C that is meant for us."""

    def __init__(self, name: str, command: Sequence[str], folder: Path, environ: Mapping[str, str]) -> None:
        """Start it.

        Args:
            name: of its log, and in messages.
            command: program and arguments.
            folder: where it runs and its log lies.
            environ: all its variables.
        """
        self.name = name
        self._log = folder / f"{name}.log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=folder,
                env=dict(environ),
                start_new_session=True,
                preexec_fn=_leave_with_parent(),  # noqa: PLW1509 -- one system call, made by a process without threads
            )

    @property
    def pid(self) -> int:
        """Its id."""
        return self._process.pid

    @property
    def code(self) -> int | None:
        """Its exit code; None while it runs."""
        return self._process.poll()

    def end(self, grace_s: float) -> int:
        """Ask it to end, and make it when it does not within `grace_s`; its exit code."""
        if self._process.poll() is None:
            self._process.terminate()
        try:
            return self._process.wait(grace_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()

    def last_words(self) -> str:
        """The end of its log."""
        lines = self._log.read_text(errors="replace").splitlines()
        return "\n".join(lines[-LAST_WORDS:])


def _leave_with_parent() -> Callable[[], object] | None:
    """On Linux: SIGTERM for the child when we die without a word, so that nothing of ours is left running."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl
    return lambda: prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGTERM)
