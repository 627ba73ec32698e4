"""What several rows say of one fire department call, whichever comes first.

Rows of the same time of reception are messages of the same millisecond; so what holds of each field is the greater
one by the rule for those (exactness, rule 1).
"""

from typing import NamedTuple

from schemas.vocabulary import CrimeType
from streams.core.history import rank
from streams.sources.places import Point


class Said(NamedTuple):
    """What one row says of its call."""

    crime_type: CrimeType | None
    type_code: str | None
    priority: str | None
    zone: str | None
    place: Point | None


def merged(one: Said, other: Said) -> Said:
    """What two rows of the same time say together, whichever came first."""
    if one == other:
        return one
    by_type = max(one, other, key=_type_rank)
    return Said(
        by_type.crime_type,
        by_type.type_code,
        _greater(one.priority, other.priority),
        _greater(one.zone, other.zone),
        max(filter(None, (one.place, other.place)), default=None),
    )


def _type_rank(said: Said) -> tuple[tuple[bool, bytes], bool, str]:
    """A real type beats `other`, one that is mapped to `other` beats one that is not mapped."""
    return rank(said.crime_type or CrimeType.OTHER), said.crime_type is not None, said.type_code or ""


def _greater(one: str | None, other: str | None) -> str | None:
    return max(filter(None, (one, other)), key=rank, default=None)
