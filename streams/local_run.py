"""Both stages in one process without a broker: lists take the place of topics, everything else is the same.

    events ──▶ IncidentFold, DispatchFold (one partition each) ──▶ cells, a list ──▶ WatchFold ──▶ records

Deterministic: the same events give the same records in the same order.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

from schemas.emissions import Outgoing
from schemas.events import Entry
from streams.core.dispatch_fold import DispatchFold
from streams.core.incident_fold import IncidentFold
from streams.core.source_fold import Source, SourceFold
from streams.core.watch_fold import WatchFold
from streams.stages import Stages

BATCH: Final = 500
"""Events folded at once: few enough that alerts come in order with the counts, many enough to be fast."""


Feed = tuple[str, bytes | None, bytes, int]
"""(topic without the prefix, key, value, ms at which it was sent)."""


class LocalRun:
    """A city folded in this process."""

    def __init__(self, stages: Stages) -> None:
        """Start before the first event."""
        intake, topic = stages.intake(cells_partitions=1), stages.settings.topic
        self.folds: dict[str, SourceFold] = {
            "incidents": IncidentFold(Source(topic("incidents"), 0, 1), intake),
            "dispatches": DispatchFold(Source(topic("dispatches"), 0, 1), intake),
        }
        self.watch = WatchFold(0, stages.watch())
        self.tallies: Counter[str] = Counter()
        self._cells_topic = topic("cells")
        self._waiting: dict[str, list[Entry]] = {"incidents": [], "dispatches": []}
        self._offsets = Counter[str]()

    def feed(self, events: Iterable[Feed]) -> Iterator[Outgoing]:
        """Fold messages in order; yields what the stages send."""
        for topic, key, value, at in events:
            waiting = self._waiting[topic]
            waiting.append(Entry(self._offsets[topic], at, key, value))
            self._offsets[topic] += 1
            if len(waiting) >= BATCH:
                yield from self.flush()
        yield from self.flush()

    def flush(self) -> Iterator[Outgoing]:
        """Fold what is waiting."""
        for topic, waiting in self._waiting.items():
            if not waiting:
                continue
            step = self.folds[topic].step(waiting)
            waiting.clear()
            self._tally(topic, step.tallies)
            for outgoing in step.emissions:
                if outgoing.topic == self._cells_topic:
                    yield from self._watch(outgoing)
                else:
                    yield outgoing

    def _watch(self, cells: Outgoing) -> Iterator[Outgoing]:
        entry = Entry(self._offsets["cells"], 0, cells.key, cells.value)
        self._offsets["cells"] += 1
        step = self.watch.step([entry])
        self._tally("cells", step.tallies)
        yield from step.emissions

    def _tally(self, topic: str, tallies: dict[str, int]) -> None:
        for name, n in tallies.items():
            self.tallies[f"{topic}.{name}"] += n
