"""The topics of Vigil: what differs from the cluster, making what is missing, and what a worker checks at its start."""

from typing import NamedTuple

from streams.settings import FOLDED_TOPICS, ConfigurationError, Fault, Settings
from streams.topics.cluster import Cluster, changes_of, connected
from streams.topics.commits import changed_since
from streams.topics.planning import Difference, Found, differences
from streams.topics.table import TopicSpec, topic_table

__all__ = [
    "Applied",
    "Difference",
    "Found",
    "TopicSpec",
    "apply",
    "check_at_start",
    "differences",
    "plan",
    "topic_table",
]


class Applied(NamedTuple):
    """What `apply` did, and what is left to do by hand."""

    created: tuple[str, ...]
    altered: tuple[str, ...]
    left: tuple[Difference, ...]


async def plan(settings: Settings) -> list[Difference]:
    """What differs from the cluster; empty when nothing does.

    Raises:
        ConfigurationError: no broker answers.
    """
    async with connected(settings) as cluster:
        return differences(settings, await _look(cluster, settings))


async def apply(settings: Settings, *, alter: bool = False) -> Applied:
    """Create the topics that are missing, never delete or shrink any.

    Args:
        settings: how the topics should be.
        alter: also change the configuration of topics that exist, where a difference says so.

    Raises:
        ConfigurationError: no broker answers, or the cluster refuses.
    """
    async with connected(settings) as cluster:
        found = await _look(cluster, settings)
        missing = [spec for spec in topic_table(settings) if spec.kafka_name not in found]
        if missing:
            await _refuse_too_many_copies(cluster, settings)
            await cluster.create(missing)
        changes = changes_of(differences(settings, found)) if alter else {}
        if changes:
            await cluster.alter(changes)
        created = tuple(spec.kafka_name for spec in missing)
        left = [each for each in differences(settings, found) if each.topic not in created]
        return Applied(created, tuple(changes), tuple(each for each in left if not (alter and each.set_to)))


async def check_at_start(settings: Settings) -> list[Difference]:
    """What a worker makes sure of before it reads anything.

    Returns:
        What differs without harm: a worker logs it and starts.

    Raises:
        ConfigurationError: no broker answers, or topics are missing, would make the counts wrong, or are not what this
            group has worked with; all at once.
    """
    async with connected(settings) as cluster:
        found = await _look(cluster, settings)
        listed = differences(settings, found)
        faults = [each.as_fault() for each in listed if each.stops]
        counts = {
            name: found[name].partitions for name in map(settings.topic, FOLDED_TOPICS) if name in found
        }
        faults += changed_since(settings, counts, await cluster.committed(settings.group, counts))
    if faults:
        raise ConfigurationError(dict.fromkeys(faults))
    return [each for each in listed if not each.stops]


async def _look(cluster: Cluster, settings: Settings) -> dict[str, Found]:
    return await cluster.topics(spec.kafka_name for spec in topic_table(settings))


async def _refuse_too_many_copies(cluster: Cluster, settings: Settings) -> None:
    brokers, copies = await cluster.brokers(), settings.topics.replication_factor
    if copies > brokers:
        problem = f"must be at most the number of brokers, {brokers} (got {copies})"
        remedy = "lower it or start more brokers"
        raise ConfigurationError([Fault("", "topics.replication_factor", problem, remedy)])
