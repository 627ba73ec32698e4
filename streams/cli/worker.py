"""`vigil worker`: what production runs."""

import importlib
import os
import signal

import click

from streams.cli.errors import Failed
from streams.cli.registry import examples
from streams.cli.session import Session
from streams.collector import collect_rarely


def end_at_once(_: int, __: object) -> None:
    """End the process, in order."""
    os._exit(0)


@click.command(
    epilog=examples(
        "vigil -c vigil.toml worker",
        "VIGIL_BROKER=kafka:9092 VIGIL_WEB_PORT=0 vigil worker",
    )
)
@click.option("--web-port", type=int, metavar="PORT", help="Port of /metrics; 0 takes any free one.")
@click.pass_obj
def worker(session: Session, web_port: int | None) -> None:
    """Read incidents and dispatches, count, watch, alert: until Ctrl-C or SIGTERM.

    Several workers of one group share the partitions among them; when one ends, the others take its partitions over.
    The topics must exist: vigil topics apply.
    """
    # Until Faust takes the signals over nothing is owned: there is nothing to finish. As the first process of a
    # container it would not even be ended by a signal for which it has no handler.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end_at_once)
    if web_port is not None:
        session.overrides["web.port"] = str(web_port)
    settings = session.settings
    collect_rarely()
    app = importlib.import_module("streams.app")  # here, because Faust takes a second to import
    try:
        code = app.run_worker(settings)
    except (app.TakeOverFailed, app.SendFailed, app.TooManyDeadLetters) as failed:
        raise Failed(str(failed)) from None
    if code:
        raise click.exceptions.Exit(code)
