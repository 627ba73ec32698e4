"""How messages come to Kafka: late by a little, now and then by much, twice, not at all, or broken.

    history ──put──▶ hour buckets, by the time of sending ──silences──▶ take(hour): in order of sending

A message is sent a moment after its `updated_at`. Those whose publisher is silent at that moment are kept back until
its link is up again (or lost), and then come in a rush, in their order.
"""

from collections import defaultdict
from collections.abc import Mapping
from operator import itemgetter
from typing import Final, NamedTuple

from schemas.codec import encode_event
from schemas.events import Dispatch, Heartbeat, Incident
from schemas.vocabulary import Agency, RejectReason
from streams.sources.simulation.broken import Breaker
from streams.sources.simulation.config import DAY_MS, HOUR_MS, MINUTE_MS, Config, Silence
from streams.sources.simulation.draws import cumulative, duration_draw, pick, poisson, stream

INCIDENTS: Final = "incidents"
DISPATCHES: Final = "dispatches"
AGENCIES: Final = (Agency.POLICE, Agency.FIRE, Agency.EMS)
BACKLOG_SPEED: Final = 100  # what was kept back comes this much faster than it was said
DISORDER_MS: Final = 45_000  # below the default out-of-orderness of 60 s
LATE_MS: Final = (2 * MINUTE_MS, 30 * MINUTE_MS)
TOO_LATE_MS: Final = (65 * MINUTE_MS, 6 * HOUR_MS)


class Published(NamedTuple):
    """One message on its way to Kafka.

    Args:
        at: when it is sent, epoch ms: the record's Kafka timestamp.
        topic: `incidents` or `dispatches`.
        key: the record's key; None for a heartbeat, which goes to every partition of the topic.
        event: what it says; None when it is broken.
        publisher: whose link it comes over; None for heartbeats.
        extras: further fields of the JSON object.
        raw: the bytes of a broken message.
        flaw: what is wrong with them.
    """

    at: int
    topic: str
    key: bytes | None
    event: Incident | Dispatch | Heartbeat | None
    publisher: Agency | None
    extras: Mapping[str, str] | None = None
    raw: bytes | None = None
    flaw: RejectReason | None = None

    def value(self) -> bytes:
        """The record's value as it lies in Kafka."""
        if self.event is None:
            return self.raw or b""
        return encode_event(self.event, self.extras)


class Silences:
    """When which publisher is silent: as named, and as planned at random."""

    def __init__(self, config: Config) -> None:
        """Take those named by hand."""
        self._config = config
        self._days: dict[int, tuple[Silence, ...]] = {}

    def up_to(self, end_ms: int) -> tuple[Silence, ...]:
        """Every silence that begins before `end_ms`, in order of beginning."""
        days = range((end_ms - 1 - self._config.start_ms) // DAY_MS + 1)
        found = [*self._config.silences, *(silence for day in days for silence in self._of_day(day))]
        begun = [silence for silence in found if silence.start_ms < end_ms]
        return tuple(sorted(begun, key=lambda silence: (silence.start_ms, silence.end_ms)))

    def within(self, start_ms: int, end_ms: int) -> tuple[Silence, ...]:
        """The silences that lie, wholly or in part, in `[start_ms, end_ms)`."""
        today = (start_ms - self._config.start_ms) // DAY_MS
        near = (*self._config.silences, *self._of_day(today - 1), *self._of_day(today))
        return tuple(silence for silence in near if silence.start_ms < end_ms and silence.end_ms > start_ms)

    def _of_day(self, day: int) -> tuple[Silence, ...]:
        if day not in self._days:
            config, found = self._config, []
            uniform = stream(config.seed, f"outages/{day}").random
            for _ in range(poisson(uniform, config.delivery.outages_per_week / 7) if day >= 0 else 0):
                start_ms = config.start_ms + day * DAY_MS + int(uniform() * DAY_MS)
                length_ms = int((20 + 100 * uniform()) * MINUTE_MS)
                found.append(Silence(start_ms, start_ms + length_ms, AGENCIES[int(3 * uniform())]))
            self._days[day] = tuple(found)
        return self._days[day]


class Outbox:
    """Messages that were written and are not sent yet."""

    def __init__(self, config: Config, silences: Silences) -> None:
        """Start with nothing."""
        self._silences, self._delivery = silences, config.delivery
        self._jurisdiction = config.jurisdiction
        uniform = self._uniform = stream(config.seed, "delivery").random
        self._delay = duration_draw(uniform, config.delivery.delay)
        delivery, self._breaker = config.delivery, Breaker()
        self._oddities = cumulative(
            (delivery.disorder, delivery.late, delivery.too_late, delivery.repeated, delivery.broken)
        )
        self._hours: defaultdict[int, list[Published]] = defaultdict(list)

    def __bool__(self) -> bool:
        """Whether anything is left to send."""
        return bool(self._hours)

    def put(
        self,
        topic: str,
        event: Incident | Dispatch,
        publisher: Agency,
        extras: Mapping[str, str] | None = None,
    ) -> None:
        """Write a message; it is sent when its time comes."""
        at = event.updated_at + self._delay()
        message = Published(at, topic, event.incident_id.encode(), event, publisher, extras)
        if self._uniform() < self._oddities[-1]:
            message = self._odd(message, event)
        self._hours[message.at // HOUR_MS].append(message)

    def take(self, hour_ms: int) -> list[Published]:
        """What is sent in `[hour_ms, hour_ms + 1 h)`, in order; to be asked for hour by hour."""
        messages = self._hours.pop(hour_ms // HOUR_MS, [])
        messages += self._heartbeats(hour_ms)
        messages.sort(key=itemgetter(0))
        for silence in self._silences.within(hour_ms, hour_ms + HOUR_MS):
            messages = sorted(self._hushed(messages, silence, hour_ms), key=itemgetter(0))
        return messages

    def _odd(self, message: Published, event: Incident | Dispatch) -> Published:
        """Something goes wrong with this one."""
        uniform, kind = self._uniform, pick(self._uniform, self._oddities)
        if kind == 0:
            return message._replace(at=message.at + int(uniform() * DISORDER_MS))
        if kind in (1, 2):
            least, most = LATE_MS if kind == 1 else TOO_LATE_MS
            return message._replace(at=message.at + least + int(uniform() * (most - least)))
        beside = message._replace(at=message.at + self._delay())
        if kind == 4:  # noqa: PLR2004 -- the last of the oddities
            key, raw, flaw = self._breaker.copy_of(event)
            beside = Published(beside.at, message.topic, key, None, message.publisher, None, raw, flaw)
        self._hours[beside.at // HOUR_MS].append(beside)
        return message

    def _heartbeats(self, hour_ms: int) -> list[Published]:
        every_ms, name = self._delivery.heartbeat_ms, self._jurisdiction
        if not every_ms:
            return []
        return [
            Published(at, topic, None, Heartbeat(name, at), None)
            for at in range(-(-hour_ms // every_ms) * every_ms, hour_ms + HOUR_MS, every_ms)
            for topic in (INCIDENTS, DISPATCHES)
        ]

    def _hushed(self, messages: list[Published], silence: Silence, hour_ms: int) -> list[Published]:
        """The messages of one hour without those that a silence holds back, in this hour or for later ones."""
        sent = []
        for message in messages:
            if not silence.start_ms <= message.at < silence.end_ms or (
                silence.agency is not None and silence.agency is not message.publisher
            ):
                sent.append(message)
            elif not silence.lost and message.publisher is not None:
                at = silence.end_ms + (message.at - silence.start_ms) // BACKLOG_SPEED
                if at < hour_ms + HOUR_MS:
                    sent.append(message._replace(at=at))
                else:
                    self._hours[at // HOUR_MS].append(message._replace(at=at))
        return sent
