"""A batch of cells in parts: everything is folded once, in order, and the commit position has no hole."""

import pytest
from aiokafka import TopicPartition

from schemas.events import Entry
from streams.agents import parts_of
from streams.ownership import Batch
from streams.recovery import Pace


def batch(start: int, offsets: list[int], end: int) -> Batch:
    records = [Entry(offset, 0, None, b"") for offset in offsets]
    return Batch(TopicPartition("cells", 0), 1, records, start, end)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "whole, expected",
    [
        pytest.param(batch(5, [5, 6, 7], 8), [(5, [5], 6), (6, [6], 7), (7, [7], 8)], id="plain"),
        pytest.param(batch(5, [6, 9], 12), [(5, [6], 7), (7, [9], 12)], id="holes"),
        pytest.param(batch(5, [], 9), [(5, [], 9)], id="nothing but a hole"),
    ],
)
def test_parts_cover_a_batch_without_a_gap(whole: Batch, expected: list[tuple[int, list[int], int]]) -> None:
    parts = [(part.start, [r.offset for r in part.records], part.end) for part in parts_of(whole, Pace(1))]
    assert parts == expected


def test_last_part_may_be_smaller() -> None:
    pace = Pace(2)
    pace.took(0.0)
    parts = list(parts_of(batch(0, [0, 1, 2], 3), pace))
    assert [len(part.records) for part in parts] == [2, 1]
    assert [part.generation for part in parts] == [1, 1]


def test_parts_grow_while_they_take_little_and_shrink_when_they_hold_the_loop() -> None:
    pace, sizes = Pace(1000), []
    for part, seconds in zip(
        parts_of(batch(0, list(range(12)), 12), pace), [0.0, 0.0, 0.03, 0.01], strict=False
    ):
        sizes.append(len(part.records))
        pace.took(seconds)
    assert sizes == [1, 2, 4, 2]
