"""What is absorbed at a take-over leaves the fold as its steps would have: what follows is sent alike."""

from typing import Any

import pytest

from schemas.codec import to_json
from schemas.events import Entry
from streams.core.ack_fold import AckFold, AckRules
from streams.core.cells import NAMED_IDS, Partials
from streams.core.dispatch_fold import DispatchFold
from streams.core.incident_fold import IncidentFold
from streams.core.source_fold import IntakeRules, Source
from tests.cluster import timeline_of
from tests.worlds import CITY

NOON = 1_795_435_200_000
RULES = IntakeRules(timeline_of(CITY), kpi_bounds_s=(60.0,))


def incident(number: int) -> dict[str, Any]:
    at = NOON + number * 20_000
    said = {"updated_at": at, "reported_at": at, "status": "received", "zone": "B04", "crime_type": "theft"}
    return {"incident_id": f"i{number % 4}", **said}


def dispatch(number: int) -> dict[str, Any]:
    said = {"unit_id": "E7", "agency": "fire", "status": ("dispatched", "en_route")[number % 2]}
    return {"incident_id": f"i{number // 2}", "at": NOON + number * 20_000, **said}


def entries(said: Any) -> list[Entry]:
    values = [{"jurisdiction": "a", **said(number)} for number in range(10)]
    return [
        Entry(number, NOON + number * 20_000, value["incident_id"].encode(), to_json(value))
        for number, value in enumerate(values)
    ]


@pytest.mark.parametrize(
    "new_fold, said",
    [
        pytest.param(lambda: IncidentFold(Source("incidents", 0, 1), RULES), incident, id="incidents"),
        pytest.param(lambda: IncidentFold(Source("incidents", 0, 1), RULES, cut=0), incident, id="a cut log"),
        pytest.param(lambda: DispatchFold(Source("dispatches", 0, 1), RULES), dispatch, id="dispatches"),
        pytest.param(lambda: AckFold(Source("alert-acks", 0, 1), AckRules()), incident, id="answers"),
    ],
)
def test_absorbed_records_leave_what_steps_would_have_left(new_fold: Any, said: Any) -> None:
    log = entries(said)
    absorbed, stepped = new_fold(), new_fold()
    absorbed.absorb(log[:6])
    assert stepped.step(log[:6]).emissions
    assert absorbed.position == stepped.position == 6
    assert absorbed.metadata() == stepped.metadata()
    assert absorbed.step(log[6:]) == stepped.step(log[6:])


def test_incident_that_is_not_among_the_newest_named_leaves_the_others_named() -> None:
    partials, key = Partials(60), (("B04", "theft"), 5, 6)
    for number in range(NAMED_IDS + 1):
        partials.add(key, f"i{number}")
    assert partials.change({key: 1}, {}, "i0")
    columns = partials.everything()
    assert columns.net == [NAMED_IDS]
    assert list(columns.ids[0]) == [f"i{number}" for number in range(1, NAMED_IDS + 1)]
