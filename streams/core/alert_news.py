"""When to speak of an episode: what is known against what people were last told.

News is a difference, not a queue: news that was overtaken before it could be told is never told, and what is told is
always how things stand.
"""

from dataclasses import replace

from schemas.vocabulary import AlertState, Verdict
from streams.core.alerts import expires_at
from streams.core.episodes import STATE_OF, AlertReason, Episode, Policy, Sent


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


def told(episode: Episode, state: AlertState, revision: int, at: int) -> Episode:
    """The episode after a record with `state` went out."""
    sent = Sent(
        revision=revision,
        at=at,
        state=str(state),
        zones=episode.zone_names,
        observed=episode.reading.observed,
        step=episode.step,
        provisional=episode.provisional,
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
