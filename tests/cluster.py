"""A cluster in memory: logs, commits and owners that crash between any two writes, pause, and go on as zombies.

The folds under test are the real ones; what a shell does around them (read, send in order, wait, commit, take over)
is done here in the plainest way, with a fault possible before every single write. Kafka's part is a few lists.
"""

import random
from bisect import bisect_left
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from schemas.codec import encode_event, from_json
from schemas.emissions import Outgoing
from schemas.events import Entry
from streams.core.alert_book import AlertBook
from streams.core.fold import Fold
from streams.core.source_fold import IntakeRules, Source, read_metadata
from streams.core.timeline import Timeline
from streams.core.watch_fold import WatchFold, WatchRules
from streams.intake import FOLDS
from tests.dispatch_worlds import DispatchWorld
from tests.oracle_bridge import Rules
from tests.worlds import World


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
    silent_until: int


@dataclass
class Cluster:
    """All logs, commits and owners of one world."""

    world: World | DispatchWorld
    rng: random.Random
    intake_rules: Callable[[int], IntakeRules]  # by "deployment": rolling changes of the counting version
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
    deployment: int = 0
    alerts_of: dict[str, list[Any]] = field(default_factory=dict)

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
            self.cells.append(Entry(len(self.cells), 0, outgoing.key, outgoing.value))

    def read(self, name: str, start: int, most: int) -> list[Entry]:
        """Up to `most` records from an offset on."""
        log = self.logs[name]
        first = bisect_left(log, start, key=lambda entry: entry.offset)
        return log[first : first + most]

    def end(self, name: str) -> int:
        """The offset after the last record."""
        return self.logs[name][-1].offset + 1 if self.logs[name] else 0

    # ---- owners

    def new_fold(self, name: str) -> Fold:
        """A fold before the first record."""
        topic, number = name.rsplit("-", 1)
        if topic == "cells":
            return WatchFold(int(number), self.watch_rules, self.snapshots())
        source = Source(topic, int(number), len(self.world.logs))
        return FOLDS[topic](source, self.intake_rules(self.deployment))

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
        """A new owner: the same fold from where the commit says, outputs off up to the commit."""
        committed, metadata = self.commits.get(name, (0, ""))
        said = read_metadata(metadata)
        fold = self.new_fold(name)
        start, silent_until = said.get("start", 0), committed
        if "version" in said and said["version"] < fold.rules.counting_version:  # type: ignore[attr-defined]
            start, silent_until = 0, 0
        fold.position = start
        self.generations[name] = self.generations.get(name, 0) + 1
        owner = self.owners[name] = Owner(name, fold, self.generations[name], silent_until)
        while fold.position < silent_until:
            entries = self.read(name, fold.position, self.rng.randint(1, 2 * self.largest_batch))
            fold.step([entry for entry in entries if entry.offset < silent_until])
        return owner

    def work(self, owner: Owner) -> bool:
        """One batch: fold, send, commit. False when there was nothing to read."""
        entries = self.read(owner.name, owner.fold.position, self.rng.randint(1, self.largest_batch))
        if not entries:
            return False
        step = owner.fold.step(entries)
        last = len(step.emissions)
        crash_at = self.rng.randint(0, last) if self.rng.random() < self.crash_share else None
        for number, outgoing in enumerate(step.emissions):
            if number == crash_at:
                raise Crash
            self.write(outgoing)
        if crash_at == last:
            raise Crash
        if owner.generation == self.generations[owner.name]:  # a zombie cannot commit
            self.commits[owner.name] = (owner.fold.position, owner.fold.metadata())
        return True

    def act(self, name: str) -> bool:
        """Let the owner of a partition work, perhaps crash, perhaps be taken for dead while it goes on later."""
        owner = self.owners.get(name) or self.take_over(name)
        if self.rng.random() < self.crash_share / 2:
            self.zombies.append(self.owners.pop(name))
            owner = self.take_over(name)
        try:
            return self.work(owner)
        except Crash:
            self.crashes += 1
            if self.owners.get(name) is owner:
                del self.owners[name]
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
        """Until everything is read, partitions at different speeds."""
        names = list(self.logs)
        eagerness = [self.rng.choice((1, 1, 5, 30)) for _ in names]
        idle: set[str] = set()
        while len(idle) < len(names):
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
