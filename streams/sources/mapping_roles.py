"""What the columns of a mapped file are there for, and what the words in them mean."""

from collections import Counter
from collections.abc import Mapping
from enum import StrEnum
from typing import Final, Generic, TypeVar

from schemas.vocabulary import CrimeType
from streams.sources.columns import Column
from streams.sources.mapping_file import MappingFile, code_key
from streams.sources.places import POINT_LENGTH
from streams.sources.table import Row, Table

W = TypeVar("W", bound=StrEnum)

KNOWN_FROM: Final = "known from"
"""The role of the column that says since when a row is known."""

_FIELDS: Final = (
    *(
        "reported_at",
        "occurred_at",
        "zone",
        "lat",
        "lon",
        "priority",
        "status",
        "call_source",
        "agency",
        "exercise",
    ),
)


def columns_of(mapping: MappingFile) -> dict[str, Column]:
    """Role → the column that plays it: fields, unit statuses, and `id 0`, `type 0` … of those that have several."""
    fields, dispatch = mapping.columns, mapping.dispatch
    found = {f"id {n}": Column((title,), may_be_empty=False) for n, title in enumerate(fields.id)}
    found[KNOWN_FROM] = Column((fields.updated_at or fields.reported_at,), may_be_empty=False)
    found |= {f"type {n}": Column((title,)) for n, title in enumerate(fields.type)}
    titles: dict[str, str] = {name: getattr(fields, name) for name in _FIELDS}
    titles |= {name: getattr(mapping.corrections, name) for name in ("status_at", "cancelled_at")}
    if dispatch.unit:
        titles |= {"unit": dispatch.unit, "unit_type": dispatch.unit_type}
        titles["received_at"] = dispatch.received_at or fields.reported_at
        titles.update((status.value, title) for status, title in dispatch.times().items())
    found |= {role: Column((title,)) for role, title in titles.items() if title}
    if fields.point:
        found["point"] = Column((fields.point,), longest=POINT_LENGTH)
    return found


class Cells:
    """The texts of one row by the roles of their columns."""

    def __init__(self, table: Table, row: Row, texts: dict[str, str], no_value: frozenset[str]) -> None:
        """Take a row.

        Args:
            table: of the row.
            row: as read.
            texts: role → text.
            no_value: keys of texts that stand for nothing.
        """
        self.table = table
        self.row = row
        self._texts = texts
        if no_value:
            self._texts = {role: text for role, text in texts.items() if code_key(text) not in no_value}

    def text(self, role: str) -> str:
        """The text of a role, "" where there is none."""
        return self._texts.get(role, "")


class Words(Generic[W]):
    """Local words of one field → its vocabulary; a word of the vocabulary stands for itself."""

    def __init__(self, words: type[W], local: Mapping[str, W], unmapped: Counter[str]) -> None:
        """Take the words.

        Args:
            words: the vocabulary.
            local: what is mapped to it.
            unmapped: grows by one for every row with a word that means nothing.
        """
        self._words = {code_key(word): word for word in words}
        self._words |= {code_key(code): word for code, word in local.items()}
        self._field = "" if issubclass(words, CrimeType) else f"{words.__name__} "
        self._unmapped = unmapped

    def of(self, *codes: str) -> W | None:
        """The word for the first code that has one; where none has, the first code is counted."""
        for code in codes:
            if (word := self._words.get(code_key(code))) is not None:
                return word
        if codes and codes[0]:
            self._unmapped[f"{self._field}{codes[0]}"] += 1
        return None
