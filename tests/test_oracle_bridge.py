"""The oracle's fast truth is its slow definition, and the bridge tells it the right things."""

import random
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings

from schemas.emissions import LateEvent, WindowCounts
from schemas.events import Heartbeat, Incident
from schemas.vocabulary import IncidentStatus
from tests import oracle_bridge as bridge
from tests.oracle_bridge import Accepted, Counting, Rules, load_oracle
from tests.worlds import SHORT, Shape, World, random_world, worlds

SMALL = Shape(partitions=2, incidents=4, messages=50)
BY_OCCURRENCE = ("occurred_at", "reported_at")


def judged(world: World) -> tuple[list[Any], dict[bridge.Cell, dict[int, dict[str, int]]]]:
    """The oracle's messages of a world, and the truth about it."""
    accepted = world.accepted()
    messages = bridge.messages_of(accepted, bridge.expected_late(accepted, world.counting), world.counting)
    return messages, load_oracle().truth(messages, world.rules.windows, world.rules.pane_ms)


def ticks_of_interest(world: World, messages: list[Any]) -> list[int]:
    """Every tick at which a number can change, the ones around it, and some at random."""
    rules, pane = world.rules, world.rules.pane_ms
    starts = {m.effective_from or rules.tick_after(m.updated_at) for m in messages}
    times = {m.counts_at for m in messages if m.counts_at is not None}
    edges = {rules.tick_after(at + width) for at in times for width in (0, *rules.windows.values())}
    exact = starts | edges
    around = sorted(tick + nudge for tick in exact for nudge in (-pane, 0, pane))
    return sorted(set(random.Random(0).sample(around, min(60, len(around)))))


def assert_truth_is_count(world: World) -> None:
    """The definition, word for word, at each of these ticks, for every cell."""
    messages, truth = judged(world)
    cells = set(truth) | {("city0", "A1", "burglary"), ("city1", "unknown", "other")}
    for tick in ticks_of_interest(world, messages):
        for cell in cells:
            known = [at for at in truth.get(cell, {}) if at <= tick]
            fast = truth[cell][max(known)] if known else dict.fromkeys(world.rules.windows, 0)
            slow = {
                name: load_oracle().count(messages, cell, tick, width)
                for name, width in world.rules.windows.items()
            }
            assert fast == slow, (cell, tick)


@settings(max_examples=25, deadline=None)
@given(worlds(SHORT, SMALL))
def test_truth_equals_count_at_every_tick(world: World) -> None:
    assert_truth_is_count(world)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("counts_by", [("reported_at",), BY_OCCURRENCE], ids=["reported", "occurred"])
def test_truth_equals_count_in_seeded_worlds(seed: int, counts_by: tuple[str, ...]) -> None:
    shape = Shape(partitions=2, incidents=4, messages=80, counts_by=counts_by)
    assert_truth_is_count(random_world(seed, SHORT, shape))


def place_by_definition(world: World, tick: int) -> Iterator[tuple[bridge.Cell, int]]:
    """(cell, time that counts) of every incident at a tick, from the events themselves, both times merged."""
    oracle, counting = load_oracle(), world.counting
    records: dict[tuple[str, str, int], list[Incident]] = {}
    for heard in bridge.walk(world.accepted(), counting):
        first_tick = heard.effective_from or world.rules.tick_after(heard.event.updated_at)
        if first_tick <= tick:
            key = (heard.event.jurisdiction, heard.event.incident_id, heard.record)
            records.setdefault(key, []).append(heard.event)
    for (jurisdiction, _, _), events in records.items():
        merged: dict[str, Any] = {}
        for name in ("occurred_at", "reported_at", "zone", "crime_type"):
            said = [(e.updated_at, oracle.rank(getattr(e, name)), getattr(e, name)) for e in events]
            merged[name] = max((each for each in said if each[2] is not None), default=(0, 0, None))[2]
        withdrawn = [
            (e.updated_at, bridge.withdrawn_by(e)) for e in events if bridge.withdrawn_by(e) is not None
        ]
        counts_at = next((merged[name] for name in counting.counts_by if merged[name] is not None), None)
        if counts_at is not None and not max(withdrawn, default=(0, False))[1]:
            yield (jurisdiction, merged["zone"] or "unknown", merged["crime_type"] or "other"), counts_at


@settings(max_examples=25, deadline=None)
@given(worlds(SHORT, Shape(partitions=2, incidents=3, counts_by=BY_OCCURRENCE)))
def test_a_time_that_is_merged_from_two_fields_reaches_the_oracle_merged(world: World) -> None:
    messages, truth = judged(world)
    for tick in ticks_of_interest(world, messages):
        placed = list(place_by_definition(world, tick))
        for cell, ticks in truth.items():
            known = [at for at in ticks if at <= tick]
            fast = ticks[max(known)] if known else dict.fromkeys(world.rules.windows, 0)
            slow = {
                name: sum(1 for where, at in placed if where == cell and tick - width <= at < tick)
                for name, width in world.rules.windows.items()
            }
            assert fast == slow, (cell, tick)


RULES = Rules(pane_ms=1_000, windows={"5s": 5_000}, out_of_orderness_ms=1_000, lateness_ms=2_000)
T0 = 1_772_000_000_000


def heard(*events: Incident | Heartbeat) -> list[Accepted]:
    """These events, in one partition."""
    return [Accepted("incidents", 0, offset, event) for offset, event in enumerate(events)]


def incident(at: int, **said: Any) -> Incident:
    """A message of incident `i0`, `at` ms after T0."""
    return Incident("i0", "city", T0 + at, **{"zone": "A1", "crime_type": "burglary", **said})


def counts(at: int, number: int, revision: int = 1) -> WindowCounts:
    """A record of the one cell."""
    return WindowCounts("city", "A1", "burglary", T0 + at, {"5s": number}, revision)


def test_exact_records_have_no_differences_whatever_their_form() -> None:
    accepted = heard(incident(500, reported_at=T0 + 500))
    as_dict = {
        "jurisdiction": "city",
        "zone": "A1",
        "crime_type": "burglary",
        "counts": {"5s": 0},
        "revision": 9,
    }
    at = "2026-02-25T06:13:26.000Z"  # T0 + 6 s
    assert bridge.differences(accepted, [], [counts(1_000, 1), {**as_dict, "at": at}], Counting(RULES)) == []


def test_a_missing_and_a_stale_record_are_differences() -> None:
    accepted = heard(incident(500, reported_at=T0 + 500))
    cell = ("city", "A1", "burglary")
    missing = [(cell, T0 + 1_000, {"5s": 0}, {"5s": 1})]
    assert bridge.differences(accepted, [], [], Counting(RULES)) == missing
    stale = [(cell, T0 + 6_000, {"5s": 1}, {"5s": 0})]
    assert bridge.differences(accepted, [], [counts(1_000, 1)], Counting(RULES)) == stale
    assert bridge.differences(accepted, [], [counts(1_000, 1)], Counting(RULES), until=T0 + 5_000) == []


def test_an_announced_message_is_known_from_the_announced_tick() -> None:
    accepted = heard(Heartbeat("city", T0 + 9_500), incident(500, reported_at=T0 + 5_500))
    late = LateEvent("city", "i0", "incidents", 0, 1, T0 + 500, 6_500, T0 + 7_000, changed=True)
    assert bridge.expected_late(accepted, Counting(RULES)) == {("incidents", 0, 1): T0 + 7_000}
    records = [counts(7_000, 1), counts(11_000, 0)]
    assert bridge.differences(accepted, [late], records, Counting(RULES)) == []
    assert bridge.differences(accepted, [], records, Counting(RULES)) != []


def test_a_record_that_ended_goes_on_as_a_new_incident() -> None:
    """Last known from tick 1, out of the window at tick 6; at 10 s the oldest open tick is 8: the zone is forgotten."""
    first, again = incident(500, reported_at=T0 + 500), incident(10_500, reported_at=T0 + 10_500, zone=None)
    records = [
        record.record
        for record in bridge.walk(heard(first, Heartbeat("city", T0 + 10_000), again), Counting(RULES))
    ]
    assert records == [0, 1]
    records = [
        record.record
        for record in bridge.walk(heard(first, Heartbeat("city", T0 + 8_000), again), Counting(RULES))
    ]
    assert records == [0, 0]


@pytest.mark.parametrize(
    "said, withdrawn",
    [
        ({}, None),
        ({"status": IncidentStatus.CLOSED}, None),
        ({"status": IncidentStatus.UNFOUNDED}, True),
        ({"status": IncidentStatus.ACTIVE}, False),
        ({"status": IncidentStatus.ACTIVE, "exercise": True}, True),
        ({"exercise": False}, None),
    ],
    ids=str,
)
def test_what_takes_an_incident_out(said: dict[str, Any], withdrawn: bool | None) -> None:
    assert bridge.withdrawn_by(incident(0, **said)) is withdrawn


def test_an_announcement_for_two_ticks_is_refused() -> None:
    late = {"topic": "incidents", "partition": 0, "offset": 1, "effective_from": T0}
    with pytest.raises(AssertionError, match="announced for two ticks"):
        bridge.announced([late, {**late, "effective_from": T0 + 1_000}])


def test_a_missing_oracle_skips_and_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setenv("VIGIL_SHARED", str(tmp_path))
    with pytest.raises(pytest.skip.Exception, match="set VIGIL_SHARED"):
        load_oracle.__wrapped__()
