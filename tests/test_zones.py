"""Coordinates → zone, in an invented city of squares of a hundredth of a degree."""

# lat 10.02 ┌─────┬─────┐
#           │  C  │  D  │      E lies apart, F is an island within A
#     10.01 ├─────┼─────┤
#           │  A  │  B  │
#     10.00 └─────┴─────┘
#         20.00 20.01 20.02 lon

import gzip
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from schemas.events import Incident
from streams.settings.faults import ConfigurationError
from streams.zones import ZoneFile, ZoneMap, with_zone, zone_map

Ring = list[list[float]]


def square(lat: float, lon: float, size: float = 0.01) -> Ring:
    east, north = round(lon + size, 5), round(lat + size, 5)
    return [[lon, lat], [east, lat], [east, north], [lon, north], [lon, lat]]


def feature(name: Any, *rings: Ring, **properties: Any) -> dict[str, Any]:
    geometry = {"type": "Polygon", "coordinates": rings}
    return {"type": "Feature", "properties": {"name": name, **properties}, "geometry": geometry}


ISLAND = square(10.004, 20.004, 0.002)
A, B = feature("A", square(10.0, 20.0), ISLAND), feature("B", square(10.0, 20.01))
C, D = feature("C", square(10.01, 20.0)), feature("D", square(10.01, 20.01))
E, F = feature("E", square(10.5, 20.5)), feature("F", ISLAND)
CITY = [A, B, C, D, E, F]


def write(folder: Path, features: Any, name: str = "zones.geojson") -> Path:
    path = folder / name
    content = json.dumps({"type": "FeatureCollection", "features": features}).encode()
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    return path


@pytest.fixture
def city(tmp_path: Path) -> ZoneMap:
    return ZoneMap.from_file(write(tmp_path, CITY))


def fault(folder: Path, features: Any, name: str | None = None) -> list[str]:
    with pytest.raises(ConfigurationError) as error:
        ZoneMap.from_file(write(folder, features), name)
    return [str(found).removeprefix(f"{folder}/") for found in error.value.faults]


@pytest.mark.parametrize(
    "lat, lon, zone",
    [
        (10.001, 20.001, "A"),
        (10.005, 20.005, "F"),
        (10.005, 20.015, "B"),
        (10.505, 20.505, "E"),
        (10.3, 20.3, None),
        (20.005, 10.005, None),
    ],
)
def test_a_point_lies_in_the_zone_whose_polygon_holds_it(
    city: ZoneMap, lat: float, lon: float, zone: str | None
) -> None:
    assert city.zone_of(lat, lon) == zone


@pytest.mark.parametrize(
    "lat, lon, zone",
    [
        (10.005, 20.01, "A"),
        (10.01, 20.01, "A"),
        (10.01, 20.015, "B"),
        (10.02, 20.02, "D"),
        (10.004, 20.005, "A"),
    ],
    ids=["between A and B", "corner of four", "between B and D", "outer corner", "shore of the island"],
)
def test_a_point_on_a_border_lies_in_the_zone_with_the_least_name(
    tmp_path: Path, lat: float, lon: float, zone: str
) -> None:
    for features in (CITY, CITY[::-1]):
        assert ZoneMap.from_file(write(tmp_path, features)).zone_of(lat, lon) == zone


NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    "lat, lon",
    [
        (NAN, 20.0),
        (10.0, NAN),
        (INF, 20.0),
        (10.0, -INF),
        (90.1, 20.0),
        (10.0, -180.5),
        (None, 20.0),
        (10.0, None),
    ],
)
def test_what_is_no_place_on_the_globe_lies_in_no_zone(
    city: ZoneMap, lat: float | None, lon: float | None
) -> None:
    assert city.zone_of(lat, lon) is None
    assert city.zones_of([lat, 10.005], [lon, 20.015]) == [None, "B"]


def test_many_points_at_once_need_as_many_lats_as_lons(city: ZoneMap) -> None:
    with pytest.raises(ValueError, match=r"lats and lons must be as many \(got 2 and 1\)"):
        city.zones_of([1.0, 2.0], [1.0])


def test_no_points_lie_in_no_zones(city: ZoneMap) -> None:
    assert city.zones_of([], []) == []


GRID = ZoneMap(
    {
        one["properties"]["name"]: shapely.Polygon(*_shell)
        for one in CITY
        for _shell in [one["geometry"]["coordinates"][:1]]
    }
)


@given(
    st.lists(
        st.tuples(
            *[st.one_of(st.sampled_from([10.0, 10.01, 10.02, 10.004, NAN]), st.floats(9.99, 10.03))] * 2
        )
    )
)
def test_one_by_one_or_many_at_once_the_zones_are_the_same(points: Sequence[tuple[float, float]]) -> None:
    lats, lons = [lat for lat, _ in points], [lon + 10 for _, lon in points]
    assert GRID.zones_of(lats, lons) == [GRID.zone_of(lat, lon) for lat, lon in zip(lats, lons, strict=True)]


def test_points_asked_before_are_remembered_up_to_a_bound(
    city: ZoneMap, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zone_map, "_REMEMBERED", 2)
    points = [(10.001, 20.001), (10.005, 20.015), (10.015, 20.001), (10.001, 20.001)]
    assert [city.zone_of(*point) for point in points * 2] == ["A", "B", "C", "A"] * 2


def test_outlines_are_the_outer_rings_of_each_part(city: ZoneMap) -> None:
    rings = city.outlines()
    assert set(rings) == set(city.names)
    assert all(ring[0] == ring[-1] for parts in rings.values() for ring in parts)
    lon, lat = rings["A"][0][0]
    assert city.zone_of(lat, lon) is not None


def test_neighbours_touch_corners_included(city: ZoneMap) -> None:
    assert city.neighbours() == {
        "A": ("B", "C", "D", "F"),
        "B": ("A", "C", "D"),
        "C": ("A", "B", "D"),
        "D": ("A", "B", "C"),
        "E": (),
        "F": ("A",),
    }


def test_a_gap_of_a_metre_between_borders_is_none(tmp_path: Path) -> None:
    near, far = feature("near", square(10.0, 20.010009)), feature("far", square(10.0, 20.02003))
    neighbours = ZoneMap.from_file(write(tmp_path, [A, near, far])).neighbours()
    assert neighbours == {"A": ("near",), "near": ("A",), "far": ()}


def test_zones_may_be_gzipped_and_of_several_parts(tmp_path: Path) -> None:
    parts = {"type": "MultiPolygon", "coordinates": [[square(10.0, 20.0)], [square(10.5, 20.5)]]}
    path = write(tmp_path, [A | {"geometry": parts}], "zones.geojson.gz")
    zones = ZoneMap.from_file(path)
    assert (zones.zone_of(10.005, 20.005), zones.zone_of(10.505, 20.505)) == ("A", "A")


def test_a_third_coordinate_is_left_out(tmp_path: Path) -> None:
    ring = [[*point, 12.5] for point in square(10.0, 20.0)]
    assert ZoneMap.from_file(write(tmp_path, [feature("A", ring)])).zone_of(10.005, 20.005) == "A"


def test_a_ring_that_crosses_itself_is_repaired(tmp_path: Path) -> None:
    bow = [[20.0, 10.0], [20.01, 10.01], [20.01, 10.0], [20.0, 10.01], [20.0, 10.0]]
    zones = ZoneMap.from_file(write(tmp_path, [feature("A", bow)]))
    assert (zones.zone_of(10.005, 20.001), zones.zone_of(10.001, 20.005)) == ("A", None)


@pytest.mark.parametrize(
    "properties, wanted, name",
    [
        ({"name": "N"}, None, "N"),
        ({"zone": "Z", "name": "N"}, None, "Z"),
        ({"beat": "B4"}, None, "B4"),
        ({"name": "N", "beat": 4}, "beat", "4"),
        ({"name": "N", "beat": 4.0}, "beat", "4"),
        ({"name": " N "}, "name", "N"),
    ],
)
def test_which_property_names_the_zone(
    tmp_path: Path, properties: dict[str, Any], wanted: str | None, name: str
) -> None:
    path = write(tmp_path, [A | {"properties": properties}])
    assert ZoneMap.from_file(path, wanted).names == (name,)


def test_a_property_that_does_not_exist_is_refused_with_those_there_are(tmp_path: Path) -> None:
    assert fault(tmp_path, CITY, "nam") == [
        'zones.geojson has no property "nam" (there are: "name"); did you mean "name"?'
    ]
    assert fault(tmp_path, [A | {"properties": None}], "name") == [
        'zones.geojson has no property "name" (there are: none); its features have no properties'
    ]


def test_where_nothing_says_which_property_names_the_zone_it_must_be_said(tmp_path: Path) -> None:
    assert fault(tmp_path, [A | {"properties": {"beat": 1, "ward": 2}}]) == [
        'zones.geojson does not say which property names the zone (there are: "beat", "ward"); write FILE:PROPERTY'
    ]


def test_all_faults_of_the_features_are_said_at_once(tmp_path: Path) -> None:
    features = [
        A,
        A,
        feature(None, square(10.0, 20.0)),
        feature("unknown", square(10.0, 20.0)),
        feature(True, square(10.0, 20.0)),
        feature("G", [[20.0, 10.0], [20.01, 10.0]]),
        feature("H") | {"geometry": None},
        feature("I") | {"geometry": {"type": "Point", "coordinates": [20.0, 10.0]}},
        feature("J", [[20.0, 10.0], [20.01, 10.0], [20.0, 10.0], [20.0, 10.0]]),
        feature("K", square(1_900_000.0, 1_170_000.0, 5_000.0)),
        feature("L") | {"geometry": {"type": "Polygon"}},
        feature("M", [["a", "b"], ["c", "d"], ["e", "f"], ["a", "b"]]),  # type: ignore[list-item]
    ]
    said = fault(tmp_path, features)
    numbers = [found.split("feature ")[1].split(":")[0] for found in said[:-1]]
    assert numbers == ["3", "4", "5", "6", "7", "8", "9", "10", "11", "12"]
    for text, found in zip(
        [
            "name must be a text or a whole number (got None); name the zone",
            'name cannot be "unknown"; it stands for zones that are not in the file',
            "name must be a text or a whole number (got True)",
            "the geometry is broken (a linearring requires at least 4 coordinates.); export the file again",
            "the geometry is broken",
            "must be a Polygon or MultiPolygon (got Point); zones are areas",
            "the polygon is empty, or holds no area; export the file again",
            "coordinates must be degrees, lon before lat (got 1.17e+06, 1.9e+06); reproject the file to WGS 84 (EPSG:4326)",
            "the geometry is broken",
            "the geometry is broken",
            'zones.geojson has 2 features whose name is "A"; make them one MultiPolygon, or name another property',
        ],
        said,
        strict=True,
    ):
        assert text in found


@pytest.mark.parametrize("number", [INF, NAN, 180.5])
def test_coordinates_that_are_no_degrees_are_refused(tmp_path: Path, number: float) -> None:
    (found,) = fault(tmp_path, [feature("A", [[20.0, 10.0], [number, 10.0], [20.01, 10.01], [20.0, 10.0]])])
    assert "feature 1: coordinates must be degrees, lon before lat (got 20, 10); reproject" in found


def test_an_empty_polygon_is_refused(tmp_path: Path) -> None:
    (found,) = fault(tmp_path, [feature("A")])
    assert "feature 1: the polygon is empty, or holds no area; export the file again" in found


@pytest.mark.parametrize(
    "content, message",
    [
        (
            b"no json",
            "is no JSON (expecting value: line 1 column 1 (char 0)); zones are read from GeoJSON in UTF-8",
        ),
        (b"\xff\xfe", "is no JSON ('utf-8' codec can't decode byte 0xff"),
        (b"[" * 200_000, "is no JSON ("),
        (b"[]", 'is no GeoJSON FeatureCollection; its "features" must be a list of objects'),
        (b'{"features": [7]}', 'is no GeoJSON FeatureCollection; its "features" must be a list of objects'),
        (b'{"features": []}', "has no features; each zone needs a polygon"),
        (
            gzip.compress(b"{}" * 999)[:-9],
            "is damaged (compressed file ended before the end-of-stream marker was reached",
        ),
        (b"\x1f\x8bnonsense", "is damaged (unknown compression method); download it again"),
    ],
    ids=[
        "no JSON",
        "no UTF-8",
        "nested",
        "no collection",
        "no objects",
        "no features",
        "cut gzip",
        "no gzip",
    ],
)
def test_a_file_that_is_no_geojson_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "zones.geojson"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError) as error:
        ZoneMap.from_file(path)
    assert message in str(error.value)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigurationError, match=r"nowhere\.geojson cannot be read \(no such file or directory\); check"
    ):
        ZoneMap.from_option(f"{tmp_path}/nowhere.geojson:name")


@pytest.mark.parametrize(
    "text, path, name",
    [
        ("zones.geojson", "zones.geojson", None),
        ("zones.geojson.gz:beat", "zones.geojson.gz", "beat"),
        ("zones.geojson:", "zones.geojson", None),
        ("a:b/zones.geojson", "a:b/zones.geojson", None),
        ("C:\\zones.geojson", "C:\\zones.geojson", None),
        ("C:\\zones.geojson:beat", "C:\\zones.geojson", "beat"),
    ],
)
def test_the_option_names_a_file_and_maybe_a_property(text: str, path: str, name: str | None) -> None:
    assert ZoneFile.from_option(text) == (Path(path), name)


def test_a_colon_in_the_name_of_a_file_that_exists_stays_in_it(tmp_path: Path) -> None:
    path = write(tmp_path, CITY, "zones:new.geojson")
    assert ZoneFile.from_option(str(path)) == (path, None)
    assert ZoneMap.from_option(f"{path}:name").names == ("A", "B", "C", "D", "E", "F")


def test_an_incident_gets_the_zone_of_its_coordinates_and_loses_these(city: ZoneMap) -> None:
    said = Incident("1", "x", 0, lat=10.005, lon=20.015)
    assert with_zone(said, city.zone_of) == Incident("1", "x", 0, zone="B")


def test_an_incident_outside_all_polygons_lies_in_the_unknown_zone(city: ZoneMap) -> None:
    assert with_zone(Incident("1", "x", 0, lat=0.0, lon=0.0), city.zone_of) == Incident(
        "1", "x", 0, zone="unknown"
    )


@pytest.mark.parametrize(
    "said", [Incident("1", "x", 0, zone="Z", lat=10.005, lon=20.015), Incident("1", "x", 0, lat=10.0)]
)
def test_an_incident_with_a_zone_or_without_a_place_stays_as_it_is(city: ZoneMap, said: Incident) -> None:
    assert with_zone(said, city.zone_of) is said
