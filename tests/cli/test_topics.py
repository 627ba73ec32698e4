"""`vigil topics`."""

import json
from typing import Any

import pytest

from streams.settings import Settings
from streams.topics import Applied, Difference
from tests.cli.conftest import Vigil

MISSING = Difference("incidents", "", "4 partitions", "", "is missing", "run: vigil topics apply", stops=True)
SHORT = Difference(
    "alerts", "retention.ms", "400d", "1d", "is 1d", "run: vigil topics apply --alter", set_to="1"
)


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A cluster that answers what a test says; `asked` is what it was asked to do."""
    answers: dict[str, Any] = {"plan": [], "apply": Applied((), (), ())}

    async def plan(settings: Settings) -> list[Difference]:
        return list(answers["plan"])

    async def apply(settings: Settings, *, alter: bool) -> Applied:
        answers["alter"] = alter
        return Applied(*answers["apply"])

    monkeypatch.setattr("streams.cli.topics.plan_topics", plan)
    monkeypatch.setattr("streams.cli.topics.apply_topics", apply)
    return answers


def test_plan_says_that_nothing_differs(vigil: Vigil, cluster: dict[str, Any]) -> None:
    assert vigil("topics", "plan") == (0, "all 11 topics on 127.0.0.1:9092 are as they should be\n", "")


def test_plan_lists_what_differs_and_ends_with_1(vigil: Vigil, cluster: dict[str, Any]) -> None:
    cluster["plan"] = [MISSING, SHORT]
    said = vigil("topics", "plan")
    assert said.code == 1
    assert [line.split("  ")[0] for line in said.out.splitlines()] == ["TOPIC", "incidents", "alerts"]
    assert "yes" in said.out.splitlines()[1]
    assert "retention.ms is 1d" in said.out.splitlines()[2]


def test_plan_as_json(vigil: Vigil, cluster: dict[str, Any]) -> None:
    assert vigil("topics", "plan", "--json") == (0, "[]\n", "")
    cluster["plan"] = [SHORT]
    said = vigil("topics", "plan", "--json")
    assert said.code == 1
    assert json.loads(said.out)[0]["set_to"] == "1"


def test_apply_says_what_it_did(vigil: Vigil, cluster: dict[str, Any]) -> None:
    cluster["apply"] = (("incidents", "cells"), ("alerts",), ())
    assert vigil("topics", "apply", "--alter") == (
        0,
        "created incidents\ncreated cells\naltered alerts\n",
        "",
    )
    assert cluster["alter"] is True


def test_apply_with_nothing_to_do_says_so(vigil: Vigil, cluster: dict[str, Any]) -> None:
    assert vigil("topics", "apply") == (0, "nothing to do: every topic is there\n", "")
    assert cluster["alter"] is False


@pytest.mark.parametrize(
    "left, code", [pytest.param(SHORT, 0, id="harmless"), pytest.param(MISSING, 1, id="stops a worker")]
)
def test_apply_shows_what_is_left_and_fails_when_it_stops_a_worker(
    vigil: Vigil, cluster: dict[str, Any], left: Difference, code: int
) -> None:
    cluster["apply"] = ((), (), (left,))
    said = vigil("topics", "apply")
    assert said.code == code
    assert left.topic in said.out
    assert left.remedy in said.out
    as_json = vigil("topics", "apply", "--json")
    assert as_json.code == code
    assert json.loads(as_json.out) == {"created": [], "altered": [], "left": [left._asdict()]}


def test_unreachable_broker_is_one_message(vigil: Vigil, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIGIL_BROKER", "127.0.0.1:1")
    said = vigil("topics", "plan")
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith('vigil: broker "127.0.0.1:1" does not answer')
    assert len(said.err.splitlines()) == 1


@pytest.mark.kafka
def test_plan_apply_plan_on_a_real_kafka(
    vigil: Vigil, kafka: str, topic_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIGIL_BROKER", kafka)
    monkeypatch.setenv("VIGIL_TOPIC_PREFIX", topic_prefix)
    assert vigil("topics", "plan").code == 1
    assert vigil("topics", "apply").out.startswith(f"created {topic_prefix}incidents\n")
    assert vigil("topics", "plan").code == 0
    assert vigil("topics", "apply").out == "nothing to do: every topic is there\n"
