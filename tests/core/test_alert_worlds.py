"""Random lives of alerts: what must hold whatever detectors, publishers and operations centres do."""

import json
import os
import random
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.emissions import Alert
from schemas.events import AlertAck
from schemas.vocabulary import AlertState, Verdict
from streams.core.alert_book import AlertBook
from streams.core.episodes import DAY_MS, MINUTE_MS, Policy
from streams.core.scores import Score

NEIGHBOURS = {"A": ["B"], "B": ["C"], "C": ["D"]}
ZONES = [("A",), ("B",), ("C",), ("D",), ("A", "B"), ("B", "C", "D"), ("*",), ("unknown",)]
POLICY = Policy(
    clear_after_ms=5 * MINUTE_MS,
    update_every_ms=4 * MINUTE_MS,
    expire_after_ms=40 * MINUTE_MS,
    quiet_ms=20 * MINUTE_MS,
    false_alarm_mute_ms=60 * MINUTE_MS,
    recheck_ms=7 * MINUTE_MS,
    remember_ms=3 * DAY_MS,
    incident_cap=2,
)
POLICIES = {"rule:r": replace(POLICY, mute_ms=15 * MINUTE_MS)}
WORLDS = settings(max_examples=max(25, 2 * int(os.environ.get("VIGIL_WORLDS", "12"))))
"""Random lives per rule; more of them by VIGIL_WORLDS (`make soak`)."""

ENDED = (AlertState.CLEARED, AlertState.WITHDRAWN)


class Step(NamedTuple):
    """What happens after `minutes`: a tick, or what was seen before the next one; an answer may come before it."""

    minutes: int
    scores: tuple[Score, ...]
    foreseen: tuple[Score, ...] = ()
    verdict: tuple[int, Verdict, str] | None = None  # on which alert so far, what, by whom
    same_message: bool = False  # as the step before: the same revision


def scores() -> st.SearchStrategy[Score]:
    def build(what: tuple[str, str], zones: tuple[str, ...], level: float, observed: int) -> Score:
        detector, crime_type = what
        once = None if detector == "rule:r" else level**3
        expected = None if detector == "rule:r" else 1.5
        return Score(
            detector, zones, crime_type, 2, observed, expected, once, level, learning=observed % 2 == 0
        )

    levels = st.sampled_from([0.2, 0.69, 0.7, 0.9, 1.0, 1.2, 2.0, 3.5, 7.5])
    what = st.sampled_from([("surge", "burglary"), ("surge", "*"), ("rule:r", "burglary")])
    return st.builds(build, what, st.sampled_from(ZONES), levels, st.integers(0, 12))


def steps() -> st.SearchStrategy[list[Step]]:
    some = st.lists(scores(), max_size=5).map(tuple)
    verdicts = st.tuples(st.integers(0, 3), st.sampled_from(Verdict), st.sampled_from(["desk 1", "desk 2"]))
    gaps = st.sampled_from([1, 1, 1, 2, 3, 6, 15, 30, 100])
    step = st.builds(Step, gaps, some, st.one_of(st.just(()), some), st.none() | verdicts, st.booleans())
    return st.lists(step, min_size=1, max_size=30)


def new_book() -> AlertBook:
    return AlertBook("sf", POLICY, NEIGHBOURS, POLICIES)


def same(book: AlertBook) -> AlertBook:
    return book


def name_incidents(zones: Any, crime_type: str, start: int, end: int) -> list[str]:
    assert start < end
    return [f"{zone}{end // MINUTE_MS}" for zone in zones]


class World:
    """Plays steps, visiting the ticks the book asks for, or each minute; scores hold until the next step."""

    def __init__(
        self, *, each_minute: bool = False, between: Callable[[AlertBook], AlertBook] = same
    ) -> None:
        self.book, self.each_minute, self.between = new_book(), each_minute, between
        self.minute, self.revision = 1000, 0
        self.said: tuple[Score, ...] = ()
        self.alerts: list[Alert] = []
        self.ids: list[str] = []

    def play(self, step: Step) -> None:
        to = self.minute + step.minutes
        self.pass_time(to)
        if not step.same_message:
            self.revision += 1
        if step.foreseen:
            self.tell(self.book.foresee(to * MINUTE_MS, step.foreseen, self.revision, name_incidents))
            self.revision += not step.same_message
        if step.verdict is not None and self.ids:
            number, verdict, by = step.verdict
            self.book.answer(AlertAck(self.ids[number % len(self.ids)], verdict, by, to * MINUTE_MS))
        self.said = step.scores
        self.tick(to)
        self.check_zones()

    def pass_time(self, to: int) -> None:
        while (minute := self.next_minute()) is not None and minute < to:
            self.revision += 1
            self.tick(minute)

    def next_minute(self) -> int | None:
        change = self.book.next_change()
        assert change is None or change > self.minute * MINUTE_MS
        if self.each_minute:
            return self.minute + 1
        return None if change is None else -(-change // MINUTE_MS)

    def tick(self, minute: int) -> None:
        self.minute, self.book = minute, self.between(self.book)
        self.tell(self.book.tick(minute * MINUTE_MS, self.said, self.revision, name_incidents))

    def tell(self, alerts: list[Alert]) -> None:
        self.alerts.extend(alerts)
        self.ids.extend(alert.alert_id for alert in alerts if alert.alert_id not in self.ids)

    def check_zones(self) -> None:
        """No zone is in two open alerts of one kind."""
        seen = [(e.detector, e.crime_type, zone) for e in self.book.open_alerts() for zone in e.zone_names]
        assert len(seen) == len(set(seen))

    def lives(self) -> dict[str, list[Alert]]:
        lives = defaultdict(list)
        for alert in self.alerts:
            lives[alert.alert_id].append(alert)
        return lives


def played(story: list[Step], **options: Any) -> World:
    world = World(**options)
    for step in story:
        world.play(step)
    return world


@WORLDS
@given(steps())
def test_each_life_is_a_row_of_raised_and_ended(story: list[Step]) -> None:
    for life in played(story).lives().values():
        told: Alert | None = None
        for alert in life:
            over = told is None or told.state in ENDED
            if over:
                answered = told is not None and (alert.state, alert.reason) == (told.state, "answered")
                assert alert.state == AlertState.RAISED or answered
            else:
                assert alert.state != AlertState.RAISED
            told = alert


@WORLDS
@given(steps())
def test_revisions_of_an_alert_grow(story: list[Step]) -> None:
    for life in played(story).lives().values():
        revisions = [alert.revision for alert in life]
        assert revisions == sorted(set(revisions))


@WORLDS
@given(steps())
def test_every_alert_is_over_some_time_after_scores_stop(story: list[Step]) -> None:
    world = played([*story, Step(1, ())])
    for _ in range(200):
        minute = world.next_minute()
        if minute is None:
            break
        world.revision += 1
        world.tick(minute)
    assert world.book.next_change() is None
    assert world.book.open_alerts() == []
    assert {life[-1].state for life in world.lives().values()} <= set(ENDED)


@WORLDS
@given(steps())
def test_a_provisional_alert_is_decided_by_its_tick(story: list[Step]) -> None:
    for life in played(story).lives().values():
        for alert, following in zip(life, [*life[1:], None], strict=True):
            if alert.provisional and following is not None:
                assert not following.provisional
                assert following.at >= alert.at
    assert not any(e.provisional for e in played(story).book.open_alerts())


@WORLDS
@given(steps(), st.randoms())
def test_the_order_of_scores_is_of_no_account(story: list[Step], randomness: random.Random) -> None:
    def mixed(said: tuple[Score, ...]) -> tuple[Score, ...]:
        return tuple(randomness.sample(said, len(said)))

    other = [step._replace(scores=mixed(step.scores), foreseen=mixed(step.foreseen)) for step in story]
    assert played(story).alerts == played(other).alerts


@WORLDS
@given(steps())
def test_another_owner_goes_on_exactly_where_the_last_one_stood(story: list[Step]) -> None:
    def handed_over(book: AlertBook) -> AlertBook:
        heir = new_book()
        heir.restore(json.loads(json.dumps(book.snapshot())))
        assert heir.next_change() == book.next_change()
        return heir

    one, other = played(story), played(story, between=handed_over)
    assert one.alerts == other.alerts
    assert by_id(one.book.snapshot()) == by_id(other.book.snapshot())


def by_id(state: Any) -> Any:
    return {**state, "episodes": sorted(state["episodes"], key=lambda episode: str(episode["alert_id"]))}


@WORLDS
@given(steps())
def test_ticks_that_nobody_asked_for_tell_nothing(story: list[Step]) -> None:
    """What `next_change` names is enough: visiting every minute tells the same, at the same ticks."""

    def told(world: World) -> list[Any]:
        return [(a.alert_id, a.at, a.state, a.reason, a.zones, a.observed) for a in world.alerts]

    alone = [step._replace(same_message=False) for step in story]
    assert told(played(alone)) == told(played(alone, each_minute=True))


@WORLDS
@given(steps())
def test_what_was_not_told_in_one_revision_is_told_in_the_next(story: list[Step]) -> None:
    """After one more message people know how things stand, however many ticks fell into one message."""
    world = played(story)
    world.revision += 1
    world.tell(world.book.report(world.revision))
    last = {alert_id: life[-1] for alert_id, life in world.lives().items()}
    opened = {episode.alert_id for episode in world.book.open_alerts()}
    assert {alert_id for alert_id, alert in last.items() if alert.state not in ENDED} == opened


@WORLDS
@given(steps())
def test_records_carry_what_people_can_check(story: list[Step]) -> None:
    for alert in played(story).alerts:
        assert alert.zones == tuple(sorted(set(alert.zones)))
        assert len(alert.incident_ids) <= POLICY.incident_cap
        assert alert.since <= alert.at
        assert alert.explanation.startswith(f"{alert.observed} ")
        assert 1 <= alert.explanation.count(". ") + 1 <= 3
