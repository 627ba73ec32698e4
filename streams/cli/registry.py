"""The commands of `vigil`: a table of names, loaded when they are used, so that `vigil --help` answers at once.

A command is a click command or group in a module of its own. It gets `-c` and `--plain` by itself, and the `Session`
with `@click.pass_obj`.
"""

import difflib
import importlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import click

from streams.cli.errors import Failed
from streams.cli.session import Session


class Entry(NamedTuple):
    """Where a command is, and what `vigil --help` says of it."""

    target: str  # "module:attribute"
    help: str
    section: str = "Run"


COMMANDS: Final[Mapping[str, Entry]] = {
    "demo": Entry(
        "streams.cli.demo:demo", "A simulated city on an embedded broker, in this terminal.", "Try"
    ),
    "replay": Entry("streams.cli.replay:replay", "What a file's events lead to, without any broker.", "Try"),
    "check": Entry("streams.cli.check:check", "What each line of a file would become, and why not.", "Try"),
    "worker": Entry("streams.cli.worker:worker", "Read, count and watch: what production runs."),
    "topics": Entry("streams.cli.topics:topics", "The Kafka topics: what differs, and making them."),
    "publish": Entry("streams.cli.publish:publish", "Events of a file to the topics."),
    "redrive": Entry("streams.cli.redrive:redrive", "Dead letters published again after a fix."),
    "alerts": Entry("streams.cli.alerts:alerts", "Alerts in this terminal.", "Operate"),
    "ack": Entry("streams.cli.ack:ack", "Answer an alert.", "Operate"),
    "backtest": Entry("streams.cli.backtest:backtest", "Detection on a city's own history.", "Operate"),
    "config": Entry(
        "streams.cli.config:config", "The configuration: what is wrong with it, what is in force.", "Set up"
    ),
    "contracts": Entry(
        "streams.cli.contracts:contracts", "The schemas of what travels on the topics.", "Set up"
    ),
}


class LazyGroup(click.Group):
    """A group whose commands are imported when they are used."""

    def __init__(self, *args: Any, entries: Mapping[str, Entry] = COMMANDS, **kwargs: Any) -> None:
        """Know the names; import nothing."""
        super().__init__(*args, **kwargs)
        self.entries = entries

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names in the order of the table."""
        return list(self.entries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command.

        Raises:
            Failed: this installation does not have it.
        """
        entry = self.entries.get(cmd_name)
        return None if entry is None else with_common_options(_load(cmd_name, entry))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, with the nearest command where there is none of that name."""
        name = args[0]
        if name not in self.entries and not name.startswith("-"):
            near = difflib.get_close_matches(name, self.entries, n=1)
            ctx.fail(f'there is no command "{name}"' + (f'; did you mean "{near[0]}"?' if near else ""))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The commands by section, from the table alone."""
        for section in dict.fromkeys(entry.section for entry in self.entries.values()):
            with formatter.section(section):
                formatter.write_dl(
                    [(name, entry.help) for name, entry in self.entries.items() if entry.section == section]
                )


def examples(*lines: str) -> str:
    """An epilog of example commands, one a line: `@click.command(epilog=examples("vigil ack 3f2a --verdict confirmed"))`."""
    return "\n".join(("\b", "Examples:", *(f"  {line}" for line in lines)))


def _load(name: str, entry: Entry) -> click.Command:
    module_name, _, attribute = entry.target.partition(":")
    try:
        command = getattr(importlib.import_module(module_name), attribute)
    except ModuleNotFoundError as error:
        if error.name is None or not module_name.startswith(error.name):
            message = f'"vigil {name}" needs {error.name}, which is not installed; run: make setup'
            raise Failed(message) from None
        message = f'"vigil {name}" is not part of this version'
        raise Failed(message) from None
    assert isinstance(command, click.Command)
    return command


def with_common_options(command: click.Command) -> click.Command:
    """Give a command, and every command of a group, `-c` and `--plain` unless it has its own."""
    for each in _all_in(command):
        taken = {name for param in each.params for name in param.opts}
        each.params += [option for option in common_options() if not taken & set(option.opts)]
    return command


def _all_in(command: click.Command) -> Iterator[click.Command]:
    yield command
    if isinstance(command, click.Group):
        for each in command.commands.values():
            yield from _all_in(each)


def common_options() -> list[click.Option]:
    """What every command takes; before the command or after it means the same."""
    return [
        click.Option(
            ["-c", "--config", "config_file"],
            type=click.Path(path_type=Path),
            metavar="FILE",
            expose_value=False,
            callback=_take_config,
            help="TOML file with the configuration (or VIGIL_CONFIG).",
        ),
        click.Option(
            ["--plain"],
            is_flag=True,
            expose_value=False,
            callback=_take_plain,
            help="No colour, no boxes, no moving parts.",
        ),
    ]


def _take_config(ctx: click.Context, _: click.Parameter, value: Path | None) -> None:
    if value is not None:
        ctx.ensure_object(Session).config_file = value


def _take_plain(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if value:
        ctx.ensure_object(Session).plain = True
