"""The files that deploy Vigil, as Compose, Prometheus and Grafana read them."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from streams.metrics import ALL

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
SUFFIXES = {"histogram": ("_bucket", "_count", "_sum")}

METRICS = {
    name: metric
    for metric in ALL
    for name in (metric.name, *(metric.name + suffix for suffix in SUFFIXES.get(metric.kind, ())))
}
"""Name as Prometheus stores it → metric."""


def read_yaml(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


def compose() -> Any:
    """docker-compose.yml; YAML's merges are done."""
    return read_yaml(ROOT / "docker-compose.yml")


def dashboard() -> Any:
    return json.loads((DEPLOY / "grafana" / "dashboards" / "vigil.json").read_text())


def panels() -> list[Any]:
    return [panel for panel in dashboard()["panels"] if panel["type"] != "row"]


def rules() -> list[Any]:
    """The alerting rules."""
    return [rule for group in read_yaml(DEPLOY / "prometheus-rules.yml")["groups"] for rule in group["rules"]]


def expressions() -> Iterator[tuple[str, str]]:
    """(where, PromQL) of every rule, panel and variable; variables of the dashboard have a value."""
    for rule in rules():
        yield f"rule {rule['alert']}", rule["expr"]
    for panel in panels():
        for target in panel["targets"]:
            yield f"panel {panel['title']}", with_values(target["expr"])
    for variable in dashboard()["templating"]["list"]:
        found = re.fullmatch(r"label_values\((\w+), (\w+)\)", variable["query"]["query"])
        assert found, variable
        yield f"variable {variable['name']}", f"count by ({found[2]}) ({found[1]})"


def with_values(expression: str) -> str:
    return (
        expression.replace("$jurisdiction", "springfield").replace("$window", "24h").replace("$over", "24h")
    )
