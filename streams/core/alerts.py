"""The life of an alert, as total functions over values: raised, updated, escalated, cleared or withdrawn.

    level
     1.0 ┤      ╭──────╮   ╭──╮
     0.7 ┤─────╯        ╰─╯    ╰──────────     clear_level
         └─────┬───────────────┬──────┬───▶ event time
            raised          cooling  cleared   (cooling for clear_after_ms)

When to speak of an episode is decided in `alert_news`, whose it is in `alert_book`.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import replace

from schemas.events import AlertAck
from schemas.vocabulary import Verdict
from streams.core.episodes import AlertReason, Episode, Policy, by_weight, leading, step_of
from streams.core.scores import Score


def alert_id(jurisdiction: str, score: Score, at: int) -> str:
    """A short, deterministic id: a hash of jurisdiction, detector, crime type, first zones and tick."""
    name = "\x1f".join((jurisdiction, score.detector, score.crime_type, *score.zones, str(at)))
    return hashlib.blake2b(name.encode(), digest_size=8).hexdigest()


def begin(jurisdiction: str, over: Sequence[Score], at: int, policy: Policy) -> Episode:
    """A new episode of scores that belong together: at least one, each of level 1 or more."""
    lead = max(over, key=by_weight)
    zones = sorted({zone for score in over for zone in score.zones})
    since = at if lead.since_pane is None else min(at, lead.since_pane * policy.pane_ms)
    return Episode(
        alert_id=alert_id(jurisdiction, lead._replace(zones=tuple(zones)), at),
        detector=lead.detector,
        crime_type=lead.crime_type,
        since=since,
        raised_at=at,
        open=True,
        provisional=False,
        zones=tuple((zone, None) for zone in zones),
        reading=lead,
        reading_at=at,
        peak=lead,
        peak_at=at,
        step=step_of(lead, policy),
    )


def returned(episode: Episode, scores: Sequence[Score], at: int, policy: Policy) -> Episode | None:
    """An ended episode, open again because of `scores` of level 1; None when there is none, or it is muted."""
    lead = leading(scores)
    if lead is None or lead.level < 1 or is_muted(episode, lead, at, policy):
        return None
    over = {zone for score in scores if score.level >= 1 for zone in score.zones}
    back = replace(episode, open=True, raised_at=at, zones=tuple((zone, None) for zone in sorted(over)))
    return _read(replace(back, ended_at=None, ending=None), lead, at, policy)


def advance(episode: Episode, scores: Sequence[Score], at: int, policy: Policy) -> Episode:
    """The episode after the closed tick `at`, at which its detector said `scores` of it (none: level 0).

    The same object when nothing changed: a reading that is said again stays the one of the tick it was made at.
    """
    if episode.provisional and at < episode.raised_at:
        return episode  # its own tick has not closed yet
    lead = leading(scores)
    read = episode if lead is None or lead == episode.reading else _read(episode, lead, at, policy)
    if not episode.open:  # an expired one is over only when it has sunk
        return _cool(read, scores, at, policy) if episode.ending is AlertReason.EXPIRED else read
    if episode.provisional and (lead is None or lead.level < 1):
        return end(read, AlertReason.UNCONFIRMED, at)
    confirmed = replace(read, provisional=False) if read.provisional else read
    cooled = _cool(confirmed, scores, at, policy)
    expired = cooled.open and at >= expires_at(cooled, policy)
    return end(cooled, AlertReason.EXPIRED, at) if expired else cooled


def end(episode: Episode, reason: AlertReason, at: int, merged_into: str | None = None) -> Episode:
    """The episode, ended at `at` for `reason`."""
    return replace(
        episode, open=False, provisional=False, ended_at=at, ending=reason, merged_into=merged_into
    )


def merged(episode: Episode, other: Episode) -> Episode:
    """Two open episodes as one: the zones of both, the rarest step and the highest peak."""
    zones = dict(other.zones) | dict(episode.zones)  # no zone is in two open episodes of a kind
    peaks = (episode.peak, episode.peak_at), (other.peak, other.peak_at)
    peak, peak_at = max(peaks, key=lambda p: (p[0].level, p[0] == episode.peak, -p[1]))
    step = max(episode.step, other.step)
    return replace(episode, zones=tuple(sorted(zones.items())), step=step, peak=peak, peak_at=peak_at)


def expires_at(episode: Episode, policy: Policy) -> int:
    """When an open episode of which nothing more is told expires.

    Twice its window at least, so that the incidents that raised it have left the window before.
    """
    window_ms = episode.reading.window_panes * policy.pane_ms
    last_word_at = episode.raised_at if episode.sent is None else max(episode.raised_at, episode.sent.at)
    return last_word_at + max(policy.expire_after_ms, 2 * window_ms)


def is_muted(episode: Episode, lead: Score, at: int, policy: Policy) -> bool:
    """Whether a return of an ended episode is not told: too soon, and no rarer than it ever was."""
    until = muted_until(episode, policy)
    return step_of(lead, policy) <= episode.step and (until is None or at < until)


def may_return(episode: Episode, at: int, policy: Policy) -> bool:
    """Whether what begins now in the zones of an ended episode goes on with it."""
    if episode.ended_at is None or episode.ending is AlertReason.MERGED:
        return False
    until = muted_until(episode, policy)
    return until is None or at < max(until, episode.ended_at + policy.quiet_ms)


def muted_until(episode: Episode, policy: Policy) -> int | None:
    """Until when returns of an ended episode are not told; None: until it has sunk below the clear level."""
    if episode.ending is AlertReason.EXPIRED:
        return None
    if episode.ended_at is None:
        return 0
    false_alarm = episode.answer.verdict == Verdict.FALSE_ALARM
    return episode.ended_at + max(policy.mute_ms, policy.false_alarm_mute_ms if false_alarm else 0)


def remembered(episode: Episode, at: int, policy: Policy) -> bool:
    """Whether an episode still takes answers, or may return."""
    if episode.ended_at is None:
        return True
    until = episode.ended_at + max(policy.remember_ms, policy.quiet_ms)
    return at < max(until, muted_until(episode, policy) or 0)


def answered(episode: Episode, ack: AlertAck) -> Episode:
    """The episode with an answer taken in; of answers of one kind the latest holds, in whatever order they come."""
    answer = episode.answer
    if (ack.at, ack.by) > (answer.acknowledged_at or -1, answer.acknowledged_by or ""):
        answer = answer._replace(acknowledged_at=ack.at, acknowledged_by=ack.by)
    judged = ack.verdict is not Verdict.ACKNOWLEDGED
    if judged and (ack.at, str(ack.verdict)) > (answer.verdict_at or -1, answer.verdict or ""):
        answer = answer._replace(verdict_at=ack.at, verdict=str(ack.verdict))
    return replace(episode, answer=answer)


def _read(episode: Episode, lead: Score, at: int, policy: Policy) -> Episode:
    peak = lead.level > episode.peak.level
    return replace(
        episode,
        reading=lead,
        reading_at=at,
        peak=lead if peak else episode.peak,
        peak_at=at if peak else episode.peak_at,
        step=max(episode.step, step_of(lead, policy)) if episode.open else episode.step,
    )


def _cool(episode: Episode, scores: Sequence[Score], at: int, policy: Policy) -> Episode:
    """Zones join at level 1, cool below the clear level, and leave when they cooled for long enough."""
    hot = {zone for score in scores if score.level >= policy.clear_level for zone in score.zones}
    over = {zone for score in scores if score.level >= 1 for zone in score.zones}
    cooling = dict(episode.zones) | (dict.fromkeys(over) if episode.open else {})
    cooling = {
        zone: None if zone in hot else at if since is None else since for zone, since in cooling.items()
    }
    left = {z: since for z, since in cooling.items() if since is None or at - since < policy.clear_after_ms}
    zones = tuple(sorted((left or cooling).items()))
    cooled = episode if zones == episode.zones else replace(episode, zones=zones)
    return cooled if left else end(cooled, AlertReason.SUBSIDED, at)
