"""Closed word lists of what travels on the topics.

Source: NIBRS codes for crime types, NENA-STA-021.1b and NFPA for statuses; see README, "Words".
"""

from enum import StrEnum
from typing import Final

UNKNOWN_ZONE: Final = "unknown"
"""Zone of an incident that says no usable place: nothing is dropped for want of one."""

ANY: Final = "*"
"""Stands for all zones, or all crime types, in totals and rules."""


class CrimeType(StrEnum):
    """What an incident is; NIBRS offence codes in the comments, calls that are no crimes after them."""

    HOMICIDE = "homicide"  # 09A 09B
    KIDNAPPING = "kidnapping"  # 100
    SEX_OFFENSE = "sex_offense"  # 11A-D 36A-B
    ASSAULT = "assault"  # 13A-C, battery included
    HUMAN_TRAFFICKING = "human_trafficking"  # 64A-B
    ROBBERY = "robbery"  # 120
    ARSON = "arson"  # 200
    EXTORTION = "extortion"  # 210
    BURGLARY = "burglary"  # 220
    LARCENY = "larceny"  # 23A-H, theft
    MOTOR_VEHICLE_THEFT = "motor_vehicle_theft"  # 240
    COUNTERFEITING = "counterfeiting"  # 250
    FRAUD = "fraud"  # 26A-H
    EMBEZZLEMENT = "embezzlement"  # 270
    STOLEN_PROPERTY = "stolen_property"  # 280
    VANDALISM = "vandalism"  # 290, criminal damage
    BRIBERY = "bribery"  # 510
    DRUGS = "drugs"  # 35A-B
    PORNOGRAPHY = "pornography"  # 370
    GAMBLING = "gambling"  # 39A-D
    PROSTITUTION = "prostitution"  # 40A-C
    WEAPONS = "weapons"  # 520
    ANIMAL_CRUELTY = "animal_cruelty"  # 720
    GROUP_B = "group_b"  # 90A-Z
    MEDICAL = "medical"
    STRUCTURE_FIRE = "structure_fire"
    OTHER_FIRE = "other_fire"
    ALARM = "alarm"
    TRAFFIC_COLLISION = "traffic_collision"
    HAZMAT = "hazmat"
    RESCUE = "rescue"
    WELFARE_CHECK = "welfare_check"
    DISTURBANCE = "disturbance"
    SUSPICIOUS = "suspicious"
    TRAFFIC_STOP = "traffic_stop"
    SERVICE = "service"
    OTHER = "other"  # unmapped local codes


class IncidentStatus(StrEnum):
    """Where an incident stands. Three of them withdraw it, `closed` says nothing about counting."""

    RECEIVED = "received"
    PENDING = "pending"  # waiting for a unit: a call holding
    DISPATCHED = "dispatched"
    EN_ROUTE = "en_route"
    ON_SCENE = "on_scene"
    ACTIVE = "active"
    UPDATED = "updated"
    RECLASSIFIED = "reclassified"
    MOVED = "moved"
    REOPENED = "reopened"
    CLOSED = "closed"
    CANCELLED = "cancelled"
    UNFOUNDED = "unfounded"
    MERGED = "merged"


WITHDRAWING: Final = frozenset({IncidentStatus.CANCELLED, IncidentStatus.UNFOUNDED, IncidentStatus.MERGED})


class UnitStatus(StrEnum):
    """What one unit does for one incident, in the usual order."""

    DISPATCHED = "dispatched"
    ACKNOWLEDGED = "acknowledged"
    EN_ROUTE = "en_route"
    ON_SCENE = "on_scene"
    TRANSPORTING = "transporting"
    AT_HOSPITAL = "at_hospital"
    AVAILABLE = "available"  # clear
    CANCELLED = "cancelled"


class Agency(StrEnum):
    """Who answers."""

    POLICE = "police"
    FIRE = "fire"
    EMS = "ems"
    OTHER = "other"


class CallSource(StrEnum):
    """How the call came in (NIEM N-DEx); officer-initiated activity follows patrols, not crime."""

    E911 = "e911"
    PHONE = "phone"
    ALARM = "alarm"
    WALK_IN = "walk_in"
    INTERNET = "internet"
    OFFICER = "officer"
    OTHER = "other"


class AlertState(StrEnum):
    """The life of an alert."""

    RAISED = "raised"
    UPDATED = "updated"
    ESCALATED = "escalated"
    CLEARED = "cleared"
    WITHDRAWN = "withdrawn"


class Verdict(StrEnum):
    """What an operations centre answers to an alert."""

    ACKNOWLEDGED = "acknowledged"
    CONFIRMED = "confirmed"
    FALSE_ALARM = "false_alarm"


class Kpi(StrEnum):
    """Response intervals, in seconds of event time (NFPA 1710, NFPA 1225)."""

    PROCESSING = "processing"  # call received -> the incident's first dispatch
    TURNOUT = "turnout"  # each unit's own dispatch -> en route
    TRAVEL = "travel"  # the first-arriving unit's own en route -> on scene
    RESPONSE = "response"  # call received -> first on scene
    COMMITTED = "committed"  # each unit's dispatch -> available (unit committed time)


ALERT_PRECISION: Final = "alert_precision"
"""Beside them: the share of the alerts with a verdict that were confirmed. Not an interval, so no benchmark names it."""


class RejectReason(StrEnum):
    """Why a message became a dead letter."""

    EMPTY = "empty"
    TOO_LARGE = "too_large"
    NOT_JSON = "not_json"
    WRONG_TYPE = "wrong_type"
    MISSING_FIELD = "missing_field"
    UNKNOWN_WORD = "unknown_word"
    NAIVE_TIME = "naive_time"
    TIME_OUT_OF_RANGE = "time_out_of_range"
    FROM_THE_FUTURE = "from_the_future"
    KEY_MISMATCH = "key_mismatch"
