"""What every test may ask for: a real Kafka, topics of its own, the city data."""

import os
import re
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NoReturn

import hypothesis
import pytest
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from tests.kafka.broker import Cluster, KafkaUnavailable, fetch_jars, kafka_cluster

ROOT = Path(__file__).resolve().parent.parent
# A test that asks for one of these carries the marker, so that `-m "not kafka"` leaves none behind.
MARKER_OF_FIXTURE = {"kafka": "kafka", "kafka_jars": "kafka", "shared_dir": "city", "city_data": "city"}

# A machine shared with brokers has no even pace, so an example has no deadline. In CI the same examples are
# tried each time: what fails there fails anywhere, and new examples are for those who are at work on it.
hypothesis.settings.register_profile("vigil", deadline=None, print_blob=True)
hypothesis.settings.register_profile("ci", parent=hypothesis.settings.get_profile("vigil"), derandomize=True)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") == "true" else "vigil")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        for fixture, marker in MARKER_OF_FIXTURE.items():
            if fixture in getattr(item, "fixturenames", ()):
                item.add_marker(marker)
        if item.get_closest_marker("kafka"):
            item.add_marker(pytest.mark.xdist_group("kafka"))


def no_kafka(reason: str) -> NoReturn:
    """Skip by name; where Kafka is required, fail instead."""
    if os.environ.get("VIGIL_REQUIRE_KAFKA") == "1" or os.environ.get("CI") == "true":
        pytest.fail(f"no Kafka, and it is required here: {reason}", pytrace=False)
    pytest.skip(f"no Kafka: {reason}")


@pytest.fixture(scope="session")
def kafka_jars() -> Path:
    """Kafka's jars; what a broker of our own needs."""
    try:
        return fetch_jars()
    except KafkaUnavailable as lack:
        reason = str(lack)
    no_kafka(reason)


@pytest.fixture(scope="session")
def kafka(request: pytest.FixtureRequest) -> Iterator[str]:
    """Bootstrap address of one broker for the whole session: VIGIL_TEST_BROKER, or one of our own."""
    given = os.environ.get("VIGIL_TEST_BROKER")
    if given:
        try:
            AdminClient({"bootstrap.servers": given, "log_level": 0}).list_topics(timeout=20.0)
        except KafkaException as error:
            pytest.fail(f"VIGIL_TEST_BROKER={given} does not answer: {error}", pytrace=False)
        yield given
        return
    request.getfixturevalue("kafka_jars")
    with kafka_cluster() as cluster:
        yield cluster.bootstrap


@pytest.fixture
def start_kafka(kafka_jars: Path) -> Iterator[Callable[..., Cluster]]:
    """Start a cluster of the test's own: `start_kafka(brokers=3, properties={…})`; it ends with the test."""
    with ExitStack() as running:

        def start(*arguments: Any, **options: Any) -> Cluster:
            return running.enter_context(kafka_cluster(*arguments, **options))

        yield start


@pytest.fixture
def topic_prefix(request: pytest.FixtureRequest) -> str:
    """A prefix that no other test has, for topics and consumer groups; it ends in a hyphen."""
    name = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower()).strip("-")
    return f"{name[:60]}-{uuid.uuid4().hex[:8]}-"


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """The folder beside the repository with city data and the oracle; VIGIL_SHARED names another place."""
    given = os.environ.get("VIGIL_SHARED")
    path = Path(given) if given else ROOT.parent / "shared"
    if path.is_dir():
        return path
    if given:
        pytest.fail(f"VIGIL_SHARED={given} is no folder", pytrace=False)
    pytest.skip("no shared folder beside the repository; VIGIL_SHARED can name one")


@pytest.fixture(scope="session")
def city_data(shared_dir: Path) -> Path:
    """The folder with the cities' own records."""
    path = shared_dir / "data"
    if not path.is_dir():
        pytest.skip(f"no city data in {path}")
    return path
