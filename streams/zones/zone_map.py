"""Coordinates → zone, by polygons; and which zones are neighbours.

Where polygons meet or overlap, the zone with the least name holds, so a point on a border has one zone whatever the
order of the file. All coordinates are WGS 84 degrees; GeoJSON writes them as lon, lat, and everything here takes
lat, lon.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import shapely

from schemas.events import Incident
from schemas.vocabulary import UNKNOWN_ZONE
from streams.zones.geojson import MAX_LAT, MAX_LON, read_polygons

_SEAM_DEG: Final = 1e-5
"""How far apart borders drawn twice may lie, about 1 m: coordinates are often rounded to five digits."""
_REMEMBERED: Final = 65_536  # points of single look-ups, some 10 MB


class ZoneFile(NamedTuple):
    """What `--zones FILE.geojson[.gz][:PROPERTY]` names."""

    path: Path
    property: str | None

    @classmethod
    def from_option(cls, text: str) -> "ZoneFile":
        """Take the text of the option apart; a colon that is part of an existing path stays in it."""
        path, colon, name = text.rpartition(":")
        if not colon or Path(text).exists() or "/" in name or "\\" in name:
            return cls(Path(text), None)
        return cls(Path(path), name or None)


class ZoneMap:
    """Polygons by the names of their zones."""

    def __init__(self, polygons: Mapping[str, shapely.Geometry]) -> None:
        """Index the polygons.

        Args:
            polygons: zone → valid polygon or multipolygon, x = lon, y = lat, degrees.
        """
        self.names: tuple[str, ...] = tuple(sorted(polygons))
        self._polygons = np.array([polygons[name] for name in self.names], dtype=object)
        shapely.prepare(self._polygons)
        self._tree = shapely.STRtree(self._polygons)
        self._found: dict[tuple[float, float], str | None] = {}

    @classmethod
    def from_file(cls, path: Path, property: str | None = None) -> "ZoneMap":
        """Read a GeoJSON file, gzipped or not.

        Args:
            path: a FeatureCollection of polygons.
            property: names the zone; None takes `zone`, else `name`, else the only one there is. A number is its
                text: 8 and 8.0 are "8".

        Raises:
            ConfigurationError: the file is missing, no GeoJSON, has no such property, or polygons that cannot be
                used; all faults at once.
        """
        return cls(read_polygons(path, property))

    @classmethod
    def from_option(cls, text: str) -> "ZoneMap":
        """Read what `--zones` names.

        Raises:
            ConfigurationError: as `from_file`.
        """
        return cls.from_file(*ZoneFile.from_option(text))

    def zone_of(self, lat: float | None, lon: float | None) -> str | None:
        """The zone that holds a point, its border included; None outside all, or where there is no such point.

        Cost: a look-up for a point asked before, some 10 µs for a new one.
        """
        if lat is None or lon is None or not (abs(lat) <= MAX_LAT and abs(lon) <= MAX_LON):
            return None
        point = (lat, lon)
        try:
            return self._found[point]
        except KeyError:
            if len(self._found) >= _REMEMBERED:
                self._found.clear()
            zone = self._found[point] = self._locate(lat, lon)
            return zone

    def zones_of(self, lats: Sequence[float | None], lons: Sequence[float | None]) -> list[str | None]:
        """`zone_of` for many points at once; the answers are the same.

        Args:
            lats: degrees, (points,); None and NaN are no coordinates.
            lons: degrees, (points,).

        Raises:
            ValueError: there are not as many lats as lons.
        """
        y, x = np.array(lats, dtype=float), np.array(lons, dtype=float)
        if len(y) != len(x):
            msg = f"lats and lons must be as many (got {len(y)} and {len(x)})"
            raise ValueError(msg)
        with np.errstate(invalid="ignore"):
            usable = np.flatnonzero((np.abs(y) <= MAX_LAT) & (np.abs(x) <= MAX_LON))
        points, zones = self._tree.query(shapely.points(x[usable], y[usable]))
        at = usable[points]
        holds = shapely.intersects_xy(self._polygons[zones], x[at], y[at])
        least = np.full(len(y), len(self.names))
        np.minimum.at(least, at[holds], zones[holds])
        names = (*self.names, None)
        return [names[zone] for zone in least.tolist()]

    def neighbours(self) -> dict[str, tuple[str, ...]]:
        """Zone → the zones that touch it, corners included, sorted; gaps of a metre are taken as none."""
        found: dict[str, list[str]] = {name: [] for name in self.names}
        ones, others = self._tree.query(self._polygons, predicate="dwithin", distance=_SEAM_DEG)
        for one, other in zip(ones.tolist(), others.tolist(), strict=True):
            if one != other:
                found[self.names[one]].append(self.names[other])
        return {name: tuple(sorted(near)) for name, near in found.items()}

    def outlines(self) -> dict[str, list[list[tuple[float, float]]]]:
        """Zone → the outer rings of its parts as (lon, lat), for drawing; holes are left out."""
        return {
            name: [
                [(float(lon), float(lat)) for lon, lat, *_ in part.exterior.coords]
                for part in shapely.get_parts(polygon)
            ]
            for name, polygon in zip(self.names, self._polygons, strict=True)
        }

    def _locate(self, lat: float, lon: float) -> str | None:
        near = self._tree.query(shapely.Point(lon, lat))
        holding = near[shapely.intersects_xy(self._polygons[near], lon, lat)]
        return self.names[holding.min()] if len(holding) else None


def with_zone(incident: Incident, zone_of: Callable[[float, float], str | None]) -> Incident:
    """The incident with the zone of its coordinates and without these; itself where it says a zone, or no place.

    It is what intake does, for those who want the same zones without sending coordinates anywhere.

    Args:
        incident: as its source says it.
        zone_of: `ZoneMap.zone_of`.
    """
    if incident.zone is not None or incident.lat is None or incident.lon is None:
        return incident
    return replace(incident, zone=zone_of(incident.lat, incident.lon) or UNKNOWN_ZONE, lat=None, lon=None)
