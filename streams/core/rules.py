"""Analysts' rules: at least N incidents of a type, in a place, within a window; exact, corrections included.

    tick            now
     ───┬───────────┬───▶ panes        the window of a rule at tick `now`: panes [now - within, now)
        [── within ─)   · ·            panes from `now` on wait until their tick comes

Each rule is counted per place in a `Tally` of its own, whose window moves only when it is asked: an arrival costs
O(rules of its type), a tick O(places that are or lately were at N).
"""

import heapq
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, Final

from schemas.vocabulary import ANY, UNKNOWN_ZONE
from streams.core.rule_terms import DAY_MINUTES, UTC_CLOCK, Rule, RuleClock, in_hours, rule_text, terms
from streams.core.scores import Arrival, Score
from streams.core.tallies import Tally

STATE_VERSION: Final = 1

SPEAKS_FOR_MS: Final = 3_600_000
"""How long a rule goes on answering for a place that fell below its number, so that the alert can cool."""

Key = tuple[str, tuple[str, ...]]
"""One rule (by name) in one place."""


class _Bound:
    """A rule with its places by zone."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self._city = tuple(place for place in rule.places if place == (ANY,))
        self._by_zone: defaultdict[str, list[tuple[str, ...]]] = defaultdict(list)
        for place in rule.places:
            for zone in place:
                self._by_zone[zone].append(place)

    def places(self, zone: str) -> Iterable[tuple[str, ...]]:
        """The places of the rule that an incident in `zone` counts in; the unknown zone is no place of its own."""
        if self.rule.places:
            return (*self._by_zone.get(zone, ()), *self._city)
        return () if zone == UNKNOWN_ZONE else ((zone,),)


class RuleDetector:
    """All rules of a jurisdiction as one detector."""

    def __init__(self, rules: Sequence[Rule], clock: RuleClock = UTC_CLOCK) -> None:
        """Start with nothing counted; `rules` have different names."""
        self._clock = clock
        self._speaks_for = SPEAKS_FOR_MS // clock.pane_ms
        self._rules = {rule.name: rule for rule in rules}
        self._by_type: defaultdict[str, list[_Bound]] = defaultdict(list)
        for rule in rules:
            self._by_type[rule.crime_type].append(_Bound(rule))
        self._for_all = self._by_type.pop(ANY, [])
        self._tallies: dict[Key, Tally] = {}
        self._speaking: dict[Key, int | None] = {}  # the tick at which it fell below its number, or None
        self._ahead: list[tuple[int, Key]] = []  # heap: a tick at which a waiting pane comes in
        self._now = 0
        self._swept = 0

    def advance(self, now_pane: int, arrivals: Iterable[Arrival]) -> list[Score]:
        """Take in what became known, and score each place that is, or lately was, at its rule's number."""
        self._now = max(self._now, now_pane)
        touched = set(self._speaking)
        while self._ahead and self._ahead[0][0] <= self._now:
            touched.add(heapq.heappop(self._ahead)[1])
        touched &= self._tallies.keys()
        for arrival in arrivals:
            self._count(arrival, touched)
        scores = [score for key in sorted(touched) if (score := self._score(key)) is not None]
        if self._now - self._swept >= DAY_MINUTES:
            self._forget()
        return scores

    def next_change(self) -> int | None:
        """The next tick (pane index) at which silence alone can change what a rule says; None: never."""
        ticks = [tick for key in self._speaking if (tick := self._tallies[key].next_change()) is not None]
        ticks.extend(fell + self._speaks_for + 1 for fell in self._speaking.values() if fell is not None)
        while self._ahead and not self._comes_in(*self._ahead[0]):
            heapq.heappop(self._ahead)  # taken back before its tick came
        if self._ahead:
            ticks.append(self._ahead[0][0])
        return max(min(ticks), self._now + 1) if ticks else None

    def snapshot(self) -> Any:
        """Everything counted, as JSON-able values."""
        rules: dict[str, Any] = {
            name: {"is": terms(rule), "places": []} for name, rule in self._rules.items()
        }
        for (name, place), tally in sorted(self._tallies.items()):
            oldest, speaks = self._now - tally.within, (name, place) in self._speaking
            panes = [[pane, n] for pane, n in sorted(tally.counts.items()) if n and pane >= oldest]
            if panes or speaks:
                fell = self._speaking.get((name, place))
                rules[name]["places"].append([list(place), panes, speaks, fell])
        return {"version": STATE_VERSION, "now": self._now, "rules": rules}

    def restore(self, state: Any) -> None:
        """Take the state of `snapshot` back; a rule that is new, or has other terms now, begins with nothing.

        Raises:
            ValueError: the state is of another version.
        """
        if state["version"] != STATE_VERSION:
            msg = f"rules state version must be {STATE_VERSION} (got {state['version']}); fold the log from its start"
            raise ValueError(msg)
        self._now, self._tallies, self._speaking, self._ahead = state["now"], {}, {}, []
        for name, saved in state["rules"].items():
            if name not in self._rules or saved["is"] != terms(self._rules[name]):
                continue
            for place, panes, speaks, fell in saved["places"]:
                key = (name, tuple(place))
                for pane, n in panes:
                    self._add(key, pane, n)
                if speaks:
                    self._tallies.setdefault(key, Tally(self._rules[name].within_panes))
                    self._speaking[key] = fell

    def _count(self, arrival: Arrival, touched: set[Key]) -> None:
        for bound in (*self._by_type.get(arrival.crime_type, ()), *self._for_all):
            hours = bound.rule.hours
            if hours is not None:
                minute = self._clock.minute_of_day(arrival.pane * self._clock.pane_ms)
                if not in_hours(minute, hours):
                    continue
            for place in bound.places(arrival.zone):
                key = (bound.rule.name, place)
                self._add(key, arrival.pane, arrival.n)
                touched.add(key)

    def _add(self, key: Key, pane: int, n: int) -> None:
        tally = self._tallies.get(key)
        if tally is None:
            tally = self._tallies[key] = Tally(self._rules[key[0]].within_panes)
        tally.move(self._now)
        tally.add(pane, n)
        if pane >= self._now:
            heapq.heappush(self._ahead, (pane + 1, key))

    def _comes_in(self, tick: int, key: Key) -> bool:
        tally = self._tallies.get(key)
        return tally is not None and bool(tally.counts.get(tick - 1))

    def _score(self, key: Key) -> Score | None:
        rule, tally = self._rules[key[0]], self._tallies[key]
        tally.move(self._now)
        if not self._speaks(key, tally.total):
            return None
        return Score(
            detector=rule.detector,
            zones=key[1],
            crime_type=rule.crime_type,
            window_panes=rule.within_panes,
            observed=tally.total,
            expected=None,
            once_in_days=None,
            level=tally.total / rule.at_least,
            since_pane=tally.first(),
            compared_with=rule_text(rule, self._clock.pane_ms),
        )

    def _speaks(self, key: Key, total: int) -> bool:
        """Whether the rule says something of a place: at its number, and for a while after it fell below it."""
        if total >= self._rules[key[0]].at_least:
            self._speaking[key] = None
            return True
        if key not in self._speaking:
            return False
        fell = self._speaking[key]
        if fell is None:
            fell = self._speaking[key] = self._now
        if self._now - fell > self._speaks_for:
            del self._speaking[key]
        return key in self._speaking

    def _forget(self) -> None:
        """Let go of places where nothing is counted any more; it changes no answer."""
        self._swept = self._now
        for key, tally in list(self._tallies.items()):
            tally.move(self._now)
            if key not in self._speaking and not any(tally.counts.values()):
                del self._tallies[key]
