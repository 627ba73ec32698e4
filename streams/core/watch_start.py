"""Where a take-over of `cells` begins, and which counting versions were in force there.

cells   … v1 ── v2 ── v1 ── v2 ── v2 …      v2 is collected aside, and takes v1's place when its label has come
                 ▲           ▲              as far: the fold that is read again must see both, or v1 would seem
                 start?      swap           never to have been there
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from streams.core.merging import SourceName, SourcePartition

Versions = Mapping[SourceName, int]
"""Source partition → counting version."""


class Start(NamedTuple):
    """The first offset to read, and the counting versions in force before it."""

    offset: int
    versions: Versions

    def said(self) -> dict[str, Any]:
        """As a commit or a snapshot carries it: per topic, how many partitions in a row have which version."""
        topics = sorted({topic for topic, _ in self.versions})
        return {"start": self.offset, "versions": {topic: self._runs(topic) for topic in topics}}

    def _runs(self, topic: str) -> list[list[int]]:
        last = max(number for name, number in self.versions if name == topic)
        numbers = (self.versions.get((topic, number), 0) for number in range(last + 1))
        return [[version, len(list(run))] for version, run in groupby(numbers)]


def start_before(offset: int, sources: Mapping[SourceName, SourcePartition]) -> Start:
    """The start nearest to an offset from which the same versions come into force at the same messages again."""
    swaps = [swap for source in sources.values() for swap in source.swaps]
    for swap in sorted(swaps, reverse=True):
        if swap.offset >= offset:
            offset = min(offset, swap.last_heard)
    found = {name: source.version_at(offset) for name, source in sources.items()}
    return Start(offset, {name: version for name, version in found.items() if version is not None})


def versions_said(said: Mapping[str, Any]) -> Versions:
    """The counting versions that a commit or a snapshot carries; none where it says nothing of them."""
    runs: Mapping[str, Sequence[Sequence[int]]] = said.get("versions", {})
    return {(topic, number): version for topic, each in runs.items() for number, version in _unrolled(each)}


def _unrolled(runs: Sequence[Sequence[int]]) -> Iterator[tuple[int, int]]:
    number = 0
    for version, length in runs:
        for _ in range(length):
            if version:
                yield number, version
            number += 1
