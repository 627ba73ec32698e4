"""What a process has used, as the kernel says it.

    python -m bench.process FILE MODULE ARGUMENTS…

runs a module as `python -m` does, and writes what that used to a file: what a parent is told of a child's memory counts
the parent's own at the moment of the fork.
"""

import json
import os
import runpy
import sys
from pathlib import Path
from typing import NamedTuple

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


class Usage(NamedTuple):
    """CPU seconds of all threads, user and system (in steps of 10 ms), and the most memory it ever held."""

    cpu_s: float
    peak_mb: float


def usage(pid: int | str = "self") -> Usage:
    """What a process that runs has used."""
    process = Path("/proc") / str(pid)
    after_name = (process / "stat").read_text().rpartition(")")[2].split()
    ticks = int(after_name[11]) + int(after_name[12])
    status = (process / "status").read_text()
    peak_kb = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
    return Usage(ticks / _TICKS_PER_S, peak_kb / 1024)


def main() -> None:
    """Run a module; say what that used."""
    told, module = Path(sys.argv[1]), sys.argv[2]
    del sys.argv[:2]
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    finally:
        told.write_text(json.dumps(usage()._asdict()))


if __name__ == "__main__":
    main()
