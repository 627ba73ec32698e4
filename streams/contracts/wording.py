"""What each field means, for those who publish and those who read: the text of the schemas, and bounds of meaning.

A bound here is what a value means (degrees, a share), not what decoding checks: publishers keep to it, while the
reader takes what it can use ("strict producers, tolerant readers").
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from schemas.vocabulary import ALERT_PRECISION, ANY, UNKNOWN_ZONE, CrimeType, Verdict


class Field(NamedTuple):
    """The meaning of a field."""

    text: str
    bounds: Mapping[str, Any] = {}  # further JSON Schema keywords


_WORDS: Final = [*map(str, CrimeType)]
_JURISDICTION: Final = "The city or agency whose incident this is, as the configuration names it."
_ZONE: Final = (
    f"Zone: beat, sector, district, neighbourhood. `{UNKNOWN_ZONE}` where the incident says no usable place."
)
_REVISION: Final = "Of records with the same key and time, the one with the greatest revision is the truth."

_INCIDENT: Final = {
    "incident_id": Field("Names the incident within its jurisdiction, and is the record's key."),
    "jurisdiction": Field(_JURISDICTION),
    "updated_at": Field(
        "When the publisher recorded this state: the message has effect from then on. Of two messages about one "
        "incident, field by field, the one with the later `updated_at` holds. At most 10 minutes after the record's "
        "Kafka timestamp."
    ),
    "agency": Field("Who answers."),
    "status": Field(
        "Where the incident stands. `cancelled`, `unfounded` and `merged` take it out of the counts, `closed` says "
        "nothing about counting, any other status puts it (back) in."
    ),
    "type_code": Field(
        "The local code; Vigil's type map says which crime type it is, `other` where it does not."
    ),
    "crime_type": Field(
        "What it is, in words of the vocabulary; `type_code` is not looked at beside it.", {"enum": _WORDS}
    ),
    "zone": Field("Beat, sector, district or neighbourhood. Coordinates are not looked at beside it."),
    "lat": Field(
        "Latitude in degrees, WGS 84; becomes a zone and goes no further.", {"minimum": -90, "maximum": 90}
    ),
    "lon": Field(
        "Longitude in degrees, WGS 84; becomes a zone and goes no further.", {"minimum": -180, "maximum": 180}
    ),
    "priority": Field("Priority of the call, as the dispatch system writes it."),
    "call_source": Field(
        "How the call came in. What officers initiate themselves raises no statistical alerts."
    ),
    "occurred_at": Field("When it happened; the time that counts where the configuration says so."),
    "reported_at": Field(
        "When it was reported: the time that counts. Without it, in this message or another about the incident, the "
        "incident is not counted. At most a day after `updated_at`."
    ),
    "exercise": Field("True: not a real incident; it does not count."),
}

_DISPATCH: Final = {
    "incident_id": Field("The incident that the unit works on, and the record's key."),
    "jurisdiction": Field(_JURISDICTION),
    "unit_id": Field("The unit, such as E07."),
    "agency": Field("Whose unit it is."),
    "status": Field("What the unit does since `at`."),
    "at": Field("Since when the unit has this status. At most a day after `updated_at`."),
    "updated_at": Field(
        "When the publisher recorded this; `at` where it is left out. Of two messages about the same unit, incident "
        "and status, the later one holds."
    ),
    "received_at": Field(
        "When the call was received; without it processing and response time cannot be measured."
    ),
    "priority": Field("Priority of the call, as the dispatch system writes it."),
    "zone": Field("Zone of the call."),
}

_HEARTBEAT: Final = {
    "jurisdiction": Field("The city or agency that this publisher speaks for."),
    "heartbeat_at": Field(
        "Everything up to this instant has been published, to this partition, as far as this publisher knows. At most "
        "10 minutes after the record's Kafka timestamp."
    ),
}

_ACK: Final = {
    "alert_id": Field("The alert that is answered, and the record's key."),
    "verdict": Field(
        "`acknowledged`: somebody looks after it; `confirmed`, `false_alarm`: what it turned out to be."
    ),
    "by": Field("Who answers: a role or a service number, no name."),
    "at": Field("When it was answered."),
    "note": Field("For the record; no personal data."),
}

_COUNTS: Final = {
    "jurisdiction": Field(_JURISDICTION),
    "zone": Field(_ZONE),
    "crime_type": Field("A word of the crime type vocabulary; more words may come.", {"examples": _WORDS}),
    "at": Field("The exclusive end of the windows, a multiple of the pane (60 s)."),
    "counts": Field(
        "Window → incidents that count in it. A window is `[at − length, at)`; which there are is configured.",
        {
            "additionalProperties": {"type": "integer", "minimum": 0},
            "examples": [{"15m": 1, "1h": 4, "6h": 9, "24h": 22, "7d": 131}],
        },
    ),
    "revision": Field(_REVISION),
}

_ALERT: Final = {
    "alert_id": Field("One id for the whole life of an alert, and the record's key."),
    "revision": Field("Grows with every record of an alert; the greatest is the truth."),
    "state": Field(
        "`raised`, `updated` and `escalated` alerts are open; `cleared` ones are over; `withdrawn` ones were "
        "provisional and did not hold."
    ),
    "reason": Field("Why this record was sent, in a word; more words may come."),
    "provisional": Field("Raised before its minute was over; the next record confirms or withdraws it."),
    "jurisdiction": Field(_JURISDICTION),
    "zones": Field(f"Where; `{ANY}` is the whole city."),
    "crime_type": Field(f"What; `{ANY}` is all types together.", {"examples": [*_WORDS, ANY]}),
    "window": Field("Over how long `observed` was counted.", {"examples": ["3h"]}),
    "at": Field("The tick at which things stood so: the exclusive end of the window."),
    "since": Field("Since when the alert is open."),
    "observed": Field("Incidents counted in the window.", {"minimum": 0}),
    "expected": Field(
        "How many the zones' own past leads one to expect; not said by analysts' rules.", {"minimum": 0}
    ),
    "once_in_days": Field("How rare it is: by chance once in so many days; not said by analysts' rules."),
    "incident_ids": Field("The newest incidents behind it, up to a cap."),
    "rule": Field("The detector that spoke; `rule:NAME` is a rule of the analysts'."),
    "explanation": Field("One to three sentences that a person can check against the numbers beside them."),
    "acknowledged_by": Field("Who looks after it, as the answer said."),
    "verdict": Field("What the operations centre found it to be.", {"examples": [*map(str, Verdict)]}),
}

_KPI: Final = {
    "jurisdiction": Field("The city or agency, and the record's key."),
    "at": Field("The exclusive end of the window, a multiple of the pane (60 s)."),
    "agency": Field(f"Whose units; `{ANY}` for alerts."),
    "priority": Field(f"Of the calls; `{ANY}` is all of them."),
    "kpi": Field(f"Which response interval, or `{ALERT_PRECISION}`; more may come."),
    "over": Field("The window.", {"examples": ["1h", "24h", "7d"]}),
    "count": Field(
        "Intervals that ended in the window, or alerts raised in it that have a verdict.", {"minimum": 0}
    ),
    "within": Field("How many of them were at most `threshold_s` long, or were confirmed.", {"minimum": 0}),
    "threshold_s": Field("The benchmark, seconds."),
    "value": Field("`within` ÷ `count`: the compliance, or the precision.", {"minimum": 0, "maximum": 1}),
    "mean_s": Field("Mean length, seconds."),
    "left_out": Field(
        "Intervals that are missing an end, negative or longer than a day, or alerts without a verdict.",
        {"minimum": 0},
    ),
    "revision": Field(
        "Of records with the same names and time, the one with the greatest revision is the truth."
    ),
}

_LATE: Final = {
    "jurisdiction": Field(_JURISDICTION),
    "incident_id": Field("The incident, and the record's key."),
    "topic": Field("Where the message is."),
    "partition": Field("Where the message is.", {"minimum": 0}),
    "offset": Field("Where the message is.", {"minimum": 0}),
    "updated_at": Field("What the message says."),
    "late_by_ms": Field(
        "How much earlier than `effective_from` it would have had effect, ms.", {"minimum": 0}
    ),
    "effective_from": Field("The tick from which on it counts."),
    "changed": Field("Whether it changes any count."),
}

_LETTER: Final = {
    "vigil-reason": Field("Why the message could not be used, in a word; more words may come."),
    "vigil-message": Field("The field, what is wrong with it, and what to do."),
    "vigil-topic": Field("Where the message was."),
    "vigil-partition": Field("Where the message was; a decimal number.", {"pattern": "^[0-9]+$"}),
    "vigil-offset": Field("Where the message was; a decimal number.", {"pattern": "^[0-9]+$"}),
    "vigil-at": Field("The message's Kafka timestamp, RFC 3339."),
}

_AUDIT: Final = {
    "at": Field("When."),
    "actor": Field(
        "Who: a desk, role or program, and the record's key; `unknown` where a message could not be read."
    ),
    "action": Field("What was done; more words may come."),
    "subject": Field("To what: an alert, dead letters, a rules file."),
    "outcome": Field("`done`, `accepted: …` or `refused: …`."),
    "details": Field(
        "What else is worth keeping: places of messages, digests; never what a publisher wrote."
    ),
}

FIELDS: Final[Mapping[str, Mapping[str, Field]]] = {
    "Incident": _INCIDENT,
    "Dispatch": _DISPATCH,
    "Heartbeat": _HEARTBEAT,
    "AlertAck": _ACK,
    "WindowCounts": _COUNTS,
    "Alert": _ALERT,
    "KpiValue": _KPI,
    "LateEvent": _LATE,
    "DeadLetter": _LETTER,
    "AuditEntry": _AUDIT,
}
"""Record → field → what it means."""

PERSONAL: Final = "Never read, for it can hold personal data: leave it out."
