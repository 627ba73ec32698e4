"""What questions are answered with: one dataclass per answer; the OpenAPI document is made of them."""

# ruff: noqa: RUF009 -- said() makes dataclass fields, not values

from collections.abc import Mapping
from dataclasses import dataclass

from schemas.vocabulary import AlertState
from streams.questions.shapes import INSTANT, said


@dataclass(frozen=True, slots=True)
class Watched:
    """A jurisdiction that this worker watches now."""

    jurisdiction: str = said("Its name.")
    at: str | None = said("The last published tick; null before the first one.", **INSTANT)
    oldest_at: str | None = said("The oldest tick that counts can be asked of.", **INSTANT)


@dataclass(frozen=True, slots=True)
class Jurisdictions:
    """What this worker can be asked about."""

    jurisdictions: tuple[Watched, ...] = said("Those on this page, by name.")
    here: tuple[str, ...] = said("All jurisdictions that this worker watches now.")
    next: str | None = said("The cursor of the next page; null on the last one.")


@dataclass(frozen=True, slots=True)
class CellCounts:
    """How many incidents one cell had in each rolling window."""

    zone: str = said('The zone; "*" when all zones were asked for as one.')
    crime_type: str = said('The crime type; "*" when all types were asked for as one.')
    counts: Mapping[str, int] = said("Window → incidents in it. Windows end at the tick, exclusively.")


@dataclass(frozen=True, slots=True)
class Counts:
    """Rolling counts at one tick. A cell that is not named had no incident in any window."""

    jurisdiction: str = said("Whose counts these are.")
    at: str | None = said("The tick; null before the first one.", **INSTANT)
    cells: tuple[CellCounts, ...] = said("Cells of this page, by zone and crime type.")
    here: tuple[str, ...] = said("All jurisdictions that this worker watches now.")
    next: str | None = said("The cursor of the next page; null on the last one.")


@dataclass(frozen=True, slots=True)
class AlertNow:
    """An alert as it stands. Who acknowledged it is on the topic `alerts`, not here."""

    alert_id: str = said("The same for the whole episode.")
    revision: int = said("Of the record that people were last told.")
    state: AlertState = said("As people were last told.")
    provisional: bool = said("True before its tick has closed.")
    zones: tuple[str, ...] = said('Where; "*" is the whole city.')
    crime_type: str = said('What; "*" is all types.')
    window: str = said("The window that the numbers are of.")
    at: str = said("When people were last told, in event time.", **INSTANT)
    raised_at: str = said("The tick that raised it.", **INSTANT)
    since: str = said("When the excess began.", **INSTANT)
    ended_at: str | None = said("When it ended; null while it is open.", **INSTANT)
    observed: int = said("Incidents counted.")
    expected: float | None = said("Incidents usual there and then; null for rules.")
    once_in_days: float | None = said("How rare: once in so many days, in the whole city; null for rules.")
    incident_ids: tuple[str, ...] = said(
        "Ids of the newest incidents of an open alert, as far as they are named."
    )
    rule: str = said("The detector or rule that spoke.")
    explanation: str = said("The same in words.")
    acknowledged: bool = said("Whether an operations centre has acknowledged it.")
    verdict: str | None = said("What an operations centre found, `confirmed` or `false_alarm`; null before.")


@dataclass(frozen=True, slots=True)
class Alerts:
    """Alerts that people were told of, the latest first."""

    jurisdiction: str = said("Whose alerts these are.")
    alerts: tuple[AlertNow, ...] = said("Those of this page.")
    here: tuple[str, ...] = said("All jurisdictions that this worker watches now.")
    next: str | None = said("The cursor of the next page; null on the last one.")


@dataclass(frozen=True, slots=True)
class Incidents:
    """The incidents behind a count, by id."""

    jurisdiction: str = said("Whose incidents these are.")
    zone: str = said("As asked.")
    crime_type: str = said("As asked.")
    window: str = said("As asked.")
    at: str | None = said(
        "The tick at which the window ends, exclusively; null before the first one.", **INSTANT
    )
    count: int = said("How many incidents count.")
    named: int = said(
        "How many of them are named: partials carry the newest few ids per cell and minute, and of very many only those "
        "of the newest minutes are looked for, 10,000 or a few more."
    )
    incident_ids: tuple[str, ...] = said("Those of this page, those known last first.")
    here: tuple[str, ...] = said("All jurisdictions that this worker watches now.")
    next: str | None = said("The cursor of the next page; null on the last one.")


@dataclass(frozen=True, slots=True)
class Measure:
    """One response interval over one window, or the precision of alerts: the confirmed among those with a verdict."""

    agency: str = said('Who answers; "*" of alerts.')
    priority: str = said('Priority of the calls; "*" for all.')
    kpi: str = said("The interval, or `alert_precision`.")
    over: str = said("The window, which ends at the tick.")
    count: int = said("Intervals that ended in the window, or alerts raised in it that have a verdict.")
    within: int | None = said("Those that met the goal (null without one), or were confirmed.")
    threshold_s: float | None = said("The goal, seconds; null without one.")
    value: float | None = said("`within` ÷ `count`, 0 to 1; null where one of them is.")
    mean_s: float | None = said("The mean, seconds; null without intervals.")
    left_out: int = said("Missing, negative and absurd intervals, or alerts without a verdict.")


@dataclass(frozen=True, slots=True)
class Kpis:
    """Response measures at the last tick of the dispatches."""

    jurisdiction: str = said("Whose measures these are.")
    at: str | None = said("The tick of the response measures; null before the first one.", **INSTANT)
    kpis: tuple[Measure, ...] = said("Those of this page, by agency, priority, interval and window.")
    here: tuple[str, ...] = said("All jurisdictions that this worker watches now.")
    next: str | None = said("The cursor of the next page; null on the last one.")
