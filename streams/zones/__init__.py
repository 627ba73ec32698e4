"""Coordinates → zone: polygons from a GeoJSON file, look-ups of one point or many, and neighbours.

zones = ZoneMap.from_option("neighborhoods.geojson.gz:name")
zones.zone_of(37.76, -122.42)     # "Mission"
zones.neighbours()["Mission"]     # ("Bernal Heights", …)
"""

from streams.zones.zone_map import ZoneFile, ZoneMap, with_zone

__all__ = ["ZoneFile", "ZoneMap", "with_zone"]
