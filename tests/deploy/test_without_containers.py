"""Every service of docker-compose.yml with its own command and environment, without containers.

Names and ports of the network of containers become free ports of loopback, paths become folders of the test; all else
is as it stands in the file. Grafana alone is not run: its files are checked by themselves.
"""

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.parse
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
import yaml

from tests.deploy.files import DEPLOY, compose, expressions, read_yaml, rules
from tests.kafka.broker import Broker, Cluster, free_ports
from tests.worker.process import VIGIL, WorkerProcess, wait_until, worker

pytestmark = [pytest.mark.kafka, pytest.mark.slow]
SERVICES = compose()["services"]
MINUTE = 60_000
LOG4J = "Configuration:\n  Loggers:\n    Root:\n      level: WARN\n"


class Places:
    """What stands for the names, ports and paths of the containers."""

    def __init__(self, folder: Path) -> None:
        self.inside, self.controller, self.outside, self.prometheus = free_ports(4)
        self._words = {
            "kafka:9092": f"127.0.0.1:{self.inside}",
            "kafka:9093": f"127.0.0.1:{self.controller}",
            "://:9092": f"://127.0.0.1:{self.inside}",
            "://:9093": f"://127.0.0.1:{self.controller}",
            "://:29092": f"://127.0.0.1:{self.outside}",
            "127.0.0.1:29092": f"127.0.0.1:{self.outside}",
            "127.0.0.1:9092": f"127.0.0.1:{self.inside}",
            "/var/lib/kafka/data": str(folder / "kafka-data"),
            "path=/prometheus": f"path={folder / 'prometheus-data'}",
        }

    def put(self, text: str) -> str:
        for word, here in self._words.items():
            text = text.replace(word, here)
        return text

    def environ(self, service: str) -> dict[str, str]:
        return {name: self.put(value) for name, value in SERVICES[service]["environment"].items()}


@contextmanager
def kafka(jars: Path, folder: Path, places: Places) -> Iterator[Cluster]:
    """The broker, configured by the class that the image runs, from the environment of the service."""
    home = folder / "kafka"
    for name in ("default", "mounted"):
        (home / name).mkdir(parents=True)
    for name in ("log4j2.yaml", "tools-log4j2.yaml"):
        (home / "default" / name).write_text(LOG4J)
    (home / "default" / "server.properties").write_text("")
    broker = Broker(1, places.inside, places.controller, home, jars)
    wrapper = ["kafka.docker.KafkaDockerWrapper", "setup", "--default-configs-dir", str(home / "default")]
    wrapper += ["--mounted-configs-dir", str(home / "mounted"), "--final-configs-dir", str(home)]
    made = subprocess.run(
        broker.java(*wrapper),
        env={**os.environ, **places.environ("kafka")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stdout + made.stderr
    cluster = Cluster({1: broker})
    broker.spawn()
    try:
        cluster.wait_until_answering()
        yield cluster
    finally:
        cluster.close()


def is_healthy(broker: Broker, places: Places) -> bool:
    """The health check of the service: a script of the image, which runs this class."""
    kind, script, *arguments = SERVICES["kafka"]["healthcheck"]["test"]
    assert (kind, script) == ("CMD", "/opt/kafka/bin/kafka-broker-api-versions.sh")
    command = broker.java("org.apache.kafka.tools.BrokerApiVersionsCommand", *map(places.put, arguments))
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def is_alive(running: WorkerProcess) -> int:
    """The exit code of the health check of a worker."""
    kind, python, *arguments = SERVICES["worker"]["healthcheck"]["test"]
    assert (kind, python) == ("CMD", "python")
    port = running.url.rpartition(":")[2]
    command = [sys.executable, *(word.replace("6066", port) for word in arguments)]
    return subprocess.run(command, capture_output=True, check=False).returncode


@contextmanager
def prometheus(folder: Path, places: Places, workers: list[WorkerProcess]) -> Iterator[str]:
    """Prometheus with the command of the service; the workers are named, since no DNS knows them here."""
    said = read_yaml(DEPLOY / "prometheus.yml")
    said["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    (job,) = said["scrape_configs"]
    del job["dns_sd_configs"]
    job["static_configs"] = [{"targets": [running.url.partition("://")[2] for running in workers]}]
    (folder / "prometheus.yml").write_text(yaml.safe_dump(said))
    shutil.copy(DEPLOY / "prometheus-rules.yml", folder)
    config = "/etc/prometheus/prometheus.yml"
    command = [
        places.put(word.replace(config, str(folder / "prometheus.yml")))
        for word in SERVICES["prometheus"]["command"]
    ]
    address = f"127.0.0.1:{places.prometheus}"
    with (folder / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(
            ["prometheus", *command, f"--web.listen-address={address}"], stdout=log, stderr=log
        )
    try:
        yield f"http://{address}"
    finally:
        process.kill()
        process.wait(10)


def api(url: str, path: str, **query: str) -> Any:
    """What Prometheus answers, None while it does not."""
    try:
        with urlopen(f"{url}/api/v1/{path}?{urllib.parse.urlencode(query)}", timeout=10) as answer:
            return json.load(answer)["data"]
    except OSError:
        return None


def asked(url: str, expression: str) -> list[Any]:
    data = api(url, "query", query=expression)
    return [] if data is None else list(data["result"])


def publish(environ: Mapping[str, str], folder: Path) -> None:
    """Incidents of the last half hour and the facts of their units, from this machine."""
    now = int(time.time() * 1000)
    rows = ["Case,Reported,Nature,Beat"]
    for number in range(30):
        at = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(now / 1000 - 60 * (32 - number)))
        rows.append(f"A-{number},{at},BURG RES,B0{number % 4}")
    (folder / "calls.csv").write_text("\n".join(rows))
    (folder / "mapping.toml").write_text(
        'jurisdiction = "springfield"\ntime_zone = "UTC"\n[columns]\nid = ["Case"]\nreported_at = "Reported"\n'
        'type = ["Nature"]\nzone = "Beat"\n[types]\n"BURG RES" = "burglary"\n'
    )
    command = [VIGIL, "publish", "calls.csv", "--source", "mapping.toml"]
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, **environ}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def run_topics(places: Places) -> None:
    """The job that makes the topics."""
    done = subprocess.run(
        [VIGIL, *SERVICES["topics"]["command"]],
        env={**os.environ, **places.environ("topics")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_every_service_runs_with_its_command_and_environment(kafka_jars: Path, tmp_path: Path) -> None:
    places = Places(tmp_path)
    with ExitStack() as running:
        cluster = running.enter_context(kafka(kafka_jars, tmp_path, places))
        assert is_healthy(cluster.brokers[1], places)
        run_topics(places)
        environ = {**places.environ("worker"), "VIGIL_WEB_PORT": "0"}
        command = SERVICES["worker"]["command"]
        workers = [
            running.enter_context(worker(tmp_path, environ, *command))
            for _ in range(SERVICES["worker"]["deploy"]["replicas"])
        ]
        for each in workers:
            each.wait_ready()
            assert is_alive(each) == 0
            assert each.ask("/v1/jurisdictions")[0] == 403, "beyond loopback without a token"
        publish({"VIGIL_BROKER": f"127.0.0.1:{places.outside}"}, tmp_path)
        if shutil.which("prometheus") is not None:
            look_with_prometheus(tmp_path, places, workers)
        assert [each.stop() for each in workers] == [0, 0]
        assert is_alive(workers[0]) != 0


def look_with_prometheus(folder: Path, places: Places, workers: list[WorkerProcess]) -> None:
    """Prometheus scrapes both workers, holds every rule, and answers every panel of the dashboard."""
    with prometheus(folder, places, workers) as url:
        wait_until(lambda: len(asked(url, 'up{job="vigil"} == 1')) == len(workers), "it scrapes both")
        burglaries = 'sum(vigil_incidents{jurisdiction="springfield",crime_type="burglary",window="24h"})'
        wait_until(lambda: [r["value"][1] for r in asked(url, burglaries)] == ["30"], "all are counted")
        held = [rule for group in api(url, "rules")["groups"] for rule in group["rules"]]
        assert [rule["name"] for rule in held] == [rule["alert"] for rule in rules()]
        assert [rule for rule in held if rule["health"] == "err"] == []
        for where, expression in expressions():
            assert api(url, "query", query=expression) is not None, where
        owned = asked(url, 'sum by (topic) (vigil_partitions_owned{topic=~"incidents|cells"})')
        assert {each["metric"]["topic"]: each["value"][1] for each in owned} == {
            "incidents": "4",
            "cells": "1",
        }
