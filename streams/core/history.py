"""What was said of one field, and when it became known: short histories that merge in any order.

A history is a tuple of entries `(known, updated_at, value)`, ascending in all of known and (updated_at, rank of the
value): of two entries the later known one is there only because it beats the earlier. So the value at tick t is that
of the last entry with known <= t, whatever the order, number and batching of the messages was.

    known      12:31            12:41
    zone       B04 (12:30:10)   B05 (12:40:02)      ← a message of 12:35 known from 12:41 on says nothing new

Histories are plain tuples of plain values, which the garbage collector stops looking at: a million of them cost it
nothing.
"""

import json
from typing import Any

Entry = tuple[int, int, Any]
History = tuple[Entry, ...]

PLACEHOLDERS = frozenset({"unknown", "other"})


def rank(value: str | int | bool) -> tuple[bool, bytes]:
    """Order of two values said in the same millisecond, so that no order of arrival matters.

    A real zone or type beats a placeholder, withdrawn beats not withdrawn, else the greater canonical JSON text
    (UTF-8 bytes) wins.
    """
    return (value not in PLACEHOLDERS, json.dumps(value, ensure_ascii=False).encode())


def beats(one: Entry, other: Entry) -> bool:
    """Whether, both being known, the value of `one` holds and not that of `other`.

    Ranks cost 6 µs, so they are asked for only when two different values were said in the same millisecond.
    """
    if one[1] != other[1]:
        return one[1] > other[1]
    return one[2] != other[2] and rank(one[2]) > rank(other[2])


def insert(history: History, new: Entry) -> History:
    """The history with one more saying; the same object when that changes nothing at any tick.

    Entries that the new one beats from the tick on at which it is known are dropped. O(length), which is about 1.
    """
    known = new[0]
    at = len(history)
    while at and history[at - 1][0] > known:
        at -= 1
    if at and not beats(new, history[at - 1]):
        return history
    after = at
    while after < len(history) and not beats(history[after], new):
        after += 1
    if at and history[at - 1][0] == known:
        at -= 1
    return (*history[:at], new, *history[after:])


def value_at(history: History, tick: int) -> Any:
    """The value that holds at a tick, None when nothing was known yet."""
    for known, _, value in reversed(history):
        if known <= tick:
            return value
    return None


def forget(history: History, oldest_open: int) -> History:
    """The history without the entries that are beaten before the tick `oldest_open`, keeping the one that holds just before it."""
    keep = 0
    while keep + 1 < len(history) and history[keep + 1][0] < oldest_open:
        keep += 1
    return history[keep:]
