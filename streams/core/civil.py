"""Local hours: which hour of the week an hour of UTC is in a jurisdiction.

Rhythms follow the local clock. A day of 23 hours skips one hour of the week, a day of 25 hours has one twice; since
expectations are rates per hour of the week and exposure is counted in the same hours, both need nothing more.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

HOUR_MS: Final = 3_600_000
WEEK_H: Final = 168
_EPOCH_HOUR_OF_WEEK: Final = 72  # 1970-01-01 00:00 was a Thursday; weeks start on Monday

HourOfWeek = Callable[[int], int]
"""Hour since the epoch in UTC → hour of the local week, 0 being Monday 00:00."""


def utc_hour_of_week(hour: int) -> int:
    """Hour of the week of the UTC hour `hour`."""
    return (hour + _EPOCH_HOUR_OF_WEEK) % WEEK_H


def hour_of_week_in(time_zone: str) -> HourOfWeek:
    """The local hour of the week at the start of each UTC hour, by the IANA zone `time_zone`.

    Zones that are half an hour off count the hour in which the UTC hour starts, always the same way.
    """
    zone = ZoneInfo(time_zone)

    @lru_cache(maxsize=4096)
    def hour_of_week(hour: int) -> int:
        local = datetime.fromtimestamp(hour * 3600, UTC).astimezone(zone)
        return local.weekday() * 24 + local.hour

    return hour_of_week
