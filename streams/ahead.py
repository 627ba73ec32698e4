"""What a generator yields, made ahead on another core: the reader waits for nothing but what is not ready yet."""

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from typing import Any, Final, TypeVar

Item = TypeVar("Item")

_ITEM: Final = 0
_END: Final = 1
_FAILED: Final = 2


class EndedEarlyError(RuntimeError):
    """The process that worked ahead is gone."""


def cores() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def ahead(make: Callable[[], Iterator[Item]]) -> Iterator[Item]:
    """The items of `make()`, in order, made in a forked process where there is another core and forking, else here.

    Items must be picklable. What `make` raises is raised here.

    Raises:
        EndedEarlyError: the other process was killed.
    """
    if cores() == 1 or "fork" not in multiprocessing.get_all_start_methods():
        yield from make()
        return
    context = multiprocessing.get_context("fork")
    receiving, sending = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(make, receiving, sending), daemon=True)
    process.start()
    sending.close()
    try:
        yield from _received(receiving)
    except EOFError:
        process.join()
        message = f"the process that worked ahead was ended (exit code {process.exitcode}); try again"
        raise EndedEarlyError(message) from None
    finally:
        receiving.close()
        process.terminate()
        process.join()


def _received(connection: Connection) -> Iterator[Any]:
    while True:
        kind, said = connection.recv()
        if kind == _FAILED:
            raise said
        if kind == _END:
            return
        yield said


def _work(make: Callable[[], Iterator[Any]], receiving: Connection, sending: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the reader's; it ends this process
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    receiving.close()
    try:
        for item in make():
            sending.send((_ITEM, item))
        sending.send((_END, None))
    except BrokenPipeError:
        pass  # the reader has gone
    except Exception as failure:  # noqa: BLE001 -- whatever it is, the reader raises it
        sending.send((_FAILED, failure))
