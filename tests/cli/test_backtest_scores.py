"""`vigil backtest scores`: what a benchmark's evaluation reads, and that nothing after its time is in a score."""

import csv
import gzip
from pathlib import Path

import numpy as np
import pytest

from tests.cli.conftest import Vigil

ZONES = "zone,x,y,neighbours\n0,0,0,1\n1,1,0,0 2\n2,2,0,1\n"
DAY = 24 * 60


def events(days: int, surge: int | None = None, seed: int = 1) -> list[tuple[int, int, str]]:
    """Two types in three zones, and nine thefts in zone 1 from minute `surge` on."""
    rng = np.random.default_rng(seed)
    found = []
    for zone in range(3):
        for kind, per_day in (("theft", 9.0), ("drugs", 3.0)):
            n = rng.poisson(per_day * days)
            found += [(int(minute), zone, kind) for minute in rng.integers(0, days * DAY, n)]
    if surge is not None:
        found += [(surge + 5 * i, 1, "theft") for i in range(9)]
    return sorted(found)


def written(folder: Path, rows: list[tuple[int, int, str]], name: str = "events.csv.gz") -> Path:
    (folder / "zones.csv").write_text(ZONES)
    path = folder / name
    with gzip.open(path, "wt") as file:
        file.write("minute,zone,type\n" + "".join(f"{m},{z},{t}\n" for m, z, t in rows))
    return path


def hourly(vigil: Vigil, folder: Path, rows: list[tuple[int, int, str]]) -> dict[tuple[int, str, str], float]:
    path = written(folder, rows)
    said = vigil(
        *("backtest", "scores", "--design", "hourly", "--events", str(path)),
        *("--zones", str(folder / "zones.csv"), "--out", str(folder / "scores.csv")),
    )
    assert said.code == 0, said.err
    with (folder / "scores.csv").open() as file:
        table = csv.reader(file)
        assert next(table) == ["hour", "zone", "type", "score"]
        return {(int(hour), zone, kind): float(score) for hour, zone, kind, score in table}


def test_a_surge_has_the_largest_score_of_its_hours(vigil: Vigil, tmp_path: Path) -> None:
    scores = hourly(vigil, tmp_path, events(20, surge=18 * DAY + 600))
    hour, zone, kind = max(scores, key=lambda cell: scores[cell])
    assert (zone, kind) == ("1", "theft")
    assert hour in range(18 * 24 + 10, 18 * 24 + 13)


def test_scores_see_nothing_after_their_hour(vigil: Vigil, tmp_path: Path) -> None:
    rows = events(12, surge=8 * DAY + 600)
    cut = (8 * 24 + 11) * 60
    whole = hourly(vigil, tmp_path, rows)
    part = hourly(vigil, tmp_path, [row for row in rows if row[0] < cut])
    assert part
    assert part == {cell: score for cell, score in whole.items() if cell[0] < cut // 60}


def test_types_that_follow_patrols_are_scored_too(vigil: Vigil, tmp_path: Path) -> None:
    surge = [(8 * DAY + 600 + 4 * i, 2, "drugs") for i in range(9)]
    scores = hourly(vigil, tmp_path, sorted(events(10) + surge))
    assert max(scores, key=lambda cell: scores[cell])[1:] == ("2", "drugs")


def weekly_file(folder: Path, weeks: int = 120) -> Path:
    rng = np.random.default_rng(4)
    path = folder / "weekly.csv"
    lines = ["scenario,rep,week,base,past,cur"]
    for rep in (1, 2):
        for week, n in enumerate(rng.poisson(5.0, weeks), start=1):
            lines.append(
                f"7,{rep},{week},{n},{3 if week == 40 else 0},{25 if rep == 2 and week == 110 else 0}"
            )
    path.write_text("\n".join(lines) + "\n")
    return path


def test_weekly_scores_are_those_of_the_last_weeks_without_and_with_the_outbreak(
    vigil: Vigil, tmp_path: Path
) -> None:
    out = tmp_path / "made" / "scores.csv"
    series = weekly_file(tmp_path)
    said = vigil("backtest", "scores", "--design", "weekly", "--series", str(series), "--out", str(out))
    assert said.code == 0, said.err
    rows = list(csv.DictReader(out.read_text().splitlines()))
    assert list(rows[0]) == ["scenario", "rep", "week", "score_without", "score_with"]
    assert [int(row["week"]) for row in rows if row["rep"] == "1"] == list(range(72, 121))
    assert all(row["score_without"] == row["score_with"] for row in rows if row["rep"] == "1")
    struck = {int(row["week"]): row for row in rows if row["rep"] == "2"}
    assert all(row["score_without"] == row["score_with"] for week, row in struck.items() if week < 110)
    assert float(struck[110]["score_with"]) > float(struck[110]["score_without"]) + 3


@pytest.mark.parametrize(
    "options, code, message",
    [
        pytest.param(["--design", "hourly"], 2, "this design needs --events FILE", id="no events"),
        pytest.param(["--design", "weekly"], 2, "this design needs --series FILE", id="no series"),
        pytest.param(
            ["--design", "daily"], 2, "'daily' is not one of 'hourly', 'weekly'", id="no such design"
        ),
    ],
)
def test_wrong_use_says_what_is_needed(
    vigil: Vigil, tmp_path: Path, options: list[str], code: int, message: str
) -> None:
    said = vigil("backtest", "scores", *options, "--out", str(tmp_path / "s.csv"))
    assert said.code == code
    assert message in said.err


@pytest.mark.parametrize(
    "name, text, message",
    [
        pytest.param(
            "events.csv",
            "minute,zone\n1,2\n",
            'events.csv:1: there is no column "type" (got minute, zone)',
            id="column",
        ),
        pytest.param("events.csv", "", 'there is no column "minute" (got an empty file)', id="empty"),
        pytest.param(
            "events.csv",
            "minute,zone,type\nnoon,1,theft\n",
            'events.csv:2: minute must be a whole number from 0 on (got "noon")',
            id="no number",
        ),
        pytest.param(
            "events.csv",
            "minute,zone,type\n1,1\n",
            "events.csv:2: 2 columns, where the first line has 3",
            id="short row",
        ),
        pytest.param(
            "events.csv", "minute,zone,type\n1,9,theft\n", 'zone "9" has no row in', id="unknown zone"
        ),
        pytest.param(
            "zones.csv",
            "zone,neighbours\n0,1 7\n1,0\n",
            'zones.csv:2: neighbour "1" is no zone of this file'.replace('"1"', '"7"'),
            id="unknown neighbour",
        ),
        pytest.param("events.csv", "\x1f\x8bnothing", "is no CSV in UTF-8, gzipped or not", id="broken gzip"),
    ],
)
def test_files_that_cannot_be_used_are_named_with_line_and_column(
    vigil: Vigil, tmp_path: Path, name: str, text: str, message: str
) -> None:
    (tmp_path / "zones.csv").write_text(ZONES)
    (tmp_path / "events.csv").write_text("minute,zone,type\n1,1,theft\n")
    (tmp_path / name).write_bytes(text.encode("latin-1"))
    said = vigil(
        *("backtest", "scores", "--design", "hourly", "--events", str(tmp_path / "events.csv")),
        *("--zones", str(tmp_path / "zones.csv"), "--out", str(tmp_path / "s.csv")),
    )
    assert said.code == 1
    assert message in said.err


def test_a_series_that_lacks_weeks_is_named(vigil: Vigil, tmp_path: Path) -> None:
    series = tmp_path / "w.csv"
    series.write_text("scenario,rep,week,base,past,cur\n1,1,1,0,0,0\n1,1,2,0,0,0\n1,2,1,0,0,0\n")
    said = vigil(
        "backtest", "scores", "--design", "weekly", "--series", str(series), "--out", str(tmp_path / "s")
    )
    assert said.code == 1
    assert "scenario 1, repetition 2 has no week 2; others have" in said.err
