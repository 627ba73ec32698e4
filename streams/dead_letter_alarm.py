"""How many of the newest messages of a topic were dead letters, and what to say or do when they are too many.

A few dead letters are ordinary. When a publisher changes its format they are most of what comes, and somebody must
hear of it before the next day's report.
"""

import logging
from collections import deque
from collections.abc import Mapping
from typing import Final

from streams.logs import event

logger = logging.getLogger(__name__)

LEAST: Final = 100
"""Messages below which a share says nothing."""

CALM: Final = 0.5
"""The alarm ends at this part of the share that raised it, so that it does not come and go."""

_REMEDY: Final = "the topic dead-letters says why of each (header vigil-reason), and keeps its bytes"


class TooManyDeadLetters(Exception):
    """The share was above `worker.dead_letter_share`, and `worker.stop_on_dead_letters` is on."""


class DeadLetterAlarm:
    """The newest messages of each topic, as this worker read them since its partitions were assigned."""

    def __init__(self, most: float, window: int, *, stops: bool = False) -> None:
        """Start calm.

        Args:
            most: the greatest share that is no alarm, 0 to 1.
            window: how many of the newest messages are looked at; whole batches, so the oldest may be partly beyond.
            stops: whether an alarm ends the worker.
        """
        self._most = most
        self._window = window
        self._stops = stops
        self._batches: dict[str, deque[tuple[int, int]]] = {}
        self._sums: dict[str, tuple[int, int]] = {}
        self._alarmed: set[str] = set()

    def note(self, topic: str, messages: int, tallies: Mapping[str, int]) -> None:
        """Take a batch in that was folded and acknowledged.

        Raises:
            TooManyDeadLetters: the share is above the bound, and that is to stop the worker.
        """
        dead = sum(n for kind, n in tallies.items() if kind.startswith("dead_letter."))
        batches = self._batches.setdefault(topic, deque())
        batches.append((messages, dead))
        all_messages, all_dead = self._sums.get(topic, (0, 0))
        all_messages, all_dead = all_messages + messages, all_dead + dead
        while all_messages - batches[0][0] >= self._window:
            oldest = batches.popleft()
            all_messages, all_dead = all_messages - oldest[0], all_dead - oldest[1]
        self._sums[topic] = (all_messages, all_dead)
        if all_messages >= min(LEAST, self._window):
            self._judge(topic, all_dead / all_messages, all_messages)

    def shares(self) -> dict[str, float]:
        """Topic → share of dead letters among its newest messages."""
        return {topic: dead / messages for topic, (messages, dead) in self._sums.items() if messages}

    def forget(self) -> None:
        """Other partitions were assigned: begin anew."""
        self._batches.clear()
        self._sums.clear()

    def _judge(self, topic: str, share: float, messages: int) -> None:
        fields = {"topic": topic, "share": round(share, 4), "bound": self._most, "messages": messages}
        if share > self._most and topic not in self._alarmed:
            self._alarmed.add(topic)
            said = f"{topic}: {share:.1%} of the newest {messages} messages are dead letters; {_REMEDY}"
            logger.error(said, extra=event("dead_letters_above_share", **fields))
            if self._stops:
                raise TooManyDeadLetters(said)
        elif share <= self._most * CALM and topic in self._alarmed:
            self._alarmed.discard(topic)
            logger.info(
                "%s: dead letters are few again", topic, extra=event("dead_letters_below_share", **fields)
            )
