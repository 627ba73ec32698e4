"""The `vigil` command as a whole: help that answers at once, one message for each mistake, exit codes."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import click
import pytest
from aiokafka.errors import KafkaTimeoutError

from streams.cli import errors, registry
from streams.cli.errors import Failed, present
from streams.cli.registry import COMMANDS, Entry, LazyGroup, examples, with_common_options
from streams.cli.session import Session
from streams.settings import ConfigurationError, Fault
from tests.cli.conftest import Vigil

COMMAND = [sys.executable, "-m", "streams.cli.main"]


def test_help_names_every_command_with_one_line_each(vigil: Vigil) -> None:
    said = vigil("--help")
    assert said.code == 0
    for name, entry in COMMANDS.items():
        assert any(line.split() == [name, *entry.help.split()] for line in said.out.splitlines())
    assert "vigil demo" in said.out
    assert "VIGIL_BROKER" in said.out


def test_help_imports_no_command_and_no_heavy_library() -> None:
    script = (
        "import sys; from streams.cli.main import run; run(['--help']);"
        "heavy = {'rich', 'aiokafka', 'aiohttp', 'faust', 'numpy', 'shapely', 'streams.settings'} & set(sys.modules);"
        "sys.exit(f'imported: {heavy}' if heavy else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, cwd=Path.cwd()
    )
    assert done.returncode == 0, done.stderr


def test_help_answers_at_once() -> None:
    """300 ms of a processor's time, whatever else the machine does; a bare interpreter is 30 of them."""
    before = os.times()
    subprocess.run([*COMMAND, "--help"], capture_output=True, check=True)
    after = os.times()
    assert after.children_user + after.children_system - before.children_user - before.children_system < 0.3


def test_version_names_what_runs_here(vigil: Vigil) -> None:
    said = vigil("--version")
    assert said.code == 0
    assert said.out.startswith("vigil 0.")
    assert "faust-streaming 0.15.3, aiokafka 0.14.0" in said.out


def test_no_command_is_wrong_use_and_shows_the_help(vigil: Vigil) -> None:
    said = vigil()
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("Usage: vigil [OPTIONS] COMMAND [ARGS]...")


@pytest.mark.parametrize(
    "arguments, message",
    [
        pytest.param(
            ["wrker"], 'vigil: there is no command "wrker"; did you mean "worker"?\n', id="near command"
        ),
        pytest.param(["xyzzy"], 'vigil: there is no command "xyzzy"\n', id="unknown command"),
        pytest.param(["--colour"], "vigil: no such option: --colour\n", id="unknown option"),
        pytest.param(["topics", "pln"], "vigil: no such command 'pln'", id="unknown subcommand"),
        pytest.param(
            ["config", "show", "extra"], "vigil: got unexpected extra argument (extra)\n", id="extra argument"
        ),
        pytest.param(["worker", "--web-port", "x"], "vigil: invalid value for '--web-port'", id="no number"),
        pytest.param(["-c"], "vigil: option '-c' requires an argument\n", id="option without a value"),
    ],
)
def test_wrong_use_is_one_message_with_where_to_look(
    vigil: Vigil, arguments: list[str], message: str
) -> None:
    said = vigil(*arguments)
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith(message)
    assert "\n       try: vigil" in said.err


def test_command_that_is_not_there_is_said_clearly(vigil: Vigil, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = Entry("streams.cli.nothing_of_that_name:command", "")
    monkeypatch.setattr(registry, "COMMANDS", {"demo": entry})
    group = LazyGroup("vigil", entries={"demo": entry})
    with pytest.raises(Failed, match=r'^"vigil demo" is not part of this version$'):
        group.get_command(click.Context(group), "demo")


def test_library_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "needs_it.py").write_text("import no_such_library")
    monkeypatch.syspath_prepend(tmp_path)
    group = LazyGroup("vigil", entries={"demo": Entry("needs_it:command", "")})
    with pytest.raises(
        Failed, match=r'^"vigil demo" needs no_such_library, which is not installed; run: make setup$'
    ):
        group.get_command(click.Context(group), "demo")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_that_is_there_teaches_by_example(vigil: Vigil, name: str) -> None:
    said = vigil(name, "--help")
    if "is not part of this version" in said.err:
        assert said.code == 1
        return
    assert said.code == 0, said.err
    assert said.out.startswith(f"Usage: vigil {name}")
    assert f"vigil {name}" in said.out.partition("\n")[2], "an example of it"
    assert "--config FILE" in said.out
    assert "--plain" in said.out


# ---- what every command takes


def command_that_tells() -> tuple[click.Group, list[Session]]:
    told: list[Session] = []

    @click.group()
    def outer() -> None:
        """Hold a command."""

    @outer.command()
    @click.pass_obj
    def inner(session: Session) -> None:
        told.append(session)

    with_common_options(outer)
    with_common_options(outer)  # loading it twice adds nothing
    return outer, told


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["-c", "a.toml", "--plain", "inner"], id="before"),
        pytest.param(["inner", "-c", "a.toml", "--plain"], id="after"),
        pytest.param(["--plain", "inner", "--config", "a.toml"], id="both"),
    ],
)
def test_config_and_plain_mean_the_same_before_and_after_the_command(arguments: list[str]) -> None:
    outer, told = command_that_tells()
    outer.main(arguments, standalone_mode=False, obj=Session())
    assert [(session.config_file, session.plain) for session in told] == [(Path("a.toml"), True)]


def test_options_that_are_not_given_change_nothing() -> None:
    outer, told = command_that_tells()
    outer.main(["inner"], standalone_mode=False, obj=Session(Path("b.toml"), plain=True))
    assert [(session.config_file, session.plain) for session in told] == [(Path("b.toml"), True)]


def test_command_with_an_option_of_that_name_keeps_its_own() -> None:
    @click.command()
    @click.option("--plain", type=int)
    def own(plain: int) -> None:
        raise AssertionError

    with_common_options(own)
    assert [param.name for param in own.params] == ["plain", "config_file"]


def test_examples_keep_their_lines() -> None:
    assert examples("one", "two") == "\b\nExamples:\n  one\n  two"


# ---- errors


FAULTS = [Fault("vigil.toml:2", "web.port", "is wrong", "mend it"), Fault("", "broker", "is silent", "")]


@pytest.mark.parametrize(
    "error, code, text",
    [
        pytest.param(
            ConfigurationError(FAULTS[:1]),
            2,
            "vigil: vigil.toml:2: web.port is wrong; mend it\n",
            id="one fault",
        ),
        pytest.param(
            ConfigurationError(FAULTS),
            2,
            "vigil: 2 faults in the configuration\n  vigil.toml:2: web.port is wrong; mend it\n  broker is silent\n",
            id="several faults",
        ),
        pytest.param(Failed("the file is empty"), 1, "vigil: the file is empty\n", id="failed"),
        pytest.param(click.ClickException("Could not do it."), 1, "vigil: could not do it\n", id="click"),
        pytest.param(
            click.UsageError("Wrong."),
            2,
            "vigil: wrong\n       try: vigil --help\n",
            id="usage without a context",
        ),
        pytest.param(
            FileNotFoundError(2, "No such file or directory", "a.csv"),
            1,
            "vigil: a.csv: no such file or directory\n",
            id="file",
        ),
        pytest.param(OSError("Broken"), 1, "vigil: broken\n", id="other of the system"),
        pytest.param(
            KafkaTimeoutError("after 5 s"),
            1,
            "vigil: Kafka answers with an error: KafkaTimeoutError: after 5 s\n       see the broker's log\n",
            id="Kafka",
        ),
        pytest.param(
            KeyError("x"),
            1,
            "vigil: a bug in Vigil: KeyError: 'x'\n       set VIGIL_TRACEBACK=1 and try again to see where\n",
            id="bug",
        ),
        pytest.param(
            AssertionError(),
            1,
            "vigil: a bug in Vigil: AssertionError\n       set VIGIL_TRACEBACK=1 and try again to see where\n",
            id="bug without words",
        ),
        pytest.param(KeyboardInterrupt(), 130, "", id="Ctrl-C"),
        pytest.param(click.Abort(), 130, "", id="Ctrl-C at a prompt"),
        pytest.param(click.exceptions.Exit(3), 3, "", id="exit"),
    ],
)
def test_error_is_one_message_and_a_code(
    error: BaseException,
    code: int,
    text: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("VIGIL_TRACEBACK", raising=False)
    assert present(error) == code
    assert capsys.readouterr() == ("", text)


def test_traceback_of_a_bug_is_shown_on_request(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIGIL_TRACEBACK", "1")
    try:
        raise KeyError("x")  # noqa: EM101 -- as a bug would
    except KeyError as error:
        present(error)
    assert "test_traceback_of_a_bug_is_shown_on_request" in capsys.readouterr().err


def test_closed_standard_error_is_borne(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise ValueError

    monkeypatch.setattr(errors.click, "echo", refuse)
    assert present(Failed("nobody hears this")) == 1


def test_reader_that_has_gone_ends_it_without_a_word() -> None:
    with subprocess.Popen(
        [*COMMAND, "config", "show"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        said = process.stderr.read()
        process.wait(timeout=30)
    assert said == b""


def test_installed_command_is_this_one() -> None:
    script = Path(sys.executable).with_name("vigil")
    if not script.exists():
        pytest.skip("vigil is not installed beside this Python")
    done = subprocess.run([script, "nope"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith('vigil: there is no command "nope"')


def test_ctrl_c_leaves_no_traceback(tmp_path: Path) -> None:
    """SIGINT while a command waits for a broker that says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        broker = f"127.0.0.1:{silent.getsockname()[1]}"
        environ = {**os.environ, "VIGIL_BROKER": broker, "VIGIL_KAFKA_CONNECT_TIMEOUT": "60s"}
        with subprocess.Popen(
            [*COMMAND, "topics", "plan"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environ,
            text=True,
        ) as process:
            connection, _ = silent.accept()  # it is waiting now
            with connection:
                process.send_signal(signal.SIGINT)
                out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert out == ""
