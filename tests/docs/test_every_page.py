"""Every command that a page shows is run by a test, or is marked as not run, with the reason."""

import re

import click
import pytest

from streams.cli.main import cli
from streams.cli.registry import COMMANDS
from tests.docs.pages import ROOT, blocks_of
from tests.test_house_rules import name_of, tracked

RUN_BY = {
    "README.md": ("tests/test_readme.py", {"sh", "sh kafka"}),
    "CONTRIBUTING.md": ("tests/docs/test_contributing.py", {"sh", "sh in-copy", "sh in-copy exit-1"}),
    "docs/operating.md": ("tests/docs/test_operating.py", {"sh worker", "sh worker exit-1"}),
    "docs/publishing.md": ("tests/docs/test_publishing.py", {"sh", "sh exit-1", "sh dead-letters"}),
    "docs/upgrade.md": ("tests/docs/test_upgrade.py", {"sh", "sh worker", "sh worker trial.", "sh refused"}),
}
"""Page with commands → the test that runs them, and the kinds of blocks that it knows."""

COMMAND = re.compile(
    r"^\s*(?:\$ )?(?:[A-Z_]+=\S+ )*(?:vigil|make|docker|kcat|curl|pytest|python|kafka-\S+\.sh) ", re.M
)
PAGES = [name_of(path) for path in tracked("*.md")]


def outside_of_blocks(page: str) -> str:
    return re.sub(r"^( *)```.*?^\1```$", "", (ROOT / page).read_text(), flags=re.M | re.S)


@pytest.mark.parametrize("page", PAGES)
def test_page_with_commands_has_a_test_that_runs_them(page: str) -> None:
    kinds = {block.kind for block in blocks_of(page) if block.kind.startswith("sh") and not block.not_run}
    if kinds:
        test, run = RUN_BY[page]
        assert kinds == run
        assert f'PAGE = "{page}"' in (ROOT / test).read_text()


@pytest.mark.parametrize("page", PAGES)
def test_commands_stand_in_blocks_that_are_run_or_say_why_not(page: str) -> None:
    assert COMMAND.findall(outside_of_blocks(page)) == []
    for block in blocks_of(page):
        if COMMAND.search(block.body):
            assert block.kind.startswith("sh") or block.file, (
                f"{page}: {block.body[:80]} is in no block of commands"
            )
        if block.not_run is not None:
            assert len(block.not_run) > 20, f"{page}: {block.not_run}: says no reason"


@pytest.mark.parametrize("page", PAGES)
def test_commands_that_a_page_speaks_of_exist(page: str) -> None:
    """With their options: `vigil alerts --follow` in the middle of a sentence is not run, but must be there."""
    for words in re.findall(r"`vigil ([^`]+)`", (ROOT / page).read_text()):
        name, *others = words.split()
        if name.startswith("-"):
            assert name in {"--version", "--help", "-c"}
            continue
        assert name in COMMANDS, words
        command = cli.get_command(click.Context(cli), name)
        while isinstance(command, click.Group) and others:
            command = command.get_command(click.Context(command), others.pop(0))
        assert command is not None, words
        known = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in others if word.startswith("-")} <= known, words
