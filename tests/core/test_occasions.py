"""The calendar of planned occasions: what it makes expected, and what of a bad file is said."""

from datetime import UTC, datetime

import pytest

from streams.core.detection import SurgeDetector, SurgeRules
from streams.core.occasions import USUAL_FACTOR, Calendar, Occasion, read_calendar
from streams.core.scores import Arrival
from tests.core.cities import MONDAY, PANES, steady, ticks


def hour(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) // 3600


def test_an_occasion_lasts_from_its_beginning_until_its_end_exclusive_in_local_time() -> None:
    entry = {"name": "Independence Day", "from": "2026-07-04", "until": "2026-07-05", "factor": 1.5}
    calendar, faults = read_calendar([entry], "America/Chicago")
    assert faults == []
    assert calendar.occasions == (
        Occasion("Independence Day", hour("2026-07-04T05:00"), hour("2026-07-05T05:00"), 1.5),
    )
    cell = ("8", "battery")
    assert [
        calendar.factor(cell, hour(at)) for at in ("2026-07-04T04:00", "2026-07-04T05:00", "2026-07-05T05:00")
    ] == [1.0, 1.5, 1.0]


def test_a_day_of_23_hours_is_an_occasion_of_23_hours() -> None:
    entry = {"from": "2026-03-08", "until": "2026-03-09"}
    calendar, _ = read_calendar([entry], "America/Chicago")
    assert calendar.occasions[0].end_hour - calendar.occasions[0].first_hour == 23


def test_an_occasion_holds_in_its_zones_and_types_and_for_totals_over_its_types() -> None:
    entry = {"from": "2026-07-04", "until": "2026-07-05", "zones": ["8"], "types": "larceny"}
    calendar, faults = read_calendar([entry], "UTC", zones=["8", "32"])
    at = hour("2026-07-04T10:00")
    assert faults == []
    assert calendar.factor(("8", "larceny"), at) == USUAL_FACTOR
    assert calendar.factor(("8", "assault"), at) == 1.0
    assert calendar.factor(("32", "larceny"), at) == 1.0


def test_where_occasions_overlap_the_greatest_factor_holds() -> None:
    entries = [
        {"name": "weekend", "from": "2026-07-04", "until": "2026-07-06", "factor": 1.2},
        {"name": "parade", "from": "2026-07-04T10:00", "until": "2026-07-04T14:00", "factor": 3},
        {"name": "fair", "from": "2026-07-04T12:00", "until": "2026-07-04T20:00", "factor": 2},
    ]
    calendar, faults = read_calendar(entries, "UTC")
    assert faults == []
    factors = [calendar.factor(("8", "larceny"), hour(f"2026-07-04T{h:02}:00")) for h in (9, 11, 13, 15, 21)]
    assert factors == [1.2, 3.0, 3.0, 2.0, 1.2]


def test_unknown_zones_and_types_are_named_and_change_nothing_else() -> None:
    entry = {
        "from": "2026-07-04",
        "until": "2026-07-05",
        "zones": ["8", "atlantis"],
        "types": ["larceny", "noise"],
    }
    calendar, faults = read_calendar([entry], "UTC", zones=["8"])
    assert faults == [
        "calendar entry 1: zone 'atlantis' is not known",
        "calendar entry 1: crime type 'noise' is not known",
    ]
    assert calendar.factor(("8", "larceny"), hour("2026-07-04T10:00")) == USUAL_FACTOR


@pytest.mark.parametrize(
    "entry, fault",
    [
        (
            {"from": "2026-07-05", "until": "2026-07-04"},
            "from and until must be dates or times, until after from",
        ),
        ({"from": "soon", "until": "2026-07-04"}, "from and until must be dates or times"),
        ({"until": "2026-07-04"}, "from and until must be dates or times"),
        (
            {"from": "2026-07-04", "until": "2026-07-05", "factor": 0.5},
            r"factor must be a number from 1 to 100 (got 0.5)",
        ),
        ({"from": "2026-07-04", "until": "2026-07-05", "factor": True}, "factor must be a number"),
        (
            {"from": "2026-07-04", "until": "2026-07-05", "place": "8"},
            "'place' is no key of a calendar entry",
        ),
    ],
    ids=["backwards", "no time", "no beginning", "less than usual", "no number", "unknown key"],
)
def test_faults_of_an_entry_say_what_is_wrong(entry: dict[str, object], fault: str) -> None:
    _, faults = read_calendar([{"from": "2026-01-01", "until": "2026-01-02"}, entry], "UTC")
    assert len(faults) == 1
    assert faults[0].startswith("calendar entry 2: ")
    assert fault in faults[0]


def test_an_entry_without_a_time_is_left_out_and_the_others_hold() -> None:
    calendar, _ = read_calendar(
        [{"from": "2026-01-01"}, {"from": "2026-01-01", "until": "2026-01-02"}], "UTC"
    )
    assert [occasion.name for occasion in calendar.occasions] == ["planned event"]


def test_a_festival_in_the_calendar_is_no_surge() -> None:
    now = MONDAY + 30 * 24 + 10
    festival = Calendar((Occasion("festival", now - 1, now + 6, 12.0, frozenset({"A"})),))
    levels = []
    for calendar in (Calendar(), festival):
        detector = SurgeDetector(SurgeRules(calendar=calendar))
        for tick, some in ticks(steady(30, {("A", "larceny"): 0.5, ("B", "larceny"): 0.5})):
            detector.advance(tick, some)
        crowd = [Arrival("A", "larceny", now * PANES + 6 * i, 1) for i in range(8)]
        scores = [score for tick, some in ticks(crowd) for score in detector.advance(tick, some)]
        levels.append(max((s.level for s in scores if s.zones == ("A",)), default=0.0))
    without, within = levels
    assert without > 1.0 > within


def test_what_a_festival_brought_does_not_raise_what_is_expected_later() -> None:
    first = MONDAY + 20 * 24
    festival = Calendar((Occasion("festival", first, first + 48, 5.0),))
    rates = []
    for calendar, times in ((Calendar(), 1), (festival, 5)):
        detector = SurgeDetector(SurgeRules(calendar=calendar))
        crowd = [
            a._replace(n=times) if first <= a.pane // PANES < first + 48 else a
            for a in steady(30, {("A", "larceny"): 1.0})
        ]
        for tick, some in ticks(crowd):
            detector.advance(tick, some)
        rates.append(detector.board.outlook.rate[detector.board.row_of["A", "larceny"]].mean())
    assert rates[1] == pytest.approx(rates[0], rel=0.1)
