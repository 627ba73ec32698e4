"""The intake agents: `incidents` and `dispatches` → partials, late events, dead letters; `alert-acks` → `cells`."""

from collections.abc import Mapping

from aiokafka import TopicPartition

from streams.core.ack_fold import AckFold, AckRules
from streams.core.dispatch_fold import DispatchFold
from streams.core.fold import TakeOver
from streams.core.incident_fold import IncidentFold
from streams.core.source_fold import IntakeRules, Source, SourceFold, cut_of, read_metadata
from streams.recovery import OpenFold
from streams.settings import ConfigurationError, Fault

FOLDS: Mapping[str, type[SourceFold]] = {"incidents": IncidentFold, "dispatches": DispatchFold}
"""Source topic, without the prefix → its fold."""


def open_intake(topic: str, partitions: int, rules: IntakeRules) -> OpenFold:
    """How a partition of a source topic is opened.

    Args:
        topic: `incidents` or `dispatches`.
        partitions: how many the topic has; fixed for good, since an incident's partition follows from it.
        rules: what is counted, and how.
    """

    def open_fold(
        tp: TopicPartition, committed: int | None, metadata: str, log_start: int, log_end: int, /
    ) -> TakeOver:
        said = read_metadata(metadata)
        source = Source(tp.topic, tp.partition, partitions)
        _refuse_other_contents(tp, said, rules, source)
        is_new_version = "version" in said and said["version"] != rules.counting_version
        if is_new_version:
            said = {}
        fold = FOLDS[topic](source, rules, cut_of(said, log_start))
        start = said.get("start", log_start)
        fold.position = max(start, log_start)
        silent_until = log_start if is_new_version or committed is None else committed
        return TakeOver(fold, start, silent_until)

    return open_fold


def open_acks(partitions: int, rules: AckRules) -> OpenFold:
    """How a partition of `alert-acks` is opened: it remembers nothing, so it goes on at its commit."""

    def open_fold(
        tp: TopicPartition, committed: int | None, metadata: str, log_start: int, log_end: int, /
    ) -> TakeOver:
        fold = AckFold(Source(tp.topic, tp.partition, partitions), rules)
        fold.position = log_start if committed is None else max(committed, log_start)
        return TakeOver(fold, fold.position, fold.position)

    return open_fold


def _refuse_other_contents(
    tp: TopicPartition, said: Mapping[str, object], rules: IntakeRules, source: Source
) -> None:
    """Stop before a change of what is counted mixes with what was counted.

    Raises:
        ConfigurationError: the configuration or the topic is not what the last owner worked with.
    """
    of, faults = source.of, []
    where = f"{tp.topic}-{tp.partition}"
    if said.get("version") == rules.counting_version and said.get("fingerprint") != rules.fingerprint:
        problem = f"must be above {rules.counting_version}: what is counted differs from what {where} was counted with"
        remedy = (
            f"set it to {rules.counting_version + 1}, or undo the change of zones, types, windows or lateness"
        )
        faults.append(Fault("", "counting.version", problem, remedy))
    if said.get("of", of) != of:
        problem = f"are {of} now, but the topic was read with {said['of']}: incidents would be split"
        remedy = "make new topics with another topic_prefix, and publish to them"
        faults.append(Fault(f"topic {tp.topic}", "partitions", problem, remedy))
    if faults:
        raise ConfigurationError(faults)
