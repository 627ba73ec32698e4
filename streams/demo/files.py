"""The files that the demo's worker runs with: configuration, zones, analysts' rules."""

import json
import os
from pathlib import Path
from typing import NamedTuple

from streams.demo.city import RULES, DemoCity
from streams.demo.ports import LOOPBACK
from streams.settings import Settings, load

CONFIGURATION = """\
broker = "{broker}"

[worker]
session_timeout = "6s"  # the broker of the demo waits half of it before a group begins
batch_size = 250  # on a backlog, so much is counted between two looks at /metrics

[kafka]
idempotent = false  # it knows no producer ids

[heartbeats]
enabled = false  # the city sends its own

[web]
bind = {bind}
port = {port}

[topics.incidents]
partitions = 2

[topics.dispatches]
partitions = 2

[detection]
rules_file = "rules.toml"
alerts_per_day = 1.0

[log]
level = "warning"

[jurisdictions.{city}]
time_zone = "UTC"
zones = "zones.geojson:name"
"""


class Web(NamedTuple):
    """Where /metrics will answer."""

    bind: str
    port: int

    @property
    def metrics_url(self) -> str:
        """The address for people and Prometheus."""
        host = {"0.0.0.0": LOOPBACK, "::": "[::1]"}.get(self.bind, self.bind)
        return f"http://{f'[{host}]' if ':' in host and '[' not in host else host}:{self.port}/metrics"


def write_files(folder: Path, city: DemoCity, broker_port: int, web: Web) -> Path:
    """Write them; the path of the configuration."""
    (folder / "zones.geojson").write_text(json.dumps(city.simulation.city.geojson()))
    (folder / "rules.toml").write_text(RULES)
    path = folder / "vigil.toml"
    path.write_text(
        CONFIGURATION.format(
            broker=f"{LOOPBACK}:{broker_port}",
            bind=json.dumps(web.bind),
            port=web.port,
            city=city.jurisdiction,
        )
    )
    return path


def settings_of(path: Path) -> Settings:
    """The settings that the worker will run with, whatever variables are set here."""
    return load(path, environ={})


def worker_environ() -> dict[str, str]:
    """Our variables without those that would change the worker's settings."""
    return {name: value for name, value in os.environ.items() if not name.startswith("VIGIL_")}
