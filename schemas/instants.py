"""Instants: integer UTC epoch milliseconds inside, RFC 3339 in UTC with milliseconds on the wire."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)

EARLIEST_MS: Final = 0
"""1970: what an incident message may name at the earliest."""
LATEST_MS: Final = 4_102_444_800_000
"""2100-01-01T00:00:00Z: what a message may name, exclusively."""


@lru_cache(maxsize=65_536)
def rfc3339(at_ms: int) -> str:
    """`2026-11-23T11:45:00.000Z` of epoch milliseconds (years 1 to 9999)."""
    moment = _EPOCH + timedelta(milliseconds=at_ms)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{at_ms % 1000:03d}Z"


def epoch_ms(moment: datetime) -> int:
    """Epoch milliseconds of an aware datetime, rounded down."""
    return (moment - _EPOCH) // _MILLISECOND
