"""Coordinates as portals write them → (lat, lon) in degrees."""

import json
import re
from typing import Any, Final

from schemas.vocabulary import ANY
from streams.sources.facts import Facts

Point = tuple[float, float]
"""(lat, lon), degrees."""

POINT_LENGTH: Final = 4_096
"""Characters: the portals' APIs put an address beside the coordinates."""

_NUMBER: Final = r"([+-]?\d{1,3}(?:\.\d+)?)"
_PAIR: Final = re.compile(
    rf"\(\s*{_NUMBER}\s*,\s*{_NUMBER}\s*\)\s*$", re.ASCII
)  # (37.7, -122.4), an address before it
_WKT: Final = re.compile(
    rf"\s*POINT\s*\(\s*{_NUMBER}\s+{_NUMBER}\s*\)\s*", re.ASCII | re.IGNORECASE
)  # lon lat
_NO_LABEL: Final = frozenset({"", "none", "null", "nan", ANY})
_MAX_LAT: Final = 90
_MAX_LON: Final = 180


def coordinates(facts: Facts, lat: str, lon: str, point: str = "") -> Point | None:
    """The coordinates of a row, None where it has none.

    What is written but cannot be read, or lies on no globe, is counted in `facts.bad_coordinates` and is None too: an
    incident is not dropped for want of a place.

    Args:
        facts: where bad ones are counted.
        lat: degrees; "" where missing.
        lon: degrees; "" where missing.
        point: used where `lat` and `lon` are missing: `(lat, lon)`, `POINT (lon lat)`, or JSON of either portal API.
    """
    if not (lat or lon or point):
        return None
    try:
        found = (float(lat), float(lon)) if lat or lon else _point(point)
        if abs(found[0]) <= _MAX_LAT and abs(found[1]) <= _MAX_LON:
            return found
    except (ValueError, TypeError, LookupError):
        pass
    facts.bad_coordinates += 1
    return None


def _point(text: str) -> Point:
    if pair := _PAIR.search(text):
        return float(pair[1]), float(pair[2])
    if wkt := _WKT.fullmatch(text):
        return float(wkt[2]), float(wkt[1])
    content: Any = json.loads(text)
    if "coordinates" in content:
        lon, lat = content["coordinates"]
        return float(lat), float(lon)
    return float(content["latitude"]), float(content["longitude"])


def label(text: str) -> str | None:
    """The name of a zone; None for what portals write where there is none."""
    return None if text.lower() in _NO_LABEL else text
