"""What metrics say of a worker's own folds: open incidents, calls that wait and units at work, over its partitions."""

from aiokafka import TopicPartition

from schemas.codec import encode_event
from schemas.events import Dispatch, Entry, Incident
from schemas.vocabulary import Agency, IncidentStatus, UnitStatus
from streams.core.dispatch_fold import DispatchFold
from streams.core.fold import Fold
from streams.core.incident_fold import IncidentFold
from streams.core.source_fold import Source, SourceFold
from streams.metrics import AtWorkView, HoldingView
from streams.owned import Owned
from streams.settings import Settings
from streams.stages import Stages

NOON = 1_795_435_200_000
STAGES = Stages(Settings())
INTAKE = STAGES.intake(1)


class Folds:
    """Ownership of some folds."""

    def __init__(self, *folds: SourceFold) -> None:
        self._folds = {TopicPartition(f.source.topic, f.source.partition): f for f in folds}

    def folds(self) -> dict[TopicPartition, Fold]:
        return dict(self._folds)  # type: ignore[arg-type]


def incidents(partition: int, *said: tuple[str, str, IncidentStatus, str]) -> IncidentFold:
    fold = IncidentFold(Source("incidents", partition, 2), INTAKE)
    for offset, (city, name, status, priority) in enumerate(said):
        incident = Incident(
            name, city, NOON + offset, status=status, priority=priority, reported_at=NOON + offset
        )
        fold.step([Entry(offset, NOON, name.encode(), encode_event(incident))])
    return fold


def dispatches(*said: tuple[str, str, UnitStatus]) -> DispatchFold:
    fold = DispatchFold(Source("dispatches", 0, 1), INTAKE)
    for offset, (name, unit, status) in enumerate(said):
        fact = Dispatch(name, "sf", unit, Agency.EMS, status, NOON + offset, NOON + offset)
        fold.step([Entry(offset, NOON, name.encode(), encode_event(fact))])
    return fold


def at_work(*folds: SourceFold) -> dict[str, AtWorkView]:
    owned = Owned(Folds(*folds), STAGES)  # type: ignore[arg-type]
    return {view.jurisdiction: view for view in owned.at_work()}


def test_partitions_of_a_worker_are_added_up() -> None:
    waits, worked, over = IncidentStatus.PENDING, IncidentStatus.ON_SCENE, IncidentStatus.CLOSED
    first = incidents(0, ("sf", "A", waits, "2"), ("sf", "B", worked, "1"), ("la", "C", waits, "1"))
    second = incidents(1, ("sf", "D", waits, "2"), ("sf", "E", waits, "1"), ("sf", "F", over, "1"))
    units = dispatches(("A", "M1", UnitStatus.DISPATCHED), ("B", "M2", UnitStatus.AVAILABLE))
    assert at_work(first, second, units) == {
        "sf": AtWorkView("sf", 4, [HoldingView("1", 1, NOON + 1), HoldingView("2", 2, NOON)], {"ems": 1}),
        "la": AtWorkView("la", 1, [HoldingView("1", 1, NOON + 2)], {}),
    }


def test_worker_without_incidents_says_nothing_of_open_ones() -> None:
    assert at_work(dispatches(("A", "M1", UnitStatus.DISPATCHED)))["sf"] == AtWorkView(
        "sf", None, [], {"ems": 1}
    )
    assert at_work() == {}
