"""Questions: what is asked, what is answered, and what is said when it cannot be."""

from urllib.parse import quote

import pytest

from schemas.vocabulary import AlertState, CrimeType
from streams.questions import Ticks
from tests.questions.cities import MINUTE, NOON, PlainCities, PlainCity, alert, kpi, standing
from tests.questions.conftest import Ask

CELLS = {
    ("B04", "burglary"): (1, 3),
    ("B04", "robbery"): (0, 2),
    ("B05", "burglary"): (2, 2),
    ("B06", "burglary"): (0, 0),
}
SPRINGFIELD = "jurisdiction=springfield"


def cell(zone: str, crime_type: str, *numbers: int) -> dict[str, object]:
    return {"zone": zone, "crime_type": crime_type, "counts": dict(zip(("15m", "1h"), numbers, strict=True))}


# ---- counts


async def test_counts_are_those_of_the_last_tick_by_zone_and_type(ask: Ask) -> None:
    cities = PlainCities(PlainCity(cells=CELLS), PlainCity("shelbyville"))
    assert (await ask(cities, f"/v1/counts?{SPRINGFIELD}")).body == {
        "jurisdiction": "springfield",
        "at": "2026-11-23T12:00:00.000Z",
        "cells": [
            cell("B04", "burglary", 1, 3),
            cell("B04", "robbery", 0, 2),
            cell("B05", "burglary", 2, 2),
        ],
        "here": ["shelbyville", "springfield"],
        "next": None,
    }


@pytest.mark.parametrize(
    "query, cells",
    [
        pytest.param("zone=B05", [cell("B05", "burglary", 2, 2)], id="one zone"),
        pytest.param("zone=B04&zone=B05&crime_type=robbery", [cell("B04", "robbery", 0, 2)], id="several"),
        pytest.param("zone=*", [cell("*", "burglary", 3, 5), cell("*", "robbery", 0, 2)], id="zones as one"),
        pytest.param("crime_type=*&zone=B04", [cell("B04", "*", 1, 5)], id="types as one"),
        pytest.param("crime_type=*&zone=*", [cell("*", "*", 3, 7)], id="the city as one"),
        pytest.param("zone=B99", [], id="a zone without incidents"),
    ],
)
async def test_counts_can_be_narrowed_and_added_up(ask: Ask, query: str, cells: list[object]) -> None:
    said = await ask(PlainCities(PlainCity(cells=CELLS)), f"/v1/counts?{SPRINGFIELD}&{query}")
    assert said.body["cells"] == cells


async def test_counts_of_a_tick_that_is_kept(ask: Ask) -> None:
    city = PlainCity(cells=CELLS)
    said = await ask(PlainCities(city), f"/v1/counts?{SPRINGFIELD}&at=2026-11-23T12:30:59%2B01:00")
    assert (
        said.body["at"] == "2026-11-23T11:30:00.000Z"
    )  # how a cell stands between two ticks is how it stood
    assert city.asked == [("counts", NOON - 30 * MINUTE)]


async def test_tick_that_is_not_kept_is_a_fault(ask: Ask) -> None:
    said = await ask(PlainCities(PlainCity()), f"/v1/counts?{SPRINGFIELD}&at=2026-11-23T10:59:59Z")
    assert said.status == 400
    problem = (
        "must lie between 2026-11-23T11:00:00.000Z and 2026-11-23T12:00:00.000Z, the ticks that are kept"
    )
    assert said.body["faults"] == [{"parameter": "at", "problem": problem}]


@pytest.mark.parametrize("path", ["counts", "incidents"])
async def test_before_the_first_tick_nothing_is_counted(ask: Ask, path: str) -> None:
    query = f"{SPRINGFIELD}&zone=B04&crime_type=burglary" + ("&window=1h" if path == "incidents" else "")
    said = await ask(PlainCities(PlainCity(known=None)), f"/v1/{path}?{query}")
    assert (said.status, said.body["at"], said.body["next"]) == (200, None, None)


# ---- paging


async def test_pages_together_are_the_whole_and_of_one_tick(ask: Ask) -> None:
    city = PlainCity(cells={(f"B{n:02}", "burglary"): (1, n + 1) for n in range(7)})
    whole = (await ask(PlainCities(city), f"/v1/counts?{SPRINGFIELD}")).body["cells"]
    cells, cursor, ticks = [], "", set()
    while cursor is not None:
        more = f"&cursor={cursor}" if cursor else ""
        body = (await ask(PlainCities(city), f"/v1/counts?{SPRINGFIELD}&limit=3{more}")).body
        cells += body["cells"]
        ticks.add(body["at"])
        cursor = body["next"]
        city.known = Ticks(NOON - 50 * MINUTE, NOON + 10 * MINUTE)  # time goes on between two pages
    assert cells == whole
    assert ticks == {"2026-11-23T12:00:00.000Z"}


async def test_page_of_a_tick_that_has_passed_is_a_fault(ask: Ask) -> None:
    city = PlainCity(cells=CELLS)
    cursor = (await ask(PlainCities(city), f"/v1/counts?{SPRINGFIELD}&limit=1")).body["next"]
    city.known = Ticks(NOON + MINUTE, NOON + 61 * MINUTE)
    said = await ask(PlainCities(city), f"/v1/counts?{SPRINGFIELD}&limit=1&cursor={cursor}")
    problem = "is of a tick that is not kept any more; ask again without it"
    assert (said.status, said.body["faults"]) == (400, [{"parameter": "cursor", "problem": problem}])


@pytest.mark.parametrize(
    "path, cursor",
    [
        pytest.param(f"/v1/counts?{SPRINGFIELD}&zone=B04", "", id="other parameters"),
        pytest.param(f"/v1/alerts?{SPRINGFIELD}", "", id="another question"),
        pytest.param(f"/v1/counts?{SPRINGFIELD}", "bm9uc2Vuc2U", id="made up"),
        pytest.param(f"/v1/counts?{SPRINGFIELD}", "%00", id="no base64"),
        pytest.param(f"/v1/counts?{SPRINGFIELD}", "W1tbW1tbW1tbW1tbW1tbW1tbW1s", id="no JSON"),
    ],
)
async def test_cursor_of_another_question_is_a_fault(ask: Ask, path: str, cursor: str) -> None:
    cities = PlainCities(PlainCity(cells=CELLS))
    cursor = cursor or (await ask(cities, f"/v1/counts?{SPRINGFIELD}&limit=1")).body["next"]
    said = await ask(cities, f"{path}&cursor={cursor}")
    problem = "must be the `next` of an answer to the same question; ask again without it"
    assert (said.status, said.body["faults"]) == (400, [{"parameter": "cursor", "problem": problem}])


# ---- alerts

TOLD = [
    standing(alert("old", NOON - 60 * MINUTE, AlertState.CLEARED), ended_at=NOON - 60 * MINUTE),
    standing(alert("open", NOON - 5 * MINUTE, AlertState.ESCALATED, verdict="confirmed")),
    standing(alert("city", NOON, zones=("*",), crime_type="*", acknowledged_by=None)),
]


@pytest.mark.parametrize(
    "query, found",
    [
        pytest.param("", ["city", "open"], id="open ones, the latest first"),
        pytest.param("state=all", ["city", "open", "old"], id="all that are remembered"),
        pytest.param("state=cleared", ["old"], id="of one state"),
        pytest.param("crime_type=burglary&crime_type=robbery", ["open"], id="of some types"),
        pytest.param("crime_type=*", ["city", "open"], id="of any type"),
        pytest.param("alert_id=old", ["old"], id="one by its id, whatever its state"),
        pytest.param("alert_id=nobody", [], id="none of that id"),
    ],
)
async def test_alerts_are_the_open_ones_unless_others_are_asked_for(
    ask: Ask, query: str, found: list[str]
) -> None:
    said = await ask(PlainCities(PlainCity(told=TOLD)), f"/v1/alerts?{SPRINGFIELD}&{query}")
    assert [each["alert_id"] for each in said.body["alerts"]] == found


async def test_alert_says_whether_but_not_by_whom_it_was_acknowledged(ask: Ask) -> None:
    said = await ask(PlainCities(PlainCity(told=TOLD)), f"/v1/alerts?{SPRINGFIELD}&alert_id=open")
    assert "desk 3" not in str(said.body)
    assert said.body["alerts"] == [
        {
            "alert_id": "open",
            "revision": 7,
            "state": "escalated",
            "provisional": False,
            "zones": ["B04"],
            "crime_type": "burglary",
            "window": "1h",
            "at": "2026-11-23T11:55:00.000Z",
            "raised_at": "2026-11-23T11:55:00.000Z",
            "since": "2026-11-23T11:25:00.000Z",
            "ended_at": None,
            "observed": 9,
            "expected": 1.5,
            "once_in_days": 40.0,
            "incident_ids": ["I-1", "I-2"],
            "rule": "surge",
            "explanation": "9 burglary incidents in zone B04.",
            "acknowledged": True,
            "verdict": "confirmed",
        }
    ]


# ---- incidents


async def test_incidents_are_named_newest_first_beside_their_count(ask: Ask) -> None:
    city = PlainCity(cells=CELLS, ids=[(NOON, "I-2"), (NOON - MINUTE, "I-1")])
    query = f"{SPRINGFIELD}&zone=B04&crime_type=burglary&window=1h&limit=1"
    said = await ask(PlainCities(city), f"/v1/incidents?{query}")
    assert said.body["next"] is not None
    assert {**said.body, "next": None} == {
        "jurisdiction": "springfield",
        "zone": "B04",
        "crime_type": "burglary",
        "window": "1h",
        "at": "2026-11-23T12:00:00.000Z",
        "count": 3,
        "named": 2,
        "incident_ids": ["I-2"],
        "here": ["springfield"],
        "next": None,
    }
    assert city.asked[-1] == ("ids", [("B04", "burglary")], NOON - 60 * MINUTE, NOON)
    rest = await ask(PlainCities(city), f"/v1/incidents?{query}&cursor={said.body['next']}")
    assert (rest.body["incident_ids"], rest.body["next"]) == (["I-1"], None)


async def test_incidents_of_the_whole_city_are_those_of_every_cell(ask: Ask) -> None:
    city = PlainCity(cells=CELLS)
    query = f"{SPRINGFIELD}&zone=*&crime_type=*&window=15m"
    said = await ask(PlainCities(city), f"/v1/incidents?{query}")
    assert said.body["count"] == 3
    cells = [("B04", "burglary"), ("B04", "robbery"), ("B05", "burglary")]
    assert city.asked[-1] == ("ids", cells, NOON - 15 * MINUTE, NOON)


async def test_incidents_of_a_tick_that_is_not_kept_are_a_fault(ask: Ask) -> None:
    query = f"{SPRINGFIELD}&zone=*&crime_type=*&window=15m&at=2020-01-01T00:00:00Z"
    said = await ask(PlainCities(PlainCity()), f"/v1/incidents?{query}")
    assert [fault["parameter"] for fault in said.body["faults"]] == ["at"]


# ---- measures


async def test_kpis_are_those_asked_for(ask: Ask) -> None:
    measures = [kpi(), kpi("ems"), kpi(priority="1"), kpi(over="24h"), kpi(name="turnout")]
    query = f"{SPRINGFIELD}&agency=fire&priority=*&kpi=travel&over=1h"
    said = await ask(PlainCities(PlainCity(measures=measures)), f"/v1/kpis?{query}")
    assert said.body["at"] == "2026-11-23T12:00:00.000Z"
    assert said.body["kpis"] == [
        {
            "agency": "fire",
            "priority": "*",
            "kpi": "travel",
            "over": "1h",
            "count": 4,
            "within": 3,
            "threshold_s": 240.0,
            "value": 0.75,
            "mean_s": 200.5,
            "left_out": 1,
        }
    ]


async def test_kpis_before_the_first_tick_are_none(ask: Ask) -> None:
    said = await ask(PlainCities(PlainCity()), f"/v1/kpis?{SPRINGFIELD}")
    assert (said.body["at"], said.body["kpis"]) == (None, [])


# ---- who is here


async def test_jurisdictions_are_those_that_this_worker_watches(ask: Ask) -> None:
    cities = PlainCities(PlainCity(), PlainCity("shelbyville", known=None))
    assert (await ask(cities, "/v1/jurisdictions")).body == {
        "jurisdictions": [
            {"jurisdiction": "shelbyville", "at": None, "oldest_at": None},
            {
                "jurisdiction": "springfield",
                "at": "2026-11-23T12:00:00.000Z",
                "oldest_at": "2026-11-23T11:00:00.000Z",
            },
        ],
        "here": ["shelbyville", "springfield"],
        "next": None,
    }


@pytest.mark.parametrize(
    "cities, watched",
    [
        pytest.param(
            PlainCities(PlainCity(), PlainCity("ogdenville")), "here are: ogdenville, springfield", id="some"
        ),
        pytest.param(PlainCities(), "it watches none now", id="none"),
    ],
)
async def test_jurisdiction_of_another_worker_is_not_here(
    ask: Ask, cities: PlainCities, watched: str
) -> None:
    said = await ask(cities, "/v1/alerts?jurisdiction=shelbyville")
    assert said.status == 404
    assert said.headers["Content-Type"] == "application/problem+json; charset=utf-8"
    assert said.body == {
        "type": "/v1/openapi.json#/components/schemas/NotHere",
        "title": "shelbyville is not here",
        "status": 404,
        "detail": f"this worker does not watch it; {watched}; ask the other workers, and check the spelling",
        "here": list(cities.names()),
    }


async def test_jurisdiction_that_is_being_taken_over_is_not_here_yet(ask: Ask) -> None:
    said = await ask(PlainCities(coming=["shelbyville"]), "/v1/kpis?jurisdiction=shelbyville")
    assert (said.status, said.headers["Retry-After"]) == (503, "2")
    assert said.body["title"] == "shelbyville is not here yet"
    assert said.body["detail"].startswith("this worker is taking it over, and answers when its log is folded")


# ---- faults


async def test_every_fault_is_said_at_once(ask: Ask) -> None:
    query = "zone=&crime_type=theft&window=9h&limit=0&limit=1&at=yesterday&colour=red"
    said = await ask(PlainCities(PlainCity()), f"/v1/incidents?{query}")
    assert said.status == 400
    assert said.headers["Content-Type"] == "application/problem+json; charset=utf-8"
    assert said.body["title"] == "parameters cannot be used"
    words = ", ".join(("*", *CrimeType))
    assert [tuple(fault.values()) for fault in said.body["faults"]] == [
        (
            '"colour"',
            "is not a parameter of this question, which takes jurisdiction, zone, crime_type, window, at, limit, cursor",
        ),
        ("jurisdiction", "must be said"),
        ("zone", 'must be 1 to 256 characters (got "")'),
        ("crime_type", f'must be one of {words} (got "theft")'),
        ("window", 'must be one of 15m, 1h (got "9h")'),
        (
            "at",
            'must be a time with an offset, such as 2026-11-23T11:45:00Z (write + as %2B) (got "yesterday")',
        ),
        ("limit", "must be said at most 1 times (got 2)"),
    ]
    assert said.body["detail"].count(";") == 6


@pytest.mark.parametrize(
    "name, text, problem",
    [
        pytest.param("limit", "1001", "must be a whole number from 1 to 1000", id="too many"),
        pytest.param("limit", "٣", "must be a whole number from 1 to 1000", id="other digits"),
        pytest.param("limit", "9" * 5000, "must be a whole number from 1 to 1000", id="very long"),
        pytest.param("at", "2026-11-23T11:45:00", "must be a time with an offset", id="naive time"),
        pytest.param(
            "at", "0001-01-01T00:00:00+23:00", "must be a time with an offset", id="before the calendar"
        ),
        pytest.param("at", "2101-01-01T00:00:00Z", "must be a time with an offset", id="after 2100"),
        pytest.param("zone", "B" * 257, "must be 1 to 256 characters", id="a long zone"),
    ],
)
async def test_value_that_does_not_fit_is_shown_short(ask: Ask, name: str, text: str, problem: str) -> None:
    said = await ask(PlainCities(PlainCity()), f"/v1/counts?{SPRINGFIELD}&{name}={quote(text)}")
    (fault,) = said.body["faults"]
    assert fault["parameter"] == name
    assert fault["problem"].startswith(problem)
    assert len(fault["problem"]) < 400


async def test_text_that_is_not_utf_8_is_a_fault(ask: Ask) -> None:
    cities = PlainCities(PlainCity(cells=CELLS))
    said = await ask(cities, f"/v1/counts?{SPRINGFIELD}&zone=" + "%ED%A0%80")
    assert said.status in (
        200,
        400,
    )  # as the HTTP library reads it: three signs that stand for it, or half a pair


async def test_at_most_twenty_faults_are_said(ask: Ask) -> None:
    said = await ask(PlainCities(PlainCity()), "/v1/counts?" + "&".join(f"x{n}=1" for n in range(500)))
    assert len(said.body["faults"]) == 20
    assert len(said.body["detail"]) < 5000


async def test_one_parameter_has_at_most_fifty_values(ask: Ask) -> None:
    said = await ask(PlainCities(PlainCity()), f"/v1/counts?{SPRINGFIELD}" + "&zone=B" * 51)
    assert said.body["faults"] == [{"parameter": "zone", "problem": "must be said at most 50 times (got 51)"}]
