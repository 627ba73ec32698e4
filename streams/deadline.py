"""The end of a worker has a deadline: what hangs past it is cut off, which costs no more than a repeated batch."""

import logging
import os
import threading
from collections.abc import Callable
from typing import Final

from streams.logs import event

logger = logging.getLogger(__name__)

CUT_OFF: Final = 1
"""The exit code of a worker that did not end by itself."""


class Deadline:
    """Counts in a thread of its own, so that a blocked event loop does not stop it."""

    def __init__(self, seconds: float, end: Callable[[int], object] = os._exit) -> None:
        """Count nothing yet.

        Args:
            seconds: how long the end may take.
            end: ends the process with an exit code, at once.
        """
        self._seconds = seconds
        self._end = end
        self._timer: threading.Timer | None = None

    def begin(self) -> None:
        """The worker was told to end; does nothing the second time."""
        if self._timer is None:
            self._timer = threading.Timer(self._seconds, self._cut_off)
            self._timer.daemon = True
            self._timer.start()

    def met(self) -> None:
        """The worker has ended by itself."""
        if self._timer is not None:
            self._timer.cancel()

    def _cut_off(self) -> None:
        logger.critical(
            "not ended in %g s (worker.shutdown_deadline), so cut off; the next owner repeats what was in hand",
            self._seconds,
            extra=event("shutdown_deadline_passed", waited_s=self._seconds),
        )
        self._end(CUT_OFF)
