"""What became of all messages, in numbers and names."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from streams.checking.outcomes import Becomes, Outcome
from streams.sources import Facts


@dataclass(slots=True)
class Summary:
    """Counts over all outcomes; names of what is unknown, most frequent first."""

    messages: Counter[str] = field(default_factory=Counter)  # topic →
    becomes: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)  # of dead letters
    crime_types: Counter[str] = field(default_factory=Counter)  # of what entered the counts
    zones: Counter[str] = field(default_factory=Counter)
    unknown_codes: Counter[str] = field(default_factory=Counter)
    personal: Counter[str] = field(default_factory=Counter)  # fields that were dropped
    hints: Counter[str] = field(default_factory=Counter)
    unlocatable: int = 0
    late: int = 0

    def add(self, outcome: Outcome) -> None:
        """One more."""
        self.messages[outcome.topic] += 1
        self.becomes[outcome.becomes] += 1
        if outcome.reason is not None:
            self.reasons[outcome.reason] += 1
        if outcome.cell is not None and outcome.becomes in (Becomes.COUNTED, Becomes.MOVED):
            self.crime_types[outcome.cell.crime_type] += 1
            self.zones[outcome.cell.zone] += 1
        if outcome.unknown_code is not None:
            self.unknown_codes[outcome.unknown_code] += 1
        self.personal.update(outcome.personal)
        if outcome.hint:
            self.hints[outcome.hint] += 1
        self.unlocatable += outcome.unlocatable
        self.late += outcome.late_by_s is not None

    @property
    def usable(self) -> bool:
        """Whether Vigil can use every message."""
        return not self.becomes[Becomes.DEAD_LETTER]

    def as_json(self, facts: Facts | None) -> dict[str, Any]:
        """Everything, with what the source found while reading the file."""
        found: dict[str, Any] = {
            "usable": self.usable,
            "messages": dict(self.messages),
            "becomes": dict(self.becomes.most_common()),
            "dead_letters": dict(self.reasons.most_common()),
            "crime_types": dict(self.crime_types.most_common()),
            "zones": dict(self.zones.most_common()),
            "unknown_codes": dict(self.unknown_codes.most_common()),
            "unlocatable": self.unlocatable,
            "late": self.late,
            "duplicates": self.becomes[Becomes.DUPLICATE],
            "personal": dict(self.personal.most_common()),
            "hints": dict(self.hints),
        }
        return found | ({} if facts is None else {"source": facts_of(facts)})


def facts_of(facts: Facts) -> dict[str, Any]:
    """What a source found while reading."""
    return {
        "rows": facts.rows,
        "ambiguous_times": facts.ambiguous_times,
        "nonexistent_times": facts.nonexistent_times,
        "bad_coordinates": facts.bad_coordinates,
        "without_zone": facts.without_zone,
        "unknown_words": dict(facts.unmapped.most_common()),
    }
