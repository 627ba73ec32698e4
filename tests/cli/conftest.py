from collections.abc import Callable
from typing import NamedTuple

import pytest

from streams.cli.main import run


class Said(NamedTuple):
    """What a call of `vigil` said."""

    code: int
    out: str
    err: str


Vigil = Callable[..., Said]


@pytest.fixture
def vigil(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Vigil:
    """Call `vigil` in this process; variables of the person who runs the tests are left out."""
    for name in (
        "VIGIL_CONFIG",
        "VIGIL_BROKER",
        "VIGIL_WEB_PORT",
        "VIGIL_WEB_BIND",
        "VIGIL_TOPIC_PREFIX",
        "NO_COLOR",
    ):
        monkeypatch.delenv(name, raising=False)

    def call(*arguments: str) -> Said:
        code = run(arguments)
        said = capsys.readouterr()
        return Said(code, said.out, said.err)

    return call
