"""Vigil on the session's Kafka."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.kafka.deployment import Deployment


@pytest.fixture
def deploy(kafka: str, topic_prefix: str, tmp_path: Path) -> Iterator[Callable[..., Deployment]]:
    """Topics and a group of the test's own; workers that are left end with the test."""
    with ExitStack() as running:

        def make(partitions: int = 4, cells: int = 1, **environment: str) -> Deployment:
            deployment = running.enter_context(Deployment(kafka, topic_prefix, tmp_path, **environment))
            deployment.apply_topics(partitions, cells)
            return deployment

        yield make
