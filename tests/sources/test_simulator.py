"""The simulated city: the same for a seed, laid out as named, with what is planted to be found."""

import hashlib
import json
import math
from collections import Counter
from itertools import islice, pairwise
from statistics import mean

import pytest

from schemas.events import Dispatch, Heartbeat
from schemas.vocabulary import Agency, CrimeType
from streams.sources.simulation.config import DAY_MS, HOUR_MS, MINUTE_MS
from streams.sources.simulation.demand import Demand
from streams.sources.simulation.profiles import PROFILES
from streams.sources.simulator import (
    Config,
    Corrections,
    Delivery,
    Silence,
    Simulation,
    Surge,
    SurgePlan,
    together,
)
from tests.sources.simulated import (
    NO_SURGES,
    START_MS,
    calls,
    first_said,
    short,
)


def test_the_same_seed_is_the_same_city_and_another_one_is_not() -> None:
    simulation = short()
    once, again = list(simulation.events()), list(short().events())
    assert once == again == list(simulation.events())
    assert once != list(short(seed=4).events())


def test_what_a_seed_yields_never_changes_by_itself() -> None:
    """Every Python and machine yields these bytes; whoever changes the city on purpose changes the digest here."""
    digest = hashlib.sha256()
    for message in Simulation(Config(seed=7, days=0.5, surge_plan=SurgePlan(from_day=0))).events():
        digest.update(f"{message.at} {message.topic} {message.key!r} ".encode() + message.value())
    assert digest.hexdigest()[:16] == "7b0b6754da5558ac"


def test_messages_come_in_order_of_sending_and_after_they_were_recorded() -> None:
    for delivery in (Delivery(), Delivery(outages_per_week=7)):
        messages = list(short(delivery=delivery).events())
        assert all(one.at <= other.at for one, other in pairwise(messages))
        for message in messages:
            assert message.event is not None
            known_at = getattr(message.event, "updated_at", message.at)
            assert known_at <= message.at
            assert isinstance(message.event, Heartbeat) or message.key == message.event.incident_id.encode()
            assert message.topic == "dispatches" or not isinstance(message.event, Dispatch)


def test_a_simulation_without_an_end_is_made_as_it_is_asked_for() -> None:
    endless = Simulation(Config(days=None))
    assert len(list(islice(endless.events(), 5_000))) == 5_000
    with pytest.raises(ValueError, match="needs until_ms"):
        endless.truth()
    assert endless.truth(START_MS + 60 * DAY_MS)[:5] == Simulation(Config(days=60)).truth()[:5]


def test_a_broken_off_day_has_no_call_after_its_end() -> None:
    half = Simulation(Config(days=0.3, surge_plan=NO_SURGES))
    received = [event.reported_at for event in first_said(half.events())]
    assert max(at for at in received if at is not None) < START_MS + 0.3 * DAY_MS


def test_cities_run_together_in_order() -> None:
    both = list(together(short(), short(jurisdiction="lakeside", incidents_per_day=300)))
    assert all(one.at <= other.at for one, other in pairwise(both))
    assert {message.event.jurisdiction for message in both if message.event} == {"riverton", "lakeside"}


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"columns": 27}, "columns must be 1 to 26"),
        ({"rows": 0}, "rows >= 1"),
        ({"start_ms": 1}, "start_ms must be a full hour"),
    ],
    ids=["columns", "rows", "start"],
)
def test_a_configuration_that_gives_no_city_is_refused(changes: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Config(**changes)  # type: ignore[arg-type]


def test_zones_are_named_by_column_and_row_and_neighbours_share_a_side() -> None:
    city = Simulation(Config(columns=3, rows=2)).city
    assert city.zones == ("A1", "B1", "C1", "A2", "B2", "C2")
    near = city.neighbour_map()
    assert near["A1"] == ("B1", "A2")
    assert near["B2"] == ("B1", "A2", "C2")
    assert all(zone in near[other] for zone, others in near.items() for other in others)


def test_polygons_hold_the_points_of_their_zone() -> None:
    city = Simulation().city
    boxes = {}
    for feature in city.geojson()["features"]:
        (ring,) = feature["geometry"]["coordinates"]
        assert ring[0] == ring[-1]
        boxes[feature["properties"]["name"]] = ring
    assert list(boxes) == list(city.zones)
    for index, zone in enumerate(city.zones):
        lat, lon = city.point(index, lambda: 0.999)
        (west, south), (east, north) = boxes[zone][0], boxes[zone][2]
        assert west < lon < east
        assert south < lat < north


def test_a_city_of_one_zone_works() -> None:
    simulation = Simulation(
        Config(
            columns=1,
            rows=1,
            days=1,
            corrections=Corrections(moved=0.5),
            surge_plan=SurgePlan(from_day=0, per_day=3),
        )
    )
    assert {event.zone for event in first_said(simulation.events())} <= {"A1", None}


def test_means_add_up_over_zones_and_hours() -> None:
    simulation = Simulation()
    demand: Demand = simulation.demand
    whole = demand.expected(CrimeType.ALARM, range(40), START_MS, START_MS + 7 * DAY_MS)
    share = sum(profile.share for profile in PROFILES if profile.crime_type is CrimeType.ALARM)
    assert whole == pytest.approx(7 * 1_200 * share)
    cut = START_MS + 7 * HOUR_MS + 11 * MINUTE_MS
    parts = [(START_MS, cut), (cut, START_MS + 7 * DAY_MS)]
    assert sum(demand.expected(CrimeType.ALARM, range(40), *part) for part in parts) == pytest.approx(whole)


def test_surges_are_planted_as_planned() -> None:
    simulation = Simulation(Config(seed=2, days=121))
    surges = simulation.truth()
    assert len(surges) == pytest.approx(100, abs=30)
    assert surges[0].start_ms >= START_MS + 21 * DAY_MS
    neighbours = simulation.city.neighbour_map()
    for surge in surges:
        assert 2 * HOUR_MS <= surge.end_ms - surge.start_ms <= 12 * HOUR_MS
        assert 1 <= len(surge.zones) <= 4
        assert surge.factor >= 3
        assert surge.added == pytest.approx((surge.factor - 1) * surge.expected)
        assert surge.added >= 6 - 1e-9
        reached = {surge.zones[0]}
        for _ in surge.zones:
            reached |= {zone for zone in surge.zones if reached & set(neighbours[zone])}
        assert reached == set(surge.zones)
    assert mean(len(surge.zones) == 1 for surge in surges) == pytest.approx(2 / 3, abs=0.15)


def test_the_truth_list_matches_the_counts() -> None:
    """Over all surges, what comes in within them is what is usual plus what is added, and far more than usual."""
    plan = SurgePlan(per_day=4, from_day=0)
    simulation = Simulation(Config(seed=6, days=28, surge_plan=plan))
    counts = Counter(
        (simulation.city.zones[call.zone], PROFILES[call.profile].crime_type, call.received_at // MINUTE_MS)
        for call in calls(simulation)
    )
    usual = wanted = seen = 0.0
    found = 0
    surges = [surge for surge in simulation.truth() if surge.end_ms <= START_MS + 28 * DAY_MS]
    for surge in surges:
        minutes = range(surge.start_ms // MINUTE_MS, surge.end_ms // MINUTE_MS)
        number = sum(counts[zone, surge.crime_type, minute] for zone in surge.zones for minute in minutes)
        usual, wanted, seen = usual + surge.expected, wanted + surge.expected + surge.added, seen + number
        found += number > surge.expected + 0.4 * surge.added
    assert seen == pytest.approx(wanted, rel=0.12)
    assert seen > 3 * usual
    assert found / len(surges) > 0.9


def test_a_surge_named_by_hand_is_planted_as_it_is_and_told_as_json() -> None:
    surge = Surge(START_MS + DAY_MS, START_MS + DAY_MS + 6 * HOUR_MS, ("C3", "D3"), CrimeType.ROBBERY, 40.0)
    silence = Silence(START_MS, START_MS + HOUR_MS, Agency.FIRE)
    simulation = short(surges=(surge,), silences=(silence,))
    (planted,) = simulation.truth()
    assert (planted.start_ms, planted.zones, planted.factor) == (surge.start_ms, surge.zones, 40.0)
    assert planted.added == pytest.approx(39 * planted.expected)
    robberies = [
        event
        for event in first_said(simulation.events())
        if event.crime_type is CrimeType.ROBBERY and event.zone in surge.zones
    ]
    within = [event for event in robberies if surge.start_ms <= (event.reported_at or 0) < surge.end_ms]
    assert len(within) == pytest.approx(planted.added + planted.expected, abs=4 * math.sqrt(planted.added))
    told = json.loads(simulation.truth_json())
    assert told["surges"][0]["zones"] == ["C3", "D3"]
    assert told["surges"][0]["crime_type"] == "robbery"
    assert told["silences"][0]["agency"] == "fire"


def test_a_surge_outside_the_city_is_refused() -> None:
    surge = Surge(START_MS, START_MS + HOUR_MS, ("Q1",), CrimeType.ROBBERY, 3.0)
    with pytest.raises(ValueError, match="zone Q1 is not in the city; its zones are A1 to H5"):
        short(surges=(surge,))
