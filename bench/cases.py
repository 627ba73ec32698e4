"""The cases of the benchmark: each runs once, holds its result to the plain reading, and says what it took."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import orjson

from bench import latency
from bench.deployed import Deployed, Measured, labels_reach
from bench.logs import FOLLOW_MS, MINUTE_MS, Log, corrected, dispatches_of, new_incidents
from bench.plain_reading import (
    counts,
    counts_of,
    intervals_of,
    latest,
    measured_intervals,
    ms,
    must_equal,
    partials,
    standing,
    window_counts,
)
from bench.process import Usage
from schemas.instants import rfc3339

ROOT = Path(__file__).resolve().parent.parent
HOUR_MS = 3_600_000
REPLAY_PER_MINUTE = 0.5  # a city of some 700 incidents a day
MAPPING = """
jurisdiction = "springfield"
time_zone = "UTC"
[columns]
id = ["Id"]
reported_at = "Reported"
type = ["Type"]
zone = "Zone"
"""


@dataclass
class Bench:
    """What cases share: a broker, a folder, sizes, and the logs, generated once."""

    broker: str
    folder: Path
    events: int = 200_000
    plain_events: int = 20_000
    replay_events: int = 50_000
    take_over_events: int = 250_000

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
            cells.until(labels_reach(deployed.labels(log.ends)))
            used = worker.used()
        nets = partials(cells.values())
        must_equal("counts", counts_of(nets), counts(log.incidents))
        must_equal("intervals", intervals_of(nets), measured_intervals(log.dispatches))
        cpu_us = (used.cpu_s - before.cpu_s) / log.size * 1e6
        extra = {"bytes_per_incident": (used.peak_mb - before.peak_mb) * 2**20 / len(latest(log.incidents))}
        return Measured(log.size, cells.last_at - began, cpu_us, used.peak_mb, extra)
    finally:
        cells.close()
        deployed.close()


def path(bench: Bench, per_minute: float, events: int) -> Measured:
    """From `incidents` to `window-counts` and `alerts`, detection included, by one worker that owns everything."""
    log = Log(new_incidents(events, bench.end_ms, per_minute=per_minute))
    deployed = Deployed(bench.broker, bench.folder)
    cells, counted = deployed.tail("cells"), deployed.tail("window-counts")
    try:
        worker = deployed.worker()
        worker.pause()
        deployed.publish(log)
        began, before = worker.go_on()
        cells.until(labels_reach(deployed.labels(log.ends)))
        deployed.vigil.settle()
        used = worker.used()
        counted.read_all(deployed.vigil.ends("window-counts")["window-counts", 0])
        records, until = counted.values(), last_tick(log)
        must_equal("window counts", standing(records), window_counts(log.incidents, until))
        extra = {"records": len(records) / events, "scrape_ms": worker.scrape_ms()}
        cpu_us = (used.cpu_s - before.cpu_s) / events * 1e6
        return Measured(events, counted.last_at - began, cpu_us, used.peak_mb, extra)
    finally:
        cells.close()
        counted.close()
        deployed.close()


def last_tick(log: Log) -> int:
    """The last tick that the watermark has reached: the least over all partitions; as a minute."""
    greatest = [max(record.at for record in records) for records in log.records.values()]
    return (min(greatest) - MINUTE_MS) // MINUTE_MS


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


def take_over(bench: Bench) -> Measured:
    """A worker that starts folds the log of one partition again, up to the commit of the one before."""
    log = Log(new_incidents(bench.take_over_events, bench.end_ms), partitions=1)
    news = Log(corrected(log.incidents[-10_000:]), partitions=1)
    deployed = Deployed(bench.broker, bench.folder, 1)
    cells = deployed.tail("cells")
    label = f"{deployed.prefix}incidents-0".encode()
    try:
        with deployed.cells_held():
            worker = deployed.worker()
            start_cpu_s = worker.used().cpu_s
            deployed.publish(log)
            cells.until(labels_reach({label: log.size}))
            worker.process.stop()
            worker = deployed.worker()
            used = worker.used()
            records, took_s = worker.took_over()
            deployed.publish(news)
            cells.until(labels_reach({label: log.size + news.size}))
        assert records >= log.size, f"the log was not folded again: {records} records"
        nets = partials(cells.values())
        must_equal("counts", counts_of(nets), counts([*log.incidents, *news.incidents]))
        return Measured(records, took_s, (used.cpu_s - start_cpu_s) / records * 1e6, used.peak_mb)
    finally:
        cells.close()
        deployed.close()


def replay(bench: Bench) -> Measured:
    """`vigil replay` of a file: both stages with detection and alerts, without any broker."""
    incidents = new_incidents(bench.replay_events, bench.end_ms, per_minute=REPLAY_PER_MINUTE)
    incidents = [said._replace(updated_at=said.reported_at) for said in incidents]
    with tempfile.TemporaryDirectory(dir=bench.folder) as scratch:
        folder = Path(scratch)
        (folder / "mapping.toml").write_text(MAPPING)
        rows = (f"{s.incident},{rfc3339(s.reported_at)},{s.crime_type},{s.zone}" for s in incidents)
        (folder / "calls.csv").write_text("\n".join(["Id,Reported,Type,Zone", *rows]) + "\n")
        command = ["replay", "calls.csv", "--source", "mapping.toml", "--out", "out"]
        began = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "bench.process", "used.json", "streams.cli.main", *command],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=True,
            timeout=600,
        )
        seconds = time.perf_counter() - began
        used = Usage(**json.loads((folder / "used.json").read_text()))
        summary = json.loads((folder / "out" / "summary.json").read_text())
        until = ms(summary["last_tick"]) // MINUTE_MS
        with (folder / "out" / "window-counts.jsonl").open("rb") as lines:
            said = standing(map(orjson.loads, lines))
    must_equal("window counts", said, window_counts(incidents, until))
    extra = {"alerts": summary["records"]["alerts"]}
    return Measured(len(incidents), seconds, used.cpu_s / len(incidents) * 1e6, used.peak_mb, extra)


CASES: dict[str, Callable[[Bench], Measured]] = {
    "plain": plain_faust,
    "replay": replay,
    "take-over": take_over,
    "path-5000": lambda bench: path(bench, 5_000, 100_000),
    "path-250": lambda bench: path(bench, 250, 60_000),
    "path-3": lambda bench: path(bench, 3, 40_000),
    "latency-1000": lambda bench: latency.measure(bench.broker, bench.folder, 1_000, 30),
    "latency-10000": lambda bench: latency.measure(bench.broker, bench.folder, 10_000, 30),
    "intake-new": lambda bench: intake(bench, bench.new),
    "intake-corrections": lambda bench: intake(bench, bench.corrections),
    "intake-duplicates": lambda bench: intake(bench, bench.duplicates),
    "intake-dispatches": lambda bench: intake(bench, bench.dispatched),
}
"""Name → case, in the order in which they run."""
