"""What differs between the topics as they should be and as the cluster has them, and what to do about it."""

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from streams.settings import FOLDED_TOPICS, Fault, Settings, duration_text, needed_retention_ms
from streams.topics.table import ROOM, SOURCES, TopicSpec, topic_table

UNLIMITED: Final = -1  # Kafka's word for "keep for ever"


class Found(NamedTuple):
    """One topic as the cluster has it."""

    partitions: int
    replication_factor: int
    configs: Mapping[str, str]  # all that the broker tells; what it doesn't tell is not compared
    own: Mapping[str, str] = {}  # those that were set on the topic itself


class Difference(NamedTuple):
    """One way in which a topic is not as it should be."""

    topic: str  # in Kafka, with the prefix
    field: str  # "partitions", "retention.ms", …; empty for a topic that is missing
    wanted: str
    found: str  # empty when the topic is missing
    problem: str
    remedy: str
    stops: bool = False  # a worker refuses to start: counts would be wrong, or it could not go on
    set_to: str = (
        ""  # what `vigil topics apply --alter` sets the configuration to; empty where it can't mend it
    )

    def as_fault(self) -> Fault:
        """The difference as a fault of the configuration."""
        return Fault(f"topic {self.topic}", self.field, self.problem, self.remedy)


def differences(settings: Settings, found: Mapping[str, Found]) -> list[Difference]:
    """What differs, topic by topic in the order of the design; empty when all is as it should be.

    Args:
        settings: how the topics should be.
        found: the topics that the cluster has, by their name there; others are ignored.
    """
    listed: list[Difference] = []
    for spec in topic_table(settings):
        topic = found.get(spec.kafka_name)
        if topic is None:
            shape = f"{spec.partitions} partitions" if spec.partitions > 1 else "1 partition"
            remedy = "run: vigil topics apply"
            listed.append(Difference(spec.kafka_name, "", shape, "", "is missing", remedy, stops=True))
            continue
        listed += _partitions(spec, topic)
        listed += _copies(spec, topic)
        listed += _cleanup(spec, topic)
        listed += _retention(spec, topic, needed_retention_ms(settings, spec.name))
        listed += _limit(spec, topic)
        listed += _sizes(spec, topic)
        listed += _timestamps(spec, topic)
    listed += _dead_letters(settings, found)
    # Two rules may speak of one field: the one that stops a worker comes later and holds.
    return list({(each.topic, each.field): each for each in listed}.values())


def _partitions(spec: TopicSpec, topic: Found) -> Iterator[Difference]:
    if topic.partitions == spec.partitions:
        return
    field = f"topics.{spec.name}.partitions"
    wanted, got = str(spec.partitions), str(topic.partitions)
    problem = f"are {got}, the configuration says {wanted}"
    if spec.name in FOLDED_TOPICS:
        remedy = (
            f"set {field} = {got} if it was never other; a changed count sends an incident to two partitions: "
            "make a new topic under another topic_prefix and publish again"
        )
    else:
        remedy = f"set {field} = {got}, or make the topic again"
    yield Difference(
        spec.kafka_name, "partitions", wanted, got, problem, remedy, stops=spec.name in FOLDED_TOPICS
    )


def _copies(spec: TopicSpec, topic: Found) -> Iterator[Difference]:
    if topic.replication_factor < spec.replication_factor:
        wanted, got = str(spec.replication_factor), str(topic.replication_factor)
        problem = f"is {got}, the configuration says {wanted}"
        remedy = "reassign its partitions with kafka-reassign-partitions, or lower topics.replication_factor"
        yield Difference(spec.kafka_name, "replication factor", wanted, got, problem, remedy)


def _cleanup(spec: TopicSpec, topic: Found) -> Iterator[Difference]:
    wanted, got = spec.configs["cleanup.policy"], topic.configs.get("cleanup.policy")
    if got is None or got == wanted:
        return
    folded = spec.name in FOLDED_TOPICS
    why = ": messages that a take-over reads again would vanish" if folded else ""
    yield Difference(
        spec.kafka_name,
        "cleanup.policy",
        wanted,
        got,
        f'must be "{wanted}" (got "{got}"){why}',
        _ALTER,
        stops=folded,
        set_to=wanted,
    )


def _retention(spec: TopicSpec, topic: Found, needed_ms: int) -> Iterator[Difference]:
    if "retention.ms" not in spec.configs:
        return
    folded = spec.name in FOLDED_TOPICS
    kept_ms, wanted_ms = int(topic.configs.get("retention.ms", UNLIMITED)), int(spec.configs["retention.ms"])
    wanted, got = duration_text(wanted_ms), "for ever" if kept_ms == UNLIMITED else duration_text(kept_ms)
    if kept_ms != UNLIMITED and folded and kept_ms < needed_ms:
        problem = f"must be >= {duration_text(needed_ms)} (got {got}): a take-over reads it again"
        yield Difference(
            spec.kafka_name,
            "retention.ms",
            wanted,
            got,
            problem,
            _ALTER,
            stops=True,
            set_to=spec.configs["retention.ms"],
        )
    elif kept_ms != UNLIMITED and kept_ms < wanted_ms:
        problem = f"is {got}, the configuration says {wanted}"
        yield Difference(
            spec.kafka_name, "retention.ms", wanted, got, problem, _ALTER, set_to=spec.configs["retention.ms"]
        )
    elif kept_ms not in (UNLIMITED, wanted_ms):
        problem = f"is {got}, longer than the {wanted} of the configuration"
        remedy = f"set topics.{spec.name}.retention to it, or shorten it yourself: apply never does"
        yield Difference(spec.kafka_name, "retention.ms", wanted, got, problem, remedy)


def _limit(spec: TopicSpec, topic: Found) -> Iterator[Difference]:
    limit = int(topic.configs.get("retention.bytes", UNLIMITED))
    if spec.name in FOLDED_TOPICS and limit != UNLIMITED:
        problem = f"must be -1 (got {limit}): a busy day would push out what a take-over reads again"
        yield Difference(
            spec.kafka_name, "retention.bytes", "-1", str(limit), problem, _ALTER, stops=True, set_to="-1"
        )


def _sizes(spec: TopicSpec, topic: Found) -> Iterator[Difference]:
    wanted, got = spec.configs["max.message.bytes"], topic.configs.get("max.message.bytes")
    if got is not None and int(got) < int(wanted):
        problem = f"must be >= {wanted} (got {got})"
        yield Difference(spec.kafka_name, "max.message.bytes", wanted, got, problem, _ALTER, set_to=wanted)


def _timestamps(spec: TopicSpec, topic: Found) -> Iterator[Difference]:
    field = "message.timestamp.type"
    wanted, got = spec.configs[field], topic.configs.get(field)
    if got is not None and got != wanted:
        problem = f'must be "{wanted}" (got "{got}")'
        yield Difference(spec.kafka_name, field, wanted, got, problem, _ALTER, set_to=wanted)


def _dead_letters(settings: Settings, found: Mapping[str, Found]) -> Iterator[Difference]:
    """A dead letter carries its message whole: one that cannot be sent would hold its partition up for ever."""
    field, name = "max.message.bytes", settings.topic("dead-letters")
    limit = found[name].configs.get(field) if name in found else None
    sources = [
        found[settings.topic(source)].configs.get(field)
        for source in SOURCES
        if settings.topic(source) in found
    ]
    largest = max((int(size) for size in sources if size is not None), default=0)
    if limit is not None and int(limit) <= largest:
        wanted = str(max(largest, settings.topics.max_message_bytes) * ROOM["dead-letters"])
        problem = f"must be greater than the sources' {largest} (got {limit}): a dead letter carries its message whole"
        yield Difference(name, field, wanted, limit, problem, _ALTER, stops=True, set_to=wanted)


_ALTER: Final = "run: vigil topics apply --alter"
