"""Which scores belong together, and to which open alert: zones that overlap or are neighbours.

┌────┬────┬────┐
│ A* │ B* │ C  │     A and B rise together: one group. D touches only C: a group of its own.
├────┼────┼────┤
│ E  │ F  │ D* │     (* level 1 or more; A touches B, B touches C and F, D touches C and F)
└────┴────┴────┘
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from schemas.vocabulary import ANY, UNKNOWN_ZONE
from streams.core.episodes import usable
from streams.core.scores import Score

Neighbours = Mapping[str, Collection[str]]
"""zone → the zones that touch it."""


class Group(NamedTuple):
    """Scores that rise together, and the open alerts (by place in the list given) that they touch."""

    scores: list[Score]
    touched: list[int]


def symmetric(neighbours: Neighbours) -> dict[str, frozenset[str]]:
    """`neighbours` both ways; the city as a whole and the unknown zone touch nothing."""
    near: defaultdict[str, set[str]] = defaultdict(set)
    for zone, others in neighbours.items():
        for other in others:
            if zone != other and not {zone, other} & {ANY, UNKNOWN_ZONE}:
                near[zone].add(other)
                near[other].add(zone)
    return {zone: frozenset(others) for zone, others in near.items()}


def overlapping(zones: Collection[str], places: Sequence[Collection[str]]) -> list[int]:
    """Places (by number) that share a zone with `zones`."""
    wanted = frozenset(zones)
    return [number for number, place in enumerate(places) if not wanted.isdisjoint(place)]


def connect(scores: Sequence[Score], places: Sequence[Collection[str]], near: Neighbours) -> list[Group]:
    """Groups of scores connected by shared or neighbouring zones, with the places that they touch.

    Two places are connected only through a score. The answer does not depend on the order of `scores`, but for
    the order within it. O(scores × zones × neighbours).
    """
    holders: defaultdict[str, list[int]] = defaultdict(list)
    for number, zones in enumerate([*places, *(score.zones for score in scores)]):
        for zone in zones:
            holders[zone].append(number)
    parents = list(range(len(places) + len(scores)))
    for number, score in enumerate(scores, start=len(places)):
        for place in {place for zone in score.zones for place in (zone, *near.get(zone, ()))}:
            for other in holders.get(place, ()):
                parents[_root(parents, other)] = _root(parents, number)
    groups: defaultdict[int, Group] = defaultdict(lambda: Group([], []))
    for number, score in enumerate(scores, start=len(places)):
        groups[_root(parents, number)].scores.append(score)
    for number in range(len(places)):
        if (root := _root(parents, number)) in groups:
            groups[root].touched.append(number)
    return list(groups.values())


def by_kind(scores: Iterable[Score]) -> dict[tuple[str, str], list[Score]]:
    """Scores by detector and crime type, with finite figures."""
    kinds: defaultdict[tuple[str, str], list[Score]] = defaultdict(list)
    for said in scores:
        if (score := usable(said)) is not None:
            kinds[score.detector, score.crime_type].append(score)
    return dict(kinds)


def _root(parents: list[int], number: int) -> int:
    while parents[number] != number:
        parents[number] = parents[parents[number]]
        number = parents[number]
    return number
