"""`vigil check`."""

import gzip
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from streams.cli import check as check_module
from tests.cli.conftest import Vigil
from tests.kafka.log_bounds import log_bounds

NOW_MS = 1_795_500_000_000
MAPPING = """\
jurisdiction = "springfield"
time_zone = "America/Chicago"
[columns]
id = ["Case"]
reported_at = "Reported"
type = ["Nature"]
zone = "Beat"
[types]
"BURG RES" = "burglary"
"""
ROWS = """\
Case,Reported,Nature,Beat
A-1001,2026-03-02 21:14:05,BURG RES,B04
A-1002,2026-03-02 21:20:41,XYZ,
A-1003,yesterday,BURG RES,B04
A-1001,2026-03-02 21:30:00,BURG RES,B05
"""


def message(**said: Any) -> dict[str, Any]:
    at = "2026-11-23T11:45:00Z"
    return {"incident_id": "A-1", "jurisdiction": "springfield", "updated_at": at, **said}


GOOD = message(reported_at="2026-11-23T11:44:00Z", crime_type="burglary", zone="B04")
NAIVE = message(updated_at="2026-11-23T11:45:00")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(check_module, "time", lambda: NOW_MS / 1000)
    (tmp_path / "mapping.toml").write_text(MAPPING)
    (tmp_path / "calls.csv").write_text(ROWS)
    return tmp_path


def lines(*messages: Any) -> str:
    return "".join(each if isinstance(each, str) else json.dumps(each) + "\n" for each in messages)


def test_rows_of_a_file_as_a_table(vigil: Vigil) -> None:
    said = vigil("check", "calls.csv", "--source", "mapping.toml")
    assert said.code == 1
    assert said.err.startswith("reading calls.csv: ")
    assert "checking: 4 messages in " in said.err
    assert said.out == (
        "PLACE        MESSAGE  BECOMES      WHERE                          COUNTS IN                 WHAT IS TO BE SAID\n"
        "calls.csv:2  A-1001   counted      B04, burglary                  2026-03-03T03:14:00.000Z\n"
        "calls.csv:3  A-1002   counted      unknown, other                 2026-03-03T03:20:00.000Z  "
        'the code "XYZ" is not mapped: counts as other; no zone: counts in unknown\n'
        "calls.csv:4           dead-letter                                                           "
        'Reported must be a time such as 2018-12-31T23:57:56 (got "yesterday")\n'
        "calls.csv:5  A-1001   moved        B04, burglary → B05, burglary  2026-03-03T03:30:00.000Z\n"
        "\n"
        "WHAT                                   MESSAGES  WHICH\n"
        "counted                                2\n"
        "dead-letter                            1         wrong_type 1\n"
        "moved                                  1\n"
        "in crime types                         3         burglary 2, other 1\n"
        "in zones                               3         B04 1, unknown 1, B05 1\n"
        "unknown codes, counted as other        1         XYZ 1\n"
        "without a usable zone                  1\n"
        "rows read                              4\n"
        "words of the file that are not mapped  1         XYZ 1\n"
        "\n"
        "1 of 4 would be dead letters; all others can be used\n"
    )


def test_exit_code_is_0_when_every_message_can_be_used(vigil: Vigil, folder: Path) -> None:
    (folder / "calls.csv").write_text("".join(ROWS.splitlines(keepends=True)[:3]))
    said = vigil("check", "calls.csv", "--source", "mapping.toml")
    assert said.code == 0
    assert said.out.endswith("\n\nevery one of 2 can be used\n")


def test_rows_as_json_lines_end_with_the_summary(vigil: Vigil) -> None:
    said = vigil("check", "calls.csv", "--source", "mapping.toml", "--json")
    *outcomes, last = [json.loads(line) for line in said.out.splitlines()]
    assert said.code == 1
    assert [(each["place"]["number"], each["becomes"]) for each in outcomes] == [
        (2, "counted"),
        (3, "counted"),
        (4, "dead-letter"),
        (5, "moved"),
    ]
    summary = last["summary"]
    assert (summary["usable"], summary["unknown_codes"], summary["dead_letters"]) == (
        False,
        {"XYZ": 1},
        {"wrong_type": 1},
    )
    assert summary["source"]["rows"] == 4
    assert summary["source"]["unknown_words"] == {"XYZ": 1}


def test_only_some_are_shown_but_all_are_counted(vigil: Vigil) -> None:
    said = vigil("check", "calls.csv", "--source", "mapping.toml", "--json", "--only", "dead-letter")
    outcome, last = [json.loads(line) for line in said.out.splitlines()]
    assert outcome["reason"] == "wrong_type"
    assert sum(last["summary"]["becomes"].values()) == 4


def test_few_lines_show_some_of_each_kind_the_unusable_first(vigil: Vigil, folder: Path) -> None:
    good = [message(incident_id=f"A-{n}", reported_at="2026-11-23T11:44:00Z") for n in range(50)]
    (folder / "m.jsonl").write_text(lines(*good, NAIVE, NAIVE, message(status="cancelled", incident_id="Z")))
    said = vigil("check", "m.jsonl", "--topic", "incidents", "--lines", "3")
    assert [line.split()[:3] for line in said.out.splitlines()[1:4]] == [
        ["m.jsonl:1", "A-0", "counted"],
        ["m.jsonl:51", "A-1", "dead-letter"],
        ["m.jsonl:53", "Z", "not-counted"],
    ]
    assert "\n3 of 53, some of each kind; --lines and --only show others\n" in said.out
    assert "PLACE" not in vigil("check", "m.jsonl", "--topic", "incidents", "--lines", "0").out


def test_zones_of_the_command_line_locate_rows(vigil: Vigil, folder: Path) -> None:
    square = {"type": "Polygon", "coordinates": [[[0, 0], [0, 1], [1, 1], [1, 0], [0, 0]]]}
    feature = {"type": "Feature", "properties": {"zone": "North"}, "geometry": square}
    (folder / "z.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    (folder / "mapping.toml").write_text(MAPPING.replace('zone = "Beat"', 'lat = "Lat"\nlon = "Lon"'))
    (folder / "calls.csv").write_text(
        "Case,Reported,Nature,Lat,Lon\nA,2026-03-02 21:14:05,BURG RES,0.5,0.5\nB,2026-03-02 21:14:05,BURG RES,5,5\n"
    )
    said = vigil("check", "calls.csv", "--source", "mapping.toml", "--zones", "z.geojson")
    assert said.code == 0
    assert "North, burglary" in said.out
    assert "no zone: counts in unknown" in said.out
    assert "without a usable zone  1" in said.out


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_messages_one_a_line(vigil: Vigil, folder: Path, pack: Any) -> None:
    (folder / "m").write_bytes(pack(lines(GOOD, "\n", NAIVE, "nonsense\n", "[1]\n", GOOD).encode()))
    said = vigil("check", "m", "--topic", "incidents", "--json")
    *outcomes, last = [json.loads(line) for line in said.out.splitlines()]
    assert [(each["place"]["number"], each["becomes"], each.get("reason")) for each in outcomes] == [
        (1, "counted", None),
        (3, "dead-letter", "naive_time"),
        (4, "dead-letter", "not_json"),
        (5, "dead-letter", "wrong_type"),
        (6, "duplicate", None),
    ]
    assert "source" not in last["summary"]


def test_messages_with_their_keys(vigil: Vigil, folder: Path) -> None:
    text = "".join(f"{key}|{json.dumps(GOOD)}\n" for key in ("A-1", "B04", ""))
    (folder / "m").write_text(text + "no separator\n")
    said = vigil("check", "m", "--topic", "incidents", "-K", "|", "--json")
    outcomes = [json.loads(line) for line in said.out.splitlines()[:-1]]
    assert [(each["becomes"], each.get("key")) for each in outcomes] == [
        ("counted", "A-1"),
        ("dead-letter", "B04"),
        ("dead-letter", None),
        ("dead-letter", None),
    ]
    assert "key: 'B04' is not the incident_id 'A-1'" in outcomes[1]["why"]


def test_message_from_the_future_is_one_as_of_now(vigil: Vigil, folder: Path) -> None:
    (folder / "m").write_text(
        lines(message(updated_at=NOW_MS + 600_000), message(updated_at=NOW_MS + 600_001))
    )
    said = vigil("check", "m", "--topic", "incidents", "--json")
    reasons = [json.loads(line).get("reason") for line in said.out.splitlines()[:-1]]
    assert reasons == [None, "from_the_future"]


def test_empty_file_has_no_message(vigil: Vigil, folder: Path) -> None:
    (folder / "m").write_text("\n")
    said = vigil("check", "m", "--topic", "dispatches")
    assert (said.code, said.out) == (0, "\nWHAT  MESSAGES  WHICH\n\nthere is no message\n")


def test_configured_type_map_is_the_one_that_holds(vigil: Vigil, folder: Path) -> None:
    (folder / "vigil.toml").write_text('[jurisdictions.springfield.type_map]\n"XYZ" = "arson"\n')
    said = vigil("-c", "vigil.toml", "check", "calls.csv", "--source", "mapping.toml", "--json")
    summary = json.loads(said.out.splitlines()[-1])["summary"]
    assert summary["crime_types"] == {"burglary": 2, "arson": 1}
    assert summary["unknown_codes"] == {}


def test_damaged_file_is_one_message(vigil: Vigil, folder: Path) -> None:
    (folder / "m.gz").write_bytes(gzip.compress(lines(GOOD).encode())[:-9])
    said = vigil("check", "m.gz", "--topic", "incidents")
    assert (said.code, said.out) == (2, "")
    assert "vigil: m.gz is damaged (" in said.err


@pytest.mark.parametrize(
    "arguments, text",
    [
        pytest.param(
            [], "nothing to check; name files with --source or --topic, or a topic alone", id="nothing"
        ),
        pytest.param(
            ["calls.csv"],
            "files need either --source (rows of a table) or --topic (messages, one a line)",
            id="neither",
        ),
        pytest.param(
            ["calls.csv", "--source", "sffd", "--topic", "incidents"],
            "files need either --source (rows of a table) or --topic (messages, one a line)",
            id="both",
        ),
        pytest.param(
            ["--topic", "incidents", "-K", "|"], "-K does nothing here; it needs files and --topic", id="-K"
        ),
        pytest.param(
            ["--topic", "incidents", "--source", "sffd"],
            "--source does nothing here; it needs files",
            id="--source",
        ),
        pytest.param(
            ["calls.csv", "--topic", "incidents", "--zones", "z"],
            "--zones does nothing here; it needs --source",
            id="--zones",
        ),
        pytest.param(
            ["calls.csv", "--source", "sffd", "--newest", "9"],
            "--newest does nothing here; it needs --topic without files",
            id="--newest",
        ),
        pytest.param(
            ["--topic", "alerts"], "invalid value for '--topic': 'alerts' is not one of", id="topic"
        ),
        pytest.param(["gone.csv", "--source", "sffd"], "invalid value for '[FILE]...'", id="no file"),
        pytest.param(["calls.csv", "--source", "sfff"], '--source: cannot be "sfff"', id="no source"),
        pytest.param(["calls.csv", "--source", "sffd"], "calls.csv lacks 12 columns", id="no columns"),
    ],
)
def test_wrong_use_is_one_message(vigil: Vigil, arguments: list[str], text: str) -> None:
    said = vigil("check", *arguments)
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith(f"vigil: {text}")
    assert "Traceback" not in said.err


# ---- a topic


def publish(broker: str, topic: str, items: Iterable[tuple[str | None, Any]]) -> None:
    producer = Producer({"bootstrap.servers": broker})
    for key, value in items:
        producer.produce(topic, json.dumps(value) if not isinstance(value, bytes) else value, key)
    assert producer.flush(30) == 0


def test_topic_is_read_as_it_is_and_left_as_it_was(
    vigil: Vigil, kafka: str, topic_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIGIL_BROKER", kafka)
    monkeypatch.setenv("VIGIL_TOPIC_PREFIX", topic_prefix)
    missing = vigil("check", "--topic", "incidents")
    assert missing.code == 2
    assert "vigil topics apply" in missing.err
    assert vigil("topics", "apply").code == 0
    assert vigil("check", "--topic", "incidents").out.endswith("there is no message\n")
    say = {**GOOD, "updated_at": "2026-03-02T11:45:00Z", "reported_at": "2026-03-02T11:44:00Z"}
    moved = {
        "incident_id": "A-1",
        "jurisdiction": "springfield",
        "updated_at": "2026-03-02T11:50:00Z",
        "zone": "B05",
    }
    items = [("A-1", say), ("A-1", say), ("A-1", moved), ("B04", say), (None, b"nonsense")]
    publish(kafka, f"{topic_prefix}incidents", items)
    for _ in range(2):
        said = vigil("check", "--topic", "incidents", "--json")
        assert said.code == 1
        *outcomes, last = [json.loads(line) for line in said.out.splitlines()]
        assert last["summary"]["becomes"] == {"dead-letter": 2, "counted": 1, "duplicate": 1, "moved": 1}
        assert {each["place"]["source"].rpartition("-")[0] for each in outcomes} == {"incidents"}
    newest = vigil("check", "--topic", "incidents", "--newest", "1", "--json")
    assert len(newest.out.splitlines()) - 1 <= 3  # one of each partition that has any
    letters = Consumer({"bootstrap.servers": kafka, "group.id": "-"})
    try:
        assert log_bounds(letters, TopicPartition(f"{topic_prefix}dead-letters", 0)) == (0, 0)
    finally:
        letters.close()


def test_what_a_message_says_cannot_steer_the_terminal(vigil: Vigil, folder: Path) -> None:
    (folder / "m.jsonl").write_text(lines({**GOOD, "zone": "\x1b[2J"}))
    said = vigil("check", "m.jsonl", "--topic", "incidents")
    assert "\x1b" not in said.out
    assert "\\u001b[2J, burglary" in said.out
