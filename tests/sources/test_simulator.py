"""The simulated city: the same for a seed, as busy as it says, and what is planted can be found."""

import hashlib
import json
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cache
from itertools import islice, pairwise
from statistics import correlation, mean
from typing import Any

import pytest

from schemas.codec import PERSONAL_FIELDS
from schemas.events import Dispatch, Entry, Heartbeat, Incident
from schemas.vocabulary import Agency, CallSource, CrimeType, IncidentStatus, UnitStatus
from streams.core.dispatch_fold import DispatchFold
from streams.core.incident_fold import IncidentFold
from streams.core.source_fold import IntakeRules, Source
from streams.core.timeline import Timeline
from streams.sources.simulation import figures
from streams.sources.simulation.arrivals import Arrivals, Call
from streams.sources.simulation.config import DAY_MS, HOUR_MS, MINUTE_MS
from streams.sources.simulation.demand import Demand
from streams.sources.simulation.personal import VALUES
from streams.sources.simulation.profiles import CRIME_TYPES, PROFILES
from streams.sources.simulation.rhythms import RHYTHMS
from streams.sources.simulation.surges import Surges
from streams.sources.simulator import (
    Config,
    Corrections,
    Delivery,
    Published,
    Silence,
    Simulation,
    Surge,
    SurgePlan,
    together,
)

NO_SURGES = SurgePlan(per_day=0.0)
PERFECT = Delivery(disorder=0, late=0, too_late=0, repeated=0, heartbeat_ms=0)
START_MS = Config().start_ms
DAYS, PER_DAY = 14, 600.0


@cache
def two_weeks() -> tuple[Published, ...]:
    """Two ordinary weeks of a smaller city, perfectly delivered."""
    return tuple(
        Simulation(
            Config(seed=11, days=DAYS, incidents_per_day=PER_DAY, surge_plan=NO_SURGES, delivery=PERFECT)
        ).events()
    )


@cache
def two_weeks_by_incident() -> dict[str, list[Incident]]:
    return by_incident(two_weeks())


def by_incident(messages: Iterable[Published]) -> dict[str, list[Incident]]:
    """What is said of each incident, in order of `updated_at`."""
    found: dict[str, list[Incident]] = defaultdict(list)
    for message in messages:
        if isinstance(message.event, Incident):
            found[message.event.incident_id].append(message.event)
    for said in found.values():
        said.sort(key=lambda event: event.updated_at)
    return found


def first_said(messages: Iterable[Published]) -> list[Incident]:
    """The first message of each incident, which is always whole."""
    return [said[0] for said in by_incident(messages).values()]


def calls(simulation: Simulation) -> Iterator[Call]:
    """The calls of a simulation, without what becomes of them: many weeks take no time."""
    config = simulation.config
    assert config.end_ms is not None
    arrivals = Arrivals(
        config, simulation.city, simulation.demand, Surges(config, simulation.city, simulation.demand)
    )
    for hour_ms in range(config.start_ms, config.end_ms, HOUR_MS):
        yield from arrivals.hour(hour_ms)


def short(**changes: object) -> Simulation:
    """A simulation of two days without surges."""
    return Simulation(replace(Config(seed=3, days=2, surge_plan=NO_SURGES), **changes))  # type: ignore[arg-type]


# --- The same city ---------------------------------------------------------------------------------------------------


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
    assert digest.hexdigest()[:16] == "56c999e1e32b5c8f"


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


# --- How busy it is --------------------------------------------------------------------------------------------------


def test_as_many_incidents_as_configured_come_in() -> None:
    assert len(two_weeks_by_incident()) / DAYS == pytest.approx(PER_DAY, rel=0.03)


def test_the_mix_of_types_is_that_of_the_profiles() -> None:
    wanted: Counter[CrimeType] = Counter()
    for profile in PROFILES:
        wanted[profile.crime_type] += profile.share  # type: ignore[assignment]
    firsts = first_said(two_weeks())
    seen = Counter(event.crime_type for event in firsts)
    assert sum(wanted.values()) == pytest.approx(1.0)
    for crime_type, share in wanted.items():
        number = share * len(firsts)
        assert seen[crime_type] == pytest.approx(number, abs=max(5 * math.sqrt(number), 0.1 * number))


@pytest.mark.parametrize(
    "crime_type, rhythm",
    [(CrimeType.LARCENY, "larceny"), (CrimeType.ASSAULT, "assault"), (CrimeType.MEDICAL, "medical")],
)
def test_calls_follow_the_hours_and_the_days(crime_type: CrimeType, rhythm: str) -> None:
    local = [
        (call.received_at - START_MS) // HOUR_MS % 168
        for call in calls(Simulation(Config(seed=8, days=112, surge_plan=NO_SURGES)))
        if PROFILES[call.profile].crime_type is crime_type
    ]
    hours, days = RHYTHMS[rhythm]
    by_hour, by_day = Counter(hour % 24 for hour in local), Counter(hour // 24 for hour in local)
    assert correlation([by_hour[hour] for hour in range(24)], hours) > 0.97
    for day, factor in enumerate(days):
        assert by_day[day] * 7 / len(local) == pytest.approx(factor, abs=0.1)


def test_counts_are_more_uneven_than_chance_as_measured_in_chicago() -> None:
    """Per type and six hours: (variance / mean - 1) / mean is the squared variation of the level."""
    config = Config(seed=5, days=56, start_ms=1_767_571_200_000, surge_plan=NO_SURGES)
    simulation = Simulation(config)
    counts = Counter(
        ((call.received_at - config.start_ms) // (6 * HOUR_MS), call.zone)
        for call in calls(simulation)
        if PROFILES[call.profile].crime_type is CrimeType.MEDICAL
    )
    ratios, means = [], []
    for zone in range(len(simulation.city.zones)):
        for block in range(56 * 4):
            start = config.start_ms + block * 6 * HOUR_MS
            usual = simulation.demand.expected(CrimeType.MEDICAL, [zone], start, start + 6 * HOUR_MS)
            means.append(usual)
            ratios.append((counts[block, zone] - usual) ** 2 / usual)
    measured = (mean(ratios) - 1) / mean(means)
    assert measured == pytest.approx(figures.ZONE_SQUARED_CV + figures.CITY_SQUARED_CV, rel=0.2)


def test_officers_make_stops_and_find_drugs_but_no_burglaries() -> None:
    by_type: dict[str | None, list[bool]] = defaultdict(list)
    for event in first_said(two_weeks()):
        by_type[event.crime_type].append(event.call_source is CallSource.OFFICER)
    assert mean(by_type[CrimeType.TRAFFIC_STOP]) == 1.0
    assert mean(by_type[CrimeType.DRUGS]) == pytest.approx(0.71, abs=0.1)
    assert mean(by_type[CrimeType.BURGLARY]) < 0.05
    everything = [officer for sources in by_type.values() for officer in sources]
    assert mean(everything) == pytest.approx(0.125, abs=0.02)


def test_crimes_are_reported_as_late_as_in_san_francisco() -> None:
    """SFPD, December 2018: more than an hour after in 55 %, a day in 23 %, a week in 8 %."""
    delays_h = [
        (event.reported_at - event.occurred_at) / HOUR_MS
        for event in first_said(two_weeks())
        if event.crime_type in CRIME_TYPES and event.reported_at is not None and event.occurred_at is not None
    ]
    assert min(delays_h) >= 0
    assert mean(delay > 1 for delay in delays_h) == pytest.approx(0.55, abs=0.05)
    assert mean(delay > 24 for delay in delays_h) == pytest.approx(0.23, abs=0.06)
    assert mean(delay > 168 for delay in delays_h) == pytest.approx(0.08, abs=0.03)


def test_times_are_booked_on_the_full_hour_as_in_chicago() -> None:
    larcenies = [event for event in first_said(two_weeks()) if event.crime_type is CrimeType.LARCENY]
    assert mean((event.occurred_at or 0) % HOUR_MS == 0 for event in larcenies) == pytest.approx(
        0.45, abs=0.05
    )
    desk = [event for event in larcenies if event.call_source is CallSource.INTERNET]
    assert mean((event.reported_at or 0) % HOUR_MS == 0 for event in desk) == pytest.approx(0.42, abs=0.05)
    called = [event for event in larcenies if event.call_source is CallSource.E911]
    assert mean((event.reported_at or 0) % HOUR_MS == 0 for event in called) < 0.01


# --- How calls are answered ------------------------------------------------------------------------------------------

UnitFacts = dict[UnitStatus, Dispatch]


@cache
def answers() -> dict[str, dict[str, UnitFacts]]:
    """Of each call that somebody made: unit → status → its fact."""
    found: dict[str, dict[str, UnitFacts]] = defaultdict(lambda: defaultdict(dict))
    for message in two_weeks():
        if isinstance(message.event, Dispatch) and message.event.received_at is not None:
            found[message.event.incident_id][message.event.unit_id][message.event.status] = message.event
    return found


def intervals(agency: Agency, priority: str | None, start: UnitStatus, end: UnitStatus) -> list[float]:
    """Seconds from one status to another, of every unit that reported both, negative ones left out."""
    found = []
    for units in answers().values():
        for facts in units.values():
            one, other = facts.get(start), facts.get(end)
            if (
                one
                and other
                and one.agency is agency
                and priority in (None, one.priority)
                and other.at >= one.at
            ):
                found.append((other.at - one.at) / 1_000)
    return sorted(found)


def assert_spread(seconds: list[float], spread: tuple[float, float]) -> None:
    """Median and 90th percentile are those of a lognormal distribution."""
    median, sigma = spread
    assert len(seconds) > 700
    assert seconds[len(seconds) // 2] == pytest.approx(median, rel=0.06)
    assert seconds[len(seconds) * 9 // 10] == pytest.approx(median * math.exp(1.2816 * sigma), rel=0.08)


@pytest.mark.parametrize("agency", list(figures.TURNOUT))
def test_turnout_is_as_measured(agency: Agency) -> None:
    seconds = intervals(agency, None, UnitStatus.DISPATCHED, UnitStatus.EN_ROUTE)
    assert_spread(seconds, figures.TURNOUT[agency])


@pytest.mark.parametrize(
    "agency, priority",
    [(Agency.FIRE, "1"), (Agency.FIRE, "2"), (Agency.EMS, "1"), (Agency.EMS, "2"), (Agency.POLICE, "1")],
)
def test_travel_is_as_measured(agency: Agency, priority: str) -> None:
    """Units that turn back are not among them: those of a long way rather, so the spread is a little smaller."""
    seconds = intervals(agency, priority, UnitStatus.EN_ROUTE, UnitStatus.ON_SCENE)
    assert_spread(seconds, figures.TRAVEL[agency, priority])


def calls_answered(agencies: set[Agency]) -> list[tuple[float, float | None]]:
    """(processing, response) in seconds of the calls that one of these agencies leads."""
    found = []
    for incident_id, units in answers().items():
        said = two_weeks_by_incident()[incident_id][0]
        facts = [fact for facts in units.values() for fact in facts.values()]
        sent = [fact.at for fact in facts if fact.status is UnitStatus.DISPATCHED]
        there = [fact.at for fact in facts if fact.status is UnitStatus.ON_SCENE and fact.at > min(sent)]
        received = facts[0].received_at
        if said.agency in agencies and sent and received is not None:
            response = (min(there) - received) / 1_000 if there else None
            found.append(((min(sent) - received) / 1_000, response))
    return found


def test_fire_and_ems_answer_as_in_san_francisco() -> None:
    """SFFD: processing 115 s in the median and 266 s at 90 %; response 395 s in the median."""
    answered = calls_answered({Agency.FIRE, Agency.EMS})
    processing = sorted(seconds for seconds, _ in answered)
    assert processing[len(processing) // 2] == pytest.approx(115, rel=0.05)
    assert processing[len(processing) * 9 // 10] == pytest.approx(266, rel=0.08)
    response = sorted(seconds for _, seconds in answered if seconds is not None)
    assert response[len(response) // 2] == pytest.approx(395, rel=0.1)


def test_a_unit_is_on_one_call_at_a_time() -> None:
    spans: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for units in answers().values():
        for unit, facts in units.items():
            spans[unit].append((facts[UnitStatus.DISPATCHED].at, facts[UnitStatus.AVAILABLE].at))
    for taken in spans.values():
        taken.sort()
        assert all(one[1] <= other[0] for one, other in pairwise(taken))


def test_every_unit_becomes_available_again_and_some_buttons_are_missed() -> None:
    units = [facts for units in answers().values() for facts in units.values()]
    assert all(UnitStatus.DISPATCHED in facts and UnitStatus.AVAILABLE in facts for facts in units)
    arrived = [facts for facts in units if UnitStatus.ON_SCENE in facts]
    assert mean(UnitStatus.EN_ROUTE not in facts for facts in arrived) == pytest.approx(0.03, abs=0.01)
    assert mean(UnitStatus.CANCELLED in facts for facts in units) == pytest.approx(0.12, abs=0.06)
    negative = [facts[UnitStatus.ON_SCENE].at < facts[UnitStatus.DISPATCHED].at for facts in arrived]
    assert mean(negative) == pytest.approx(figures.NEGATIVE, abs=0.001)


def test_calls_hold_when_no_unit_can_be_sent_at_once() -> None:
    pending = [
        any(event.status is IncidentStatus.PENDING for event in said)
        for said in two_weeks_by_incident().values()
    ]
    assert 0.1 < mean(pending) < 0.35


# --- What becomes of calls -------------------------------------------------------------------------------------------


def test_every_history_begins_whole_and_ends() -> None:
    for said in two_weeks_by_incident().values():
        assert said[0].reported_at is not None
        assert said[-1].status is IncidentStatus.CLOSED


@pytest.mark.parametrize("name", ["cancelled", "unfounded", "merged", "reopened", "reclassified", "moved"])
def test_corrections_are_as_frequent_as_configured(name: str) -> None:
    status = IncidentStatus(name)
    by_phone = (CallSource.E911, CallSource.PHONE, CallSource.ALARM)
    sent_to = [said for said in two_weeks_by_incident().values() if said[0].call_source in by_phone]
    seen = sum(any(event.status is status for event in said) for said in sent_to)
    extra = Corrections().reopened / 2 if name == "cancelled" else 0.0  # cancelled, and then opened again
    wanted = (getattr(Corrections(), name) + extra) * len(sent_to)
    assert seen == pytest.approx(wanted, abs=5 * math.sqrt(wanted))


def test_what_is_cancelled_for_good_is_only_closed_afterwards() -> None:
    withdrawn = {IncidentStatus.CANCELLED, IncidentStatus.MERGED, IncidentStatus.UNFOUNDED}
    for said in two_weeks_by_incident().values():
        statuses = [event.status for event in said]
        out = [place for place, status in enumerate(statuses) if status in withdrawn]
        if out and IncidentStatus.REOPENED not in statuses:
            after = set(statuses[out[0] + 1 :])
            assert after == {IncidentStatus.CLOSED}


def test_an_exercise_is_named_in_every_message() -> None:
    exercises = [said for said in two_weeks_by_incident().values() if said[0].exercise]
    assert len(exercises) > 8
    assert all(event.exercise for said in exercises for event in said)


def test_later_messages_are_mostly_partial() -> None:
    later = [event for said in two_weeks_by_incident().values() for event in said[1:]]
    assert mean(event.reported_at is None for event in later) == pytest.approx(0.8, abs=0.05)


def test_some_incidents_have_no_zone_an_unknown_code_or_coordinates() -> None:
    simulation = short(corrections=Corrections(no_zone=0.1, unmapped=0.1, coordinates=0.5), delivery=PERFECT)
    firsts = first_said(simulation.events())
    located = [event for event in firsts if event.lat is not None]
    assert mean(event.lat is not None for event in firsts) == pytest.approx(0.45, abs=0.04)
    assert all(event.zone is None for event in located)
    assert mean(event.zone is None and event.lat is None for event in firsts) == pytest.approx(0.1, abs=0.02)
    assert mean(
        event.crime_type is None and event.type_code is not None for event in firsts
    ) == pytest.approx(0.1, abs=0.02)


def test_supplements_come_days_later_and_change_nothing_but_types() -> None:
    late = [
        event
        for said in two_weeks_by_incident().values()
        for event in said
        if event.updated_at - said[0].updated_at > DAY_MS
    ]
    assert len(late) > 100
    assert {event.status for event in late} == {IncidentStatus.CLOSED}


# --- What is planted -------------------------------------------------------------------------------------------------


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


# --- How messages come -----------------------------------------------------------------------------------------------


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


# --- Where it lies ---------------------------------------------------------------------------------------------------


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
