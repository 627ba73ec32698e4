"""Every command that the README shows is run, with the files that it shows."""

from pathlib import Path

import pytest

from tests.docs.pages import blocks_of, run, said

PAGE = "README.md"


def commands(kind: str) -> list[str]:
    """The commands of the blocks of a kind."""
    blocks = [block for block in blocks_of(PAGE) if block.kind == kind and not block.not_run]
    return [command for block in blocks for command in block.body.splitlines()]


def write_files(folder: Path) -> None:
    """The files the README shows."""
    for block in blocks_of(PAGE):
        if block.file:
            (folder / block.file).write_text(block.body)


def test_commands_that_need_no_broker_do_what_the_readme_says(tmp_path: Path) -> None:
    write_files(tmp_path)
    assert len(commands("sh")) >= 3
    for command in commands("sh"):
        done = run(command, tmp_path, {})
        assert done.returncode == 0, command + said(done)
    counts = (tmp_path / "out" / "window-counts.jsonl").read_text()
    assert '"crime_type":"burglary"' in counts
    assert '"crime_type":"assault"' not in counts  # it was cancelled


@pytest.mark.slow
def test_commands_on_kafka_do_what_the_readme_says(tmp_path: Path, kafka: str, topic_prefix: str) -> None:
    write_files(tmp_path)
    environment = {"VIGIL_BROKER": kafka, "VIGIL_TOPIC_PREFIX": topic_prefix, "VIGIL_WEB_PORT": "0"}
    assert "vigil worker" in commands("sh kafka")
    for command in commands("sh kafka"):
        if command != "vigil worker":  # it does not end by itself; tests/kafka runs it
            done = run(command, tmp_path, environment)
            assert done.returncode == 0, command + said(done)
