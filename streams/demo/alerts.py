"""The topic `alerts`, read as an operations centre reads it: of each alert the greatest revision is the truth."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any, Final, NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition

from schemas.codec import from_json
from schemas.instants import epoch_ms
from schemas.vocabulary import AlertState
from streams.settings import Settings
from streams.settings.connection import client_options

_OVER: Final = (AlertState.CLEARED, AlertState.WITHDRAWN)
_WAIT_MS: Final = 250


class AlertNews(NamedTuple):
    """One revision of an alert."""

    alert_id: str
    revision: int
    state: AlertState
    reason: str
    rule: str
    crime_type: str
    zones: tuple[str, ...]
    window: str
    observed: int
    expected: float | None  # None: a rule spoke
    once_in_days: float | None
    since_ms: int
    at_ms: int
    explanation: str

    @property
    def open(self) -> bool:
        """Whether it goes on."""
        return self.state not in _OVER


def alert_news(value: bytes) -> AlertNews:
    """A record of the topic."""
    said: dict[str, Any] = from_json(value)
    return AlertNews(
        alert_id=said["alert_id"],
        revision=said["revision"],
        state=AlertState(said["state"]),
        reason=said["reason"],
        rule=said["rule"],
        crime_type=said["crime_type"],
        zones=tuple(said["zones"]),
        window=said["window"],
        observed=said["observed"],
        expected=said.get("expected"),
        once_in_days=said.get("once_in_days"),
        since_ms=_ms(said["since"]),
        at_ms=_ms(said["at"]),
        explanation=said["explanation"],
    )


class AlertBoard:
    """How every alert stands."""

    def __init__(self) -> None:
        """Know of none."""
        self._standing: dict[str, AlertNews] = {}
        self._raised_at: dict[str, int] = {}

    def take(self, news: AlertNews) -> bool:
        """Take a revision in; False when a greater one is known."""
        before = self._standing.get(news.alert_id)
        if before is not None and before.revision >= news.revision:
            return False
        self._standing[news.alert_id] = news
        self._raised_at.setdefault(news.alert_id, news.at_ms)
        return True

    def ordered(self) -> list[AlertNews]:
        """The open ones, newest first, then those that are over, the last one first."""
        standing = self._standing.values()
        begun = sorted(
            (alert for alert in standing if alert.open),
            key=lambda alert: (self._raised_at[alert.alert_id], alert.alert_id),
            reverse=True,
        )
        over = sorted((a for a in standing if not a.open), key=lambda a: (a.at_ms, a.alert_id), reverse=True)
        return begun + over

    def latest(self) -> AlertNews | None:
        """The open alert of which something was said last; the last that ended, where none is open."""
        standing = self._standing.values()
        return max(standing, key=lambda alert: (alert.open, alert.at_ms, alert.revision), default=None)

    def count(self, *, after_ms: int) -> tuple[int, int]:
        """How many alerts were raised after an instant, and how many ended after it."""
        raised = sum(at > after_ms for at in self._raised_at.values())
        return raised, sum(not alert.open and alert.at_ms > after_ms for alert in self._standing.values())


async def follow_alerts(settings: Settings) -> AsyncIterator[AlertNews]:
    """Every record of the topic from its beginning on, without end."""
    topic = settings.topic("alerts")
    consumer = AIOKafkaConsumer(
        **client_options(settings), auto_offset_reset="earliest", enable_auto_commit=False
    )
    await consumer.start()
    try:
        consumer.assign([TopicPartition(topic, n) for n in range(settings.topics.each["alerts"].partitions)])
        while True:
            for records in (await consumer.getmany(timeout_ms=_WAIT_MS)).values():
                for record in records:
                    yield alert_news(record.value)
    finally:
        await consumer.stop()


def _ms(text: str) -> int:
    return epoch_ms(datetime.fromisoformat(text))
