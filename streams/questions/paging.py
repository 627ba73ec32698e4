"""Paging: a cursor says where the page before ended, and of which tick it was, so that pages fit together.

A cursor belongs to one question with its parameters; with others it is a fault, and so is one that was made up.
"""

import base64
import binascii
import json
from collections.abc import Callable, Iterable, Sequence
from hashlib import blake2b
from heapq import nsmallest
from typing import Any, Final, NamedTuple, TypeVar

T = TypeVar("T")
Key = tuple[str | int, ...]
"""What items are sorted by; no two of one answer have the same."""

LONGEST_CURSOR: Final = 4096  # characters; keys are names of up to 256


class Cursor(NamedTuple):
    """Where the page before ended."""

    at: int | None  # the tick it was of, ms
    after: Key


def question_digest(path: str, query: Iterable[tuple[str, str]]) -> str:
    """What a question and its parameters have in common on all its pages."""
    asked = sorted((name, text) for name, text in query if name not in ("cursor", "limit"))
    return blake2b(json.dumps([path, asked]).encode(), digest_size=8).hexdigest()


def write_cursor(cursor: Cursor, digest: str) -> str:
    """A cursor as an opaque text."""
    plain = json.dumps([digest, cursor.at, list(cursor.after)], separators=(",", ":"))
    return base64.urlsafe_b64encode(plain.encode()).decode().rstrip("=")


def read_cursor(text: str, digest: str, shape: Sequence[type]) -> Cursor | None:
    """The cursor of a text; None when it is none of this question's.

    Args:
        text: as it came.
        digest: of the question that is asked now.
        shape: types of the key's parts.
    """
    try:
        plain = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        said: Any = json.loads(plain)
    except (ValueError, binascii.Error, RecursionError):
        return None
    match said:
        case [str(theirs), int() | None as at, list(after)] if theirs == digest:
            if [type(part) for part in after] == list(shape) and not isinstance(at, bool):
                return Cursor(at, tuple(after))
    return None


def page(
    items: Iterable[T], key: Callable[[T], Key], after: Key | None, limit: int
) -> tuple[list[T], Key | None]:
    """The first `limit` items after a key, in order of their keys; and the key to go on after, None at the end.

    O(n log limit).
    """
    left = items if after is None else (item for item in items if key(item) > after)
    found = nsmallest(limit + 1, left, key=key)
    if len(found) <= limit:
        return found, None
    return found[:limit], key(found[limit - 1])
