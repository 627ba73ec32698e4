"""A city's history through the stages that run live, and the alerts it would have had."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from schemas.codec import from_json
from schemas.instants import epoch_ms
from schemas.vocabulary import AlertState
from streams.backtest.record import Record, RecordedStages
from streams.core.civil import HOUR_MS
from streams.local_run import Feeds, LocalRun
from streams.settings import Settings

AROUND_H: Final = 36
"""Hours of expectation that are written down before and after an alert is raised."""
_ENDED: Final = (AlertState.CLEARED, AlertState.WITHDRAWN)


@dataclass(slots=True)
class Told:
    """One alert with all its revisions."""

    first: dict[str, Any]  # the record by which it was raised
    rarest: dict[str, Any]  # the record that stated it rarest
    raised_at: int  # ms
    zones: tuple[str, ...]
    learning: bool
    ended_at: int | None = None
    first_hour: int = 0  # of `expected`
    expected: list[float] = field(default_factory=list)  # by hour, of the zones of `rarest`, as known then

    @property
    def rule(self) -> str:
        """Who spoke."""
        return str(self.first["rule"])

    @property
    def once_in_days(self) -> float:
        """How rare it was at most; 0 for rules, which state none."""
        return float(self.rarest["once_in_days"] or 0.0)


@dataclass(frozen=True)
class History:
    """What came of a history."""

    jurisdiction: str
    stages: RecordedStages
    alerts: list[Told]
    tallies: dict[str, int]

    @property
    def record(self) -> Record:
        """What was written down of the city."""
        return self.stages.records[self.jurisdiction]


def with_budget(settings: Settings, alerts_per_day: float | None) -> Settings:
    """The settings for a backtest: another budget, and of the windows only the longest, which alerts need."""
    detection, counting = settings.detection, settings.counting
    if alerts_per_day is not None:
        detection = replace(detection, alerts_per_day=alerts_per_day)
    longest = max(counting.windows, key=lambda window: window.length_ms)
    return replace(settings, detection=detection, counting=replace(counting, windows=(longest,)))


def replay_history(
    jurisdiction: str,
    stages: RecordedStages,
    feed: Feeds,
    advance: Callable[[float], None] = lambda done: None,
) -> History:
    """Lead messages through both stages and follow each alert.

    Args:
        jurisdiction: whose history it is; alerts of others are left out.
        stages: fresh.
        feed: messages in the order in which they became known; rows that were none are passed over.
        advance: told of events that are done.
    """
    run, alerts = LocalRun(stages), dict[str, Told]()
    topic = stages.settings.topic("alerts")
    for batch in run.intake_ahead(feed):
        for outgoing in run.follow(batch):
            if outgoing.topic == topic and outgoing.value is not None:
                _follow(alerts, from_json(outgoing.value), jurisdiction, stages)
        advance(batch.events)
    return History(jurisdiction, stages, list(alerts.values()), dict(run.tallies))


def _follow(alerts: dict[str, Told], said: dict[str, Any], jurisdiction: str, stages: RecordedStages) -> None:
    if said["jurisdiction"] != jurisdiction:
        return
    at, record = epoch_ms(datetime.fromisoformat(said["at"])), stages.records[jurisdiction]
    told = alerts.get(said["alert_id"])
    if told is None:
        learning = record.surges.board.baseline.learning
        told = alerts[said["alert_id"]] = Told(said, said, at, tuple(said["zones"]), learning)
        told.first_hour = at // HOUR_MS - AROUND_H
        _note_expected(told, record)
    if (said["once_in_days"] or 0.0, said["observed"]) > (told.once_in_days, told.rarest["observed"]):
        told.rarest = said
        _note_expected(told, record)
    told.zones = tuple(sorted({*told.zones, *said["zones"]}))
    told.ended_at = at if said["state"] in _ENDED else None


def _note_expected(told: Told, record: Record) -> None:
    hours = range(told.first_hour, told.first_hour + 2 * AROUND_H)
    told.expected = record.expected(told.rarest["zones"], told.first["crime_type"], hours)


def by_rarity(alerts: Sequence[Told]) -> list[Told]:
    """The rarest first; of equals the first."""
    return sorted(alerts, key=lambda told: (-told.once_in_days, told.raised_at))
