"""A cluster in memory: logs, commits and owners that crash between any two writes, pause, and go on as zombies.

The folds under test are the real ones; what a shell does around them (read, send in order, wait, commit, take over)
is done here in the plainest way, with a fault possible before every single write. Kafka's part is a few lists.
"""

import random
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from aiokafka import TopicPartition

from schemas.codec import encode_event, from_json
from schemas.emissions import Outgoing
from schemas.events import Entry
from streams.core.alert_book import AlertBook
from streams.core.fold import Fold, TakeOver
from streams.core.source_fold import IntakeRules, Source, read_metadata
from streams.core.timeline import Timeline
from streams.core.watch_fold import WatchFold, WatchRules
from streams.intake import FOLDS, open_intake
from streams.recovery import plan
from streams.watching import Commit, begin
from tests.dispatch_worlds import DispatchWorld
from tests.oracle_bridge import Rules
from tests.worlds import World

CELLS_EVERY_MS: Final = 120_000
"""A message of `cells` is sent every two minutes, whatever the time of the events is."""


class Crash(Exception):
    """The owner ends here."""


def timeline_of(rules: Rules) -> Timeline:
    """The timeline of a world."""
    return Timeline(rules.pane_ms, rules.windows, rules.out_of_orderness_ms, rules.lateness_ms)


class NoKpis:
    """Measures nothing."""

    def follow(self, at_ms: int, revision: int, changed: Any) -> Any:
        return iter(())

    def measure(self, at_ms: int, revision: int, cells: Any, numbers_at: Any) -> Any:
        return iter(())


def plain_watch_rules(timeline: Timeline) -> WatchRules:
    """Counts only: no detectors, no KPIs."""
    return WatchRules(timeline, timeline, lambda _: [], AlertBook, lambda _: NoKpis())


@dataclass
class Owner:
    """One owner of one partition: its fold, and how far it has read."""

    name: str
    fold: Fold
    generation: int
    deployment: int


@dataclass
class Cluster:
    """All logs, commits and owners of one world."""

    world: World | DispatchWorld
    rng: random.Random
    intake_rules: Callable[[int], IntakeRules]  # by deployment
    watch_rules: WatchRules
    crash_share: float = 0.0
    largest_batch: int = 30
    cells: list[Entry] = field(default_factory=list)
    sent: dict[str, list[Outgoing]] = field(default_factory=dict)
    commits: dict[str, tuple[int, str]] = field(default_factory=dict)
    owners: dict[str, Owner] = field(default_factory=dict)
    zombies: list[Owner] = field(default_factory=list)
    generations: dict[str, int] = field(default_factory=dict)
    crashes: int = 0
    zombie_steps: int = 0
    rollout: Sequence[tuple[int, ...]] = ((0,),)  # which deployments run at once, one phase after the other
    live: tuple[int, ...] = (0,)
    _log_starts: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Encode the source logs."""
        self.logs = {
            f"{self.world.topic}-{number}": [entry.encoded(encode_event) for entry in log]
            for number, log in enumerate(self.world.logs)
        }
        self.logs["cells-0"] = self.cells

    # ---- Kafka

    def write(self, outgoing: Outgoing) -> None:
        """Append one record."""
        self.sent.setdefault(outgoing.topic, []).append(outgoing)
        if outgoing.topic == "cells":
            offset = self.end("cells-0")
            self.cells.append(Entry(offset, CELLS_EVERY_MS * offset, outgoing.key, outgoing.value))

    def read(self, name: str, start: int, most: int) -> list[Entry]:
        """Up to `most` records from an offset on."""
        log = self.logs[name]
        first = bisect_left(log, start, key=lambda entry: entry.offset)
        return log[first : first + most]

    def cut(self, name: str, before: int) -> None:
        """Delete the records before an offset."""
        log = self.logs[name]
        del log[: bisect_left(log, before, key=lambda entry: entry.offset)]
        self._log_starts[name] = before

    def log_start(self, name: str) -> int:
        """The oldest offset that is kept."""
        return self._log_starts.get(name, 0)

    def end(self, name: str) -> int:
        """The offset after the last record."""
        return self.logs[name][-1].offset + 1 if self.logs[name] else self.log_start(name)

    # ---- owners

    def new_fold(self, name: str, deployment: int = 0) -> Fold:
        """A fold before the first record."""
        topic, number = name.rsplit("-", 1)
        if topic == "cells":
            return WatchFold(int(number), self.watch_rules, self.snapshots())
        source = Source(topic, int(number), len(self.world.logs))
        return FOLDS[topic](source, self.intake_rules(deployment))

    def snapshots(self) -> dict[str, Mapping[str, Any]]:
        """The snapshots of the greatest position on `watch-state`."""
        best: dict[str, Mapping[str, Any]] = {}
        for outgoing in self.sent.get("watch-state", []):
            said = from_json(outgoing.value or b"")
            old = best.get(said["jurisdiction"])
            if old is None or said["position"] > old["position"]:
                best[said["jurisdiction"]] = said
        return best

    def take_over(self, name: str) -> Owner:
        """A new owner: the same fold from where the commit says, outputs off up to what was sent before.

        Raises:
            Crash: between any two records that the first owner under a counting version sends on the way.
        """
        committed, metadata = self.commits.get(name, (None, ""))
        deployment = self.rng.choice(self.live)
        opening = self._opening(name, deployment, committed, metadata)
        plans = plan(opening, committed, self.log_start(name), self.end(name))
        self.generations[name] = self.generations.get(name, 0) + 1
        fold, position = opening.fold, plans.start
        owner = Owner(name, fold, self.generations[name], deployment)
        while position < plans.until:
            entries = self.read(name, position, self.rng.randint(1, 2 * self.largest_batch))
            entries = [entry for entry in entries if entry.offset < plans.until]
            silent = [entry for entry in entries if entry.offset < opening.silent_until]
            fold.absorb(silent)
            if entries[len(silent) :]:
                self.send(fold.step(entries[len(silent) :]).emissions)
            position = entries[-1].offset + 1 if entries else plans.until
        self.owners[name] = owner
        return owner

    def _opening(self, name: str, deployment: int, committed: int | None, metadata: str) -> TakeOver:
        topic, number = name.rsplit("-", 1)
        if topic == "cells":
            commit = Commit(committed, read_metadata(metadata))
            return begin(int(number), self.watch_rules, self.snapshots(), commit, self.log_start(name))
        open_fold = open_intake(topic, len(self.world.logs), self.intake_rules(deployment))
        opening = open_fold(
            TopicPartition(topic, int(number)), committed, metadata, self.log_start(name), self.end(name)
        )
        assert isinstance(opening, TakeOver)
        return opening

    def send(self, emissions: Sequence[Outgoing]) -> None:
        """Write what follows from a batch, in order; perhaps only a part of it."""
        last = len(emissions)
        crash_at = self.rng.randint(0, last) if self.rng.random() < self.crash_share else None
        for number, outgoing in enumerate(emissions):
            if number == crash_at:
                raise Crash
            self.write(outgoing)
        if crash_at == last:
            raise Crash

    def work(self, owner: Owner) -> bool:
        """One batch: fold, send, commit. False when there was nothing to read."""
        entries = self.read(owner.name, owner.fold.position, self.rng.randint(1, self.largest_batch))
        if not entries:
            return False
        self.send(owner.fold.step(entries).emissions)
        if owner.generation == self.generations[owner.name]:  # a zombie cannot commit
            self.commits[owner.name] = (owner.fold.position, owner.fold.metadata())
        return True

    def act(self, name: str) -> bool:
        """Let the owner of a partition work, perhaps crash, perhaps be taken for dead while it goes on later."""
        try:
            owner = self.owners.get(name) or self.take_over(name)
            if self.rng.random() < self.crash_share / 2:
                self.zombies.append(self.owners.pop(name))
                owner = self.take_over(name)
            return self.work(owner)
        except Crash:
            self.crashes += 1
            self.owners.pop(name, None)
            return True

    def wake_zombie(self) -> None:
        """A paused owner goes on with one batch, and perhaps is paused again."""
        zombie = self.zombies.pop(self.rng.randrange(len(self.zombies)))
        try:
            self.work(zombie)
        except Crash:
            return
        self.zombie_steps += 1
        if self.rng.random() < 0.7:
            self.zombies.append(zombie)

    def run(self) -> None:
        """Until everything is read, partitions at different speeds, by one deployment after the other."""
        for phase, live in enumerate(self.rollout):
            self.live = live
            for name, owner in list(self.owners.items()):
                if owner.deployment not in live:
                    del self.owners[name]
            self.go_on(None if phase + 1 == len(self.rollout) else self.rng.randint(1, 60))

    def go_on(self, steps: int | None = None) -> None:
        """So many steps, or until everything is read."""
        names = list(self.logs)
        eagerness = [self.rng.choice((1, 1, 5, 30)) for _ in names]
        idle: set[str] = set()
        while len(idle) < len(names) and (steps is None or steps > 0):
            steps = None if steps is None else steps - 1
            if self.zombies and self.rng.random() < 0.2:
                self.wake_zombie()
                idle.discard("cells-0")
            name = self.rng.choices(names, eagerness)[0]
            if name in idle:
                name = self.rng.choice([each for each in names if each not in idle])
            if self.act(name):
                idle.discard("cells-0")
            else:
                idle.add(name)

    # ---- what came out

    def records(self, topic: str) -> list[dict[str, Any]]:
        """Everything sent to a topic, decoded."""
        return [from_json(outgoing.value or b"") for outgoing in self.sent.get(topic, [])]
