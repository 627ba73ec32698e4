"""Every command of the operator's page is run, on a real Kafka, with a worker that has something to tell."""

import re
import shutil
from pathlib import Path

import pytest

from schemas.audit import Action
from schemas.emissions import Alert
from streams.core.episodes import AlertReason
from tests.conftest import no_kafka
from tests.docs.pages import ROOT, blocks_of, run, said
from tests.worker.process import WorkerProcess, wait_until, worker
from tests.worker.test_worker_process import City

PAGE = "docs/operating.md"
TEXT = (ROOT / PAGE).read_text()
RULES = '[[rule]]\nname = "burglaries"\ncrime_type = "burglary"\nat_least = 3\nwithin = "24h"\n'
ALERT_ID = "5425dde873fa3d0a"  # of the page


@pytest.fixture
def city(kafka: str, topic_prefix: str, tmp_path: Path) -> City:
    return City(kafka, topic_prefix, tmp_path)


def open_alerts(running: WorkerProcess) -> list[dict[str, object]]:
    status, answer = running.ask("/v1/alerts?jurisdiction=springfield&state=all")
    return answer["alerts"] if status == 200 else []


@pytest.mark.slow
def test_commands_of_the_page_do_what_it_says(city: City) -> None:
    if shutil.which("kcat") is None:
        no_kafka("kcat is not installed")
    scripts = [(block.body, block.kind) for block in blocks_of(PAGE) if block.kind.startswith("sh worker")]
    assert len(scripts) >= 5
    (city.folder / "rules.toml").write_text(RULES)
    environ = {**city.environ, "VIGIL_DETECTION_RULES_FILE": str(city.folder / "rules.toml")}
    with worker(city.folder, environ) as running:
        running.wait_ready()
        city.incidents(30)
        city.publish(b"no JSON")
        (alert, *_) = wait_until(lambda: open_alerts(running), "an alert is raised")
        for script, kind in scripts:
            known = {ALERT_ID: str(alert["alert_id"]), "http://127.0.0.1:6066": running.url}
            known["127.0.0.1:9092"] = environ["VIGIL_BROKER"]
            known["-t dead-letters"] = f"-t {environ['VIGIL_TOPIC_PREFIX']}dead-letters"
            for word, here in known.items():
                script = script.replace(word, here)  # noqa: PLW2901 -- one word after the other
            done = run(script, city.folder, environ)
            assert done.returncode == (1 if kind.endswith("exit-1") else 0), script + said(done)
            assert '"status":4' not in done.stdout.replace(" ", ""), script + said(done)
        wait_until(lambda: open_alerts(running)[0]["verdict"] == "confirmed", "the answer is shown")
        assert open_alerts(running)[0]["acknowledged"]
        assert 'vigil_alert_precision_ratio{jurisdiction="springfield"} 1.0' in running.ask("/metrics")[1]
        precision = running.ask("/v1/kpis?jurisdiction=springfield&kpi=alert_precision")[1]["kpis"]
        assert [(each["count"], each["within"], each["value"]) for each in precision] == [(1, 1, 1.0)]
        assert running.stop() == 0


def test_page_names_every_action_of_the_audit() -> None:
    assert words_of("Who did what") == {str(action) for action in Action}


def words_of(heading: str) -> set[str]:
    """What stands in backticks in the first column of the first table under a heading."""
    section = TEXT.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    cells = re.findall(r"^\| (`[^|]*) \|", section, re.M)
    return {word for cell in cells for word in re.findall(r"`([^`]+)`", cell)}


def test_page_explains_every_field_of_an_alert() -> None:
    assert words_of("Alerts: what they say") == set(Alert.__slots__) - {"jurisdiction"}


def test_page_names_every_reason_of_an_alert() -> None:
    (row,) = re.findall(r"^\| `reason` \|.*$", TEXT, re.M)
    assert set(re.findall(r"`([^`]+)`", row)) - {"reason"} == {str(reason) for reason in AlertReason}


def test_page_explains_every_event_of_the_log() -> None:
    sources = "".join(path.read_text() for path in (ROOT / "streams").rglob("*.py"))
    events = set(re.findall(r'extra=event\(\s*"(\w+)"', sources))
    libraries = {"kafka_client", "worker_engine", "web_server", "event_loop"}
    assert words_of("The log") == events | libraries


def test_links_within_the_page_lead_somewhere() -> None:
    anchors = {
        re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-")
        for heading in re.findall(r"^#+ (.+)$", TEXT, re.M)
    }
    links = re.findall(r"\]\(#([^)]+)\)", TEXT)
    assert links
    assert set(links) <= anchors
