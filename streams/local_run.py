"""Both stages in one process without a broker: lists take the place of topics, everything else is the same.

    events ──▶ IncidentFold, DispatchFold (one partition each) ──▶ cells, a list ──▶ WatchFold ──▶ records

Deterministic: the same events give the same records in the same order.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice
from typing import Final, NamedTuple, Protocol

from schemas.codec import dead_letter_headers
from schemas.emissions import DeadLetter, Outgoing
from schemas.events import Entry
from streams.ahead import ahead
from streams.core.dispatch_fold import DispatchFold
from streams.core.incident_fold import IncidentFold
from streams.core.source_fold import Source, SourceFold
from streams.core.watch_fold import WatchFold
from streams.stages import Stages

BATCH: Final = 500
"""Events folded at once: few enough that alerts come in order with the counts, many enough to be fast."""

TWO_CORES_FROM: Final = 20_000
"""Events from which on intake runs ahead on another core; fewer are done before that has begun."""

Feed = tuple[str, bytes | None, bytes, int]
"""(topic without the prefix, key, value, ms at which it was sent)."""


class Feeds(Protocol):
    """Messages, and dead letters of rows that never were one, of which it is known how many there are."""

    def __len__(self) -> int:
        """About how many."""

    def __iter__(self) -> Iterator[Feed | DeadLetter]:
        """In the order in which they became known."""


class Batch(NamedTuple):
    """What intake makes of some events; plain values, so that it can be made in another process."""

    events: int  # but for heartbeats
    until: int  # greatest ms at which one of them was sent; -1 when there was none
    emissions: list[Outgoing]  # in order; those of `cells` are for Watch
    tallies: dict[str, int]


class LocalRun:
    """A city folded in this process, or its intake in one and its watch in another (`ahead`)."""

    def __init__(self, stages: Stages) -> None:
        """Start before the first event."""
        intake, topic = stages.intake(cells_partitions=1), stages.settings.topic
        self.folds: dict[str, SourceFold] = {
            "incidents": IncidentFold(Source(topic("incidents"), 0, 1), intake),
            "dispatches": DispatchFold(Source(topic("dispatches"), 0, 1), intake),
        }
        self.watch = WatchFold(0, replace(stages.watch(), snapshots=False))
        self.tallies: Counter[str] = Counter()
        self._cells_topic = topic("cells")
        self._dead_letters_topic = topic("dead-letters")
        self._offsets = Counter[str]()

    def feed(self, events: Iterable[Feed | DeadLetter]) -> Iterator[Outgoing]:
        """Fold messages in order; yields what the stages send."""
        for batch in self.intake(events):
            yield from self.follow(batch)

    def intake(self, events: Iterable[Feed | DeadLetter]) -> Iterator[Batch]:
        """Fold messages in order; a dead letter is what became of a row before it was a message, and is passed on."""
        remaining = iter(events)
        while some := list(islice(remaining, BATCH)):
            yield self._take_in(some)

    def intake_ahead(self, events: Feeds) -> Iterator[Batch]:
        """`intake`, on another core where that pays; from then on only `follow` may be asked of this run."""
        if len(events) < TWO_CORES_FROM:
            return self.intake(events)
        return ahead(lambda: self.intake(events))

    def _take_in(self, events: list[Feed | DeadLetter]) -> Batch:
        emissions, tallies, until, heartbeats = list[Outgoing](), Counter[str](), -1, 0
        waiting: dict[str, list[Entry]] = {topic: [] for topic in self.folds}
        for event in events:
            if isinstance(event, DeadLetter):
                headers = dead_letter_headers(event)
                emissions.append(Outgoing(self._dead_letters_topic, event.key, event.value, headers))
                continue
            topic, key, value, at = event
            heartbeats += key is None
            waiting[topic].append(Entry(self._offsets[topic], at, key, value))
            self._offsets[topic] += 1
            until = max(until, at)
        for topic, fold in self.folds.items():
            step = fold.step(waiting[topic])
            emissions += step.emissions
            for name, n in step.tallies.items():
                tallies[f"{topic}.{name}"] += n
        return Batch(len(events) - heartbeats, until, emissions, dict(tallies))

    def follow(self, batch: Batch) -> Iterator[Outgoing]:
        """What intake sent, with that of Watch in the place of its partials."""
        self.tallies.update(batch.tallies)
        for outgoing in batch.emissions:
            if outgoing.topic == self._cells_topic:
                entry = Entry(self._offsets["cells"], 0, outgoing.key, outgoing.value)
                self._offsets["cells"] += 1
                step = self.watch.step([entry])
                for name, n in step.tallies.items():
                    self.tallies[f"cells.{name}"] += n
                yield from step.emissions
            else:
                yield outgoing
