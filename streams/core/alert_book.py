"""The open and recent alerts of one jurisdiction: takes the scores of a tick, answers with the records to send.

Scores of one detector and crime type belong together when their zones overlap or are neighbours. Those of level 1
join, in connected groups, the open episode they touch, else return to a recent one in their own zones, else begin a
new one; an episode that comes to touch an older one is merged into it. The order of scores is of no account.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from schemas.emissions import Alert
from schemas.events import AlertAck
from streams.core.alert_groups import Group, Neighbours, by_kind, connect, overlapping, symmetric
from streams.core.alert_news import Telling, due, next_due, record, standing, told
from streams.core.alert_store import AlertStore
from streams.core.alerts import (
    advance,
    answered,
    begin,
    end,
    is_muted,
    may_return,
    merged,
    remembered,
    returned,
)
from streams.core.episodes import DAY_MS, DEFAULT_POLICY, AlertReason, Episode, Policy, by_age
from streams.core.explanation import Wording
from streams.core.scores import Score

NameIncidents = Callable[[Sequence[str], str, int, int], Sequence[str]]
"""(zones, crime type, start ms, end ms) → ids of the incidents counting in [start, end), newest first."""

STATE_VERSION: Final = 1
NO_VERDICT: Final = "none"


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
        self._store = AlertStore(self._policy_of)
        self._at = -1
        self._behind = False  # something could not be told yet in this revision
        self._moved = False  # an episode began, ended, met another or changed its zones in this tick
        self._settled: list[Score] | None = None  # what changed nothing at the last tick: see `_settle`
        self._calm: dict[
            tuple[str, str], list[Score]
        ] = {}  # the same, of the detectors and types that are so
        self._calm_until = -1
        self._next: tuple[int | None, int] | None = None  # (next change, changes)

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
        said = list(scores)
        if at < self._calm_until and said == self._settled:
            self._at = at
            return []
        records = self._advance(at, said, revision, name_incidents)
        self._settle(said)
        return records

    def _advance(
        self, at: int, said: list[Score], revision: int, name_incidents: NameIncidents
    ) -> list[Alert]:
        kinds = by_kind(said)
        moved = False
        for kind in sorted(kinds.keys() | {(e.detector, e.crime_type) for e in self._store.live.values()}):
            scores = kinds.get(kind, [])
            if at < self._calm_until and self._calm.get(kind) == scores:
                continue
            self._moved = False
            self._advance_kind(kind, scores, at)
            moved |= self._moved
            if self._moved:
                self._calm.pop(kind, None)
            else:
                self._calm[kind] = scores
        self._moved = moved
        if at // DAY_MS != self._at // DAY_MS:
            self._store.forget(at)
        self._at = at
        return self.report(revision, name_incidents)

    @property
    def at(self) -> int:
        """The last tick taken in, ms; negative before the first."""
        return self._at

    def _settle(self, said: list[Score]) -> None:
        """Scores that left every episode in its place say nothing new when they are said again, until time does."""
        tomorrow = (self._at // DAY_MS + 1) * DAY_MS  # ended episodes are forgotten once a day
        self._calm_until = min(tomorrow, self.next_change() or tomorrow)
        self._settled = None if self._moved or self._behind else said

    def _disturb(self) -> None:
        self._settled, self._calm = None, {}

    def foresee(
        self, at: int, scores: Iterable[Score], revision: int, name_incidents: NameIncidents = no_incidents
    ) -> list[Alert]:
        """Take in cells that jumped before their tick `at` (ms, to come) closed: begins provisional alerts, no more.

        The tick `at`, or the first one after it, confirms or withdraws them. What a tick withdrew is not raised
        again before a tick has closed on it.
        """
        self._disturb()
        kinds = by_kind(scores) if at > self._at else {}
        for kind, said in sorted(kinds.items()):
            opened = [episode for episode in self._store.of(kind) if episode.open]
            for group in self._groups(opened, said, at):
                if not group.touched:
                    self._raise(group, at, provisional=True)
        return self.report(revision, name_incidents)

    def report(self, revision: int, name_incidents: NameIncidents = no_incidents) -> list[Alert]:
        """What people have to be told now, without any time passing: after an answer, or of earlier ticks."""
        records, self._behind = list[Alert](), False
        for episode in self._store.waiting():
            at = max(self._at, episode.raised_at)
            reason = due(episode, at, self._policy_of(episode.detector))
            if reason is None:
                self._store.heard(episode.alert_id)
            elif episode.sent is None or revision > episode.sent.revision:
                records.append(self._tell(episode, reason, at, revision, name_incidents))
            else:
                self._behind = True
        return records

    def answer(self, ack: AlertAck) -> bool:
        """Take an operations centre's answer in; the next `report` or `tick` shows it. False: no such alert."""
        episode = self._store.get(ack.alert_id)
        if episode is None or not remembered(episode, self._at, self._policy_of(episode.detector)):
            return False
        self._disturb()
        self._store.keep(answered(episode, ack))
        return True

    def next_change(self) -> int | None:
        """The first instant (ms) after the last tick at which time alone may change or tell something.

        A tick has to be visited there, with the detectors asked; in between silence changes nothing.
        """
        known = self._next
        if (
            known is not None
            and known[1] == self._store.changes
            and (known[0] is None or known[0] > self._at)
        ):
            return known[0]
        times = [
            next_due(e, max(self._at, 0), self._policy_of(e.detector)) for e in self._store.live.values()
        ]
        times.extend(until for until in self._store.unmuted_at() if until > self._at)
        first = min((time for time in times if time is not None), default=None)
        self._next = (first, self._store.changes)
        return first

    def open_alerts(self) -> list[Episode]:
        """The open episodes, oldest first."""
        return sorted((e for e in self._store.live.values() if e.open), key=by_age)

    def standing(self) -> Iterator[tuple[Episode, Alert]]:
        """Every episode that people were told of and that still takes answers, and its record as it stands now."""
        for episode in self._store.every():
            if episode.sent is not None:
                yield episode, standing(episode, self._jurisdiction, self._wording)

    def verdicts(self, since: int) -> Counter[str]:
        """Verdict, or `none` → alerts raised at `since` (ms) or later of which people were told."""
        told_of = (e for e in self._store.every() if e.sent is not None and e.raised_at >= since)
        return Counter(episode.answer.verdict or NO_VERDICT for episode in told_of)

    def snapshot(self) -> Any:
        """The whole state as JSON-able values."""
        return {"version": STATE_VERSION, "at": self._at, "episodes": self._store.snapshot()}

    def restore(self, state: Any) -> None:
        """Take the state of `snapshot` back; afterwards every answer is the same.

        Raises:
            ValueError: the state is of another version.
        """
        if state["version"] != STATE_VERSION:
            msg = f"alert state version must be {STATE_VERSION} (got {state['version']}); fold the log from its start"
            raise ValueError(msg)
        self._at, self._next, self._behind = state["at"], None, False
        self._disturb()
        self._store.restore(state["episodes"])

    def _policy_of(self, detector: str) -> Policy:
        return self._policies.get(detector, self._policy)

    def _advance_kind(self, kind: tuple[str, str], scores: list[Score], at: int) -> None:
        """One tick of one detector and crime type."""
        mine = self._store.of(kind)
        opened = [episode for episode in mine if episode.open]
        said: dict[str, list[Score]] = {episode.alert_id: [] for episode in mine}
        for group in self._groups(opened, scores, at):
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
            episode = self._store.live.get(before.alert_id)
            if (
                episode is not None and episode.open <= before.open
            ):  # what has just returned is as it is to be
                after = advance(episode, said[episode.alert_id], at, self._policy_of(kind[0]))
                if after is not episode:
                    self._keep_after(episode, after)

    def _keep_after(self, before: Episode, after: Episode) -> None:
        self._store.keep(after)
        placed = (before.open, before.provisional, before.zone_names)
        self._moved |= placed != (after.open, after.provisional, after.zone_names)

    def _groups(self, opened: Sequence[Episode], scores: Iterable[Score], at: int) -> list[Group]:
        """Scores of level 1 in groups, without those that touch no open episode and are muted altogether."""
        over = [score for score in scores if score.level >= 1]
        muted = self._store.muted() if over else []
        groups = connect(over, [e.zone_names for e in opened], self._near) if over else []
        return [
            group
            for group in groups
            if group.touched or not all(any(self._mutes(e, s, at) for e in muted) for s in group.scores)
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
            self._moved = True
            self._store.keep(end(other, AlertReason.MERGED, at, oldest.alert_id))
            self._store.keep(oldest)
        return oldest.alert_id

    def _raise(self, group: Group, at: int, *, provisional: bool) -> None:
        """Go on with an episode that ended lately in these zones, or begin a new one."""
        kind = (group.scores[0].detector, group.scores[0].crime_type)
        policy, zones = self._policy_of(kind[0]), {zone for score in group.scores for zone in score.zones}
        ended = [e for e in self._store.before(kind) if not zones.isdisjoint(e.zone_names)]
        before = [episode for episode in ended if may_return(episode, at, policy)]
        last = max(before, key=lambda e: (e.ended_at or 0, e.alert_id), default=None)
        if last is not None and last.ending is AlertReason.UNCONFIRMED and provisional:
            return
        episode = None if last is None else returned(last, group.scores, at, policy)
        episode = episode or begin(self._jurisdiction, group.scores, at, policy)
        self._moved = True
        self._store.keep(replace(episode, provisional=provisional))

    def _tell(
        self, episode: Episode, reason: AlertReason, at: int, revision: int, name_incidents: NameIncidents
    ) -> Alert:
        policy, score = self._policy_of(episode.detector), episode.reading
        start = episode.reading_at - score.window_panes * policy.pane_ms
        ids = name_incidents(episode.zone_names, episode.crime_type, start, episode.reading_at)
        telling = Telling(self._jurisdiction, at, revision, tuple(ids[: policy.incident_cap]), self._wording)
        alert = record(episode, reason, telling)
        self._store.keep(told(episode, alert))
        return alert
