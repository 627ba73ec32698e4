"""Stories of alerts, told in TOML, and how they are played.

    story = "what happens, in a sentence"
    neighbours = { B04 = ["B05"] }          # optional
    policy = { mute = "12h" }               # optional, durations of `Policy` without their _ms
    rules = "…"                             # optional, as in a rules file

    [[step]]
    tick = "12:05"       # a closed tick; a time before the one above is on the next day
    scores = [ … ]       # what detectors say from now on, until a step says otherwise (defaults: `SCORE`)
    incidents = [ … ]    # "burglary in B04 at 12:03" (or "not …"): what is known from this tick on
    alerts = [ … ]       # the records expected, no others; `alert` is the story's own name for the id

Instead of `tick`, `foresee = "12:05"` has the scores seen before that tick closed, and `answer = "A"` with `by`,
`verdict` and `at` is an operations centre's answer to an alert; `alerts` is what is told at once. Between steps every
tick is visited that the book or a rule asks for. A record that no step expects fails.
"""

import json
import re
import tomllib
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple

from schemas.emissions import Alert
from schemas.events import AlertAck
from schemas.vocabulary import ANY, Verdict
from streams.core.alert_book import AlertBook
from streams.core.episodes import MINUTE_MS, Policy
from streams.core.rules import RuleDetector
from streams.core.scores import Arrival, Score
from streams.rules_file import load_rules, policies_of
from streams.settings.durations import duration_ms

START: Final = datetime(2026, 11, 23, tzinfo=UTC)  # a Monday
SCORE: Final = {
    "detector": "surge",
    "zones": ["B04"],
    "crime_type": "burglary",
    "window_panes": 120,
    "observed": 9,
    "expected": 1.2,
    "once_in_days": 5.0,
    "level": 1.2,
}
INCIDENT: Final = re.compile(r"(not )?(\w+) in (\S+) at (\d\d:\d\d)")


class Known(NamedTuple):
    """An incident of a story."""

    at: int
    incident_id: str
    zone: str
    crime_type: str


class Story:
    """One story, while it is played."""

    def __init__(self, path: Path, folder: Path, *, restarts: bool) -> None:
        self.told = tomllib.loads(path.read_text("utf-8"))
        spans = {f"{name}_ms": duration_ms(span) for name, span in self.told.get("policy", {}).items()}
        self.policy = replace(Policy(), **spans)
        rules = folder / "rules.toml"
        rules.write_text(self.told.get("rules", ""), "utf-8")
        self.rules = load_rules(rules).of("sf")
        self.restarts = restarts
        self.day, self.now, self.revision = START, millis(START), 0
        self.scores: list[Score] = []
        self.names: dict[str, str] = {}
        self.incidents: list[Known] = []
        self.seen = 0
        self.book, self.detector = self.new_book(), RuleDetector(self.rules)

    def new_book(self) -> AlertBook:
        policies = policies_of(self.rules, self.policy)
        return AlertBook("sf", self.policy, self.told.get("neighbours", {}), policies)

    def play(self) -> None:
        """Every step in its order; an AssertionError says what was told instead of what was expected."""
        for step in self.told["step"]:
            self.revision += 1
            if "answer" in step:
                self.answer(step)
            elif "foresee" in step:
                at = self.pass_time_to(step["foresee"])
                seen = [score(told) for told in step["scores"]]
                self.expect(step, self.book.foresee(at, seen, self.revision, self.name_incidents))
            else:
                at = self.pass_time_to(step["tick"])
                if "scores" in step:
                    self.scores = [score(told) for told in step["scores"]]
                arrivals = [self.take_in(told) for told in step.get("incidents", [])]
                self.expect(step, self.tick(at, arrivals))
            if self.restarts:
                self.restart()

    def pass_time_to(self, clock: str) -> int:
        """Visit the ticks before `clock` that somebody asks for: nothing is to be told there."""
        to = self.at(clock)
        if to <= self.now:
            self.day += timedelta(days=1)
            to = self.at(clock)
        while (change := self.next_change()) is not None and change < to:
            self.revision += 1
            self.expect(
                {"tick": f"{datetime.fromtimestamp(change / 1000, UTC):%H:%M}"}, self.tick(change, [])
            )
        return to

    def next_change(self) -> int | None:
        ticks = [] if (pane := self.detector.next_change()) is None else [pane * MINUTE_MS]
        if (change := self.book.next_change()) is not None:
            ticks.append(-(-change // MINUTE_MS) * MINUTE_MS)
        return min(ticks, default=None)

    def tick(self, at: int, arrivals: Sequence[Arrival]) -> list[Alert]:
        self.now = at
        scores = [*self.scores, *self.detector.advance(at // MINUTE_MS, arrivals)]
        return self.book.tick(at, scores, self.revision, self.name_incidents)

    def answer(self, step: dict[str, Any]) -> None:
        ack = AlertAck(self.names[step["answer"]], Verdict(step["verdict"]), step["by"], self.at(step["at"]))
        assert self.book.answer(ack)
        self.expect(step, self.book.report(self.revision, self.name_incidents))

    def take_in(self, told: str) -> Arrival:
        found = INCIDENT.fullmatch(told)
        assert found, f"{told!r} is not an incident of a story"
        at, zone, crime_type = self.at(found[4]), found[3], found[2]
        if found[1]:
            self.incidents.remove(
                next(i for i in self.incidents if (i.at, i.zone, i.crime_type) == (at, zone, crime_type))
            )
        else:
            self.seen += 1
            self.incidents.append(Known(at, f"I{self.seen}", zone, crime_type))
        return Arrival(zone, crime_type, at // MINUTE_MS, -1 if found[1] else 1)

    def name_incidents(self, zones: Sequence[str], crime_type: str, start: int, end: int) -> list[str]:
        mine = [
            known
            for known in self.incidents
            if start <= known.at < end
            and (ANY in zones or known.zone in zones)
            and crime_type in (ANY, known.crime_type)
        ]
        return [known.incident_id for known in sorted(mine, reverse=True)]

    def expect(self, step: dict[str, Any], alerts: list[Alert]) -> None:
        expected, told = step.get("alerts", []), [self.summary(alert) for alert in alerts]
        where = f"at {step.get('tick') or step.get('foresee') or step.get('answer')}"
        assert len(expected) == len(alerts), f"{where}: expected {expected}, told {told}"
        for wanted, alert in zip(expected, alerts, strict=True):
            name = self.names.setdefault(wanted["alert"], alert.alert_id)
            assert name == alert.alert_id, f"{where}: not {wanted['alert']}: {self.summary(alert)}"
            for field, value in wanted.items():
                if field == "says":
                    for words in [value] if isinstance(value, str) else value:
                        assert words in alert.explanation, f"{where}: {words!r} not in {alert.explanation!r}"
                elif field == "since":
                    assert alert.since == self.at(value), f"{where}: since {self.summary(alert)}"
                elif field != "alert":
                    actual = getattr(alert, field)
                    actual = list(actual) if isinstance(actual, tuple) else actual
                    assert actual == value, (
                        f"{where}: {field} {actual!r} is not {value!r}: {self.summary(alert)}"
                    )

    def summary(self, alert: Alert) -> str:
        name = next((name for name, known in self.names.items() if known == alert.alert_id), alert.alert_id)
        return f"{name} {alert.state} ({alert.reason}) {','.join(alert.zones)}: {alert.explanation}"

    def restart(self) -> None:
        """Another owner takes over from what the last one wrote down."""
        book, rules = (json.loads(json.dumps(part.snapshot())) for part in (self.book, self.detector))
        self.book, self.detector = self.new_book(), RuleDetector(self.rules)
        self.book.restore(book)
        self.detector.restore(rules)

    def at(self, clock: str) -> int:
        hours, minutes = clock.split(":")
        return millis(self.day.replace(hour=int(hours), minute=int(minutes)))


def score(told: dict[str, Any]) -> Score:
    values = {**SCORE, **told}
    return Score(**{**values, "zones": tuple(values["zones"])})


def millis(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
