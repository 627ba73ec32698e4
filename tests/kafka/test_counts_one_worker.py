"""One worker on a real Kafka: every count at every tick is what the log says."""

import gzip
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import pytest

from tests.kafka.deployment import Deployment, interleaved, rules_environment, world_records
from tests.oracle_bridge import Rules
from tests.worlds import CITY, SHORT, Shape, random_world

pytestmark = [pytest.mark.kafka]
Deploy = Callable[..., Deployment]
POLICE = "sfpd_incidents_2018-12.csv.gz"
CRIMES = "chicago_crimes_2018-01-01_2018-08-08.csv.gz"


def test_published_file_is_counted_exactly_and_once_more_changes_nothing(
    deploy: Deploy, city_data: Path
) -> None:
    vigil = deploy()
    vigil.publish(str(city_data / POLICE), "--source", "sfpd")
    vigil.worker()
    vigil.settle()
    vigil.assert_exact()
    once = vigil.final()
    assert sum(map(len, once.values())) > 50_000
    vigil.publish(str(city_data / POLICE), "--source", "sfpd")
    vigil.settle()
    assert len(vigil.accepted()) > 2 * 11_000
    vigil.assert_exact()
    assert vigil.final() == once


@pytest.mark.slow
def test_the_first_20_000_events_of_a_file_of_seven_months_are_counted_exactly(
    deploy: Deploy, city_data: Path, tmp_path: Path
) -> None:
    vigil = deploy()
    beginning = tmp_path / "crimes.csv"
    with gzip.open(city_data / CRIMES, "rt") as whole:
        beginning.write_text("".join(islice(whole, 20_001)))  # and the header
    vigil.publish(str(beginning), "--source", "chicago")
    vigil.worker()
    vigil.settle()
    assert len(vigil.accepted()) > 20_000  # and heartbeats
    vigil.assert_exact()


@pytest.mark.parametrize("rules", [SHORT, CITY], ids=["short", "city"])
def test_corrections_and_late_messages_of_random_worlds_are_counted_exactly(
    deploy: Deploy, rules: Rules
) -> None:
    vigil = deploy(3, 2, **rules_environment(rules), VIGIL_WORKER_BATCH_SIZE="37")
    named = Rules(rules.pane_ms, named_windows(rules), rules.out_of_orderness_ms, rules.lateness_ms)
    world = random_world(5, named, Shape(messages=2_500, jurisdictions=3, incidents=40))
    records = interleaved(world_records(world))
    vigil.worker()
    vigil.produce(records[:1_500])
    vigil.settle()
    vigil.produce(records[1_500:])
    vigil.settle()
    vigil.assert_exact(named)
    assert vigil.records("late-events"), "nothing was late"


def named_windows(rules: Rules) -> dict[str, int]:
    """Windows by the names that the configuration gives them."""
    return {f"{width // 1000}s": width for width in rules.windows.values()}
