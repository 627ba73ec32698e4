"""The open and recent alerts of one jurisdiction: takes the scores of a tick, answers with the records to send.

Scores of one detector and crime type belong together when their zones overlap or are neighbours. Those of level 1
join, in connected groups, the open episode they touch, else return to a recent one in their own zones, else begin a
new one; an episode that comes to touch an older one is merged into it. The order of scores is of no account.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from schemas.emissions import Alert
from schemas.events import AlertAck
from streams.core.alert_groups import Group, Neighbours, by_kind, connect, overlapping, symmetric
from streams.core.alert_news import due, next_due, state_of, told
from streams.core.alert_state import episode_from, episode_state
from streams.core.alerts import (
    advance,
    answered,
    begin,
    end,
    is_muted,
    may_return,
    merged,
    muted_until,
    returned,
)
from streams.core.episodes import DAY_MS, DEFAULT_POLICY, AlertReason, Episode, Policy
from streams.core.explanation import Wording, explain, window_name
from streams.core.scores import Score

NameIncidents = Callable[[Sequence[str], str, int, int], Sequence[str]]
"""(zones, crime type, start ms, end ms) → ids of the incidents counting in [start, end), newest first."""

STATE_VERSION: Final = 1


def no_incidents(zones: Sequence[str], crime_type: str, start: int, until: int) -> Sequence[str]:
    """Names no incidents."""
    return ()


class AlertBook:
    """Alerts of one jurisdiction. A fold: the same ticks in the same order give the same records."""

    def __init__(
        self,
        jurisdiction: str,
        policy: Policy = DEFAULT_POLICY,
        neighbours: Neighbours | None = None,
        policies: Mapping[str, Policy] | None = None,
        wording: Wording | None = None,
    ) -> None:
        """Start without any alert.

        Args:
            jurisdiction: whose alerts these are.
            policy: when to speak, for detectors that `policies` does not name.
            neighbours: zone → zones that touch it; one direction is enough.
            policies: detector → its own policy (rules with a quiet time).
            wording: how numbers and times are said.
        """
        self._jurisdiction = jurisdiction
        self._policy = policy
        self._policies = dict(policies or {})
        self._near = symmetric(neighbours or {})
        self._wording = wording or Wording(pane_ms=policy.pane_ms)
        self._live: dict[str, Episode] = {}  # open, or expired and not yet sunk
        self._ended: dict[str, Episode] = {}
        self._muted: dict[str, int] = {}  # ended ones whose return is not told, until when
        self._unheard: set[str] = set()  # ended ones that people may have to be told of
        self._at = -1

    def tick(
        self, at: int, scores: Iterable[Score], revision: int, name_incidents: NameIncidents = no_incidents
    ) -> list[Alert]:
        """Take in all that the detectors say at the closed tick `at`, and answer with the records to send.

        A detector that says nothing of an open episode says that it is over.

        Args:
            at: end of the tick, ms; greater than that of the tick before.
            scores: of all detectors, in any order.
            revision: `cells` offset that the records are made from. What cannot be told because this revision of the
                alert has been sent (several ticks in one message) is told with the next.
            name_incidents: names the incidents behind an alert.

        Raises:
            ValueError: `at` is not after the tick before.
        """
        if at <= self._at:
            msg = f"at must be after the tick before (got {at} <= {self._at}); ticks are taken in once, in order"
            raise ValueError(msg)
        kinds = by_kind(scores)
        if kinds or self._live:
            for kind in sorted(kinds.keys() | {(e.detector, e.crime_type) for e in self._live.values()}):
                self._advance_kind(kind, kinds.get(kind, []), at)
        if at // DAY_MS != self._at // DAY_MS:
            self._forget(at)
        self._at = at
        return self.report(revision, name_incidents)

    def foresee(
        self, at: int, scores: Iterable[Score], revision: int, name_incidents: NameIncidents = no_incidents
    ) -> list[Alert]:
        """Take in cells that jumped before their tick `at` (ms, to come) closed: begins provisional alerts, no more.

        The tick `at`, or the first one after it, confirms or withdraws them. What a tick withdrew is not raised
        again before a tick has closed on it.
        """
        if at <= self._at:
            return []
        for kind, said in sorted(by_kind(scores).items()):
            mine = [e for e in self._live.values() if e.open and (e.detector, e.crime_type) == kind]
            over = self._without_muted([s for s in said if s.level >= 1], mine, at)
            for group in connect(over, [e.zone_names for e in mine], self._near):
                if not group.touched:
                    self._raise(group, at, provisional=True)
        return self.report(revision, name_incidents)

    def report(self, revision: int, name_incidents: NameIncidents = no_incidents) -> list[Alert]:
        """What people have to be told now, without any time passing: after an answer, or of earlier ticks."""
        if not self._live and not self._unheard:
            return []
        records = []
        waiting = [*self._live.values(), *(self._ended[i] for i in self._unheard if i in self._ended)]
        for episode in sorted(waiting, key=lambda e: (e.raised_at, e.alert_id)):
            at = max(self._at, episode.raised_at)
            reason = due(episode, at, self._policy_of(episode.detector))
            if reason is None:
                self._unheard.discard(episode.alert_id)
            elif episode.sent is None or revision > episode.sent.revision:
                records.append(self._record(episode, reason, at, revision, name_incidents))
        return records

    def answer(self, ack: AlertAck) -> bool:
        """Take an operations centre's answer in; the next `report` or `tick` shows it. False: no such alert."""
        episode = self._live.get(ack.alert_id) or self._ended.get(ack.alert_id)
        if episode is None or not self._remembered(episode, self._at):
            return False
        self._keep(answered(episode, ack))
        return True

    def next_change(self) -> int | None:
        """The first instant (ms) after the last tick at which time alone may change or tell something.

        A tick has to be visited there, with the detectors asked; in between silence changes nothing.
        """
        times = [next_due(e, max(self._at, 0), self._policy_of(e.detector)) for e in self._live.values()]
        times.extend(until for until in self._muted.values() if until > self._at)
        return min((time for time in times if time is not None), default=None)

    def open_alerts(self) -> list[Episode]:
        """The open episodes, oldest first."""
        return sorted((e for e in self._live.values() if e.open), key=lambda e: (e.raised_at, e.alert_id))

    def snapshot(self) -> Any:
        """The whole state as JSON-able values."""
        return {
            "version": STATE_VERSION,
            "at": self._at,
            "episodes": [episode_state(e) for e in (*self._live.values(), *self._ended.values())],
            "unheard": sorted(self._unheard),
        }

    def restore(self, state: Any) -> None:
        """Take the state of `snapshot` back; afterwards every answer is the same.

        Raises:
            ValueError: the state is of another version.
        """
        if state["version"] != STATE_VERSION:
            msg = f"alert state version must be {STATE_VERSION} (got {state['version']}); fold the log from its start"
            raise ValueError(msg)
        self._live, self._ended, self._muted, self._at = {}, {}, {}, state["at"]
        for episode in map(episode_from, state["episodes"]):
            self._keep(episode)
        self._unheard = set(state["unheard"])

    def _policy_of(self, detector: str) -> Policy:
        return self._policies.get(detector, self._policy)

    def _keep(self, episode: Episode) -> None:
        live = episode.open or episode.ending is AlertReason.EXPIRED
        (self._ended if live else self._live).pop(episode.alert_id, None)
        (self._live if live else self._ended)[episode.alert_id] = episode
        self._muted.pop(episode.alert_id, None)
        if not live:
            self._unheard.add(episode.alert_id)
            until = muted_until(episode, self._policy_of(episode.detector))
            if until is not None and episode.ended_at is not None and until > episode.ended_at:
                self._muted[episode.alert_id] = until

    def _advance_kind(self, kind: tuple[str, str], scores: list[Score], at: int) -> None:
        """One tick of one detector and crime type."""
        mine = [e for e in self._live.values() if (e.detector, e.crime_type) == kind]
        opened = sorted((e for e in mine if e.open), key=lambda e: (e.raised_at, e.alert_id))
        over = self._without_muted([s for s in scores if s.level >= 1], opened, at)
        said: dict[str, list[Score]] = {episode.alert_id: [] for episode in mine}
        for group in connect(over, [e.zone_names for e in opened], self._near):
            if group.touched:
                oldest = self._merge([opened[number] for number in group.touched], at)
                said[oldest].extend(group.scores)
            else:
                self._raise(group, at, provisional=False)
        for score in scores:
            for number in overlapping(score.zones, [e.zone_names for e in mine]):
                if score.level < 1 or not mine[number].open:
                    said[mine[number].alert_id].append(score)
        for before in mine:
            episode = self._live.get(before.alert_id)
            if episode is not None:
                self._keep(advance(episode, said[episode.alert_id], at, self._policy_of(kind[0])))

    def _without_muted(self, over: list[Score], opened: Sequence[Episode], at: int) -> list[Score]:
        """`over` less those that lie wholly in the zones of a muted episode, and in no open one."""
        muted = [self._ended[i] for i in self._muted] + [e for e in self._live.values() if not e.open]
        if not muted:
            return over
        places = [e.zone_names for e in opened]
        return [
            s for s in over if overlapping(s.zones, places) or not any(self._mutes(e, s, at) for e in muted)
        ]

    def _mutes(self, episode: Episode, score: Score, at: int) -> bool:
        same = (episode.detector, episode.crime_type) == (score.detector, score.crime_type)
        inside = same and set(score.zones) <= set(episode.zone_names)
        return inside and is_muted(episode, score, at, self._policy_of(episode.detector))

    def _merge(self, met: Sequence[Episode], at: int) -> str:
        """Merge open episodes that have met into the first, the oldest; returns its id."""
        oldest = met[0]
        for other in met[1:]:
            oldest = merged(oldest, other)
            self._keep(end(other, AlertReason.MERGED, at, oldest.alert_id))
        self._keep(oldest)
        return oldest.alert_id

    def _raise(self, group: Group, at: int, *, provisional: bool) -> None:
        """Go on with an episode that ended lately in these zones, or begin a new one."""
        kind = (group.scores[0].detector, group.scores[0].crime_type)
        policy, zones = self._policy_of(kind[0]), {zone for score in group.scores for zone in score.zones}
        before = [
            e
            for e in (*self._live.values(), *self._ended.values())
            if (e.detector, e.crime_type) == kind
            and may_return(e, at, policy)
            and not zones.isdisjoint(e.zone_names)
        ]
        last = max(before, key=lambda e: (e.ended_at or 0, e.alert_id), default=None)
        if last is not None and last.ending is AlertReason.UNCONFIRMED and provisional:
            return
        episode = None if last is None else returned(last, group.scores, at, policy)
        episode = episode or begin(self._jurisdiction, group.scores, at, policy)
        if episode is not None:
            self._keep(replace(episode, provisional=provisional))

    def _record(
        self, episode: Episode, reason: AlertReason, at: int, revision: int, name_incidents: NameIncidents
    ) -> Alert:
        policy, score, zones = self._policy_of(episode.detector), episode.reading, episode.zone_names
        window_ms = score.window_panes * policy.pane_ms
        start, until = episode.reading_at - window_ms, episode.reading_at
        ids = tuple(name_incidents(zones, episode.crime_type, start, until)[: policy.incident_cap])
        state = state_of(episode, reason)
        self._keep(told(episode, state, revision, at))
        return Alert(
            alert_id=episode.alert_id,
            revision=revision,
            state=state,
            reason=str(reason),
            provisional=episode.provisional,
            jurisdiction=self._jurisdiction,
            zones=zones,
            crime_type=episode.crime_type,
            window=window_name(window_ms),
            at=at,
            since=episode.since,
            observed=score.observed,
            expected=score.expected,
            once_in_days=score.once_in_days,
            incident_ids=ids,
            rule=episode.detector,
            explanation=explain(episode, reason, ids, self._wording),
            acknowledged_by=episode.answer.acknowledged_by,
            verdict=episode.answer.verdict,
        )

    def _remembered(self, episode: Episode, at: int) -> bool:
        policy = self._policy_of(episode.detector)
        return episode.ended_at is None or at < max(
            episode.ended_at + max(policy.remember_ms, policy.quiet_ms), muted_until(episode, policy) or 0
        )

    def _forget(self, at: int) -> None:
        for episode in list(self._ended.values()):
            if not self._remembered(episode, at) and episode.alert_id not in self._unheard:
                del self._ended[episode.alert_id]
                self._muted.pop(episode.alert_id, None)
