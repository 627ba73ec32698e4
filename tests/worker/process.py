"""`vigil worker` as people run it: a process of its own, asked over HTTP, ended by a signal."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

VIGIL = str(Path(sys.executable).parent / "vigil")


def wait_until(holds: Callable[[], Any], what: str, timeout_s: float = 60.0) -> Any:
    """Ask until the answer is true, and return it; fail with `what` when that is not in time."""
    deadline = time.monotonic() + timeout_s
    while not (answer := holds()):
        assert time.monotonic() < deadline, f"not in {timeout_s:g} s: {what}"
        time.sleep(0.1)
    return answer


class WorkerProcess:
    """A worker, and what it said on standard error."""

    def __init__(self, process: "subprocess.Popen[bytes]", said: Path) -> None:
        self.process = process
        self.said = said

    def lines(self) -> list[str]:
        return self.said.read_text().splitlines()

    def events(self, name: str) -> list[dict[str, Any]]:
        """The JSON log lines of an event."""
        found = (json.loads(line) for line in self.lines() if line.startswith("{"))
        return [each for each in found if each["event"] == name]

    @property
    def url(self) -> str:
        """Where it answers, as its first line says."""
        found = wait_until(
            lambda: re.search(r"answers on (\S+)", self.said.read_text()), "it says its address"
        )
        return str(found[1])

    def ask(self, path: str) -> tuple[int, Any]:
        """Status and body of an answer; JSON is read."""
        try:
            with urlopen(self.url + path, timeout=10) as answer:
                status, body = answer.status, answer.read().decode()
        except HTTPError as refused:
            status, body = refused.code, refused.read().decode()
        return status, json.loads(body) if body.startswith("{") else body

    def wait_ready(self) -> None:
        wait_until(lambda: self.ask("/readyz")[0] == 200, "it is ready")

    def stop(self) -> int:
        """SIGTERM; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)


@contextmanager
def worker(folder: Path, environ: Mapping[str, str], *arguments: str) -> Iterator[WorkerProcess]:
    """A running worker; it is killed at the end if it still runs."""
    said = folder / f"worker-{len(list(folder.glob('worker-*')))}.log"
    with said.open("wb") as out:
        process = subprocess.Popen(
            [VIGIL, *(arguments or ("worker",))],
            cwd=folder,
            env={**os.environ, **environ},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
        )
    try:
        yield WorkerProcess(process, said)
    finally:
        process.kill()
        process.wait(10)


def vigil(*arguments: str, **environ: str) -> "subprocess.CompletedProcess[str]":
    """Run a command that ends."""
    return subprocess.run(
        [VIGIL, *arguments],
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
