"""Calendar files: what they mean for a jurisdiction, and every fault of them at once."""

from datetime import UTC, datetime
from pathlib import Path
from textwrap import dedent

import pytest

from streams.calendar_file import CalendarFile, load_calendar
from streams.core.detection import SurgeDetector
from streams.core.occasions import Calendar
from streams.settings import ConfigurationError, load
from streams.stages import Stages

EXAMPLE = Path(__file__).parent.parent / "deploy" / "calendar.example.toml"


def read(folder: Path, text: str) -> CalendarFile:
    path = folder / "calendar.toml"
    path.write_text(dedent(text), "utf-8")
    return load_calendar(path)


def hour(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) // 3600


def test_the_example_says_what_its_comments_say() -> None:
    file = load_calendar(EXAMPLE)
    assert [o.name for o in file.of("chicago", "America/Chicago").occasions] == [
        "Independence Day",
        "Marathon",
    ]
    elsewhere = file.of("sf", "America/Los_Angeles")
    assert [o.name for o in elsewhere.occasions] == ["Independence Day"]
    assert elsewhere.occasions[0].first_hour == hour("2026-07-04T07:00")


def test_an_entry_may_be_of_one_jurisdiction_by_its_plain_name(tmp_path: Path) -> None:
    file = read(tmp_path, '[[event]]\nfrom = 2026-07-04\nuntil = 2026-07-05\njurisdictions = "sf"\n')
    assert len(file.of("sf", "UTC").occasions) == 1
    assert file.of("oakland", "UTC") == Calendar()


def faults(folder: Path, text: str, zones: tuple[str, ...] = ()) -> list[str]:
    with pytest.raises(ConfigurationError) as raised:
        read(folder, text).of("sf", "UTC", zones)
    return [str(fault).replace(f"{folder}/", "") for fault in raised.value.faults]


@pytest.mark.parametrize(
    "text, fault",
    [
        pytest.param(
            "event = 3\n", 'calendar.toml:1: holds "event", which is no list of events', id="no list"
        ),
        pytest.param(
            "[holiday]\nx = 1\n", 'calendar.toml:1: holds "holiday", which is no list', id="other table"
        ),
        pytest.param("[[event]\n", "calendar.toml:1: is not TOML", id="no TOML"),
        pytest.param(
            "\n[[event]]\nfrom = 2026-07-05\nuntil = 2026-07-04\n",
            "calendar.toml:2: from and until must be dates or times, until after from",
            id="backwards",
        ),
        pytest.param(
            '[[event]]\nfrom = 2026-07-04\nuntil = 2026-07-05\nzones = ["Atlantis"]\n',
            "calendar.toml:1: zone 'Atlantis' is not known",
            id="unknown zone",
        ),
    ],
)
def test_faults_name_file_and_line(tmp_path: Path, text: str, fault: str) -> None:
    (said,) = faults(tmp_path, text, ("Mission",))
    assert fault in said


def test_faults_of_all_entries_are_said_at_once(tmp_path: Path) -> None:
    text = '[[event]]\nfrom = "soon"\n[[event]]\nfrom = 2026-07-04\nuntil = 2026-07-05\nfactor = 0\n'
    assert [said.partition(": ")[0] for said in faults(tmp_path, text)] == [
        "calendar.toml:1",
        "calendar.toml:3",
    ]


def test_a_calendar_reaches_the_detector_of_its_jurisdiction(tmp_path: Path) -> None:
    (tmp_path / "calendar.toml").write_text("[[event]]\nfrom = 2026-07-04\nuntil = 2026-07-05\n")
    config = tmp_path / "vigil.toml"
    config.write_text(
        '[detection]\ncalendar_file = "calendar.toml"\n[jurisdictions.sf]\ntime_zone = "Asia/Tokyo"\n'
    )
    (surges,) = [d for d in Stages(load(config)).detectors("sf") if isinstance(d, SurgeDetector)]
    assert surges.rules.calendar.factor(("Mission", "larceny"), hour("2026-07-03T15:00")) == 2.0
    assert surges.rules.calendar.factor(("Mission", "larceny"), hour("2026-07-03T14:00")) == 1.0
