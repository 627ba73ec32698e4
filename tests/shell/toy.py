"""A toy fold and a worker around it, for the shell's tests: counts per key, as absolute totals labelled with the offset.

Run as `python -m tests.shell.toy '{"broker": …}'` it is a worker like the product's, with faults that can be planted.
"""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiokafka import TopicPartition

from schemas.emissions import Outgoing
from schemas.events import LogRecord
from streams.batching import App, Batch, batches, new_app
from streams.core.fold import Step, TakeOver
from streams.outbox import Outbox
from streams.ownership import Ownership
from streams.recovery import Recovery, whole_log


class ToyFold:
    """Counts records per key; for each batch it emits the totals of the keys it touched, and forgets nothing."""

    def __init__(self, tp: TopicPartition, position: int, out: str, version: int = 1) -> None:
        self.tp = tp
        self.position = position
        self.version = version
        self.counts: dict[str, int] = {}
        self.out = out

    def step(self, records: Sequence[LogRecord]) -> Step:
        touched: dict[str, None] = {}
        for record in records:
            if record.offset < self.position:
                continue
            key = (record.key or b"").decode()
            self.counts[key] = self.counts.get(key, 0) + 1
            touched[key] = None
            self.position = record.offset + 1
        if not touched:
            return Step([], {})
        totals = {key: self.counts[key] for key in touched}
        label = {"from": self.tp.partition, "upto": self.position, "version": self.version}
        value = json.dumps({**label, "totals": totals}).encode()
        return Step([Outgoing(self.out, str(self.tp.partition).encode(), value)], {"accepted": len(records)})

    def absorb(self, records: Sequence[LogRecord]) -> None:
        self.step(records)

    def metadata(self) -> str:
        return f"v{self.version}|0"


@dataclass
class ToyConfig:
    broker: str
    group: str
    topic: str = "toy-in"
    out: str = "toy-out"
    log: str = ""  # a file that hears of what happened, one JSON object a line
    chunk: int = 2000  # of a take-over
    fault_at: str = ""  # in-take-over, before-step, after-step, after-ack, after-advance …
    fault_after: int = 0  # … of the batch that makes it so many records
    fault: str = "SIGKILL"  # a signal to itself, or "error"
    version: int = 1  # the counting version
    records: int = 2000  # of a batch, at most
    outbox_timeout_s: float = 10.0
    idempotent: bool = True
    stall_s: float = 10.0
    session_timeout_s: float = 10.0
    settings: dict[str, Any] = field(default_factory=dict)


class ToyWorker:
    """The agent's loop, with places at which to die."""

    def __init__(self, config: ToyConfig) -> None:
        self.config = config
        self.client = {"bootstrap_servers": config.broker}
        self.outbox = Outbox(self.client, timeout_s=config.outbox_timeout_s, idempotent=config.idempotent)
        recovery = Recovery(self.client, self, stall_s=config.stall_s, chunk=config.chunk)
        self.ownership = Ownership({config.topic: self.open_fold}, recovery)
        self.seen = 0

    async def publish(self, emissions: Sequence[Outgoing]) -> None:
        """What a take-over sends."""
        await self.outbox.publish(emissions)
        self.seen += self.config.chunk
        self.fault("in-take-over")

    def open_fold(
        self, tp: TopicPartition, committed: int | None, metadata: str, log_start: int, log_end: int
    ) -> TakeOver:
        self.tell(
            "open", tp=tp.partition, committed=committed, metadata=metadata, start=log_start, end=log_end
        )
        fold = ToyFold(tp, log_start, self.config.out, self.config.version)
        if metadata and not metadata.startswith(f"v{self.config.version}|"):
            return TakeOver(
                fold, log_start, silent_until=log_start
            )  # another counting version: all anew, aloud
        return whole_log(fold, committed, log_start)

    def app(self) -> App:
        config = self.config
        settings = {
            "broker_session_timeout": config.session_timeout_s,
            "broker_heartbeat_interval": config.session_timeout_s / 10,
            **config.settings,
        }
        app = new_app(
            config.group, self.client, self.ownership, self.outbox, batch_records=config.records, **settings
        )

        @app.agent(batches(app, config.topic), name="toy")
        async def fold_batches(stream: Any) -> None:
            async for event in stream.events():
                await self.process(event.value)

        @app.task
        async def tell_facts() -> None:
            while True:
                facts = {
                    f.tp.partition: [f.taken_over, f.position, f.end, f.lag] for f in self.ownership.facts()
                }
                self.tell("facts", facts=facts)
                await asyncio.sleep(0.2)

        return app

    async def process(self, batch: Batch) -> None:
        with self.ownership.processing(batch) as partition:
            if partition is None:
                return
            self.seen += len(batch.records)
            self.fault("before-step")
            step = partition.fold.step(batch.records)
            self.fault("after-step")
            await self.outbox.publish(step.emissions)
            self.fault("after-ack")
            partition.advance(batch.end)
            self.tell("batch", tp=batch.tp.partition, records=len(batch.records), end=batch.end)
            self.fault("after-advance")

    def fault(self, place: str) -> None:
        if place != self.config.fault_at or self.seen < self.config.fault_after:
            return
        self.tell("fault", place=place)
        self.config.fault_at = ""
        if self.config.fault == "error":
            message = f"planted {place}"
            raise RuntimeError(message)
        os.kill(os.getpid(), signal.Signals[self.config.fault])

    def tell(self, what: str, **facts: Any) -> None:
        if self.config.log:
            with Path(self.config.log).open("a") as file:
                file.write(json.dumps({"what": what, "pid": os.getpid(), **facts}) + "\n")


def main() -> None:
    """Run a worker as configured by the first argument, a JSON object."""
    worker = ToyWorker(ToyConfig(**json.loads(sys.argv[1])))
    app = worker.app()
    app.Worker(loglevel=os.environ.get("TOY_LOGLEVEL", "INFO"), quiet=True).execute_from_commandline()


if __name__ == "__main__":
    main()
