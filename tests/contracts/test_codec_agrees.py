"""Schema and codec agree: what the schema accepts the codec accepts, and the other way round but for named tolerances.

strict publisher ──▶ schema accepts ──▶ Vigil accepts
tolerant reader  ◀── Vigil accepts  ──▶ schema accepts, once `strictly` has written it as the schema wants it
"""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from schemas.codec import PERSONAL_FIELDS, to_json
from streams.contracts import CONTRACTS, document_of
from streams.contracts.shapes import EARLIEST_MS, LATEST_MS, Schema
from tests.contracts.folds import key_of, refused

INPUTS = {
    each.topic: document_of(each)
    for each in CONTRACTS
    if each.topic in ("incidents", "dispatches", "alert-acks")
}
VALIDATORS = {topic: Draft202012Validator(document) for topic, document in INPUTS.items()}
DAY_MS = 86_400_000
EXAMPLES = 120
TIMES = {"at", "updated_at", "reported_at", "occurred_at", "received_at", "heartbeat_at"}


def values_of(schema: Schema, document: Schema) -> st.SearchStrategy[Any]:
    """What a schema of ours allows."""
    if "$ref" in schema:
        return values_of(document["$defs"][schema["$ref"].rpartition("/")[2]], document)
    for keyword in ("oneOf", "anyOf"):
        if keyword in schema:
            return st.one_of([values_of(branch, document) for branch in schema[keyword]])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if "type" not in schema:
        return st.none() | st.text(max_size=5) | st.integers() | st.lists(st.booleans(), max_size=2)
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    return st.one_of([value_of(kind, schema, document) for kind in kinds])


def value_of(kind: str, schema: Schema, document: Schema) -> st.SearchStrategy[Any]:
    match kind:
        case "null":
            return st.none()
        case "boolean":
            return st.booleans()
        case "integer":
            highest = schema.get("exclusiveMaximum")
            return st.integers(schema.get("minimum"), None if highest is None else highest - 1)
        case "number":
            low, high = schema["minimum"], schema["maximum"]
            return st.floats(low, high) | st.integers(low, high)
        case "string" if "pattern" in schema:
            return st.from_regex(schema["pattern"], fullmatch=True)
        case "string":
            return st.text(
                st.characters(codec="utf-8"), min_size=schema.get("minLength", 0), max_size=300
            ).filter(lambda text: len(text) <= schema.get("maxLength", 300))
        case "object":
            fields = {name: values_of(each, document) for name, each in schema["properties"].items()}
            required = {name: fields[name] for name in schema["required"]}
            optional = {name: each for name, each in fields.items() if name not in required}
            return st.fixed_dictionaries(required, optional=optional)
    raise AssertionError(kind)


def instant_ms(said: Any) -> int:
    if isinstance(said, int):
        return said
    moment = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", said))
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def too_early(message: Mapping[str, Any]) -> bool:
    """Whether it says a time more than a day after `updated_at`: what a schema cannot say."""
    updated_at = message.get("updated_at")
    said = [message[name] for name in ("reported_at", "at") if message.get(name) is not None]
    return updated_at is not None and any(instant_ms(at) > instant_ms(updated_at) + DAY_MS for at in said)


@pytest.mark.parametrize("topic", INPUTS)
def test_what_the_schema_accepts_the_codec_accepts(topic: str) -> None:
    document, validator = INPUTS[topic], VALIDATORS[topic]

    @settings(max_examples=EXAMPLES)
    @given(values_of({"oneOf": document["oneOf"]}, document))
    def check(message: dict[str, Any]) -> None:
        assert validator.is_valid(message)
        why = refused(topic, json.dumps(message).encode(), key_of(message))
        assert why is None or (why.reason == "from_the_future" and too_early(message)), why

    check()


GOOD: dict[str, dict[str, Any]] = {
    "incidents": {"incident_id": "A-1", "jurisdiction": "x", "updated_at": "2026-11-23T11:45:00Z"},
    "dispatches": {
        "incident_id": "A-1",
        "jurisdiction": "x",
        "unit_id": "E07",
        "agency": "fire",
        "status": "dispatched",
        "at": "2026-11-23T11:45:00Z",
    },
    "alert-acks": {"alert_id": "a1", "verdict": "confirmed", "by": "w", "at": "2026-11-23T11:45:00Z"},
}

digits = st.integers(0, 99).map(lambda number: f"{number:02d}")
sloppy_times = st.builds(
    "{}-{}-{}{}{}:{}:{}{}{}".format,
    st.sampled_from(["1969", "1970", "1971", "2026", "2024", "2098", "2099", "2100", "26"]),
    st.sampled_from(["01", "02", "11", "12", "13"]),
    st.sampled_from(["01", "28", "29", "30", "31"]),
    st.sampled_from(["T", "t", " ", "_", ""]),
    st.sampled_from(["00", "23", "24"]),
    st.just("59") | digits,
    st.sampled_from(["00", "59", "60"]),
    st.sampled_from(["", ".5", ".123456789", ".", ",5"]),
    st.sampled_from(["Z", "z", "", "+01:00", "-0600", "-23:59", "+24:00", "+01"]),
)
words = st.sampled_from(
    ["", "closed", "Closed", "dispatched", "fire", "officer", "burglary", "459", "confirmed"]
)
anything = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(0, 5 * 10**12),
    st.floats(allow_nan=False, allow_infinity=False),
    words,
    st.text(st.characters(codec="utf-8"), max_size=4),
    st.just("x" * 257),
    st.lists(st.integers(), max_size=1),
    sloppy_times,
)


def strictly(topic: str, message: dict[str, Any]) -> dict[str, Any]:
    """The message as the contract wants it, where Vigil is more tolerant; these are all the tolerances there are."""
    said = {name: strict_time(value) if name in TIMES else value for name, value in message.items()}
    if said.get("heartbeat_at") is not None and topic != "alert-acks":
        return {name: value for name, value in said.items() if name in ("heartbeat_at", "jurisdiction")}
    vocabulary = (
        INPUTS[topic]["$defs"].get("Incident", {}).get("properties", {}).get("crime_type", {}).get("enum")
    )
    if topic == "incidents" and said.get("crime_type") not in vocabulary:
        said["crime_type"] = None  # a local code, which the type map may know
    for name, bound in (("lat", 90), ("lon", 180)):
        if topic == "incidents" and isinstance(said.get(name), int | float) and abs(said[name]) > bound:
            said[name] = None  # a point of no zone: the incident counts in `unknown`
    return said


def strict_time(said: Any) -> Any:
    if isinstance(said, int) and not isinstance(said, bool):
        outside = 0 <= said < EARLIEST_MS or LATEST_MS <= said < LATEST_MS + 365 * DAY_MS
        return EARLIEST_MS if outside else said  # 1970 and 2099 too
    if not isinstance(said, str):
        return said
    said = re.sub(r"^(\d{4}-\d\d-\d\d)[t ]", r"\1T", said)
    said = re.sub(r"(\d)z$", r"\1Z", said)
    said = re.sub(r"([+-]\d\d)(\d\d)$", r"\1:\2", said)
    return re.sub(r"^(1970|2099|1969-12-31|2100-01-01)", lambda found: "2026" + found[1][4:], said)


@pytest.mark.parametrize("topic", INPUTS)
def test_what_the_codec_accepts_the_schema_accepts(topic: str) -> None:
    good, validator = GOOD[topic], VALIDATORS[topic]
    known = {name for each in INPUTS[topic]["$defs"].values() for name in each.get("properties", ())}
    fields = st.sampled_from(sorted(known - set(PERSONAL_FIELDS)))
    times = st.dictionaries(st.sampled_from(sorted(known & TIMES)), sloppy_times, max_size=2)
    seen = {True: 0, False: 0}

    @settings(max_examples=3 * EXAMPLES)
    @given(st.dictionaries(fields, anything, max_size=4), times, st.sets(fields, max_size=1))
    def check(changed: dict[str, Any], timed: dict[str, Any], without: set[str]) -> None:
        message = {name: value for name, value in {**good, **changed, **timed}.items() if name not in without}
        why = refused(topic, to_json_of(message), key_of(message))
        seen[why is None] += 1
        if why is None:
            strict = strictly(topic, message)
            errors = [error.message for error in validator.iter_errors(strict)]
            assert not errors, f"{message}: {errors}"
        elif validator.is_valid(message):
            unseen = {"wrong_type"} if has_whole_number_with_a_point(message) else set()  # see below
            assert why.reason in {"from_the_future", "key_mismatch"} | unseen, f"{message}: {why}"

    check()
    assert min(seen.values()) > EXAMPLES / 10, seen


def to_json_of(message: dict[str, Any]) -> bytes:
    """As Python's json writes it: whole floats keep their point, as `1.0`."""
    return json.dumps(message).encode()


def has_whole_number_with_a_point(message: dict[str, Any]) -> bool:
    numbers = [value for name, value in message.items() if name not in ("lat", "lon")]
    return any(isinstance(value, float) and value.is_integer() for value in numbers)


@pytest.mark.parametrize("topic", INPUTS)
def test_whole_number_with_a_point_is_the_one_thing_a_schema_cannot_refuse(topic: str) -> None:
    """To JSON Schema 1.0 is an integer; to the codec it is no time."""
    name = "updated_at" if topic == "incidents" else "at"
    message = {**GOOD[topic], name: 1795434300000.0}
    assert VALIDATORS[topic].is_valid(message)
    why = refused(topic, to_json_of(message), key_of(message))
    assert why is not None
    assert why.reason == "wrong_type"
    assert to_json(message).count(b"1795434300000.0") == 1
