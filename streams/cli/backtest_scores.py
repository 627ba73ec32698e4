"""`vigil backtest scores`: scores of a detection benchmark, in the form that its evaluation reads."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

import click

from streams.backtest.design_files import Unusable, read_events, read_series, read_zones
from streams.backtest.design_scores import TEST_WEEKS, hourly, weekly
from streams.cli.errors import Failed
from streams.cli.progress import progress
from streams.cli.registry import examples
from streams.cli.session import Session

_FILE: Final = click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)
HOURLY_COLUMNS: Final = ("hour", "zone", "type", "score")
WEEKLY_COLUMNS: Final = ("scenario", "rep", "week", "score_without", "score_with")


@click.command(
    epilog=examples(
        "vigil backtest scores --design hourly --events events.csv.gz --zones zones.csv --out scores.csv",
        "vigil backtest scores --design weekly --series weekly.csv.gz --out scores.csv",
    )
)
@click.option("--design", required=True, type=click.Choice(("hourly", "weekly")), help="Which benchmark.")
@click.option("--events", type=_FILE, metavar="FILE", help="hourly: CSV minute,zone,type; gzipped or not.")
@click.option("--zones", type=_FILE, metavar="FILE", help="hourly: CSV zone,neighbours (spaces between).")
@click.option("--series", type=_FILE, metavar="FILE", help="weekly: CSV scenario,rep,week,base,past,cur.")
@click.option(
    "--out",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="CSV to write.",
)
@click.pass_obj
def scores(session: Session, /, design: str, out: Path, **files: Path | None) -> None:
    """Score a detection benchmark with the code that runs live; larger is more alarming.

    A score is made from nothing after the time it is of. No type is left out. hourly writes hour,zone,type,score (the
    largest of each hour), weekly writes scenario,rep,week,score_without,score_with for the last 49 weeks.
    """
    try:
        if design == "hourly":
            _hourly(session, _needed(files, "events"), _needed(files, "zones"), out)
        else:
            _weekly(session, _needed(files, "series"), out)
    except Unusable as unusable:
        raise Failed(str(unusable)) from None


def _needed(files: Mapping[str, Path | None], name: str) -> Path:
    path = files[name]
    if path is None:
        message = f"this design needs --{name} FILE"
        raise click.UsageError(message, click.get_current_context())
    return path


def _hourly(session: Session, events_file: Path, zones_file: Path, out: Path) -> None:
    events, near = read_events(events_file), read_zones(zones_file)
    stranger = next((zone for zone in events.zone if zone not in near), None)
    if stranger is not None:
        message = f'{events_file}: zone "{stranger}" has no row in {zones_file}; each zone needs one'
        raise Unusable(message)
    with progress(session.terminal, "scoring", len(events.minute), unit="events") as bar:
        found = hourly(events, near, bar.reach)
    _write(out, HOURLY_COLUMNS, ((s.hour, s.zone, s.kind, f"{s.score:.6f}") for s in found))
    session.terminal.note(f"{len(found):,} scores in {out}")


def _weekly(session: Session, series_file: Path, out: Path) -> None:
    series = read_series(series_file)
    with progress(session.terminal, "scoring", 2 * TEST_WEEKS, unit="weeks") as bar:
        found = list(weekly(series, bar.reach))
    rows = ((*s.name, s.week, f"{s.without:.6f}", f"{s.with_outbreak:.6f}") for s in found)
    _write(out, WEEKLY_COLUMNS, rows)
    session.terminal.note(f"{len(found):,} scores in {out}")


def _write(out: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    with out.open("w", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(columns)
        table.writerows(rows)
