"""The benchmark's own parts: what it generates, and how it judges."""

import json

import pytest

from bench.cases import CASES
from bench.deployed import Measured
from bench.logs import JURISDICTION, MINUTE_MS, Log, corrected, dispatches_of, new_incidents
from bench.plain_reading import (
    WrongResult,
    counts,
    counts_of,
    intervals_of,
    measured_intervals,
    must_equal,
    partials,
    standing,
    window_counts,
)
from bench.report import RESULTS, WHAT, markdown, ratio, summary
from schemas.codec import encode_event, from_json
from schemas.events import Entry, Heartbeat
from streams.core.dispatch_fold import DispatchFold
from streams.core.incident_fold import IncidentFold
from streams.core.source_fold import IntakeRules, Source
from streams.local_run import LocalRun
from streams.settings.loading import load
from streams.stages import Stages
from tests.cluster import timeline_of
from tests.kafka.deployment import PRODUCTION

END_MS = 1_700_000_000_000
FOLDS = {"incidents": IncidentFold, "dispatches": DispatchFold}


def folded(log: Log) -> list[object]:
    """The messages of `cells` that a log leads to."""
    rules = IntakeRules(timeline_of(PRODUCTION), kpi_bounds_s=(60.0, 240.0))
    found = []
    for (topic, number), records in log.records.items():
        fold = FOLDS[topic](Source(topic, number, log.partitions), rules)
        entries = [Entry(at, record.at, record.key, record.value) for at, record in enumerate(records)]
        step = fold.step(entries)
        assert step.tallies == {"accepted": len(entries)}
        found += [from_json(out.value or b"") for out in step.emissions if out.topic == "cells"]
    return found


def test_same_seed_gives_the_same_log() -> None:
    assert Log(new_incidents(50, END_MS)).records == Log(new_incidents(50, END_MS)).records


def test_plain_reading_of_a_log_is_what_the_folds_say() -> None:
    incidents = new_incidents(600, END_MS)
    log = Log(corrected(incidents), dispatches_of(incidents))
    nets = partials(folded(log))
    assert counts_of(nets) == counts(log.incidents)
    assert intervals_of(nets) == measured_intervals(log.dispatches)
    assert sum(counts(log.incidents).values()) == 400, "a third of the corrections cancel"


def test_a_result_that_differs_is_refused() -> None:
    with pytest.raises(WrongResult, match="counts: 1 of 2 differ: b: 3 for 2"):
        must_equal("counts", {"a": 1, "b": 3}, {"a": 1, "b": 2})


def test_ratio_is_to_plain_faust_in_the_same_run() -> None:
    results = summary(
        {"plain": [Measured(10, 1.0, 300.0, 60.0)] * 3, "fast": [Measured(10, 1.0, 10.0, 60.0)]}
    )
    assert ratio(results, "fast") == 30.0
    assert ratio(summary({"fast": [Measured(10, 1.0, 10.0, 60.0)]}), "fast") is None


def test_plain_reading_of_window_counts_is_what_a_local_run_says() -> None:
    incidents = [said._replace(updated_at=said.reported_at) for said in new_incidents(300, END_MS)]
    run, said, greatest = LocalRun(Stages(load(None, {}))), [], max(each.updated_at for each in incidents)
    records = Log(incidents, partitions=1).records["incidents", 0]
    beat = encode_event(Heartbeat(JURISDICTION, greatest + 900_000))
    feed = [("incidents", key, value, at) for key, value, at in records]
    for outgoing in run.feed([*feed, ("incidents", None, beat, greatest + 900_000)]):
        if outgoing.topic == "window-counts":
            said.append(from_json(outgoing.value or b""))
    until = (greatest + 900_000 - 60_000) // MINUTE_MS
    must_equal("window counts", standing(said), window_counts(incidents, until))
    assert len(said) > 300


def test_table_of_the_readme_is_that_of_the_kept_results() -> None:
    readme = (RESULTS.parent.parent / "README.md").read_text()
    table = readme.split("made by `python -m bench.report` -->\n")[1].split("<!-- end of benchmarks -->")[0]
    assert table == markdown(json.loads(RESULTS.read_text())) + "\n", "run: python -m bench.report"


def test_every_case_says_what_it_is() -> None:
    assert list(WHAT) == list(CASES)
