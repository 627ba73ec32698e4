"""`vigil replay` of the cities' own files: every number at every tick is what the definition says.

The accepted messages are read from the files a second time, row by row (`plainly.py`), so a fault of an adapter is
found as well as one of the counting.
"""

import csv
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.city import plainly
from tests.city.plainly import Row, ZoneOf
from tests.oracle_bridge import load_oracle, ms, said_by

WINDOWS = {"15m": 900_000, "1h": 3_600_000, "6h": 21_600_000, "24h": 86_400_000, "7d": 604_800_000}
OUTPUTS = ("window-counts", "alerts", "kpis", "dead-letters", "late-events")

# Alone on two cores the largest takes some 20 s; a machine that is shared has no even pace.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


class City(NamedTuple):
    """A source, its file, its polygons, and how its rows are read plainly."""

    source: str
    file: str
    zones: tuple[str, str]
    plainly: Callable[[list[Row], ZoneOf], Iterator[Any]]
    label: str  # the column that names the zone


FIRE = City(
    "sffd",
    "sffd_calls_2016-12-31_2017-01-07.csv.gz",
    ("sf_analysis_neighborhoods.geojson.gz", "name"),
    plainly.fire,
    "Neighborhood  District",
)
POLICE = City(
    "sfpd",
    "sfpd_incidents_2018-12.csv.gz",
    ("sf_analysis_neighborhoods.geojson.gz", "name"),
    plainly.police,
    "Analysis Neighborhood",
)
CRIMES = City(
    "chicago",
    "chicago_crimes_2018-01-01_2018-08-08.csv.gz",
    ("chicago_community_areas.geojson.gz", "community_area"),
    plainly.crimes,
    "community_area",
)
CITIES = [FIRE, POLICE, CRIMES]
each_city = pytest.mark.parametrize("city", CITIES, ids=[city.source for city in CITIES])


def replay(path: Path, source: str, out: Path, *options: str, seed: str = "0") -> dict[str, Any]:
    """Run the command as a user does; its summary."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("VIGIL_")}
    command = [sys.executable, "-m", "streams.cli.main", "replay", str(path), "--source", source]
    done = subprocess.run(
        [*command, "--out", str(out), *options],
        env={**environment, "PYTHONHASHSEED": seed},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    summary: dict[str, Any] = json.loads((out / "summary.json").read_text())
    return summary


def records(out: Path, name: str) -> Iterator[dict[str, Any]]:
    with (out / f"{name}.jsonl").open(encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def differences(out: Path, messages: Iterator[Any], until: str) -> list[Any]:
    """Every (cell, tick, said, true) up to the last tick where the records and the definition disagree."""
    oracle = load_oracle()
    true = oracle.truth(messages, WINDOWS, 60_000)
    found: list[Any] = oracle.differences(said_by(records(out, "window-counts")), true, WINDOWS, ms(until))
    return found


def some_rows(city: City, city_data: Path, path: Path, most: int, every: int) -> list[Row]:
    """The first rows of a city's file as a file of its own, every so many-th without the name of its zone."""
    rows = [dict(row) for row in plainly.rows_of(city_data / city.file)[:most]]
    for row in rows[::every]:
        row[city.label] = ""
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return list(rows)


@each_city
def test_every_count_at_every_tick_is_what_the_file_says(city_data: Path, tmp_path: Path, city: City) -> None:
    summary = replay(city_data / city.file, city.source, tmp_path)
    rows = plainly.rows_of(city_data / city.file)
    assert summary["rows"] == len(rows)
    assert summary["records"]["dead-letters"] == summary["records"]["late-events"] == 0
    assert differences(tmp_path, city.plainly(rows, plainly.nowhere), summary["last_tick"]) == []


@each_city
def test_last_tick_is_the_first_pane_end_after_the_last_message(
    city_data: Path, tmp_path: Path, city: City
) -> None:
    path = tmp_path / "rows.csv"
    rows = some_rows(city, city_data, path, most=200, every=1000)
    summary = replay(path, city.source, tmp_path)
    last = max(message.updated_at for message in city.plainly(rows, plainly.nowhere))
    if city is FIRE:  # dispatches are messages too
        last = max(
            plainly.instant(text, "%m/%d/%Y %I:%M:%S %p", "America/Los_Angeles")
            for row in rows
            for title, text in row.items()
            if title.endswith("DtTm") and title != "Entry DtTm" and text
        )
    assert ms(summary["last_tick"]) == (last // 60_000 + 1) * 60_000


@pytest.mark.parametrize("city, named", [(FIRE, False), (CRIMES, True)], ids=["sffd", "chicago"])
def test_rows_without_a_label_count_where_the_polygons_say(
    city_data: Path, tmp_path: Path, city: City, *, named: bool
) -> None:
    path, (zones, name) = tmp_path / "rows.csv", city.zones
    rows = some_rows(city, city_data, path, most=4_000, every=3)
    option = f"{city_data / zones}:{name}" if named else str(city_data / zones)
    summary = replay(path, city.source, tmp_path, "--zones", option)
    zone_of = plainly.polygons(city_data / zones, name)
    expected = partial(city.plainly, rows, zone_of)
    found = {message.zone for message in expected()}
    assert len(found - {"unknown"}) > 35, "the polygons placed hardly any"
    assert differences(tmp_path, expected(), summary["last_tick"]) == []


def test_police_reports_do_not_count_where_their_coordinates_lie(city_data: Path, tmp_path: Path) -> None:
    """Their coordinates are those of intersections, on borders: a report without a label is `unknown`."""
    path = tmp_path / "rows.csv"
    rows = some_rows(POLICE, city_data, path, most=2_000, every=3)
    zones = str(city_data / POLICE.zones[0])
    summary = replay(path, "sfpd", tmp_path, "--zones", zones)
    assert differences(tmp_path, plainly.police(rows), summary["last_tick"]) == []


@each_city
def test_same_rows_give_the_same_bytes_whatever_their_order(
    city_data: Path, tmp_path: Path, city: City
) -> None:
    """Another seed of hashes, and another order of rows: every file is the same, byte by byte."""
    path, turned = tmp_path / "rows.csv", tmp_path / "turned.csv"
    rows = some_rows(city, city_data, path, most=2_500, every=10)
    with turned.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, list(rows[0]))
        writer.writeheader()
        writer.writerows(reversed(rows))
    one, same, other = tmp_path / "one", tmp_path / "same", tmp_path / "other"
    replay(path, city.source, one, seed="0")
    replay(path, city.source, same, seed="1")
    replay(turned, city.source, other, seed="2")
    for name in (*(f"{name}.jsonl" for name in OUTPUTS), "summary.json"):
        assert (one / name).read_bytes() == (same / name).read_bytes(), name
    assert said_by(records(one, "window-counts")) == said_by(records(other, "window-counts"))
