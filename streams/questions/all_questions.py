"""The questions that can be asked: their parameters, and how each is answered from what a city knows."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from schemas.instants import rfc3339
from schemas.vocabulary import ALERT_PRECISION, ANY, Agency, AlertState, CrimeType, Kpi
from streams.questions.answers import (
    AlertNow,
    Alerts,
    CellCounts,
    Counts,
    Incidents,
    Jurisdictions,
    Kpis,
    Measure,
    Watched,
)
from streams.questions.asking import CURSOR, JURISDICTION, LIMIT, Asked, Question
from streams.questions.parameters import Instant, Name, Parameter, ParameterFault, Unfit, Word
from streams.questions.views import City, Standing

OPEN: Final = "open"
EVERY: Final = "all"
_STATES: Final = (OPEN, EVERY, *(str(state) for state in AlertState))
_TYPES: Final = (ANY, *(str(word) for word in CrimeType))
_ENDED: Final = (AlertState.CLEARED, AlertState.WITHDRAWN)


def questions(windows: Sequence[str], kpi_windows: Sequence[str]) -> tuple[Question, ...]:
    """Every question.

    Args:
        windows: names of the rolling windows.
        kpi_windows: names of the windows over which response is measured.
    """
    paging = (LIMIT, CURSOR)
    at = Parameter("at", Instant(), "A tick that may still be corrected; by default the last published one.")
    many_zones = Parameter(
        "zone", Name(), f'Only this zone; several times for several. "{ANY}": all as one.', many=True
    )
    many_types = Parameter("crime_type", Word(_TYPES), f'Only this type. "{ANY}": all as one.', many=True)
    zone = Parameter("zone", Name(), f'The zone; "{ANY}" for all.', required=True)
    crime_type = Parameter("crime_type", Word(_TYPES), f'The crime type; "{ANY}" for all.', required=True)
    window = Parameter("window", Word(windows), "The rolling window.", required=True)
    state = Parameter(
        "state", Word(_STATES), "Open ones, all that are remembered, or those of one state.", default=OPEN
    )
    alert_id = Parameter("alert_id", Name(), "Only this alert, in whatever state.")
    return (
        Question(
            "/v1/jurisdictions",
            "What this worker can be asked about.",
            paging,
            (str,),
            Jurisdictions,
            _watched,
        ),
        Question(
            "/v1/counts",
            "Rolling counts per zone and crime type at one tick.",
            (JURISDICTION, many_zones, many_types, at, *paging),
            (str, str),
            Counts,
            _counts,
        ),
        Question(
            "/v1/alerts",
            "Alerts as they stand, the latest first.",
            (JURISDICTION, state, many_types, alert_id, *paging),
            (int, str),
            Alerts,
            _alerts,
        ),
        Question(
            "/v1/incidents",
            "The ids behind a count.",
            (JURISDICTION, zone, crime_type, window, at, *paging),
            (int, str),
            Incidents,
            _incidents,
        ),
        Question(
            "/v1/kpis",
            "Response measures against their goals, and the precision of alerts.",
            (JURISDICTION, *_kpi_filters(kpi_windows), *paging),
            (str, str, str, str),
            Kpis,
            _kpis,
        ),
    )


def _kpi_filters(windows: Sequence[str]) -> tuple[Parameter, ...]:
    """What response measures can be narrowed by."""
    return (
        Parameter("agency", Word(tuple(Agency)), "Only this agency."),
        Parameter("priority", Name(), f'Only this priority; "{ANY}" is the measure over all.'),
        Parameter(
            "kpi", Word((*map(str, Kpi), ALERT_PRECISION)), "Only this interval, or the precision of alerts."
        ),
        Parameter("over", Word(windows), "Only this window."),
    )


def _watched(asked: Asked) -> Jurisdictions:
    found, following = asked.page(asked.here, lambda name: (name,), None)
    cities = [city for name in found if (city := asked.cities.city(name)) is not None]
    return Jurisdictions(tuple(_one_watched(city) for city in cities), asked.here, following)


def _one_watched(city: City) -> Watched:
    ticks = city.ticks()
    at, oldest = (None, None) if ticks is None else (rfc3339(ticks.last), rfc3339(ticks.oldest))
    return Watched(city.jurisdiction, at, oldest)


def _counts(asked: Asked) -> Counts | ParameterFault:
    city, ticks = asked.city, asked.city.ticks()
    if ticks is None:
        return Counts(city.jurisdiction, None, (), asked.here, None)
    at = asked.tick(ticks)
    if isinstance(at, Unfit):
        return asked.fault(at)
    zones, types = asked.values["zone"], asked.values["crime_type"]
    rows = _added_up(_only(city.counts(at), zones, types), ANY in (zones or ()), ANY in (types or ()))
    found, following = asked.page(rows.items(), lambda row: row[0], at)
    cells = tuple(
        CellCounts(zone, crime_type, dict(zip(city.windows, numbers, strict=True)))
        for (zone, crime_type), numbers in found
    )
    return Counts(city.jurisdiction, rfc3339(at), cells, asked.here, following)


def _only(
    cells: Iterable[tuple[str, str, Sequence[int]]], zones: Sequence[str] | None, types: Sequence[str] | None
) -> Iterator[tuple[str, str, Sequence[int]]]:
    """The cells asked for that count anything; `*` among the names asked for is all of them."""
    for zone, crime_type, numbers in cells:
        in_place = zones is None or zone in zones or ANY in zones
        if in_place and (types is None or crime_type in types or ANY in types) and any(numbers):
            yield zone, crime_type, numbers


def _added_up(
    cells: Iterable[tuple[str, str, Sequence[int]]], any_zone: bool, any_type: bool
) -> Mapping[tuple[str, str], Sequence[int]]:
    """Counts by cell, added up over what was asked for as one."""
    rows: dict[tuple[str, str], Sequence[int]] = {}
    for zone, crime_type, numbers in cells:
        cell = (ANY if any_zone else zone, ANY if any_type else crime_type)
        before = rows.get(cell)
        rows[cell] = numbers if before is None else [a + b for a, b in zip(before, numbers, strict=True)]
    return rows


def _alerts(asked: Asked) -> Alerts:
    city, values = asked.city, asked.values
    wanted = [each for each in city.alerts() if _is_wanted(each, values)]
    found, following = asked.page(wanted, lambda each: (-each.alert.at, each.alert.alert_id), None)
    now = tuple(_alert_now(city, each) for each in found)
    return Alerts(city.jurisdiction, now, asked.here, following)


def _is_wanted(standing: Standing, values: Mapping[str, Any]) -> bool:
    alert, types = standing.alert, values["crime_type"]
    if values["alert_id"] is not None:
        return bool(alert.alert_id == values["alert_id"])
    if types is not None and ANY not in types and alert.crime_type not in types:
        return False
    if values["state"] == OPEN:
        return alert.state not in _ENDED
    return values["state"] in (EVERY, alert.state)


def _alert_now(city: City, standing: Standing) -> AlertNow:
    alert = standing.alert
    return AlertNow(
        alert_id=alert.alert_id,
        revision=alert.revision,
        state=alert.state,
        provisional=alert.provisional,
        zones=alert.zones,
        crime_type=alert.crime_type,
        window=alert.window,
        at=rfc3339(alert.at),
        raised_at=rfc3339(standing.raised_at),
        since=rfc3339(alert.since),
        ended_at=None if standing.ended_at is None else rfc3339(standing.ended_at),
        observed=alert.observed,
        expected=alert.expected,
        once_in_days=alert.once_in_days,
        incident_ids=tuple(city.incidents_of(standing)) if standing.ended_at is None else (),
        rule=alert.rule,
        explanation=alert.explanation,
        acknowledged=alert.acknowledged_by is not None,
        verdict=alert.verdict,
    )


def _incidents(asked: Asked) -> Incidents | ParameterFault:
    city, values, ticks = asked.city, asked.values, asked.city.ticks()
    zone, crime_type, window = values["zone"], values["crime_type"], values["window"]
    said = (city.jurisdiction, zone, crime_type, window)
    if ticks is None:
        return Incidents(*said, None, 0, 0, (), asked.here, None)
    at = asked.tick(ticks)
    if isinstance(at, Unfit):
        return asked.fault(at)
    cells = Counter[tuple[str, str]]()
    number = list(city.windows).index(window)
    for each_zone, each_type, numbers in _only(city.counts(at), (zone,), (crime_type,)):
        cells[each_zone, each_type] = numbers[number]
    ids = city.incident_ids(cells, at - city.windows[window], at) if cells else ()
    found, following = asked.page(ids, lambda each: (-each[0], each[1]), at)
    page = tuple(incident_id for _, incident_id in found)
    return Incidents(*said, rfc3339(at), cells.total(), len(ids), page, asked.here, following)


def _kpis(asked: Asked) -> Kpis:
    city, values = asked.city, asked.values
    wanted = [
        each
        for each in city.kpis()
        if all(values[name] in (None, getattr(each, name)) for name in ("agency", "priority", "kpi", "over"))
    ]
    found, following = asked.page(wanted, lambda k: (k.agency, k.priority, k.kpi, k.over), None)
    names = Measure.__slots__
    measures = tuple(Measure(*(getattr(each, name) for name in names)) for each in found)
    at = city.kpis_at()
    return Kpis(city.jurisdiction, None if at is None else rfc3339(at), measures, asked.here, following)
