"""A partition is told how far time has come only where nothing is left to read and nothing came for a while."""

from collections.abc import Mapping

import pytest

from streams.core.heartbeats import Beat, BeatRules, Quiet, beats_due

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
NOW = 1_772_323_200_000
RULES = BeatRules(trail_ms=MINUTE, interval_ms=15 * SECOND, patience_ms=2 * MINUTE, lateness_ms=HOUR)
LONG_QUIET = dict.fromkeys(range(4), HOUR)


def due(heard: Mapping[int, int | None], quiet_ms: Mapping[int, int] = LONG_QUIET) -> list[Beat]:
    return beats_due(heard, quiet_ms, NOW, RULES)


def test_a_live_city_is_kept_a_minute_behind_the_clock() -> None:
    assert due({0: NOW - 5 * MINUTE, 1: NOW - 6 * MINUTE}) == [Beat(0, NOW - MINUTE), Beat(1, NOW - MINUTE)]


def test_partitions_are_brought_to_the_greatest_where_that_is_nearer_to_the_clock() -> None:
    assert due({0: NOW - 10 * SECOND, 1: NOW - 5 * MINUTE}) == [Beat(1, NOW - 10 * SECOND)]


def test_a_partition_that_is_hardly_behind_is_left_alone() -> None:
    assert due({0: NOW - MINUTE - 14 * SECOND, 1: NOW - MINUTE - 14 * SECOND}) == []


@pytest.mark.parametrize(
    "quiet_ms", [{}, {0: HOUR}, {0: HOUR, 1: 14 * SECOND}], ids=["lag", "lag of one", "busy"]
)
def test_a_partition_that_is_not_read_to_its_end_or_not_quiet_is_left_alone(
    quiet_ms: Mapping[int, int],
) -> None:
    assert due({0: NOW, 1: NOW - 5 * MINUTE}, quiet_ms) == []
    assert due({0: NOW, 1: NOW - 5 * MINUTE}, {0: 0, 1: 15 * SECOND}) == [Beat(1, NOW)]


@pytest.mark.parametrize("behind", [NOW - HOUR - 1, None], ids=["more than the lateness", "never heard of"])
def test_a_partition_that_would_lose_what_its_publisher_still_sends_has_to_be_quiet_for_longer(
    behind: int | None,
) -> None:
    assert due({0: NOW, 1: behind}, {1: 2 * MINUTE - 1}) == []
    assert due({0: NOW, 1: behind}, {1: 2 * MINUTE}) == [Beat(1, NOW)]


def test_so_it_is_in_a_city_that_is_not_live_and_its_time_does_not_go_on_by_itself() -> None:
    heard = {0: NOW - HOUR, 1: NOW - HOUR - MINUTE}
    assert due(heard, {0: MINUTE, 1: MINUTE}) == []
    assert due(heard) == [Beat(1, NOW - HOUR)]


def test_a_city_that_is_published_from_its_past_is_left_to_its_publishers() -> None:
    assert due({0: NOW - 24 * HOUR - 1, 1: None}) == []
    assert due({0: NOW - 24 * HOUR, 1: None}) == [Beat(1, NOW - 24 * HOUR)]


def test_a_city_of_which_nothing_was_heard_is_told_nothing() -> None:
    assert due({0: None, 1: None}) == []


def test_a_log_is_quiet_since_its_end_has_stood_still() -> None:
    quiet: Quiet[str] = Quiet()
    assert quiet.heard("p", 7, 7, 1_000) == 0
    assert quiet.heard("p", 7, 7, 5_000) == 4_000
    assert quiet.heard("p", 8, 8, 6_000) == 0


def test_a_log_with_something_to_read_is_not_quiet_and_reading_it_does_not_begin_anew() -> None:
    quiet: Quiet[str] = Quiet()
    assert quiet.heard("p", 7, 6, 1_000) is None
    assert quiet.heard("p", 7, -1, 2_000) is None
    assert quiet.heard("p", 7, 7, 3_000) == 2_000


def test_our_own_heartbeats_do_not_end_the_quiet() -> None:
    quiet: Quiet[str] = Quiet()
    quiet.heard("p", 7, 7, 1_000)
    quiet.told("p")
    assert quiet.heard("p", 8, 8, 9_000) == 8_000
    quiet.told("p")
    assert quiet.heard("p", 10, 10, 10_000) == 0
