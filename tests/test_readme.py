"""Every command that the README shows is run, with the files that it shows."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

README = (Path(__file__).parent.parent / "README.md").read_text()
VIGIL = str(Path(sys.executable).parent / "vigil")
TIMEOUT_S = 120


def blocks(kind: str) -> list[list[str]]:
    """The commands of each code block of a kind."""
    return [
        block.strip().splitlines() for block in re.findall(rf"^```{kind}\n(.*?)^```", README, re.M | re.S)
    ]


def write_files(folder: Path) -> None:
    """The files the README shows."""
    for name, body in re.findall(r"<!-- file: (\S+) -->\n```\w+\n(.*?)```", README, re.S):
        (folder / name).write_text(body)


def run(command: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run one `vigil …` line."""
    words = command.split("  #", maxsplit=1)[0].split()
    assert words[0] == "vigil"
    return subprocess.run(
        [VIGIL, *words[1:]],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )


def test_commands_that_need_no_broker_do_what_the_readme_says(tmp_path: Path) -> None:
    write_files(tmp_path)
    commands = [command for block in blocks("sh") for command in block]
    assert len(commands) >= 3
    for command in commands:
        done = run(command, tmp_path)
        assert done.returncode == 0, f"{command}: {done.stderr}"
    counts = (tmp_path / "out" / "window-counts.jsonl").read_text()
    assert '"crime_type":"burglary"' in counts
    assert '"crime_type":"assault"' not in counts  # it was cancelled


@pytest.mark.slow
def test_commands_on_kafka_do_what_the_readme_says(tmp_path: Path, kafka: str, topic_prefix: str) -> None:
    write_files(tmp_path)
    environment = {"VIGIL_BROKER": kafka, "VIGIL_TOPIC_PREFIX": topic_prefix, "VIGIL_WEB_PORT": "0"}
    commands = [command for block in blocks("sh kafka") for command in block]
    assert "vigil worker" in commands
    for command in commands:
        if command != "vigil worker":  # it does not end by itself; tests/kafka runs it
            done = run(command, tmp_path, **environment)
            assert done.returncode == 0, f"{command}: {done.stderr}"
