"""What is known of alerts: the reasons to speak, the policy, and one episode as a value.

An *episode* is one thing that happens in one place: a detector, a crime type, and zones that touch. It has one id
however often it is spoken of.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

from schemas.vocabulary import AlertState
from streams.core.scores import Score

MINUTE_MS: Final = 60_000
HOUR_MS: Final = 60 * MINUTE_MS
DAY_MS: Final = 24 * HOUR_MS
RAREST_DAYS: Final = 1e6
HIGHEST_LEVEL: Final = 1e6
"""Beyond these a figure says no more than that it is beyond."""


class AlertReason(StrEnum):
    """Why a revision of an alert was sent; also a metric label."""

    EXCEEDED = "exceeded"  # the level reached 1 at a closed tick
    FORESEEN = "foreseen"  # it reached 1 before its tick closed: provisional
    RETURNED = "returned"  # an episode that had ended goes on within the quiet time
    CONFIRMED = "confirmed"  # the tick closed and the level is still 1 or more
    RARER = "rarer"  # the next step of rarity (rules: of the level) was reached
    SPREAD = "spread"  # a zone joined
    GREW = "grew"  # many more incidents than last told
    ANSWERED = "answered"  # somebody acknowledged it or gave a verdict
    SUBSIDED = "subsided"  # below the clear level for long enough
    EXPIRED = "expired"  # no news for long: it is no longer emerging
    MERGED = "merged"  # it met an older episode, which goes on for both
    UNCONFIRMED = "unconfirmed"  # the tick closed and the level is below 1


STATE_OF: Final = {
    AlertReason.EXCEEDED: AlertState.RAISED,
    AlertReason.FORESEEN: AlertState.RAISED,
    AlertReason.RETURNED: AlertState.RAISED,
    AlertReason.CONFIRMED: AlertState.UPDATED,
    AlertReason.RARER: AlertState.ESCALATED,
    AlertReason.SPREAD: AlertState.UPDATED,
    AlertReason.GREW: AlertState.UPDATED,
    AlertReason.ANSWERED: AlertState.UPDATED,  # of an ended episode: the state it ended in
    AlertReason.SUBSIDED: AlertState.CLEARED,
    AlertReason.EXPIRED: AlertState.CLEARED,
    AlertReason.MERGED: AlertState.CLEARED,
    AlertReason.UNCONFIRMED: AlertState.WITHDRAWN,
}


@dataclass(frozen=True, slots=True)
class Policy:
    """When to speak. All spans are event time in ms.

    The defaults: 0.7 and half an hour keep a count that goes up and down around the threshold one alert; ten minutes is
    how often a dispatcher can be told more of the same; a week, a month and a year are steps of rarity people can
    tell apart; a day without a word is no longer emerging; two hours is a lull within one series of incidents.
    """

    pane_ms: int = MINUTE_MS
    clear_level: float = 0.7  # below it an episode cools; between it and 1 it neither starts nor ends
    clear_after_ms: int = 30 * MINUTE_MS
    update_every_ms: int = 10 * MINUTE_MS  # least time before `spread` or `grew` is told
    growth_ratio: float = 1.5  # `grew`: at least so many times what was last told, …
    growth_min: int = 3  # … and at least so many more
    rarity_steps_days: tuple[float, ...] = (7.0, 30.0, 365.0)
    level_steps: tuple[float, ...] = (2.0, 3.0, 5.0)  # for scores without a rarity: rules
    expire_after_ms: int = DAY_MS  # without news, or twice the window where that is longer
    quiet_ms: int = 2 * HOUR_MS  # a return within it goes on with the old episode
    mute_ms: int = 0  # a return within it is not told, unless it is rarer than before
    false_alarm_mute_ms: int = DAY_MS  # the same, after the verdict `false_alarm`
    recheck_ms: int = 15 * MINUTE_MS  # open episodes are looked at so often, however silent the city is
    remember_ms: int = 7 * DAY_MS  # ended episodes still take verdicts for so long
    incident_cap: int = 10  # incident ids named per alert


DEFAULT_POLICY: Final = Policy()


class Answer(NamedTuple):
    """What operations centres said of an episode; the latest word of each kind holds."""

    acknowledged_at: int | None = None
    acknowledged_by: str | None = None
    verdict_at: int | None = None
    verdict: str | None = None  # confirmed or false_alarm


class Sent(NamedTuple):
    """What people were last told."""

    revision: int
    at: int
    state: str  # an AlertState
    zones: tuple[str, ...]
    observed: int
    step: int
    provisional: bool
    answer: Answer


UNANSWERED: Final = Answer()


@dataclass(frozen=True, slots=True)
class Episode:
    """All that is known of one episode."""

    alert_id: str
    detector: str
    crime_type: str
    since: int  # ms, start of the excess
    raised_at: int  # ms, the tick that raised it, or raised it again
    open: bool
    provisional: bool
    zones: tuple[tuple[str, int | None], ...]  # sorted; (zone, cooling since, None while it is hot)
    reading: Score  # the leading score of the last tick that had one
    reading_at: int
    peak: Score
    peak_at: int
    step: int  # highest step of rarity reached
    ended_at: int | None = None
    ending: AlertReason | None = None
    merged_into: str | None = None
    answer: Answer = UNANSWERED
    sent: Sent | None = None

    @property
    def zone_names(self) -> tuple[str, ...]:
        """The zones it is in now, sorted (of an ended one: was in at the end)."""
        return tuple(zone for zone, _ in self.zones)


def by_age(episode: Episode) -> tuple[int, str, str, tuple[str, ...], str]:
    """Sorts episodes: oldest first, those of one tick by what and where."""
    return (episode.raised_at, episode.detector, episode.crime_type, episode.zone_names, episode.alert_id)


def usable(score: Score) -> Score | None:
    """`score` with finite figures; None where the level is not a number. JSON has no infinity."""
    once, level = score.once_in_days, score.level
    if 0.0 <= level <= HIGHEST_LEVEL and (once is None or 0.0 <= once <= RAREST_DAYS):
        return score
    if math.isnan(level):
        return None
    if once is not None:
        once = None if math.isnan(once) else min(max(once, 0.0), RAREST_DAYS)
    return score._replace(level=min(max(level, 0.0), HIGHEST_LEVEL), once_in_days=once)


def by_weight(score: Score) -> tuple[float, int, int, tuple[str, ...], int]:
    """Sorts scores: the highest level last; ties go by the other values, never by order."""
    return (score.level, score.observed, score.window_panes, score.zones, score.since_pane or 0)


def leading(scores: Iterable[Score]) -> Score | None:
    """The score an alert is told by: the one of the highest level."""
    return max(scores, key=by_weight, default=None)


def step_of(score: Score, policy: Policy) -> int:
    """How many steps of rarity (of the level, where there is no rarity) a score has reached."""
    if score.once_in_days is None:
        return sum(score.level >= step for step in policy.level_steps)
    return sum(score.once_in_days >= step for step in policy.rarity_steps_days)
