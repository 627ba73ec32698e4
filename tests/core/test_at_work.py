"""What goes on now: open incidents, calls that wait for a unit, units at work; against a plain reading of all that was said."""

from collections import Counter
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from schemas.vocabulary import IncidentStatus, UnitStatus
from streams.core.at_work import LET_GO_MS, CommittedUnits, Holding, OpenCalls
from streams.core.dispatches import Fact

NOON = 1_795_435_200_000
MINUTE = 60_000
WAITS = {"received", "pending"}
OVER = {"closed", "cancelled", "unfounded", "merged"}
SAYS_NOTHING_OF_UNITS = {"updated", "reclassified", "moved"}

Said = tuple[str, IncidentStatus | None, int, tuple[str | None, int | None]]


def heard(*messages: Said) -> OpenCalls:
    calls = OpenCalls()
    for message in messages:
        calls.hear(*message)
    return calls


def said(name: str, status: str | None, minute: int, priority: str | None = "1") -> Said:
    word = None if status is None else IncidentStatus(status)
    return name, word, NOON + minute * MINUTE, (priority, None)


def test_call_waits_until_a_unit_is_sent_and_is_open_until_it_is_closed() -> None:
    story = [said("A", "received", 0), said("A", "dispatched", 2), said("A", "closed", 30)]
    stands = [(heard(*story[:n]).open, heard(*story[:n]).holding()) for n in range(4)]
    assert stands == [(0, {}), (1, {"1": Holding(1, NOON)}), (1, {}), (0, {})]


def test_calls_wait_by_priority_since_they_were_reported() -> None:
    calls = heard(
        ("A", IncidentStatus.PENDING, NOON + MINUTE, (2, NOON)),
        ("B", IncidentStatus.RECEIVED, NOON, ("2", NOON - 5 * MINUTE)),
        ("C", IncidentStatus.RECEIVED, NOON, (None, None)),
    )
    assert calls.holding() == {"2": Holding(2, NOON - 5 * MINUTE), "unknown": Holding(1, NOON)}


def test_status_that_says_nothing_of_units_leaves_a_call_waiting() -> None:
    story = [said("A", "received", 0, "3"), said("A", "moved", 1, None), said("A", "updated", 2, "1")]
    assert heard(*story).holding() == {"1": Holding(1, NOON)}


def test_withdrawn_incidents_and_exercises_are_not_open() -> None:
    for status in ("cancelled", "unfounded", "merged", None):
        assert heard(said("A", "pending", 0), said("A", status, 1)).open == 0
    assert heard(said("A", "closed", 0), said("A", "reopened", 1)).open == 1


def test_what_nothing_is_said_of_is_let_go_within_two_days() -> None:
    calls = heard(said("A", "pending", 0), said("B", "on_scene", 1))
    day = LET_GO_MS // MINUTE
    calls.hear(*said("B", "updated", day - 1))
    assert (calls.open, len(calls.holding())) == (2, 1)
    calls.hear(*said("C", "dispatched", day + 1))
    calls.hear(*said("B", "updated", day + 2))
    calls.hear(*said("C", "updated", 2 * day + 3))
    assert (calls.open, len(calls.holding())) == (2, 0), "B and C"
    calls.hear(*said("D", "closed", 5 * day))
    assert calls.open == 0


def plainly(messages: Sequence[Said]) -> tuple[int, dict[str, int]]:
    """(open incidents, priority → calls that wait) of messages of one day."""
    stage: dict[str, str] = {}
    rank = [WAITS, {"a unit"}, OVER]
    for name in {message[0] for message in messages}:
        stage[name] = "a unit"
        best = (-1, -1)
        for _, status, at, _ in (message for message in messages if message[0] == name):
            word = "closed" if status is None else str(status)
            if word in SAYS_NOTHING_OF_UNITS:
                continue
            number = 0 if word in WAITS else 2 if word in OVER else 1
            if (at, number) > best:
                best, stage[name] = (at, number), next(iter(rank[number]))
    waiting = sum(word in WAITS for word in stage.values())
    return sum(word not in OVER for word in stage.values()), {"1": waiting} if waiting else {}


messages = st.lists(
    st.builds(
        said,
        st.sampled_from("ABC"),
        st.sampled_from([None, *map(str, IncidentStatus)]),
        st.integers(0, 20),
    ),
    max_size=25,
)


@given(messages)
def test_latest_status_holds_in_whatever_order_messages_come(story: list[Said]) -> None:
    calls = heard(*story)
    assert (calls.open, {name: each.calls for name, each in calls.holding().items()}) == plainly(story)


# ---- units


def fact(unit: str, status: str, minute: int, agency: str = "fire") -> Fact:
    return Fact(unit, agency, status, NOON + minute * MINUTE, None, None)


def at_work(*facts: tuple[str, Fact]) -> dict[str, int]:
    units = CommittedUnits()
    for incident_id, each in facts:
        units.hear(incident_id, each)
    return dict(units.by_agency())


def test_unit_is_at_work_from_its_dispatch_until_it_is_available() -> None:
    story = [("A", fact("E7", status, n)) for n, status in enumerate(("dispatched", "on_scene", "available"))]
    assert [at_work(*story[:n]) for n in range(4)] == [{}, {"fire": 1}, {"fire": 1}, {}]
    assert at_work(*reversed(story)) == {}


def test_unit_that_was_called_off_is_not_at_work() -> None:
    assert at_work(("A", fact("E7", "dispatched", 0)), ("A", fact("E7", "cancelled", 0))) == {}


def test_units_are_counted_by_agency_once_for_each_incident() -> None:
    assert at_work(
        ("A", fact("E7", "dispatched", 0)),
        ("B", fact("E7", "dispatched", 0)),
        ("A", fact("M1", "en_route", 0, "ems")),
        ("A", fact("M1", "on_scene", 1, "ems")),
    ) == {"fire": 2, "ems": 1}


def test_unit_of_which_nothing_is_said_is_let_go_within_two_days() -> None:
    day = LET_GO_MS // MINUTE
    story = [("A", fact("E7", "on_scene", 0)), ("B", fact("E8", "on_scene", day + 1))]
    assert at_work(*story) == {"fire": 2}
    assert at_work(*story, ("C", fact("E9", "available", 2 * day + 2))) == {"fire": 1}
    assert at_work(*story, ("C", fact("E9", "available", 9 * day))) == {}


facts = st.lists(
    st.tuples(
        st.sampled_from("AB"),
        st.builds(
            fact, st.sampled_from(["E7", "M1"]), st.sampled_from([*map(str, UnitStatus)]), st.integers(0, 9)
        ),
    ),
    max_size=25,
)


@given(facts)
def test_last_fact_of_a_unit_holds_in_whatever_order_facts_come(story: list[tuple[str, Fact]]) -> None:
    order = [str(status) for status in UnitStatus]
    last: dict[tuple[str, str], tuple[int, int]] = {}
    for incident_id, each in story:
        name, told = (incident_id, each.unit_id), (each.at, order.index(each.status))
        last[name] = max(last.get(name, told), told)
    working = Counter("fire" for _, rank in last.values() if rank < order.index("available"))
    assert at_work(*story) == dict(working)
