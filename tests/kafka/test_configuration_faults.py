"""Configuration faults as a user meets them: exit code 2, one clear message with the remedy, no traceback."""

import json
import socket
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from tests.kafka.broker import free_ports
from tests.kafka.deployment import STOP_S, Deployment, wait_until

pytestmark = [pytest.mark.kafka]
Deploy = Callable[..., Deployment]


def assert_refused(done: CompletedProcess[str], *words: str) -> None:
    """The command ended with 2 and said what is wrong and what to do, and nothing else."""
    assert done.returncode == 2, done.stderr[-3000:]
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    lines = done.stderr.splitlines()
    assert lines[0].startswith("vigil: ")
    assert all(line.startswith("  ") for line in lines[1:]), done.stderr
    for word in words:
        assert word in done.stderr


def test_missing_topics_are_all_named_with_the_command_that_makes_them(
    kafka: str, topic_prefix: str, tmp_path: Path
) -> None:
    with Deployment(kafka, topic_prefix, tmp_path) as vigil:
        done = vigil.vigil("worker")
    assert_refused(
        done, *(f"{topic_prefix}{name}: is missing" for name in ("incidents", "cells", "window-counts"))
    )
    assert done.stderr.count("run: vigil topics apply") == 11


def test_zones_file_that_is_missing_is_named_with_its_line(deploy: Deploy, tmp_path: Path) -> None:
    config = tmp_path / "vigil.toml"
    config.write_text('[defaults]\nzones = "nowhere.geojson"\n')
    done = deploy(1).vigil("-c", str(config), "worker")
    assert_refused(
        done, f"{config}:2: defaults.zones names a zones file that does not exist", "nowhere.geojson"
    )


def test_another_number_of_partitions_is_refused(deploy: Deploy) -> None:
    vigil = deploy(2)
    done = vigil.vigil("worker", VIGIL_TOPICS_INCIDENTS_PARTITIONS="4")
    assert_refused(done, "partitions are 2, the configuration says 4", "set topics.incidents.partitions = 2")


def test_retention_too_short_for_the_windows_is_refused(deploy: Deploy) -> None:
    done = deploy(1).vigil("worker", VIGIL_COUNTING_WINDOWS="15m,1h,30d")
    assert_refused(
        done, "topics.incidents.retention must be >= 817h", "the longest window, the allowed lateness and 4 d"
    )


def test_broker_that_does_not_answer_is_named(tmp_path: Path, topic_prefix: str) -> None:
    (port,) = free_ports(1)
    with Deployment(f"127.0.0.1:{port}", topic_prefix, tmp_path) as vigil:
        done = vigil.vigil("worker")
    assert_refused(done, f'broker "127.0.0.1:{port}" does not answer', "VIGIL_BROKER")


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        yield int(taken.getsockname()[1])


def test_port_in_use_is_found_out_before_anything_is_taken_over(deploy: Deploy, taken_port: int) -> None:
    vigil = deploy(1)
    done = vigil.vigil("worker", VIGIL_WEB_PORT=str(taken_port))
    assert_refused(done, str(taken_port), "in use")
    assert vigil.committed("incidents", "cells") == {}


def test_changed_counting_without_a_new_version_is_refused_and_with_one_accepted(deploy: Deploy) -> None:
    vigil = deploy(1)
    first = vigil.worker()
    wait_until(lambda: len(vigil.committed("incidents", "cells")) == 2, "it has committed")
    assert first.stop() < STOP_S
    changed: dict[str, Any] = {"VIGIL_COUNTING_WINDOWS": "15m,1h"}
    assert_refused(vigil.vigil("worker", **changed), "counting.version must be above 1", "set it to 2")
    (port,) = free_ports(1)
    second = vigil.worker(**changed, VIGIL_COUNTING_VERSION="2", VIGIL_WEB_PORT=str(port))
    wait_until(lambda: answer(port, "readyz")[0] == 200, "it has taken over")
    assert second.stop() < STOP_S
    assert_refused(vigil.vigil("worker"), "counting.version must be at least 2")


def test_worker_says_that_it_is_ready_once_everything_is_taken_over(deploy: Deploy) -> None:
    (port,) = free_ports(1)
    vigil = deploy(2)
    worker = vigil.worker(VIGIL_WEB_PORT=str(port))
    wait_until(lambda: answer(port, "readyz")[0] == 200, "it is ready")
    code, said = answer(port, "readyz")
    assert (code, said["ready"], said["reasons"]) == (200, True, [])
    assert {each["topic"].removeprefix(vigil.prefix) for each in said["partitions"]} == {
        "incidents",
        "dispatches",
        "alert-acks",
        "cells",
    }
    assert answer(port, "healthz")[0] == 200
    assert worker.stop() < STOP_S


def answer(port: int, path: str) -> tuple[int, dict[str, Any]]:
    """(status, JSON) of a route; (0, {}) while nobody answers."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}", timeout=5) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, json.load(refused)
    except OSError:
        return 0, {}
