"""What a group's commits say of how its workers have counted before."""

import json
from typing import Any

import pytest
from aiokafka import TopicPartition

from streams.settings import load
from streams.settings.fingerprint import counting_fingerprint
from streams.topics.commits import changed_since

SETTINGS = load(environ={"VIGIL_COUNTING_VERSION": "3"})
SAME = counting_fingerprint(SETTINGS)
NEW_TOPIC = "restore them, or start anew under another topic_prefix: else an incident is split in two"


def faults(partition: int, said: Any) -> list[str]:
    metadata = said if isinstance(said, str) else json.dumps(said)
    commits = {TopicPartition("incidents", partition): metadata, TopicPartition("cells", 0): '{"start": 1}'}
    return [str(fault) for fault in changed_since(SETTINGS, {"incidents": 4, "cells": 1}, commits)]


@pytest.mark.parametrize(
    "said",
    [
        pytest.param({"of": 4, "version": 3, "fingerprint": SAME, "start": 5}, id="the same"),
        pytest.param({"version": 2, "fingerprint": "other"}, id="raised version"),
        pytest.param("", id="forgotten by the broker"),
        pytest.param("not json", id="of somebody else"),
        pytest.param("[1]", id="no object"),
    ],
)
def test_what_fits_is_no_fault(said: Any) -> None:
    assert faults(3, said) == []


@pytest.mark.parametrize(
    "partition, said, fault",
    [
        pytest.param(
            0,
            {"of": 8},
            f"topic incidents: partitions are 4, but group vigil has read 8; {NEW_TOPIC}",
            id="fewer",
        ),
        pytest.param(
            0,
            {"of": 2},
            f"topic incidents: partitions are 4, but group vigil has read 2; {NEW_TOPIC}",
            id="more",
        ),
        pytest.param(
            5,
            "",
            f"topic incidents: partitions are 4, but group vigil has read 6; {NEW_TOPIC}",
            id="beyond the last",
        ),
        pytest.param(
            0,
            {"version": 3, "fingerprint": "other"},
            "counting.version must be above 3: what is counted differs from what group vigil has counted; "
            "set it to 4, or undo the change of windows, lateness, zones, type maps or goals",
            id="other contents under one version",
        ),
        pytest.param(
            0,
            {"version": 4, "fingerprint": SAME},
            "counting.version must be at least 4, which group vigil has counted with (got 3); "
            "lower versions are ignored; raise it to go back to other counts",
            id="lower version",
        ),
    ],
)
def test_what_does_not_fit_is_a_fault(partition: int, said: Any, fault: str) -> None:
    assert faults(partition, said) == [fault]
