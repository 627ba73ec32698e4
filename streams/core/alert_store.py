"""The episodes of one jurisdiction: those that time acts on, and those that ended and are remembered."""

from collections.abc import Callable, Iterator
from typing import Any

from streams.core.alert_state import episode_from, episode_state
from streams.core.alerts import muted_until, remembered
from streams.core.episodes import AlertReason, Episode, Policy, by_age

Kind = tuple[str, str]
"""Detector and crime type."""


class AlertStore:
    """Episodes by id. What is asked at every tick costs nothing for the remembered ones."""

    def __init__(self, policy_of: Callable[[str], Policy]) -> None:
        """Start empty; `policy_of` gives a detector's policy."""
        self._policy_of = policy_of
        self.live: dict[str, Episode] = {}  # open, or expired and not yet sunk
        self._ended: dict[str, Episode] = {}
        self._muted: dict[str, int] = {}  # ended ones whose return is not told, until when
        self._unheard: set[str] = set()  # ended ones that people may have to be told of
        self.changes = 0  # episodes kept so far: the same number, the same episodes

    def get(self, alert_id: str) -> Episode | None:
        """The episode with this id."""
        return self.live.get(alert_id) or self._ended.get(alert_id)

    def every(self) -> list[Episode]:
        """All that are remembered, oldest first."""
        return sorted((*self.live.values(), *self._ended.values()), key=by_age)

    def keep(self, episode: Episode) -> None:
        """Put an episode where it belongs now."""
        self.changes += 1
        live = episode.open or episode.ending is AlertReason.EXPIRED
        (self._ended if live else self.live).pop(episode.alert_id, None)
        (self.live if live else self._ended)[episode.alert_id] = episode
        self._muted.pop(episode.alert_id, None)
        self._unheard.discard(episode.alert_id)
        if not live:
            self._unheard.add(episode.alert_id)
            until = muted_until(episode, self._policy_of(episode.detector))
            if until is not None and episode.ended_at is not None and until > episode.ended_at:
                self._muted[episode.alert_id] = until

    def heard(self, alert_id: str) -> None:
        """Nothing is to be told of this episode for now, if it has ended."""
        self._unheard.discard(alert_id)

    def waiting(self) -> list[Episode]:
        """Episodes that people may have to be told of, oldest first."""
        waiting = [*self.live.values(), *(self._ended[i] for i in self._unheard)]
        return sorted(waiting, key=by_age)

    def of(self, kind: Kind) -> list[Episode]:
        """Live episodes of a kind, oldest first."""
        mine = (e for e in self.live.values() if (e.detector, e.crime_type) == kind)
        return sorted(mine, key=by_age)

    def before(self, kind: Kind) -> Iterator[Episode]:
        """Episodes of a kind that are not open. O(remembered): asked only when something begins."""
        for episode in (*self.live.values(), *self._ended.values()):
            if not episode.open and (episode.detector, episode.crime_type) == kind:
                yield episode

    def muted(self) -> list[Episode]:
        """Episodes whose return is not told, or was not until lately."""
        return [self._ended[i] for i in self._muted] + [e for e in self.live.values() if not e.open]

    def unmuted_at(self) -> Iterator[int]:
        """When those that are muted for a time are so no more."""
        yield from self._muted.values()

    def forget(self, at: int) -> None:
        """Let go of what takes no more answers and cannot return; it changes no answer."""
        for episode in list(self._ended.values()):
            if not remembered(episode, at, self._policy_of(episode.detector)):
                del self._ended[episode.alert_id]
                self._muted.pop(episode.alert_id, None)
                self._unheard.discard(episode.alert_id)

    def snapshot(self) -> list[Any]:
        """All episodes as JSON-able values."""
        return [episode_state(e) for e in (*self.live.values(), *self._ended.values())]

    def restore(self, state: list[Any]) -> None:
        """Take the episodes of `snapshot` back."""
        self.live, self._ended, self._muted, self._unheard = {}, {}, {}, set()
        for episode in state:
            self.keep(episode_from(episode))
