"""Simulated calls are as many, as uneven and as quickly answered as measured in real cities."""

import math
from collections import Counter, defaultdict
from functools import cache
from itertools import pairwise
from statistics import correlation, mean

import pytest

from schemas.events import Dispatch
from schemas.vocabulary import Agency, CallSource, CrimeType, IncidentStatus, UnitStatus
from streams.sources.simulation import figures
from streams.sources.simulation.config import DAY_MS, HOUR_MS
from streams.sources.simulation.profiles import CRIME_TYPES, PROFILES
from streams.sources.simulation.rhythms import RHYTHMS
from streams.sources.simulator import (
    Config,
    Corrections,
    Simulation,
)
from tests.sources.simulated import (
    DAYS,
    NO_SURGES,
    PER_DAY,
    PERFECT,
    START_MS,
    calls,
    first_said,
    short,
    two_weeks,
    two_weeks_by_incident,
)


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
