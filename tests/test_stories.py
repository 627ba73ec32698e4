"""Stories of alerts that a dispatcher could read (`tests/transcripts/*.toml`), each also with a restart at every step."""

from pathlib import Path

import pytest

from tests.stories import Story

STORIES = sorted((Path(__file__).parent / "transcripts").glob("alerts-*.toml"))


@pytest.mark.parametrize("restarts", [False, True], ids=["straight", "restarts"])
@pytest.mark.parametrize("path", STORIES, ids=lambda path: path.stem)
def test_story(path: Path, tmp_path: Path, *, restarts: bool) -> None:
    Story(path, tmp_path, restarts=restarts).play()


def play(text: str, folder: Path) -> None:
    path = folder / "story.toml"
    path.write_text(text, "utf-8")
    Story(path, folder, restarts=False).play()


def test_an_emission_nobody_expected_fails(tmp_path: Path) -> None:
    with pytest.raises(
        AssertionError, match=r"at 12:00: expected \[\], told \['\w{16} raised \(exceeded\) B04"
    ):
        play('[[step]]\ntick = "12:00"\nscores = [{}]\n', tmp_path)


def test_an_emission_between_steps_fails(tmp_path: Path) -> None:
    text = """
    [[step]]
    tick = "12:00"
    scores = [{}]
    alerts = [{ alert = "A" }]
    [[step]]
    tick = "12:01"
    scores = []
    [[step]]
    tick = "13:00"
    """
    with pytest.raises(AssertionError, match=r"at 12:31: expected \[\], told \['A cleared \(subsided\)"):
        play(text, tmp_path)


def test_an_expected_emission_that_does_not_come_fails(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match=r"told \[\]"):
        play('[[step]]\ntick = "12:00"\nalerts = [{ alert = "A" }]\n', tmp_path)


def test_wrong_words_fail(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="'10 burglaries' not in"):
        play(
            '[[step]]\ntick = "12:00"\nscores = [{}]\nalerts = [{ alert = "A", says = "10 burglaries" }]\n',
            tmp_path,
        )
