"""The usual correction: one thing was said before, and the next is later in every way."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from streams.core.history import insert
from streams.core.incidents import Said, contributions, merge

PANE = 60_000
T0 = 29_900_000
minutes = st.integers(0, 5)


def sayings(known: st.SearchStrategy[int]) -> st.SearchStrategy[Said]:
    """What a message may say, known from tick T0 + `known` on."""

    def said(tick: int, *values: Any) -> Said:
        reported_at, occurred_at, *rest = values
        instants = [None if at is None else (T0 + at) * PANE for at in (reported_at, occurred_at)]
        return (T0 + tick, (T0 + tick) * PANE - 1, *instants, *rest)  # type: ignore[return-value]

    return st.builds(
        said,
        known,
        st.none() | minutes,
        st.none() | minutes,
        st.sampled_from([None, "B04", "B05", "unknown"]),
        st.sampled_from([None, "burglary", "other"]),
        st.sampled_from([None, False, True]),
    )


@given(sayings(st.integers(0, 3)), sayings(st.integers(4, 8)))
def test_correction_is_merged_field_by_field_and_moves_what_it_moves(before: Said, later: Said) -> None:
    after, was, now = merge(before, later, T0, PANE)
    histories = []
    for old, new in zip(before[2:], later[2:], strict=True):
        history: Any = () if old is None else ((*before[:2], old),)
        histories.append(old if new is None else insert(history, (*later[:2], new)))
    said_nothing = later[2:] == (None,) * 5
    assert after == (before if said_nothing else (*before[:2], *histories))
    assert was == contributions(before, later[0], PANE) == {}
    assert now == contributions(after, later[0], PANE)
