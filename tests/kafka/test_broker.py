"""The harness itself, and what we rely on of Kafka."""

import asyncio
import errno
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.structs import OffsetAndMetadata

from tests.kafka.broker import Cluster, KafkaUnavailable, free_ports


async def create_topic(bootstrap: str, name: str, *, partitions: int = 1, replicas: int = 1) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(name, partitions, replicas)])
    finally:
        await admin.close()


async def produce(bootstrap: str, topic: str, values: list[bytes]) -> None:
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all") as producer:
        for value in values:
            await producer.send_and_wait(topic, value, partition=0)


async def consume(bootstrap: str, topic: str, count: int) -> list[bytes]:
    tp = TopicPartition(topic, 0)
    found: list[bytes] = []
    async with AIOKafkaConsumer(bootstrap_servers=bootstrap) as consumer:
        consumer.assign([tp])
        await consumer.seek_to_beginning(tp)
        async with asyncio.timeout(30):
            while len(found) < count:
                found += [record.value for record in (await consumer.getmany(timeout_ms=1000)).get(tp, [])]
    return found


async def test_what_is_produced_is_consumed(kafka: str, topic_prefix: str) -> None:
    topic = f"{topic_prefix}round-trip"
    await create_topic(kafka, topic)
    await produce(kafka, topic, [b"one", b"two"])
    assert await consume(kafka, topic, 2) == [b"one", b"two"]


async def test_commit_gives_its_metadata_back(kafka: str, topic_prefix: str) -> None:
    topic, group = f"{topic_prefix}commits", f"{topic_prefix}group"
    await create_topic(kafka, topic, partitions=2)
    tp = TopicPartition(topic, 1)
    async with AIOKafkaConsumer(
        bootstrap_servers=kafka, group_id=group, enable_auto_commit=False
    ) as consumer:
        consumer.assign([tp])
        await consumer.commit({tp: OffsetAndMetadata(7, '{"start":3}')})
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    try:
        found = await admin.list_consumer_group_offsets(group, partitions=[tp])
    finally:
        await admin.close()
    assert found == {tp: OffsetAndMetadata(7, '{"start":3}')}


async def test_unknown_topic_is_not_made_by_accident(kafka: str, topic_prefix: str) -> None:
    async with AIOKafkaConsumer(bootstrap_servers=kafka) as consumer:
        assert f"{topic_prefix}never-made" not in await consumer.topics()
        assert consumer.partitions_for_topic(f"{topic_prefix}never-made") is None


async def test_three_brokers_lose_one_and_get_it_back(start_kafka: Callable[..., Cluster]) -> None:
    cluster = await asyncio.to_thread(start_kafka, brokers=3, properties={"min.insync.replicas": "2"})
    await create_topic(cluster.bootstrap, "kept", replicas=3)
    await produce(cluster.bootstrap, "kept", [b"before"])

    await asyncio.to_thread(cluster.kill, 2)
    await produce(cluster.bootstrap, "kept", [b"with two of three"])
    await asyncio.to_thread(cluster.start, 2)
    await asyncio.to_thread(cluster.wait_until_in_sync)
    await asyncio.to_thread(cluster.restart, 1)
    await produce(cluster.bootstrap, "kept", [b"after"])

    assert await consume(cluster.bootstrap, "kept", 3) == [b"before", b"with two of three", b"after"]


SASL = {
    "listeners": "SASL_PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}",
    "inter.broker.listener.name": "SASL_PLAINTEXT",
    "sasl.enabled.mechanisms": "SCRAM-SHA-256",
    "sasl.mechanism.inter.broker.protocol": "SCRAM-SHA-256",
    "listener.name.sasl_plaintext.scram-sha-256.sasl.jaas.config": (
        "org.apache.kafka.common.security.scram.ScramLoginModule required "
        'username="admin" password="admin-secret";'
    ),
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "super.users": "User:admin;User:ANONYMOUS",  # ANONYMOUS is the controller's plain listener
}


async def test_users_and_access_rules_can_be_had(start_kafka: Callable[..., Cluster]) -> None:
    cluster = await asyncio.to_thread(
        start_kafka,
        properties=SASL,
        scram={"admin": "admin-secret", "reader": "reader-secret"},
        client={
            "security.protocol": "SASL_PLAINTEXT",
            "sasl.mechanism": "SCRAM-SHA-256",
            "sasl.username": "admin",
            "sasl.password": "admin-secret",
        },
    )
    login = {"security_protocol": "SASL_PLAINTEXT", "sasl_mechanism": "SCRAM-SHA-256"}

    async def create_as(user: str, topic: str) -> int:
        admin = AIOKafkaAdminClient(
            bootstrap_servers=cluster.bootstrap,
            sasl_plain_username=user,
            sasl_plain_password=f"{user}-secret",
            **login,
        )
        await admin.start()
        try:
            return (await admin.create_topics([NewTopic(topic, 1, 1)])).topic_errors[0][1]
        finally:
            await admin.close()

    assert await create_as("admin", "allowed") == 0
    assert await create_as("reader", "refused") == 29  # TOPIC_AUTHORIZATION_FAILED


@pytest.mark.parametrize(
    "properties, words",
    [
        pytest.param(
            {"min.insync.replicas": "many"}, "formatting broker 1 failed", id="refused by the format"
        ),
        pytest.param({"authorizer.class.name": "no.Such"}, "broker 1 has ended", id="refused by the broker"),
    ],
)
def test_start_that_fails_says_what_the_broker_said(
    start_kafka: Callable[..., Cluster], properties: dict[str, str], words: str
) -> None:
    with pytest.raises(KafkaUnavailable, match=words) as failure:
        start_kafka(properties=properties)
    assert next(iter(properties.values())) in str(failure.value)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=["ended", "killed"])
def test_brokers_end_with_the_process_that_started_them(kafka_jars: Path, number: signal.Signals) -> None:
    command = [sys.executable, "-m", "tests.kafka.broker"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        host, port = owner.stdout.readline().strip().split(":")
        owner.send_signal(number)
    deadline = time.monotonic() + 20
    while listens(host, int(port)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not listens(host, int(port))


def listens(host: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex((host, port)) != errno.ECONNREFUSED


def test_free_ports_are_different_and_out_of_the_way_of_outgoing_connections() -> None:
    ports = free_ports(50)
    assert len(set(ports)) == 50
    assert max(ports) < 32_768
