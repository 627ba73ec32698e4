"""A generator that works ahead in another process gives what it would give here."""

import os
import signal
from collections.abc import Iterator

import pytest

from streams.ahead import EndedEarlyError, ahead


@pytest.fixture(autouse=True)
def two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.ahead.cores", lambda: 2)


def squares() -> Iterator[tuple[int, int]]:
    yield from ((os.getpid(), number * number) for number in range(1000))


def test_items_come_in_order_from_another_process() -> None:
    made = list(ahead(squares))
    assert [square for _, square in made] == [number * number for number in range(1000)]
    assert os.getpid() not in {process for process, _ in made}


def test_with_one_core_they_are_made_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.ahead.cores", lambda: 1)
    assert {process for process, _ in ahead(squares)} == {os.getpid()}


def test_what_is_raised_there_is_raised_here() -> None:
    def failing() -> Iterator[int]:
        yield 1
        message = "line 7: not a number"
        raise ValueError(message)

    made = ahead(failing)
    assert next(made) == 1
    with pytest.raises(ValueError, match=r"^line 7: not a number$"):
        next(made)


def test_a_process_that_was_killed_is_said_to_be_gone() -> None:
    def killed() -> Iterator[int]:
        yield os.getpid()
        os.kill(os.getpid(), signal.SIGKILL)

    made = ahead(killed)
    next(made)
    with pytest.raises(EndedEarlyError, match=r"^the process that worked ahead was ended \(exit code -9\)"):
        next(made)


def test_a_reader_that_stops_early_leaves_no_process_behind() -> None:
    def endless() -> Iterator[int]:
        while True:
            yield os.getpid()

    made = ahead(endless)
    process = next(made)
    made.close()
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)
