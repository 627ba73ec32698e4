"""A worker that does not end in time is cut off, whatever hangs."""

import logging
import subprocess
import sys
import threading

import pytest

from streams.deadline import CUT_OFF, Deadline


def test_what_hangs_is_cut_off_with_a_word(caplog: pytest.LogCaptureFixture) -> None:
    cut, codes = threading.Event(), []

    def end(code: int) -> None:
        codes.append(code)
        cut.set()

    deadline = Deadline(0.01, end)
    deadline.begin()
    deadline.begin()
    assert cut.wait(10)
    assert codes == [CUT_OFF]
    (record,) = caplog.records
    assert record.levelno == logging.CRITICAL
    assert record.getMessage() == (
        "not ended in 0.01 s (worker.shutdown_deadline), so cut off; the next owner repeats what was in hand"
    )


def test_end_in_time_is_left_alone() -> None:
    ends: list[int] = []
    deadline = Deadline(0.05, ends.append)
    deadline.met()  # never begun
    deadline.begin()
    deadline.met()
    deadline._timer.join(5)  # type: ignore[union-attr]
    assert ends == []


def test_blocked_process_is_cut_off() -> None:
    said = "from streams.deadline import Deadline; import time; Deadline(0.1).begin(); time.sleep(60)"
    assert subprocess.run([sys.executable, "-c", said], timeout=30, check=False).returncode == CUT_OFF
