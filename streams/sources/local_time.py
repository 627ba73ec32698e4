"""Times as files write them → UTC milliseconds.

A naive time is read in the source's time zone. A time that the clock showed twice (autumn) is the first of the two;
a time that the clock skipped (spring) is moved forward by the gap. Both are counted (PEP 495, fold=0 in both cases):

    01:59:59 PST   03:00:00 PDT            01:59:59 PDT   01:00:00 PST
    -----------|...|------------           -------------|-------------
             02:30 is 03:30 PDT            01:30 is 01:30 PDT
"""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from schemas.instants import EARLIEST_MS, LATEST_MS, epoch_ms
from schemas.vocabulary import RejectReason

ISO: Final = "iso"
"""2018-12-01T00:25:00, with a blank for the T, fractions and an offset or Z where there is one."""
US: Final = "us"
"""12/01/2018 12:25:00 AM: month first, 12 or 24 hours."""
YEAR_FIRST: Final = "year_first"
"""2018/12/01 12:25:00 AM: as DataSF exports it."""
EPOCH_MS: Final = "epoch_ms"
EPOCH_S: Final = "epoch_s"
FORMATS: Final = (ISO, US, YEAR_FIRST, EPOCH_MS, EPOCH_S)
PORTAL_FORMATS: Final = (ISO, US, YEAR_FIRST)
"""What the built-in sources meet: the portals' CSV exports and APIs; no text fits two of them."""

_MEMORY: Final = 200_000  # texts remembered at most, some 30 MB
_DATE_WIDTH: Final = 10  # 2018-12-01, 12/01/2018
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NOON: Final = 12
_MS: Final = timedelta(milliseconds=1)

_DATES: Final = {
    ISO: re.compile(r"(?P<year>\d{4})-(?P<month>\d\d?)-(?P<day>\d\d?)", re.ASCII),
    US: re.compile(r"(?P<month>\d\d?)/(?P<day>\d\d?)/(?P<year>\d{4})", re.ASCII),
    YEAR_FIRST: re.compile(r"(?P<year>\d{4})/(?P<month>\d\d?)/(?P<day>\d\d?)", re.ASCII),
}
_CLOCK: Final = re.compile(
    r"[T ](\d\d?):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(?: ?([AP])M)?", re.ASCII | re.IGNORECASE
)
_OFFSET: Final = re.compile(r"(?P<naive>.*\d) ?(?P<offset>Z|[+-]\d\d:?\d\d)", re.ASCII | re.IGNORECASE)
_NUMBER: Final = re.compile(r"\d{1,15}(\.\d{1,9})?", re.ASCII)


class NoTime(NamedTuple):
    """Why a text is no time."""

    reason: RejectReason
    problem: str  # what it must be


Instant = int | NoTime
"""UTC milliseconds, or why there are none."""

_EXAMPLES: Final = {
    ISO: "2018-12-31T23:57:56",
    US: "12/31/2018 11:57:56 PM",
    YEAR_FIRST: "2018/12/31 11:57:56 PM",
    EPOCH_MS: "1546300676000",
    EPOCH_S: "1546300676",
}
_EMPTY: Final = NoTime(RejectReason.MISSING_FIELD, "must be a time")
_OUT_OF_RANGE: Final = NoTime(RejectReason.TIME_OUT_OF_RANGE, "must lie in 1970 to 2100")


class LocalTimes:
    """Reads times of one time zone; `ambiguous` and `nonexistent` count as it goes."""

    def __init__(self, time_zone: str, formats: Sequence[str] = PORTAL_FORMATS) -> None:
        """Prepare to read.

        Args:
            time_zone: IANA name.
            formats: names of `FORMATS`, or patterns of `datetime.strptime`; the first that fits a text holds.

        Raises:
            zoneinfo.ZoneInfoNotFoundError: there is no such zone.
        """
        self.ambiguous = 0
        self.nonexistent = 0
        self._zone = ZoneInfo(time_zone)
        self._parsers = [_parser(form) for form in formats]
        examples = " or ".join(_EXAMPLES.get(form, form) for form in formats)
        self._no_time = NoTime(RejectReason.WRONG_TYPE, f"must be a time such as {examples}")
        # A text whose date has no change of the clock, in a format of fixed width, is the sum of its two halves.
        self._halves = all(form in _DATES for form in formats)
        self._days: dict[str, int] = {}
        self._clocks: dict[str, int] = {}
        self._instants: dict[str, tuple[Instant, int, int]] = {}

    def parse(self, text: str) -> Instant:
        """The instant of a text, or why it is none: empty, no time in any of the formats, not in 1970 to 2100.

        Cost: two look-ups for the usual text, some 10 µs for the first of its day.
        """
        day = self._days.get(text[:_DATE_WIDTH])
        if day is not None:
            tail = text[_DATE_WIDTH:]
            clock = self._clocks.get(tail)
            if clock is None:
                clock = self._read_clock(tail)
            if clock is not None:
                return day + clock
        known = self._instants.get(text)
        if known is None:
            known = self._read(text)
            if len(self._instants) < _MEMORY:
                self._instants[text] = known
        instant, ambiguous, nonexistent = known
        self.ambiguous += ambiguous
        self.nonexistent += nonexistent
        return instant

    def _read(self, text: str) -> tuple[Instant, int, int]:
        """(instant, 1 if ambiguous, 1 if nonexistent)."""
        found = next((time for parser in self._parsers if (time := parser(text.strip())) is not None), None)
        if found is None:
            return self._no_time if text else _EMPTY, 0, 0
        aware = found if found.tzinfo else found.replace(tzinfo=self._zone)
        instant = epoch_ms(aware)
        if not EARLIEST_MS <= instant < LATEST_MS:
            return _OUT_OF_RANGE, 0, 0
        if found.tzinfo:
            return instant, 0, 0
        first, second = aware.utcoffset(), aware.replace(fold=1).utcoffset()
        if first != second:
            ambiguous = (first or timedelta()) > (second or timedelta())
            return instant, int(ambiguous), int(not ambiguous)
        self._remember(text, found, instant)
        return instant, 0, 0

    def _remember(self, text: str, found: datetime, instant: int) -> None:
        """Keep what midnight of a date is, where any clock time may follow it in the text."""
        head = text[:_DATE_WIDTH]
        if (
            self._halves
            and any(pattern.fullmatch(head) for pattern in _DATES.values())
            and _is_even_day(found.date(), self._zone)
        ):
            clock = timedelta(hours=found.hour, minutes=found.minute, seconds=found.second)
            self._days[head] = instant - found.microsecond // 1000 - clock // _MS

    def _read_clock(self, tail: str) -> int | None:
        """Milliseconds after midnight, of what follows a date; None where it is no plain clock time."""
        clock = _clock(tail)
        if clock is None:
            return None
        ms = clock // _MS
        if len(self._clocks) < _MEMORY:
            self._clocks[tail] = ms
        return ms


@lru_cache(maxsize=4096)
def _is_even_day(day: date, zone: tzinfo) -> bool:
    """Whether no change of the clock touches the day."""
    start = datetime(day.year, day.month, day.day, tzinfo=zone)
    times = (start.replace(hour=hour, fold=fold) for hour in range(24) for fold in (0, 1))
    return len({time.utcoffset() for time in (*times, start + timedelta(days=1))}) == 1


def _parser(form: str) -> Callable[[str], datetime | None]:
    """A function from a text to its time, aware only when the text itself says so; None: not in this format."""
    if form in (EPOCH_MS, EPOCH_S):
        return lambda text: _epoch(text, 1 if form == EPOCH_MS else 1000)
    if form in _DATES:
        return lambda text: _known(text, _DATES[form])
    return lambda text: _pattern(text, form)


def _epoch(text: str, factor: int) -> datetime | None:
    if not _NUMBER.fullmatch(text):
        return None
    whole, _, fraction = text.partition(".")
    ms = int(whole) * factor + (int(fraction.ljust(3, "0")[:3]) if factor > 1 else 0)
    try:
        return _EPOCH + timedelta(milliseconds=ms)
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC)


def _pattern(text: str, form: str) -> datetime | None:
    try:
        return datetime.strptime(text, form)  # noqa: DTZ007 -- made aware by the caller
    except ValueError:
        return None


def _known(text: str, pattern: re.Pattern[str]) -> datetime | None:
    """A date in the format of `pattern`, a clock time after it (midnight without one), an offset after that."""
    found = pattern.match(text)
    if not found:
        return None
    rest, zone = text[found.end() :], None
    if aware := _OFFSET.fullmatch(rest):
        rest, zone = aware["naive"], _offset(aware["offset"])
        if zone is None:
            return None
    clock = _clock(rest)
    if clock is None:
        return None
    try:
        day = datetime(int(found["year"]), int(found["month"]), int(found["day"]), tzinfo=zone)
    except ValueError:
        return None
    return day + clock


def _offset(text: str) -> tzinfo | None:
    """The zone of an offset; None where there is no such offset."""
    if text in ("Z", "z"):
        return UTC
    hours, minutes = int(text[1:3]), int(text[-2:])
    if hours > 23 or minutes > 59:  # noqa: PLR2004 -- the clock
        return None
    ahead = timedelta(hours=hours, minutes=minutes)
    return timezone(ahead if text[0] == "+" else -ahead)


def _clock(text: str) -> timedelta | None:
    """Time of day; None when it is none."""
    if not text:
        return timedelta()
    found = _CLOCK.fullmatch(text)
    if not found:
        return None
    hour, minute, second = int(found[1]), int(found[2]), int(found[3] or 0)
    if found[5]:
        if not 1 <= hour <= _NOON:
            return None
        hour = hour % _NOON + (_NOON if found[5] in "Pp" else 0)
    if hour > 23 or minute > 59 or second > 59:  # noqa: PLR2004 -- the clock
        return None
    return timedelta(
        hours=hour, minutes=minute, seconds=second, milliseconds=int((found[4] or "").ljust(3, "0")[:3])
    )
