"""What a message becomes is read from the folds of production: stories, and random worlds against the batch fold."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings

from schemas.codec import encode_event, from_json, to_json
from schemas.instants import rfc3339
from streams.checking import Becomes, Cell, Checker, Given, Outcome, Place, Summary
from streams.core.incident_fold import IncidentFold
from streams.core.source_fold import IntakeRules, Locality, Source
from streams.core.timeline import Timeline
from tests.cluster import timeline_of
from tests.worlds import CITY, Shape, World, random_world, worlds

HOUR_MS = 3_600_000
NOW_MS = 1_795_500_000_000
RULES = IntakeRules(
    Timeline(60_000, {"1h": HOUR_MS, "24h": 24 * HOUR_MS}, 60_000, HOUR_MS),
    localities={"x": Locality({"459": "burglary"}, lambda lat, lon: "B04" if lat > 0 else None)},
    kpi_bounds_s=(60.0, 360.0),
)


class Story:
    """Messages about one city, one after the other."""

    def __init__(self, rules: IntakeRules = RULES, topic: str = "incidents") -> None:
        self.checker = Checker(rules)
        self.topic = topic
        self.number = 0

    def tell(self, sent_at: int = NOW_MS, key: str | None = "", **said: Any) -> Outcome:
        """A message about incident A (or what `said` says)."""
        self.number += 1
        name = said.setdefault("incident_id", "A") if self.topic != "alert-acks" else said.get("alert_id")
        if "heartbeat_at" in said:
            del said["incident_id"]
        message = {"jurisdiction": "x", **said} if self.topic != "alert-acks" else said
        given_key = (None if key is None else key.encode()) if key != "" else str(name).encode()
        return self.checker.check(
            Given(Place("log", self.number), self.topic, given_key, to_json(message), sent_at)
        )


def at(clock: str) -> str:
    return f"2026-11-23T{clock}:00Z"


def call(story: Story, clock: str = "11:45", **said: Any) -> Outcome:
    """A complete first message."""
    fields = {"reported_at": at(clock), "zone": "B04", "crime_type": "burglary", **said}
    return story.tell(updated_at=at(clock), **fields)


B04 = Cell("B04", "burglary", "2026-11-23T11:45:00.000Z")
NO_ZONE = "no zone: counts in unknown"
B05 = B04._replace(zone="B05")


def test_first_message_is_counted_in_its_cell() -> None:
    said = call(Story())
    assert (said.becomes, said.cell, said.left) == (Becomes.COUNTED, B04, None)
    assert said.known_from == "2026-11-23T11:46:00.000Z"
    assert said.notes == []
    assert said.usable


def test_same_message_again_is_a_duplicate() -> None:
    story = Story()
    call(story)
    said = call(story)
    assert (said.becomes, said.cell) == (Becomes.DUPLICATE, B04)


def test_message_that_moves_no_count_is_unchanged() -> None:
    story = Story()
    call(story)
    assert story.tell(updated_at=at("11:50"), priority="1").becomes is Becomes.UNCHANGED
    assert story.tell(updated_at=at("11:51"), status="closed").becomes is Becomes.UNCHANGED


def test_move_says_both_cells() -> None:
    story = Story()
    call(story)
    said = story.tell(updated_at=at("11:50"), zone="B05")
    assert (said.becomes, said.left, said.cell) == (Becomes.MOVED, B04, B05)


def test_message_that_a_later_one_overtakes_moves_only_earlier_ticks() -> None:
    story = Story()
    call(story)
    story.tell(updated_at=at("11:50"), zone="B05")
    said = story.tell(updated_at=at("11:47"), zone="B06")
    assert (said.becomes, said.cell) == (Becomes.MOVED, B05)
    assert said.notes == ["overtaken: a message known later holds, so only earlier ticks move"]
    assert story.tell(updated_at=at("11:51"), zone="B07").left == B05


def test_incident_whose_old_minute_is_forgotten_stands_where_it_was_put_last() -> None:
    """Two messages of one instant: the second gives a new time, when the first one's minute is out of every window."""
    story = Story()
    story.tell(updated_at="2026-11-23T10:44:59Z", reported_at="2026-11-22T10:44:58Z", crime_type="burglary")
    story.tell(updated_at="2026-11-23T11:45:59Z", zone="B05")
    said = story.tell(updated_at="2026-11-23T11:45:59Z", zone="B05", reported_at="2026-11-23T11:45:59Z")
    assert (said.becomes, said.cell) == (Becomes.MOVED, B05)


def test_cancelled_incident_is_withdrawn_and_a_reopened_one_counted_again() -> None:
    story = Story()
    call(story)
    said = story.tell(updated_at=at("11:50"), status="cancelled")
    assert (said.becomes, said.left, said.cell) == (Becomes.WITHDRAWN, B04, None)
    again = story.tell(updated_at=at("11:55"), status="reopened")
    assert (again.becomes, again.cell) == (Becomes.COUNTED, B04)


@pytest.mark.parametrize(
    "said, why",
    [
        pytest.param({"status": "unfounded"}, "unfounded: it does not count", id="unfounded"),
        pytest.param({"exercise": True}, "exercise", id="exercise"),
        pytest.param(
            {"reported_at": None},
            "no time that counts yet: reported_at was not said",
            id="no time that counts",
        ),
    ],
)
def test_what_is_not_counted_says_why(said: dict[str, Any], why: str) -> None:
    outcome = call(Story(), **said)
    assert (outcome.becomes, outcome.why) == (Becomes.NOT_COUNTED, why)


def test_what_is_too_old_for_every_window_says_so() -> None:
    story = Story()
    story.tell(heartbeat_at=at("11:45"))
    said = call(story, clock="11:45", reported_at="2026-11-20T11:45:00Z", incident_id="B")
    assert said.becomes is Becomes.NOT_COUNTED
    assert said.why == "too old, or withdrawn before: in no window of a tick that may still change"


def test_occurred_at_is_named_where_it_counts() -> None:
    rules = IntakeRules(RULES.timeline, counts_by_occurred=True)
    said = call(Story(rules), reported_at=None)
    assert said.why == "no time that counts yet: reported_at or occurred_at was not said"
    assert call(Story(rules), reported_at=None, occurred_at=at("11:45")).becomes is Becomes.COUNTED


def test_late_message_says_by_how_much_and_from_when_it_counts() -> None:
    story = Story()
    story.tell(heartbeat_at=at("14:00"))
    said = call(story)
    assert (said.becomes, said.late_by_s, said.known_from) == (
        Becomes.COUNTED,
        74 * 60.0,
        "2026-11-23T13:00:00.000Z",
    )
    assert said.notes == ["late by 4,440 s: has effect from 2026-11-23T13:00:00.000Z on"]


@pytest.mark.parametrize(
    "said, cell, code",
    [
        pytest.param({"type_code": "459"}, "burglary", None, id="mapped"),
        pytest.param({"type_code": "XYZ"}, "other", "XYZ", id="not mapped"),
        pytest.param({"crime_type": "459"}, "burglary", None, id="local code as crime type"),
        pytest.param({"crime_type": "theft"}, "other", "theft", id="no word of the vocabulary"),
    ],
)
def test_codes_that_are_not_mapped_are_named(said: dict[str, Any], cell: str, code: str | None) -> None:
    outcome = call(Story(), **{"crime_type": None, **said})
    assert outcome.cell is not None
    assert (outcome.cell.crime_type, outcome.unknown_code) == (cell, code)
    assert outcome.notes == ([f'the code "{code}" is not mapped: counts as other'] if code else [])


def test_coordinates_become_a_zone_or_are_unlocatable() -> None:
    inside, outside = call(Story(), zone=None, lat=1, lon=2), call(Story(), zone=None, lat=-1, lon=2)
    assert (inside.cell, inside.unlocatable) == (B04, False)
    assert outside.cell == B04._replace(zone="unknown")
    assert outside.notes == [NO_ZONE]


@pytest.mark.parametrize("said", [{}, {"lon": 2}, {"lat": 1}], ids=["nothing", "half", "other half"])
def test_incident_without_a_usable_place_is_hinted_at_once(said: dict[str, Any]) -> None:
    story = Story()
    outcome = call(story, zone=None, **said)
    assert (outcome.unlocatable, outcome.notes) == (True, [NO_ZONE])
    again = call(story, zone=None, **said)
    assert (again.becomes, again.unlocatable) == (Becomes.DUPLICATE, False)


def test_personal_data_is_named_and_goes_no_further() -> None:
    said = call(Story(), description="somebody", caller_phone="555")
    assert sorted(said.personal) == ["caller_phone", "description"]
    assert "555" not in str(said.as_json())


def test_epoch_seconds_are_hinted_at() -> None:
    said = Story().tell(updated_at=1_795_434_300, reported_at=1_795_434_300, zone="B04")
    assert said.becomes is Becomes.COUNTED
    assert said.notes == ["before 2000: are its times epoch seconds? milliseconds are meant"]


def test_dead_letter_says_reason_and_remedy() -> None:
    said = Story().tell(updated_at="2026-11-23T11:45:00")
    assert (said.becomes, said.reason, said.usable) == (Becomes.DEAD_LETTER, "naive_time", False)
    assert said.notes == [
        "updated_at: 2026-11-23T11:45:00 has no offset; write it with one, such as 2026-11-23T11:45:00Z"
    ]


def test_heartbeat_is_one() -> None:
    story = Story()
    assert story.tell(key=None, heartbeat_at=at("11:45")).becomes is Becomes.HEARTBEAT
    dispatches = Story(topic="dispatches")
    assert dispatches.tell(key=None, heartbeat_at=at("11:45")).becomes is Becomes.HEARTBEAT


def test_facts_about_units_say_the_intervals_that_they_complete() -> None:
    story = Story(topic="dispatches")
    unit = {"unit_id": "E07", "agency": "fire"}
    first = story.tell(**unit, status="dispatched", at=at("11:46"), received_at=at("11:45"))
    assert (first.becomes, first.intervals) == (Becomes.MEASURED, ("processing within 60 s",))
    second = story.tell(**unit, status="on_scene", at=at("11:50"))
    assert second.intervals == ("travel left out: its start is missing", "response within 360 s")
    assert story.tell(**unit, status="on_scene", at=at("11:50")).becomes is Becomes.DUPLICATE
    assert story.tell(**unit, status="acknowledged", at=at("11:46")).becomes is Becomes.NOTED
    late = story.tell(**unit, status="available", at=at("12:50"), updated_at=at("12:50"))
    assert late.intervals == ("committed beyond every bound",)


def test_answer_to_an_alert_is_one() -> None:
    story = Story(topic="alert-acks")
    answer = {"alert_id": "a1", "verdict": "confirmed", "by": "w", "at": at("11:45")}
    assert story.tell(**answer).becomes is Becomes.ANSWER
    assert story.tell(**answer).becomes is Becomes.DUPLICATE
    assert story.tell(key="b", **answer).reason == "key_mismatch"


def test_outcome_as_json_says_only_what_there_is_to_say() -> None:
    assert call(Story()).as_json() == {
        "place": {"source": "log", "number": 1},
        "topic": "incidents",
        "key": "A",
        "becomes": "counted",
        "cell": {"zone": "B04", "crime_type": "burglary", "counts_in": "2026-11-23T11:45:00.000Z"},
        "known_from": "2026-11-23T11:46:00.000Z",
    }


def test_summary_adds_everything_up() -> None:
    story, summary = Story(), Summary()
    for outcome in (
        call(story),
        call(story),
        call(story, incident_id="B", crime_type=None, type_code="XYZ", name="n", zone=None),
        story.tell(heartbeat_at=at("14:00")),
        call(story, incident_id="C"),
        story.tell(updated_at="2026-11-23T11:45:00"),
    ):
        summary.add(outcome)
    assert not summary.usable
    assert summary.as_json(None) == {
        "usable": False,
        "messages": {"incidents": 6},
        "becomes": {"counted": 3, "duplicate": 1, "heartbeat": 1, "dead-letter": 1},
        "dead_letters": {"naive_time": 1},
        "crime_types": {"burglary": 2, "other": 1},
        "zones": {"B04": 2, "unknown": 1},
        "unknown_codes": {"XYZ": 1},
        "unlocatable": 1,
        "late": 1,
        "duplicates": 1,
        "personal": {"name": 1},
        "hints": {},
    }


# ---- random worlds


def outcomes(world: World) -> tuple[list[Outcome], dict[int, IncidentFold], set[Place]]:
    """What the checker says of a world message by message; the folds that took it in at once, and what they call late."""
    rules = IntakeRules(
        timeline_of(world.rules), counts_by_occurred=world.shape.counts_by[0] == "occurred_at"
    )
    checker, said, folds, late = Checker(rules), [], dict[int, IncidentFold](), set[Place]()
    for partition, log in enumerate(world.logs):
        entries = [entry.encoded(encode_event) for entry in log]
        name, where = f"incidents-{partition}", (partition, len(world.logs))
        for entry in entries:
            given = (Place(name, entry.offset), "incidents", entry.key, entry.value, entry.timestamp)
            said.append(checker.check(Given(*given, *where)))
        fold = folds[partition] = IncidentFold(Source("incidents", *where), rules)
        for outgoing in fold.step(entries).emissions:
            if outgoing.topic == "late-events":
                late.add(Place(name, from_json(outgoing.value or b"")["offset"]))
    return said, folds, late


def assert_agrees(world: World) -> None:
    """Where the checker says that incidents count is what the fold of the whole log has."""
    said, folds, _ = outcomes(world)
    pane_ms, messages = world.rules.pane_ms, [entry.event for log in world.logs for entry in log]
    stands: dict[tuple[str, str], Cell | None] = {}
    for outcome, event in zip(said, messages, strict=True):
        assert outcome.usable
        if outcome.becomes is not Becomes.HEARTBEAT:
            assert outcome.key is not None
            stands[event.jurisdiction, outcome.key] = outcome.cell
    for name in {jurisdiction for jurisdiction, _ in stands}:
        counted = Counter[Cell]()
        kept = []
        for fold in folds.values():
            city = fold.cities.get(name)
            if city is None:
                continue
            kept.append(city.ledger.oldest_open - fold.rules.timeline.longest)
            columns = city.partials.everything()
            for cell, pane, net in zip(columns.cell, columns.pane, columns.net, strict=True):
                counted[Cell(*columns.cells[cell], rfc3339(pane * pane_ms))] += net
        expected = Counter(cell for (where, _), cell in stands.items() if where == name and cell is not None)
        newest = rfc3339(max(*kept, 0) * pane_ms)  # panes before it may be forgotten
        assert {cell: n for cell, n in counted.items() if n and cell.counts_in >= newest} == {
            cell: n for cell, n in expected.items() if cell.counts_in >= newest
        }


SMALL = Shape(partitions=2, silences=False, closing=False)


@settings(max_examples=150)
@given(worlds(CITY, SMALL))
def test_standings_of_small_worlds_are_those_of_the_fold(world: World) -> None:
    assert_agrees(world)


@pytest.mark.parametrize("seed", range(6))
def test_standings_of_larger_worlds_are_those_of_the_fold(seed: int) -> None:
    counts_by = ("reported_at",) if seed % 2 else ("occurred_at", "reported_at")
    shape = Shape(
        partitions=2, silences=False, closing=False, messages=400, incidents=12, counts_by=counts_by
    )
    assert_agrees(random_world(seed, CITY, shape))


@settings(max_examples=100)
@given(worlds(CITY, SMALL))
def test_late_messages_are_those_that_the_batch_announces(world: World) -> None:
    said, _, announced = outcomes(world)
    assert {outcome.place for outcome in said if outcome.late_by_s is not None} == announced
