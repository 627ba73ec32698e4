"""Connected zones that rise together: evidence of a surge in a zone and one or two others that touch it.

    ┌───┬───┬───┐     For zone C the groups are C with each neighbour, and C with two others that hang together
    │   │ A │   │     (A-C-B, C-B-D), each counted as one cell. Only zones that are above their own expectation in
    ├───┼───┼───┤     the same window are joined.
    │   │ C │ B │
    ├───┼───┼───┤
    │   │   │ D │
    └───┴───┴───┘

A group says nothing of C when its other zones explain it alone, so its ratio is divided by theirs:

    term = weight(size) · LR(group) / (1 + odds · LR(group without C))

Larger groups are found zone by zone: each of them belongs to some group of three, and alerts join what touches.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from streams.core.evidence import WEIGHTS, WINDOW_HOURS, ratio

Neighbours = Mapping[str, Sequence[str]]
Seen = tuple[Sequence[int], Sequence[float]]
"""Counts and expectations of a zone, per window."""
Look = Callable[[str], Seen | None]
"""The counts of a zone, None where nothing happened or nothing is known."""

SIZE_WEIGHTS: Final = (1.0, 0.3, 0.15)  # of groups of one, two and three zones
SHARED_ERROR: Final = (1.0, 0.85, 0.7)  # of cv2: errors of single expectations partly even out
LIFT: Final = 2.0  # a zone is joined when its own ratio is above
TOGETHER: Final = 31.6  # product of the members' own ratios from which on a group is looked at
ODDS: Final = 0.003  # prior odds of a surge elsewhere in the group


class Group(NamedTuple):
    """The strongest group of a zone: evidence summed over all groups, and the numbers of the best."""

    evidence: float
    best: float  # the greatest term
    zones: tuple[str, ...]  # the zone itself first
    window: int
    observed: int
    expected: float


def groups(
    zone: tuple[str, Sequence[int], Sequence[float]],
    own: Sequence[float],
    near: Neighbours,
    look: Look,
    spread: tuple[float, float],
) -> Group | None:
    """Evidence that a zone rises together with zones around it.

    Args:
        zone: the zone in question, with its counts and expectations per window.
        own: its own ratio per window.
        near: which zones touch, both ways.
        look: the counts of zones, for the same crime type.
        spread: phi and cv2 of the type.

    Returns:
        None when no other zone rises with it. O(windows × neighbours²) at worst, in practice a few ratios.
    """
    name, counts, means = zone
    total, best = 0.0, None
    seen: dict[str, Seen | None] = {}
    for window, lift in enumerate(own):
        if lift <= LIFT:
            continue
        risen = _risen(name, window, near, _remembering(look, seen), spread)
        for members in _members(name, lift, risen, near) if risen else ():
            term, n, mu = _term(members, (counts[window], means[window]), risen, window, spread)
            total += term
            if best is None or term > best.best:
                best = Group(0.0, term, (name, *members), window, n, mu)
    return None if best is None else best._replace(evidence=total)


class _Risen(NamedTuple):
    n: int
    mu: float
    ratio: float


def _remembering(look: Look, seen: dict[str, Seen | None]) -> Look:
    def remembered(zone: str) -> Seen | None:
        if zone not in seen:
            seen[zone] = look(zone)
        return seen[zone]

    return remembered


def _risen(
    zone: str, window: int, near: Neighbours, look: Look, spread: tuple[float, float]
) -> dict[str, _Risen]:
    """Zones above their expectation that touch `zone`, directly or through one of them."""
    risen: dict[str, _Risen] = {}
    around: Sequence[str] = near.get(zone, ())
    for _ in range(2):
        for other in around:
            if other == zone or other in risen or (seen := look(other)) is None:
                continue
            n, mu = seen[0][window], seen[1][window]
            if n > mu and (own := ratio(n, mu, WINDOW_HOURS[window], *spread)) > LIFT:
                risen[other] = _Risen(n, mu, own)
        around = [b for a in tuple(risen) for b in near.get(a, ())]
    return risen


def _members(zone: str, lift: float, risen: dict[str, _Risen], near: Neighbours) -> Iterator[tuple[str, ...]]:
    """Pairs and triples with `zone`, without it, each once, that are strong enough together."""
    touching = set(near.get(zone, ()))
    names = list(risen)
    for i, a in enumerate(names):
        joint = lift * risen[a].ratio
        if a in touching and joint > TOGETHER:
            yield (a,)
        for b in names[i + 1 :]:
            if joint * risen[b].ratio > TOGETHER and (
                (a in touching and b in touching)
                or ((a in touching or b in touching) and b in near.get(a, ()))
            ):
                yield (a, b)


def _term(
    members: tuple[str, ...],
    mine: tuple[int, float],
    risen: dict[str, _Risen],
    window: int,
    spread: tuple[float, float],
) -> tuple[float, int, float]:
    n = sum(risen[other].n for other in members)
    mu = sum(risen[other].mu for other in members)
    hours, size = WINDOW_HOURS[window], len(members)
    others = (
        risen[members[0]].ratio if size == 1 else ratio(n, mu, hours, spread[0], spread[1] * SHARED_ERROR[1])
    )
    n, mu = n + mine[0], mu + mine[1]
    group = ratio(n, mu, hours, spread[0], spread[1] * SHARED_ERROR[size])
    return WEIGHTS[window] * SIZE_WEIGHTS[size] * group / (1.0 + ODDS * others), n, mu
