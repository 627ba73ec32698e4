"""The topics as a cluster has them, and making or changing them there.

Metadata is asked for all topics at once: asking for one by name creates it on brokers that create on demand. All
configuration of a topic is asked for, without a filter: the wheel broker closes the connection on one. A change sends
every setting of the topic again, because Kafka's AlterConfigs resets those it does not name.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import (
    GroupCoordinatorNotAvailableError,
    GroupLoadInProgressError,
    KafkaError,
    NotCoordinatorForGroupError,
    TopicAlreadyExistsError,
    for_code,
)

from streams.settings import ConfigurationError, Fault, Settings
from streams.settings.connection import client_options
from streams.topics.planning import Difference, Found
from streams.topics.table import TopicSpec
from streams.topics.unreachable import Listener, said_of, unreachable

_SET_ON_TOPIC: Final = 1  # DescribeConfigs: DYNAMIC_TOPIC_CONFIG
_TRIES: Final = 100
_WAIT_S: Final = 0.1  # with _TRIES 10 s: what a cluster needs to spread a change is far below
_ALREADY_THERE: Final = TopicAlreadyExistsError.errno


class Cluster:
    """What this module asks of a cluster, through one admin client."""

    def __init__(self, admin: AIOKafkaAdminClient) -> None:
        self._admin = admin

    async def brokers(self) -> int:
        """How many brokers there are."""
        return len((await self._admin.describe_cluster())["brokers"])

    async def topics(self, names: Iterable[str]) -> dict[str, Found]:
        """Those of the named topics that exist."""
        wanted = set(names)
        listed = {topic["topic"]: topic["partitions"] for topic in await self._admin.describe_topics()}
        configs = await self._configs(sorted(wanted & set(listed)))
        return {
            name: Found(
                len(partitions),
                min((len(each["replicas"]) for each in partitions), default=0),
                *configs[name],
            )
            for name, partitions in listed.items()
            if name in wanted
        }

    async def _configs(self, names: list[str]) -> dict[str, tuple[dict[str, str], dict[str, str]]]:
        """Per topic: all of its configuration, and what was set on the topic itself."""
        if not names:
            return {}
        asked = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
        told: dict[str, tuple[dict[str, str], dict[str, str]]] = {}
        for response in await self._admin.describe_configs(asked):
            for code, message, _, name, entries in response.resources:
                _refuse(code, message, name)
                values = {entry[0]: entry[1] for entry in entries if entry[1] is not None}
                own = {entry[0] for entry in entries if entry[3] == _SET_ON_TOPIC}
                told[name] = values, {key: value for key, value in values.items() if key in own}
        return told

    async def create(self, specs: Sequence[TopicSpec]) -> None:
        """Create topics, and return when they can be seen; one that exists by now is left as it is.

        Raises:
            ConfigurationError: the cluster refuses one.
        """
        new = [
            NewTopic(
                spec.kafka_name, spec.partitions, spec.replication_factor, topic_configs=dict(spec.configs)
            )
            for spec in specs
        ]
        response = await self._admin.create_topics(new)
        for name, code, message in response.topic_errors:
            if code != _ALREADY_THERE:
                _refuse(code, message, name)
        made = {spec.kafka_name for spec in specs}

        async def are_there() -> bool:
            return made <= {topic["topic"] for topic in await self._admin.describe_topics()}

        await _until(are_there)

    async def alter(self, changes: Mapping[str, Mapping[str, str]]) -> None:
        """Set configuration of topics, keeping all that was set on them before, and return when it can be seen.

        Args:
            changes: topic → what to set.

        Raises:
            ConfigurationError: the cluster refuses it.
        """
        before = await self._configs(list(changes))
        asked = [
            ConfigResource(ConfigResourceType.TOPIC, name, {**before[name][1], **configs})
            for name, configs in changes.items()
        ]
        for response in await self._admin.alter_configs(asked):
            for code, message, _, name in response.resources:
                _refuse(code, message, name)

        async def are_set() -> bool:
            now = await self._configs(list(changes))
            return all(configs.items() <= now[name][1].items() for name, configs in changes.items())

        await _until(are_set)

    async def committed(self, group: str, topics: Mapping[str, int]) -> dict[TopicPartition, str]:
        """What the group's commits carry, for partitions that it has a position in: of twice as many as there are.

        A cluster that has never seen a group makes its coordinator first; that is waited for.
        """
        asked = [TopicPartition(topic, n) for topic, count in topics.items() for n in range(2 * count)]
        tried = 0
        while True:
            try:
                told = await self._admin.list_consumer_group_offsets(group, partitions=asked)
            except (GroupCoordinatorNotAvailableError, GroupLoadInProgressError, NotCoordinatorForGroupError):
                tried += 1
                if tried == _TRIES:
                    raise
                await asyncio.sleep(_WAIT_S)
            else:
                return {tp: commit.metadata for tp, commit in told.items() if commit.offset >= 0}


async def _until(is_so: Callable[[], Awaitable[bool]]) -> None:
    """Wait until a broker shows what the controller has done; give up quietly after some seconds."""
    for _ in range(_TRIES):
        if await is_so():
            return
        await asyncio.sleep(_WAIT_S)


def _refuse(code: int, message: str | None, topic: str) -> None:
    if code:
        reason = (message or "").rstrip(".") or for_code(code).__name__
        raise ConfigurationError([Fault(f"topic {topic}", "", f"is refused by the cluster: {reason}", "")])


@asynccontextmanager
async def connected(settings: Settings) -> AsyncIterator[Cluster]:
    """A cluster that answered within `kafka.connect_timeout`.

    Raises:
        ConfigurationError: no broker answered, or one refused; one message says what it said.
    """
    options: dict[str, Any] = client_options(settings)
    timeout_ms = settings.kafka.connect_timeout_ms
    admin = AIOKafkaAdminClient(**options, request_timeout_ms=timeout_ms)
    with Listener() as heard:
        try:
            await asyncio.wait_for(admin.start(), timeout_ms / 1000)
        except (TimeoutError, KafkaError, OSError) as error:
            await admin.close()
            raise ConfigurationError([unreachable(settings, heard.last or said_of(error))]) from None
    try:
        yield Cluster(admin)
    except (KafkaError, OSError, TimeoutError) as error:
        problem = f'"{settings.broker}" answers with an error: {said_of(error)}'
        raise ConfigurationError([Fault("", "broker", problem, "see the broker's log")]) from None
    finally:
        await admin.close()


def changes_of(found: Iterable[Difference]) -> dict[str, dict[str, str]]:
    """What `Cluster.alter` is to set for the differences that it can mend."""
    changes: dict[str, dict[str, str]] = {}
    for difference in found:
        if difference.set_to:
            changes.setdefault(difference.topic, {})[difference.field] = difference.set_to
    return changes
