"""Each rule of "What makes the counts exact", taken away, makes a world be counted wrong.

A rule is taken away by putting something plausible in its place: what a simpler program would do. The same worlds,
counted by the code as it is, are exact.
"""

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import pytest

from schemas.codec import Rejected, from_json
from schemas.vocabulary import IncidentStatus
from streams.core import history, incident_fold, incidents
from streams.core.cells import Columns, Partials
from streams.core.incident_fold import IncidentFold
from streams.core.ledger import Ledger
from streams.core.merging import CityPartials, SourcePartition
from streams.core.source_fold import IntakeRules, SourceFold
from streams.core.timeline import Timeline
from streams.core.watch_fold import WatchFold
from streams.core.watched_city import WatchedCity
from streams.core.windows import RollingCounts
from tests.cluster import Cluster, Crash, Owner, plain_watch_rules, timeline_of
from tests.oracle_bridge import Rules, announced, differences, expected_late, load_oracle, ms
from tests.worlds import SHORT, Shape, random_world

SEEDS: Final = range(24)
"""Worlds that are tried until one is counted wrong; nearly always it is one of the first three."""


@dataclass(frozen=True)
class Setting:
    """How worlds are made and disturbed."""

    rules: Rules = SHORT
    shape: Shape = Shape(messages=350, incidents=8)  # noqa: RUF009 -- frozen
    crash_share: float = 0.1
    largest_batch: int = 20

    def cluster(self, seed: int) -> Cluster:
        """The world of a seed, in a cluster that has not begun."""
        world = random_world(seed, self.rules, self.shape)
        timeline = timeline_of(self.rules)
        intake = IntakeRules(timeline, counts_by_occurred=self.shape.counts_by[0] == "occurred_at")
        return Cluster(
            world,
            random.Random(seed),
            lambda _: intake,
            plain_watch_rules(timeline),
            self.crash_share,
            self.largest_batch,
        )


def wrong(cluster: Cluster) -> str:
    """What is wrong with what a cluster sends; empty when it is exact."""
    try:
        cluster.run()
    except KeyError:
        return "what a record takes back was never said"  # the partials and the records no longer agree
    world, late, counts = cluster.world, cluster.records("late-events"), cluster.records("window-counts")
    try:
        if announced(late) != expected_late(world.accepted(), world.counting):
            return "late messages"
        if differences(world.accepted(), late, counts, world.counting):
            return "numbers"
    except (ValueError, AssertionError) as two_contents:
        return str(two_contents)
    return before_its_time(cluster, counts)


def before_its_time(cluster: Cluster, counts: Sequence[Mapping[str, Any]]) -> str:
    """Whether a tick was published that the watermark had not reached: the least over all partitions of the topic."""
    greatest: dict[str, dict[int, int]] = {}
    reached: dict[tuple[str, int], int] = {}
    for entry in cluster.cells:
        label = from_json(entry.value or b"")
        for part in label["cities"]:
            heard = greatest.setdefault(part["jurisdiction"], {})
            heard[label["partition"]] = max(part["greatest"], heard.get(label["partition"], -1))
            if len(heard) == len(cluster.world.logs):
                reached[part["jurisdiction"], entry.offset] = cluster.world.rules.last_published(
                    min(heard.values())
                )
    for said in counts:
        if ms(said["at"]) > reached.get((said["jurisdiction"], said["revision"]), -1):
            return "before its time"
    return ""


@dataclass(frozen=True)
class Broken:
    """A rule taken away: what is put in the place of what."""

    target: object
    name: str
    instead: Any
    setting: Setting = Setting()


def broken(name: str, target: object, attribute: str, instead: Any, **setting: Any) -> Any:
    """One case; `name` is the rule."""
    return pytest.param(Broken(target, attribute, instead, Setting(**setting)), id=name.replace(" ", "-"))


# ---- 1. an incident is a record

insert, forget, beats = history.insert, history.forget, history.beats
find, hear = Ledger.find, Ledger.hear


def any_order(one: Any, other: Any) -> bool:
    """Of one millisecond, what comes later holds."""
    return bool(one[1] >= other[1])


def without_placeholders(one: Any, other: Any) -> bool:
    """A placeholder is a value like any other."""
    return bool(one[1] > other[1] or (one[1] == other[1] and json.dumps(one[2]) > json.dumps(other[2])))


def counting_beats_withdrawn(one: Any, other: Any) -> bool:
    """Of one millisecond, not withdrawn holds."""
    if one[1] == other[1] and isinstance(one[2], bool):
        return bool(one[2] < other[2])
    return beats(one, other)


def latest_only(kept: Any, new: Any) -> Any:
    """Only the newest value is kept: what held at the ticks before is gone."""
    longer = insert(kept, new)
    return longer if longer is kept else longer[-1:]


def forgets_one_more(kept: Any, oldest_open: int) -> Any:
    """The value that holds just before F is dropped too."""
    return forget(kept, oldest_open)[1:]


def never_ends(self: Any, incident_id: str) -> Any:
    """A record lives as long as its memory was not freed."""
    return self.records.get(incident_id)


def ends_early(self: Any, incident_id: str) -> Any:
    """A record ends when it has been silent for half the longest window."""
    record = find(self, incident_id)
    return record if record is None or record[0] + self._longest // 2 >= self.oldest_open else None


def no_exercises(wire: Any) -> Any:
    """An exercise counts."""
    return incident_fold._WITHDRAWS.get(wire.status)


def says_unknown(self: Any, wire: Any, locality: Any) -> Any:
    """A zone that is not said is said to be unknown."""
    zone, crime_type = place(self, wire, locality)
    return zone or "unknown", crime_type


def of_the_message(self: Any, wire: Any, timestamp: int) -> Any:
    """Each message says a time that counts, whichever of the two it names."""
    said = times(self, wire, timestamp)
    if not isinstance(said, tuple) or isinstance(said, Rejected):
        return said
    updated_at, reported_at, occurred_at = said
    return updated_at, None, reported_at if occurred_at is None else occurred_at


times = IncidentFold._times
place = IncidentFold._place
BY_OCCURRED = Shape(messages=350, incidents=8, counts_by=("occurred_at", "reported_at"))
# Records end only where days pass, and messages lie close to the end only without a margin.
ENDING = Shape(messages=600, incidents=30, margin_panes=0)


def statuses(**changes: bool | None) -> dict[IncidentStatus | None, bool]:
    """What the statuses say about counting, some of them changed; None: nothing."""
    said: dict[Any, Any] = {
        **incident_fold._WITHDRAWS,
        **{IncidentStatus(word): n for word, n in changes.items()},
    }
    return {status: withdraws for status, withdraws in said.items() if withdraws is not None}


RECORDS = [
    broken("1 the greatest updated_at holds not what came last", history, "beats", lambda one, other: True),
    broken("1 ties are decided by rank not by arrival", history, "beats", any_order),
    broken("1 a real zone or type beats a placeholder", history, "beats", without_placeholders),
    broken("1 withdrawn beats not withdrawn", history, "beats", counting_beats_withdrawn),
    *(
        broken(f"1 {word} takes an incident out", incident_fold, "_WITHDRAWS", statuses(**{word: False}))
        for word in ("cancelled", "unfounded", "merged")
    ),
    broken("1 a status nobody lists puts it back in", incident_fold, "_WITHDRAWS", statuses(reopened=None)),
    broken("1 closed says nothing", incident_fold, "_WITHDRAWS", statuses(closed=False)),
    broken("1 an exercise does not count", incident_fold, "withdrawn", no_exercises),
    broken("1 a field that is absent says nothing", IncidentFold, "_place", says_unknown),
    broken(
        "1 the time that counts is that of the merged record",
        IncidentFold,
        "_times",
        of_the_message,
        shape=BY_OCCURRED,
    ),
    broken("1 a field keeps its history while ticks can change", incidents, "insert", latest_only),
    broken("1 what holds just before F is kept", incidents, "forget", forgets_one_more),
    broken(
        "1 whether a record has ended is decided at its next message",
        Ledger,
        "find",
        never_ends,
        shape=ENDING,
    ),
    broken("1 a record lives as long as a window may hold it", Ledger, "find", ends_early, shape=ENDING),
]

# ---- 2. partials are absolute

take_touched, take_part, take_label, tell = (
    Partials.take_touched,
    CityPartials.take,
    SourcePartition.take,
    SourceFold._tell,
)
write, work, act = Cluster.write, Cluster.work, Cluster.act


def send_deltas(self: Any) -> Columns | None:
    """What is more than was sent before by this owner."""
    columns = take_touched(self)
    if columns is None:
        return None
    told = self.__dict__.setdefault("told", {})
    keys = [(columns.cells[cell], pane, known) for cell, pane, known in zip(*columns[1:4], strict=True)]
    deltas = [net - told.get(key, 0) for key, net in zip(keys, columns.net, strict=True)]
    told.update(zip(keys, columns.net, strict=True))
    return columns._replace(net=deltas)


def add_deltas(self: Any, part: Any, offset: int) -> Any:
    """What is heard is more than before."""
    if "net" in part:
        nets = self.nets()
        keys = [
            (tuple(part["cells"][cell]), pane, known)
            for cell, pane, known in zip(part["cell"], part["pane"], part["known"], strict=True)
        ]
        part = {**part, "net": [nets.get(key, 0) + by for key, by in zip(keys, part["net"], strict=True)]}
    return take_part(self, part, offset)


def no_zeros(self: Any) -> Columns | None:
    """A net of 0 is nothing to tell."""
    columns = take_touched(self)
    if columns is None or 0 not in columns.net:
        return columns
    rows = [row for row, net in enumerate(columns.net) if net]
    if not rows:
        return None
    chosen = {
        name: [getattr(columns, name)[row] for row in rows]
        for name in ("cell", "pane", "known", "net", "ids")
    }
    return columns._replace(**chosen, gone={})


def any_label(self: Any, label: Any, offset: int) -> Any:
    """Whatever comes last holds, whatever its label."""
    if self.active is not None:
        self.active.offset = -1
    return take_label(self, label, offset)


def in_two_messages(self: Any, outgoing: Any) -> None:
    """A batch's watermark is one message, its partials another of the same label."""
    if outgoing.topic == "cells":
        label = from_json(outgoing.value)
        times = [{name: part[name] for name in ("jurisdiction", "greatest")} for part in label["cities"]]
        write(self, outgoing._replace(value=json.dumps({**label, "cities": times}).encode()))
    write(self, outgoing)


def goes_on(self: Any, name: str) -> bool:
    """An owner whose send failed goes on with its next batch."""
    owner = self.owners.get(name) or self.take_over(name)
    try:
        return bool(self.work(owner))
    except Crash:
        return True


ABSOLUTE = [
    broken("2 labels that are not above are ignored", SourcePartition, "take", any_label),
    broken("2 a net of 0 is sent", Partials, "take_touched", no_zeros),
    broken("2 a batch is one message and takes effect as a whole", Cluster, "write", in_two_messages),
    broken("2 a send that fails ends the owner", Cluster, "act", goes_on),
]

# ---- 3. time comes from the log


def some_partition(self: Any, topic: str, sources: Any) -> int | None:
    """The watermark is the greatest of the partitions."""
    known = [at for at in self.heard(topic, sources).values() if at is not None]
    return self.timelines[topic].reached(max(known)) if known else None


def those_heard_of(self: Any, topic: str, sources: Any) -> int | None:
    """Partitions that were not heard of are no reason to wait."""
    known = [at for at in self.heard(topic, sources).values() if at is not None]
    return self.timelines[topic].reached(min(known)) if known else None


def at_the_end(self: Any, offset: int, updated_at: int) -> Any:
    """A message of exactly a tick's time is known at it."""
    known, late = hear(self, offset, updated_at)
    return (known - 1 if not late and updated_at % self._pane_ms == 0 else known), late


def closed_windows(self: Timeline) -> tuple[int, ...]:
    """A window holds the pane that has just left it."""
    return tuple(width_ms // self.pane_ms + 1 for width_ms in self.windows.values())


TIME = [
    broken("3 the watermark is the least over the partitions", WatchedCity, "reached", some_partition),
    broken("3 a partition not heard of holds the watermark back", WatchedCity, "reached", those_heard_of),
    broken(
        "3 the watermark trails by the out of orderness",
        Timeline,
        "reached",
        lambda self, greatest: greatest // self.pane_ms,
    ),
    broken("3 known means before the tick", Ledger, "hear", at_the_end),
    broken("3 windows are half open", Timeline, "widths", property(closed_windows)),
    broken("3 heartbeats advance the time", SourceFold, "_heartbeat", lambda *_: None),
]

# ---- 4. late is announced, and never lost

correct, send_counts, fold_hear = RollingCounts.correct, WatchFold._send_counts, IncidentFold._hear


def own_tick(self: Any, offset: int, updated_at: int) -> Any:
    """What is too late is known from its own tick on."""
    _, late = hear(self, offset, updated_at)
    return updated_at // self._pane_ms + 1, late


def dropped(self: Any, record: Any, city: Any, incident: Any, values: Any) -> None:
    """What is too late is announced, and then not counted."""
    if city.ledger.greatest is not None and incident[2] // city.ledger._pane_ms + 1 < city.ledger.oldest_open:
        self._late(record, city, incident, False)
    else:
        fold_hear(self, record, city, incident, values)


def one_clock(self: Any, record: Any, city: Any, incident: Any, values: Any) -> None:
    """The time of one jurisdiction is the time of all of a partition."""
    for other in self.cities.values():
        if other.ledger.greatest is not None and other.ledger.greatest > (city.ledger.greatest or 0):
            city.ledger.hear(record.offset, other.ledger.greatest)
    fold_hear(self, record, city, incident, values)


def uncorrected(self: Any) -> Any:
    """A tick that was published stays as it was."""
    list(correct(self))
    return iter(())


def first_tick_only(self: Any) -> Any:
    """Only the first tick of a correction is sent."""
    told = set()
    for correction in correct(self):
        if correction.cell not in told:
            told.add(correction.cell)
            yield correction


def where_it_begins(self: Any) -> Any:
    """The tick after a correction, where the old numbers stand again, is not sent."""
    before = {cell: list(series) for cell, series in self.series.items()}
    for correction in correct(self):
        numbers = [said for tick, said in before.get(correction.cell, []) if tick <= correction.tick]
        if correction.numbers != (numbers[-1] if numbers else self._zero):
            yield correction


def tick_as_revision(self: Any, writer: Any, tick: int, cells: Any, offset: int) -> None:
    """The revision of a record is its tick."""
    send_counts(self, writer, tick, cells, tick)


LATE = [
    broken("4 late messages are announced", SourceFold, "_late", lambda *_: None),
    broken("4 a late message counts from F on", Ledger, "hear", own_tick),
    broken("4 a late message is never lost", IncidentFold, "_hear", dropped),
    broken("4 lateness is decided by the jurisdictions own time", IncidentFold, "_hear", one_clock),
    broken("4 published ticks are corrected", RollingCounts, "correct", uncorrected),
    broken("4 every tick that changes is sent again", RollingCounts, "correct", first_tick_only),
    broken("4 the tick where a correction ends is sent again", RollingCounts, "correct", where_it_begins),
    broken("5 a revision is the cells offset", WatchFold, "_send_counts", tick_as_revision),
]

# ---- 5. delivery is at least once


def commit_first(self: Any, owner: Owner) -> bool:
    """What is committed before it was sent is not sent again."""
    entries = self.read(owner.name, owner.fold.position, self.rng.randint(1, self.largest_batch))
    if not entries:
        return False
    step = owner.fold.step(entries)
    if owner.generation == self.generations[owner.name]:
        self.commits[owner.name] = (owner.fold.position, owner.fold.metadata())
    for outgoing in step.emissions:
        if self.rng.random() < self.crash_share / 4:
            raise Crash
        self.write(outgoing)
    return True


def batch_by_batch(self: Any, records: Any) -> Any:
    """Everything of a batch has the revision of its last message."""
    if records:
        last = records[-1].offset
        self._send_counts = lambda writer, tick, cells, _: send_counts(self, writer, tick, cells, last)
    return watch_step(self, records)


watch_step = WatchFold.step
DELIVERY = [
    broken("5 a commit comes after the acknowledgements", Cluster, "work", commit_first),
    broken("5 watch publishes message by message", WatchFold, "step", batch_by_batch),
]

# ---- 6. a take-over is the same fold

ledger_init, take_over, city_forget = Ledger.__init__, Cluster.take_over, WatchedCity.forget


def from_the_commit(self: Any) -> int | None:
    """A take-over needs nothing of what was read before."""
    return self._raises[-1][1] if self._raises else None


def short_reach(self: Any, timeline: Timeline) -> None:
    """What was said before the longest window does not matter."""
    ledger_init(self, timeline)
    self._reach = timeline.longest


def watch_from_the_commit(self: Any) -> str:
    """The same for Watch."""
    return json.dumps({"start": self.position})


def panes_only(self: Any) -> int:
    """A label that was raised after the oldest pane was named is of no use to a take-over."""
    return self._oldest[0][0] if self._oldest else 1 << 60


def no_label(self: Any) -> int:
    """The same for the label of the partition."""
    return min((city.start() for city in self.cities.values()), default=self.raised_at)


def with_outputs(self: Any, name: str) -> Owner:
    """What is read below the commit is sent again, by a fold that knows only part of it."""
    real, self.commits = (
        self.commits,
        {
            place: (0 if place == name else offset, metadata)
            for place, (offset, metadata) in self.commits.items()
        },
    )
    try:
        owner: Owner = take_over(self, name)
    finally:
        self.commits = real
    return owner


def forgets_early(self: Any, topic: str, reached: int, sources: Any) -> None:
    """A pane is forgotten when it has left the longest window of the last tick published."""
    city_forget(self, topic, reached, sources)
    published = self.boards[topic].published
    for (name, _), source in sources.items():
        if name == topic and published is not None:
            source.forget(self.jurisdiction, published - self.timelines[topic].longest)


LONG_LIVED = Shape(messages=600, incidents=3, silences=True)
BUSY = Shape(messages=600, incidents=3, partitions=2, silences=False)
TAKE_OVER = [
    broken("6 intake starts where the oldest message that matters lies", Ledger, "start", from_the_commit),
    broken(
        "6 the reach holds what counts a day after it was said",
        Ledger,
        "__init__",
        short_reach,
        shape=BUSY,
        crash_share=0.12,
    ),
    broken(
        "6 records that live long are read from their first message",
        Ledger,
        "lengthened",
        lambda *_: None,
        shape=LONG_LIVED,
    ),
    broken("6 watch starts where its oldest pane was named", WatchFold, "metadata", watch_from_the_commit),
    broken("6 what is read below the commit has no outputs", Cluster, "take_over", with_outputs),
    broken("6 watch keeps a pane while a tick that sees it may change", WatchedCity, "forget", forgets_early),
]

# ---- 7. nothing is dropped for want of a place


def placeless(self: Any, record: Any, city: Any, incident: Any, values: Any) -> None:
    """A message without zone or type is of no use."""
    if values[2] in (None, "unknown") or values[3] in (None, "other"):
        city.ledger.hear(record.offset, incident[2])
    else:
        fold_hear(self, record, city, incident, values)


PLACES = [broken("7 an incident without zone or type counts", IncidentFold, "_hear", placeless)]
CASES = [*RECORDS, *ABSOLUTE, *TIME, *LATE, *DELIVERY, *TAKE_OVER, *PLACES]


def first_wrong(setting: Setting) -> tuple[int, str] | None:
    """(seed, what is wrong) of the first world that is counted wrong."""
    for seed in SEEDS:
        if found := wrong(setting.cluster(seed)):
            return seed, found
    return None


@pytest.mark.parametrize("case", CASES)
def test_without_the_rule_a_world_is_counted_wrong(case: Broken, monkeypatch: pytest.MonkeyPatch) -> None:
    load_oracle()
    with monkeypatch.context() as patched:
        patched.setattr(case.target, case.name, case.instead)
        found = first_wrong(case.setting)
    assert found is not None, "every world is exact without the rule: nothing here would notice its loss"
    assert wrong(case.setting.cluster(found[0])) == "", "the world is counted wrong with the rule, too"


def test_2_partials_that_are_deltas_are_counted_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    setting = Setting()
    load_oracle()
    with monkeypatch.context() as patched:
        patched.setattr(Partials, "take_touched", send_deltas)
        patched.setattr(CityPartials, "take", add_deltas)
        assert first_wrong(replace(setting, crash_share=0.0)) is None, "without faults deltas are as good"
        assert first_wrong(setting) is not None
