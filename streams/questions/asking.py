"""A question as it is asked: its definition, and one request with all that was read of it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from schemas.instants import rfc3339
from streams.questions.paging import LONGEST_CURSOR, Cursor, Key, page, write_cursor
from streams.questions.parameters import Name, Parameter, ParameterFault, Unfit, Whole
from streams.questions.views import Cities, City, Ticks

T = TypeVar("T")
MOST_ITEMS: Final = 1000
USUAL_ITEMS: Final = 100

LIMIT: Final = Parameter(
    "limit", Whole(1, MOST_ITEMS), "How many items a page has at most.", default=USUAL_ITEMS
)
CURSOR: Final = Parameter(
    "cursor",
    Name(LONGEST_CURSOR),
    "Where the page before ended: its `next`, with the other parameters as they were (only `limit` may differ).",
)
JURISDICTION: Final = Parameter(
    "jurisdiction", Name(), "One that this worker watches; /v1/jurisdictions names them.", required=True
)


@dataclass(frozen=True)
class Question:
    """One question that can be asked with GET.

    Args:
        path: where.
        says: what is answered, in one sentence.
        parameters: all that it takes.
        key: types of the parts of what its items are sorted by.
        returns: the dataclass of the answer.
        answer: the answer to a request, or what is wrong with it.
    """

    path: str
    says: str
    parameters: Sequence[Parameter]
    key: Sequence[type]
    returns: type
    answer: Callable[["Asked"], Any]


@dataclass(frozen=True)
class Asked:
    """One request, read and found to be in order."""

    values: Mapping[str, Any]
    cities: Cities
    digest: str
    cursor: Cursor | None = None
    named: City | None = None
    here: tuple[str, ...] = field(default=())

    @property
    def city(self) -> City:
        """The jurisdiction that was asked about."""
        assert self.named is not None
        return self.named

    def page(
        self, items: Iterable[T], key: Callable[[T], Key], at: int | None
    ) -> tuple[tuple[T, ...], str | None]:
        """The items of this page, and the cursor of the next one."""
        after = self.cursor.after if self.cursor else None
        found, last = page(items, key, after, self.values["limit"])
        return tuple(found), None if last is None else write_cursor(Cursor(at, last), self.digest)

    def tick(self, ticks: Ticks) -> int | Unfit:
        """The tick asked about: that of the pages before, the one said, or the last; `Unfit` when it has passed."""
        said = self.values["at"] if self.cursor is None else self.cursor.at
        if said is None:
            return ticks.last
        if ticks.oldest <= said < ticks.last + self.city.pane_ms:
            return said // self.city.pane_ms * self.city.pane_ms
        return Unfit(
            f"must lie between {rfc3339(ticks.oldest)} and {rfc3339(ticks.last)}, the ticks that are kept"
        )

    def fault(self, unfit: Unfit) -> ParameterFault:
        """What is wrong with the tick."""
        if self.cursor is not None:
            return ParameterFault("cursor", "is of a tick that is not kept any more; ask again without it")
        return ParameterFault("at", unfit.problem)
