"""Prometheus and Grafana: every metric and label that they ask for exists, and rules speak when they should."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from streams.metrics import ALL
from tests.deploy.files import DEPLOY, METRICS, ROOT, dashboard, expressions, panels, read_yaml, rules

OTHERS = {"up", "process_cpu_seconds_total", "process_resident_memory_bytes"}
TARGET_LABELS = {"job", "instance", "le"}
EXPRESSIONS = list(expressions())
RULE_TESTS = Path(__file__).parent / "prometheus-rules-test.yml"


def promtool(*arguments: str) -> "subprocess.CompletedProcess[str]":
    if shutil.which("promtool") is None:
        pytest.skip("no promtool here; Debian has it in the package prometheus")
    return subprocess.run(["promtool", *arguments], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("where, expression", EXPRESSIONS, ids=[where for where, _ in EXPRESSIONS])
def test_metrics_and_labels_that_are_asked_for_exist(where: str, expression: str) -> None:
    named = re.findall(r"\b(vigil_\w+|process_\w+|python_\w+|up)\b", expression)
    assert named, expression
    assert [name for name in named if name not in METRICS and name not in OTHERS] == []
    labels = {label for name in named if name in METRICS for label in METRICS[name].labels} | TARGET_LABELS
    asked = {word for group in re.findall(r"\bby \(([^)]*)\)", expression) for word in group.split(", ")}
    asked |= set(re.findall(r"[{,](\w+)=", expression))
    assert asked <= labels


def test_everything_that_is_said_of_the_city_is_on_the_dashboard() -> None:
    asked = " ".join(target["expr"] for panel in panels() for target in panel["targets"])
    of_the_city = {metric.name for metric in ALL if "jurisdiction" in metric.labels}
    on_it = {name for name in of_the_city if re.search(rf"\b{name}(_bucket|_count)?\b", asked)}
    # What a compliance is measured against stands in the title of its panel.
    assert of_the_city - on_it == {"vigil_response_goal_seconds"}


def test_texts_of_rules_name_labels_that_their_expressions_keep() -> None:
    for rule in rules():
        texts = " ".join(str(text) for text in rule["annotations"].values())
        used = set(re.findall(r"\$labels\.(\w+)", texts))
        grouped = re.findall(r"\bby \(([^)]*)\)", rule["expr"])
        kept = {word for group in grouped for word in group.split(", ")}
        if not grouped:
            named = re.findall(r"\b(vigil_\w+|up)\b", rule["expr"])
            kept = TARGET_LABELS.union(*(METRICS[name].labels for name in named if name in METRICS))
        assert used <= kept, rule["alert"]


def test_every_rule_says_what_why_and_where_to_read_on() -> None:
    assert len(rules()) >= 10
    headings = re.findall(r"^#+ (.+)$", (ROOT / "docs" / "operating.md").read_text(), re.M)
    anchors = {heading.lower().replace(" ", "-") for heading in headings}
    for rule in rules():
        assert rule["labels"]["severity"] in ("critical", "warning")
        assert rule["annotations"].keys() == {"summary", "description", "runbook"}
        page, _, anchor = rule["annotations"]["runbook"].partition("#")
        assert page == "docs/operating.md"
        assert anchor == rule["alert"].lower()
        assert anchor in anchors, f"docs/operating.md has no heading {rule['alert']}"


def test_prometheus_takes_the_configuration_and_the_rules() -> None:
    done = promtool("check", "config", str(DEPLOY / "prometheus.yml"))
    assert done.returncode == 0, done.stderr


def test_rules_speak_when_they_should() -> None:
    done = promtool("test", "rules", str(RULE_TESTS))
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_rule_has_a_test() -> None:
    cases = [case for test in read_yaml(RULE_TESTS)["tests"] for case in test["alert_rule_test"]]
    spoke = {case["alertname"] for case in cases if case.get("exp_alerts")}
    silent = {case["alertname"] for case in cases if not case.get("exp_alerts")}
    assert spoke == silent == {rule["alert"] for rule in rules()}


def test_every_expression_is_promql(tmp_path: Path) -> None:
    group = {"name": "all", "rules": [{"record": f"r{n}", "expr": e} for n, (_, e) in enumerate(EXPRESSIONS)]}
    (tmp_path / "all.yml").write_text(yaml.safe_dump({"groups": [group]}))
    done = promtool("check", "rules", str(tmp_path / "all.yml"))
    assert done.returncode == 0, done.stderr


def test_scrape_asks_the_port_of_the_workers() -> None:
    said = read_yaml(DEPLOY / "prometheus.yml")
    (job,) = said["scrape_configs"]
    (found,) = job["dns_sd_configs"]
    assert (job["job_name"], found["names"], found["port"]) == ("vigil", ["worker"], 6066)
    assert said["rule_files"] == ["prometheus-rules.yml"]


def test_dashboard_uses_the_source_that_is_provisioned() -> None:
    (source,) = read_yaml(DEPLOY / "grafana/provisioning/datasources/prometheus.yml")["datasources"]
    used = {target["datasource"]["uid"] for panel in panels() for target in panel["targets"]}
    used |= {panel["datasource"]["uid"] for panel in panels()}
    assert used == {source["uid"]}
    (provider,) = read_yaml(DEPLOY / "grafana/provisioning/dashboards/vigil.yml")["providers"]
    assert provider["options"]["path"] == "/etc/grafana/dashboards"


def test_panels_have_titles_of_their_own_and_do_not_overlap() -> None:
    titles = [panel["title"] for panel in panels()]
    assert len(set(titles)) == len(titles)
    taken: dict[tuple[int, int], str] = {}
    for panel in dashboard()["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        for x in range(place["x"], place["x"] + place["w"]):
            for y in range(place["y"], place["y"] + place["h"]):
                assert taken.setdefault((x, y), panel["title"]) == panel["title"]
    assert len({panel["id"] for panel in dashboard()["panels"]}) == len(dashboard()["panels"])
