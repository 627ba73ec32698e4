"""An incident is a record, not a tick on a counter: record ⊕ message → record, and what that changes in the counts.

Whatever is said of an incident, and in whatever order, ends in the same record: per field, the greatest
`(updated_at, rank)` of all that is known at a tick holds (`streams.core.history`). From the record follow its
*contributions*: known from tick 12:31 on, plus one in (B04, burglary) counting in pane 12:30; known from 12:41 on,
minus one there and plus one in (B05, burglary).

A record's state is one flat tuple of the same shape as a saying. Nearly all incidents have one message, or repeats of
it: then it is that saying. A field of which more was said holds its history in place of a value; the others stay as
they are, so that a unit's next status costs one entry in one field.

    (known, updated_at, reported_at, occurred_at, zone, crime_type, ((known, updated_at, False), (…, …, True)))
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

from schemas.vocabulary import UNKNOWN_ZONE, CrimeType
from streams.core.history import beats, forget, insert, value_at

Said = tuple[int, int, int | None, int | None, str | None, str | None, bool | None]
"""(known, updated_at, reported_at, occurred_at, zone, crime_type, withdrawn); None: the message does not say it."""

State = tuple[Any, ...]
"""As `Said`, with a `History` in place of the value of a field of which more was said than by one message."""

Cell = tuple[str, ...]
Contribution = tuple[Cell, int, int]
"""(cell, pane in which it counts, tick from which it is known)."""

Contributions = dict[Contribution, int]
"""Contribution → +1 or -1."""

FIELDS: Final = range(2, 7)
SAYS_NOTHING: Final = (None,) * len(FIELDS)
OTHER: Final = CrimeType.OTHER.value


def merge(
    state: State, said: Said, oldest_open: int, pane_ms: int
) -> tuple[State, Contributions, Contributions]:
    """State ⊕ saying → (state, its contributions before, and after, from the tick on at which the saying is known).

    Both are empty when the saying moves nothing; the state is the same object when it says nothing new.

    Args:
        state: what was said before.
        said: the saying.
        oldest_open: the oldest tick that may still change; what cannot matter from there on is dropped.
        pane_ms: width of a pane.
    """
    if state == said or said[2:] == SAYS_NOTHING:
        return state, {}, {}
    known = said[0]
    if known > state[0] and said[1] > state[1] and tuple not in map(type, state):
        return _follow(state, said, pane_ms)
    if state[0] == known and (both := same_pane(state, said)) is not None:
        before, after, moved = state, both, both[2:] != state[2:]
    else:
        before, after, moved = _insert(state, said, oldest_open)
    if not moved:
        return after, {}, {}
    return after, contributions(before, known, pane_ms), contributions(after, known, pane_ms)


def _follow(state: State, said: Said, pane_ms: int) -> tuple[State, Contributions, Contributions]:
    """As `merge`, where one thing was said before, and this is later in every way: the usual correction.

    The general way takes four times as long: it asks all histories at all ticks.
    """
    known, updated_at = said[0], said[1]
    before, news = state[2:], said[2:]
    first, second = state[:2], (known, updated_at)
    fields: list[Any] = []
    for old, new in zip(before, news, strict=True):
        if new is None:
            fields.append(old)
        elif old is None:
            fields.append(((*second, new),))
        else:
            fields.append(((*first, old), (*second, new)))
    after = (*first, *fields)
    stood = _place(before, pane_ms)
    stands = _place([old if new is None else new for old, new in zip(before, news, strict=True)], pane_ms)
    if stood == stands:
        return after, {}, {}
    moves: Contributions = {}
    if stood is not None:
        moves[*stood, known] = -1
    if stands is not None:
        moves[*stands, known] = 1
    return after, {}, moves


def _place(values: Sequence[Any], pane_ms: int) -> tuple[Cell, int] | None:
    """(cell, pane in which it counts) of what is said in all fields, None when it does not count."""
    reported_at, occurred_at, zone, crime_type, withdrawn = values
    counts_at = reported_at if occurred_at is None else occurred_at
    if withdrawn or counts_at is None:
        return None
    return cell_of(zone, crime_type), counts_at // pane_ms


def _insert(state: State, said: Said, oldest_open: int) -> tuple[State, State, bool]:
    """(state without what cannot matter any more, state with the saying, whether any value at any tick differs)."""
    known, updated_at = said[0], said[1]
    before, after = list(state), list(state)
    new = moved = False
    for field in FIELDS:
        value, history = said[field], state[field]
        if value is None:
            continue
        if history.__class__ is not tuple:
            history = () if history is None else ((state[0], state[1], history),)
        elif len(history) > 1:
            history = before[field] = forget(history, oldest_open)
        longer = insert(history, (known, updated_at, value))
        if longer is not history:
            after[field], new = longer, True
            # Repeating a value matters only to messages still to come, unless other entries fell out.
            moved = moved or value_at(history, known) != value or len(longer) <= len(history)
    return tuple(before), tuple(after) if new else state, moved


def contributions(state: State, since: int, pane_ms: int) -> Contributions:
    """What an incident contributes, for ticks from `since` on."""
    ticks = {since} if state[0] <= since else {since, state[0]}
    for field in FIELDS:
        if state[field].__class__ is tuple:
            ticks.update(entry[0] for entry in state[field] if entry[0] > since)
    found: Contributions = {}
    before = standing(state, since - 1, pane_ms)
    for tick in sorted(ticks):
        now = standing(state, tick, pane_ms)
        if now != before:
            if before is not None:
                found[*before, tick] = -1
            if now is not None:
                found[*now, tick] = 1
            before = now
    return found


def standing(state: State, tick: int, pane_ms: int) -> tuple[Cell, int] | None:
    """(cell, pane in which it counts) of an incident as known at a tick, None when it does not count."""
    known = state[0] <= tick
    values = [
        value_at(value, tick) if value.__class__ is tuple else value if known else None for value in state[2:]
    ]
    return _place(values, pane_ms)


@lru_cache(maxsize=65_536)
def cell_of(zone: str | None, crime_type: str | None) -> Cell:
    """The cell of a zone and a type: one object for all incidents in it, which saves memory."""
    return zone or UNKNOWN_ZONE, crime_type or OTHER


def latest_pane(said: Said, pane_ms: int) -> int:
    """The greatest of the tick from which it is known and the panes of the times that it says."""
    latest, updated_at, reported_at, occurred_at, *_ = said
    # What happened before it was said lies before the tick from which it is known.
    if reported_at is not None and reported_at > updated_at:
        latest = max(latest, reported_at // pane_ms)
    if occurred_at is not None and occurred_at > updated_at:
        latest = max(latest, occurred_at // pane_ms)
    return latest


def same_pane(old: State, new: Said) -> State | None:
    """Both as one saying, where that is possible: known from the same tick, and one beats the other in all fields.

    This keeps a record short when a message is repeated or complete, which is what most dispatch systems send.
    """
    if any(value.__class__ is tuple for value in old):
        return None
    if old[1] == new[1]:
        return _same_millisecond(old, new)
    weak, strong = (old, new) if old[1] < new[1] else (new, old)
    if all(weak[field] is None or strong[field] is not None for field in FIELDS):
        return strong
    return None


def _same_millisecond(old: State, new: Said) -> State:
    """Field by field, the value of greater rank."""
    at = old[:2]
    merged = [
        b if a is None or (b is not None and beats((*at, b), (*at, a))) else a
        for a, b in zip(old[2:], new[2:], strict=True)
    ]
    return (*at, *merged)


def said_once(said: Said, pane_ms: int) -> Contribution | None:
    """The one contribution of an incident of which one thing was said; None when it does not count."""
    place = _place(said[2:], pane_ms)
    return None if place is None else (*place, said[0])
