"""Saying of which cities nothing is told for a while, because a log was cut; and when they are told again."""

import logging
from collections.abc import Iterable
from typing import Final

from schemas.instants import rfc3339
from streams.core.withheld import Short
from streams.logs import event

logger = logging.getLogger(__name__)

_REMEDY: Final = "raise counting.version to have the whole log counted again, which may end it sooner"


class KeptBack:
    """What was said of it last, of one worker."""

    def __init__(self) -> None:
        """Nothing is kept back."""
        self._said: dict[tuple[str, str], Short] = {}

    def note(self, shorts: Iterable[Short], jurisdictions: Iterable[str]) -> None:
        """Log what is new.

        Args:
            shorts: the cities kept back now by one partition of `cells`.
            jurisdictions: all cities of that partition.
        """
        now = {(short.jurisdiction, short.topic): short for short in shorts}
        for place, short in now.items():
            if self._said.get(place) != short:
                self._said[place] = short
                logger.error("%s", words_of(short), extra=event("kept_back", **_fields(short)))
        mine = set(jurisdictions)
        for place in [place for place in self._said if place[0] in mine and place not in now]:
            short = self._said.pop(place)
            logger.info(
                "%s: all windows are whole again by topic %s, and told from %s on",
                short.jurisdiction,
                short.topic,
                rfc3339(short.until),
                extra=event("told_again", **_fields(short)),
            )


def words_of(short: Short) -> str:
    """Which windows are short, and until when."""
    windows = ", ".join(
        f"{name} at {rfc3339(at)}" for name, at in sorted(short.windows.items(), key=lambda w: w[1])
    )
    return (
        f"{short.jurisdiction}: nothing is told by topic {short.topic} before {rfc3339(short.until)}: a log was cut, and "
        f"what counts before {rfc3339(short.whole_from)} may be missing; windows are whole again: {windows}; {_REMEDY}"
    )


def _fields(short: Short) -> dict[str, str]:
    return {
        "jurisdiction": short.jurisdiction,
        "topic": short.topic,
        "whole_from": rfc3339(short.whole_from),
        "until": rfc3339(short.until),
    }
