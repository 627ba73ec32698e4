"""`vigil replay` on files with what cities write into them."""

import json
import subprocess
import sys
from pathlib import Path

VIGIL = str(Path(sys.executable).parent / "vigil")

MAPPING = """
jurisdiction = "springfield"
time_zone = "UTC"
[columns]
id = ["Case"]
reported_at = "Reported"
type = ["Nature"]
zone = "Beat"
[types]
"BURG" = "burglary"
"""


def run(folder: Path) -> "subprocess.CompletedProcess[str]":
    """The command on the folder's `calls.csv`."""
    command = [VIGIL, "replay", "calls.csv", "--source", "mapping.toml", "--out", "out"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)


def replay(folder: Path, rows: str) -> list[dict[str, object]]:
    """The window counts of a few rows; what was said to a person is in said.txt."""
    (folder / "mapping.toml").write_text(MAPPING)
    (folder / "calls.csv").write_text("Case,Reported,Nature,Beat\n" + rows)
    done = run(folder)
    assert done.returncode == 0, done.stderr
    (folder / "said.txt").write_text(done.stdout + done.stderr)
    return [json.loads(line) for line in (folder / "out" / "window-counts.jsonl").read_text().splitlines()]


def test_a_code_that_is_not_mapped_counts_as_other_and_is_named_in_the_summary(tmp_path: Path) -> None:
    counts = replay(tmp_path, "1,2026-03-02 21:14:05,NOISE,B04\n")
    assert {record["crime_type"] for record in counts} == {"other"}
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert list(summary["source"]["unmapped"].values()) == [1]


def test_a_zone_that_is_called_like_the_whole_city_is_no_known_zone(tmp_path: Path) -> None:
    counts = replay(tmp_path, "1,2026-03-02 21:14:05,BURG,*\n")
    assert {record["zone"] for record in counts} == {"unknown"}


def test_a_person_is_told_of_incidents_that_no_zone_was_found_for(tmp_path: Path) -> None:
    counts = replay(
        tmp_path, "1,2026-03-02 21:14:05,BURG,\n1,2026-03-02 21:14:05,BURG,\n2,2026-03-02 21:20:00,BURG,B04\n"
    )
    assert {record["zone"] for record in counts} == {"unknown", "B04"}
    said = (tmp_path / "said.txt").read_text()
    assert "1 incidents that no zone was found for (counted in unknown)" in said
    assert "messages without a zone" not in said


def test_a_silence_of_six_years_costs_nothing(tmp_path: Path) -> None:
    rows = "1,2020-01-01 00:00:00,BURG,B04\n2,2026-03-02 21:14:05,BURG,B04\n"
    counts = replay(tmp_path, rows)
    assert {str(record["at"])[:10] for record in counts} >= {"2020-01-01", "2026-03-02"}


def test_heartbeats_are_no_events(tmp_path: Path) -> None:
    replay(tmp_path, "1,2026-03-02 21:14:05,BURG,B04\n2,2026-03-02 21:15:05,BURG,B04\n3,soon,BURG,B04\n")
    assert "\nreplaying: 3 events in " in run(tmp_path).stderr


def test_a_file_of_random_bytes_is_refused_with_one_fault(tmp_path: Path) -> None:
    (tmp_path / "mapping.toml").write_text(MAPPING)
    (tmp_path / "calls.csv").write_bytes(b"\x8f\x1b[2J\x85,\xc2\x85\x0c\n" + bytes(range(1, 256)))
    done = run(tmp_path)
    assert (done.returncode, done.stderr) == (
        2,
        "vigil: calls.csv is no text, or none in UTF-8; CSV or JSON in UTF-8 is needed, gzipped or not\n",
    )
