"""What `vigil check` says: the lines that need a look, then everything in numbers; or JSON lines."""

import json
from collections import Counter
from collections.abc import Iterator, Set
from itertools import islice, zip_longest
from typing import Final

from streams.checking import Becomes, Cell, Outcome, Summary
from streams.cli.terminal import Terminal
from streams.sources import Facts

NAMED: Final = 12
"""Names of codes, zones and types in a line of the summary; the most frequent."""


class Report:
    """Takes outcomes as they come, and speaks at the end; of JSON, at once."""

    def __init__(self, terminal: Terminal, *, only: Set[Becomes], lines: int, as_json: bool) -> None:
        """`only`: the words to show, empty for all; `lines`: how many outcomes to show."""
        self.summary = Summary()
        self._terminal, self._only, self._lines, self._as_json = terminal, only, lines, as_json
        self._kept: dict[tuple[object, ...], list[Outcome]] = {}  # kind of outcome → the first of it
        self._fitting = 0

    def add(self, outcome: Outcome) -> None:
        """One more message."""
        self.summary.add(outcome)
        if self._only and outcome.becomes not in self._only:
            return
        self._fitting += 1
        if self._as_json:
            self._terminal.say(json.dumps(outcome.as_json(), ensure_ascii=False))
            return
        kept = self._kept.setdefault(_kind(outcome), [])
        if len(kept) < self._lines:
            kept.append(outcome)

    def end(self, facts: Facts | None) -> None:
        """All have come; `facts`: what the source found."""
        terminal = self._terminal
        if self._as_json:
            terminal.say(json.dumps({"summary": self.summary.as_json(facts)}, ensure_ascii=False))
            return
        shown = sorted(self._chosen(), key=lambda each: each.place)
        if shown:
            header = ("place", "message", "becomes", "where", "counts in", "what is to be said")
            terminal.table(header, [_row(each) for each in shown])
        if len(shown) < self._fitting:
            terminal.say(
                f"{len(shown)} of {self._fitting:,}, some of each kind; --lines and --only show others"
            )
        terminal.say()
        terminal.table(("what", "messages", "which"), list(self._numbers(facts)))
        terminal.say()
        terminal.say(self._verdict())

    def _chosen(self) -> list[Outcome]:
        """The lines to show: of each kind one, then another; dead letters and what is notable first."""
        kinds = [self._kept[kind] for kind in sorted(self._kept, key=_rank)]
        turns = (one for turn in zip_longest(*kinds) for one in turn if one is not None)
        return list(islice(turns, self._lines))

    def _numbers(self, facts: Facts | None) -> Iterator[tuple[str, str, str]]:
        """The rows of the summary."""
        said = self.summary
        for word, number in said.becomes.most_common():
            yield word, f"{number:,}", _named(said.reasons) if word == Becomes.DEAD_LETTER else ""
        if said.crime_types:
            yield "in crime types", f"{said.crime_types.total():,}", _named(said.crime_types)
            yield "in zones", f"{said.zones.total():,}", _named(said.zones)
        more = {
            "unknown codes, counted as other": (said.unknown_codes.total(), _named(said.unknown_codes)),
            "without a usable zone": (said.unlocatable, ""),
            "late": (said.late, ""),
            "with personal data, dropped": (said.personal.total(), _named(said.personal)),
            **{hint.partition(":")[0]: (number, "") for hint, number in said.hints.items()},
        }
        if facts is not None:
            more |= {
                "rows read": (facts.rows, ""),
                "local times shown twice by the clock": (facts.ambiguous_times, "read as the first"),
                "local times skipped by the clock": (facts.nonexistent_times, "moved forward"),
                "coordinates that cannot be read": (facts.bad_coordinates, ""),
                "words of the file that are not mapped": (facts.unmapped.total(), _named(facts.unmapped)),
            }
        for what, (number, which) in more.items():
            if number:
                yield what, f"{number:,}", which

    def _verdict(self) -> str:
        number, dead = self.summary.becomes.total(), self.summary.becomes[Becomes.DEAD_LETTER]
        if not number:
            return "there is no message"
        if dead:
            return f"{dead:,} of {number:,} would be dead letters; all others can be used"
        return f"every one of {number:,} can be used"


def _kind(outcome: Outcome) -> tuple[object, ...]:
    """Outcomes of one kind look alike: a few of them tell the story."""
    late, unknown = outcome.late_by_s is not None, outcome.unknown_code is not None
    flags = (late, unknown, outcome.unlocatable, bool(outcome.personal), outcome.hint)
    return outcome.usable, not outcome.notes, outcome.topic, outcome.becomes, outcome.reason or "", flags


def _rank(kind: tuple[object, ...]) -> tuple[object, ...]:
    """Dead letters first, then those of which something is to be said, in order of appearance."""
    return kind[:2]


def _row(outcome: Outcome) -> tuple[str, ...]:
    where = _where(outcome.cell or outcome.left)
    if outcome.cell is not None and outcome.left is not None:
        where = f"{_where(outcome.left)} → {_where(outcome.cell)}"
    elif outcome.intervals:
        where = "; ".join(outcome.intervals)
    counts_in = outcome.cell.counts_in if outcome.cell else ""
    notes = "; ".join(outcome.notes)
    return str(outcome.place), outcome.key or "", outcome.becomes, where, counts_in, notes


def _where(cell: Cell | None) -> str:
    return "" if cell is None else f"{cell.zone}, {cell.crime_type}"


def _named(counter: Counter[str]) -> str:
    """`burglary 12, larceny 3`, the most frequent first."""
    listed = ", ".join(f"{name} {number:,}" for name, number in counter.most_common(NAMED))
    rest = len(counter) - NAMED
    return f"{listed} and {rest} more" if rest > 0 else listed
