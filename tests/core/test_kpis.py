"""Compliance follows the bucket cells from tick to tick, and never drifts from what all cells add up to."""

import json
import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from schemas.codec import encode_event, from_json
from schemas.events import Dispatch, Entry, Heartbeat
from schemas.vocabulary import ANY, Agency, UnitStatus
from streams.core.alert_book import AlertBook
from streams.core.dispatch_fold import DispatchFold
from streams.core.kpis import Compliance, Target
from streams.core.source_fold import IntakeRules, Source
from streams.core.timeline import Timeline
from streams.core.watch_fold import WatchFold, WatchRules
from streams.core.windows import Cell, Numbers
from streams.settings import load
from streams.stages import Stages

MINUTE = 60_000
START = 1_700_000_000_000 // MINUTE * MINUTE
WINDOWS = {"5m": 5 * MINUTE, "20m": 20 * MINUTE}
BOUNDS_S = (60.0, 120.0, 300.0)
TARGETS = (Target("turnout", 120.0), Target("response", 300.0, "fire", "1"))
TIMELINE = Timeline(MINUTE, WINDOWS, MINUTE, 10 * MINUTE)


def compliance() -> Compliance:
    return Compliance("sf", tuple(WINDOWS), BOUNDS_S, TARGETS)


def calls(seed: int, messages: int = 150) -> Iterator[Entry]:
    """Facts of a few calls in any order: late ones, repeated ones, corrected ones, and silences."""
    rng = random.Random(seed)
    clock = START
    for offset in range(messages):
        clock += rng.choice((0, 1_000, 30_000, MINUTE, 3 * MINUTE, 40 * MINUTE))
        updated_at = clock - rng.choice((0, 0, 0, MINUTE, 4 * MINUTE, 9 * MINUTE, 30 * MINUTE))
        at = updated_at - rng.choice((0, 5_000, MINUTE, 7 * MINUTE, -1_000))
        event = Dispatch(
            incident_id := f"c{rng.randrange(6)}",
            "sf",
            rng.choice(("E1", "M2")),
            rng.choice((Agency.FIRE, Agency.EMS)),
            rng.choice(tuple(UnitStatus)),
            at,
            updated_at,
            rng.choice((None, at - 30_000, at - 4 * MINUTE)),
            rng.choice((None, "1", "2", ANY)),
        )
        yield Entry(offset, clock, incident_id.encode(), encode_event(event))
    yield Entry(messages, clock, None, encode_event(Heartbeat("sf", clock + MINUTE)))


@pytest.mark.parametrize("seed", range(25))
def test_the_last_record_of_every_measure_says_what_all_its_cells_add_up_to(seed: int) -> None:
    intake = DispatchFold(Source("dispatches", 0, 1), IntakeRules(TIMELINE, kpi_bounds_s=BOUNDS_S))
    rules = WatchRules(TIMELINE, TIMELINE, lambda _: [], AlertBook, lambda _: compliance())
    watch = WatchFold(0, rules)
    said: dict[tuple[str, ...], dict[str, Any]] = {}
    rng, log, cells = random.Random(seed), list(calls(seed)), 0
    while log:
        size = rng.randint(1, 12)
        batch, log = log[:size], log[size:]
        for outgoing in intake.step(batch).emissions:
            if outgoing.topic != "cells":
                continue
            entry = Entry(cells, 0, outgoing.key, outgoing.value)
            cells += 1
            for record in watch.step([entry]).emissions:
                kpi = from_json(record.value or b"")
                measure = tuple(kpi[name] for name in ("agency", "priority", "kpi", "over"))
                said[measure] = max(said.get(measure, kpi), kpi, key=lambda r: (r["at"], r["revision"]))
    city = watch.cities["sf"]
    board = city.boards["dispatches"]
    assert board.published is not None
    fresh = list(city.kpis.measure(0, 0, list(board.series), board.numbers))
    assert said
    for now in fresh:
        told = said.get((now.agency, now.priority, now.kpi, now.over))
        if told is None:
            assert (now.count, now.left_out) == (0, 0)
            continue
        for name in ("count", "within", "threshold_s", "value", "mean_s", "left_out"):
            assert told.get(name) == getattr(now, name), (now, told)


def followed(compared: Compliance, at: int, changed: list[tuple[Cell, Numbers]]) -> list[str]:
    return [json.dumps([v.priority, v.over, v.count, v.within]) for v in compared.follow(at, 1, changed)]


def test_only_windows_of_which_a_sum_changed_are_said_again() -> None:
    compared = compliance()
    cell = ("fire", "1", "turnout", "60")
    assert followed(compared, 1, [(cell, (1, 1))]) == [
        '["*", "5m", 1, 1]',
        '["*", "20m", 1, 1]',
        '["1", "5m", 1, 1]',
        '["1", "20m", 1, 1]',
    ]
    assert followed(compared, 2, [(cell, (0, 1))]) == ['["*", "5m", 0, 0]', '["1", "5m", 0, 0]']
    assert followed(compared, 3, [(cell, (0, 0))]) == ['["*", "20m", 0, 0]', '["1", "20m", 0, 0]']


def test_intervals_beyond_all_bounds_count_and_are_not_within() -> None:
    cells: list[tuple[Cell, Numbers]] = [(("fire", "1", "turnout", "inf"), (2, 2))]
    assert followed(compliance(), 1, cells)[0] == '["*", "5m", 2, 0]'


def test_a_bucket_that_is_no_longer_made_counts_nothing() -> None:
    assert followed(compliance(), 1, [(("fire", "1", "turnout", "75"), (2, 2))]) == []


def test_intervals_that_were_left_out_are_counted_as_such() -> None:
    values = list(compliance().follow(1, 1, [(("fire", "1", "turnout", "missing"), (2, 2))]))
    assert [(value.count, value.left_out, value.value, value.mean_s) for value in values] == [
        (0, 2, None, None)
    ] * 4


def kpis_of(log: list[Entry], rules: IntakeRules, watch: WatchFold) -> dict[tuple[str, ...], dict[str, Any]]:
    """Measure → its last record, of one partition whose batches are of one message each."""
    intake, cells = DispatchFold(Source("dispatches", 0, 1), rules), 0
    said: dict[tuple[str, ...], dict[str, Any]] = {}
    for entry in log:
        for outgoing in intake.step([entry]).emissions:
            for record in watch.step([Entry(cells, 0, outgoing.key, outgoing.value)]).emissions:
                kpi = from_json(record.value or b"")
                said[tuple(kpi[name] for name in ("agency", "priority", "kpi", "over"))] = kpi
            cells += 1
    return said


def test_a_call_that_lasts_longer_than_every_window_of_counts_is_measured_whole() -> None:
    counts = Timeline(MINUTE, {"5m": 5 * MINUTE}, 0, MINUTE)
    kpi_windows = {"1h": 60 * MINUTE, "7d": 7 * 24 * 60 * MINUTE}
    rules = IntakeRules(counts, kpi_bounds_s=(60.0, 3600.0), kpi_windows=kpi_windows)
    judged = Compliance("sf", tuple(kpi_windows), (60.0, 3600.0), ())
    watched = WatchRules(
        counts, replace(counts, windows=kpi_windows), lambda _: [], AlertBook, lambda _: judged
    )
    facts = [(UnitStatus.DISPATCHED, 0), (UnitStatus.EN_ROUTE, 1), (UnitStatus.AVAILABLE, 55)]
    events = [
        Dispatch("c1", "sf", "E1", Agency.FIRE, status, START + m * MINUTE, START + m * MINUTE)
        for status, m in facts
    ]
    events.append(
        replace(events[0], at=START + 2_000, updated_at=START + 57 * MINUTE)
    )  # put right an hour later
    log = [Entry(n, e.updated_at, b"c1", encode_event(e)) for n, e in enumerate(events)]
    log.append(Entry(4, START + 58 * MINUTE, None, encode_event(Heartbeat("sf", START + 58 * MINUTE))))
    said = kpis_of(log, rules, WatchFold(0, watched))
    for over in kpi_windows:
        committed, turnout = said["fire", "*", "committed", over], said["fire", "*", "turnout", over]
        assert (committed["count"], committed["left_out"], committed["mean_s"]) == (1, 0, 55 * 60 - 2)
        assert (turnout["count"], turnout["left_out"], turnout["mean_s"]) == (1, 0, 58)


def test_the_configured_stages_keep_calls_for_the_windows_of_their_intervals() -> None:
    stages = Stages(load(environ={"VIGIL_COUNTING_WINDOWS": "15m"}))
    intake = stages.intake(cells_partitions=1)
    assert intake.timeline.longest == 15
    assert intake.dispatch_timeline.longest == stages.kpi_timeline.longest == 7 * 24 * 60
