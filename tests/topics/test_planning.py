"""What differs between topics as they should be and as a cluster has them; each rule with its text."""

import dataclasses
from collections.abc import Mapping

import pytest

from streams.settings import Settings, load
from streams.topics import Difference, Found, differences, topic_table
from streams.topics.cluster import changes_of

SETTINGS = load(environ={})
DAY_MS = 86_400_000


def as_it_should_be(settings: Settings = SETTINGS) -> dict[str, Found]:
    return {
        spec.kafka_name: Found(spec.partitions, spec.replication_factor, spec.configs)
        for spec in topic_table(settings)
    }


def changed(topic: str, configs: Mapping[str, str] = {}, **fields: int) -> list[Difference]:
    """What differs when one topic is other than it should be."""
    found = as_it_should_be()
    before = found[topic]
    found[topic] = before._replace(configs={**before.configs, **configs})._replace(**fields)  # type: ignore[arg-type]
    return differences(SETTINGS, found)


def test_nothing_differs_when_all_is_as_it_should_be() -> None:
    assert differences(SETTINGS, as_it_should_be()) == []


def test_topics_of_others_are_ignored() -> None:
    assert differences(SETTINGS, {**as_it_should_be(), "theirs": Found(1, 1, {})}) == []


def test_table_has_every_topic_of_the_design_with_its_prefix() -> None:
    table = topic_table(load(environ={"VIGIL_TOPIC_PREFIX": "x."}))
    assert [spec.kafka_name for spec in table] == [
        f"x.{name}"
        for name in [
            "incidents",
            "dispatches",
            "alert-acks",
            "cells",
            "watch-state",
            "window-counts",
            "alerts",
            "kpis",
            "dead-letters",
            "late-events",
            "audit",
        ]
    ]


def test_only_watch_state_is_compacted() -> None:
    compacted = {spec.name for spec in topic_table(SETTINGS) if spec.configs["cleanup.policy"] != "delete"}
    assert compacted == {"watch-state"}


def test_sources_are_stamped_by_the_publisher_our_own_topics_by_the_broker() -> None:
    by_publisher = {
        spec.name for spec in topic_table(SETTINGS) if spec.configs["message.timestamp.type"] == "CreateTime"
    }
    assert by_publisher == {"incidents", "dispatches", "alert-acks"}


def test_dead_letters_and_cells_take_larger_messages_than_the_sources() -> None:
    sizes = {spec.name: int(spec.configs["max.message.bytes"]) for spec in topic_table(SETTINGS)}
    assert sizes["dead-letters"] > sizes["incidents"] < sizes["cells"] < sizes["watch-state"]


@pytest.mark.parametrize(
    "copies, expected", [pytest.param(1, None, id="one"), pytest.param(3, "2", id="three")]
)
def test_from_three_copies_on_two_must_have_a_message(copies: int, expected: str | None) -> None:
    table = topic_table(load(environ={"VIGIL_TOPICS_REPLICATION_FACTOR": str(copies)}))
    assert {spec.configs.get("min.insync.replicas") for spec in table} == {expected}


def test_missing_topic_stops_a_worker_and_names_the_remedy() -> None:
    found = as_it_should_be()
    del found["incidents"], found["audit"]
    listed = differences(SETTINGS, found)
    assert [(str(each.as_fault()), each.stops, each.wanted) for each in listed] == [
        ("topic incidents: is missing; run: vigil topics apply", True, "4 partitions"),
        ("topic audit: is missing; run: vigil topics apply", True, "1 partition"),
    ]


ALTER = "run: vigil topics apply --alter"


@pytest.mark.parametrize(
    "topic, configs, fault, stops, set_to",
    [
        pytest.param(
            "incidents",
            {"retention.ms": str(11 * DAY_MS)},
            f"topic incidents: retention.ms must be >= 265h (got 11d): a take-over reads it again; {ALTER}",
            True,
            str(14 * DAY_MS),
            id="retention too short",
        ),
        pytest.param(
            "incidents",
            {"retention.ms": str(12 * DAY_MS)},
            f"topic incidents: retention.ms is 12d, the configuration says 14d; {ALTER}",
            False,
            str(14 * DAY_MS),
            id="retention shorter than configured",
        ),
        pytest.param(
            "alerts",
            {"retention.ms": str(DAY_MS)},
            f"topic alerts: retention.ms is 1d, the configuration says 400d; {ALTER}",
            False,
            str(400 * DAY_MS),
            id="retention of an output",
        ),
        pytest.param(
            "alerts",
            {"retention.ms": str(500 * DAY_MS)},
            "topic alerts: retention.ms is 500d, longer than the 400d of the configuration; "
            "set topics.alerts.retention to it, or shorten it yourself: apply never does",
            False,
            "",
            id="retention longer than configured",
        ),
        pytest.param(
            "cells",
            {"retention.bytes": "1000"},
            "topic cells: retention.bytes must be -1 (got 1000): a busy day would push out what a take-over reads "
            f"again; {ALTER}",
            True,
            "-1",
            id="retention by size",
        ),
        pytest.param(
            "dispatches",
            {"cleanup.policy": "compact,delete"},
            'topic dispatches: cleanup.policy must be "delete" (got "compact,delete"): '
            f"messages that a take-over reads again would vanish; {ALTER}",
            True,
            "delete",
            id="source compacted",
        ),
        pytest.param(
            "window-counts",
            {"cleanup.policy": "compact"},
            f'topic window-counts: cleanup.policy must be "delete" (got "compact"); {ALTER}',
            False,
            "delete",
            id="output compacted",
        ),
        pytest.param(
            "watch-state",
            {"cleanup.policy": "delete"},
            f'topic watch-state: cleanup.policy must be "compact" (got "delete"); {ALTER}',
            False,
            "compact",
            id="snapshots not compacted",
        ),
        pytest.param(
            "cells",
            {"max.message.bytes": "1048588"},
            f"topic cells: max.message.bytes must be >= 8388704 (got 1048588); {ALTER}",
            False,
            "8388704",
            id="messages too small",
        ),
        pytest.param(
            "dead-letters",
            {"max.message.bytes": "1048588"},
            "topic dead-letters: max.message.bytes must be greater than the sources' 1048588 (got 1048588): "
            f"a dead letter carries its message whole; {ALTER}",
            True,
            "2097176",
            id="dead letter that could not be sent",
        ),
        pytest.param(
            "cells",
            {"message.timestamp.type": "CreateTime"},
            f'topic cells: message.timestamp.type must be "LogAppendTime" (got "CreateTime"); {ALTER}',
            False,
            "LogAppendTime",
            id="timestamps",
        ),
    ],
)
def test_configuration_that_differs(
    topic: str, configs: dict[str, str], fault: str, *, stops: bool, set_to: str
) -> None:
    listed = changed(topic, configs)
    assert [(str(each.as_fault()), each.stops, each.set_to) for each in listed] == [(fault, stops, set_to)]


def test_kept_for_ever_is_long_enough() -> None:
    assert changed("incidents", {"retention.ms": "-1"}) == []


def test_what_the_broker_does_not_tell_is_not_compared() -> None:
    found = {name: topic._replace(configs={}) for name, topic in as_it_should_be().items()}
    assert differences(SETTINGS, found) == []


@pytest.mark.parametrize(
    "topic, count, stops, remedy",
    [
        pytest.param(
            "incidents",
            8,
            True,
            "set topics.incidents.partitions = 8 if it was never other; a changed count sends an incident to two "
            "partitions: make a new topic under another topic_prefix and publish again",
            id="source",
        ),
        pytest.param(
            "alerts", 3, False, "set topics.alerts.partitions = 3, or make the topic again", id="output"
        ),
    ],
)
def test_partition_count_that_differs_is_never_altered(
    topic: str, count: int, *, stops: bool, remedy: str
) -> None:
    (found,) = changed(topic, partitions=count)
    assert found.problem == f"are {count}, the configuration says {found.wanted}"
    assert (found.field, found.stops, found.set_to, found.remedy) == ("partitions", stops, "", remedy)


def test_fewer_copies_than_configured_are_told() -> None:
    settings = load(environ={"VIGIL_TOPICS_REPLICATION_FACTOR": "3"})
    found = {name: topic._replace(replication_factor=1) for name, topic in as_it_should_be(settings).items()}
    listed = differences(settings, found)
    assert len(listed) == len(found)
    assert str(listed[0].as_fault()) == (
        "topic incidents: replication factor is 1, the configuration says 3; "
        "reassign its partitions with kafka-reassign-partitions, or lower topics.replication_factor"
    )
    assert not any(each.stops or each.set_to for each in listed)


def test_changes_are_what_can_be_set_per_topic() -> None:
    listed = changed("incidents", {"retention.ms": "1", "max.message.bytes": "1"}, partitions=9)
    assert changes_of(listed) == {
        "incidents": {"retention.ms": str(14 * DAY_MS), "max.message.bytes": "1048588"}
    }


def test_topics_that_may_be_of_any_count_follow_the_settings() -> None:
    settings = dataclasses.replace(
        SETTINGS,
        topics=dataclasses.replace(
            SETTINGS.topics,
            each={
                **SETTINGS.topics.each,
                "cells": dataclasses.replace(SETTINGS.topics.each["cells"], partitions=7),
            },
        ),
    )
    assert {spec.name: spec.partitions for spec in topic_table(settings)}["cells"] == 7
