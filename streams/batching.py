"""Faust, with agents that get whole batches and a commit position of our own.

Faust hands an agent one message at a time, which costs a hundred microseconds each. Here its consumer is subclassed: an
event of a stream is a `Batch`, all that was fetched from one partition, up to a number of records. Its acknowledgements
and commits, which lose events or stop moving (gaps), are not used at all: topics are read with `acks=False`, and
`Ownership` says what is committed.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Mapping, Sequence
from typing import Any, TypeVar

import faust
from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.errors import (
    CommitFailedError,
    ConsumerStoppedError,
    IllegalGenerationError,
    KafkaError,
    RebalanceInProgressError,
    UnknownMemberIdError,
)
from aiokafka.structs import OffsetAndMetadata
from faust.app.base import BootStrategy
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from faust.types.tuples import ConsumerMessage
from mode.supervisors import CrashingSupervisor

from streams.outbox import Outbox
from streams.ownership import Batch, Ownership
from streams.recovery import Commit

T = TypeVar("T")

BATCH_RECORDS = 2000
"""Records of one batch at most: what a fold does without letting the event loop go on (12 ms at 6 µs each)."""

SETTLE_S = 3.0
"""How long a revocation or the end of the worker waits for the batch in hand, and then for the commit, seconds."""


class Fetched(tuple[TP, Sequence[ConsumerRecord], int, int | None]):
    """Partition, records, position after them, end of the log."""

    __slots__ = ()


class ConsumerThread(driver.AIOKafkaConsumerThread):
    """The thread in which aiokafka's consumer lives; every method below runs in its event loop."""

    async def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine in the thread, from the worker's loop.

        Not through `call_thread`: its two workers can both be waiting for an assignment that waits for a commit.
        """
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(coroutine, self.thread_loop))

    async def fetch(self, tps: Sequence[TP], timeout_s: float) -> list[Fetched]:
        """Everything that was fetched of `tps`, with positions that also count what holds no record."""
        consumer = self._ensure_consumer()
        if consumer._closed or consumer._fetcher._closed:
            raise ConsumerStoppedError
        # Faust never asks the coordinator; an error of its would go unheard and the group would stand still.
        consumer._coordinator.check_errors()
        if consumer._fetcher.error_future.done():
            consumer._fetcher.error_future.result()
        with consumer._subscription.fetch_context():
            if not tps:
                await asyncio.sleep(timeout_s)
                return []
            before = self._positions(tps)
            records = await consumer._fetcher.fetched_records(tps, timeout=timeout_s)
            return [
                Fetched((tp, records.get(tp, ()), position, consumer.highwater(tp)))
                for tp, position in self._positions(tps).items()
                if tp in records or position > before.get(tp, position)
            ]

    def _positions(self, tps: Iterable[TP]) -> dict[TP, int]:
        subscription = self._ensure_consumer()._subscription.subscription
        assignment = subscription and subscription.assignment
        states = {tp: assignment.state_value(tp) for tp in tps} if assignment else {}
        return {tp: state.position for tp, state in states.items() if state and state.has_valid_position}

    async def committed(self, tps: Sequence[TP]) -> dict[TP, Commit]:
        """What the group has committed, with metadata."""
        found = await self._ensure_consumer()._coordinator.fetch_committed_offsets(
            [TopicPartition(*tp) for tp in tps]
        )
        return {TP(*tp): Commit(at.offset, at.metadata or "") for tp, at in found.items()}

    async def read_from(self, tp: TP, offset: int, generation: int) -> None:
        """Set the position of a partition, if it is still ours."""
        consumer = self._ensure_consumer()
        if consumer._coordinator.generation == generation and tp in consumer.assignment():
            consumer.seek(TopicPartition(*tp), offset)

    async def commit_as(self, offsets: Mapping[TP, Commit], generation: int) -> bool:
        """Commit as a member of this generation, or not at all.

        aiokafka fills in its present generation, and "none" (-1) while it has lost its own, which the broker takes
        when the group happens to be empty; so the generation is compared in the same step that makes the request.
        """
        coordinator = self._ensure_consumer()._coordinator
        request = {TopicPartition(*tp): OffsetAndMetadata(*commit) for tp, commit in offsets.items()}
        while True:
            await coordinator.ensure_coordinator_known()
            async with coordinator._commit_lock:
                if coordinator.generation != generation:
                    return False
                try:
                    await coordinator._do_commit_offsets(None, request)
                except (
                    UnknownMemberIdError,
                    IllegalGenerationError,
                    RebalanceInProgressError,
                    CommitFailedError,
                ):
                    return False
                except KafkaError as error:
                    if not error.retriable:
                        raise
                else:
                    return True
            await asyncio.sleep(0.1)


class BatchingConsumer(driver.Consumer):
    """Hands on batches; asks `Ownership` what to read and what to commit."""

    _thread: ConsumerThread

    def __post_init__(self) -> None:
        self._ownership: Ownership = self.transport.ownership
        self._batch_records: int = self.transport.batch_records
        self._ownership.attach(self)

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    # What is read

    async def _drain_messages(self, fetcher: Any) -> None:
        """Faust's fetcher: hand on what comes, until the end (the stock loop drops messages by the offsets of old generations)."""
        try:
            while not (self.should_stop or fetcher.should_stop):
                async for message in self._messages():
                    await self.wait_first(self.callback(message), self.suspend_flow.wait())
                await asyncio.sleep(0)
        except self.consumer_stopped_errors:
            if not self.app.should_stop:
                raise
        except asyncio.CancelledError:
            if not self.app.should_stop:
                raise

    async def _messages(self) -> AsyncIterator[ConsumerMessage]:
        if not self.flow_active:
            await self.wait(self.can_resume_flow)
        generation = self.app.consumer_generation_id
        for batch in self._ownership.announce():
            yield self._message(batch)
        ready = [TP(*tp) for tp in self._ownership.ready()]
        for batch in self._batches(
            await self._thread.run(self._thread.fetch(ready, 0.5 if ready else 0.05)), generation
        ):
            if not self.flow_active or self.app.consumer_generation_id != generation:
                return  # whatever else was fetched is read again by the next owner
            yield self._message(batch)

    def _batches(self, fetched: Iterable[Fetched], generation: int) -> Iterable[Batch]:
        for tp, records, position, end in fetched:
            self._ownership.heard_of(tp, end)
            cap = self._batch_records
            for first in range(0, len(records) or 1, cap):
                last = first + cap >= len(records)
                batch = records[first : first + cap]
                yield Batch(tp, generation, batch, position if last else batch[-1].offset + 1)

    @staticmethod
    def _message(batch: Batch) -> ConsumerMessage:
        tp = TP(*batch.tp)
        return ConsumerMessage(
            tp.topic,
            tp.partition,
            batch.end,
            0.0,
            0,
            None,
            None,
            batch,
            None,
            tp=tp,
            generation_id=batch.generation,
        )

    async def perform_seek(self) -> None:
        """Nothing: every position is set when its partition is taken over."""

    # Who owns what

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Finish and commit while the group waits for us, then give all up."""
        await super().on_partitions_revoked(revoked)
        await self._ownership.release(SETTLE_S)

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """Take over what is now ours."""
        await super().on_partitions_assigned(assigned, generation_id)
        self._ownership.assign([TopicPartition(*tp) for tp in assigned], generation_id)

    def close(self) -> None:
        """Nothing: Faust would close the connection from the wrong loop when it rebalances while it stops."""

    # What is committed

    async def commit(self, topics: Any = None, start_new_transaction: bool = True) -> bool:
        """Commit, at Faust's interval, what `Ownership` says (not Faust's acknowledgements)."""
        await self._ownership.commit(SETTLE_S)
        return True

    async def wait_empty(self) -> None:
        """Finish the batches in hand, and commit (Faust's own waits without end)."""
        await self._ownership.settle(SETTLE_S)

    async def verify_all_partitions_active(self) -> None:
        """Nothing: Faust's check only logs, and wrongly; `Ownership.facts` has what health needs."""

    async def committed(self, tps: Iterable[TopicPartition]) -> Mapping[TopicPartition, Commit]:
        """See `streams.ownership.Group`."""
        return await self._thread.run(self._thread.committed([TP(*tp) for tp in tps]))

    async def commit_as(self, offsets: Mapping[TopicPartition, Commit], generation: int) -> bool:
        """See `streams.ownership.Group`."""
        return await self._thread.run(self._thread.commit_as(offsets, generation))

    async def read_from(self, tp: TopicPartition, offset: int, generation: int) -> None:
        """See `streams.ownership.Group`."""
        await self._thread.run(self._thread.read_from(TP(*tp), offset, generation))

    async def fail(self, reason: BaseException) -> None:
        """See `streams.ownership.Group`."""
        await self.crash(reason)


class Transport(driver.Transport):
    """Faust's transport with our consumer."""

    Consumer = BatchingConsumer

    def __init__(self, app: faust.App, ownership: Ownership, batch_records: int) -> None:
        super().__init__(app.conf.broker_consumer, app)
        self.ownership = ownership
        self.batch_records = batch_records


class ConsumerOnly(BootStrategy):
    """Of Faust, what consumes: no producer (`Outbox` sends), no web server (ours)."""

    enable_kafka_producer = False
    enable_web = False


class App(faust.App):
    """A Faust app that writes no directories and starts and stops its outbox."""

    BootStrategy = ConsumerOnly
    outbox: Outbox

    def _create_directories(self) -> None:
        """Nothing: there are no tables."""

    async def on_start(self) -> None:
        """Connect the outbox before anything is consumed."""
        await super().on_start()
        await self.outbox.start()

    async def on_stop(self) -> None:
        """Faust finishes what is in hand and commits; then the outbox can go."""
        await super().on_stop()
        await self.outbox.stop()


def faust_settings(*, commit_interval_s: float = 1.0, session_timeout_s: float = 30.0) -> dict[str, Any]:
    """What Faust must be told, each against a default of its that does harm (see FAUST in the README).

    Args:
        commit_interval_s: how often what was acknowledged is committed.
        session_timeout_s: a worker not heard of for this long loses its partitions.
    """
    return {
        "broker_commit_interval": commit_interval_s,
        "broker_session_timeout": session_timeout_s,
        "broker_heartbeat_interval": session_timeout_s / 10,
        "broker_rebalance_timeout": max(session_timeout_s, 20.0),
        "broker_request_timeout": max(session_timeout_s + 5.0, 40.0),
        "broker_check_crcs": True,
        "consumer_auto_offset_reset": "none",  # positions are ours; a jump would be a loss without a word
        "stream_buffer_maxsize": 4,  # batches, not messages: what may wait in memory
        "stream_wait_empty": True,  # our wait_empty, which has an end
        "agent_supervisor": CrashingSupervisor,  # a failing agent ends the worker
        "topic_allow_declare": False,
        "topic_disable_leader": True,
        "table_standby_replicas": 0,
        "store": "memory://",
        "web_enabled": False,
        "worker_redirect_stdouts": False,
    }


def new_app(
    name: str,
    broker: str,
    ownership: Ownership,
    outbox: Outbox,
    *,
    batch_records: int = BATCH_RECORDS,
    **settings: Any,
) -> App:
    """Make the Faust app of a worker.

    Args:
        name: the consumer group.
        broker: `kafka://host:port;kafka://host:port`.
        ownership: what it owns.
        outbox: where it sends.
        batch_records: the most records of a batch.
        settings: more of Faust's, over `faust_settings()`.
    """
    app = App(name, broker=broker, **{**faust_settings(), **settings})
    app.outbox = outbox
    app.transport = Transport(app, ownership, batch_records)
    return app


def batches(app: faust.App, topic: str) -> Any:
    """The channel of a topic's batches, for `app.agent(...)`."""
    return app.topic(topic, key_type=None, value_type=None, value_serializer="raw", acks=False)


Observe = Callable[[Batch, Mapping[str, int]], None]
