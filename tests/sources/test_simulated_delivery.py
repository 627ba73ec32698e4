"""Simulated messages come late, twice, out of order, broken or not at all, as configured."""

import json
from collections import Counter
from itertools import pairwise
from statistics import mean
from typing import Any

import pytest

from schemas.codec import PERSONAL_FIELDS
from schemas.events import Dispatch, Entry, Heartbeat, Incident
from schemas.vocabulary import Agency
from streams.core.dispatch_fold import DispatchFold
from streams.core.incident_fold import IncidentFold
from streams.core.source_fold import IntakeRules, Source
from streams.core.timeline import Timeline
from streams.sources.simulation.config import HOUR_MS, MINUTE_MS
from streams.sources.simulation.personal import VALUES
from streams.sources.simulator import (
    Config,
    Delivery,
    Silence,
    Simulation,
)
from tests.sources.simulated import (
    PERFECT,
    START_MS,
    short,
)


def test_messages_are_late_repeated_and_out_of_order_as_configured() -> None:
    delivery = Delivery(disorder=0.02, late=0.01, too_late=0.005, repeated=0.03, heartbeat_ms=0)
    messages = list(short(delivery=delivery).events())
    known = [
        (message.at - message.event.updated_at, message.event)
        for message in messages
        if isinstance(message.event, Incident | Dispatch)
    ]
    number = len({event for _, event in known})
    delays = [delay for delay, _ in known]
    assert mean(2 * MINUTE_MS < delay < 31 * MINUTE_MS for delay in delays) == pytest.approx(0.01, abs=0.003)
    assert mean(delay > 65 * MINUTE_MS for delay in delays) == pytest.approx(0.005, abs=0.002)
    assert mean(5_000 < delay < 50_000 for delay in delays) == pytest.approx(0.018, abs=0.005)
    assert len(known) / number - 1 == pytest.approx(0.03, abs=0.006)
    times = [event.updated_at for _, event in known]
    assert any(one > other for one, other in pairwise(times))


def test_heartbeats_go_to_every_partition_of_both_topics() -> None:
    beats = [message for message in short().events() if isinstance(message.event, Heartbeat)]
    assert all(message.key is None for message in beats)
    assert {message.event for message in beats} == {Heartbeat("riverton", message.at) for message in beats}
    for topic in ("incidents", "dispatches"):
        times = [message.at for message in beats if message.topic == topic]
        assert times[0] == START_MS
        assert {other - one for one, other in pairwise(times)} == {30_000}


OUTAGE = (START_MS + 10 * HOUR_MS + 7 * MINUTE_MS, START_MS + 12 * HOUR_MS + 20 * MINUTE_MS)


def test_what_an_outage_holds_back_comes_afterwards_in_its_order() -> None:
    usual = list(short(delivery=PERFECT).events())
    delayed = list(short(delivery=PERFECT, silences=(Silence(*OUTAGE, Agency.POLICE),)).events())
    police = [
        message
        for message in usual
        if message.publisher is Agency.POLICE and OUTAGE[0] <= message.at < OUTAGE[1]
    ]
    assert len(police) > 100
    assert not [m for m in delayed if m.publisher is Agency.POLICE and OUTAGE[0] <= m.at < OUTAGE[1]]
    assert Counter(message.event for message in delayed) == Counter(message.event for message in usual)
    held = {message.event for message in police}
    backlog = [message for message in delayed if message.event in held]
    assert [message.event for message in backlog] == [message.event for message in police]
    assert backlog[-1].at - OUTAGE[1] < 5 * MINUTE_MS
    others = [message for message in usual if message.publisher is not Agency.POLICE]
    assert [message for message in delayed if message.publisher is not Agency.POLICE] == others


def test_a_silence_of_all_publishers_stops_their_heartbeats_and_what_is_lost_never_comes() -> None:
    usual = list(short().events())
    silent = list(short(silences=(Silence(*OUTAGE, lost=True),)).events())
    assert silent == [message for message in usual if not OUTAGE[0] <= message.at < OUTAGE[1]]


def test_outages_are_planned_at_random() -> None:
    simulation = Simulation(Config(days=70, delivery=Delivery(outages_per_week=3)))
    outages = simulation.silences()
    assert len(outages) == pytest.approx(30, abs=16)
    assert all(20 * MINUTE_MS <= outage.end_ms - outage.start_ms <= 120 * MINUTE_MS for outage in outages)
    assert {outage.agency for outage in outages} == {Agency.POLICE, Agency.FIRE, Agency.EMS}


@pytest.mark.parametrize("topic, fold_of", [("incidents", IncidentFold), ("dispatches", DispatchFold)])
def test_broken_messages_are_dead_letters_for_their_own_reason_and_no_others_are(
    topic: str, fold_of: Any
) -> None:
    timeline = Timeline(60_000, {"1h": HOUR_MS}, 60_000, HOUR_MS)
    fold = fold_of(Source(topic, 0, 1), IntakeRules(timeline))
    messages = [
        message for message in short(delivery=Delivery(broken=0.01)).events() if message.topic == topic
    ]
    entries = [Entry(offset, m.at, m.key, m.value()) for offset, m in enumerate(messages)]
    tallies = fold.step(entries).tallies
    broken = Counter(f"dead_letter.{message.flaw}" for message in messages if message.flaw)
    assert len(broken) == 10
    assert {name: number for name, number in tallies.items() if name.startswith("dead_letter")} == broken
    assert tallies["accepted"] + tallies["heartbeats"] + broken.total() == len(messages)


def test_personal_data_is_planted_only_when_asked_for() -> None:
    assert all(message.extras is None for message in short().events())
    planted = [message for message in short(delivery=Delivery(personal=0.2)).events() if message.extras]
    assert len(planted) > 300
    for message in planted[:50]:
        assert message.extras is not None
        assert set(message.extras) <= set(PERSONAL_FIELDS)
        assert set(message.extras.values()) <= VALUES
        assert json.loads(message.value()).items() >= message.extras.items()
