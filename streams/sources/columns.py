"""Which columns a source wants, and where a file has them.

Columns are found by their titles, in any order; `Received DtTm` and `received_dttm` are the same title, for portals
write the first in CSV exports and the second in their APIs. Columns nobody names are ignored.
"""

import json
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Any, Final, NamedTuple

_TITLES_SHOWN: Final = 40


class Column(NamedTuple):
    """A column a source can use."""

    titles: tuple[str, ...]  # as files call it; the first one that a file has is taken
    required: bool = True
    may_be_empty: bool = True  # APIs leave empty fields out of their JSON: there it is not demanded
    longest: int = 256  # characters; longer texts could not travel (see `schemas.codec`)


class MissingColumns(Exception):
    """A file lacks columns that its source needs."""

    def __init__(self, missing: Sequence[Column], there: Sequence[str]) -> None:
        """Say which, and what there is instead."""
        names = list(
            dict.fromkeys(" or ".join(f'"{title}"' for title in column.titles) for column in missing)
        )
        self.problem = f"lacks {len(names)} column{'s' if len(names) > 1 else ''}: {'; '.join(names)}"
        listed = ", ".join(f'"{" ".join(title.split())}"' for title in there[:_TITLES_SHOWN])
        more = f" and {len(there) - _TITLES_SHOWN} more" if len(there) > _TITLES_SHOWN else ""
        self.remedy = f"it has {listed or 'none'}{more}; does --source fit the file?"
        super().__init__(f"{self.problem}; {self.remedy}")


@lru_cache(maxsize=4096)
def title_key(title: str) -> str:
    """What the spellings of one title have in common: `Neighborhood  District` → `neighborhood_district`."""
    return re.sub(r"[\W_]+", "_", title.casefold()).strip("_") or title.strip()


class FieldPicker:
    """Takes the columns out of the fields of a CSV row."""

    def __init__(self, columns: Sequence[Column], header: Sequence[str]) -> None:
        """Find the columns.

        Args:
            columns: what is wanted.
            header: the titles of the file.

        Raises:
            MissingColumns: some that are required are not there.
        """
        at: dict[str, int] = {}
        for place, title in enumerate(header):
            at.setdefault(title_key(title), place)
        found = [next((at[key] for key in _keys(column) if key in at), None) for column in columns]
        missing = [
            column for column, place in zip(columns, found, strict=True) if place is None and column.required
        ]
        if missing:
            raise MissingColumns(missing, header)
        self.titles = [
            column.titles[0] if place is None else header[place]
            for column, place in zip(columns, found, strict=True)
        ]
        nowhere = len(header)
        self._pick = itemgetter(nowhere, *(nowhere if place is None else place for place in found))

    def __call__(self, fields: list[str]) -> Sequence[str]:
        """One text for each column; `fields` are as many as the header's, and get one more."""
        fields.append("")  # what every column says that the file has not
        picked: tuple[str, ...] = self._pick(fields)
        return picked[1:]


class KeyPicker:
    """Takes the columns out of JSON objects; which of them a file has is known after the last one."""

    def __init__(self, columns: Sequence[Column]) -> None:
        """Take what is wanted."""
        self.titles = [column.titles[0] for column in columns]
        self._columns = columns
        self._keys = [_keys(column) for column in columns]
        self._seen: dict[str, str] = {}  # key → as the file writes it

    def __call__(self, content: Mapping[str, Any]) -> Sequence[str]:
        """One text for each column."""
        by_key = {title_key(title): value for title, value in content.items() if value is not None}
        if not by_key.keys() <= self._seen.keys():
            self._seen |= {title_key(title): title for title in content}
        return [_text(next((by_key[key] for key in keys if key in by_key), "")) for keys in self._keys]

    def check(self) -> None:
        """Refuse a file of which no object had a column that is never empty.

        Raises:
            MissingColumns: there are such columns.
        """
        missing = [
            column
            for column, keys in zip(self._columns, self._keys, strict=True)
            if column.required and not column.may_be_empty and not self._seen.keys() & set(keys)
        ]
        if missing:
            raise MissingColumns(missing, list(self._seen.values()))


def _keys(column: Column) -> list[str]:
    return [title_key(title) for title in column.titles]


def _text(value: Any) -> str:
    """A JSON value as a CSV would have it."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
