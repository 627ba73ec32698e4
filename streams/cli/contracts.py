"""`vigil contracts`: the schemas of what travels on the topics."""

from pathlib import Path

import click

from streams.cli.registry import examples
from streams.cli.session import Session
from streams.cli.terminal import Terminal


@click.command(
    epilog=examples(
        "vigil contracts                     which there are",
        "vigil contracts incidents           one of them",
        "vigil contracts --out contracts     all of them, with the AsyncAPI document and samples, into a folder",
        "vigil contracts --against released  whether they may take the place of released ones",
    )
)
@click.argument("topic", required=False, metavar="[TOPIC|asyncapi]")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Write all of them there; made when it is not there.",
)
@click.option(
    "--against",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="DIR",
    help="Refuse what would let down publishers or readers who keep to the contracts in this folder.",
)
@click.pass_obj
def contracts(session: Session, topic: str | None, out: Path | None, against: Path | None) -> None:
    """JSON Schema 2020-12 of each topic, golden samples, and an AsyncAPI 3 document that ties them together.

    With --against it ends with 1 when a contract has changed in a way that lets somebody down.
    """
    if sum(each is not None for each in (topic, out, against)) > 1:
        message = "choose one of TOPIC, --out and --against; each is a thing of its own"
        raise click.UsageError(message)
    if against is not None:
        _compare(session.terminal, against)
    elif out is not None:
        _write(session.terminal, out)
    elif topic is not None:
        for line in _one(topic).decode().rstrip().split("\n"):
            session.terminal.say(line)
    else:
        _list(session.terminal)


def _list(terminal: Terminal) -> None:
    from streams.contracts import CONTRACTS  # noqa: PLC0415 -- keeps `vigil contracts --help` fast

    rows = [
        (each.topic, each.direction, each.version if each.records else "", each.key, each.text)
        for each in CONTRACTS
    ]
    terminal.table(("topic", "direction", "version", "key", "holds"), rows)


def _one(topic: str) -> bytes:
    from streams.contracts import contract_files  # noqa: PLC0415
    from streams.settings.faults import did_you_mean  # noqa: PLC0415

    found = {
        name.removesuffix(".json").partition(".v")[0]: content for name, content in contract_files().items()
    }
    if topic not in found:
        message = f'there is no contract of "{topic}"; {did_you_mean(topic, found)}'
        raise click.UsageError(message)
    return found[topic]


def _write(terminal: Terminal, out: Path) -> None:
    from streams.contracts import contract_files, sample_files  # noqa: PLC0415

    for name, content in {**contract_files(), **sample_files()}.items():
        path = out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        terminal.say(str(path))


def _compare(terminal: Terminal, against: Path) -> None:
    from streams.contracts import refusals  # noqa: PLC0415

    found = refusals(against)
    for reason in found:
        terminal.note(reason)
    if found:
        raise click.exceptions.Exit(1)
    terminal.say(f"whoever keeps to the contracts in {against} is not let down by these")
