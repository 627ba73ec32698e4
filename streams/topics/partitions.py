"""How many partitions the topics have in Kafka, for those who read or write every one of them."""

from streams.settings import ConfigurationError, Settings
from streams.topics.cluster import connected
from streams.topics.planning import differences
from streams.topics.table import topic_table


async def partitions_of(settings: Settings, *, checked: bool = False) -> dict[str, int]:
    """Topic, without the prefix → how many partitions it has.

    Args:
        settings: how the topics should be.
        checked: first make sure that all topics are there and fit to count on.

    Raises:
        ConfigurationError: no broker answers, or (checked) topics are missing or would make the counts wrong.
    """
    async with connected(settings) as cluster:
        found = await cluster.topics(spec.kafka_name for spec in topic_table(settings))
    if checked:
        faults = [each.as_fault() for each in differences(settings, found) if each.stops]
        if faults:
            raise ConfigurationError(faults)
    names = {settings.topic(name): name for name in settings.topics.each}
    return {names[kafka_name]: topic.partitions for kafka_name, topic in found.items()}
