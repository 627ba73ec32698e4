"""What was said of one field, and when it became known: short histories that merge in any order.

A history is a list of entries `(known, updated_at, rank, value)`, ascending in all of known and (updated_at, rank):
of two entries the later known one is there only because it beats the earlier. So the value at tick t is that of the
last entry with known <= t, whatever the order, number and batching of the messages was.

    known      12:31            12:41
    zone       B04 (12:30:10)   B05 (12:40:02)      ← a message of 12:35 known from 12:41 on says nothing new
"""

import json
from typing import Any, TypeVar

Value = TypeVar("Value", str, int, bool)
Entry = tuple[int, int, tuple[bool, bytes], Any]
History = list[Entry]

PLACEHOLDERS = frozenset({"unknown", "other"})


def rank(value: str | int | bool) -> tuple[bool, bytes]:
    """Order of two values said in the same millisecond, so that no order of arrival matters.

    A real zone or type beats a placeholder, withdrawn beats not withdrawn, else the greater canonical JSON text
    (UTF-8 bytes) wins.
    """
    return (value not in PLACEHOLDERS, json.dumps(value, ensure_ascii=False).encode())


def entry(known: int, updated_at: int, value: str | int | bool) -> Entry:
    """One saying, ready for `insert`."""
    return (known, updated_at, rank(value), value)


def insert(history: History, new: Entry) -> bool:
    """Add a saying to a history; False when it changes nothing at any tick.

    Entries that the new one beats from the tick on at which it is known are dropped. O(length), which is about 1.
    """
    known, strength = new[0], new[1:3]
    at = len(history)
    while at and history[at - 1][0] > known:
        at -= 1
    if at and history[at - 1][1:3] >= strength:
        return False
    first_kept = at
    while first_kept < len(history) and history[first_kept][1:3] <= strength:
        first_kept += 1
    if at and history[at - 1][0] == known:
        at -= 1
    history[at:first_kept] = [new]
    return True


def value_at(history: History, tick: int) -> Any:
    """The value that holds at a tick, None when nothing was known yet."""
    for known, _, _, value in reversed(history):
        if known <= tick:
            return value
    return None


def forget(history: History, oldest_open: int) -> None:
    """Drop the entries that are beaten before the tick `oldest_open`, keeping the one that holds just before it."""
    keep = 0
    while keep + 1 < len(history) and history[keep + 1][0] < oldest_open:
        keep += 1
    del history[:keep]
