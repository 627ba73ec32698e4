"""Run the benchmarks: `python -m bench [--cases REGEX] [--runs N]`."""

import argparse
import re
import sys
import tempfile
from pathlib import Path

from bench.cases import CASES, Bench
from bench.deployed import Measured
from bench.report import RESULTS, compared, kept, shown, summary
from tests.kafka.broker import KafkaUnavailable, kafka_cluster


def main() -> int:
    """Measure, print, compare with the last committed result, keep."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--cases", default="", help="only cases whose names match one of these, with commas")
    parser.add_argument("--runs", type=int, default=3, help="interleaved runs of each (default: 3)")
    parser.add_argument("--events", type=int, default=200_000, help="messages of a log (default: 200000)")
    parser.add_argument("--keep", type=Path, default=RESULTS, help="where results go")
    chosen = parser.parse_args()
    patterns = [re.compile(word) for word in chosen.cases.split(",") if word]
    names = [name for name in CASES if not patterns or any(each.search(name) for each in patterns)]
    if not names:
        print(f"no case matches {chosen.cases!r}; there are {', '.join(CASES)}", file=sys.stderr)
        return 2
    runs: dict[str, list[Measured]] = {name: [] for name in names}
    try:
        with (
            tempfile.TemporaryDirectory(prefix="vigil-bench-") as folder,
            kafka_cluster(heap="1g") as cluster,
        ):
            bench = Bench(cluster.bootstrap, Path(folder), chosen.events)
            for number in range(chosen.runs):
                for name in names:
                    measured = CASES[name](bench)
                    runs[name].append(measured)
                    print(f"{number + 1}/{chosen.runs} {name}: {shown(measured)}", flush=True)
    except KafkaUnavailable as lack:
        print(lack, file=sys.stderr)
        return 1
    results = summary(runs)
    compared(results)
    kept(results, chosen.keep)
    return 0


if __name__ == "__main__":
    sys.exit(main())
