"""`vigil check`: what each line of a file, or message of a topic, would become, and why not."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from time import time
from typing import Any

import click

from streams.checking import TOPICS, Becomes, Checker, Given, Outcome, lines_of, rows_of, topic_of
from streams.cli.check_report import Report
from streams.cli.progress import Progress, progress
from streams.cli.registry import examples
from streams.cli.session import Session
from streams.cli.source_options import SOURCE_HELP, ZONES_HELP, read_files, settings_for
from streams.settings import Settings
from streams.sources import Facts, source_named
from streams.stages import Stages

SHOWN_LINES = 20


@dataclass(frozen=True)
class Asked:
    """What is to be checked."""

    files: tuple[Path, ...]
    source: str | None
    zones: str | None
    topic: str | None
    separator: str | None
    newest: int | None


@click.command(
    epilog=examples(
        "vigil check calls.csv.gz --source sffd             rows of a portal's file",
        "vigil check calls.csv --source mapping.toml        your own columns",
        "vigil check calls.jsonl --topic incidents          messages as they would be published, one a line",
        "vigil check --topic incidents --newest 1000        what is on the topic",
        "vigil check calls.csv --source sffd --only dead-letter",
    )
)
@click.argument(
    "files",
    nargs=-1,
    metavar="[FILE]...",
    type=click.Path(exists=True, dir_okay=False, readable=True, path_type=Path),
)
@click.option("--source", metavar="NAME|mapping.toml", help=SOURCE_HELP)
@click.option("--zones", metavar="FILE.geojson[.gz][:PROPERTY]", help=ZONES_HELP)
@click.option("--topic", type=click.Choice(TOPICS), help="Messages of this topic: in FILE, else in Kafka.")
@click.option(
    "-K", "separator", metavar="SEP", help="FILE has the key before the message, and this between them."
)
@click.option(
    "--newest", type=click.IntRange(1), metavar="N", help="Only so many of each partition of the topic."
)
@click.option(
    "--only",
    multiple=True,
    type=click.Choice([str(word) for word in Becomes]),
    metavar="WORD",
    help="Show only these.",
)
@click.option(
    "--lines", default=SHOWN_LINES, type=click.IntRange(0), metavar="N", help="How many to show (20)."
)
@click.option(
    "--json", "as_json", is_flag=True, help="All of them, one JSON object a line; the last is the summary."
)
@click.pass_obj
def check(session: Session, /, only: tuple[str, ...], lines: int, as_json: bool, **asked: Any) -> None:
    """Say what messages would become: counted where, moved, withdrawn, late, duplicate, or a dead letter and why.

    Uses the decoding and the folds of production, and changes nothing. Ends with 0 when every message can be used, with
    1 when some would be dead letters. WORD is one of: counted, moved, withdrawn, not-counted, unchanged, duplicate,
    measured, noted, answer, heartbeat, dead-letter.
    """
    wanted = Asked(**asked)
    _refuse_wrong_use(wanted)
    report = Report(session.terminal, only=frozenset(map(Becomes, only)), lines=lines, as_json=as_json)
    if wanted.source is not None:
        facts = _check_rows(session, wanted, report)
    else:
        facts = None
        _check_messages(session, wanted, report)
    report.end(facts)
    if not report.summary.usable:
        raise click.exceptions.Exit(1)


def _refuse_wrong_use(asked: Asked) -> None:
    if not asked.files and asked.topic is None:
        message = "nothing to check; name files with --source or --topic, or a topic alone"
        raise click.UsageError(message)
    if asked.files and (asked.source is None) == (asked.topic is None):
        message = "files need either --source (rows of a table) or --topic (messages, one a line)"
        raise click.UsageError(message)
    idle = {
        "--source": asked.source and not asked.files,
        "--zones": asked.zones and asked.source is None,
        "-K": asked.separator is not None and (asked.topic is None or not asked.files),
        "--newest": asked.newest and (asked.topic is None or asked.files),
    }
    for option, alone in idle.items():
        if alone:
            needs = {"--source": "files", "--zones": "--source", "-K": "files and --topic"}
            message = f"{option} does nothing here; it needs {needs.get(option, '--topic without files')}"
            raise click.UsageError(message)


def _check_rows(session: Session, asked: Asked, report: Report) -> Facts:
    """Rows of files, as a source reads them."""
    assert asked.source is not None
    source = source_named(asked.source)
    stages = Stages(settings_for(session.settings, source, asked.zones))
    reading = read_files(session.terminal, source, asked.files)
    with progress(session.terminal, "checking", len(reading), unit="messages") as bar:
        _check(Checker(stages.intake(1)), rows_of(reading, _now()), report, bar)
    return reading.facts


def _check_messages(session: Session, asked: Asked, report: Report) -> None:
    """Messages of one topic, from files or from Kafka."""
    assert asked.topic is not None
    settings = session.settings
    checker = Checker(Stages(settings).intake(1))
    if not asked.files:
        asyncio.run(_check_topic(session, settings, asked, checker, report))
        return
    given = lines_of(asked.files, asked.topic, asked.separator, _now())
    with progress(session.terminal, "checking", unit="messages") as bar:
        _check(checker, given, report, bar)


async def _check_topic(
    session: Session, settings: Settings, asked: Asked, checker: Checker, report: Report
) -> None:
    assert asked.topic is not None
    async with topic_of(settings, asked.topic, asked.newest) as topic:
        with progress(session.terminal, f"checking {asked.topic}", topic.there, unit="messages") as bar:
            async for given in topic.messages():
                report.add(checker.check(given))
                bar.advance()


def _check(checker: Checker, given: Iterable[Given | Outcome], report: Report, bar: Progress) -> None:
    for each in given:
        report.add(each if isinstance(each, Outcome) else checker.check(each))
        bar.advance()


def _now() -> int:
    """When the messages would be published: now."""
    return round(time() * 1000)
