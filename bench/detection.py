"""How good detection is: surges found against false alerts, delays, slow trends, stated rarities, two real cities.

    python -m bench.detection                       all of it: some minutes
    python -m bench.detection hourly --seeds 8      the hourly design: the shared set, and other seeds and surge shapes
    python -m bench.detection weekly                the weekly design: the shared set, and other seeds and outbreak shapes
    python -m bench.detection calibration           how often episodes stated as once in N days come up by chance
    python -m bench.detection cities                what is told of Chicago and San Francisco

The shared set and the city files are read from ../shared (or VIGIL_SHARED). Thresholds are set on the shared set and
used unchanged on the simulated ones.
"""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from bench.hourly_evaluation import TARGETS, Scores, Surge, at_threshold, read_truth, threshold_for
from bench.scan_peer import scan_scores
from bench.simulated_city import (
    FIRST_TEST_HOUR,
    HOURS,
    SHAPES,
    TYPES,
    ZONES,
    City,
    Design,
    neighbours,
    simulate,
)
from bench.simulated_weeks import SHAPES as WEEKLY_SHAPES
from bench.simulated_weeks import Spans, simulate_weeks
from bench.weekly_evaluation import read_spans, weekly_figures
from streams.backtest.design_files import Events, Series, read_events, read_series
from streams.backtest.design_scores import hourly, weekly
from streams.backtest.history import History, replay_history, with_budget
from streams.backtest.record import Record, RecordedStages
from streams.backtest.summary import summarise
from streams.core.detection import SurgeDetector, SurgeRules
from streams.core.scores import Arrival
from streams.settings import Settings
from streams.settings.jurisdictions import Jurisdiction
from streams.sources import source_named
from streams.sources.messages import Message, messages

SHARED = Path(os.environ.get("VIGIL_SHARED", "../shared"))
DETECTION = SHARED / "detection"
NEAR = {str(zone): tuple(map(str, neighbours(zone))) for zone in range(ZONES)}
BOOTSTRAPS = 2000


def hourly_scores(events: Events) -> Scores:
    """The scores of a history on the grid, as `evaluate.py` would read them."""
    found = np.full((HOURS - FIRST_TEST_HOUR, ZONES * len(TYPES)), -np.inf)
    for score in hourly(events, NEAR, lambda _: None):
        if score.hour >= FIRST_TEST_HOUR:
            found[score.hour - FIRST_TEST_HOUR, int(score.zone) * len(TYPES) + int(score.kind)] = score.score
    return found


def counts_of(events: Events) -> NDArray[np.int64]:
    """(hour, zone, type) → incidents."""
    counts = np.zeros((HOURS, ZONES, len(TYPES)), np.int64)
    at = (np.array(events.minute) // 60, np.array(events.zone, int), np.array(events.kind, int))
    np.add.at(counts, at, 1)
    return counts


def events_of(city: City) -> Events:
    """A simulated city as the files of the benchmark would give it."""
    return Events(city.minute.tolist(), [str(zone) for zone in city.zone], [str(kind) for kind in city.kind])


def truth_of(city: City) -> list[Surge]:
    """The labelled surges of a simulated city."""
    return [
        Surge(
            TYPES.index(str(s["type"])),
            tuple(int(zone) for zone in str(s["zones"]).split()),
            int(str(s["start_hour"])),
            int(str(s["end_hour"])),
        )
        for s in city.surges
        if s["period"] == "test"
    ]


def hourly_figures(seeds: int) -> None:
    """The hourly design, on the shared set and on cities of other seeds and shapes, beside the best peer."""
    truth = read_truth(DETECTION / "hourly_shared_truth.csv")
    events = read_events(DETECTION / "hourly_shared_events.csv.gz")
    ours, peer = hourly_scores(events), scan_scores(counts_of(events))
    thresholds = [threshold_for(ours, truth, target) for target in TARGETS]
    peer_thresholds = [threshold_for(peer, truth, target) for target in TARGETS]
    print(
        "shares found at thresholds for 1 / 2 / 5 / 10 false alerts a day on the shared set [false alerts made]"
    )
    _row("shared", ours, thresholds, truth)
    _row("  scan", peer, peer_thresholds, truth)
    hits: list[tuple[list[NDArray[np.bool_]], list[NDArray[np.bool_]]]] = []
    for seed in range(101, 101 + seeds):
        shape = SHAPES[seed % len(SHAPES)]
        city = simulate(seed, Design(shape=shape))
        events, truth = events_of(city), truth_of(city)
        ours, peer = hourly_scores(events), scan_scores(counts_of(events))
        hits.append(
            (
                _row(f"seed {seed} {shape}", ours, thresholds, truth),
                _row("  scan", peer, peer_thresholds, truth),
            )
        )
    if hits:
        _paired(hits)


def _row(
    name: str, scores: Scores, thresholds: Sequence[float], truth: list[Surge]
) -> list[NDArray[np.bool_]]:
    figures = [at_threshold(scores, threshold, truth) for threshold in thresholds]
    found = " ".join(f"{each.hit.mean():.3f} [{each.false_per_day:5.2f}]" for each in figures)
    at_five = figures[2]
    print(
        f"{name:18} {found}  at 5: penalised delay {at_five.penalised_delay_h:.2f} h, median {at_five.median_delay_h:.1f} h",
        flush=True,
    )
    return [each.hit for each in figures]


def _paired(hits: list[tuple[list[NDArray[np.bool_]], list[NDArray[np.bool_]]]]) -> None:
    rng = np.random.default_rng(1)
    print("mean over seeds, spread of seeds; ours less the scan's, 95 % of a paired bootstrap over surges")
    for i, target in enumerate(TARGETS):
        ours, peer = (np.concatenate([each[side][i] for each in hits]).astype(float) for side in (0, 1))
        by_seed = [float(each[0][i].mean()) for each in hits]
        gain = ours - peer
        drawn = [gain[rng.integers(0, len(gain), len(gain))].mean() for _ in range(BOOTSTRAPS)]
        low, high = np.quantile(drawn, (0.025, 0.975))
        print(
            f"  <= {target:2} a day  {ours.mean():.3f} ± {np.std(by_seed):.3f}   scan {peer.mean():.3f}   "
            f"{gain.mean():+.3f} ({low:+.3f} to {high:+.3f})"
        )


def calibration_figures(seeds: int) -> None:
    """Episodes of cities without any surge: how often come up those that are stated as once in N days, or rarer?"""
    days, peaks = 0.0, []
    for seed in range(201, 201 + seeds):
        record = _quiet_run(simulate(seed, Design(baseline_surges=0), test_surges=False))
        rules = record.surges.rules.baseline
        days += HOURS / 24 - rules.learning_days
        peaks += [peak.once_in_days for peak in record.peaks if not peak.learning]
    print(
        f"episodes stated as once in N days or rarer, over {days:,.0f} days without surges (after learning)"
    )
    for stated in (1.0, 7.0, 30.0):
        n = sum(peak >= stated for peak in peaks)
        factor = n / (days / stated)
        print(
            f"  N = {stated:2.0f}: {n} episodes where {days / stated:.0f} are stated, a factor of {factor:.2f}",
            flush=True,
        )


def _quiet_run(city: City) -> Record:
    detector = SurgeDetector(SurgeRules(excluded=frozenset(), neighbours=NEAR))
    record, first = Record(detector), (2_600 * 168 - 72) * 60
    waiting: dict[int, list[Arrival]] = {}
    for minute, zone, kind in zip(city.minute.tolist(), city.zone.tolist(), city.kind.tolist(), strict=True):
        waiting.setdefault(first + minute + 1, []).append(Arrival(str(zone), TYPES[kind], first + minute, 1))
    for tick in sorted({*waiting, *range(first + 15, first + HOURS * 60, 15)}):
        arrivals = waiting.get(tick, [])
        record.advance(tick, arrivals)
        detector.advance(tick, arrivals)
    return record


def city_figures() -> None:
    """What a budget of two a day tells of two cities' histories, and of their habits of recording."""
    chicago = _history(
        "chicago", "chicago_crimes_2018-01-01_2018-08-08.csv.gz", "chicago_community_areas.geojson.gz"
    )
    summary = summarise(chicago, ZoneInfo("America/Chicago"))
    print(f"Chicago: {summary.per_day:.2f} surges told a day")
    for name, zone, kind, days in (
        ("Lake View battery 17 March", "6", "assault", ("2018-03-17",)),
        ("Loop theft 2-4 August", "32", "larceny", ("2018-08-02", "2018-08-03", "2018-08-04")),
        ("area 8 battery 4 July", "8", "assault", ("2018-07-04",)),
    ):
        _say_told(chicago, ZoneInfo("America/Chicago"), (name, zone, kind, days))
    for what, ratio in (
        ("first of the month, alerts a day", summary.first_of_month),
        ("full hours, alerts per incident", summary.full_hour),
    ):
        low, high = ratio.interval
        print(f"  {what}: {ratio.value:.2f} times those of others (95 %: {low:.2f} to {high:.2f})")
    francisco = _history(
        "sffd", "sffd_calls_2016-12-31_2017-01-07.csv.gz", "sf_analysis_neighborhoods.geojson.gz"
    )
    print("San Francisco:")
    _say_told(francisco, ZoneInfo("America/Los_Angeles"), ("New Year, city level", "*", "", ("2017-01-01",)))


def _say_told(history: History, clock: ZoneInfo, what: tuple[str, str, str, Sequence[str]]) -> None:
    from datetime import UTC, datetime  # noqa: PLC0415

    name, zone, kind, days = what
    for day in days:
        told = [
            (datetime.fromtimestamp(alert.raised_at / 1000, UTC).astimezone(clock), alert)
            for alert in history.alerts
            if zone in alert.zones and kind in ("", alert.first["crime_type"]) and alert.rule == "surge"
        ]
        found = [
            f"{at:%H:%M} {alert.first['crime_type']} {alert.rarest['observed']} where {alert.rarest['expected']:.1f}"
            f"{', learning' if alert.learning else ''}"
            for at, alert in told
            if f"{at:%Y-%m-%d}" == day
        ]
        print(f"  {name}, {day}: {'; '.join(found) or 'NOT TOLD'}")


def _history(source_name: str, file: str, zones: str) -> History:
    source = source_named(source_name)
    from streams.settings.files import ZonesFile  # noqa: PLC0415

    polygons = ZonesFile(SHARED / "data" / zones, "community_area" if source_name == "chicago" else None)
    city = Jurisdiction(time_zone=source.time_zone, zones=polygons)
    stages = RecordedStages(with_budget(Settings(jurisdictions={source.jurisdiction: city}), 2.0))
    reading = source.read([SHARED / "data" / file])
    feed = [message for message in messages(reading) if isinstance(message, Message)]
    return replay_history(source.jurisdiction, stages, feed)


def weekly_designs(seeds: int) -> None:
    """The weekly design, on the shared set and on series of other seeds and outbreak shapes; thresholds of each its own."""
    print("weekly design: false positive rate, outbreaks found (standard error), F1 over weeks")
    shared = read_series(DETECTION / "weekly_shared.csv.gz")
    _weekly_row("shared", shared, read_spans(DETECTION / "weekly_shared_outbreaks.csv"))
    for seed in range(301, 301 + seeds):
        shape = WEEKLY_SHAPES[seed % len(WEEKLY_SHAPES)]
        _weekly_row(f"seed {seed} {shape}", *simulate_weeks(seed, 10, shape))


def _weekly_row(name: str, series: Series, spans: Spans) -> None:
    rows = weekly_figures(spans, list(weekly(series, lambda _: None)))
    said = "   ".join(
        f"FPR {each.rate:.3f} POD {each.found:.3f} ({each.error:.3f}) F1 {each.f1:.3f}" for each in rows
    )
    print(f"{name:18} {said}", flush=True)


def main() -> None:
    """Print what was asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", nargs="?", choices=("hourly", "weekly", "calibration", "cities"))
    parser.add_argument("--seeds", type=int, help="simulations (hourly: 6, weekly: 3, calibration: 15)")
    args = parser.parse_args()
    if args.what in (None, "hourly"):
        hourly_figures(6 if args.seeds is None else args.seeds)
    if args.what in (None, "weekly"):
        weekly_designs(3 if args.seeds is None else args.seeds)
    if args.what in (None, "calibration"):
        calibration_figures(15 if args.seeds is None else args.seeds)
    if args.what in (None, "cities"):
        city_figures()


if __name__ == "__main__":
    main()
