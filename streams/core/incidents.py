"""An incident is a record, not a tick on a counter: record ⊕ message → record, and what that changes in the counts.

Whatever is said of an incident, and in whatever order, ends in the same record: per field, the greatest
`(updated_at, rank)` of all that is known at a tick holds (`streams.core.history`). From the record follow its
*contributions*: known from tick 12:31 on, plus one in (B04, burglary) counting in pane 12:30; known from 12:41 on,
minus one there and plus one in (B05, burglary).

Nearly all incidents have one message, or repeats of it. They are kept as one plain tuple of atoms (112 bytes, which
the garbage collector does not track); a second, different message turns the tuple into histories per field.
"""

from collections.abc import Iterable
from typing import Any, Final

from schemas.vocabulary import UNKNOWN_ZONE, CrimeType
from streams.core.history import History, entry, forget, insert, rank, value_at

Said = tuple[int, int, int | None, int | None, str | None, str | None, bool | None]
"""(known, updated_at, reported_at, occurred_at, zone, crime_type, withdrawn); None: the message does not say it."""

Cell = tuple[str, ...]
Contribution = tuple[Cell, int, int]
"""(cell, pane in which it counts, tick from which it is known)."""

FIELDS: Final = 5
OTHER: Final = CrimeType.OTHER.value


class Histories:
    """What was said of one incident, when different things were: one history per field of `Said`."""

    __slots__ = ("fields",)

    def __init__(self, said: Said) -> None:
        """Start from one saying."""
        self.fields: list[History] = [[] for _ in range(FIELDS)]
        self.hear(said)

    def hear(self, said: Said) -> bool:
        """Merge one saying; False when it changes nothing at any tick."""
        known, updated_at = said[0], said[1]
        changed = False
        for history, value in zip(self.fields, said[2:], strict=True):
            if value is not None and insert(history, entry(known, updated_at, value)):
                changed = True
        return changed

    def forget(self, oldest_open: int) -> None:
        """Drop what can no longer make a difference at ticks that may still change."""
        for history in self.fields:
            if len(history) > 1:
                forget(history, oldest_open)

    def contributions(self, pane_ms: int) -> dict[Contribution, int]:
        """Contribution → +1 or -1, over all ticks at which its standing changes."""
        found: dict[Contribution, int] = {}
        before: tuple[Cell, int] | None = None
        for tick in sorted({said[0] for history in self.fields for said in history}):
            now = standing((value_at(history, tick) for history in self.fields), pane_ms)
            if now != before:
                if before is not None:
                    found[*before, tick] = -1
                if now is not None:
                    found[*now, tick] = 1
                before = now
        return found


State = Said | Histories
"""What was said of an incident: one thing, or different ones."""

Record = tuple[int, int, State]
"""(last, first, state); see `streams.core.ledger` for the first two."""


def merge(
    state: State, said: Said, oldest_open: int, pane_ms: int
) -> tuple[State, dict[Contribution, int], dict[Contribution, int]]:
    """State ⊕ saying → (state, its contributions before, and after); both empty when it said nothing new.

    Args:
        state: what was said before; histories are changed in place.
        said: the saying.
        oldest_open: the oldest tick that may still change; what cannot matter from there on is dropped.
        pane_ms: width of a pane.
    """
    if isinstance(state, tuple):
        both = same_pane(state, said)
        if both == state:
            return state, {}, {}
        was = said_once(state, pane_ms)
        if both is not None:
            return both, was, said_once(both, pane_ms)
        histories = Histories(state)
        histories.hear(said)
        return histories, was, histories.contributions(pane_ms)
    state.forget(oldest_open)
    was = state.contributions(pane_ms)
    if not state.hear(said):
        return state, {}, {}
    return state, was, state.contributions(pane_ms)


def standing(values: Iterable[Any], pane_ms: int) -> tuple[Cell, int] | None:
    """(cell, pane in which it counts) of an incident, None when it does not count.

    Args:
        values: reported_at, occurred_at, zone, crime_type, withdrawn; occurred_at is None unless it is what counts.
        pane_ms: width of a pane.
    """
    reported_at, occurred_at, zone, crime_type, withdrawn = values
    counts_at = reported_at if occurred_at is None else occurred_at
    if withdrawn or counts_at is None:
        return None
    return (zone or UNKNOWN_ZONE, crime_type or OTHER), counts_at // pane_ms


def latest_pane(said: Said, pane_ms: int) -> int:
    """The greatest of the tick from which it is known and the panes of the times that it says."""
    known, _, reported_at, occurred_at, *_ = said
    latest = known
    if reported_at is not None:
        latest = max(latest, reported_at // pane_ms)
    if occurred_at is not None:
        latest = max(latest, occurred_at // pane_ms)
    return latest


def same_pane(old: Said, new: Said) -> Said | None:
    """Both sayings as one, where that is possible: known from the same tick, and one beats the other in all fields.

    This keeps a record short when a message is repeated or complete, which is what most dispatch systems send.
    """
    if old == new:
        return old
    if old[0] != new[0]:
        return None
    if old[1] == new[1]:
        return _same_millisecond(old, new)
    weak, strong = (old, new) if old[1] < new[1] else (new, old)
    if all(weak[i] is None or strong[i] is not None for i in range(2, 7)):
        return strong
    return None


def _same_millisecond(old: Said, new: Said) -> Said:
    """Field by field, the value of greater rank."""
    merged = [
        b if a is None or (b is not None and rank(a) < rank(b)) else a
        for a, b in zip(old[2:], new[2:], strict=True)
    ]
    return (old[0], old[1], *merged)  # type: ignore[return-value]


def said_once(said: Said, pane_ms: int) -> dict[Contribution, int]:
    """The contributions of an incident of which one thing was said."""
    counted = standing(said[2:], pane_ms)
    return {} if counted is None else {(*counted, said[0]): 1}
