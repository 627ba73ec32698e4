"""`vigil replay`: the same stages on a file, without any broker."""

import base64
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import fields
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, Final

import click

from schemas.codec import encode_event, to_json
from schemas.emissions import DeadLetter, Outgoing
from schemas.instants import rfc3339
from streams.cli.progress import progress
from streams.cli.registry import examples
from streams.cli.session import Session
from streams.cli.source_options import read_files, settings_for, source_options
from streams.collector import collect_rarely
from streams.local_run import Feed, LocalRun
from streams.sources import Reading, source_named
from streams.sources.messages import INCIDENTS, Message, last_heartbeat, messages
from streams.stages import Stages

FILES: Final = ("window-counts", "alerts", "kpis", "dead-letters", "late-events")


@click.command(
    epilog=examples(
        "vigil replay calls.csv.gz --source sffd --out out",
        "vigil replay crimes.csv --source chicago --zones areas.geojson:community_area --out out",
        "vigil replay log.csv --source mapping.toml --out out   your own columns",
    )
)
@source_options
@click.option(
    "--out",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Where the records go; made when it is not there.",
)
@click.pass_obj
def replay(session: Session, files: tuple[Path, ...], source_name: str, zones: str | None, out: Path) -> None:
    """Lead a file's events through both stages, without any broker.

    Writes the records as they would stand on the topics, in order: window-counts.jsonl, alerts.jsonl, kpis.jsonl,
    dead-letters.jsonl, late-events.jsonl, and summary.json. The same files give the same records, byte by byte.
    """
    collect_rarely()
    source = source_named(source_name)
    settings = settings_for(session.settings, source, zones)
    stages = Stages(settings)
    reading = read_files(session.terminal, source, files)
    out.mkdir(parents=True, exist_ok=True)
    run, written, until = LocalRun(stages), Counter[str](), -1
    feed = Events(reading, stages, source.jurisdiction)
    with (
        progress(session.terminal, "replaying", len(reading), unit="events") as bar,
        ExitStack() as stack,
    ):
        files_of = {name: stack.enter_context((out / f"{name}.jsonl").open("wb")) for name in FILES}
        outputs = {settings.topic(name): (name, file) for name, file in files_of.items()}
        for batch in run.intake_ahead(feed):
            until = max(until, batch.until)
            for topic, emissions in groupby(run.follow(batch), key=itemgetter(0)):
                if topic in outputs:
                    name, file = outputs[topic]
                    lines = [line_of(name, outgoing) for outgoing in emissions]
                    file.writelines(lines)
                    written[name] += len(lines)
            bar.advance(batch.events)
    last_tick = rfc3339(until - stages.timeline.out_of_orderness_ms) if until >= 0 else None
    summary = summary_of(reading, run, written, last_tick)
    (out / "summary.json").write_bytes(to_json(summary) + b"\n")
    say(session, summary, out)


class Events:
    """The messages of a reading as a `LocalRun` takes them, dead letters in between, ending with a heartbeat."""

    def __init__(self, reading: Reading, stages: Stages, jurisdiction: str) -> None:
        """Read nothing yet."""
        self._reading = reading
        self._timeline = stages.timeline
        self._jurisdiction = jurisdiction

    def __len__(self) -> int:
        """How many there are, but for heartbeats."""
        return len(self._reading)

    def __iter__(self) -> Iterator[Feed | DeadLetter]:
        """Every message, then the end of the file's time on each topic that had any."""
        greatest: int | None = None
        topics = {INCIDENTS: None}
        for message in messages(self._reading):
            if isinstance(message, Message):
                greatest = message.at if greatest is None else max(greatest, message.at)
                topics[message.topic] = None
            yield message
        if greatest is not None:
            beat = last_heartbeat(self._jurisdiction, greatest, self._timeline)
            for topic in topics:
                yield topic, None, encode_event(beat), beat.heartbeat_at


def line_of(name: str, outgoing: Outgoing) -> bytes:
    """A record as a line of its file; a dead letter's bytes in base64, beside its headers."""
    if name != "dead-letters":
        return (outgoing.value or b"") + b"\n"
    key, value = outgoing.key, outgoing.value
    headers = {name: said.decode() for name, said in outgoing.headers}
    numbers = {name: int(headers[name]) for name in ("vigil-partition", "vigil-offset")}
    said: dict[str, Any] = {
        "key_base64": None if key is None else base64.b64encode(key).decode(),
        "value_base64": None if value is None else base64.b64encode(value).decode(),
        **headers,
        **numbers,
    }
    return to_json(said) + b"\n"


def summary_of(
    reading: Reading, run: LocalRun, written: Counter[str], last_tick: str | None
) -> dict[str, Any]:
    """What was read and what came of it."""
    tallies = run.tallies
    return {
        "rows": reading.facts.rows,
        "events": len(reading) - reading.facts.unusable,
        "records": {name: written[name] for name in FILES},
        "alerts_raised": tallies["cells.alerts.raised"],
        "alerts_cleared": tallies["cells.alerts.cleared"],
        "last_tick": last_tick,
        "source": {field.name: getattr(reading.facts, field.name) for field in fields(reading.facts)},
        "tallies": dict(sorted(tallies.items())),
    }


def say(session: Session, summary: dict[str, Any], out: Path) -> None:
    """Tell a person."""
    session.terminal.table(
        ("file", "records"), [(f"{name}.jsonl", n) for name, n in summary["records"].items()], title=str(out)
    )
    facts = summary["source"]
    notes = {
        "rows or fields that could not be used": facts["unusable"],
        "incidents that no zone was found for (counted in unknown)": summary["tallies"].get(
            "incidents.unlocatable", 0
        ),
        "local times that the clock showed twice (read as the first)": facts["ambiguous_times"],
        "local times that the clock skipped (moved forward)": facts["nonexistent_times"],
        "rows with a code that is not mapped (counted as other)": sum(facts["unmapped"].values()),
    }
    for what, n in notes.items():
        if n:
            session.terminal.note(f"{n} {what}")
