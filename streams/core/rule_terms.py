"""What a rule says, and how it is said: at least N incidents of a type, in a place, within a window."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from schemas.vocabulary import ANY
from streams.core.explanation import count_words, window_name

DAY_MINUTES: Final = 24 * 60
MINUTE_MS: Final = 60_000


@dataclass(frozen=True, slots=True)
class Rule:
    """At least `at_least` incidents of `crime_type` in one of `places` within `within_panes`.

    An empty `places` is each zone by itself; `(("*",),)` is the city; a place of several zones is counted together.
    """

    name: str
    crime_type: str  # "*" for all types
    at_least: int  # ≥ 1
    within_panes: int  # ≥ 1
    places: tuple[tuple[str, ...], ...] = ()
    hours: tuple[int, int] | None = None  # local minutes of the day [from, to), over midnight where from > to
    quiet_ms: int = 0  # a return within it is not told

    @property
    def detector(self) -> str:
        """Its name as a source of scores."""
        return f"rule:{self.name}"


class RuleClock(NamedTuple):
    """What rules have to know of time."""

    pane_ms: int = MINUTE_MS
    minute_of_day: Callable[[int], int] = lambda at: at // MINUTE_MS % DAY_MINUTES  # UTC


UTC_CLOCK: Final = RuleClock()


def in_hours(minute: int, hours: tuple[int, int] | None) -> bool:
    """Whether a minute of the day lies in `hours`: [from, to), over midnight where from > to, all day if equal."""
    if hours is None or hours[0] == hours[1]:
        return True
    start, end = hours
    return start <= minute < end if start < end else minute >= start or minute < end


def rule_text(rule: Rule, pane_ms: int = MINUTE_MS) -> str:
    """A rule in words: `at least 3 burglary incidents in any one zone within 7d, from 22:00 to 06:00`."""
    where = "any one zone" if not rule.places else " or ".join(_place_text(place) for place in rule.places)
    text = f"at least {count_words(rule.at_least, rule.crime_type)} in {where} within {window_name(rule.within_panes * pane_ms)}"
    if rule.hours is None:
        return text
    start, end = (f"{minute // 60:02}:{minute % 60:02}" for minute in rule.hours)
    return f"{text}, from {start} to {end}"


def _place_text(place: tuple[str, ...]) -> str:
    if place == (ANY,):
        return "the whole city"
    return place[0] if len(place) == 1 else f"{' + '.join(place)} together"


def terms(rule: Rule) -> list[Any]:
    """What decides the counts of a rule; a name alone says nothing of what was counted under it."""
    return [
        rule.crime_type,
        rule.within_panes,
        [list(place) for place in rule.places],
        list(rule.hours or ()),
    ]
