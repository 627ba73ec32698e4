"""One rule of the alert book per test; whole stories are in `tests/transcripts`."""

import json
from dataclasses import replace
from math import inf, nan
from typing import Any

import pytest

from schemas.emissions import Alert
from schemas.events import AlertAck
from schemas.vocabulary import Verdict
from streams.core.alert_book import STATE_VERSION, AlertBook
from streams.core.alerts import advance, begin, muted_until
from streams.core.episodes import DAY_MS, DEFAULT_POLICY, HIGHEST_LEVEL, MINUTE_MS, RAREST_DAYS, Policy
from streams.core.scores import Score

SCORE = Score("surge", ("A",), "burglary", 60, 9, 1.2, 5.0, 1.2)
START = 1000


def at(minute: int) -> int:
    return (START + minute) * MINUTE_MS


def tick(book: AlertBook, minute: int, *scores: Score, revision: int | None = None) -> list[Alert]:
    return book.tick(at(minute), scores, minute if revision is None else revision)


def told(alerts: list[Alert]) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(alert.state, alert.reason, alert.zones) for alert in alerts]


def ack(alert: Alert, verdict: Verdict, minute: int, by: str = "desk 4") -> AlertAck:
    return AlertAck(alert.alert_id, verdict, by, at(minute))


def test_the_id_follows_from_whose_what_where_and_when() -> None:
    ids = set()
    for jurisdiction, score, minute in [
        ("sf", SCORE, 1),
        ("la", SCORE, 1),
        ("sf", SCORE._replace(detector="rule:r"), 1),
        ("sf", SCORE._replace(crime_type="robbery"), 1),
        ("sf", SCORE._replace(zones=("B",)), 1),
        ("sf", SCORE, 2),
    ]:
        (alert,) = tick(AlertBook(jurisdiction), minute, score)
        (again,) = tick(AlertBook(jurisdiction), minute, score._replace(level=3.0, observed=20))
        assert again.alert_id == alert.alert_id
        ids.add(alert.alert_id)
    assert len(ids) == 6
    assert all(len(alert_id) == 16 for alert_id in ids)


def test_a_tick_is_taken_in_once_and_in_order() -> None:
    book = AlertBook("sf")
    tick(book, 5)
    with pytest.raises(
        ValueError, match=rf"at must be after the tick before \(got {at(5)} <= {at(5)}\); ticks are"
    ):
        tick(book, 5)


def test_a_tick_that_has_closed_is_not_foreseen() -> None:
    book = AlertBook("sf")
    tick(book, 5)
    assert book.foresee(at(5), [SCORE], 6) == []
    assert told(book.foresee(at(6), [SCORE], 6)) == [("raised", "foreseen", ("A",))]


def test_two_ticks_in_one_message_send_one_record_per_alert_and_the_next_message_the_rest() -> None:
    book = AlertBook("sf")
    assert told(tick(book, 1, SCORE, revision=7)) == [("raised", "exceeded", ("A",))]
    assert tick(book, 2, SCORE._replace(once_in_days=40.0), revision=7) == []
    assert tick(book, 3, revision=7) == []
    assert tick(book, 40, revision=7) == []
    assert told(book.report(8)) == [("cleared", "subsided", ("A",))]
    assert book.report(9) == []


def test_what_came_and_went_within_one_message_after_it_was_told_is_not_told_again() -> None:
    book = AlertBook("sf")
    tick(book, 1, SCORE, revision=7)
    tick(book, 2, revision=7)
    tick(book, 40, revision=8)
    tick(book, 41, SCORE, revision=8)  # returned …
    tick(book, 42, revision=8)
    tick(book, 80, revision=8)  # … and gone again
    assert book.report(9) == []


def test_zones_that_touch_rise_as_one_alert() -> None:
    book = AlertBook("sf", neighbours={"A": ["B"], "C": ["B", "C"]})
    zones = [SCORE._replace(zones=(zone,)) for zone in "DCBA"]
    assert [alert.zones for alert in tick(book, 1, *zones)] == [("A", "B", "C"), ("D",)]


def test_the_city_and_the_unknown_zone_touch_nothing() -> None:
    book = AlertBook("sf", neighbours={"*": ["A"], "unknown": ["A"]})
    zones = [SCORE._replace(zones=(zone,)) for zone in ("A", "unknown", "*")]
    assert [alert.zones for alert in tick(book, 1, *zones)] == [("*",), ("A",), ("unknown",)]


def test_detectors_and_types_are_alerts_of_their_own() -> None:
    book = AlertBook("sf")
    scores = [SCORE, SCORE._replace(crime_type="*"), SCORE._replace(detector="rule:r")]
    alerts = tick(book, 1, *scores)
    assert [(alert.rule, alert.crime_type) for alert in alerts] == [
        ("rule:r", "burglary"),
        ("surge", "*"),
        ("surge", "burglary"),
    ]


def test_a_score_below_one_does_not_bring_a_neighbour_in() -> None:
    book = AlertBook("sf", Policy(update_every_ms=0), {"A": ["B"]})
    tick(book, 1, SCORE)
    assert tick(book, 2, SCORE, SCORE._replace(zones=("B",), level=0.99)) == []
    assert told(tick(book, 3, SCORE, SCORE._replace(zones=("B",), level=1.0))) == [
        ("updated", "spread", ("A", "B"))
    ]


def test_a_zone_that_cools_leaves_while_the_others_go_on() -> None:
    book = AlertBook("sf", neighbours={"A": ["B"]})
    tick(book, 1, SCORE, SCORE._replace(zones=("B",)))
    tick(book, 2, SCORE)
    tick(book, 32, SCORE)
    assert [episode.zone_names for episode in book.open_alerts()] == [("A",)]


def test_a_merged_alert_does_not_return_the_older_one_does() -> None:
    book = AlertBook("sf", Policy(update_every_ms=0), {"A": ["B"], "B": ["C"]})
    (older,) = tick(book, 1, SCORE)
    (younger,) = tick(book, 2, SCORE, SCORE._replace(zones=("C",), level=2.0))
    merged = tick(book, 3, SCORE, SCORE._replace(zones=("B",)), SCORE._replace(zones=("C",)))
    assert [(alert.alert_id, alert.reason) for alert in merged] == [
        (older.alert_id, "spread"),
        (younger.alert_id, "merged"),
    ]
    assert merged[1].explanation.endswith(f"Goes on as alert {older.alert_id}, which it has met.")
    assert book.open_alerts()[0].peak.level == 2.0, "the peak of both"
    assert book.open_alerts()[0].zone_names == ("A", "B", "C")
    tick(book, 4)
    assert told(tick(book, 34)) == [("cleared", "subsided", ("A", "B", "C"))]
    (back,) = tick(book, 40, SCORE._replace(zones=("C",)))
    assert (back.alert_id, back.reason) == (older.alert_id, "returned")


def test_a_merged_zone_cools_from_the_latest_of_both() -> None:
    book = AlertBook("sf", neighbours={"A": ["B"], "B": ["C"]})
    tick(book, 1, SCORE, SCORE._replace(zones=("C",)))
    tick(book, 2)
    tick(book, 5, SCORE._replace(zones=("B",)))
    assert dict(book.open_alerts()[0].zones) == {"A": at(2), "B": None, "C": at(2)}


def test_escalation_comes_once_per_step_however_it_goes_up_and_down() -> None:
    book = AlertBook("sf")
    once = [5.0, 8.0, 5.0, 8.0, 31.0, 29.0, 400.0, 31.0]
    reasons = [
        [alert.reason for alert in tick(book, minute, SCORE._replace(once_in_days=days))]
        for minute, days in enumerate(once)
    ]
    assert reasons == [["exceeded"], ["rarer"], [], [], ["rarer"], [], ["rarer"], []]


def test_rules_escalate_by_their_number() -> None:
    book, rule = AlertBook("sf"), SCORE._replace(detector="rule:r", expected=None, once_in_days=None)
    reasons = [
        [alert.reason for alert in tick(book, minute, rule._replace(level=level))]
        for minute, level in enumerate([1.0, 1.9, 2.0, 3.0, 4.9, 5.0, 9.0])
    ]
    assert reasons == [["exceeded"], [], ["rarer"], ["rarer"], [], ["rarer"], []]


@pytest.mark.parametrize(
    "before, after, grew",
    [
        pytest.param(4, 6, False, id="two more are not many"),
        pytest.param(4, 7, True, id="three more, and half as many again"),
        pytest.param(20, 29, False, id="less than half as many again"),
        pytest.param(20, 30, True, id="half as many again"),
        pytest.param(20, 5, False, id="less"),
    ],
)
def test_growth_is_told_when_somebody_would_care(before: int, after: int, *, grew: bool) -> None:
    book = AlertBook("sf")
    tick(book, 1, SCORE._replace(observed=before))
    alerts = tick(book, 11, SCORE._replace(observed=after))
    assert [alert.reason for alert in alerts] == (["grew"] if grew else [])


def test_growth_is_told_ten_minutes_after_the_last_word_at_the_earliest() -> None:
    book = AlertBook("sf", Policy(recheck_ms=DAY_MS))
    tick(book, 1, SCORE)
    assert tick(book, 2, SCORE._replace(observed=30)) == []
    assert book.next_change() == at(11)
    assert [alert.reason for alert in tick(book, 11, SCORE._replace(observed=30))] == ["grew"]


def test_an_open_alert_is_looked_at_every_quarter_of_an_hour() -> None:
    book = AlertBook("sf")
    tick(book, 1, SCORE)
    assert book.next_change() == -(-at(2) // (15 * MINUTE_MS)) * 15 * MINUTE_MS


def test_nothing_is_looked_at_without_alerts() -> None:
    book = AlertBook("sf")
    tick(book, 1, SCORE._replace(level=0.9))
    assert book.next_change() is None


def test_a_window_longer_than_a_day_expires_after_twice_the_window() -> None:
    policy = Policy()
    week = SCORE._replace(detector="rule:r", expected=None, once_in_days=None, window_panes=7 * 24 * 60)
    episode = begin("sf", [week], at(0), policy)
    assert advance(episode, [week], at(0) + 14 * DAY_MS - 1, policy).open
    assert not advance(episode, [week], at(0) + 14 * DAY_MS, policy).open


def test_a_word_to_people_puts_expiry_off() -> None:
    book = AlertBook("sf")
    tick(book, 0, SCORE)
    tick(book, 12 * 60, SCORE._replace(observed=30))  # grew
    assert tick(book, 24 * 60, SCORE._replace(observed=30)) == []
    assert [a.reason for a in tick(book, 36 * 60, SCORE._replace(observed=30))] == ["expired"]


def test_a_neighbour_of_an_expired_alert_that_joins_is_news() -> None:
    book = AlertBook("sf", neighbours={"A": ["B"]})
    (first,) = tick(book, 0, SCORE)
    tick(book, 24 * 60, SCORE)
    assert tick(book, 25 * 60, SCORE) == []
    (alert,) = tick(book, 26 * 60, SCORE, SCORE._replace(zones=("B",)))
    assert (alert.state, alert.zones) == ("raised", ("A", "B"))
    assert alert.alert_id != first.alert_id


def test_a_false_alarm_in_one_zone_does_not_silence_its_neighbour() -> None:
    book = AlertBook("sf", neighbours={"A": ["B"]})
    (alert,) = tick(book, 0, SCORE)
    book.answer(ack(alert, Verdict.FALSE_ALARM, 1))
    tick(book, 1)
    tick(book, 31)
    assert tick(book, 40, SCORE) == []
    assert told(tick(book, 41, SCORE._replace(zones=("B",)))) == [("raised", "exceeded", ("B",))]


def test_answers_of_one_kind_are_taken_in_in_any_order() -> None:
    said = [
        (Verdict.ACKNOWLEDGED, 3, "desk 1"),
        (Verdict.FALSE_ALARM, 4, "desk 2"),
        (Verdict.CONFIRMED, 5, "desk 3"),
        (Verdict.ACKNOWLEDGED, 6, "desk 4"),
    ]
    for order in (said, said[::-1]):
        book = AlertBook("sf")
        (alert,) = tick(book, 1, SCORE)
        for verdict, minute, by in order:
            assert book.answer(ack(alert, verdict, minute, by))
        (shown,) = book.report(2)
        assert (shown.reason, shown.acknowledged_by, shown.verdict) == ("answered", "desk 4", "confirmed")
        assert book.report(3) == []


def test_the_same_answer_twice_is_shown_once() -> None:
    book = AlertBook("sf")
    (alert,) = tick(book, 1, SCORE)
    book.answer(ack(alert, Verdict.CONFIRMED, 2))
    assert len(book.report(2)) == 1
    book.answer(ack(alert, Verdict.CONFIRMED, 2))
    assert book.report(3) == []


def test_an_ended_alert_takes_verdicts_for_a_week_and_stays_as_it_ended() -> None:
    book = AlertBook("sf")
    (alert,) = tick(book, 1, SCORE)
    tick(book, 2)
    tick(book, 32)
    book.answer(ack(alert, Verdict.CONFIRMED, 40))
    (shown,) = book.report(50)
    assert (shown.state, shown.reason, shown.verdict) == ("cleared", "answered", "confirmed")
    tick(book, 31 + 7 * 24 * 60)
    assert book.answer(ack(alert, Verdict.FALSE_ALARM, 50))
    tick(book, 32 + 7 * 24 * 60)
    assert not book.answer(ack(alert, Verdict.CONFIRMED, 60))


def test_an_unknown_alert_takes_no_answer() -> None:
    assert not AlertBook("sf").answer(AlertAck("0" * 16, Verdict.CONFIRMED, "desk 4", at(1)))


def test_ended_alerts_are_forgotten_with_all_that_was_kept_for_them() -> None:
    book = AlertBook("sf", policies={"surge": Policy(mute_ms=DAY_MS)})
    tick(book, 1, SCORE)
    tick(book, 2)
    tick(book, 32)
    assert book.next_change() == at(32) + DAY_MS
    tick(book, 9 * 24 * 60)
    assert book.snapshot()["episodes"] == []
    assert book.next_change() is None


def test_an_open_episode_is_not_muted() -> None:
    episode = begin("sf", [SCORE], at(1), DEFAULT_POLICY)
    assert muted_until(episode, DEFAULT_POLICY) == 0


def test_scores_below_one_begin_nothing() -> None:
    assert tick(AlertBook("sf"), 1, SCORE._replace(level=0.99)) == []


def test_what_stands_has_the_numbers_of_now_and_the_state_people_were_told() -> None:
    book = AlertBook("sf")
    (alert,) = tick(book, 1, SCORE)
    tick(book, 2, SCORE._replace(observed=10))
    book.foresee(at(3), [SCORE._replace(zones=("B",))], 3)
    ((_, first), (_, second)) = book.standing()
    assert (first.alert_id, first.state, first.revision, first.observed) == (alert.alert_id, "raised", 1, 10)
    assert (second.state, second.provisional, second.zones) == ("raised", True, ("B",))


@pytest.mark.parametrize(
    "level, once, expected",
    [
        pytest.param(inf, inf, (HIGHEST_LEVEL, RAREST_DAYS), id="infinite"),
        pytest.param(2.0, nan, (2.0, None), id="rarity is no number"),
        pytest.param(2.0, -1.0, (2.0, 0.0), id="negative rarity"),
    ],
)
def test_figures_are_finite(level: float, once: float, expected: tuple[float, float | None]) -> None:
    book = AlertBook("sf")
    (alert,) = tick(book, 1, SCORE._replace(level=level, once_in_days=once))
    assert (book.open_alerts()[0].reading.level, alert.once_in_days) == expected
    assert json.dumps(book.snapshot(), allow_nan=False)


def test_a_level_that_is_no_number_says_nothing() -> None:
    assert tick(AlertBook("sf"), 1, SCORE._replace(level=nan)) == []


def test_incidents_are_asked_for_where_and_when_they_were_counted() -> None:
    asked: list[Any] = []

    def name_incidents(*where: Any) -> list[str]:
        asked.append(where)
        return [f"i{n}" for n in range(30)]

    book = AlertBook("sf", Policy(incident_cap=4), {"A": ["B"]})
    scores = [SCORE, SCORE._replace(zones=("B",), window_panes=30)]
    (alert,) = book.tick(at(1), scores, 1, name_incidents)
    assert asked == [(("A", "B"), "burglary", at(1) - 60 * MINUTE_MS, at(1))]
    assert alert.incident_ids == ("i0", "i1", "i2", "i3")


def test_a_state_of_another_version_is_refused() -> None:
    book = AlertBook("sf")
    with pytest.raises(
        ValueError, match=rf"alert state version must be {STATE_VERSION} \(got 0\); fold the log"
    ):
        book.restore({**book.snapshot(), "version": 0})


def test_each_detector_may_have_its_policy() -> None:
    strict = replace(DEFAULT_POLICY, clear_after_ms=0)
    book = AlertBook("sf", policies={"drop": strict})
    tick(book, 1, SCORE, SCORE._replace(detector="drop"))
    assert [alert.rule for alert in tick(book, 2)] == ["drop"]


def test_what_has_subsided_when_it_would_expire_has_subsided() -> None:
    book = AlertBook("sf")
    tick(book, 0, SCORE)
    tick(book, 23 * 60 + 30)
    assert [alert.reason for alert in tick(book, 24 * 60)] == ["subsided"]


def test_a_merged_alert_does_not_return_in_zones_that_the_older_one_has_left() -> None:
    book = AlertBook("sf", Policy(update_every_ms=0), {"A": ["B"], "B": ["C"]})
    tick(book, 1, SCORE)
    tick(book, 2, SCORE, SCORE._replace(zones=("C",)))
    _, merged = tick(book, 3, SCORE, SCORE._replace(zones=("B",)), SCORE._replace(zones=("C",)))
    tick(book, 4, SCORE)
    tick(book, 34, SCORE)  # B and C have cooled
    (new,) = tick(book, 35, SCORE, SCORE._replace(zones=("C",)))
    assert (new.reason, new.zones) == ("exceeded", ("C",))
    assert new.alert_id != merged.alert_id


def test_a_worse_return_while_muted_is_the_same_alert_however_long_ago_it_ended() -> None:
    book = AlertBook("sf", Policy(mute_ms=DAY_MS))
    (first,) = tick(book, 0, SCORE)
    tick(book, 1)
    tick(book, 31)
    assert tick(book, 20 * 60, SCORE) == []
    (back,) = tick(book, 20 * 60 + 1, SCORE._replace(once_in_days=40.0))
    assert (back.alert_id, back.reason) == (first.alert_id, "returned")


def test_an_expired_alert_takes_no_zone_in() -> None:
    book = AlertBook("sf", neighbours={"A": ["B"]})
    tick(book, 0, SCORE)
    tick(book, 24 * 60, SCORE)
    tick(book, 25 * 60, SCORE, SCORE._replace(zones=("A", "B")))
    zones = [(episode.open, episode.zone_names) for episode, _ in book.standing()]
    assert zones == [(False, ("A",)), (True, ("A", "B"))]


def test_alerts_that_meet_keep_the_rarest_step() -> None:
    book = AlertBook("sf", Policy(update_every_ms=0), {"A": ["B"], "B": ["C"]})
    tick(book, 1, SCORE)
    rare = SCORE._replace(zones=("C",), once_in_days=40.0)
    tick(book, 2, SCORE, rare)
    tick(book, 3, SCORE, SCORE._replace(zones=("B",)), SCORE._replace(zones=("C",)))
    told_again = tick(book, 4, rare)
    assert [alert.state for alert in told_again] != ["escalated"], "people know of the 40 days"


def test_what_begins_elsewhere_is_another_alert() -> None:
    book = AlertBook("sf", neighbours={"A": ["B"]})
    (first,) = tick(book, 0, SCORE)
    tick(book, 1)
    tick(book, 31)
    (other,) = tick(book, 40, SCORE._replace(zones=("B",)))
    assert (other.reason, other.alert_id != first.alert_id) == ("exceeded", True)


def test_of_two_that_ended_in_a_place_the_later_one_returns() -> None:
    book = AlertBook("sf")
    (first,) = tick(book, 0, SCORE._replace(zones=("A", "B")))
    tick(book, 1)
    tick(book, 31)
    second = tick(book, 32, SCORE._replace(zones=("C",)))[0]
    tick(book, 33)
    tick(book, 63)
    (back,) = tick(book, 64, SCORE._replace(zones=("B", "C")))
    assert (back.alert_id, back.zones) == (second.alert_id, ("B", "C"))
    assert first.alert_id != second.alert_id


def test_a_cluster_that_is_more_than_a_false_alarm_is_told() -> None:
    book = AlertBook("sf")
    (alert,) = tick(book, 0, SCORE)
    book.answer(ack(alert, Verdict.FALSE_ALARM, 1))
    tick(book, 1)
    tick(book, 31)
    (cluster,) = tick(book, 40, SCORE._replace(zones=("A", "B")))
    assert (cluster.state, cluster.zones) == ("raised", ("A", "B"))
    assert tick(book, 60, SCORE) == [], "the open one hears of a zone that is muted by itself"
    assert book.open_alerts()[0].reading_at == at(60)


def test_an_expired_alert_that_got_rarer_returns_only_where_it_did() -> None:
    book = AlertBook("sf")
    tick(book, 0, SCORE._replace(zones=("A", "B")))
    tick(book, 24 * 60, SCORE._replace(zones=("A", "B")))
    rare = SCORE._replace(zones=("A",), once_in_days=40.0)
    (back, other) = tick(book, 25 * 60, rare, SCORE._replace(zones=("B", "C")))
    assert (back.reason, back.zones) == ("returned", ("A",))
    assert (other.reason, other.zones) == ("exceeded", ("B", "C"))
