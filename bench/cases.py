"""The cases of the benchmark: each runs once, holds its result to the plain reading, and says what it took."""

import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from bench.deployed import Deployed, Measured, labels_reach
from bench.logs import FOLLOW_MS, Log, corrected, dispatches_of, new_incidents
from bench.plain_reading import counts, counts_of, intervals_of, measured_intervals, must_equal, partials

ROOT = Path(__file__).resolve().parent.parent
HOUR_MS = 3_600_000


@dataclass
class Bench:
    """What cases share: a broker, a folder, sizes, and the logs, generated once."""

    broker: str
    folder: Path
    events: int = 200_000
    plain_events: int = 20_000

    @cached_property
    def end_ms(self) -> int:
        """Where logs end: two hours ago, for dispatches go on after the last incident."""
        return (int(time.time()) // 60 * 60) * 1000 - 2 * HOUR_MS

    @cached_property
    def new(self) -> Log:
        """New incidents only."""
        return Log(new_incidents(self.events, self.end_ms))

    @cached_property
    def corrections(self) -> Log:
        """Half of the messages correct the other half."""
        return Log(corrected(new_incidents(self.events // 2, self.end_ms - FOLLOW_MS)))

    @cached_property
    def duplicates(self) -> Log:
        """Each message comes twice: a publisher that repeats whole files."""
        log = Log(new_incidents(self.events // 2, self.end_ms))
        for where, records in log.records.items():
            log.records[where] = [record for record in records for _ in range(2)]
        return log

    @cached_property
    def dispatched(self) -> Log:
        """One incident in five messages; the others are its unit's."""
        incidents = new_incidents(self.events // 5, self.end_ms)
        return Log(incidents, dispatches_of(incidents))

    @cached_property
    def plain(self) -> Log:
        """The beginning of what is new, for jobs that take long."""
        return Log(self.new.incidents[: self.plain_events])


def intake(bench: Bench, log: Log) -> Measured:
    """From the source topics to acknowledged partials, by one worker that owns nothing else."""
    deployed = Deployed(bench.broker, bench.folder)
    cells = deployed.tail("cells")
    try:
        with deployed.cells_held():
            worker = deployed.worker()
            worker.pause()
            deployed.publish(log)
            began, before = worker.go_on()
            ends = {
                f"{deployed.prefix}{topic}-{number}".encode(): end
                for (topic, number), end in log.ends.items()
            }
            cells.until(labels_reach(ends))
            used = worker.used()
        nets = partials(cells.values())
        must_equal("counts", counts_of(nets), counts(log.incidents))
        must_equal("intervals", intervals_of(nets), measured_intervals(log.dispatches))
        cpu_us = (used.cpu_s - before.cpu_s) / log.size * 1e6
        return Measured(log.size, cells.last_at - began, cpu_us, used.peak_mb)
    finally:
        cells.close()
        deployed.close()


def plain_faust(bench: Bench) -> Measured:
    """An agent of plain Faust with a table, on the same topic."""
    log = bench.plain
    deployed = Deployed(bench.broker, bench.folder)
    deployed.publish(log)
    topic = f"{deployed.prefix}incidents"
    command = [sys.executable, "-m", "bench.peers.plain_faust", bench.broker, topic, str(log.size)]
    with tempfile.TemporaryDirectory(dir=bench.folder) as scratch:
        environment = {**deployed.vigil.environment, "PYTHONPATH": str(ROOT), "FAUST_DATADIR": scratch}
        done = subprocess.run(
            command, cwd=scratch, env=environment, capture_output=True, text=True, check=True, timeout=120
        )
    said = json.loads(next(line for line in done.stdout.splitlines() if line.startswith("{")))
    must_equal("table", said["counts"], Counter(f"{said.zone}|{said.crime_type}" for said in log.incidents))
    return Measured(log.size, said["seconds"], said["cpu_s"] / log.size * 1e6, said["peak_mb"])


CASES: dict[str, Callable[[Bench], Measured]] = {
    "plain": plain_faust,
    "intake-new": lambda bench: intake(bench, bench.new),
    "intake-corrections": lambda bench: intake(bench, bench.corrections),
    "intake-duplicates": lambda bench: intake(bench, bench.duplicates),
    "intake-dispatches": lambda bench: intake(bench, bench.dispatched),
}
"""Name → case, in the order in which they run."""
