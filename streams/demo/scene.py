"""What there is to see at one moment, as plain values; how it looks is decided in streams.cli."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any, Final

from schemas.instants import rfc3339
from streams.demo.alerts import AlertBoard, AlertNews
from streams.demo.readings import Reading

QUARTER_MS: Final = 900_000
HOUR_MS: Final = 3_600_000
RATE_OVER_S: Final = 5.0
"""Events a second are said over the last five, so that the number is calm."""


class Phase(Enum):
    """Where the demo is."""

    STARTING = auto()
    PAST = auto()
    LIVE = auto()
    ENDING = auto()


@dataclass
class Step:
    """Something that has to be done before the city is live."""

    what: str
    took_s: float | None = None  # None: not done
    counts: bool = False  # whether it goes on as the past is counted


@dataclass
class Scene:
    """Everything that can be shown."""

    metrics_url: str
    speed: float
    start_ms: int  # when the city's past begins
    live_ms: int
    phase: Phase = Phase.STARTING
    steps: list[Step] = field(default_factory=list)
    reading: Reading = field(default_factory=Reading)
    events_per_s: float = 0.0
    alerts: AlertBoard = field(default_factory=AlertBoard)
    news: list[AlertNews] = field(default_factory=list)  # since it was last shown
    rhythm: deque[int] = field(default_factory=lambda: deque(maxlen=96))  # calls of an hour, every quarter
    _seen: deque[tuple[float, int]] = field(default_factory=deque)
    _quarter: int = 0

    @property
    def clock_ms(self) -> int:
        """The city's time: up to when everything is counted."""
        return self.reading.tick_ms or self.start_ms

    @property
    def past_share(self) -> float:
        """How much of the past is counted."""
        return min(max((self.clock_ms - self.start_ms) / (self.live_ms - self.start_ms), 0.0), 1.0)

    def look(self, reading: Reading, now_s: float) -> None:
        """Take in what /metrics says now."""
        self.reading = reading
        self._seen.append((now_s, reading.events))
        while len(self._seen) > 2 and now_s - self._seen[1][0] >= RATE_OVER_S:  # noqa: PLR2004 -- a first and a last
            self._seen.popleft()
        (then_s, then), (last_s, last) = self._seen[0], self._seen[-1]
        self.events_per_s = (last - then) / (last_s - then_s) if last_s > then_s else 0.0
        quarter = self.clock_ms // QUARTER_MS
        if quarter != self._quarter:
            self._quarter = quarter
            self.rhythm.append(reading.in_city("1h"))

    def go_live(self) -> None:
        """The past is counted; how fast that went says nothing of what follows."""
        self.phase = Phase.LIVE
        self._seen.clear()
        self.rhythm.clear()

    def hear(self, news: Iterable[AlertNews]) -> None:
        """Take in what the topic `alerts` says."""
        self.news += [each for each in news if self.alerts.take(each)]


@dataclass(frozen=True)
class Summary:
    """What the demo was; its last line."""

    scene: Scene
    sent: int  # events published, those that no worker has read yet too
    incidents: int  # that these are about
    seconds: float
    live_after_s: float | None

    @property
    def city_hours(self) -> float:
        """How long the city was live, by its own clock."""
        return max(self.scene.clock_ms - self.scene.live_ms, 0) / HOUR_MS

    def as_json(self) -> dict[str, Any]:
        """The fields by name."""
        scene, reading = self.scene, self.scene.reading
        raised, ended = scene.alerts.count(after_ms=scene.live_ms)
        return {
            "events": reading.events,
            "events_sent": self.sent,
            "incidents": self.incidents,
            "alerts_raised": reading.transitions["raised"],
            "alerts_cleared": reading.transitions["cleared"],
            "dead_letters": reading.dead_letters.total(),
            "late_events": reading.late,
            "metrics_url": scene.metrics_url,
            "alerts_raised_live": raised,
            "alerts_ended_live": ended,
            "city_from": rfc3339(scene.start_ms),
            "city_until": rfc3339(scene.clock_ms),
            "live_after_s": None if self.live_after_s is None else round(self.live_after_s, 1),
            "seconds": round(self.seconds, 1),
            "worker_memory_mb": round(reading.memory_bytes / 1e6),
        }
