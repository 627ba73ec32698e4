"""A cluster that needs a moment: for the coordinator of a new group, and to show what was changed."""

from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import GroupCoordinatorNotAvailableError
from aiokafka.structs import OffsetAndMetadata

from streams.topics.cluster import Cluster
from streams.topics.table import TopicSpec

TP = TopicPartition("incidents", 0)


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.topics.cluster._WAIT_S", 0)


class Admin:
    """An admin client of a cluster that is ready after some questions."""

    def __init__(self, ready_after: int) -> None:
        self.asked = 0
        self._ready_after = ready_after

    async def list_consumer_group_offsets(
        self, group: str, partitions: list[TopicPartition]
    ) -> dict[Any, Any]:
        self.asked += 1
        if self.asked <= self._ready_after:
            raise GroupCoordinatorNotAvailableError
        return {tp: OffsetAndMetadata(5 if tp == TP else -1, "") for tp in partitions}

    async def create_topics(self, new: list[Any]) -> Any:
        return type("Response", (), {"topic_errors": [(topic.name, 0, None) for topic in new]})

    async def describe_topics(self) -> list[dict[str, Any]]:
        self.asked += 1
        return [{"topic": "incidents", "partitions": []}] if self.asked > self._ready_after else []


async def test_coordinator_of_a_new_group_is_waited_for() -> None:
    admin = Admin(ready_after=3)
    assert await Cluster(admin).committed("vigil", {"incidents": 4}) == {TP: ""}
    assert admin.asked == 4


async def test_coordinator_that_never_comes_is_an_error() -> None:
    with pytest.raises(GroupCoordinatorNotAvailableError):
        await Cluster(Admin(ready_after=1000)).committed("vigil", {"incidents": 4})


@pytest.mark.parametrize(
    "ready_after, asked", [pytest.param(2, 3, id="seen"), pytest.param(1000, 100, id="given up")]
)
async def test_new_topics_are_waited_for(ready_after: int, asked: int) -> None:
    admin = Admin(ready_after)
    await Cluster(admin).create([TopicSpec("incidents", "incidents", 1, 1, {})])
    assert admin.asked == asked
