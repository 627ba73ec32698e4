"""What alerts say in words."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from streams.core.alerts import begin, end
from streams.core.episodes import DAY_MS, DEFAULT_POLICY, HOUR_MS, AlertReason, Episode
from streams.core.explanation import (
    Moment,
    Wording,
    count_words,
    explain,
    moments_in,
    rarity_words,
    window_name,
    zones_words,
)
from streams.core.scores import Score

NOON = int(datetime(2026, 11, 23, 12, 0, tzinfo=UTC).timestamp() * 1000)
SCORE = Score("surge", ("B04",), "burglary", 120, 9, 1.2, 12.0, 1.4)


def episode_of(score: Score) -> Episode:
    return begin("sf", [score], NOON, DEFAULT_POLICY)


def said(score: Score, *incident_ids: str, reason: AlertReason = AlertReason.EXCEEDED) -> str:
    return explain(episode_of(score), reason, incident_ids)


def test_everything_that_decided_is_said() -> None:
    score = SCORE._replace(since_pane=NOON // 60_000 - 50, compared_with="the same hours of the last 8 weeks")
    assert said(score, "c", "b", "a") == (
        "9 burglary incidents in zone B04 in the 2h to 12:00 UTC on 23 Nov 2026, where 1.2 are usual "
        "(7.5 times as many), compared with the same hours of the last 8 weeks; so many come up in the city about "
        "once in 12 days. It began at 11:10; newest incidents: c, b, a and 6 more."
    )


@pytest.mark.parametrize(
    "expected, words",
    [
        pytest.param(0.0, "where fewer than 0.1 are usual; so many", id="nothing"),
        pytest.param(0.04, "where fewer than 0.1 are usual; so many", id="next to nothing"),
        pytest.param(0.06, "where 0.1 are usual; so many", id="too little for a ratio"),
        pytest.param(0.5, "where 0.5 are usual (18.0 times as many); so many", id="half"),
        pytest.param(9.96, "where 10 are usual (0.9 times as many); so many", id="rounded to ten"),
        pytest.param(23.4, "where 23 are usual (0.4 times as many); so many", id="many"),
    ],
)
def test_what_is_usual(expected: float, words: str) -> None:
    assert words in said(SCORE._replace(expected=expected))


def test_rarity_is_left_out_where_there_is_none_or_it_is_over() -> None:
    assert "come up" not in said(SCORE._replace(once_in_days=None))
    cooled = replace(episode_of(SCORE), reading=SCORE._replace(level=0.4))
    assert "come up" not in explain(cooled, AlertReason.ANSWERED, ())


@pytest.mark.parametrize(
    "days, words",
    [
        pytest.param(0.0, "about 1000 times a day", id="no rarity at all"),
        pytest.param(0.25, "about 4 times a day", id="a quarter of a day"),
        pytest.param(0.8, "about once a day", id="nearly a day"),
        pytest.param(1.4, "about once a day", id="a day and a bit"),
        pytest.param(1.6, "about once in 2 days", id="two days"),
        pytest.param(40.2, "about once in 40 days", id="weeks"),
        pytest.param(729.0, "about once in 729 days", id="less than two years"),
        pytest.param(1100.0, "about once in 3 years", id="years"),
        pytest.param(3650.0, "less than once in 10 years", id="rarer than can be known"),
    ],
)
def test_how_rare(days: float, words: str) -> None:
    assert rarity_words(days) == words


@pytest.mark.parametrize(
    "span_ms, name",
    [
        pytest.param(15 * 60_000, "15m", id="minutes"),
        pytest.param(90 * 60_000, "90m", id="no whole hours"),
        pytest.param(HOUR_MS, "1h", id="an hour"),
        pytest.param(DAY_MS, "24h", id="a day is said in hours"),
        pytest.param(7 * DAY_MS, "7d", id="a week"),
        pytest.param(90_000, "90s", id="seconds"),
        pytest.param(1_500, "1500ms", id="milliseconds"),
    ],
)
def test_windows_are_named_as_on_the_topics(span_ms: int, name: str) -> None:
    assert window_name(span_ms) == name


@pytest.mark.parametrize(
    "zones, words",
    [
        pytest.param(("*",), "the whole city", id="city"),
        pytest.param(("unknown",), "no known zone", id="unknown"),
        pytest.param(("B04",), "zone B04", id="one"),
        pytest.param(("B04", "B05"), "zones B04 and B05", id="two"),
        pytest.param(("B04", "B05", "B06"), "zones B04, B05 and B06", id="three"),
    ],
)
def test_where(zones: tuple[str, ...], words: str) -> None:
    assert zones_words(zones) == words


def test_one_is_not_many() -> None:
    assert count_words(1, "motor_vehicle_theft") == "1 motor vehicle theft incident"
    assert count_words(0, "*") == "0 incidents of all types"


def test_a_rule_says_its_text() -> None:
    rule = SCORE._replace(detector="rule:nights", expected=None, once_in_days=None)
    assert said(rule._replace(compared_with="at least 3")).startswith(
        "9 burglary incidents in zone B04 in the 2h to 12:00 UTC on 23 Nov 2026; rule nights: at least 3. It began"
    )
    assert "; rule nights. It began" in said(rule)


def test_no_more_incidents_are_said_than_there_are() -> None:
    assert said(SCORE._replace(observed=3), "c", "b", "a").endswith("newest incidents: c, b, a.")
    assert said(SCORE._replace(observed=9), *"abcdefgh").endswith(
        "newest incidents: a, b, c, d, e and 4 more."
    )


def test_times_are_local_and_the_day_is_said_where_it_is_another() -> None:
    chicago = Wording(when=moments_in(ZoneInfo("America/Chicago")))
    score = SCORE._replace(since_pane=NOON // 60_000 - 8 * 60)
    words = explain(episode_of(score), AlertReason.EXCEEDED, (), chicago)
    assert "to 06:00 CST on 23 Nov 2026" in words
    assert "It began at 22:00 on 22 Nov 2026." in words


def test_a_change_of_the_clocks_between_two_times_is_said() -> None:
    chicago = Wording(when=moments_in(ZoneInfo("America/Chicago")))
    after = int(datetime(2026, 11, 1, 7, 30, tzinfo=UTC).timestamp() * 1000)  # 01:30 CST, for the second time
    score = SCORE._replace(since_pane=after // 60_000 - 60)
    episode = begin("sf", [score], after, DEFAULT_POLICY)
    words = explain(episode, AlertReason.EXCEEDED, (), chicago)
    assert "to 01:30 CST on 1 Nov 2026" in words
    assert "It began at 01:30 CDT." in words


def test_an_instant_beyond_the_calendar_is_a_number() -> None:
    assert moments_in(UTC)(10**18) == Moment(f"{10**18} ms", "UTC", "no day")


@pytest.mark.parametrize(
    "reason, words",
    [
        pytest.param(AlertReason.SUBSIDED, "Over at 12:30.", id="subsided"),
        pytest.param(
            AlertReason.EXPIRED,
            "Ended at 12:30 for want of news, though it has not sunk: it is no longer emerging.",
            id="expired",
        ),
        pytest.param(
            AlertReason.UNCONFIRMED,
            "Withdrawn at 12:30: the closed minute does not bear it out.",
            id="unconfirmed",
        ),
        pytest.param(AlertReason.MERGED, "Goes on as alert 00ff, which it has met.", id="merged"),
    ],
)
def test_how_it_ended(reason: AlertReason, words: str) -> None:
    ended = end(episode_of(SCORE), reason, NOON + HOUR_MS // 2, "00ff")
    text = explain(ended, reason, ("a", "b"))
    assert text.endswith(f". {words}")
    assert "began" not in text


@pytest.mark.parametrize(
    "peak, words",
    [
        pytest.param({"observed": 13}, "; most out of the ordinary with 13 in 2h at 11:40.", id="more"),
        pytest.param(
            {"observed": 7, "window_panes": 60},
            "; most out of the ordinary with 7 in 1h at 11:40.",
            id="fewer, in a shorter window",
        ),
        pytest.param(
            {"zones": ("B05", "B06")},
            "; most out of the ordinary with 9 in 2h in zones B05 and B06 at 11:40.",
            id="elsewhere",
        ),
        pytest.param({}, ".", id="as many in the same window and zones"),
    ],
)
@pytest.mark.parametrize(
    "reason, over",
    [(AlertReason.SUBSIDED, "Over at 12:30"), (AlertReason.EXPIRED, "it is no longer emerging")],
)
def test_when_it_was_highest_is_said_of_an_end_where_it_was_something_else(
    peak: dict[str, Any], words: str, reason: AlertReason, over: str
) -> None:
    ended = end(episode_of(SCORE._replace(level=0.4)), reason, NOON + HOUR_MS // 2)
    highest = SCORE._replace(level=1.7, **peak)
    text = explain(replace(ended, peak=highest, peak_at=NOON - HOUR_MS // 3), reason, ())
    assert text.endswith(f"{over}{words}")
    assert "at most" not in text


def test_notes_are_one_sentence() -> None:
    episode = replace(
        episode_of(SCORE._replace(learning=True)), zones=(("B04", None), ("B05", None)), provisional=True
    )
    text = explain(episode, AlertReason.RETURNED, ())
    assert text.endswith(
        ". Also out of the ordinary: zone B05; it had ended and is back; provisional: the minute is not over; the next "
        "revision confirms or withdraws this; still learning what is usual here, so this is less certain."
    )


SILENT = Score(
    "drop",
    ("B04",),
    "*",
    609,
    0,
    15.2,
    41.8,
    1.05,
    False,
    NOON // 60_000 - 609,
    "what the same hours of the week bring",
)


def test_a_silence_is_told_as_one() -> None:
    assert said(SILENT, "a", "b") == (
        "Nothing from zone B04 between 01:51 and 12:00 UTC on 23 Nov 2026, where 15 incidents are usual, compared "
        "with what the same hours of the week bring; such a silence comes up in the city about once in 42 days."
    )


def test_a_silence_of_the_city_without_a_rarity() -> None:
    assert said(SILENT._replace(zones=("*",), once_in_days=None)).startswith(
        "Nothing from the whole city between"
    )


def test_a_silence_ends_when_something_is_heard() -> None:
    over = end(episode_of(SILENT), AlertReason.SUBSIDED, NOON + 5 * 60_000)
    assert explain(over, AlertReason.SUBSIDED, ()).endswith("Heard again at 12:05.")
