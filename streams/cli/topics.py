"""`vigil topics`: what differs between the topics as they should be and the cluster, and making them."""

import asyncio
from collections.abc import Iterable

import click

from streams.cli.registry import examples
from streams.cli.session import Session
from streams.cli.terminal import Terminal
from streams.topics import Applied, Difference
from streams.topics import apply as apply_topics
from streams.topics import plan as plan_topics


@click.group(
    epilog=examples(
        "vigil topics plan                 what differs from the cluster",
        "vigil topics apply                create what is missing; nothing is ever deleted",
        "vigil topics apply --alter        also mend the configuration of topics that exist",
    )
)
def topics() -> None:
    """The Kafka topics: partitions, retention, compaction."""


@topics.command()
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_obj
def plan(session: Session, as_json: bool) -> None:
    """Say what differs from the cluster, and change nothing.

    Ends with 0 when nothing differs, with 1 when something does.
    """
    settings, terminal = session.settings, session.terminal
    found = asyncio.run(plan_topics(settings))
    if as_json:
        terminal.json([each._asdict() for each in found])
    elif found:
        _show(terminal, found)
    else:
        terminal.say(f"all {len(settings.topics.each)} topics on {settings.broker} are as they should be")
    if found:
        raise click.exceptions.Exit(1)


@topics.command()
@click.option("--alter", is_flag=True, help="Also change the configuration of topics that exist.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_obj
def apply(session: Session, alter: bool, as_json: bool) -> None:
    """Create the topics that are missing.

    Never deletes a topic, changes a partition count or shortens a retention. Ends with 1 when something is left that a
    worker would refuse to start with.
    """
    settings, terminal = session.settings, session.terminal
    applied = asyncio.run(apply_topics(settings, alter=alter))
    if as_json:
        left = [each._asdict() for each in applied.left]
        terminal.json({"created": applied.created, "altered": applied.altered, "left": left})
    else:
        _say_applied(terminal, applied)
    if any(each.stops for each in applied.left):
        raise click.exceptions.Exit(1)


def _say_applied(terminal: Terminal, applied: Applied) -> None:
    for verb, names in (("created", applied.created), ("altered", applied.altered)):
        for name in names:
            terminal.say(f"{verb} {name}")
    if applied.left:
        _show(terminal, applied.left)
    elif not applied.created and not applied.altered:
        terminal.say("nothing to do: every topic is there")


def _show(terminal: Terminal, found: Iterable[Difference]) -> None:
    rows = [
        (each.topic, "yes" if each.stops else "", f"{each.field} {each.problem}".strip(), each.remedy)
        for each in found
    ]
    terminal.table(("topic", "stops a worker", "what", "remedy"), rows)
