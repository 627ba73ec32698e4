"""`vigil backtest`: a small history with a planted surge, its report and its numbers."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from tests.cli.conftest import Vigil

MAPPING = """
jurisdiction = "springfield"
time_zone = "America/Chicago"
[columns]
id = ["Case"]
reported_at = "Reported"
type = ["Nature"]
zone = "Beat"
[types]
"BURG" = "burglary"
"THEFT" = "larceny"
"DRUG" = "drugs"
"""
START = datetime(2026, 3, 1, tzinfo=UTC).replace(tzinfo=None)
DAYS = 40
SURGE = START + timedelta(days=33, hours=14)
POLYGONS = {
    "type": "FeatureCollection",
    "features": [
        {
            "type": "Feature",
            "properties": {"beat": f"B{i}"},
            "geometry": {
                "type": "Polygon",
                "coordinates": [[[i, 0], [i + 1, 0], [i + 1, 1], [i, 1], [i, 0]]],
            },
        }
        for i in range(4)
    ],
}


def history(folder: Path) -> None:
    """Forty days of four beats, with eleven burglaries in B2 within an hour and a half."""
    rng = np.random.default_rng(8)
    rows = [
        (START + timedelta(minutes=int(minute)), nature, f"B{beat}")
        for nature, per_day in (("BURG", 1.5), ("THEFT", 6.0), ("DRUG", 2.0))
        for beat in range(4)
        for minute in rng.integers(0, DAYS * 1440, rng.poisson(per_day * DAYS))
    ]
    rows += [(SURGE + timedelta(minutes=8 * i), "BURG", "B2") for i in range(11)]
    lines = [
        f"{i},{at:%Y-%m-%d %H:%M:%S},{nature},{beat}" for i, (at, nature, beat) in enumerate(sorted(rows))
    ]
    (folder / "calls.csv").write_text("Case,Reported,Nature,Beat\n" + "\n".join(lines) + "\n")
    (folder / "mapping.toml").write_text(MAPPING)
    (folder / "beats.geojson").write_text(json.dumps(POLYGONS))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("city")
    history(folder)
    return folder


def backtest(vigil: Vigil, folder: Path, out: str, *options: str) -> tuple[str, dict[str, object]]:
    said = vigil(
        *("backtest", str(folder / "calls.csv"), "--source", str(folder / "mapping.toml")),
        *("--out", str(folder / out), *options),
    )
    assert said.code == 0, said.err
    assert "report.html" in said.err
    report = (folder / out / "report.html").read_text()
    return report, json.loads((folder / out / "report.json").read_text())


@pytest.mark.slow
def test_a_planted_surge_is_the_rarest_episode_and_told_on_its_day(vigil: Vigil, folder: Path) -> None:
    report, numbers = backtest(
        vigil, folder, "with-zones", "--zones", f"{folder / 'beats.geojson'}:beat", "--budget", "0.5"
    )
    assert numbers["city"] == "springfield"
    assert numbers["budget_per_day"] == 0.5
    assert numbers["days"] == DAYS
    assert numbers["days_of_learning"] == 14
    rarest = numbers["rarest"]
    assert isinstance(rarest, list)
    assert (rarest[0]["zones"], rarest[0]["crime_type"], rarest[0]["rule"]) == (["B2"], "burglary", "surge")
    raised = datetime.fromisoformat(rarest[0]["raised_at"]).replace(tzinfo=None)
    assert timedelta(0) < raised - (SURGE + timedelta(hours=5)) < timedelta(hours=1)  # CDT
    assert not rarest[0]["learning"]
    assert rarest[0]["observed"] >= 8
    assert "burglary in zone B2" in report
    assert "11 burglary incidents in zone B2" in report


@pytest.mark.slow
def test_the_report_is_one_file_with_its_figures_inside(vigil: Vigil, folder: Path) -> None:
    report, numbers = backtest(vigil, folder, "alone", "--zones", f"{folder / 'beats.geojson'}:beat")
    sources = re.findall(r'src="([^"]*)"', report)
    assert len(sources) >= 6
    assert all(source.startswith("data:image/png;base64,") for source in sources)
    assert "<script" not in report
    assert "http" not in re.sub(r'src="[^"]*"', "", report)
    assert "Backtest of springfield" in report
    assert set(numbers) >= {"calibration", "first_of_month", "full_hour", "zones", "alerts_by_day", "alerts"}


@pytest.mark.slow
def test_zones_without_polygons_are_drawn_as_tiles(vigil: Vigil, folder: Path) -> None:
    report, numbers = backtest(vigil, folder, "tiles")
    zones = numbers["zones"]
    assert isinstance(zones, dict)
    assert set(zones) == {"B0", "B1", "B2", "B3"}
    assert report.count("data:image/png") >= 6


@pytest.mark.slow
def test_types_that_follow_patrols_are_no_part_of_the_numbers(vigil: Vigil, folder: Path) -> None:
    _, numbers = backtest(vigil, folder, "types")
    rows = (folder / "calls.csv").read_text().splitlines()[1:]
    assert numbers["incidents"] == sum("DRUG" not in row for row in rows)


@pytest.mark.slow
def test_the_same_history_gives_the_same_numbers(vigil: Vigil, folder: Path) -> None:
    assert backtest(vigil, folder, "once") == backtest(vigil, folder, "again")


def test_a_file_without_a_usable_event_is_said_to_be_one(vigil: Vigil, folder: Path) -> None:
    (folder / "none.csv").write_text("Case,Reported,Nature,Beat\n1,soon,BURG,B2\n")
    said = vigil(
        *("backtest", str(folder / "none.csv"), "--source", str(folder / "mapping.toml")),
        *("--out", str(folder / "none")),
    )
    assert said.code == 1
    assert "could be used; vigil check says why" in said.err


def test_an_hour_of_history_is_a_report_without_alerts(vigil: Vigil, folder: Path) -> None:
    (folder / "short.csv").write_text("Case,Reported,Nature,Beat\n1,2026-03-01 10:00:00,BURG,B2\n")
    said = vigil(
        *("backtest", str(folder / "short.csv"), "--source", str(folder / "mapping.toml")),
        *("--out", str(folder / "short")),
    )
    assert said.code == 0, said.err
    numbers = json.loads((folder / "short" / "report.json").read_text())
    assert (numbers["alerts"], numbers["days"]) == ({}, 1)
    assert "No alert named a zone." in (folder / "short" / "report.html").read_text()


def test_options_of_every_command_may_stand_before_the_name_of_another_one(vigil: Vigil) -> None:
    assert vigil("backtest", "--plain", "scores", "--help").out.startswith("Usage: vigil backtest scores")
    assert vigil("backtest", "--plain", "--help").out.startswith("Usage: vigil backtest [OPTIONS] FILE...")


def test_a_budget_of_nothing_is_refused(vigil: Vigil, folder: Path) -> None:
    said = vigil(
        *("backtest", str(folder / "calls.csv"), "--source", str(folder / "mapping.toml")),
        *("--out", str(folder / "no"), "--budget", "0"),
    )
    assert said.code == 2
    assert "0.001<=x<=1000" in said.err
