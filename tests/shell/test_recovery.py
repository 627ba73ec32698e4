"""Taking over, without a broker: what is read, what is heard, and what is said when it cannot be read."""

import asyncio
import json
import logging
from collections.abc import Sequence
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import CorruptRecordException

from schemas.events import LogRecord
from streams.core.fold import Step, TakeOver
from streams.recovery import Commit, Pace, Progress, Recovery, TakeOverFailed, plan, whole_log
from tests.shell.fakes import FakeLog, FakePublisher, entries
from tests.shell.toy import ToyFold

TP = TopicPartition("in", 0)


def opening(start: int = 0, silent_until: int = 0) -> TakeOver:
    return TakeOver(ToyFold(TP, start, "out"), start, silent_until)


def recovery(log: FakeLog, **options: Any) -> tuple[Recovery, FakePublisher]:
    publisher = FakePublisher()
    return Recovery({}, publisher, new_consumer=log, stall_s=0.05, **options), publisher


#                   log_start     committed        log_end
#   ─────────────────┼─────────────┼────────────────┼──
#        start ──────┘ (clipped)   └ until
@pytest.mark.parametrize(
    "start,silent_until,committed,log_start,log_end,expected",
    [
        pytest.param(0, 70, 70, 0, 100, (0, 70, 0), id="whole log below the commit"),
        pytest.param(40, 70, 70, 0, 100, (40, 70, 0), id="from where the metadata said"),
        pytest.param(40, 70, 70, 50, 100, (50, 70, 0), id="start gone: from what is left"),
        pytest.param(40, 70, 70, 80, 100, (80, 80, 10), id="commit gone: ten lost"),
        pytest.param(0, 0, None, 0, 100, (0, 0, 0), id="no commit: nothing to read before going on"),
        pytest.param(0, 30, None, 30, 100, (30, 30, 0), id="no commit, log not from 0"),
        pytest.param(0, 0, 70, 0, 100, (0, 70, 0), id="new counting version reads aloud up to the commit"),
        pytest.param(0, 90, 70, 0, 100, (0, 90, 0), id="snapshot ahead of the commit"),
        pytest.param(0, 500, 70, 0, 100, (0, 100, 0), id="never past the end"),
        pytest.param(95, 70, 70, 0, 100, (70, 70, 0), id="start above the commit reads nothing"),
        pytest.param(0, 0, 0, 0, 0, (0, 0, 0), id="empty"),
        pytest.param(5, 9, 9, 9, 9, (9, 9, 0), id="emptied"),
    ],
)
def test_plan(
    *,
    start: int,
    silent_until: int,
    committed: int | None,
    log_start: int,
    log_end: int,
    expected: tuple[int, ...],
) -> None:
    assert plan(opening(start, silent_until), committed, log_start, log_end) == expected


async def test_below_the_commit_is_folded_and_not_sent() -> None:
    log = FakeLog(entries(range(5_000)))
    taker, publisher = recovery(log)
    progress = Progress()
    fold, at = await taker.take_over(
        TP, Commit(4_321, "m"), lambda tp, c, m, s, e: whole_log(ToyFold(tp, s, "out"), c, s), progress
    )
    assert at == 4_321
    assert isinstance(fold, ToyFold)
    assert (fold.position, fold.counts) == (4_321, {"k": 4_321})
    assert publisher.sent == []
    assert (progress.position, progress.until, progress.records) == (4_321, 4_321, 4_321)
    assert progress.took_s is not None
    assert log.stopped


async def test_fold_is_opened_with_what_was_committed_and_may_take_its_time() -> None:
    asked: list[Any] = []

    async def open_fold(*what: Any) -> TakeOver:
        await asyncio.sleep(0)
        asked.append(what)
        return opening(3, 8)

    taker, _ = recovery(FakeLog(entries(range(2, 10)), start=2))
    await taker.take_over(TP, Commit(8, "m"), open_fold, Progress())
    await taker.take_over(TP, None, open_fold, Progress())
    assert asked == [(TP, 8, "m", 2, 10), (TP, None, "", 2, 10)]


async def test_outputs_from_silent_until_on_are_sent_while_reading() -> None:
    taker, publisher = recovery(FakeLog(entries(range(10)), fetch=4), chunk=4)
    _, at = await taker.take_over(TP, Commit(9, "m"), lambda *_: opening(0, silent_until=3), Progress())
    assert at == 9
    uptos = [json.loads(outgoing.value or b"")["upto"] for outgoing in publisher.sent]
    assert uptos == [7, 9], "1, 2 and 4 records: the first three silently, then aloud"


async def test_hole_at_the_end_of_what_is_committed_is_no_hang() -> None:
    taker, _ = recovery(FakeLog(entries([0, 1, 5]), end=20))
    fold, at = await taker.take_over(TP, Commit(20, ""), lambda *_: opening(0, 20), Progress())
    assert at == 20
    assert fold.position == 6


@pytest.mark.parametrize("commit", [None, Commit(0, "")])
async def test_empty_log(commit: Commit | None) -> None:
    taker, _ = recovery(FakeLog([]))
    assert (await taker.take_over(TP, commit, lambda *_: opening(), Progress()))[1] == 0


async def test_read_that_stands_still_fails_by_name() -> None:
    log = FakeLog(entries(range(10)), fetch=4)
    log.stands_still_at = 4
    taker, _ = recovery(log)
    with pytest.raises(
        TakeOverFailed, match=r"reading in\[0\] stands still at offset 7 of 10 for 0.05 s; .*restore"
    ):
        await taker.take_over(TP, Commit(10, ""), lambda *_: opening(0, 10), Progress())
    assert log.stopped


async def test_commit_beyond_the_end_fails_by_name() -> None:
    taker, _ = recovery(FakeLog(entries(range(10))))
    with pytest.raises(
        TakeOverFailed, match=r"committed offset 11 lies beyond the end 10 of in\[0\].*reset the group"
    ):
        await taker.take_over(TP, Commit(11, ""), lambda *_: opening(), Progress())


async def test_what_kafka_says_against_it_fails_by_name() -> None:
    log = FakeLog(entries(range(10)))
    log.error = CorruptRecordException("Invalid CRC")
    taker, _ = recovery(log)
    with pytest.raises(TakeOverFailed, match=r"log of in\[0\] cannot be read: CorruptRecord.*Invalid CRC"):
        await taker.take_over(TP, Commit(10, ""), lambda *_: opening(0, 10), Progress())
    assert log.stopped


async def test_what_was_read_is_said_and_nothing_where_nothing_was(caplog: pytest.LogCaptureFixture) -> None:
    recover, _ = recovery(FakeLog(entries(range(5))))
    with caplog.at_level(logging.INFO):
        await recover.take_over(TP, Commit(5, ""), lambda *_: opening(), Progress())
        await recover.take_over(TP, Commit(5, ""), lambda *_: opening(5), Progress())
    (said,) = caplog.records
    assert said.getMessage().startswith("took over in[0]: 5 records in 0.")


async def test_what_is_missing_is_said_loudly(caplog: pytest.LogCaptureFixture) -> None:
    taker, _ = recovery(FakeLog(entries(range(50, 60)), start=50))
    progress = Progress()
    with caplog.at_level(logging.WARNING):
        await taker.take_over(TP, Commit(40, ""), lambda *_: opening(20, 40), progress)
        await taker.take_over(TP, None, lambda *_: opening(50, 50), Progress())
    assert [record.getMessage().split(";")[0] for record in caplog.records] == [
        "in[0]: offsets 40 to 49 were deleted before they were processed",
        "in[0]: the log starts at 50, the state at 20: what lay between is gone, and nothing is told of a city "
        "until its windows are whole again (see kept_back)",
        "in[0]: the group has no commit",
    ]
    assert progress.lost == 10


class SlowFold(ToyFold):
    """Notes how often the event loop went on between its steps."""

    def __init__(self) -> None:
        super().__init__(TP, 0, "out")
        self.beats = 0
        self.seen: list[int] = []

    def step(self, records: Sequence[LogRecord]) -> Step:
        self.seen.append(self.beats)
        return super().step(records)


async def test_event_loop_goes_on_between_chunks() -> None:
    fold = SlowFold()

    async def beat() -> None:
        while True:
            await asyncio.sleep(0)
            fold.beats += 1

    beating = asyncio.ensure_future(beat())
    taker, _ = recovery(FakeLog(entries(range(1_000))), chunk=100)
    await taker.take_over(TP, Commit(1_000, ""), lambda *_: TakeOver(fold, 0, 1_000), Progress())
    beating.cancel()
    assert len(fold.seen) == len(set(fold.seen)) >= 10, "it went on between any two"


@pytest.mark.parametrize(
    "took_s,records",
    [
        pytest.param([0.0] * 20, 2_000, id="fast records: as many as allowed"),
        pytest.param([1.0] * 5, 1, id="slow ones: one by one"),
        pytest.param([0.0] * 10 + [0.1, 0.05, 0.01], 256, id="slower ones: fewer"),
        pytest.param([0.0] * 10 + [1.0] * 20 + [0.0], 2, id="and more again when they are fast"),
    ],
)
def test_pace_holds_the_event_loop_no_longer_than_it_may(took_s: list[float], records: int) -> None:
    pace = Pace(2_000)
    for seconds in took_s:
        pace.took(seconds)
    assert pace.records == records


async def test_a_fold_that_cannot_be_opened_in_time_fails_by_name() -> None:
    taker, _ = recovery(FakeLog(entries(range(5))))

    async def never(*_: object) -> TakeOver:
        await asyncio.Event().wait()
        raise AssertionError

    with pytest.raises(TakeOverFailed) as caught:
        await taker.take_over(TP, Commit(5, ""), never, Progress())
    assert str(caught.value) == (
        "what in[0] remembers beside its log was not read in 0.05 s; see the brokers' logs: every partition of "
        "watch-state needs a leader"
    )
