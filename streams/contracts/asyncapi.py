"""The AsyncAPI 3 document: topics as channels, with keys, retention, headers, messages and examples.

It is written from where Vigil stands: Vigil *receives* what others publish, and *sends* what others read.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from streams.contracts.catalogue import CONTRACTS, Contract, Direction, Record
from streams.contracts.samples import Sample
from streams.contracts.shapes import Schema
from streams.settings import Settings
from streams.topics import TopicSpec, topic_table

ASYNCAPI: Final = "3.0.0"
FORMAT: Final = "application/schema+json;version=draft-2020-12"
_BINDING: Final = "0.5.0"  # of the Kafka bindings
_EXAMPLES: Final = 2  # per message

CLOUD_EVENT: Final[Schema] = {
    "type": "object",
    "description": "CloudEvents 1.0, Kafka binding, binary mode: accepted, not needed and not read. The value stays the "
    "plain JSON event.",
    "properties": {
        "ce_specversion": {"type": "string", "const": "1.0"},
        "ce_id": {"type": "string", "minLength": 1},
        "ce_source": {"type": "string", "minLength": 1},
        "ce_type": {"type": "string", "minLength": 1},
        "ce_time": {"type": "string", "format": "date-time"},
        "content-type": {"type": "string", "const": "application/json"},
    },
}

_BYTES: Final[Schema] = {"description": "The message as it came, byte by byte; it need not be JSON."}

_ABOUT: Final = (
    "Vigil keeps exact rolling counts of a city's incidents, raises emerging-threat alerts, and measures how well calls "
    "are answered. Keys, times, corrections and examples: docs/publishing.md. A topic's contract changes within its "
    "version only in ways that let nobody down; what breaks somebody is a new version beside the old one."
)


def asyncapi_document(samples: Mapping[str, Iterable[Sample]]) -> dict[str, Any]:
    """The whole document; `samples`: contract name → golden samples, from which the examples are taken."""
    specs = {spec.name: spec for spec in topic_table(Settings())}
    return {
        "asyncapi": ASYNCAPI,
        "info": {
            "title": "Vigil",
            "version": "1",
            "description": _ABOUT,
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "kafka": {
                "host": "{broker}",
                "protocol": "kafka",
                "description": "The city's Kafka; TLS, SASL and ACLs are its own.",
                "variables": {"broker": {"default": Settings().broker}},
            }
        },
        "channels": {each.topic: _channel(each, specs[each.topic]) for each in CONTRACTS},
        "operations": {name: each for contract in CONTRACTS for name, each in _operations(contract)},
        "components": {
            "messages": {
                _message_name(contract, record): _message(contract, record, samples.get(contract.name, ()))
                for contract in CONTRACTS
                for record in contract.records
            },
            "messageTraits": {"cloudEvent": {"headers": CLOUD_EVENT}},
        },
    }


def _message_name(contract: Contract, record: Record) -> str:
    """`incidents.v1.Incident`: a heartbeat is a message of two topics."""
    return f"{contract.name}.{record.name}"


def _channel(contract: Contract, spec: TopicSpec) -> dict[str, Any]:
    compacted = spec.configs["cleanup.policy"] == "compact"
    kept = {} if compacted else {"retention.ms": int(spec.configs["retention.ms"])}
    found: dict[str, Any] = {
        "address": contract.topic,
        "description": contract.text,
        "servers": [{"$ref": "#/servers/kafka"}],
        "bindings": {
            "kafka": {
                "topic": contract.topic,
                "partitions": spec.partitions,
                "replicas": spec.replication_factor,
                "topicConfiguration": {
                    "cleanup.policy": [spec.configs["cleanup.policy"]],
                    **kept,
                    "max.message.bytes": int(spec.configs["max.message.bytes"]),
                },
                "bindingVersion": _BINDING,
            }
        },
    }
    if contract.direction is Direction.INTERNAL:
        found["description"] += " Internal: it may change with any version, and only workers may write to it."
        found["x-vigil-internal"] = True
    else:
        found["messages"] = {
            record.name: {"$ref": f"#/components/messages/{_message_name(contract, record)}"}
            for record in contract.records
        }
    return found


def _operations(contract: Contract) -> Iterable[tuple[str, dict[str, Any]]]:
    channel = {"$ref": f"#/channels/{contract.topic}"}
    if contract.direction is not Direction.OUT:
        yield f"receive-{contract.topic}", {"action": "receive", "channel": channel}
    if contract.direction is not Direction.IN:
        yield f"send-{contract.topic}", {"action": "send", "channel": channel}


def _message(contract: Contract, record: Record, samples: Iterable[Sample]) -> dict[str, Any]:
    schema = {"schemaFormat": FORMAT, "schema": {"$ref": f"{contract.file}#/$defs/{record.name}"}}
    found: dict[str, Any] = {
        "name": record.name,
        "title": f"{record.name} ({contract.topic}, version {contract.version})",
        "bindings": {
            "kafka": {"key": {"type": "string", "description": contract.key}, "bindingVersion": _BINDING}
        },
    }
    good = [each for each in samples if each.is_good and each.record == record.name][:_EXAMPLES]
    if contract.topic == "dead-letters":
        found |= {"headers": schema, "payload": _BYTES, "contentType": "application/octet-stream"}
        examples = [{"name": each.slug, "summary": each.name, "headers": each.message} for each in good]
    else:
        found |= {"payload": schema, "contentType": "application/json"}
        examples = [{"name": each.slug, "summary": each.name, "payload": each.message} for each in good]
    if contract.direction is Direction.IN:
        found["traits"] = [{"$ref": "#/components/messageTraits/cloudEvent"}]
    if examples:
        found["examples"] = examples
    return found
