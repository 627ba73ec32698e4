"""How a detector did on the weekly design: outbreaks found and F1 at thresholds for a rate of false positives."""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from bench.simulated_weeks import Spans
from streams.backtest.design_scores import WeeklyScore

RATES = (0.005, 0.01, 0.02)


class Figures(NamedTuple):
    """What came of one threshold."""

    rate: float  # alarms per week without the outbreak
    found: float  # share of outbreaks with an alarm
    error: float  # its standard error
    f1: float  # over weeks


def read_spans(outbreaks: Path) -> Spans:
    """The outbreaks of the benchmark's file."""
    with outbreaks.open() as file:
        return {
            (row["scenario"], row["rep"]): (int(row["start"]), int(row["end"]))
            for row in csv.DictReader(file)
        }


def weekly_figures(spans: Spans, scores: Sequence[WeeklyScore]) -> Iterator[Figures]:
    """Figures for each of `RATES`."""
    inside = np.array([spans[s.name][0] <= s.week <= spans[s.name][1] for s in scores])
    without = np.array([s.without for s in scores])
    struck = np.array([s.with_outbreak for s in scores])
    names = {name: i for i, name in enumerate(dict.fromkeys(s.name for s in scores))}
    series = np.array([names[s.name] for s in scores])
    for rate in RATES:
        threshold = np.quantile(without, 1 - rate, method="higher")
        alarm = struck > threshold
        hit = np.zeros(len(names), bool)
        hit[series[alarm & inside]] = True
        found = float(hit[np.unique(series[inside])].mean())
        true = float((alarm & inside).sum())
        f1 = 2 * true / max(1.0, float(alarm.sum() + inside.sum()))
        error = (found * (1 - found) / len(np.unique(series[inside]))) ** 0.5
        yield Figures(float((without > threshold).mean()), found, error, f1)
