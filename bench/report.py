"""Results as a table and as `bench/results.json`; compared by ratio to plain Faust in the same run."""

import importlib.metadata
import json
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.deployed import Measured
from tests.kafka.broker import KAFKA_VERSION

RESULTS = Path(__file__).parent / "results.json"
YARDSTICK = "plain"
WHAT = {
    "plain": "plain Faust: an agent that counts in a table",
    "replay": "`vigil replay` of 50,000 incidents in 70 days, detection and alerts included, no broker",
    "take-over": "a partition's log of 250,000 messages folded again",
    "path-5000": "incident → window counts, alerts; 5,000 incidents a minute",
    "path-250": "the same, 250 a minute",
    "path-3": "the same, 3 a minute",
    "latency-1000": "live, 1,000 a second, a tick each second",
    "latency-10000": "live, 10,000 a second, a tick each second",
    "intake-new": "intake: 200,000 new incidents",
    "intake-corrections": "intake: each incident corrected once",
    "intake-duplicates": "intake: each message twice",
    "intake-dispatches": "intake: each incident with four dispatches",
}
"""What each case is, for people."""

COMMON = frozenset({"runs", "events", "events_per_s", "cpu_us_per_event", "peak_mb"})
"""What every case has; what else one has is said beside it."""

PACKAGES = ("faust-streaming", "aiokafka", "orjson", "msgspec", "numpy")


def shown(measured: Measured) -> str:
    """One run in words."""
    extra = "".join(f", {name} {value:g}" for name, value in measured.extra.items())
    return (
        f"{measured.events / measured.seconds:,.0f} events/s, {measured.cpu_us:.2f} µs CPU each, "
        f"{measured.peak_mb:.0f} MB{extra}"
    )


def summary(runs: Mapping[str, Sequence[Measured]]) -> dict[str, Any]:
    """Minimum, median and maximum of each case, with the machine and the versions."""
    return {
        "machine": _machine(),
        "versions": _versions(),
        "cases": {name: _case(measured) for name, measured in runs.items() if measured},
    }


def _case(measured: Sequence[Measured]) -> dict[str, Any]:
    return {
        "runs": len(measured),
        "events": measured[0].events,
        "events_per_s": _spread([each.events / each.seconds for each in measured], 0),
        "cpu_us_per_event": _spread([each.cpu_us for each in measured], 2),
        "peak_mb": _spread([each.peak_mb for each in measured], 0),
        **{name: _spread([each.extra[name] for each in measured], 3) for name in measured[0].extra},
    }


def _spread(values: Sequence[float], digits: int) -> list[float]:
    """[minimum, median, maximum]."""
    return [round(value, digits) for value in (min(values), median(values), max(values))]


def _machine() -> dict[str, Any]:
    models = [
        line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")
    ]
    pages = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cpu": models[0].partition(":")[2].strip() if models else platform.machine(),
        "cores": os.cpu_count(),
        "memory_gb": round(pages / 1e9),
        "load_average": [round(load, 1) for load in os.getloadavg()],
    }


def _versions() -> dict[str, str]:
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],
        cwd=RESULTS.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    packages = {name: importlib.metadata.version(name) for name in PACKAGES}
    return {
        "vigil": commit.stdout.strip() or "unknown",
        "python": platform.python_version(),
        "kafka": KAFKA_VERSION,
        **packages,
    }


def ratio(results: Mapping[str, Any], name: str) -> float | None:
    """How many times less CPU an event takes than in plain Faust, medians of the same run."""
    cases = results["cases"]
    if YARDSTICK not in cases or name not in cases:
        return None
    return float(cases[YARDSTICK]["cpu_us_per_event"][1] / cases[name]["cpu_us_per_event"][1])


def compared(results: Mapping[str, Any], against: Path = RESULTS) -> None:
    """Print the table, with the ratio to plain Faust now and in the last committed result."""
    before = json.loads(against.read_text()) if against.exists() else {"cases": {}}
    table = Table(title="min / median / max")
    for column in ("case", "events/s", "CPU µs/event", "peak MB", "× plain Faust", "before", "also"):
        table.add_column(column, justify="left" if column in ("case", "also") else "right")
    for name, case in results["cases"].items():
        now, then = ratio(results, name), ratio(before, name)
        table.add_row(
            name,
            " / ".join(f"{value:,.0f}" for value in case["events_per_s"]),
            " / ".join(f"{value:.2f}" for value in case["cpu_us_per_event"]),
            " / ".join(f"{value:.0f}" for value in case["peak_mb"]),
            f"{now:.1f}" if now else "",
            f"{then:.1f}" if then else "",
            _also(case),
        )
    Console(width=140).print(table)


def markdown(results: Mapping[str, Any]) -> str:
    """The results as a table of the README."""
    lines = [
        "| case | events/s | CPU µs/event | × plain Faust | peak MB | also (medians) |",
        "|---|---|---|---|---|---|",
    ]
    for name, what in WHAT.items():
        case = results["cases"].get(name)
        if case is not None:
            times = ratio(results, name)
            lines.append(
                f"| {what} | {_three(case['events_per_s'], 0)} | {_three(case['cpu_us_per_event'], 1)} "
                f"| {times:.1f} | {_three(case['peak_mb'], 0)} | {_also(case)} |"
            )
    return "\n".join(lines)


def _three(values: Sequence[float], digits: int) -> str:
    return " / ".join(f"{value:,.{digits}f}" for value in values)


def _also(case: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{key.replace('_', ' ')} {value[1]:,.4g}" for key, value in case.items() if key not in COMMON
    )


def kept(results: Mapping[str, Any], where: Path) -> None:
    """Write the results; cases that were not run stay as they were."""
    before = json.loads(where.read_text()) if where.exists() else {"cases": {}}
    if YARDSTICK not in results["cases"] and before["cases"]:
        return  # without the yardstick of the same run there is nothing to compare with later
    merged = {**results, "cases": {**before["cases"], **results["cases"]}}
    where.write_text(json.dumps(merged, indent=1) + "\n")


if __name__ == "__main__":
    print(markdown(json.loads(RESULTS.read_text())))
