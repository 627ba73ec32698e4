"""Alerts are the same whoever sends them: crashes, zombies and take-overs from snapshots change no record."""

import random
from dataclasses import replace

import pytest

from schemas.codec import encode_event, from_json
from schemas.events import AlertAck, Entry, Heartbeat, Incident
from schemas.vocabulary import Verdict
from streams.core.ack_fold import AckFold, AckRules
from streams.core.alert_book import AlertBook
from streams.core.detection import SurgeDetector
from streams.core.episodes import DAY_MS, Policy
from streams.core.incident_fold import IncidentFold
from streams.core.rule_terms import Rule
from streams.core.rules import RuleDetector
from streams.core.scores import Score
from streams.core.source_fold import IntakeRules, Source
from streams.core.watch_fold import WatchFold
from tests.cluster import Cluster, plain_watch_rules, timeline_of
from tests.worlds import CITY, Shape, random_world

RULES = (
    Rule("many-burglaries", "burglary", 2, 60),
    Rule("anything", "*", 4, 15),
)
TIMELINE = timeline_of(CITY)
WATCH = replace(
    plain_watch_rules(TIMELINE),
    detectors=lambda _: [SurgeDetector(), RuleDetector(RULES)],
    alerts=lambda name: AlertBook(name, Policy()),
)


def told(records: list[dict[str, object]]) -> dict[tuple[object, object], dict[str, object]]:
    """(alert, revision) → record; two contents under one revision fail."""
    found: dict[tuple[object, object], dict[str, object]] = {}
    for record in records:
        key = (record["alert_id"], record["revision"])
        assert found.setdefault(key, record) == record
    return found


@pytest.mark.parametrize(
    "seed", [0, 1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 8))]
)
def test_owners_that_crash_pause_and_take_over_send_the_alerts_of_one_that_never_did(seed: int) -> None:
    world = random_world(seed, CITY, Shape(messages=500, incidents=40))
    intake = IntakeRules(TIMELINE)
    cluster = Cluster(world, random.Random(seed), lambda _: intake, WATCH, crash_share=0.15, largest_batch=12)
    cluster.run()
    undisturbed = WatchFold(0, WATCH)
    records = [
        from_json(sent.value or b"")
        for entry in cluster.cells
        for sent in undisturbed.step([entry]).emissions
        if sent.topic == "alerts"
    ]
    assert told(cluster.records("alerts")) == told(records)
    assert cluster.crashes > 3


def run_story(watch: WatchFold, cells: list[Entry]) -> list[dict[str, object]]:
    """The alert records of a watch fold, message by message."""
    sent = [out for entry in cells for out in watch.step([entry]).emissions]
    return [from_json(out.value or b"") for out in sent if out.topic == "alerts"]


def cells_of(*steps: list[object]) -> list[Entry]:
    """Everything that a few intake steps send to `cells`."""
    return [
        Entry(offset, 0, out.key, out.value)
        for offset, out in enumerate(out for step in steps for out in step if out.topic == "cells")  # type: ignore[attr-defined]
    ]


def test_an_answer_is_shown_by_the_next_revision_of_its_alert() -> None:
    start = 1_772_323_200_000
    events = [
        Incident(f"i{n}", "city", start + n * 1000, crime_type="burglary", zone="A1", reported_at=start)
        for n in range(3)
    ]
    log = [Entry(n, e.updated_at, e.incident_id.encode(), encode_event(e)) for n, e in enumerate(events)]
    beat = Heartbeat("city", start + 180_000)
    log.append(Entry(3, beat.heartbeat_at, None, encode_event(beat)))
    intake = IncidentFold(Source("incidents", 0, 1), IntakeRules(TIMELINE))
    counted = intake.step(log).emissions
    (raised,) = run_story(WatchFold(0, WATCH), cells_of(counted))[:1]
    assert raised["state"] == "raised"

    ack = AlertAck(str(raised["alert_id"]), Verdict.CONFIRMED, "desk 4", start + 200_000)
    acks = AckFold(Source("alert-acks", 0, 1), AckRules())
    answered = acks.step([Entry(0, ack.at, ack.alert_id.encode(), encode_event(ack))]).emissions
    *_, last = run_story(WatchFold(0, WATCH), cells_of(counted, answered))
    assert (last["alert_id"], last["verdict"], last["acknowledged_by"]) == (
        raised["alert_id"],
        "confirmed",
        "desk 4",
    )
    assert last["revision"] > raised["revision"]


def test_precision_is_the_share_of_the_confirmed_among_alerts_with_a_verdict() -> None:
    start = 1_772_323_200_000
    events = [
        Incident(f"{zone}{n}", "city", start + n * 1000, crime_type="burglary", zone=zone, reported_at=start)
        for zone in ("A1", "B1", "C1")
        for n in range(3)
    ]
    log = [Entry(n, e.updated_at, e.incident_id.encode(), encode_event(e)) for n, e in enumerate(events)]
    beat = Heartbeat("city", start + 180_000)
    log.append(Entry(len(log), beat.heartbeat_at, None, encode_event(beat)))
    counted = IncidentFold(Source("incidents", 0, 1), IntakeRules(TIMELINE)).step(log).emissions
    raised = run_story(WatchFold(0, WATCH), cells_of(counted))
    first, second = [str(each["alert_id"]) for each in raised if each["crime_type"] == "burglary"][:2]
    acks = AckFold(Source("alert-acks", 0, 1), AckRules())
    watch, told = WatchFold(0, WATCH), []
    answers = [
        acks.step(
            [Entry(n, start, alert_id.encode(), encode_event(AlertAck(alert_id, verdict, "desk", start + n)))]
        )
        for n, (alert_id, verdict) in enumerate(
            [
                (first, Verdict.ACKNOWLEDGED),
                (first, Verdict.CONFIRMED),
                (second, Verdict.FALSE_ALARM),
                ("of another city", Verdict.CONFIRMED),
            ]
        )
    ]
    for entry in cells_of(counted, *(answer.emissions for answer in answers)):
        sent = [out for out in watch.step([entry]).emissions if out.topic == "kpis"]
        told += [from_json(out.value or b"") for out in sent]
    alerts = len({each["alert_id"] for each in raised})
    assert [(k["count"], k["within"], k.get("value"), k["left_out"]) for k in told] == [
        (0, 0, None, alerts),
        (1, 1, 1.0, alerts - 1),
        (2, 1, 0.5, alerts - 2),
    ]
    assert {(k["kpi"], k["agency"], k["priority"], k["over"]) for k in told} == {
        ("alert_precision", "*", "*", "7d")
    }
    assert sorted({k["revision"] for k in told}) == [k["revision"] for k in told]
    (city,) = watch.cities.values()
    assert city.alerting.verdicts() == {"confirmed": 1, "false_alarm": 1, "none": alerts - 2}


def test_alerts_raised_more_than_a_week_ago_count_in_no_precision() -> None:
    book = AlertBook("city", Policy())
    score = Score("d", ("A1",), "burglary", 60, 5, 1.0, 9.0, 2.0)
    book.tick(DAY_MS, [score], 1)
    assert book.verdicts(DAY_MS) == {"none": 1}
    assert book.verdicts(DAY_MS + 1) == {}


def test_what_is_no_answer_becomes_a_dead_letter() -> None:
    acks = AckFold(Source("alert-acks", 0, 1), AckRules())
    value = b'{"alert_id":"a","verdict":"maybe","by":"desk","at":1772323200000}'
    (letter,) = acks.step([Entry(0, 1_772_323_200_000, b"a", value)]).emissions
    headers = dict(letter.headers)
    assert letter.topic == "dead-letters"
    assert headers["vigil-reason"] == b"unknown_word"
    assert headers["vigil-message"] == (
        b"verdict: invalid enum value 'maybe'; use one of acknowledged, confirmed, false_alarm"
    )


def test_an_answer_under_another_key_becomes_a_dead_letter() -> None:
    acks = AckFold(Source("alert-acks", 0, 1), AckRules())
    value = b'{"alert_id":"a","verdict":"confirmed","by":"desk","at":1772323200000}'
    (letter,) = acks.step([Entry(0, 1_772_323_200_000, None, value)]).emissions
    assert dict(letter.headers)["vigil-message"] == (
        b"key: null is not the alert_id 'a'; use the alert_id as the record's key"
    )


@pytest.mark.parametrize(
    "value", [b"", b"[]", b"nonsense", b'{"topic":"incidents","partition":0}', b'{"topic":[],"partition":0}']
)
def test_a_record_of_cells_that_is_not_ours_becomes_a_dead_letter(value: bytes) -> None:
    (letter,) = WatchFold(0, WATCH).step([Entry(0, 0, b"k", value)]).emissions
    assert letter.topic == "dead-letters"
    assert letter.value == value
    assert dict(letter.headers)["vigil-message"] == (
        b"value: not a partial of ours; only workers may write to this topic"
    )


def test_a_snapshot_of_another_release_is_put_aside_and_detection_begins_anew() -> None:
    state = {"version": -1}
    said = {
        "position": 0,
        "start": 0,
        "day": 0,
        "untold": [],
        "detectors": {"RuleDetector": state},
        "alerts": state,
    }
    start = 1_772_323_200_000
    events = [
        Incident(f"i{n}", "city", start + n, crime_type="burglary", zone="A1", reported_at=start)
        for n in range(3)
    ]
    log = [Entry(n, e.updated_at, e.incident_id.encode(), encode_event(e)) for n, e in enumerate(events)]
    beat = Heartbeat("city", start + 180_000)
    log.append(Entry(3, beat.heartbeat_at, None, encode_event(beat)))
    counted = IncidentFold(Source("incidents", 0, 1), IntakeRules(TIMELINE)).step(log).emissions
    assert run_story(WatchFold(0, WATCH, {"city": said}), cells_of(counted))[0]["state"] == "raised"
