from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.vocabulary import RejectReason
from streams.sources import local_time
from streams.sources.local_time import EPOCH_MS, EPOCH_S, ISO, US, YEAR_FIRST, LocalTimes, NoTime

WRONG, RANGE = RejectReason.WRONG_TYPE, RejectReason.TIME_OUT_OF_RANGE


def why(times: LocalTimes, text: str) -> RejectReason:
    found = times.parse(text)
    assert isinstance(found, NoTime)
    return found.reason


CHICAGO = "America/Chicago"
LORD_HOWE = "Australia/Lord_Howe"  # its clock changes by half an hour


def ms(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


@pytest.mark.parametrize(
    "text",
    [
        "2018-01-31T23:05:07",
        "2018-01-31T23:05:07.000",
        "2018-01-31 23:05:07",
        "01/31/2018 11:05:07 PM",
        "1/31/2018 11:05:07 pm",
        "01/31/2018 23:05:07",
        "2018/01/31 11:05:07 PM",
        " 2018/01/31 11:05:07PM ",
    ],
)
def test_portals_write_one_time_in_many_ways(text: str) -> None:
    assert LocalTimes(CHICAGO).parse(text) == ms("2018-01-31T23:05:07-06:00")


@pytest.mark.parametrize(
    "text",
    ["2018-01-31T23:05:07Z", "2018-01-31T18:05:07-0500", "2018-02-01T01:05:07.000 +02:00"],
)
def test_a_time_that_says_its_offset_is_not_read_as_local(text: str) -> None:
    assert LocalTimes(CHICAGO).parse(text) == ms("2018-01-31T23:05:07+00:00")


def test_noon_and_midnight_of_a_twelve_hour_clock() -> None:
    times = LocalTimes("UTC")
    assert times.parse("01/31/2018 12:00:00 AM") == ms("2018-01-31T00:00:00+00:00")
    assert times.parse("01/31/2018 12:30:00 PM") == ms("2018-01-31T12:30:00+00:00")


def test_a_date_alone_is_its_midnight() -> None:
    assert LocalTimes(CHICAGO).parse("2018-01-31") == ms("2018-01-31T00:00:00-06:00")


def test_milliseconds_are_kept_and_finer_digits_cut() -> None:
    times = LocalTimes("UTC")
    assert times.parse("2018-01-31T00:00:00.1239") == ms("2018-01-31T00:00:00+00:00") + 123
    assert times.parse("2018-01-31T00:00:01.5") == ms("2018-01-31T00:00:01+00:00") + 500


#  00:59 CDT   01:00 CDT   01:59 CDT   01:00 CST   01:59 CST
#  ------------|-----------------------|---------------------
#              ^ "01:30" is here       and here: the first holds
def test_an_ambiguous_time_in_autumn_is_the_first() -> None:
    times = LocalTimes(CHICAGO)
    assert times.parse("2018-11-04T01:30:00") == ms("2018-11-04T01:30:00-05:00")
    assert (times.ambiguous, times.nonexistent) == (1, 0)


#  01:59 CST   03:00 CDT
#  -----------|----------
#          "02:30" is 03:30 CDT
def test_a_time_that_does_not_exist_in_spring_is_moved_forward_by_the_gap() -> None:
    times = LocalTimes(CHICAGO)
    assert times.parse("2018-03-11T02:30:00") == ms("2018-03-11T03:30:00-05:00")
    assert (times.ambiguous, times.nonexistent) == (0, 1)


def test_the_gap_is_as_wide_as_the_zone_makes_it() -> None:
    times = LocalTimes(LORD_HOWE)
    assert times.parse("2018-10-07T02:10:00") == ms("2018-10-07T02:40:00+11:00")
    assert times.nonexistent == 1


def test_each_reading_of_such_a_time_is_counted() -> None:
    times = LocalTimes(CHICAGO)
    for _ in range(3):
        times.parse("2018-11-04T01:30:00")
    times.parse("2018-03-11T02:00:00")
    assert (times.ambiguous, times.nonexistent) == (3, 1)


def test_the_hours_around_a_change_of_the_clock_are_not_counted() -> None:
    times = LocalTimes(CHICAGO)
    for clock in ("00:59:59", "02:00:00"):
        times.parse(f"2018-11-04T{clock}")
    for clock in ("01:59:59", "03:00:00"):
        times.parse(f"2018-03-11T{clock}")
    assert (times.ambiguous, times.nonexistent) == (0, 0)


@pytest.mark.parametrize(
    "text",
    [
        "soon",
        " ",
        "2018-02-30T00:00:00",
        "2018-01-31T24:00:00",
        "2018-01-31T23:60:00",
        "2018-01-31T23:00:60",
        "01/31/2018 13:00:00 PM",
        "01/31/2018 0:30:00 AM",
        "31/01/2018 10:00:00",
        "2018-01-31T10:00:00 X",
        "2018-01-31T10:00:00+99:99",
        "\u0662\u0660\u0661\u0668-01-31T10:00:00",
    ],
)
def test_what_is_no_time_is_said_to_be_none(text: str) -> None:
    assert why(LocalTimes(CHICAGO), text) is RejectReason.WRONG_TYPE


@pytest.mark.parametrize(
    "text", ["1969-12-31T00:00:00", "2100-01-01T00:00:00", "0001-01-01T00:00:00", "9999-12-31T23:59:59"]
)
def test_a_time_outside_1970_to_2100_is_out_of_range(text: str) -> None:
    assert why(LocalTimes("UTC"), text) is RejectReason.TIME_OUT_OF_RANGE


def test_an_empty_text_is_missing() -> None:
    assert LocalTimes(CHICAGO).parse("") == (RejectReason.MISSING_FIELD, "must be a time")


def test_what_a_time_must_be_follows_from_the_formats() -> None:
    found = LocalTimes("UTC", [ISO, EPOCH_S, "%d.%m.%Y"]).parse("x")
    assert found == (
        RejectReason.WRONG_TYPE,
        "must be a time such as 2018-12-31T23:57:56 or 1546300676 or %d.%m.%Y",
    )


def test_a_bad_clock_after_a_known_date_is_still_no_time() -> None:
    times = LocalTimes(CHICAGO)
    assert isinstance(times.parse("2018-01-31T10:00:00"), int)
    assert why(times, "2018-01-31T10:61:00") is RejectReason.WRONG_TYPE


@pytest.mark.parametrize(
    "form, text, at",
    [
        (EPOCH_MS, "1517443507123", 1517443507123),
        (EPOCH_MS, "1517443507123.0", 1517443507123),
        (EPOCH_S, "1517443507", 1517443507000),
        (EPOCH_S, "1517443507.25", 1517443507250),
        (EPOCH_MS, "999999999999999", RejectReason.TIME_OUT_OF_RANGE),
        (EPOCH_S, "999999999999999", RejectReason.TIME_OUT_OF_RANGE),
        (EPOCH_S, "-1", RejectReason.WRONG_TYPE),
        (EPOCH_S, "1e9", RejectReason.WRONG_TYPE),
    ],
)
def test_epoch_times(form: str, text: str, at: int | RejectReason) -> None:
    found = LocalTimes(CHICAGO, [form]).parse(text)
    assert (found.reason if isinstance(found, NoTime) else found) == at


def test_a_pattern_of_strptime_reads_other_formats() -> None:
    times = LocalTimes("Europe/Berlin", ["%d.%m.%Y %H:%M"])
    assert times.parse("05.04.2018 17:30") == ms("2018-04-05T17:30:00+02:00")
    assert why(times, "2018-04-05T17:30:00") is RejectReason.WRONG_TYPE


def test_day_and_month_are_told_apart_by_the_format_that_was_named() -> None:
    times = LocalTimes("UTC", ["%d/%m/%Y %H:%M"])
    assert times.parse("05/04/2018 17:30") == ms("2018-04-05T17:30:00+00:00")
    assert times.parse("05/04/2018 17:31") == ms("2018-04-05T17:31:00+00:00")


def test_the_first_format_that_fits_holds() -> None:
    times = LocalTimes("UTC", ["%d/%m/%Y %H:%M", US])
    assert times.parse("05/04/2018 17:30") == ms("2018-04-05T17:30:00+00:00")
    assert times.parse("05/14/2018 17:30") == ms("2018-05-14T17:30:00+00:00")


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_time, "_MEMORY", 1)
    times = LocalTimes("UTC")
    texts = [f"2018-01-{day:02d}T{day:02d}:00:00" for day in (1, 1, 2, 3)]
    texts += ["2018-01-01T05:00:00", "2018-01-01T06:00:00", "soon", "later"]
    assert [times.parse(text) for text in texts] == [LocalTimes("UTC").parse(text) for text in texts]


def test_an_unknown_time_zone_is_refused() -> None:
    with pytest.raises(ZoneInfoNotFoundError, match="Nowhere"):
        LocalTimes("Nowhere/City")


@given(
    st.lists(
        st.integers(86_400, 2**31).map(lambda s: datetime.fromtimestamp(s, UTC).replace(tzinfo=None)),
        min_size=1,
    ),
    st.sampled_from([CHICAGO, LORD_HOWE, "Europe/London", "UTC", "Africa/Casablanca"]),
    st.sampled_from(
        [(ISO, "%Y-%m-%dT%H:%M:%S"), (US, "%m/%d/%Y %I:%M:%S %p"), (YEAR_FIRST, "%Y/%m/%d %H:%M:%S")]
    ),
)
def test_reading_many_times_is_reading_each_by_itself(
    naive: list[datetime], zone: str, form: tuple[str, str]
) -> None:
    times = LocalTimes(zone)
    tz = ZoneInfo(zone)
    for time in naive:
        aware = time.replace(tzinfo=tz)
        assert times.parse(time.strftime(form[1])) == (aware - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(
            milliseconds=1
        )
