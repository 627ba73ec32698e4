"""What runs in a worker: an agent per topic."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from streams.core.watch_fold import WatchFold
from streams.dead_letter_alarm import DeadLetterAlarm
from streams.kept_back import KeptBack
from streams.metrics import Metrics
from streams.outbox import Outbox
from streams.ownership import Batch, Ownership
from streams.recovery import Pace
from streams.web import Health

CELLS_AT_ONCE: Final = 1
"""Messages of `cells` that are folded without letting anything else go on: on a backlog one stands for days of ticks."""

AT_ONCE: Final = 10_000
"""The same of other topics, at most; corrections take 30 µs each, so the pace is what holds (`Pace`)."""


@dataclass
class Shell:
    """What agents work with."""

    ownership: Ownership
    outbox: Outbox
    metrics: Metrics
    health: Health
    alarm: DeadLetterAlarm
    kept_back: KeptBack


def agent_of(name: str, shell: Shell) -> Any:
    """An agent: fold a batch, send what follows, wait for the acknowledgements, and only then let it be committed."""
    pace = Pace(CELLS_AT_ONCE if name == "cells" else AT_ONCE)

    async def fold_batches(stream: Any) -> None:
        try:
            async for event in stream.events():
                fetched: Batch = event.value
                for batch in parts_of(fetched, pace):
                    await fold(batch)
        except Exception as error:
            shell.health.failure = f"the agent of {name} ended: {type(error).__name__}"
            raise

    async def fold(batch: Batch) -> None:
        with shell.ownership.processing(batch) as partition:
            if partition is None or partition.fold is None:
                return  # revoked since it was fetched: its next owner folds it
            began = time.perf_counter()
            step = partition.fold.step(batch.records)
            pace.took(time.perf_counter() - began)
            await shell.outbox.publish(step.emissions)
            # A crash before this line repeats work, and repeating changes nothing.
            partition.advance(batch.end)
        shell.metrics.counters.count(name, step.tallies)
        shell.metrics.counters.observe_batch(name, len(batch.records), time.perf_counter() - began)
        shell.alarm.note(name, len(batch.records), step.tallies)
        if isinstance(partition.fold, WatchFold):
            shell.kept_back.note(partition.fold.short(), partition.fold.cities)

    return fold_batches


def parts_of(batch: Batch, pace: Pace) -> Iterator[Batch]:
    """A batch as batches of at most `pace.records`, asked for each; together they cover its offsets without a gap."""
    start, first = batch.start, 0
    while first < len(batch.records):
        after = first + pace.records
        records = batch.records[first:after]
        end = batch.end if after >= len(batch.records) else records[-1].offset + 1
        yield batch._replace(records=records, start=start, end=end)
        start, first = end, after
    if start < batch.end:
        yield batch._replace(records=(), start=start)
