"""docker-compose.yml: as the specification wants it, closed to other machines, and with settings that exist."""

import json
import re
import shutil
import subprocess
import tomllib
from importlib.resources import files
from typing import Any

import jsonschema
import pytest

from streams.settings import Settings, load
from tests.deploy.files import ROOT, compose

SERVICES = compose()["services"]
OURS = ("topics", "worker")


def validator() -> jsonschema.Draft7Validator:
    """Of the compose specification, whose schema check-jsonschema carries."""
    schema = files("check_jsonschema.builtin_schemas.vendor") / "compose-spec.json"
    return jsonschema.Draft7Validator(json.loads(schema.read_text()))


def test_file_is_what_the_compose_specification_says() -> None:
    assert [fault.message for fault in validator().iter_errors(compose())] == []


@pytest.mark.parametrize(
    "service, key, value",
    [("kafka", "prots", []), ("worker", "depends_on", {"kafka": {}}), ("topics", "command", 1)],
)
def test_mistakes_would_be_found(service: str, key: str, value: Any) -> None:
    wrong = compose()
    wrong["services"][service][key] = value
    assert list(validator().iter_errors(wrong))


def test_compose_itself_reads_the_file() -> None:
    if shutil.which("docker") is None:
        pytest.skip("no docker here")
    has = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False)
    if has.returncode:
        pytest.skip("docker is here without its compose plugin")
    done = subprocess.run(
        ["docker", "compose", "config", "--quiet"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_every_image_has_a_version() -> None:
    for name, service in SERVICES.items():
        assert re.fullmatch(r"[a-z/]+:v?\d+\.\d+\.\d+", service["image"]), name


def test_image_of_ours_has_the_version_of_the_project() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert {SERVICES[name]["image"] for name in OURS} == {f"vigil:{version}"}


def test_only_this_machine_reaches_what_is_published() -> None:
    published = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert published
    assert [port for port in published if not port.startswith("127.0.0.1:")] == []
    assert "ports" not in SERVICES["worker"]


def test_every_file_that_is_mounted_is_there() -> None:
    mounted = [v for service in SERVICES.values() for v in service.get("volumes", [])]
    ours = [volume for volume in mounted if volume.startswith("./")]
    assert len(ours) >= 4
    for volume in ours:
        source, _, mode = volume.split(":")
        assert (ROOT / source).exists(), source
        assert mode == "ro"


@pytest.mark.parametrize("name", OURS)
def test_environment_of_ours_is_settings(name: str) -> None:
    settings = load(environ=SERVICES[name]["environment"])
    assert settings.broker == "kafka:9092"
    assert settings.topics == Settings().topics, "else commands from outside would have to be told"


@pytest.mark.parametrize("name", OURS)
def test_containers_of_ours_may_do_nothing_they_need_not(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]


def test_workers_are_two_and_wait_for_kafka_and_the_topics() -> None:
    worker = SERVICES["worker"]
    assert worker["deploy"]["replicas"] == 2
    assert worker["depends_on"] == {
        "kafka": {"condition": "service_healthy"},
        "topics": {"condition": "service_completed_successfully"},
    }
    grace_s = int(worker["stop_grace_period"].removesuffix("s"))
    assert grace_s * 1000 > load(environ=worker["environment"]).worker.shutdown_deadline_ms
