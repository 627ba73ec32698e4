"""The records of one (source partition, jurisdiction): how far its time has come, which records live, where to start.

Everything here follows from the log alone, message by message: the greatest `updated_at` so far gives F, the oldest
tick that may still change; a message whose first tick lies before F is too late; a record that has been silent for
longer than any open window has ended; and a take-over must start where the oldest message that still matters is.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from heapq import heappop, heappush
from operator import itemgetter
from typing import Any, Final, Generic, TypeVar

from streams.core.timeline import Timeline

NEVER: Final = -(1 << 62)
"""F before anything was heard: every tick may still change."""

_offset_of = itemgetter(1)


LAST: Final = 0
"""Index of a record's greatest known-from tick or counts-at pane, of all its messages."""
FIRST: Final = 1
"""Index of the offset from which a fold hears all of a record's messages, decided as they were."""

RecordT = TypeVar("RecordT", bound=Sequence[Any])


class Ledger(Generic[RecordT]):
    """Records by incident id, each starting with `LAST` and `FIRST`, with the partition's event time for one jurisdiction."""

    def __init__(self, timeline: Timeline) -> None:
        """Start before the first message."""
        self._pane_ms, self._longest, self._day = timeline.pane_ms, timeline.longest, timeline.day
        self._trails_ms = timeline.out_of_orderness_ms + timeline.allowed_lateness_ms  # how far F trails
        # Messages before the offset at which F reached this many panes less than now count in no open window: they
        # were known at most `slack` panes after F and count at most a day after that.
        slack = -(-self._trails_ms // timeline.pane_ms)
        self._reach = timeline.longest + timeline.day + slack + 3
        self.greatest: int | None = None  # updated_at, ms
        self.oldest_open = NEVER  # F
        self.records: dict[str, RecordT] = {}
        self._rises_at = NEVER  # the least `updated_at` that raises F
        self._raises: list[tuple[int, int]] = []  # (F, offset at which it rose to F), both rising
        self._raised_at: int | None = None  # the last of those offsets
        self._long_lived: list[
            tuple[int, str]
        ] = []  # heap of (first, id) of records that may outlive the reach
        self._expiry: dict[
            int, list[str]
        ] = {}  # day of `last` → ids to look at when that day can be forgotten
        self._expired: list[str] = []

    def hear(self, offset: int, updated_at: int) -> tuple[int, bool]:
        """(tick from which a message is known, whether it is too late), by what was heard before it.

        Raises the greatest `updated_at` afterwards, so call `first()` and `find()` before.
        """
        known = (
            updated_at // self._pane_ms + 1
        )  # `Timeline.known_from`, written out: this runs for every message
        if self.greatest is None or updated_at > self.greatest:
            self.greatest = updated_at
            if updated_at >= self._rises_at:
                self._rise(offset, updated_at)
            return known, False
        if known < self.oldest_open:
            return self.oldest_open, True
        return known, False

    def _rise(self, offset: int, updated_at: int) -> None:
        """F rises: `Timeline.oldest_open` of what was heard now."""
        self.oldest_open = oldest_open = (updated_at - self._trails_ms) // self._pane_ms + 1
        self._rises_at = oldest_open * self._pane_ms + self._trails_ms
        self._raised_at = offset
        self._raises.append((oldest_open, offset))

    def first(self, offset: int) -> int:
        """Where a fold must start to decide about the message at `offset` as it is decided now."""
        return offset if self._raised_at is None else self._raised_at

    def find(self, incident_id: str) -> RecordT | None:
        """The record of an incident, None when there is none or it has ended."""
        record = self.records.get(incident_id)
        if record is None or record[LAST] + self._longest < self.oldest_open:
            return None
        return record

    def begin(self, incident_id: str, record: RecordT) -> None:
        """Keep the record of an incident that is in no record."""
        self.records[incident_id] = record
        self._watch_expiry(incident_id, record[LAST])

    def keep(self, incident_id: str, record: RecordT) -> None:
        """Keep a record that is new (or takes the place of one that has ended)."""
        if incident_id not in self.records:
            self._watch_expiry(incident_id, record[LAST])
        self.records[incident_id] = record

    def lengthened(self, incident_id: str, record: RecordT) -> None:
        """Note that a record's life got longer: it may now need messages from before the usual start."""
        at = bisect_right(self._raises, record[FIRST], key=_offset_of) - 1
        if at < 0 or self._raises[at][0] < record[LAST] + self._longest - self._reach + 1:
            heappush(self._long_lived, (record[FIRST], incident_id))

    def start(self) -> int | None:
        """The offset at which a take-over must start, None before the first message."""
        if not self._raises:
            return None
        reach = self.oldest_open - self._reach
        older = 0
        while older + 1 < len(self._raises) and self._raises[older + 1][0] < reach:
            older += 1
        del self._raises[:older]
        start = self._raises[0][1]
        while self._long_lived:
            first, incident_id = self._long_lived[0]
            record = self.find(incident_id)
            if record is not None and record[FIRST] == first:
                return min(start, first)
            heappop(self._long_lived)
        return start

    def whole_from(self) -> int | None:
        """The first pane of which all was heard, should the log begin after what was said before; None: nothing heard.

        Right after the first messages. The first lies at most as far behind what is gone as a message may be late.
        """
        if not self._raises:
            return None
        slack = -(-self._trails_ms // self._pane_ms)
        return self._raises[0][0] + 2 * slack + self._day + 2

    def sweep(self, most: int) -> None:
        """Free the memory of records that have ended, at most `most` of them: work is spread over the batches."""
        if not self._expired:
            day = (self.oldest_open - self._longest) // self._day - 1
            ripe = min(self._expiry, default=day + 1)
            if ripe <= day:
                self._expired = self._expiry.pop(ripe)
        for incident_id in self._take(most):
            record = self.records[incident_id]
            if record[LAST] + self._longest < self.oldest_open:
                del self.records[incident_id]
            else:
                self._watch_expiry(incident_id, record[LAST])

    def _take(self, most: int) -> Iterator[str]:
        batch, self._expired = self._expired[-most:], self._expired[:-most]
        return iter(batch)

    def _watch_expiry(self, incident_id: str, last: int) -> None:
        day = last // self._day
        ids = self._expiry.get(day)
        if ids is None:
            self._expiry[day] = [incident_id]
        else:
            ids.append(incident_id)
