"""`vigil worker`: settings in, exit code out; what it runs is tested with the app."""

import sys
from types import ModuleType

import pytest

from streams.settings import ConfigurationError, Fault, Settings
from tests.cli.conftest import Vigil

FAILURES = {
    name: type(name, (Exception,), {}) for name in ("TakeOverFailed", "SendFailed", "TooManyDeadLetters")
}
FAILURE = ("the log is gone",)


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> list[Settings]:
    """A worker that ends at once with the code in its group id; the settings it was run with."""
    ran: list[Settings] = []

    def run_worker(settings: Settings) -> int:
        ran.append(settings)
        if settings.group_id == "faulty":
            raise ConfigurationError([Fault("topic incidents", "", "is missing", "run: vigil topics apply")])
        if settings.group_id in FAILURES:
            raise FAILURES[settings.group_id](*FAILURE)
        return int(settings.group_id) if settings.group_id.isdigit() else 0

    module = ModuleType("streams.app")
    for name, value in {"run_worker": run_worker, **FAILURES}.items():
        setattr(module, name, value)
    monkeypatch.setitem(sys.modules, "streams.app", module)
    return ran


def test_worker_runs_with_the_settings_in_force(vigil: Vigil, app: list[Settings]) -> None:
    assert vigil("worker") == (0, "", "")
    assert app == [Settings()]


def test_port_on_the_command_line_wins(
    vigil: Vigil, app: list[Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIGIL_WEB_PORT", "1")
    assert vigil("worker", "--web-port", "0").code == 0
    assert app[0].web.port == 0


def test_fault_on_the_command_line_names_it(vigil: Vigil, app: list[Settings]) -> None:
    said = vigil("worker", "--web-port", "99999")
    assert said == (
        2,
        "",
        "vigil: command line: web.port must be a whole number from 0 to 65535 (got 99999); 0 takes any free port\n",
    )


@pytest.mark.parametrize("code", [0, 1, 2])
def test_code_of_the_worker_is_the_exit_code(
    vigil: Vigil, app: list[Settings], monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    monkeypatch.setenv("VIGIL_GROUP_ID", str(code))
    assert vigil("worker").code == code


def test_missing_topics_are_a_message(
    vigil: Vigil, app: list[Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIGIL_GROUP_ID", "faulty")
    assert vigil("worker") == (2, "", "vigil: topic incidents: is missing; run: vigil topics apply\n")


@pytest.mark.parametrize("failure", sorted(FAILURES))
def test_failure_of_the_worker_is_a_message(
    vigil: Vigil, app: list[Settings], monkeypatch: pytest.MonkeyPatch, failure: str
) -> None:
    monkeypatch.setenv("VIGIL_GROUP_ID", failure)
    assert vigil("worker") == (1, "", "vigil: the log is gone\n")
