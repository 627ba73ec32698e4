"""What the real folds know, as questions see it."""

import pytest

from schemas.instants import rfc3339
from schemas.vocabulary import IncidentStatus
from streams.local_run import LocalRun
from streams.owned_cities import OwnedCities
from streams.questions import Ticks
from streams.settings import Settings
from streams.stages import Stages
from tests.questions.cities import (
    MINUTE,
    NOON,
    Folded,
    alert,
    feed,
    folded,
    incident,
    owned,
    simulated,
    standing,
)
from tests.questions.conftest import Ask

HOUR = 60 * MINUTE


def heartbeat_like(number: int, at: int) -> object:
    """An incident far from everything, which only moves time on."""
    return incident(number, at, zone="Z99", crime_type="other")


def springfield(*incidents: object) -> object:
    city = owned(folded(incidents)).city("springfield")  # type: ignore[arg-type]
    assert city is not None
    return city


def test_ticks_go_from_the_oldest_open_one_to_the_last() -> None:
    city = springfield(incident(1, NOON), heartbeat_like(2, NOON + 3 * HOUR))
    assert city.ticks() == Ticks(
        NOON + 2 * HOUR, NOON + 3 * HOUR - MINUTE
    )  # 1 h of lateness, 60 s out of order


def test_counts_of_an_earlier_tick_are_as_they_stood() -> None:
    city = springfield(
        incident(1, NOON),
        incident(2, NOON + 10 * MINUTE),
        heartbeat_like(3, NOON + 30 * MINUTE),
    )
    at = {
        tick: dict(zip(city.windows, n, strict=True))
        for tick in (5, 20)
        for z, c, n in city.counts(NOON + tick * MINUTE)
        if z == "B04"
    }
    assert (at[5]["15m"], at[5]["1h"]) == (1, 1)
    assert (at[20]["15m"], at[20]["1h"]) == (1, 2)


def test_incidents_are_those_that_count_at_the_tick() -> None:
    city = springfield(
        incident(1, NOON),
        incident(2, NOON + MINUTE),
        incident(2, NOON + MINUTE, status=IncidentStatus.CANCELLED, updated_at=NOON + 20 * MINUTE),
        incident(3, NOON + 40 * MINUTE, zone="B05"),
        incident(4, NOON - 2 * HOUR),
        heartbeat_like(9, NOON + 50 * MINUTE),
    )
    b04 = {("B04", "burglary")}

    def ids(minute: int, cells: set[tuple[str, str]] = b04) -> list[str]:
        at = NOON + minute * MINUTE
        return [incident_id for _, incident_id in city.incident_ids(cells, at - HOUR, at)]

    assert ids(10) == ["I-2", "I-1"]  # not cancelled yet
    assert ids(30) == ["I-1"]
    assert ids(49, {("B04", "burglary"), ("B05", "burglary")}) == ["I-3", "I-1"]
    assert ids(5, {("B05", "burglary")}) == []  # not known yet


def test_incident_that_moved_within_the_cells_asked_for_counts_once() -> None:
    fold = folded(
        [
            incident(1, NOON),
            incident(1, NOON, zone="B05", updated_at=NOON + 5 * MINUTE),
            heartbeat_like(9, NOON + 30 * MINUTE),
        ]
    )
    everywhere = {("B04", "burglary"), ("B05", "burglary")}
    panes = range(NOON // MINUTE - 60, NOON // MINUTE + 60)
    name = fold.cities["springfield"].behind.known_ids
    assert [incident_id for _, incident_id in name(fold.sources, everywhere, panes)] == ["I-1"]
    assert name(fold.sources, {("B04", "burglary")}, panes) == []
    assert name(fold.sources, {("B04", "burglary")}, panes, NOON // MINUTE + 2)


def test_incident_whose_time_moved_counts_in_its_new_minute_only() -> None:
    fold = folded(
        [
            incident(1, NOON),
            incident(1, NOON, reported_at=NOON - 9 * MINUTE, updated_at=NOON + 5 * MINUTE),
            heartbeat_like(9, NOON + 30 * MINUTE),
        ]
    )
    name, noon = fold.cities["springfield"].behind.known_ids, NOON // MINUTE
    assert name(fold.sources, {("B04", "burglary")}, range(noon, noon + 60)) == []
    assert name(fold.sources, {("B04", "burglary")}, range(noon - 60, noon + 60)) == [(noon + 6, "I-1")]


def test_only_as_many_minutes_are_looked_through_as_name_enough() -> None:
    fold = folded([*(incident(n, NOON + n * MINUTE) for n in range(20)), heartbeat_like(99, NOON + HOUR)])
    name, noon = fold.cities["springfield"].behind.known_ids, NOON // MINUTE
    b04 = {("B04", "burglary")}
    ids = [incident_id for _, incident_id in name(fold.sources, b04, range(noon, noon + 60), most=3)]
    assert ids == ["I-19", "I-18", "I-17"]
    assert len(name(fold.sources, b04, range(noon, noon + 60))) == 20


def test_of_very_many_incidents_the_newest_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.owned_cities.MOST_NAMED", 5)
    city = springfield(*(incident(n, NOON + n * MINUTE) for n in range(20)), heartbeat_like(99, NOON + HOUR))
    at = NOON + 59 * MINUTE
    named = [incident_id for _, incident_id in city.incident_ids({("B04", "burglary")}, at - HOUR, at)]
    assert named == ["I-19", "I-18", "I-17", "I-16", "I-15"]


def test_incidents_of_an_alert_are_named_anew_at_the_next_tick() -> None:
    incidents = [incident(n, NOON + n * MINUTE) for n in range(3)]
    run = LocalRun(Stages(Settings()))
    cities = OwnedCities(Folded(run.watch), "cells", 1)  # type: ignore[arg-type]
    asked = standing(alert(zones=("B04",), at=NOON + HOUR))

    def named() -> list[str]:
        city = cities.city("springfield")
        assert city is not None
        return list(city.incidents_of(asked))

    feed(run, [*incidents, heartbeat_like(7, NOON + 10 * MINUTE)])
    assert named() == named() == ["I-2", "I-1", "I-0"]
    feed(run, [incident(3, NOON + 11 * MINUTE), heartbeat_like(8, NOON + 20 * MINUTE)])
    assert named() == ["I-3", "I-2", "I-1", "I-0"]


def test_partition_that_is_being_taken_over_is_coming() -> None:
    cities = owned(None)
    assert (cities.names(), cities.city("springfield"), cities.is_coming("springfield")) == ([], None, True)
    assert not owned(folded([incident(1, NOON)])).is_coming("springfield")


@pytest.mark.slow
async def test_questions_about_a_simulated_city_agree_with_each_other(ask: Ask) -> None:
    cities = owned(simulated())
    (name,) = cities.names()
    windows = ("15m", "1h", "6h", "24h", "7d")

    async def answer(path: str, query: str = "") -> dict[str, object]:
        said = await ask(cities, f"/v1/{path}?jurisdiction={name}&limit=1000{query}", windows)
        assert said.status == 200, said.body
        return said.body  # type: ignore[no-any-return]

    counts = await answer("counts")
    total = await answer("counts", "&zone=*&crime_type=*")
    city = sum(cell["counts"]["24h"] for cell in counts["cells"])
    assert city == total["cells"][0]["counts"]["24h"] > 100
    incidents = await answer("incidents", "&zone=*&crime_type=*&window=24h")
    assert incidents["count"] == city
    assert incidents["named"] == city  # so few per minute and cell that all are named
    kpis = await answer("kpis", "&over=24h&priority=*&kpi=response")
    assert {each["agency"] for each in kpis["kpis"]} >= {"fire", "police"}
    alerts = await answer("alerts", "&state=all")
    assert all(alert["zones"] and alert["explanation"] for alert in alerts["alerts"])
    assert counts["at"] == rfc3339(cities.city(name).ticks().last)
