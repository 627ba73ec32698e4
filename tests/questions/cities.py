"""Cities to ask questions of: one made of plain numbers, and one folded from events by the real stages."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import islice

from aiokafka import TopicPartition

from schemas.codec import encode_event
from schemas.emissions import Alert, KpiValue
from schemas.events import Incident
from schemas.vocabulary import AlertState
from streams.core.fold import Fold
from streams.core.watch_fold import WatchFold
from streams.local_run import LocalRun
from streams.owned_cities import OwnedCities
from streams.ownership import Facts
from streams.questions import Counts, Standing, Ticks
from streams.recovery import Progress
from streams.settings import Settings
from streams.sources.simulation.config import Config
from streams.sources.simulator import Simulation
from streams.stages import Stages

MINUTE = 60_000
NOON = 1_795_435_200_000  # 2026-11-23T12:00:00Z
LAST_HOUR = Ticks(NOON - 60 * MINUTE, NOON)
WINDOWS = {"15m": 15 * MINUTE, "1h": 60 * MINUTE}


def alert(
    alert_id: str = "a1", at: int = NOON, state: AlertState = AlertState.RAISED, **other: object
) -> Alert:
    """An alert as it stands on its topic."""
    said = {
        "alert_id": alert_id,
        "revision": 7,
        "state": state,
        "reason": "",
        "provisional": False,
        "jurisdiction": "springfield",
        "zones": ("B04",),
        "crime_type": "burglary",
        "window": "1h",
        "at": at,
        "since": at - 30 * MINUTE,
        "observed": 9,
        "expected": 1.5,
        "once_in_days": 40.0,
        "incident_ids": (),
        "rule": "surge",
        "explanation": "9 burglary incidents in zone B04.",
        "acknowledged_by": "desk 3",
    }
    return Alert(**{**said, **other})  # type: ignore[arg-type]


def standing(told: Alert, ended_at: int | None = None) -> Standing:
    return Standing(told, told.at, ended_at, told.at - 60 * MINUTE, told.at)


def kpi(agency: str = "fire", priority: str = "*", name: str = "travel", over: str = "1h") -> KpiValue:
    return KpiValue("springfield", NOON, agency, priority, name, over, 4, 3, 240.0, 0.75, 200.5, 1, 0)


@dataclass
class PlainCity:
    """A city of plain numbers."""

    jurisdiction: str = "springfield"
    windows: Mapping[str, int] = field(default_factory=lambda: WINDOWS)
    pane_ms: int = MINUTE
    known: Ticks | None = LAST_HOUR
    cells: dict[tuple[str, str], Sequence[int]] = field(default_factory=dict)
    ids: list[tuple[int, str]] = field(default_factory=list)
    told: list[Standing] = field(default_factory=list)
    measures: list[KpiValue] = field(default_factory=list)
    asked: list[tuple[object, ...]] = field(default_factory=list)

    def ticks(self) -> Ticks | None:
        return self.known

    def kpis_at(self) -> int | None:
        return NOON if self.measures else None

    def counts(self, at: int) -> Iterator[Counts]:
        self.asked.append(("counts", at))
        return ((zone, kind, numbers) for (zone, kind), numbers in self.cells.items())

    def incident_ids(
        self, cells: Collection[tuple[str, str]], start: int, at: int
    ) -> Sequence[tuple[int, str]]:
        self.asked.append(("ids", sorted(cells), start, at))
        return self.ids

    def alerts(self) -> Iterable[Standing]:
        return self.told

    def incidents_of(self, standing: Standing) -> Sequence[str]:
        return ("I-1", "I-2")

    def kpis(self) -> Iterable[KpiValue]:
        return self.measures


class PlainCities:
    """Some of them."""

    def __init__(self, *cities: PlainCity, coming: Collection[str] = ()) -> None:
        self.cities = {city.jurisdiction: city for city in cities}
        self.coming = coming

    def names(self) -> Sequence[str]:
        return sorted(self.cities)

    def city(self, name: str) -> PlainCity | None:
        return self.cities.get(name)

    def is_coming(self, name: str) -> bool:
        return name in self.coming


class Folded:
    """What ownership says of one partition of `cells` that is taken over."""

    def __init__(self, *folds: Fold | None) -> None:
        self._folds = {TopicPartition("cells", number): fold for number, fold in enumerate(folds)}

    def folds(self) -> dict[TopicPartition, Fold]:
        return {tp: fold for tp, fold in self._folds.items() if fold is not None}

    def facts(self) -> list[Facts]:
        return [
            Facts(tp, fold is not None, Progress(), None, None, None, 0.0, 0.0, None, None, None)
            for tp, fold in self._folds.items()
        ]


def owned(*folds: WatchFold | None) -> OwnedCities:
    """Questions' view of partitions of `cells`; None is one that is being taken over."""
    return OwnedCities(Folded(*folds), "cells", len(folds))  # type: ignore[arg-type]


def incident(number: int, at: int, **said: object) -> Incident:
    """An incident of Springfield, known when it was reported."""
    fields = {"zone": "B04", "crime_type": "burglary", "reported_at": at, "updated_at": at, **said}
    return Incident(incident_id=f"I-{number}", jurisdiction="springfield", **fields)  # type: ignore[arg-type]


def folded(incidents: Iterable[Incident]) -> WatchFold:
    """The fold of incidents, one partition."""
    run = LocalRun(Stages(Settings()))
    feed(run, incidents)
    return run.watch


def feed(run: LocalRun, incidents: Iterable[Incident]) -> None:
    """Let a run fold incidents."""
    messages = [
        ("incidents", said.incident_id.encode(), encode_event(said), said.updated_at) for said in incidents
    ]
    for _ in run.feed(messages):
        pass


@cache
def simulated() -> WatchFold:
    """Some hours of a simulated city, folded."""
    run = LocalRun(Stages(Settings()))
    told = islice(Simulation(Config(seed=3)).events(), 6000)
    messages = ((said.topic, said.key, said.value(), said.at) for said in told)
    for _ in run.feed(messages):
        pass
    return run.watch
