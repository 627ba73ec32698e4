"""Ids for rows that have none."""

from collections import Counter
from collections.abc import Sequence
from hashlib import blake2b

from streams.sources.table import Table


class ContentIds:
    """Ids from what rows say, and which occurrence of that content in its file each one is: `5f0c…-1`, `5f0c…-2`.

    Rows that look the same get different ids, reading a file again gives the same ids, and of rows that look the same
    it makes no difference which comes first.
    """

    def __init__(self) -> None:
        self._table: Table | None = None
        self._occurrences: Counter[bytes] = Counter()  # of the same content in the table

    def next(self, table: Table, content: Sequence[str]) -> str:
        """The id of the next row of a table, which says `content`."""
        if table is not self._table:
            self._table = table
            self._occurrences.clear()
        digest = blake2b("\x1f".join(content).encode(), digest_size=10).digest()
        self._occurrences[digest] += 1
        return f"{digest.hex()}-{self._occurrences[digest]}"
