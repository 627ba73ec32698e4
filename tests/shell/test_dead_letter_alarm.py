"""Too many dead letters: who hears of it, when it is over, and what stops."""

import logging

import pytest

from streams.dead_letter_alarm import DeadLetterAlarm, TooManyDeadLetters

Records = pytest.LogCaptureFixture


def events(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.event for record in caplog.records]  # type: ignore[attr-defined]


@pytest.fixture(autouse=True)
def heard(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)


def note(alarm: DeadLetterAlarm, *batches: tuple[int, int], topic: str = "incidents") -> None:
    for messages, dead in batches:
        alarm.note(topic, messages, {"accepted": messages - dead, "dead_letter.not_json": dead})


def test_share_is_of_the_newest_messages(caplog: Records) -> None:
    alarm = DeadLetterAlarm(0.05, 1000)
    note(alarm, (1000, 900), (400, 0), (600, 20))
    assert alarm.shares() == {"incidents": 0.02}
    note(alarm, (100, 0))
    assert alarm.shares() == {"incidents": pytest.approx(20 / 1100)}, "whole batches, at least the window"


def test_alarm_is_said_once_with_share_and_remedy(caplog: Records) -> None:
    alarm = DeadLetterAlarm(0.05, 1000)
    note(alarm, (500, 25), (500, 50), (10, 10))
    assert events(caplog) == ["dead_letters_above_share"]
    (record,) = caplog.records
    assert record.levelname == "ERROR"
    assert record.getMessage() == (
        "incidents: 7.5% of the newest 1000 messages are dead letters; the topic dead-letters says why of each "
        "(header vigil-reason), and keeps its bytes"
    )
    assert record.fields == {  # type: ignore[attr-defined]
        "topic": "incidents",
        "share": 0.075,
        "bound": 0.05,
        "messages": 1000,
    }


def test_share_at_the_bound_is_no_alarm(caplog: Records) -> None:
    note(DeadLetterAlarm(0.05, 100), (100, 5))
    assert events(caplog) == []


def test_few_messages_say_nothing(caplog: Records) -> None:
    alarm = DeadLetterAlarm(0.05, 1000)
    note(alarm, (99, 99))
    assert events(caplog) == []
    note(alarm, (1, 0))
    assert events(caplog) == ["dead_letters_above_share"]


def test_alarm_ends_well_below_its_bound_and_can_come_again(caplog: Records) -> None:
    alarm = DeadLetterAlarm(0.1, 100)
    note(alarm, (100, 11), (100, 9), (100, 6))
    assert events(caplog) == ["dead_letters_above_share"]
    note(alarm, (100, 5))
    assert events(caplog)[1:] == ["dead_letters_below_share"]
    note(alarm, (100, 50))
    assert events(caplog)[2:] == ["dead_letters_above_share"]


def test_topics_have_a_share_each(caplog: Records) -> None:
    alarm = DeadLetterAlarm(0.05, 100)
    note(alarm, (100, 0))
    note(alarm, (100, 100), topic="dispatches")
    assert alarm.shares() == {"incidents": 0.0, "dispatches": 1.0}


def test_after_a_rebalance_it_begins_anew() -> None:
    alarm = DeadLetterAlarm(0.05, 100)
    note(alarm, (100, 100))
    alarm.forget()
    assert alarm.shares() == {}


def test_nothing_read_is_no_share() -> None:
    alarm = DeadLetterAlarm(0.05, 100)
    note(alarm, (0, 0))
    assert alarm.shares() == {}


def test_alarm_stops_the_worker_when_that_is_asked_for() -> None:
    with pytest.raises(
        TooManyDeadLetters, match=r"incidents: 100\.0% of the newest 100 messages are dead letters; "
    ):
        note(DeadLetterAlarm(0.05, 100, stops=True), (100, 100))
