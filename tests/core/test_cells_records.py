"""A record of `cells` of which anything has another type becomes a dead letter, and Watch goes on."""

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest

from schemas.codec import encode_event
from schemas.events import AlertAck, Dispatch, Entry, Incident
from schemas.partials import read_partials
from schemas.vocabulary import Agency, UnitStatus, Verdict
from streams.core.ack_fold import AckFold, AckRules
from streams.core.alert_book import AlertBook
from streams.core.dispatch_fold import DispatchFold
from streams.core.fold import Fold
from streams.core.incident_fold import IncidentFold
from streams.core.kpis import Compliance
from streams.core.source_fold import IntakeRules, Source
from streams.core.watch_fold import WatchFold, WatchRules
from tests.cluster import timeline_of
from tests.worlds import CITY

START = 1_772_323_200_000
TIMELINE = timeline_of(CITY)
RULES = IntakeRules(TIMELINE, kpi_bounds_s=(60.0,))
OTHERS = (None, "x", -1, 10**30, 1.5, True, [], {}, [[]], ["x", "y", "z"])


def watch() -> WatchFold:
    kpis = Compliance("sf", tuple(CITY.windows), (60.0,), ())
    return WatchFold(0, WatchRules(TIMELINE, TIMELINE, lambda _: [], AlertBook, lambda _: kpis))


def said_by(fold: Fold, key: str, event: Any) -> dict[str, Any]:
    """The message of `cells` that an event leads to."""
    (cells,) = fold.step([Entry(0, START + 60_000, key.encode(), encode_event(event))]).emissions
    found: dict[str, Any] = json.loads(cells.value or b"")
    return found


MESSAGES = {
    "incidents": said_by(
        IncidentFold(Source("incidents", 0, 1), RULES),
        "i1",
        Incident("i1", "sf", START, crime_type="burglary", zone="A1", reported_at=START),
    ),
    "dispatches": said_by(
        DispatchFold(Source("dispatches", 0, 1), RULES),
        "i1",
        Dispatch("i1", "sf", "E1", Agency.FIRE, UnitStatus.EN_ROUTE, START, START),
    ),
    "alert-acks": said_by(
        AckFold(Source("alert-acks", 0, 1), AckRules()),
        "a1",
        AlertAck("a1", Verdict.CONFIRMED, "desk", START),
    ),
}


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Paths to everything inside a message."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, below in inside:
        yield (*path, key)
        yield from places(below, (*path, key))


def changed(message: dict[str, Any], path: tuple[Any, ...], other: Any) -> dict[str, Any]:
    """The message with something else at one place."""
    found = copy.deepcopy(message)
    at: Any = found
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = other
    return found


@pytest.mark.parametrize("topic", MESSAGES)
def test_nothing_at_any_place_of_a_message_ends_watch(topic: str) -> None:
    message, dead = MESSAGES[topic], 0
    for path in places(message):
        for other in OTHERS:
            fold = watch()
            value = json.dumps(changed(message, path, other)).encode()
            sent = fold.step([Entry(0, START, b"k", value)]).emissions
            later = {**message, "offset": 7}
            again = fold.step([Entry(1, START, b"k", json.dumps(later).encode())]).emissions
            letters = [out for out in sent if out.topic == "dead-letters"]
            assert all(out.value == value for out in letters)
            assert not [out for out in again if out.topic == "dead-letters"]
            dead += len(letters)
    assert dead > 50


def test_messages_as_they_are_sent_are_ours() -> None:
    for message in MESSAGES.values():
        read = read_partials(json.dumps(message).encode())
        assert read is not None
        assert json.loads(json.dumps(read)) == message


@pytest.mark.parametrize("column", ["cell", "pane", "known", "net", "ids", "cells", "gone"])
def test_columns_are_whole_and_of_one_length(column: str) -> None:
    message = copy.deepcopy(MESSAGES["incidents"])
    del message["cities"][0][column]
    assert read_partials(json.dumps(message).encode()) is None
    if column not in ("cells", "gone"):
        longer = copy.deepcopy(MESSAGES["incidents"])
        longer["cities"][0][column] *= 2
        assert read_partials(json.dumps(longer).encode()) is None


def test_a_row_names_a_cell_that_is_there_and_a_partition_is_one_of_those_there_are() -> None:
    assert (
        read_partials(json.dumps(changed(MESSAGES["incidents"], ("cities", 0, "cell", 0), 1)).encode())
        is None
    )
    assert read_partials(json.dumps(changed(MESSAGES["incidents"], ("partition",), 1)).encode()) is None


def test_cells_of_another_topics_kind_are_a_dead_letter() -> None:
    message = changed(MESSAGES["dispatches"], ("topic",), "incidents")
    (letter,) = watch().step([Entry(0, START, b"k", json.dumps(message).encode())]).emissions
    assert letter.topic == "dead-letters"


def test_a_partial_that_is_known_from_long_ago_changes_no_tick_that_is_closed() -> None:
    """Nobody of ours sends it; it would have every tick since then corrected."""
    fold = watch()
    fold.step([Entry(0, START, b"k", json.dumps(MESSAGES["incidents"]).encode())])
    old = changed({**MESSAGES["incidents"], "offset": 7}, ("cities", 0, "known", 0), 0)
    old["cities"][0]["pane"][0] = 0
    sent = fold.step([Entry(1, START, b"k", json.dumps(old).encode())]).emissions
    assert [out for out in sent if out.topic == "window-counts"] == []
