"""`vigil redrive`: dead letters published again after a fix."""

import asyncio
import os
import time
from collections import Counter
from pathlib import Path
from typing import Any, Final

import click

from schemas.audit import Action, AuditEntry
from schemas.vocabulary import RejectReason
from streams.auditing import audited, publish_audited
from streams.cli.errors import Failed
from streams.cli.registry import examples
from streams.cli.session import Session
from streams.outbox import Outbox, SendFailed
from streams.redriving import (
    LETTERS_PER_ENTRY,
    SOURCES,
    Choice,
    Judge,
    Letter,
    as_line,
    letters,
    published_again,
    redriven_before,
)
from streams.settings import Settings
from streams.settings.connection import client_options

DONE: Final = "done"


@click.command(
    epilog=examples(
        "vigil redrive --dry-run                                  what would become of each letter now",
        "vigil redrive --reason naive_time --by 'desk 4'          publish those that can be used now",
        "vigil redrive --place 'incidents[3]@81002' --by it       only this one",
        "vigil redrive --out letters.jsonl --by it                into a file, with what publishers sent",
    )
)
@click.option("--topic", "topics", multiple=True, type=click.Choice(SOURCES), help="Only of this topic.")
@click.option(
    "--reason",
    "reasons",
    multiple=True,
    type=click.Choice([str(reason) for reason in RejectReason]),
    help="Only those refused for this reason.",
)
@click.option("--place", "places", multiple=True, metavar="TOPIC[P]@OFFSET", help="Only this one.")
@click.option("--by", metavar="WHO", help="The desk or role that does it; no person's name. Kept in audit.")
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
@click.option("--again", is_flag=True, help="Those too that were published again before.")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write the letters there instead, one JSON object a line; for the owner's eyes only.",
)
@click.pass_obj
def redrive(session: Session, /, **said: Any) -> None:
    """Publish dead letters again that can be used now: after a fix of the configuration, a clock or Vigil itself.

    Each is tried against the configuration in force first; one that would be a dead letter again stays where it is, and
    the command ends with 1. A letter is published once: the audit topic remembers which were, who did it, and when.
    """
    by, dry_run, out = said["by"], said["dry_run"], said["out"]
    if not by and not dry_run:
        message = "missing option '--by'; name the desk or role that does it, or look with --dry-run"
        raise click.UsageError(message)
    choice = Choice(said["topics"], said["reasons"], said["places"])
    try:
        if out is not None and not dry_run:
            asyncio.run(_export(session, choice, out, by))
            return
        left = asyncio.run(_redrive(session, choice, None if dry_run else by, again=said["again"]))
    except SendFailed as failed:
        raise Failed(str(failed)) from None
    if left:
        raise click.exceptions.Exit(1)


async def _redrive(session: Session, choice: Choice, by: str | None, *, again: bool) -> int:
    """Publish what can be used; how many letters cannot."""
    settings, now_ms = session.settings, round(time.time() * 1000)
    judge = Judge(settings)
    before = set[str]() if again else await redriven_before(settings)
    usable: list[Letter] = []
    rows, left = Counter[tuple[str, str]](), 0
    async for letter in letters(settings):
        if not choice.holds(letter):
            continue
        if letter.place in before:
            rows[letter.reason, "published again before"] += 1
        elif (reason := judge.refuses(letter, now_ms)) is not None:
            rows[letter.reason, f"still refused: {reason}"] += 1
            left += 1
        else:
            rows[letter.reason, "can be used now" if by is None else "published again"] += 1
            usable.append(letter)
    if by is not None and usable:
        await _publish(settings, usable, by, now_ms)
    if rows:
        found = [(*what, number) for what, number in sorted(rows.items())]
        session.terminal.table(("refused for", "now", "letters"), found, title=settings.broker)
    else:
        session.terminal.say("no dead letters of these")
    return left


async def _publish(settings: Settings, usable: list[Letter], by: str, now_ms: int) -> None:
    """The messages first, and when they are acknowledged their entries."""
    outbox = Outbox(client_options(settings), idempotent=settings.kafka.idempotent)
    await outbox.start()
    try:
        for first in range(0, len(usable), LETTERS_PER_ENTRY):
            some = usable[first : first + LETTERS_PER_ENTRY]
            await outbox.publish([published_again(letter, settings) for letter in some])
            details = {"letters": [letter.place for letter in some]}
            subject = f"{len(some)} dead letters"
            await outbox.publish(
                [audited(settings, AuditEntry(now_ms, by, Action.REDRIVE, subject, DONE, details))]
            )
    finally:
        await outbox.stop()


async def _export(session: Session, choice: Choice, out: Path, by: str) -> None:
    """Letters into a file that its owner alone can read, after the audit has it."""
    settings, now_ms = session.settings, round(time.time() * 1000)
    found = [letter async for letter in letters(settings) if choice.holds(letter)]
    entry = AuditEntry(now_ms, by, Action.EXPORT, f"{len(found)} dead letters", DONE, {"file": out.name})
    await publish_audited(settings, entry)
    descriptor = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "w", encoding="utf-8") as file:  # noqa: ASYNC230 -- a command with nothing else to do
        file.writelines(f"{as_line(letter)}\n" for letter in found)
    session.terminal.say(f"{len(found)} dead letters in {out}; they hold what publishers sent")
