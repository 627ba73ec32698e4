"""The cities' files read as plainly as the table of built-in sources is written: what each row says, for the oracle.

Nothing of the product is used but the maps from local codes to crime types, which are configuration. Polygons are
asked with the even-odd rule, ring by ring.
"""

import csv
import gzip
import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from streams.sources.crime_types import CHICAGO, SFFD, SFPD_CATCH_ALLS, SFPD_CATEGORIES, SFPD_SUBCATEGORIES
from tests.oracle_bridge import load_oracle

Row = Mapping[str, str]
ZoneOf = Callable[[float, float], str | None]
"""(lat, lon) → zone."""


def rows_of(path: Path) -> list[Row]:
    """The rows of a CSV file, gzipped or not."""
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8", newline="") as text:
        return list(csv.DictReader(text))


@cache
def instant(text: str, form: str, zone: str) -> int:
    """A local time in ms: the first of an ambiguous one, and one that does not exist moved forward by the gap."""
    return round(datetime.strptime(text, form).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)


def kind(types: Mapping[str, Any], code: str) -> str:
    """The crime type of a local code, `other` where it has none."""
    return str(types.get(key_of(code), "other"))


def key_of(code: str) -> str:
    """A code without regard to case, blanks and punctuation."""
    return "_".join(re.findall(r"[a-z0-9]+", code.lower()))


def nowhere(_lat: float, _lon: float) -> str | None:
    """No polygons."""
    return None


def fire(rows: list[Row], zone_of: ZoneOf = nowhere) -> Iterator[Any]:
    """`sffd`: several rows are one call; it counts at, and is known from, its reception; its label beats polygons."""
    message = load_oracle().Message

    def at(text: str) -> int:
        return instant(text, "%m/%d/%Y %I:%M:%S %p", "America/Los_Angeles")

    calls: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        calls[row["Call Number"]].append(row)
    for number, units in calls.items():
        labels = {row["Neighborhood  District"] for row in units} - {"", "None"}
        for row in units:
            received = at(row["Received DtTm"])
            zone: str | None = row["Neighborhood  District"]
            if zone in ("", "None"):
                lat, lon = re.findall(r"-?\d+\.\d+", row["Location"])
                zone = None if labels else zone_of(float(lat), float(lon))
            yield message(
                number, received, received, zone, kind(SFFD, row["Call Type"]), None, "san-francisco"
            )
        if any(row["Call Final Disposition"] == "Cancelled" for row in units):
            times = [text for row in units for title, text in row.items() if title.endswith("DtTm") and text]
            yield message(number, max(map(at, times)), None, None, None, True, "san-francisco")


def police(rows: list[Row], _: ZoneOf = nowhere) -> Iterator[Any]:
    """`sfpd`: a record per offence of an incident; it counts at its earliest report, each report is known from its own."""
    message = load_oracle().Message

    def at(text: str) -> int:
        return instant(text, "%Y/%m/%d %I:%M:%S %p", "America/Los_Angeles")

    records: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        records[row["Incident Number"], row["Incident Code"]].append(row)
    for number, reports in records.items():
        counts_at = min(at(row["Report Datetime"]) for row in reports)
        for row in reports:
            category, withdrawn = key_of(row["Incident Category"]), row["Resolution"] == "Unfounded"
            crime_type = str(SFPD_CATEGORIES.get(category, "other"))
            if category in SFPD_CATCH_ALLS:
                crime_type = str(SFPD_SUBCATEGORIES.get(key_of(row["Incident Subcategory"]), crime_type))
            zone = row["Analysis Neighborhood"] or None
            reported = at(row["Report Datetime"])
            yield message(" ".join(number), reported, counts_at, zone, crime_type, withdrawn, "san-francisco")


def crimes(rows: list[Row], zone_of: ZoneOf = nowhere) -> Iterator[Any]:
    """`chicago`, a file without ids: every row is an incident."""
    message = load_oracle().Message
    for number, row in enumerate(rows):
        at = instant(row["date"], "%Y-%m-%dT%H:%M:%S", "America/Chicago")
        zone = row["community_area"] or zone_of(float(row["latitude"]), float(row["longitude"])) or "unknown"
        yield message(str(number), at, at, zone, kind(CHICAGO, row["primary_type"]), None, "chicago")


def polygons(path: Path, name: str) -> ZoneOf:
    """(lat, lon) → the value of the property `name` of the polygon that holds the point, the least where some overlap."""
    with gzip.open(path, "rt", encoding="utf-8") as text:
        features = json.load(text)["features"]
    areas = sorted((str(each["properties"][name]), list(_rings(each["geometry"]))) for each in features)

    def zone_of(lat: float, lon: float) -> str | None:
        for zone, rings in areas:
            if sum(_crossings(ring, lat, lon) for ring in rings) % 2:
                return zone
        return None

    return zone_of


def _rings(geometry: Mapping[str, Any]) -> Iterator[list[tuple[float, float]]]:
    shapes = geometry["coordinates"] if geometry["type"] == "MultiPolygon" else [geometry["coordinates"]]
    for shape in shapes:
        yield from shape


def _crossings(ring: list[tuple[float, float]], lat: float, lon: float) -> int:
    """How often a ray to the east crosses a ring."""
    found = 0
    for (x1, y1, *_), (x2, y2, *_) in zip(ring, [*ring[1:], ring[0]], strict=True):
        if (y1 > lat) != (y2 > lat) and lon < (x2 - x1) * (lat - y1) / (y2 - y1) + x1:
            found += 1
    return found
