"""What it costs a worker that people look at it: two browsers' worth of pollers, and a scrape every second.

    python -m bench.pollers [--events N] [--rate N] [--phases N]

A worker with both stages holds two hundred thousand messages of a city of 77 zones, and folds what comes at a steady
rate, far below what it can, with alerts open in many zones, so that phases with and without pollers have the same work. A *browser* asks /v1/counts,
/v1/alerts and /v1/kpis every two seconds over one connection, as a page does that shows all three; the *scrape* asks
/metrics every second, as Prometheus does. What they cost is the CPU that they take from a core: that much less of it
is left for messages when a worker has more to do than it can. The bar: under 3 %.
"""

import argparse
import http.client
import json
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import NamedTuple
from urllib.parse import urlsplit
from urllib.request import urlopen

from confluent_kafka import Producer

from bench.deployed import Deployed, WorkerUnderLoad, labels_reach
from bench.logs import JURISDICTION, Log, Record, dispatches_of, new_incidents
from tests.kafka.broker import KafkaUnavailable, kafka_cluster

BAR = 0.03
BROWSERS = 2
PAGE_S, SCRAPE_S = 2.0, 1.0
PAGE = tuple(f"/v1/{path}?jurisdiction={JURISDICTION}" for path in ("counts", "alerts", "kpis"))
PHASE_S = 5.0
BUSY_S = 0.7  # CPU in a second: it has more to do than it can
HOUR_MS = 3_600_000
RULE = '[[rule]]\nname = "many"\ncrime_type = "robbery"\nat_least = 3\nwithin = "1h"\n'
"""So that there are alerts to ask about: in most zones of this city."""


class Phase(NamedTuple):
    """What a worker used for some seconds."""

    asked: bool
    seconds: float
    cpu_s: float

    @property
    def share(self) -> float:
        """Of a core."""
        return self.cpu_s / self.seconds


@dataclass
class Pollers:
    """Threads that ask while they are let."""

    url: str
    let: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)
    took_s: dict[str, list[float]] = field(default_factory=dict)
    statuses: set[int] = field(default_factory=set)

    @contextmanager
    def running(self) -> Iterator[None]:
        """From here on they ask whenever `let` is set."""
        jobs = [(PAGE, PAGE_S)] * BROWSERS + [(("/metrics",), SCRAPE_S)]
        threads = [threading.Thread(target=self._ask, args=job, daemon=True) for job in jobs]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self.ended.set()
            self.let.set()
            for thread in threads:
                thread.join(10)

    def _ask(self, paths: Sequence[str], every_s: float) -> None:
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=30)
        while self.let.wait() and not self.ended.is_set():
            began = time.monotonic()
            for path in paths:
                asked_at = time.monotonic()
                connection.request("GET", path)
                answer = connection.getresponse()
                answer.read()
                self.statuses.add(answer.status)
                self.took_s.setdefault(path, []).append(time.monotonic() - asked_at)
            self.ended.wait(max(began + every_s - time.monotonic(), 0.0))


Later = Sequence[tuple[str, int, Record]]
"""Topic, partition and record, in order of time."""


def taken_off(log: Log, number: int) -> Later:
    """Take what is said last off a log, from all topics alike."""
    said = [(topic, n, each) for (topic, n), records in log.records.items() for each in records]
    said.sort(key=lambda record: record[2].at)
    # Facts go on for an hour after the last incident: what is later than that is not needed.
    last = max(records[-1].at for (topic, _), records in log.records.items() if topic == "incidents")
    said = [each for each in said if each[2].at <= last]
    begins = said[-number][2].at
    for place, records in log.records.items():
        log.records[place] = [each for each in records if each.at < begins]
    return said[-number:]


@contextmanager
def steadily(deployed: Deployed, records: Later, per_s: float) -> Iterator[None]:
    """Publish at a steady rate in a thread of its own, as far as it gets."""
    ended = threading.Event()

    def publish() -> None:
        producer = Producer({"bootstrap.servers": deployed.broker, "linger.ms": 5})
        began = time.monotonic()
        for place, (topic, number, (key, value, at)) in enumerate(records):
            if ended.wait(max(began + place / per_s - time.monotonic(), 0.0)):
                break
            producer.produce(deployed.prefix + topic, value, key, number, timestamp=at)
            producer.poll(0)
        producer.flush(10)

    thread = threading.Thread(target=publish, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(20)


def phases(worker: WorkerUnderLoad, number: int) -> Iterator[Phase]:
    """Phases that take turns."""
    assert worker.url is not None
    pollers = Pollers(worker.url)
    with pollers.running():
        for place in range(number):
            asked = place % 2 == 1
            (pollers.let.set if asked else pollers.let.clear)()
            used, began = worker.used(), time.monotonic()
            time.sleep(PHASE_S)
            yield Phase(asked, time.monotonic() - began, worker.used().cpu_s - used.cpu_s)
    assert pollers.statuses == {200}, pollers.statuses
    with urlopen(f"{worker.url}{PAGE[1]}&limit=1000") as answer:
        print(f"open alerts: {len(json.load(answer)['alerts'])}", flush=True)
    for path, took in pollers.took_s.items():
        print(f"{path}: {median(took) * 1000:.1f} ms (median of {len(took)})", flush=True)


def measure(broker: str, folder: Path, chosen: argparse.Namespace) -> list[Phase]:
    """All phases of one worker."""
    incidents = new_incidents(chosen.events // 5, int(time.time()) // 60 * 60_000 - 5 * HOUR_MS)
    log, live = Log(incidents, dispatches_of(incidents)), int(chosen.rate * PHASE_S * (chosen.phases + 4))
    later = taken_off(log, live)
    rules = folder / "rules.toml"
    rules.write_text(RULE)
    deployed = Deployed(broker, folder, VIGIL_DETECTION_RULES_FILE=str(rules))
    cells = deployed.tail("cells")
    try:
        worker = deployed.worker()
        deployed.publish(log)
        cells.until(
            labels_reach({f"{deployed.prefix}{t}-{n}".encode(): end for (t, n), end in log.ends.items()})
        )
        wait_for_counts(worker)
        found = []
        with steadily(deployed, later, chosen.rate):
            for phase in phases(worker, chosen.phases):
                found.append(phase)
                print(f"{'asked' if phase.asked else 'alone'}: {phase.share:.1%} of a core", flush=True)
        return found
    finally:
        cells.close()
        deployed.close()


def wait_for_counts(worker: WorkerUnderLoad) -> None:
    """Until all that was published before is counted: the worker has time to spare."""
    used = worker.used().cpu_s
    while True:
        time.sleep(1.0)
        before, used = used, worker.used().cpu_s
        if used - before < BUSY_S:
            return


def cost(found: Sequence[Phase]) -> float:
    """How much more of a core a worker uses when it is asked than in the phases around; a median."""
    around = zip(found, found[1:], found[2:], strict=False)
    return median(
        asked.share - (before.share + after.share) / 2 for before, asked, after in around if asked.asked
    )


def main() -> int:
    """Measure, print, and end with 1 above the bar."""
    parser = argparse.ArgumentParser(prog="python -m bench.pollers", description=__doc__)
    parser.add_argument("--events", type=int, default=200_000, help="messages it holds (default: 200000)")
    parser.add_argument("--rate", type=float, default=20.0, help="messages a second (default: 20)")
    parser.add_argument("--phases", type=int, default=13, help="how many, of 5 s each (default: 13)")
    chosen = parser.parse_args()
    try:
        with (
            tempfile.TemporaryDirectory(prefix="vigil-bench-") as folder,
            kafka_cluster(heap="1g") as cluster,
        ):
            found = measure(cluster.bootstrap, Path(folder), chosen)
    except KafkaUnavailable as lack:
        print(lack, file=sys.stderr)
        return 1
    more = cost(found)
    print(f"{len(found)} phases: pollers cost {more:.1%} of a core (bar: {BAR:.0%})")
    return int(more > BAR)


if __name__ == "__main__":
    sys.exit(main())
