"""A world on the session's Kafka, for tests of whole workers."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.shell.world import World


@pytest.fixture
def new_world(kafka: str, topic_prefix: str, tmp_path: Path) -> Iterator[Callable[..., World]]:
    """Make topics and a group: `new_world(partitions=4)`; workers that are left end with the test."""
    with ExitStack() as open_worlds:

        def make(partitions: int = 1, config: dict[str, str] | None = None, broker: str = kafka) -> World:
            world = World(broker, topic_prefix, tmp_path, partitions)
            world.create(config)
            open_worlds.callback(world.close)
            return world

        yield make
