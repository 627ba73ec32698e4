"""From the board to findings: how a cell, the zones around it, or the city total stands at a tick."""

import math
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from schemas.vocabulary import ANY
from streams.core.board import Board
from streams.core.clusters import Seen, groups
from streams.core.evidence import LEAST_COUNT, TRIGGER, WEIGHTS, terms
from streams.core.surge_groups import Finding

ALSO: Final = 0.5
"""Log10 of the evidence of the other zones from which on a city rises as a whole, and not only where it is told."""

Explained = Mapping[str, Sequence[int]]
"""crime type → rows of zones whose surges are told already; a city total is judged without them."""


class Sight(NamedTuple):
    """A row as it is seen at a tick."""

    row: int
    now: int
    counts: list[int]  # per window


def stand(board: Board, sight: Sight, least: float) -> Finding | None:
    """How a cell stands: its own evidence, and with the zones around it where they rise together.

    None where the score is below `least`.
    """
    row, now, counts = sight
    (zone, crime_type), near = board.cells[row], board.near
    means, spread = board.expected(row, now), board.spreads[row]
    own = terms(counts, means, *spread)
    weighed = [w * t if n >= LEAST_COUNT else 0.0 for w, t, n in zip(WEIGHTS, own, counts, strict=True)]
    highest = max(weighed)
    best = weighed.index(highest)
    total, observed, expected = sum(weighed), counts[best], means[best]
    zones: tuple[str, ...] = (zone,)
    if highest >= 10.0**TRIGGER and zone in near:

        def look(other: str) -> Seen | None:
            there = board.row_of.get((other, crime_type))
            if there is None or not board.recent.panes[there] or board.recent.panes[there][-1] < oldest:
                return None
            return board.counts(there, now), board.expected(there, now)

        oldest = now - board.windows[-1]
        group = groups((zone, counts, means), own, near, look, spread)
        if group is not None:
            total += group.evidence
            if group.best > highest:
                zones, best, observed, expected = group.zones, group.window, group.observed, group.expected
    if (score := _log(total)) < least:
        return None
    since = _since(board, zones, crime_type, best, now)
    return Finding(zones, crime_type, score, best, observed, expected, since)


def stand_city(board: Board, sight: Sight, explained: Explained, least: float) -> Finding | None:
    """How a city total stands without the zones whose surges are told already; with them where the rest rises too.

    None as in `stand`.
    """
    row, now, counts = sight
    _, crime_type = board.cells[row]
    types = explained if crime_type == ANY else (crime_type,)
    rows = [other for kind in types for other in explained.get(kind, ())]
    means = board.expected(row, now)
    rest, rest_means = counts, means
    for other in rows:
        rest = [a - b for a, b in zip(rest, board.counts(other, now), strict=True)]
        rest_means = [
            max(a - b, 0.05 * a) for a, b in zip(rest_means, board.expected(other, now), strict=True)
        ]
    weighed = _weighed(board, row, rest, rest_means)
    if rows and _log(sum(weighed)) >= ALSO:
        whole = _weighed(board, row, counts, means)
        weighed = whole if sum(whole) > sum(weighed) else weighed
    if (score := _log(sum(weighed))) < least:
        return None
    best = weighed.index(max(weighed))
    since = _since(board, (ANY,), crime_type, best, now)
    return Finding((ANY,), crime_type, score, best, counts[best], means[best], since)


def _weighed(board: Board, row: int, counts: Sequence[int], means: Sequence[float]) -> list[float]:
    """The term of each window, weighted."""
    own = terms(counts, means, *board.spreads[row])
    return [w * t if n >= LEAST_COUNT else 0.0 for w, t, n in zip(WEIGHTS, own, counts, strict=True)]


def over_window(board: Board, cells: Sequence[tuple[str, str]], window: int, now: int) -> tuple[int, float]:
    """Incidents and expectation of several cells together in one window that ends at `now`."""
    rows = [row for cell in cells if (row := board.row_of.get(cell)) is not None]
    n = sum(board.counts(row, now)[window] for row in rows)
    return n, sum(board.expected(row, now)[window] for row in rows)


def _log(evidence: float) -> float:
    return max(0.0, math.log10(evidence)) if evidence > 1.0 else 0.0


def _since(board: Board, zones: Sequence[str], crime_type: str, window: int, now: int) -> int:
    start = now - board.windows[window]
    rows = [row for zone in zones if (row := board.row_of.get((zone, crime_type))) is not None]
    return min(
        (pane for row in rows if (pane := board.recent.first_in(row, start, now)) is not None), default=start
    )
