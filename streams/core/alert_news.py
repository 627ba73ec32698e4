"""When to speak of an episode: what is known against what people were last told.

News is a difference, not a queue: news that was overtaken before it could be told is never told, and what is told is
always how things stand.
"""

from dataclasses import replace
from typing import NamedTuple

from schemas.emissions import Alert
from schemas.vocabulary import AlertState, Verdict
from streams.core.alerts import expires_at
from streams.core.episodes import STATE_OF, AlertReason, Episode, Policy, Sent
from streams.core.explanation import Wording, explain, window_name


class Telling(NamedTuple):
    """What a record says besides the episode."""

    jurisdiction: str
    at: int
    revision: int
    incident_ids: tuple[str, ...]
    wording: Wording


def due(episode: Episode, at: int, policy: Policy) -> AlertReason | None:
    """Why people have to be told of `episode` at `at`, or None when they know enough.

    What begins and ends, a further step of rarity, a confirmation and an answer are told at once. That it spread or
    grew is told `update_every_ms` after the last word at the earliest, and not after the verdict `false_alarm`.
    """
    sent = episode.sent
    if sent is None:
        return AlertReason.FORESEEN if episode.provisional else AlertReason.EXCEEDED
    was_open = sent.state not in (AlertState.CLEARED, AlertState.WITHDRAWN)
    if was_open != episode.open:
        return AlertReason.RETURNED if episode.open else episode.ending
    if episode.open and episode.step > sent.step:
        return AlertReason.RARER
    if episode.open and sent.provisional and not episode.provisional:
        return AlertReason.CONFIRMED
    if episode.answer != sent.answer:
        return AlertReason.ANSWERED
    if not _may_update(episode, at, policy):
        return None
    return _change(episode, sent, policy)


def state_of(episode: Episode, reason: AlertReason) -> AlertState:
    """The state a record for `reason` carries; an answer to an ended episode leaves it as it ended."""
    if reason is AlertReason.ANSWERED and not episode.open and episode.sent is not None:
        return AlertState(episode.sent.state)
    return STATE_OF[reason]


def record(episode: Episode, reason: AlertReason, telling: Telling) -> Alert:
    """The record that tells of `episode` for `reason`."""
    score, wording = episode.reading, telling.wording
    return Alert(
        alert_id=episode.alert_id,
        revision=telling.revision,
        state=state_of(episode, reason),
        reason=str(reason),
        provisional=episode.provisional,
        jurisdiction=telling.jurisdiction,
        zones=episode.zone_names,
        crime_type=episode.crime_type,
        window=window_name(score.window_panes * wording.pane_ms),
        at=telling.at,
        since=episode.since,
        observed=score.observed,
        expected=score.expected,
        once_in_days=score.once_in_days,
        incident_ids=telling.incident_ids,
        rule=episode.detector,
        explanation=explain(episode, reason, telling.incident_ids, wording),
        acknowledged_by=episode.answer.acknowledged_by,
        verdict=episode.answer.verdict,
    )


def standing(
    episode: Episode, jurisdiction: str, wording: Wording, incident_ids: tuple[str, ...] = ()
) -> Alert:
    """The record of an episode that people were told of, with its numbers of now; no news, so nobody is told."""
    sent = episode.sent
    assert sent is not None
    telling = Telling(jurisdiction, sent.at, sent.revision, incident_ids, wording)
    return replace(record(episode, AlertReason.ANSWERED, telling), state=AlertState(sent.state), reason="")


def told(episode: Episode, alert: Alert) -> Episode:
    """The episode after `alert` went out."""
    sent = Sent(
        revision=alert.revision,
        at=alert.at,
        state=str(alert.state),
        zones=alert.zones,
        observed=alert.observed,
        step=episode.step,
        provisional=alert.provisional,
        answer=episode.answer,
    )
    return replace(episode, sent=sent)


def next_due(episode: Episode, at: int, policy: Policy) -> int | None:
    """The first instant after `at` at which time alone may change a live episode or make it due; None: never."""
    if episode.provisional:
        return max(episode.raised_at, at + 1)
    times = [since + policy.clear_after_ms for _, since in episode.zones if since is not None]
    times.append(expires_at(episode, policy))
    times.append((at // policy.recheck_ms + 1) * policy.recheck_ms)
    if episode.sent is not None and _change(episode, episode.sent, policy) is not None:
        times.append(episode.sent.at + policy.update_every_ms)
    return min((time for time in times if time > at), default=None)


def _may_update(episode: Episode, at: int, policy: Policy) -> bool:
    if not episode.open or episode.sent is None or episode.answer.verdict == Verdict.FALSE_ALARM:
        return False
    return at - episode.sent.at >= policy.update_every_ms


def _change(episode: Episode, sent: Sent, policy: Policy) -> AlertReason | None:
    if set(episode.zone_names) - set(sent.zones):
        return AlertReason.SPREAD
    more = episode.reading.observed - sent.observed
    grew = more >= policy.growth_min and episode.reading.observed >= policy.growth_ratio * sent.observed
    return AlertReason.GREW if grew else None
