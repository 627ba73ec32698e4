"""Episodes: findings of one crime type, in the same or neighbouring zones, close in time, are one thing."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from streams.core.scores import Score


class Finding(NamedTuple):
    """A cell, or a group of connected zones, whose count is rare enough to look at."""

    zones: tuple[str, ...]  # the one that was looked at first
    crime_type: str
    score: float  # log10 of the evidence
    window: int  # index of the window
    observed: int
    expected: float
    since: int  # pane of the first incident in the window


@dataclass(slots=True)
class Episode:
    """One thing that goes on: its zones with the pane each was last found in."""

    crime_type: str
    first: int
    last: int
    peak: float
    zones: dict[str, int] = field(default_factory=dict)
    spoken: bool = False  # it has reached the threshold once
    said: Score | None = None  # what was last answered of it


class Episodes:
    """The open episodes, by crime type in order of their beginning."""

    def __init__(self, near: Mapping[str, frozenset[str]], quiet_panes: int) -> None:
        self._near = {zone: around | {zone} for zone, around in near.items()}
        self._quiet = quiet_panes
        self.open: dict[str, list[Episode]] = {}

    def note(self, finding: Finding, now: int) -> Episode:
        """The episode that `finding` belongs to, a new one if it touches none; those it connects become one."""
        open_now = self.open.setdefault(finding.crime_type, [])
        touched = [e for e in open_now if now - e.last <= self._quiet and self._touches(e, finding.zones)]
        if touched:
            episode = touched[0]
            for other in touched[1:]:
                self._absorb(episode, other)
                open_now.remove(other)
        else:
            episode = Episode(finding.crime_type, now, now, finding.score)
            open_now.append(episode)
        episode.last = now
        episode.peak = max(episode.peak, finding.score)
        episode.zones.update(dict.fromkeys(finding.zones, now))
        return episode

    def _touches(self, episode: Episode, zones: Sequence[str]) -> bool:
        return any(not self._near.get(zone, frozenset((zone,))).isdisjoint(episode.zones) for zone in zones)

    @staticmethod
    def _absorb(episode: Episode, other: Episode) -> None:
        episode.first = min(episode.first, other.first)
        episode.peak = max(episode.peak, other.peak)
        episode.spoken |= other.spoken
        for zone, pane in other.zones.items():
            episode.zones[zone] = max(pane, episode.zones.get(zone, pane))

    def close(self, now: int, ended: Callable[[Episode], None]) -> None:
        """Forget episodes that have been quiet for too long, telling `ended` of each."""
        for crime_type in list(self.open):
            kept = []
            for episode in self.open[crime_type]:
                if now - episode.last > self._quiet:
                    ended(episode)
                else:
                    kept.append(episode)
            if kept:
                self.open[crime_type] = kept
            else:
                del self.open[crime_type]

    def spoken(self) -> list[Episode]:
        """Episodes that have reached the threshold, in a fixed order."""
        return [e for crime_type in sorted(self.open) for e in self.open[crime_type] if e.spoken]

    def snapshot(self) -> Any:
        """All open episodes as lists."""
        return [self._written(episode) for several in self.open.values() for episode in several]

    @staticmethod
    def _written(e: Episode) -> list[Any]:
        said = None if e.said is None else list(e.said)
        return [e.crime_type, e.first, e.last, e.peak, dict(e.zones), e.spoken, said]

    def restore(self, state: Any) -> None:
        """Take `snapshot` back."""
        self.open = {}
        for crime_type, first, last, peak, zones, spoken, said in state:
            score = None if said is None else Score(said[0], tuple(said[1]), *said[2:])
            episode = Episode(crime_type, first, last, peak, dict(zones), spoken, score)
            self.open.setdefault(crime_type, []).append(episode)
