"""A toy fold and a worker around it, for the shell's tests: counts per key, as absolute totals labelled with the offset.

Run as `python -m tests.shell.toy '{"broker": …}'` it is a worker like the product's, with faults that can be planted.
"""

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
from streams.core.fold import Fold, Step, TakeOver
from streams.outbox import Outbox
from streams.ownership import Ownership
from streams.recovery import Recovery, whole_log


class ToyFold:
    """Counts records per key; for each batch it emits the totals of the keys it touched, and forgets nothing."""

    def __init__(self, tp: TopicPartition, position: int, out: str) -> None:
        self.tp = tp
        self.position = position
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
        value = json.dumps({"from": self.tp.partition, "upto": self.position, "totals": totals}).encode()
        return Step([Outgoing(self.out, str(self.tp.partition).encode(), value)], {"accepted": len(records)})

    def metadata(self) -> str:
        return f"0|{self.position}"


@dataclass
class ToyConfig:
    broker: str
    group: str
    topic: str = "toy-in"
    out: str = "toy-out"
    log: str = ""  # a file that hears of what happened, one JSON object a line
    die_at: str = ""  # before-step, after-step, before-ack, after-ack, after-advance: SIGKILL itself there …
    die_after: int = 0  # … in the batch that makes it so many records
    fail_at: str = ""  # the same places, by an exception
    session_timeout_s: float = 10.0
    settings: dict[str, Any] = field(default_factory=dict)


class ToyWorker:
    """The agent's loop, with places at which to die."""

    def __init__(self, config: ToyConfig) -> None:
        self.config = config
        client = {"bootstrap_servers": config.broker}
        self.outbox = Outbox(client, timeout_s=10.0)
        self.ownership = Ownership(
            {config.topic: self.open_fold}, Recovery(client, self.outbox, stall_s=10.0)
        )
        self.seen = 0

    def open_fold(
        self, tp: TopicPartition, committed: int | None, metadata: str, log_start: int, log_end: int
    ) -> TakeOver:
        self.tell(
            "open", tp=tp.partition, committed=committed, metadata=metadata, start=log_start, end=log_end
        )
        fold: Fold = ToyFold(tp, log_start, self.config.out)
        return whole_log(fold, committed, log_start)

    def app(self) -> App:
        config = self.config
        app = new_app(
            config.group,
            f"kafka://{config.broker}",
            self.ownership,
            self.outbox,
            **{
                "broker_session_timeout": config.session_timeout_s,
                "broker_heartbeat_interval": config.session_timeout_s / 10,
                **config.settings,
            },
        )

        @app.agent(batches(app, config.topic), name="toy")  # type: ignore[untyped-decorator]
        async def fold_batches(stream: Any) -> None:
            async for event in stream.events():
                await self.process(event.value)

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
            self.fault("after-advance")
            self.tell("batch", tp=batch.tp.partition, records=len(batch.records), end=batch.end)

    def fault(self, place: str) -> None:
        if self.seen < self.config.die_after:
            return
        if place == self.config.die_at:
            os.kill(os.getpid(), signal.SIGKILL)
        if place == self.config.fail_at:
            message = f"planted at {place}"
            raise RuntimeError(message)

    def tell(self, what: str, **facts: Any) -> None:
        if self.config.log:
            with Path(self.config.log).open("a") as file:
                file.write(json.dumps({"what": what, "pid": os.getpid(), **facts}) + "\n")


def main() -> None:
    """Run a worker as configured by the first argument, a JSON object."""
    config = ToyConfig(**json.loads(sys.argv[1]))
    worker = ToyWorker(config)
    app = worker.app()
    app.Worker(loglevel=os.environ.get("TOY_LOGLEVEL", "WARNING"), quiet=True).execute_from_commandline()


if __name__ == "__main__":
    main()
