"""Which Vigil this is."""

from importlib.metadata import PackageNotFoundError

import pytest

from streams.settings.version import installed_version


def test_installed_version_is_that_of_the_package() -> None:
    assert installed_version()[0].isdigit()


def test_source_that_is_not_installed_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: str) -> str:
        raise PackageNotFoundError

    monkeypatch.setattr("streams.settings.version.version", refuse)
    assert installed_version() == "0+source"
