"""Faust, with agents that get whole batches and a commit position of our own.

Faust hands an agent one message at a time, which costs a hundred microseconds each. Here its consumer is subclassed: an
event of a stream is a `Batch`, what was fetched from one partition, up to a number of records. Faust's acknowledgements
and commits, which lose events or stop moving at gaps, are not used at all: topics are read with `acks=False`, and
`Ownership` says where reading begins and what is committed.

Much here leans on the insides of the exact versions of faust-streaming and aiokafka that pyproject.toml pins.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Coroutine, Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

import faust
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import ConsumerStoppedError
from faust.app.base import BootStrategy
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from faust.types.tuples import ConsumerMessage
from mode.supervisors import CrashingSupervisor

from streams.batching.member import Member, split
from streams.logs import event
from streams.outbox import Outbox
from streams.ownership import Batch, Ownership
from streams.recovery import Commit

logger = logging.getLogger(__name__)
T = TypeVar("T")

BATCH_RECORDS = 2000
"""Records of one batch at most: what a fold does without letting the event loop go on (12 ms at 6 µs each)."""

FETCH_BATCHES = 10
"""Batches taken out of the fetched data at once, so that 64 partitions do not become objects all together."""

SETTLE_S = 2.5
"""How long a revocation or the end of the worker waits for the batch in hand and the commit, seconds."""

LEAVE_S = 1.5
"""How long the end of the worker waits to leave the group, seconds; a broker that hangs forgets us by itself."""


class ConsumerThread(driver.AIOKafkaConsumerThread):
    """The thread in which aiokafka's consumer lives."""

    def _create_worker_consumer(self, transport: "Transport") -> AIOKafkaConsumer:
        conf = self.app.conf
        self.member = Member(
            transport.client,
            conf.id,
            client_id=conf.broker_client_id,
            group_instance_id=conf.consumer_group_instance_id or None,
            session_timeout_ms=int(conf.broker_session_timeout * 1000),
            heartbeat_interval_ms=int(conf.broker_heartbeat_interval * 1000),
            rebalance_timeout_ms=int(conf.broker_rebalance_timeout * 1000),
            max_poll_interval_ms=int(conf.broker_max_poll_interval * 1000),
        )
        return self.member.consumer

    async def on_thread_stop(self) -> None:
        """Leave the group, and do not wait for it without end as Faust would."""
        started: bool = self._consumer is not None
        self._consumer: AIOKafkaConsumer | None = None
        await super().on_thread_stop()
        if started:
            await self.member.leave(LEAVE_S)

    def _stopped_set(self) -> None:
        if self.thread_loop.is_closed():
            self._stopped.set()  # it ended by itself, in a crash; Faust would trip over its closed loop
        else:
            super()._stopped_set()

    def close(self) -> None:
        """Nothing: Faust, when it rebalances while it stops, would close the connection from the wrong loop."""

    async def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine of `member` in the thread, called from the worker's loop.

        Not through Faust's `call_thread`: its two workers can both be waiting for an assignment that waits for them.
        """
        if self.thread_loop.is_closed():
            coroutine.close()
            raise ConsumerStoppedError
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(coroutine, self.thread_loop))


class BatchingConsumer(driver.Consumer):
    """Hands on batches; asks `Ownership` where to read and what to commit."""

    _thread: ConsumerThread

    def __post_init__(self) -> None:
        self._ownership: Ownership = self.transport.ownership
        self._batch_records: int = self.transport.batch_records
        self._ownership.attach(self)

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    # What is read

    async def _drain_messages(self, fetcher: Any) -> None:
        """Faust's fetcher: hand on what comes, until the end (the stock loop drops by offsets of old generations)."""
        try:
            while not (self.should_stop or fetcher.should_stop):
                async for message in self._messages():
                    await self.wait_first(self.callback(message), self.suspend_flow.wait())
                await asyncio.sleep(0)
        except (*self.consumer_stopped_errors, asyncio.CancelledError):
            if not self.app.should_stop:
                raise

    async def _messages(self) -> AsyncIterator[ConsumerMessage]:
        """One fetch, as messages; what is left of it when the group rebalances is read again by the next owner."""
        if not self.flow_active:
            await self.wait(self.can_resume_flow)
        generation, thread = self.app.consumer_generation_id, self._thread
        ready = self._ownership.ready(generation)
        most = self._batch_records * FETCH_BATCHES
        fetched = await thread.run(thread.member.fetch(ready, generation, most, 0.5 if ready else 0.05))
        for part in fetched:
            self._ownership.heard_of(part.tp, part.log_end, part.heard_at)
        for batch in split(fetched, generation, self._batch_records):
            if not self.flow_active or self.app.consumer_generation_id != generation:
                return
            yield self._message(batch)

    @staticmethod
    def _message(batch: Batch) -> ConsumerMessage:
        tp, generation, end = TP(*batch.tp), batch.generation, batch.end
        return ConsumerMessage(
            tp.topic, tp.partition, end, 0.0, 0, None, None, batch, None, tp=tp, generation_id=generation
        )

    async def perform_seek(self) -> None:
        """Nothing: a position is set when its partition is taken over."""

    # Who owns what

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Finish and commit while the group waits for us, then give all up."""
        await super().on_partitions_revoked(revoked)
        await self._guarded(self._ownership.release(SETTLE_S))

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """Take over what is now ours."""
        self._thread.member.assignor.on_generation_assignment(generation_id)  # aiokafka forgets to
        await super().on_partitions_assigned(assigned, generation_id)
        if not self.app.should_stop:
            self._ownership.assign([TopicPartition(*tp) for tp in assigned], generation_id)

    async def _guarded(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """An error in what aiokafka calls back would only be logged; it ends the worker."""
        try:
            await coroutine
        except Exception as reason:
            if self.app.should_stop:
                logger.exception("something failed while stopping", extra=event("stop_failed"))
            else:
                await self.fail(reason)

    # What is committed

    async def commit(self, topics: Any = None, start_new_transaction: bool = True) -> bool:
        """Commit, at Faust's interval, what `Ownership` says (not Faust's acknowledgements)."""
        await self._ownership.commit(SETTLE_S)
        return True

    async def wait_empty(self) -> None:
        """Finish the batches in hand, and commit (Faust's own waits without end)."""
        await self._guarded(self._ownership.settle(SETTLE_S))

    async def on_stop(self) -> None:
        """Commit what agents finished after `wait_empty`, which Faust called before it stopped them."""
        await self._guarded(self._ownership.commit(0.5))
        self.transport._topic_waiters.clear()

    async def verify_all_partitions_active(self) -> None:
        """Nothing: Faust's check only logs, and wrongly; `Ownership.facts` has what health needs."""

    # `streams.ownership.Group`

    async def committed(self, tps: Iterable[TopicPartition]) -> Mapping[TopicPartition, Commit]:
        """What the group has committed."""
        return await self._thread.run(self._thread.member.committed(list(tps)))

    async def ends(self, tps: Iterable[TopicPartition]) -> Mapping[TopicPartition, int]:
        """Ends of the logs of any partitions."""
        return await self._thread.run(self._thread.member.ends(list(tps)))

    async def commit_as(self, offsets: Mapping[TopicPartition, Commit], generation: int) -> bool:
        """Commit as a member of this generation, or not at all."""
        if self._thread.crashed or self._thread.should_stop:
            return False  # after a crash the thread ends first; what was not committed is repeated
        return await self._thread.run(self._thread.member.commit_as(offsets, generation))

    async def read_from(self, tp: TopicPartition, offset: int, generation: int) -> None:
        """Set the position of a partition, if it is still ours."""
        await self._thread.run(self._thread.member.read_from(tp, offset, generation))

    async def fail(self, reason: BaseException) -> None:
        """End the worker."""
        await self.crash(reason)


class Transport(driver.Transport):
    """Faust's transport with our consumer."""

    Consumer = BatchingConsumer

    def __init__(
        self, app: "App", ownership: Ownership, client: Mapping[str, Any], batch_records: int
    ) -> None:
        super().__init__(app.conf.broker_consumer, app)
        self.ownership = ownership
        self.client = dict(client)
        self.batch_records = batch_records


class ConsumerOnly(BootStrategy):
    """Of Faust, what consumes: no producer (`Outbox` sends), no web server (ours)."""

    enable_kafka_producer = False
    enable_web = False


class Companion(Protocol):
    """Something that runs beside the app."""

    async def start(self) -> None:
        """Begin; raises when it cannot."""

    async def stop(self) -> None:
        """End."""


class App(faust.App):
    """A Faust app that writes no directories, and that starts and stops its outbox and companions."""

    BootStrategy = ConsumerOnly
    outbox: Outbox
    companions: Sequence[Companion] = ()

    def _create_directories(self) -> None:
        """Nothing: there are no tables."""

    async def on_start(self) -> None:
        """Connect the outbox before anything is consumed."""
        await super().on_start()
        for companion in self.companions:
            await companion.start()
        await self.outbox.start()

    async def on_shutdown(self) -> None:
        """Disconnect, when the agents have ended; until then they may send, and the companions tell of it."""
        await super().on_shutdown()
        await self.outbox.stop()
        for companion in self.companions:
            await companion.stop()


def faust_settings(*, commit_interval_s: float = 1.0, session_timeout_s: float = 30.0) -> dict[str, Any]:
    """What Faust must be told, each against a default of its that does harm.

    Args:
        commit_interval_s: how often what was acknowledged is committed.
        session_timeout_s: a worker not heard of for this long loses its partitions.
    """
    return {
        "broker_commit_interval": commit_interval_s,
        "broker_session_timeout": session_timeout_s,
        "broker_heartbeat_interval": session_timeout_s / 10,
        "broker_rebalance_timeout": max(session_timeout_s, 20.0),
        "broker_max_poll_interval": 300.0,  # a worker that reads nothing for this long is stuck, and is left out
        "stream_buffer_maxsize": 4,  # batches, not messages: what may wait in memory
        "stream_wait_empty": True,  # our wait_empty, which has an end
        "agent_supervisor": CrashingSupervisor,  # an agent that fails ends the worker
        "topic_allow_declare": False,
        "topic_disable_leader": True,
        "table_standby_replicas": 0,
        "store": "memory://",
        "web_enabled": False,
        "worker_redirect_stdouts": False,
    }


def new_app(
    group: str,
    client: Mapping[str, Any],
    ownership: Ownership,
    outbox: Outbox,
    *,
    batch_records: int = BATCH_RECORDS,
    **settings: Any,
) -> App:
    """Make the Faust app of a worker.

    Args:
        group: the consumer group.
        client: where and how to connect, as aiokafka names it (`bootstrap_servers`, `security_protocol`, …).
        ownership: what it owns.
        outbox: where it sends; started and stopped with the app.
        batch_records: the most records of a batch.
        settings: more of Faust's settings, over `faust_settings()`.
    """
    broker = "kafka://" + str(client["bootstrap_servers"]).replace(",", ";kafka://")
    app = App(group, broker=broker, **{**faust_settings(), **settings})
    app.outbox = outbox
    app.transport = Transport(app, ownership, client, batch_records)
    return app


def batches(app: App, topic: str) -> Any:
    """The channel of a topic's batches, for `app.agent(…)`."""
    return app.topic(topic, key_type=None, value_type=None, value_serializer="raw", acks=False)
