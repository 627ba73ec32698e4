"""What /metrics says: of what is owned now, and of what went through; parsed as Prometheus parses it."""

import time
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import Metric as Family
from prometheus_client.parser import text_string_to_metric_families

from schemas.vocabulary import AlertState, RejectReason
from streams.metrics import (
    ALL,
    AtWorkView,
    CellView,
    HoldingView,
    JurisdictionView,
    KpiView,
    Metrics,
    PartitionView,
)

WINDOWS = ("15m", "1h")


class Worker:
    """An owner whose possessions a test sets."""

    def __init__(self) -> None:
        self.owned: list[PartitionView] = []
        self.watched: list[JurisdictionView] = []
        self.working: list[AtWorkView] = []
        self.asked = 0

    def partitions(self) -> Iterable[PartitionView]:
        return self.owned

    def jurisdictions(self) -> Iterable[JurisdictionView]:
        self.asked += 1
        return self.watched

    def at_work(self) -> Iterable[AtWorkView]:
        return self.working


@pytest.fixture
def worker() -> Worker:
    return Worker()


@pytest.fixture
def metrics(worker: Worker) -> Metrics:
    made = Metrics(version="1.2.3", counting_version=7, fingerprint="abc")
    made.owner = worker
    return made


Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def families(metrics: Metrics) -> dict[str, Family]:
    return {family.name: family for family in text_string_to_metric_families("".join(metrics.render()))}


def scrape(metrics: Metrics) -> Samples:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in families(metrics).values()
        for sample in family.samples
    }


def value(samples: Samples, name: str, **labels: str) -> float | None:
    return samples.get((name, frozenset(labels.items())))


def city(name: str = "sf", cells: Iterable[CellView] = (), **facts: object) -> JurisdictionView:
    return JurisdictionView(name, WINDOWS, tuple(cells))._replace(**facts)  # type: ignore[arg-type]


def test_a_worker_that_owns_nothing_says_what_it_is(metrics: Metrics) -> None:
    samples = scrape(metrics)
    build = next(labels for name, labels in samples if name == "vigil_build_info")
    assert {("version", "1.2.3"), ("counting_version", "7"), ("fingerprint", "abc")} < build
    assert not any(name.startswith("vigil_incidents") for name, _ in samples)
    assert any(name == "process_resident_memory_bytes" for name, _ in samples)


def test_before_an_owner_is_set_nothing_is_owned() -> None:
    assert not any(name == "vigil_position" for name, _ in scrape(Metrics()))


def test_every_metric_is_listed_once_with_a_help_text() -> None:
    names = [metric.name for metric in ALL]
    assert len(names) == len(set(names)) > 25
    assert all(metric.help.endswith(".") or "," in metric.help for metric in ALL)
    assert all((metric.kind == "counter") == metric.name.endswith("_total") for metric in ALL)


def test_nothing_is_exposed_that_is_not_listed(metrics: Metrics, worker: Worker) -> None:
    worker.watched, worker.owned = [full_city()], [PartitionView("incidents", 0, True)]
    worker.working = [AT_WORK]
    listed = {metric.name.removesuffix("_total") for metric in ALL}
    ours = {name for name in families(metrics) if name.startswith("vigil_")}
    assert ours == listed


def full_city() -> JurisdictionView:
    kpi = KpiView("fire", "1", "turnout", "1h", (60, 80, 90.5), (1, 2, 0, 4), 80.0, 3, 512.5, {"missing": 6})
    return city(
        cells=[CellView("B04", "burglary", (1, 4))],
        tick_ms=60_000,
        watermark_ms=61_500,
        open_alerts={"raised": 2},
        kpis=[kpi],
        verdicts={"confirmed": 3, "false_alarm": 1, "none": 2},
        precision=0.75,
    )


AT_WORK = AtWorkView("sf", 9, [HoldingView("1", 3, 5_000), HoldingView("2", 0)], {"fire": 4})


def test_rolling_counts_have_a_line_per_cell_and_window(metrics: Metrics, worker: Worker) -> None:
    worker.watched = [city(cells=[CellView("B04", "burglary", (1, 4)), CellView("*", "*", (0, 11))])]
    samples = scrape(metrics)
    where = {"jurisdiction": "sf", "zone": "B04", "crime_type": "burglary"}
    assert value(samples, "vigil_incidents", **where, window="15m") == 1
    assert value(samples, "vigil_incidents", **where, window="1h") == 4
    everywhere = {"jurisdiction": "sf", "zone": "*", "crime_type": "*"}
    assert value(samples, "vigil_incidents", **everywhere, window="15m") == 0


def test_owner_is_asked_once_a_scrape(metrics: Metrics, worker: Worker) -> None:
    worker.watched = [full_city()]
    scrape(metrics)
    assert worker.asked == 1


def test_rolling_counts_are_those_of_the_moment(metrics: Metrics, worker: Worker) -> None:
    where = {"jurisdiction": "sf", "zone": "B04", "crime_type": "burglary", "window": "15m"}
    for counts in ((1, 4), (1, 4), (2, 5), (0, 5)):
        worker.watched = [city(cells=[CellView("B04", "burglary", counts)])]
        assert value(scrape(metrics), "vigil_incidents", **where) == counts[0]


def test_counts_of_an_owner_that_changes_its_list_in_place_are_not_stale(
    metrics: Metrics, worker: Worker
) -> None:
    counts = [1, 4]
    worker.watched = [city(cells=[CellView("B04", "burglary", counts)])]
    where = {"jurisdiction": "sf", "zone": "B04", "crime_type": "burglary", "window": "1h"}
    assert value(scrape(metrics), "vigil_incidents", **where) == 4
    counts[1] = 5
    assert value(scrape(metrics), "vigil_incidents", **where) == 5


def test_what_went_to_another_worker_is_gone_at_the_next_scrape(metrics: Metrics, worker: Worker) -> None:
    worker.watched = [full_city()]
    worker.owned = [PartitionView("incidents", 0, True, 5), PartitionView("incidents", 1, True, 5)]
    assert value(scrape(metrics), "vigil_partitions_owned", topic="incidents") == 2
    worker.watched, worker.owned = [], worker.owned[1:]
    samples = scrape(metrics)
    assert not any(("jurisdiction", "sf") in labels for _, labels in samples)
    assert value(samples, "vigil_partitions_owned", topic="incidents") == 1
    assert value(samples, "vigil_position", topic="incidents", partition="0") is None
    assert value(samples, "vigil_position", topic="incidents", partition="1") == 5


def test_cells_are_rendered_in_portions_and_none_is_lost(
    metrics: Metrics, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.metrics.collector.CELLS_AT_ONCE", 2)
    worker.watched = [city(cells=[CellView(f"Z{n}", "arson", (n, n)) for n in range(5)])]
    samples = scrape(metrics)
    for n in range(5):
        assert (
            value(
                samples, "vigil_incidents", jurisdiction="sf", zone=f"Z{n}", crime_type="arson", window="1h"
            )
            == n
        )


@given(zone=st.text(min_size=1, max_size=12), number=st.integers(0, 10**9))
def test_any_zone_name_comes_through(zone: str, number: int) -> None:
    metrics, worker = Metrics(), Worker()
    metrics.owner = worker
    worker.watched = [city(cells=[CellView(zone, "arson", (number, number))])]
    labels = {"jurisdiction": "sf", "zone": zone, "crime_type": "arson", "window": "1h"}
    line = next(line for line in "".join(metrics.render()).split("\n") if line.startswith("vigil_incidents{"))
    (family,) = text_string_to_metric_families(line + "\n")
    assert [(sample.labels, sample.value) for sample in family.samples] == [
        ({**labels, "window": "15m"}, number)
    ]


def test_city_facts_are_seconds_and_numbers(metrics: Metrics, worker: Worker) -> None:
    worker.watched, worker.working = [full_city()], [AT_WORK]
    samples = scrape(metrics)
    assert value(samples, "vigil_tick_timestamp_seconds", jurisdiction="sf") == 60
    assert value(samples, "vigil_watermark_timestamp_seconds", jurisdiction="sf") == 61.5
    assert value(samples, "vigil_alerts", jurisdiction="sf", state="raised") == 2
    assert value(samples, "vigil_alerts_judged", jurisdiction="sf", verdict="confirmed") == 3
    assert value(samples, "vigil_alerts_judged", jurisdiction="sf", verdict="none") == 2
    assert value(samples, "vigil_alert_precision_ratio", jurisdiction="sf") == 0.75
    assert value(samples, "vigil_open_incidents", jurisdiction="sf") == 9
    assert value(samples, "vigil_units_committed", jurisdiction="sf", agency="fire") == 4
    assert value(samples, "vigil_calls_holding", jurisdiction="sf", priority="1") == 3
    assert value(samples, "vigil_calls_holding", jurisdiction="sf", priority="2") == 0
    assert value(samples, "vigil_oldest_call_holding_timestamp_seconds", jurisdiction="sf", priority="1") == 5
    assert (
        value(samples, "vigil_oldest_call_holding_timestamp_seconds", jurisdiction="sf", priority="2") is None
    )


def test_what_is_not_known_yet_is_absent(metrics: Metrics, worker: Worker) -> None:
    worker.watched, worker.owned = (
        [city()],
        [PartitionView("incidents", 0, taken_over=False, take_over_done=0.25)],
    )
    worker.working = [AtWorkView("sf")]
    samples = scrape(metrics)
    names = {name for name, _ in samples}
    assert not names & {
        "vigil_alert_precision_ratio",
        "vigil_tick_timestamp_seconds",
        "vigil_watermark_timestamp_seconds",
        "vigil_open_incidents",
    }
    assert not names & {"vigil_position", "vigil_lag_records", "vigil_committed_position"}
    assert value(samples, "vigil_take_over_ratio", topic="incidents", partition="0") == 0.25


def test_response_buckets_lie_on_the_thresholds_and_are_cumulative(metrics: Metrics, worker: Worker) -> None:
    worker.watched = [full_city()]
    samples = scrape(metrics)
    labels = {"jurisdiction": "sf", "agency": "fire", "priority": "1", "kpi": "turnout", "over": "1h"}
    buckets = {
        le: value(samples, "vigil_response_seconds_bucket", **labels, le=le)
        for le in ("60", "80", "90.5", "+Inf")
    }
    assert buckets == {"60": 1, "80": 3, "90.5": 3, "+Inf": 7}
    assert value(samples, "vigil_response_seconds_count", **labels) == 7
    assert value(samples, "vigil_response_seconds_sum", **labels) == 512.5
    assert value(samples, "vigil_response_left_out", **labels, reason="missing") == 6
    assert value(samples, "vigil_response_goal_seconds", **labels) == 80
    assert value(samples, "vigil_response_within_goal_ratio", **labels) == pytest.approx(3 / 7)


def test_sum_that_is_not_known_is_absent(metrics: Metrics, worker: Worker) -> None:
    worker.watched = [city(kpis=[KpiView("ems", "1", "travel", "1h", (60,), (1, 2))])]
    names = {name for name, _ in scrape(metrics)}
    assert "vigil_response_seconds_count" in names
    assert "vigil_response_seconds_sum" not in names


def test_kpi_without_a_goal_or_without_intervals_has_no_ratio(metrics: Metrics, worker: Worker) -> None:
    nothing = KpiView("ems", "1", "travel", "1h", (60,), (0, 0), 60.0, 0)
    no_goal = KpiView("police", "1", "committed", "1h", (60,), (1, 1))
    worker.watched = [city(kpis=[nothing, no_goal])]
    samples = scrape(metrics)
    assert not any(name == "vigil_response_within_goal_ratio" for name, _ in samples)
    assert sum(name == "vigil_response_goal_seconds" for name, _ in samples) == 1


def test_partition_facts(metrics: Metrics, worker: Worker) -> None:
    worker.owned = [
        PartitionView("incidents", 3, True, 81, 100, 80, 1.5, 0.25, 1.0, {"sf": 61_000}),
        PartitionView("incidents", 4, True, 100, 90),
    ]
    samples = scrape(metrics)
    where = {"topic": "incidents", "partition": "3"}
    assert value(samples, "vigil_position", **where) == 81
    assert value(samples, "vigil_committed_position", **where) == 80
    assert value(samples, "vigil_lag_records", **where) == 19
    assert value(samples, "vigil_position_still_seconds", **where) == 0.25
    assert value(samples, "vigil_commit_age_seconds", **where) == 1.5
    assert value(samples, "vigil_take_over_ratio", **where) == 1
    assert value(samples, "vigil_partition_watermark_timestamp_seconds", **where, jurisdiction="sf") == 61
    # A fold may be ahead of the end that was last heard of.
    assert value(samples, "vigil_lag_records", topic="incidents", partition="4") == 0
    assert value(samples, "vigil_commit_age_seconds", topic="incidents", partition="4") == 0


@pytest.mark.parametrize(
    "kind, name, labels",
    [
        pytest.param(
            "accepted", "vigil_messages_total", {"topic": "incidents", "outcome": "accepted"}, id="accepted"
        ),
        pytest.param(
            "heartbeats",
            "vigil_messages_total",
            {"topic": "incidents", "outcome": "heartbeat"},
            id="heartbeat",
        ),
        pytest.param("late", "vigil_late_events_total", {"topic": "incidents"}, id="late"),
        pytest.param("unlocatable", "vigil_unlocatable_total", {"topic": "incidents"}, id="unlocatable"),
        pytest.param("unknown_code", "vigil_unknown_codes_total", {"topic": "incidents"}, id="unknown code"),
        pytest.param(
            "dead_letter.not_json",
            "vigil_dead_letters_total",
            {"topic": "incidents", "reason": "not_json"},
            id="dead letter",
        ),
        pytest.param(
            "personal.caller_name",
            "vigil_personal_fields_dropped_total",
            {"topic": "incidents", "field": "caller_name"},
            id="personal",
        ),
        pytest.param("alerts.escalated", "vigil_alert_transitions_total", {"state": "escalated"}, id="alert"),
        pytest.param(
            "cells.stale", "vigil_partials_total", {"topic": "incidents", "verdict": "stale"}, id="partial"
        ),
        pytest.param(
            "something.new",
            "vigil_tallies_total",
            {"topic": "incidents", "kind": "something.new"},
            id="other",
        ),
        pytest.param(
            "alerts", "vigil_tallies_total", {"topic": "incidents", "kind": "alerts"}, id="no state"
        ),
    ],
)
def test_tally_of_a_step_goes_to_its_counter(
    metrics: Metrics, kind: str, name: str, labels: dict[str, str]
) -> None:
    metrics.counters.count("incidents", {kind: 2})
    metrics.counters.count("incidents", {kind: 3})
    assert value(scrape(metrics), name, **labels) == 5


def test_counters_stay_when_everything_else_goes(metrics: Metrics, worker: Worker) -> None:
    worker.owned = [PartitionView("incidents", 0, True)]
    metrics.counters.count("incidents", {"accepted": 5})
    worker.owned = []
    assert value(scrape(metrics), "vigil_messages_total", topic="incidents", outcome="accepted") == 5


def test_counters_are_zero_before_the_first_of_a_kind(metrics: Metrics) -> None:
    """An alert on their increase then sees the first one."""
    metrics.counters.count("incidents", {})
    samples = scrape(metrics)
    for reason in RejectReason:
        assert value(samples, "vigil_dead_letters_total", topic="incidents", reason=reason) == 0
    for state in AlertState:
        assert value(samples, "vigil_alert_transitions_total", state=state) == 0


def test_batches_rebalances_and_requests_are_counted(metrics: Metrics) -> None:
    metrics.counters.observe_batch("incidents", records=1000, seconds=0.02)
    metrics.counters.rebalanced()
    metrics.counters.answered("/metrics", 200)
    samples = scrape(metrics)
    assert value(samples, "vigil_batch_records_sum", topic="incidents") == 1000
    assert value(samples, "vigil_batch_seconds_bucket", topic="incidents", le="0.025") == 1
    assert value(samples, "vigil_batch_seconds_bucket", topic="incidents", le="0.01") == 0
    assert value(samples, "vigil_rebalances_total") == 1
    assert value(samples, "vigil_web_requests_total", path="/metrics", status="200") == 1


def test_no_counter_has_a_created_series_beside_it(metrics: Metrics) -> None:
    metrics.counters.rebalanced()
    assert "_created" not in "".join(metrics.render())


def test_two_workers_in_one_process_do_not_share_counters() -> None:
    one, other = Metrics(), Metrics()
    one.counters.rebalanced()
    assert value(scrape(other), "vigil_rebalances_total") == 0


def test_scrape_of_a_large_city_is_cheap(metrics: Metrics, worker: Worker) -> None:
    """200 zones x 40 types x 2 windows; once the lines are known, unchanged cells cost next to nothing."""
    cells = [CellView(f"zone {z}", f"type {t}", (t, z + t)) for z in range(200) for t in range(40)]
    worker.watched = [city(cells=cells)]
    text = "".join(metrics.render())
    assert text.count("vigil_incidents{") == 16_000
    began = time.process_time()
    pieces = list(metrics.render())
    took_s = time.process_time() - began
    assert "".join(pieces).count("vigil_incidents{") == 16_000
    assert took_s < 0.1, "measured: 6 ms"
    assert max(piece.count("\n") for piece in pieces) <= 1000, "the event loop goes on between pieces"


def test_until_when_a_city_is_kept_back_is_a_gauge_by_source_topic(metrics: Metrics, worker: Worker) -> None:
    worker.watched = [city("sf", kept_back_until_ms={"incidents": 1_700_000_000_000})]
    name = "vigil_kept_back_until_timestamp_seconds"
    labels = frozenset({("jurisdiction", "sf"), ("topic", "incidents")})
    assert scrape(metrics)[name, labels] == 1_700_000_000.0
    worker.watched = [city("sf")]
    assert not [key for key in scrape(metrics) if key[0] == name]
