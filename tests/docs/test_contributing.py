"""The worked examples for contributors work as they stand, in a copy of the sources; commands do what is said."""

import shutil
import sys
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, Block, blocks_of, run, said

PAGE = "CONTRIBUTING.md"
COPIED = ("streams", "schemas", "tests", "pyproject.toml", "deploy")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The sources once more, for examples to change."""
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", "*.orig"))
        else:
            shutil.copy(source, tmp_path / name)
    return tmp_path


def in_copy(script: str) -> str:
    """The same commands, with the modules of the copy instead of those that are installed."""
    pytest_here = f"{sys.executable} -m pytest -p no:cacheprovider"
    vigil_here = f"{sys.executable} -m streams.cli.main"
    return script.replace("pytest", pytest_here, 1).replace("vigil ", f"{vigil_here} ", 1)


@pytest.mark.slow
def test_worked_examples_work_as_they_stand(copy: Path) -> None:
    environ = {"PYTHONPATH": str(copy)}
    where = run(f"{sys.executable} -c 'import streams; print(streams.__file__)'", copy, environ)
    assert where.stdout.startswith(str(copy)), said(where)
    ran = 0
    for block in blocks_of(PAGE):
        if block.file:
            (copy / block.file).write_text(block.body)
            if block.kind == "diff":
                done = run(f"patch --batch --no-backup-if-mismatch -p1 < {block.file}", copy, {})
                assert done.returncode == 0, said(done)
        elif block.kind.startswith("sh in-copy"):
            done = run(in_copy(block.body), copy, environ)
            assert done.returncode == (1 if block.kind.endswith("exit-1") else 0), block.body + said(done)
            ran += 1
    assert ran == 4
    checked = run(in_copy("vigil check calls.csv --source oakdale"), copy, environ)
    assert "B04, burglary" in checked.stdout, said(checked)
    assert "1 of 4 would be dead letters" in checked.stdout


def commands() -> list[Block]:
    return [block for block in blocks_of(PAGE) if block.kind == "sh" and not block.not_run]


@pytest.mark.slow
@pytest.mark.parametrize("block", [pytest.param(block, id=block.body.split("\n")[0]) for block in commands()])
def test_command_does_what_the_page_says(block: Block) -> None:
    done = run(block.body, ROOT, {})
    assert done.returncode == 0, block.body + said(done)


def test_blocks_that_are_not_run_say_why() -> None:
    skipped = [block for block in blocks_of(PAGE) if block.not_run]
    assert [block.not_run for block in skipped] == [
        "a test that runs all tests would run itself",
        "it downloads 126 MB, or needs a broker of yours",
    ]
    assert len(commands()) == 3


def test_limits_of_the_page_are_those_that_are_checked() -> None:
    from tests import test_house_rules as rules  # noqa: PLC0415

    text = " ".join((ROOT / PAGE).read_text().split())
    assert f"at most {rules.MAX_MODULE_LINES} lines" in text
    assert f"a function {rules.MAX_FUNCTION_LINES} without its docstring" in text
