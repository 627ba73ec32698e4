"""`vigil demo`: a city in this terminal."""

import asyncio
import json
import time
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol

import click

from streams.cli.errors import Failed
from streams.cli.registry import examples
from streams.cli.session import Session

if TYPE_CHECKING:
    from streams.demo.files import Web
    from streams.demo.scene import Scene, Summary


class View(AbstractContextManager["View"], Protocol):
    """A way of showing the demo."""

    def show(self, scene: "Scene") -> None:
        """Show how things are now."""


@click.command(
    epilog=examples(
        "vigil demo                    until Ctrl-C",
        "vigil demo --seconds 90       ends by itself; the last line is a summary in JSON",
        "vigil demo --plain            lines instead of a moving picture",
        "VIGIL_WEB_PORT=0 vigil demo   /metrics on any free port",
    )
)
@click.option(
    "--seconds",
    type=click.FloatRange(min=0, min_open=True),
    metavar="N",
    help="End by itself N seconds after the start.",
)
@click.pass_obj
def demo(session: Session, seconds: float | None) -> None:
    """Watch a simulated city, with nothing else to install.

    Starts a Kafka-compatible broker in memory and a worker, publishes four weeks of a city's past, and then its
    present, 360 times faster than life, with surges to be found. The first line names the address of /metrics.
    Everything that was started is ended again, and nothing is kept. Of the configuration only [web] bind and port
    matter here.
    """
    from streams.demo.broker import DemoFailed, broker_program  # noqa: PLC0415 -- keeps `vigil --help` fast
    from streams.demo.city import SPEED, DemoCity  # noqa: PLC0415
    from streams.demo.run import Demo, Plan  # noqa: PLC0415

    web = _web(session)
    try:
        plan = Plan(broker_program(), web, seconds, SPEED)
        click.echo(f"metrics: {web.metrics_url}")
        with _view(session) as view:
            summary = asyncio.run(Demo(plan, DemoCity(round(time.time() * 1000)), view).run())
    except DemoFailed as failed:
        raise Failed(str(failed)) from None
    _say(summary)


def _web(session: Session) -> "Web":
    """Where /metrics will answer: as configured; on any free port where the default one is taken."""
    from streams.demo.files import Web  # noqa: PLC0415
    from streams.demo.ports import free_port, refusal  # noqa: PLC0415
    from streams.settings import ConfigurationError, Fault  # noqa: PLC0415

    bind, port = session.settings.web.bind, session.settings.web.port
    origins = session.loaded.origins
    reason = refusal(bind, port)
    if not reason:
        return Web(bind, port or free_port(bind))
    if refusal(bind, 0):
        where, remedy = origins.get(("web", "bind"), ""), "127.0.0.1 is this machine"
        raise ConfigurationError([Fault(where, "web.bind", f'"{bind}" cannot be used ({reason})', remedy)])
    if ("web", "port") not in origins:
        return Web(bind, free_port(bind))
    problem = f"{port} cannot be used on {bind} ({reason})"
    remedy = "name another, or 0 for any free one: VIGIL_WEB_PORT=0 vigil demo"
    raise ConfigurationError([Fault(origins["web", "port"], "web.port", problem, remedy)])


def _view(session: Session) -> View:
    if session.terminal.is_rich:
        from streams.cli.demo_screen import Screen  # noqa: PLC0415 -- only for those who need it

        return Screen(session.terminal.console())
    from streams.cli.demo_lines import Lines  # noqa: PLC0415

    return Lines(click.echo)


def _say(summary: "Summary") -> None:
    """A sentence for people, and the last line for programs."""
    said = summary.as_json()
    click.echo(
        f"{summary.city_hours:.1f} hours of the city after four weeks of its past, in {summary.seconds:.0f} s: "
        f"{said['events_sent']:,} events of {said['incidents']:,} incidents sent, {said['events']:,} of them read; "
        f"{said['alerts_raised']} alerts raised, "
        f"{said['alerts_cleared']} cleared; nothing is left running."
    )
    click.echo(json.dumps(said))
