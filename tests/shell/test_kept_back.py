"""Which cities are kept back is logged once, with the windows that are short and until when; and when it is over."""

import logging

import pytest

from streams.core.withheld import Short
from streams.kept_back import KeptBack

DAY_MS = 86_400_000
START = 1_772_323_200_000
SHORT = Short("sf", "incidents", START, {"15m": START + 900_000, "24h": START + DAY_MS})


def test_short_windows_are_said_once_with_the_tick_at_which_each_is_whole(
    caplog: pytest.LogCaptureFixture,
) -> None:
    kept_back = KeptBack()
    with caplog.at_level(logging.INFO):
        for _ in range(3):
            kept_back.note([SHORT], ["sf"])
    (said,) = caplog.records
    assert said.levelno == logging.ERROR
    assert said.getMessage() == (
        "sf: nothing is told by topic incidents before 2026-03-02T00:00:00.000Z: a log was cut, and what counts before "
        "2026-03-01T00:00:00.000Z may be missing; windows are whole again: 15m at 2026-03-01T00:15:00.000Z, "
        "24h at 2026-03-02T00:00:00.000Z; raise counting.version to have the whole log counted again, which may end "
        "it sooner"
    )


def test_the_end_is_said_of_the_cities_of_the_same_partition(caplog: pytest.LogCaptureFixture) -> None:
    kept_back = KeptBack()
    kept_back.note([SHORT], ["sf"])
    with caplog.at_level(logging.INFO):
        kept_back.note([], ["springfield"])
        kept_back.note([], ["sf", "springfield"])
    assert [record.getMessage() for record in caplog.records if record.levelno == logging.INFO] == [
        "sf: all windows are whole again by topic incidents, and told from 2026-03-02T00:00:00.000Z on"
    ]
