"""Heartbeats of a worker: where a partition is quiet, its city is told how far time has come."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Protocol

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from schemas.codec import encode_event
from schemas.emissions import Outgoing
from schemas.events import Heartbeat
from streams.core.heartbeats import BeatRules, Quiet, beats_due
from streams.core.watch_fold import WatchFold
from streams.logs import event
from streams.outbox import Publisher
from streams.recovery import Commit
from streams.settings import Settings

logger = logging.getLogger(__name__)


class Ends(Protocol):
    """What is asked of the consumer group."""

    async def committed(self, tps: Iterable[TopicPartition]) -> Mapping[TopicPartition, Commit]:
        """What the group has committed; a partition without a commit is left out."""

    async def ends(self, tps: Iterable[TopicPartition]) -> Mapping[TopicPartition, int]:
        """Ends of logs."""


def rules_of(settings: Settings) -> BeatRules:
    """When a configuration has heartbeats sent."""
    counting, heartbeats = settings.counting, settings.heartbeats
    return BeatRules(
        counting.out_of_orderness_ms,
        heartbeats.interval_ms,
        heartbeats.patience_ms,
        counting.allowed_lateness_ms,
    )


class Beating:
    """Sends the heartbeats of the cities that this worker watches."""

    def __init__(
        self, rules: BeatRules, folds: Callable[[], Iterable[WatchFold]], group: Ends, publisher: Publisher
    ) -> None:
        """Nothing is known yet.

        Args:
            rules: when.
            folds: the watch folds owned now.
            group: tells how far the group has read, and where logs end.
            publisher: sends.
        """
        self._rules, self._folds, self._group, self._publisher = rules, folds, group, publisher
        self._quiet: Quiet[TopicPartition] = Quiet()

    async def forever(self) -> None:
        """One round after the other."""
        while True:
            await asyncio.sleep(self._rules.interval_ms / 1000)
            await self.round(round(time.time() * 1000), round(time.monotonic() * 1000))

    async def round(self, now_ms: int, steady_ms: int) -> None:
        """Send what is due.

        Args:
            now_ms: the clock.
            steady_ms: a clock that never goes back.
        """
        quiet = await self._asked(steady_ms)
        beats = []
        for fold in self._folds():
            for city in fold.cities.values():
                for topic in city.boards:
                    heard = city.heard(topic, fold.sources)
                    of_topic = {tp.partition: quiet_ms for tp, quiet_ms in quiet.items() if tp.topic == topic}
                    for partition, at in beats_due(heard, of_topic, now_ms, self._rules):
                        value = encode_event(Heartbeat(city.jurisdiction, at))
                        beats.append(Outgoing(topic, None, value, (), partition))
        for beat in beats:
            assert beat.partition is not None
            self._quiet.told(TopicPartition(beat.topic, beat.partition))
        await self._publisher.publish(beats)

    async def _asked(self, steady_ms: int) -> Mapping[TopicPartition, int]:
        """Partition → for how long nothing came, of those that are read to their end."""
        tps = sorted(
            {
                TopicPartition(topic, number)
                for fold in self._folds()
                for city in fold.cities.values()
                for topic in city.boards
                for number in city.heard(topic, fold.sources)
            }
        )
        if not tps:
            return {}
        try:
            committed, ends = await _both(self._group.committed(tps), self._group.ends(tps))
        except KafkaError as error:
            logger.warning(
                "no heartbeats this time: %r", error, extra=event("heartbeats_left_out", said=repr(error))
            )
            return {}
        told = {
            tp: self._quiet.heard(tp, ends[tp], committed[tp].offset if tp in committed else -1, steady_ms)
            for tp in tps
            if tp in ends
        }
        return {tp: quiet_ms for tp, quiet_ms in told.items() if quiet_ms is not None}


async def _both(
    committed: Awaitable[Mapping[TopicPartition, Commit]], ends: Awaitable[Mapping[TopicPartition, int]]
) -> tuple[Mapping[TopicPartition, Commit], Mapping[TopicPartition, int]]:
    # The commits first: what comes in between only makes a partition seem to have more to read.
    said = await committed
    return said, await ends
