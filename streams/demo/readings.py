"""What /metrics says, read as Prometheus reads it."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import Final, NamedTuple
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

PATIENCE_S: Final = 5.0
_SAMPLE: Final = re.compile(r"(\w+)(?:\{(.*)\})? (\S+)")
_LABEL: Final = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
_open = build_opener(ProxyHandler({})).open  # an address of this machine is asked without any proxy


class Kpi(NamedTuple):
    """One kind of response interval over one window, all priorities that have the same goal together."""

    agency: str
    kpi: str
    over: str
    goal_s: float
    within: int
    intervals: int

    @property
    def share(self) -> float:
        """The share that met the goal."""
        return self.within / self.intervals if self.intervals else 0.0


@dataclass
class Reading:
    """One look at /metrics."""

    tick_ms: int | None = None
    accepted: int = 0
    late: int = 0
    dead_letters: Counter[str] = field(default_factory=Counter)  # by reason
    transitions: Counter[str] = field(default_factory=Counter)  # by state
    cells: dict[tuple[str, str], dict[str, int]] = field(default_factory=dict)
    kpis: list[Kpi] = field(default_factory=list)
    memory_bytes: int = 0

    @property
    def events(self) -> int:
        """Messages taken in, whether they could be used or not."""
        return self.accepted + self.dead_letters.total()

    def in_city(self, window: str) -> int:
        """Incidents of the whole city in a window."""
        return sum(counts.get(window, 0) for counts in self.cells.values())


def samples(page: str) -> Iterator[tuple[str, Mapping[str, str], float]]:
    """Name, labels and value of each sample that the demo shows."""
    for line in page.splitlines():
        if line.startswith(("vigil_response_seconds_bucket", "#")):
            continue  # most of the page
        found = _SAMPLE.fullmatch(line)
        if found:
            yield found[1], dict(_LABEL.findall(found[2] or "")), float(found[3])


def read_page(page: str) -> Reading:
    """What the page says."""
    reading = Reading()
    intervals: dict[tuple[str, ...], dict[str, float]] = {}
    for name, labels, value in samples(page):
        match name:
            case "vigil_incidents":
                cell = reading.cells.setdefault((labels["zone"], labels["crime_type"]), {})
                cell[labels["window"]] = int(value)
            case "vigil_tick_timestamp_seconds":
                reading.tick_ms = round(value * 1000)
            case "vigil_messages_total" if labels["outcome"] == "accepted":
                reading.accepted += int(value)
            case "vigil_late_events_total":
                reading.late += int(value)
            case "vigil_dead_letters_total":
                reading.dead_letters[labels["reason"]] += int(value)
            case "vigil_alert_transitions_total":
                reading.transitions[labels["state"]] += int(value)
            case "process_resident_memory_bytes":
                reading.memory_bytes = int(value)
            case (
                "vigil_response_goal_seconds"
                | "vigil_response_within_goal_ratio"
                | "vigil_response_seconds_count"
            ):
                key = (labels["agency"], labels["kpi"], labels["over"], labels["priority"])
                intervals.setdefault(key, {})[name.removeprefix("vigil_response_")] = value
    reading.kpis = _kpis(intervals)
    return reading


def _kpis(intervals: Mapping[tuple[str, ...], Mapping[str, float]]) -> list[Kpi]:
    """Those that have a goal, priorities with the same goal added up."""
    found: dict[tuple[str, str, str, float], list[int]] = {}
    for (agency, kpi, over, _), said in intervals.items():
        if said.keys() >= {"goal_seconds", "within_goal_ratio", "seconds_count"}:
            sums = found.setdefault((agency, kpi, over, said["goal_seconds"]), [0, 0])
            count = int(said["seconds_count"])
            sums[0] += round(said["within_goal_ratio"] * count)
            sums[1] += count
    return [Kpi(*names, within, of) for names, (within, of) in sorted(found.items())]


def read_metrics(url: str) -> Reading | None:
    """Ask; None while nothing answers. Blocks, so it belongs into a thread."""
    try:
        with _open(url, timeout=PATIENCE_S) as answer:
            return read_page(answer.read().decode())
    except (URLError, HTTPException, OSError):
        return None
