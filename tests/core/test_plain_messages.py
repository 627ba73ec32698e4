"""The straight way of ordinary first messages sends and remembers what the general way does, message by message."""

import random
from typing import Any

import pytest

from schemas.codec import encode_event, to_json
from schemas.events import Entry
from streams.core.incident_fold import CELLS_REMEMBERED, IncidentFold
from streams.core.source_fold import IntakeRules, Locality, Source
from tests.cluster import timeline_of
from tests.worlds import CITY, SHORT, Shape, random_world

SOURCE = Source("incidents", 0, 1)
NOON = 1_795_435_200_000


class GeneralWay(IncidentFold):
    """Every message goes the general way."""

    def _take_plain(self, record: Any, said: Any) -> bool:
        return False


def assert_same(rules: IntakeRules, batches: list[list[Entry]]) -> IncidentFold:
    """Both ways send the same and end in the same state."""
    plain, general = IncidentFold(SOURCE, rules), GeneralWay(SOURCE, rules)
    for batch in batches:
        assert plain.step(batch) == general.step(batch)
        assert plain.metadata() == general.metadata()
    for name, city in general.cities.items():
        same = plain.cities[name]
        assert same.ledger.records == city.ledger.records
        assert same.partials.everything() == city.partials.everything()
        assert (same.calls.open, same.calls.holding()) == (city.calls.open, city.calls.holding())
    return plain


@pytest.mark.parametrize("rules", [SHORT, CITY], ids=["short", "city"])
@pytest.mark.parametrize("seed", range(12))
def test_random_worlds_are_folded_alike(rules: Any, seed: int) -> None:
    counts_by = ("reported_at",) if seed % 3 else ("occurred_at", "reported_at")
    world = random_world(
        seed, rules, Shape(messages=400, counts_by=counts_by, incidents=(6, 60, 400)[seed % 3])
    )
    rng = random.Random(seed)
    intake = IntakeRules(timeline_of(rules), counts_by_occurred=counts_by[0] == "occurred_at")
    for log in world.logs:
        entries, batches = [each.encoded(encode_event) for each in log], []
        while entries:
            size = rng.randint(1, 25)
            batches.append(entries[:size])
            entries = entries[size:]
        assert_same(intake, batches)


def message(number: int, **said: Any) -> Entry:
    """An ordinary first message, as far as nothing else is said; the key, and its time in Kafka, too."""
    value = {
        "incident_id": f"i{number}",
        "jurisdiction": "a",
        "updated_at": "2026-11-23T12:00:00.000Z",
        "reported_at": "2026-11-23T11:59:00.000Z",
        "status": "received",
        "zone": "B04",
        "crime_type": "burglary",
        "priority": "1",
    } | said
    key = value.pop("key", f"i{number}")
    stamp = value.pop("stamp", NOON)
    value = {name: each for name, each in value.items() if each is not None}
    return Entry(number, stamp, key and key.encode(), to_json(value))


STRANGE: list[dict[str, Any]] = [
    {"heartbeat_at": "2026-11-23T12:00:00Z"},
    {"incident_id": None},
    {"incident_id": "i0", "key": "i0"},
    {"key": "other"},
    {"key": None},
    {"jurisdiction": "b"},
    {"updated_at": None},
    {"updated_at": NOON},
    {"updated_at": "2026-11-23T12:00:00"},
    {"updated_at": "2026-11-23T05:00:00.999999-07:00"},
    {"updated_at": "2026-11-23T12:20:00Z"},
    {"updated_at": "2026-11-23T12:20:00Z", "stamp": -1},
    {"updated_at": "2126-11-23T12:00:00Z"},
    {"updated_at": "2026-11-23T09:00:00Z", "reported_at": "2026-11-23T09:00:00Z"},
    {"reported_at": None},
    {"reported_at": "2026-11-23T11:59:00"},
    {"reported_at": NOON - 1},
    {"reported_at": "2026-11-23T12:05:00Z"},
    {"reported_at": "2026-11-25T12:05:00Z"},
    {"reported_at": "1960-01-01T00:00:00Z"},
    {"occurred_at": "2026-11-20T12:00:00Z"},
    {"status": None},
    {"status": "closed"},
    {"status": "cancelled"},
    {"status": "on_scene"},
    {"status": "updated"},
    {"exercise": True},
    {"exercise": False},
    {"zone": None},
    {"zone": ""},
    {"zone": "*"},
    {"zone": "unknown"},
    {"crime_type": None},
    {"crime_type": "459"},
    {"crime_type": None, "type_code": "459"},
    {"crime_type": "", "type_code": "459"},
    {"crime_type": "no such code"},
    {"crime_type": "robbery", "type_code": "459"},
    {"priority": None},
    {"priority": ""},
    {"priority": 0},
    {"priority": 2},
    {"address": "somewhere"},
]


@pytest.mark.parametrize("strange", STRANGE, ids=str)
def test_message_that_differs_in_one_thing_is_folded_alike(strange: dict[str, Any]) -> None:
    rules = IntakeRules(timeline_of(CITY), localities={"a": Locality({"459": "burglary"})})
    # The first of a city goes the general way; the strange one comes twice, and what follows it must not be touched.
    batch = [message(0), message(1), message(2, **strange), message(3, **strange), message(4)]
    assert_same(rules, [batch])
    assert_same(rules, [[each] for each in batch])


def test_what_is_remembered_of_cells_is_bounded() -> None:
    rules = IntakeRules(timeline_of(CITY))
    plain = assert_same(rules, [[message(0), message(1)]])
    (city,) = plain.cities.values()
    assert list(city.cells) == [("B04", "burglary", None)]
    city.cells |= {(f"zone {n}", None, None): ("z", "other") for n in range(CELLS_REMEMBERED)}
    plain.step([message(2, zone="B05")])
    assert list(city.cells.values()) == [("B05", "burglary")]
