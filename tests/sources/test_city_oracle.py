"""The table of built-in sources read a second time, row by row and as plainly as it is written: the same counts.

Crime types are left out on both sides; `test_places_and_types.py` has them.
"""

import csv
import gzip
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import pytest

from streams.sources import source_named
from tests.oracle_bridge import load_oracle
from tests.sources.files import incidents

WINDOWS = {"15m": 900_000, "1h": 3_600_000, "6h": 21_600_000, "24h": 86_400_000, "7d": 604_800_000}
PANE_MS = 60_000
Rows = list[dict[str, str]]


class Plain(NamedTuple):
    """What one message says, as the oracle takes it."""

    incident_id: str
    updated_at: int
    counts_at: int | None = None
    zone: str | None = None
    withdrawn: bool | None = None


def instant(text: str, form: str, zone: str) -> int:
    return round(datetime.strptime(text, form).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)


def fire(rows: Rows) -> Iterable[Plain]:
    def at(text: str) -> int:
        return instant(text, "%m/%d/%Y %I:%M:%S %p", "America/Los_Angeles")

    latest: dict[str, int] = defaultdict(int)
    for row in rows:
        times = [at(text) for title, text in row.items() if title.endswith("DtTm") and text]
        latest[row["Call Number"]] = max(latest[row["Call Number"]], *times)
    for row in rows:
        call, label = row["Call Number"], row["Neighborhood  District"]
        received = at(row["Received DtTm"])
        yield Plain(call, received, received, None if label in ("", "None") else label)
        if row["Call Final Disposition"] == "Cancelled":
            yield Plain(call, latest[call], withdrawn=True)


def police(rows: Rows) -> Iterable[Plain]:
    def at(text: str) -> int:
        return instant(text, "%Y/%m/%d %I:%M:%S %p", "America/Los_Angeles")

    earliest: dict[str, int] = {}
    for row in rows:
        record = f"{row['Incident Number']} {row['Incident Code']}"
        earliest[record] = min(at(row["Report Datetime"]), earliest.get(record, 2**62))
    for row in rows:
        record = f"{row['Incident Number']} {row['Incident Code']}"
        withdrawn = row["Resolution"] == "Unfounded"
        zone = row["Analysis Neighborhood"] or None
        yield Plain(record, at(row["Report Datetime"]), earliest[record], zone, withdrawn)


def chicago(rows: Rows) -> Iterable[Plain]:
    for number, row in enumerate(rows):
        at = instant(row["date"], "%Y-%m-%dT%H:%M:%S", "America/Chicago")
        yield Plain(str(number), at, at, row["community_area"])


class Case(NamedTuple):
    """A source, its file, how its rows are read plainly, and every how many-th of them is taken."""

    source: str
    file: str
    plainly: Callable[[Rows], Iterable[Plain]]
    every: int = 1


CASES = [
    Case("sffd", "sffd_calls_2016-12-31_2017-01-07.csv.gz", fire),
    Case("sfpd", "sfpd_incidents_2018-12.csv.gz", police),
    Case("chicago", "chicago_crimes_2018-01-01_2018-08-08.csv.gz", chicago, every=8),
]


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=[case.source for case in CASES])
def test_a_plain_reading_of_the_table_gives_the_same_counts(
    tmp_path: Path, city_data: Path, case: Case
) -> None:
    oracle: Any = load_oracle()
    with gzip.open(city_data / case.file, "rt", encoding="utf-8", newline="") as text:
        reader = csv.DictReader(text)
        rows = list(reader)[:: case.every]
        titles = reader.fieldnames or ()
    path = tmp_path / "rows.csv"
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, titles)
        writer.writeheader()
        writer.writerows(reversed(rows))
    expected = [
        oracle.Message(said.incident_id, said.updated_at, said.counts_at, said.zone, None, said.withdrawn)
        for said in case.plainly(rows)
    ]
    messages = [
        oracle.Message(
            event.incident_id,
            event.updated_at,
            event.reported_at,
            event.zone,
            None,
            oracle.withdrawn_by(event.status),
        )
        for event in incidents(source_named(case.source).read([path]))
    ]
    assert oracle.truth(messages, WINDOWS, PANE_MS) == oracle.truth(expected, WINDOWS, PANE_MS)
