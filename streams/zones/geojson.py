"""Polygons of zones from a GeoJSON file, with every fault that the file has.

Official files often hold rings that touch or cross themselves by a hair; these are repaired, keeping the area that
the rings enclose. A geometry of which nothing is left then is a fault.
"""

import gzip
import json
import zlib
from collections import Counter
from pathlib import Path
from typing import Any, Final, NoReturn

import numpy as np
import shapely
from shapely.geometry import shape

from schemas.vocabulary import ANY, UNKNOWN_ZONE
from streams.settings.faults import ConfigurationError, Fault, did_you_mean, shown

MAX_LAT: Final = 90.0
MAX_LON: Final = 180.0
DEFAULT_PROPERTIES: Final = ("zone", "name")
_GZIP_MAGIC: Final = b"\x1f\x8b"
_RESERVED: Final = frozenset({ANY, UNKNOWN_ZONE})


def read_polygons(path: Path, property_name: str | None) -> dict[str, shapely.Geometry]:
    """Zone → its polygon or multipolygon, valid, x = lon, y = lat.

    Args:
        path: a FeatureCollection, gzipped or not.
        property_name: the property that names the zone; None takes `zone`, else `name`, else the only one there is.

    Raises:
        ConfigurationError: the file cannot be used; all its faults at once.
    """
    return _File(path).polygons(property_name)


class _File:
    """One file; faults are noted as it is read, and raised together."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.faults: list[Fault] = []

    def polygons(self, property_name: str | None) -> dict[str, shapely.Geometry]:
        """Zone → polygon, of all features."""
        features = self.features()
        name = self.naming_property(features, property_name)
        found: dict[str, shapely.Geometry] = {}
        names: Counter[str] = Counter()
        for number, feature in enumerate(features, 1):
            zone = self.zone(number, name, feature)
            polygon = self.polygon(number, feature)
            if zone is not None:
                names[zone] += 1
            if zone is not None and polygon is not None:
                found[zone] = polygon
        for zone in (zone for zone, times in names.items() if times > 1):
            problem = f'has {names[zone]} features whose {name} is "{zone}"'
            self.note(problem, "make them one MultiPolygon, or name another property")
        if self.faults:
            raise ConfigurationError(self.faults)
        return found

    def note(self, problem: str, remedy: str) -> None:
        self.faults.append(Fault("", shown(self.path), problem, remedy))

    def fail(self, problem: str, remedy: str) -> NoReturn:
        self.note(problem, remedy)
        raise ConfigurationError(self.faults) from None

    def features(self) -> list[dict[str, Any]]:
        """The features, as JSON has them."""
        try:
            content = self.path.read_bytes()
            text = gzip.decompress(content) if content.startswith(_GZIP_MAGIC) else content
            collection = json.loads(text.decode("utf-8-sig"))
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            self.fail(f"is damaged ({str(error).lower()})", "download it again")
        except OSError as error:
            self.fail(
                f"cannot be read ({(error.strerror or str(error)).lower()})", "check the path and the rights"
            )
        except (ValueError, RecursionError) as error:
            self.fail(
                f"is no JSON ({str(error).lower()})", "zones are read from GeoJSON in UTF-8, gzipped or not"
            )
        features = collection.get("features") if isinstance(collection, dict) else None
        if not isinstance(features, list) or not all(isinstance(feature, dict) for feature in features):
            self.fail("is no GeoJSON FeatureCollection", 'its "features" must be a list of objects')
        if not features:
            self.fail("has no features", "each zone needs a polygon")
        return features

    def naming_property(self, features: list[dict[str, Any]], wanted: str | None) -> str:
        """The property that names zones."""
        there = list(dict.fromkeys(name for feature in features for name in _properties(feature)))
        listed = ", ".join(f'"{name}"' for name in there) or "none"
        if wanted is not None:
            if wanted not in there:
                near = did_you_mean(wanted, there) if there else "its features have no properties"
                self.fail(f'has no property "{wanted}" (there are: {listed})', near)
            return wanted
        usual = [name for name in DEFAULT_PROPERTIES if name in there]
        if usual or len(there) == 1:
            return (usual or there)[0]
        return self.fail(
            f"does not say which property names the zone (there are: {listed})", "write FILE:PROPERTY"
        )

    def zone(self, number: int, name: str, feature: dict[str, Any]) -> str | None:
        """The zone's name; None, and noted, where it has none that can be used."""
        value = _properties(feature).get(name)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        text = str(value).strip() if isinstance(value, (str, int)) and not isinstance(value, bool) else ""
        if not text:
            self.note(
                f"feature {number}: {name} must be a text or a whole number (got {value!r})", "name the zone"
            )
            return None
        if text in _RESERVED:
            self.note(
                f'feature {number}: {name} cannot be "{text}"', "it stands for zones that are not in the file"
            )
            return None
        return text

    def polygon(self, number: int, feature: dict[str, Any]) -> shapely.Geometry | None:
        """The feature's polygon, repaired where it needs to be; None, and noted, where it is none."""
        try:
            with np.errstate(invalid="ignore"):  # NaN is found below
                polygon = shapely.force_2d(shape(feature["geometry"]))
        except (shapely.errors.ShapelyError, ValueError, TypeError, LookupError, AttributeError) as error:
            self.note(
                f"feature {number}: the geometry is broken ({str(error).lower()})", "export the file again"
            )
            return None
        if polygon.geom_type not in ("Polygon", "MultiPolygon"):
            self.note(
                f"feature {number}: must be a Polygon or MultiPolygon (got {polygon.geom_type})",
                "zones are areas",
            )
            return None
        x, y = shapely.get_coordinates(polygon).T
        if not ((np.abs(x) <= MAX_LON) & (np.abs(y) <= MAX_LAT)).all():
            problem = (
                f"feature {number}: coordinates must be degrees, lon before lat (got {x[0]:g}, {y[0]:g})"
            )
            self.note(problem, "reproject the file to WGS 84 (EPSG:4326)")
            return None
        if not polygon.is_valid:
            polygon = shapely.make_valid(polygon, method="structure", keep_collapsed=False)
        if not polygon.area > 0:
            self.note(f"feature {number}: the polygon is empty, or holds no area", "export the file again")
            return None
        return polygon


def _properties(feature: dict[str, Any]) -> dict[str, Any]:
    properties = feature.get("properties")
    return properties if isinstance(properties, dict) else {}
