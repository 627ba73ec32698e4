"""`vigil backtest FILE…`: the alerts a city's history would have brought, as a report people can look at."""

from pathlib import Path
from zoneinfo import ZoneInfo

import click

from schemas.codec import to_json
from streams.cli.errors import Failed
from streams.cli.progress import progress
from streams.cli.registry import examples
from streams.cli.replay import Events
from streams.cli.session import Session
from streams.cli.source_options import read_files, settings_for, source_options
from streams.sources import source_named

REPORT, NUMBERS = "report.html", "report.json"


@click.command(
    "history",
    hidden=True,
    epilog=examples(
        "vigil backtest crimes.csv.gz --source chicago --zones areas.geojson:community_area --out report",
        "vigil backtest 2024.csv 2025.csv --source mapping.toml --budget 1 --out report",
        "vigil backtest scores --help            score a detection benchmark instead",
    ),
)
@source_options
@click.option(
    "--budget",
    type=click.FloatRange(0.001, 1000),
    metavar="N",
    help="False alerts a day that the city can stand; as configured where nothing is said.",
)
@click.option(
    "--out",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Where report.html and report.json go; made when it is not there.",
)
@click.pass_obj
def history(
    session: Session, /, files: tuple[Path, ...], source_name: str, zones: str | None, **options: object
) -> None:
    """Prove detection on a city's own history: replay it, and report the alerts it would have brought.

    Writes report.html (one file, with figures: when, how many a day, whether stated rarities hold, alerts of each zone
    against its incidents, the rarest episodes with what was usual and a map) and report.json (the numbers). The replay
    runs the code that runs live. Give at least some weeks: the first 14 days are for learning.
    """
    from streams.backtest.history import replay_history, with_budget  # noqa: PLC0415 -- for --help at once
    from streams.backtest.page import figure_count, page  # noqa: PLC0415
    from streams.backtest.record import RecordedStages  # noqa: PLC0415
    from streams.backtest.summary import summarise, written  # noqa: PLC0415

    out, budget = options["out"], options["budget"]
    assert isinstance(out, Path)
    assert budget is None or isinstance(budget, float)
    source = source_named(source_name)
    settings = with_budget(settings_for(session.settings, source, zones), budget)
    stages = RecordedStages(settings)
    reading = read_files(session.terminal, source, files)
    with progress(session.terminal, "replaying", len(reading), unit="events") as bar:
        feed = Events(reading, stages, source.jurisdiction)
        done = replay_history(source.jurisdiction, stages, feed, bar.advance)
    if source.jurisdiction not in stages.records:
        message = f"no event of {', '.join(map(str, files))} could be used; vigil check says why"
        raise Failed(message)
    clock = ZoneInfo(settings.jurisdiction(source.jurisdiction).time_zone)
    summary = summarise(done, clock)
    polygons = stages.zones.get(source.jurisdiction)
    out.mkdir(parents=True, exist_ok=True)
    with progress(session.terminal, "drawing", figure_count(summary), unit="figures") as bar:
        text = page(done, summary, polygons.outlines() if polygons else {}, clock, bar.advance)
    (out / REPORT).write_text(text, "utf-8")
    (out / NUMBERS).write_bytes(to_json(written(summary)) + b"\n")
    session.terminal.note(
        f"{len(summary.surges):,} surges in {len(summary.days):,} days; look at {out / REPORT}"
    )
