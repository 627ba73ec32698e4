"""Every metric of Vigil: its name, what it means, and its labels. Nothing is exposed that is not listed here.

Times are Unix seconds, intervals are seconds. No label holds anything about a person or an address.
"""

from typing import Final, NamedTuple


class Metric(NamedTuple):
    """One metric as Prometheus knows it."""

    name: str
    kind: str  # gauge, counter, histogram
    help: str
    labels: tuple[str, ...] = ()


# ---- what the city looks like, of the jurisdictions that this worker watches now
INCIDENTS: Final = Metric(
    "vigil_incidents",
    "gauge",
    "Incidents in the rolling window that ended at the last published tick; a cell without any is absent.",
    ("jurisdiction", "zone", "crime_type", "window"),
)
ALERTS: Final = Metric("vigil_alerts", "gauge", "Open alerts by state.", ("jurisdiction", "state"))
TICK: Final = Metric(
    "vigil_tick_timestamp_seconds", "gauge", "The last published tick, in event time.", ("jurisdiction",)
)
CITY_WATERMARK: Final = Metric(
    "vigil_watermark_timestamp_seconds",
    "gauge",
    "Up to when a jurisdiction is known: the least watermark of all its source partitions.",
    ("jurisdiction",),
)
KEPT_BACK: Final = Metric(
    "vigil_kept_back_until_timestamp_seconds",
    "gauge",
    "The tick, in event time, before which nothing is told of a jurisdiction, because a log was cut and its longest "
    "window is not whole; absent when all is told. By topic `incidents`: counts and alerts, by `dispatches`: KPIs.",
    ("jurisdiction", "topic"),
)
RESPONSE: Final = Metric(
    "vigil_response_seconds",
    "histogram",
    "Response intervals that ended within the rolling window `over`; buckets lie on the thresholds of the standards. "
    "The window slides, so use the buckets as they are, without rate().",
    ("jurisdiction", "agency", "priority", "kpi", "over"),
)
RESPONSE_GOAL: Final = Metric(
    "vigil_response_goal_seconds",
    "gauge",
    "The longest interval that meets the goal.",
    ("jurisdiction", "agency", "priority", "kpi", "over"),
)
RESPONSE_WITHIN: Final = Metric(
    "vigil_response_within_goal_ratio",
    "gauge",
    "Share of the intervals in the rolling window that met the goal.",
    ("jurisdiction", "agency", "priority", "kpi", "over"),
)
RESPONSE_LEFT_OUT: Final = Metric(
    "vigil_response_left_out",
    "gauge",
    "Intervals in the rolling window that could not be measured: missing, negative or absurd.",
    ("jurisdiction", "agency", "priority", "kpi", "over", "reason"),
)
ALERT_VERDICTS: Final = Metric(
    "vigil_alerts_judged",
    "gauge",
    "Alerts raised in the last 7 days of event time, by what operations centres found: confirmed, false_alarm, none.",
    ("jurisdiction", "verdict"),
)
ALERT_PRECISION: Final = Metric(
    "vigil_alert_precision_ratio",
    "gauge",
    "Share of the confirmed among those of them that have a verdict; absent before the first one.",
    ("jurisdiction",),
)

# ---- what goes on now, as far as the source partitions of this worker tell: add workers up
CALLS_HOLDING: Final = Metric(
    "vigil_calls_holding",
    "gauge",
    "Incidents whose status says that they wait for a unit: received or pending.",
    ("jurisdiction", "priority"),
)
OLDEST_CALL: Final = Metric(
    "vigil_oldest_call_holding_timestamp_seconds",
    "gauge",
    "Since when the oldest of the calls that wait for a unit has waited, in event time.",
    ("jurisdiction", "priority"),
)
OPEN_INCIDENTS: Final = Metric(
    "vigil_open_incidents",
    "gauge",
    "Incidents whose status says that they are not over; without a word on it for a day or two it is let go.",
    ("jurisdiction",),
)
UNITS_COMMITTED: Final = Metric(
    "vigil_units_committed",
    "gauge",
    "Units at work, once for each incident; without a word on it for a day or two a unit is let go.",
    ("jurisdiction", "agency"),
)

# ---- how this worker is doing, of the partitions that it owns now
OWNED: Final = Metric("vigil_partitions_owned", "gauge", "Partitions that this worker owns.", ("topic",))
PARTITION_WATERMARK: Final = Metric(
    "vigil_partition_watermark_timestamp_seconds",
    "gauge",
    "Watermark of a jurisdiction in one source partition.",
    ("topic", "partition", "jurisdiction"),
)
POSITION: Final = Metric(
    "vigil_position", "gauge", "Offset of the next record to fold.", ("topic", "partition")
)
COMMITTED: Final = Metric(
    "vigil_committed_position", "gauge", "Offset that is committed.", ("topic", "partition")
)
LAG: Final = Metric(
    "vigil_lag_records",
    "gauge",
    "Records between the position and the end of the log.",
    ("topic", "partition"),
)
STILL: Final = Metric(
    "vigil_position_still_seconds", "gauge", "How long the position has not moved.", ("topic", "partition")
)
COMMIT_AGE: Final = Metric(
    "vigil_commit_age_seconds",
    "gauge",
    "How long something that was acknowledged has waited to be committed; 0 when nothing waits.",
    ("topic", "partition"),
)
SILENCE: Final = Metric(
    "vigil_broker_silence_seconds",
    "gauge",
    "How long the broker has not answered a fetch; it answers within half a second when it is well.",
    ("topic", "partition"),
)
TAKE_OVER: Final = Metric(
    "vigil_take_over_ratio",
    "gauge",
    "Share of the log that is folded again; 1 when taken over.",
    ("topic", "partition"),
)

# ---- what went through this worker since it started
MESSAGES: Final = Metric(
    "vigil_messages_total",
    "counter",
    "Messages by what became of them: accepted, heartbeat.",
    ("topic", "outcome"),
)
DEAD_LETTERS: Final = Metric(
    "vigil_dead_letters_total", "counter", "Messages that could not be used.", ("topic", "reason")
)
DEAD_LETTER_SHARE: Final = Metric(
    "vigil_dead_letter_share_ratio",
    "gauge",
    "Share of dead letters among the newest messages of a topic that this worker read; "
    "above worker.dead_letter_share is an alarm.",
    ("topic",),
)
LATE: Final = Metric("vigil_late_events_total", "counter", "Messages past the allowed lateness.", ("topic",))
PERSONAL: Final = Metric(
    "vigil_personal_fields_dropped_total",
    "counter",
    "Fields that can hold personal data, dropped.",
    ("topic", "field"),
)
UNKNOWN_CODES: Final = Metric(
    "vigil_unknown_codes_total",
    "counter",
    "Local codes that the type map does not have, counted as other.",
    ("topic",),
)
UNLOCATABLE: Final = Metric(
    "vigil_unlocatable_total",
    "counter",
    "Incidents that came to count in zone unknown: by all that is said of them they name no zone and lie in none.",
    ("topic",),
)
TRANSITIONS: Final = Metric(
    "vigil_alert_transitions_total", "counter", "Revisions of alerts that were sent.", ("state",)
)
PARTIALS: Final = Metric(
    "vigil_partials_total", "counter", "Messages of cells by what was done with them.", ("topic", "verdict")
)
OTHER: Final = Metric("vigil_tallies_total", "counter", "Anything else that was tallied.", ("topic", "kind"))
BATCH_SECONDS: Final = Metric(
    "vigil_batch_seconds", "histogram", "Time from a batch in hand to everything acknowledged.", ("topic",)
)
BATCH_RECORDS: Final = Metric("vigil_batch_records", "histogram", "Records in a batch.", ("topic",))
REBALANCES: Final = Metric(
    "vigil_rebalances_total", "counter", "Times that partitions were assigned to this worker."
)
REQUESTS: Final = Metric("vigil_web_requests_total", "counter", "Answers by status.", ("path", "status"))
BUILD_INFO: Final = Metric(
    "vigil_build_info",
    "gauge",
    "What runs here; always 1.",
    ("version", "python", "counting_version", "fingerprint"),
)

ALL: Final = tuple(value for value in globals().values() if isinstance(value, Metric))
