"""Local hours: which hour of the week an hour of UTC is in a jurisdiction, and whether its day begins a month.

Rhythms follow the local clock. A day of 23 hours skips one hour of the week, a day of 25 hours has one twice; since
expectations are rates per hour of the week and exposure is counted in the same hours, both need nothing more.
"""

from datetime import UTC, datetime, tzinfo
from typing import Final
from zoneinfo import ZoneInfo

HOUR_MS: Final = 3_600_000
WEEK_H: Final = 168
_REMEMBERED: Final = 4096  # hours; a little less than half a year


class HourOfWeek:
    """Hour since the epoch in UTC → hour of the local week, 0 being Monday 00:00.

    Zones that are half an hour off count the hour in which the UTC hour starts, always the same way.
    """

    def __init__(self, zone: tzinfo) -> None:
        self._zone = zone
        self._known: dict[int, tuple[int, int]] = {}

    def __call__(self, hour: int) -> int:
        """Hour of the local week at the start of a UTC hour."""
        return self._local(hour)[0]

    def day_of_month(self, hour: int) -> int:
        """Local day of the month at the start of a UTC hour."""
        return self._local(hour)[1]

    def _local(self, hour: int) -> tuple[int, int]:
        known = self._known.get(hour)
        if known is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            at = datetime.fromtimestamp(hour * 3600, UTC).astimezone(self._zone)
            known = self._known[hour] = (at.weekday() * 24 + at.hour, at.day)
        return known


utc_hour_of_week: Final = HourOfWeek(UTC)


def hour_of_week_in(time_zone: str) -> HourOfWeek:
    """The local hours of the IANA zone `time_zone`."""
    return HourOfWeek(ZoneInfo(time_zone))
