"""What a process has used, as the kernel says it."""

import os
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
