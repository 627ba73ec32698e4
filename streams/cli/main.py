"""The `vigil` command."""

import sys
from collections.abc import Sequence

import click

from streams.cli.errors import present
from streams.cli.registry import LazyGroup, common_options, examples
from streams.cli.session import Session

EPILOG = (
    examples(
        "vigil demo                               a city in this terminal, nothing else to install",
        "vigil replay calls.csv --source sffd --out out",
        "vigil -c vigil.toml topics apply         make the topics on your Kafka",
        "vigil -c vigil.toml worker               then run",
    )
    + "\n\nEach command says more: vigil COMMAND --help. Settings come from a TOML file (-c FILE, or VIGIL_CONFIG) and from "
    "VIGIL_… variables such as VIGIL_BROKER; `vigil config show` says what is in force and where it came from."
)


def _say_version(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if not value:
        return
    from importlib.metadata import version  # noqa: PLC0415 -- keeps `vigil --help` fast
    from platform import python_version  # noqa: PLC0415

    from streams.settings.version import installed_version  # noqa: PLC0415

    kafka = f"faust-streaming {version('faust-streaming')}, aiokafka {version('aiokafka')}"
    click.echo(f"vigil {installed_version()} (Python {python_version()}, {kafka})")
    ctx.exit()


@click.group(
    cls=LazyGroup,
    params=[
        *common_options(),
        click.Option(
            ["--version"],
            is_flag=True,
            expose_value=False,
            is_eager=True,
            callback=_say_version,
            help="Say which Vigil this is.",
        ),
    ],
    epilog=EPILOG,
    context_settings={
        "help_option_names": ["-h", "--help"],
        "max_content_width": 100,
        "auto_envvar_prefix": None,
    },
    invoke_without_command=False,
)
def cli() -> None:
    """Vigil watches a city's incident and dispatch events as they happen.

    Rolling counts per zone and crime type, early alerts with reasons, and how well calls are answered; on Kafka.
    """


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; nothing is raised."""
    try:
        given = None if arguments is None else list(arguments)
        code = cli.main(args=given, prog_name="vigil", standalone_mode=False, obj=Session())
        sys.stdout.flush()
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 -- the one place that turns errors into messages
        return present(error)
    return code if isinstance(code, int) else 0


def main() -> None:
    """The entry point of the `vigil` script."""
    sys.exit(run())


if __name__ == "__main__":
    main()
