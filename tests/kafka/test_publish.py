"""What `vigil publish` does with a file whose times are wrong, on a real Kafka."""

from collections.abc import Callable
from pathlib import Path

import pytest

from streams.core.timeline import Timeline
from streams.sources.messages import last_heartbeat
from tests.kafka.deployment import Deployment

pytestmark = [pytest.mark.kafka, pytest.mark.slow]
Deploy = Callable[..., Deployment]
MAPPING = """\
jurisdiction = "springfield"
time_zone = "UTC"
[columns]
id = ["Case"]
reported_at = "Reported"
type = ["Nature"]
zone = "Beat"
[types]
"BURG" = "burglary"
"""
HEADER = "Case,Reported,Nature,Beat\n"
USABLE = "A-1,2026-03-02 21:14:05,BURG,B04\nA-2,2026-03-02 21:20:41,BURG,B04\n"
FUTURE = "A-3,2099-03-02 21:14:05,BURG,B04\n"
REFUSED = (
    "vigil: 1 of these messages will be dead letters (from_the_future): more than 10 min ahead of the clock here; "
    "mend the file's times, or the time_zone they are read in, and publish it again\n"
)


def publish(deployment: Deployment, folder: Path, rows: str) -> tuple[int, str]:
    (folder / "mapping.toml").write_text(MAPPING)
    (folder / "calls.csv").write_text(HEADER + rows)
    done = deployment.vigil("publish", str(folder / "calls.csv"), "--source", str(folder / "mapping.toml"))
    return done.returncode, done.stderr


def test_a_row_of_the_future_keeps_no_other_row_from_being_counted(deploy: Deploy, tmp_path: Path) -> None:
    deployment = deploy(partitions=2)
    deployment.worker()
    code, said = publish(deployment, tmp_path, USABLE + FUTURE)
    assert code == 1
    assert "time of springfield told to every partition: 2026-03-02T21:22:00" in said
    assert said.endswith(REFUSED)
    deployment.settle()
    (letter,) = deployment.dead_letters().values()
    assert (letter[0], letter[2]["vigil-reason"]) == (b"A-3", "from_the_future")
    assert max(record["counts"]["24h"] for record in deployment.records("window-counts")) == 2
    deployment.assert_exact()


def test_where_all_is_of_the_future_no_time_is_told(deploy: Deploy, tmp_path: Path) -> None:
    deployment = deploy(partitions=1)
    code, said = publish(deployment, tmp_path, FUTURE)
    assert code == 1
    assert said.endswith(REFUSED)
    assert "told to every partition" not in said
    assert len(deployment.read("incidents")) == 1


def test_time_is_not_told_further_than_intake_takes_it() -> None:
    timeline = Timeline(60_000, {"1h": 3_600_000}, 60_000, 0)
    assert last_heartbeat("c", 90_000, timeline).heartbeat_at == 180_000
    assert last_heartbeat("c", 90_000, timeline, 200_000).heartbeat_at == 180_000
    assert last_heartbeat("c", 90_000, timeline, 100_000).heartbeat_at == 100_000
