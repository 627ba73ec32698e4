"""Topics on a real Kafka: made, compared, altered; and what a worker is told before it reads anything."""

import asyncio
import json
import socket
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import InvalidTopicError
from aiokafka.structs import OffsetAndMetadata
from confluent_kafka.admin import AdminClient, ConfigResource, NewPartitions, NewTopic

from streams.settings import ConfigurationError, Settings, load
from streams.settings.fingerprint import counting_fingerprint
from streams.topics import apply, check_at_start, plan, topic_table
from streams.topics.cluster import connected
from tests.kafka.broker import Cluster

pytestmark = pytest.mark.kafka


@pytest.fixture
def environ(kafka: str, topic_prefix: str) -> dict[str, str]:
    return {"VIGIL_BROKER": kafka, "VIGIL_TOPIC_PREFIX": topic_prefix}


@pytest.fixture
def settings(environ: dict[str, str]) -> Settings:
    return load(environ=environ)


@pytest.fixture
def admin(kafka: str, settings: Settings) -> Iterator[AdminClient]:
    """An independent client; the topics of the test are deleted at its end."""
    client = AdminClient({"bootstrap.servers": kafka})
    yield client
    there = client.list_topics(timeout=10).topics
    mine = [spec.kafka_name for spec in topic_table(settings) if spec.kafka_name in there]
    for done in client.delete_topics(mine).values() if mine else ():
        done.result(timeout=30)


def configs_of(admin: AdminClient, topic: str) -> Mapping[str, str]:
    asked = ConfigResource(ConfigResource.Type.TOPIC, topic)
    return {
        name: entry.value for name, entry in admin.describe_configs([asked])[asked].result(timeout=10).items()
    }


def make(admin: AdminClient, topic: str, partitions: int, **config: str) -> None:
    new = NewTopic(
        topic, partitions, 1, config={name.replace("_", "."): value for name, value in config.items()}
    )
    admin.create_topics([new])[topic].result(timeout=30)
    wait_for(admin, topic, partitions)


def wait_for(admin: AdminClient, topic: str, partitions: int) -> None:
    """A broker shows what the controller has done some milliseconds later."""
    while (
        topic not in (listed := admin.list_topics(timeout=10).topics)
        or len(listed[topic].partitions) != partitions
    ):
        pass


async def test_plan_names_what_is_missing_and_apply_makes_it(settings: Settings, admin: AdminClient) -> None:
    names = [spec.kafka_name for spec in topic_table(settings)]
    assert [each.topic for each in await plan(settings)] == names
    assert not set(names) & set(admin.list_topics(timeout=10).topics), "asking must not create topics"

    applied = await apply(settings)
    assert (list(applied.created), applied.altered, applied.left) == (names, (), ())
    assert await plan(settings) == []
    assert await check_at_start(settings) == []
    listed = admin.list_topics(timeout=10).topics
    assert len(listed[settings.topic("incidents")].partitions) == 4
    configs = configs_of(admin, settings.topic("cells"))
    assert configs["message.timestamp.type"] == "LogAppendTime"
    assert configs["cleanup.policy"] == "delete"
    assert int(configs["max.message.bytes"]) > 1_048_588


async def test_apply_again_does_nothing(settings: Settings, admin: AdminClient) -> None:
    await apply(settings)
    applied = await apply(settings)
    assert applied == ((), (), ())


async def test_what_exists_is_left_as_it_is_without_the_flag(settings: Settings, admin: AdminClient) -> None:
    topic = settings.topic("incidents")
    make(admin, topic, 4, retention_ms="3600000")
    applied = await apply(settings)
    assert topic not in applied.created
    assert [each.field for each in applied.left if each.topic == topic] == ["retention.ms"]
    assert configs_of(admin, topic)["retention.ms"] == "3600000"


async def test_alter_mends_configuration_and_keeps_what_else_was_set(
    settings: Settings, admin: AdminClient
) -> None:
    topic = settings.topic("incidents")
    make(admin, topic, 4, retention_ms="3600000", segment_ms="7200000", cleanup_policy="compact")
    applied = await apply(settings, alter=True)
    assert topic in applied.altered
    assert applied.left == ()
    configs = configs_of(admin, topic)
    assert configs["retention.ms"] == str(14 * 86_400_000)
    assert configs["cleanup.policy"] == "delete"
    assert configs["segment.ms"] == "7200000"
    assert await plan(settings) == []


async def test_alter_never_shortens_or_changes_partitions(settings: Settings, admin: AdminClient) -> None:
    incidents, alerts = settings.topic("incidents"), settings.topic("alerts")
    make(admin, incidents, 6)
    make(admin, alerts, 1, retention_ms=str(500 * 86_400_000), message_timestamp_type="LogAppendTime")
    applied = await apply(settings, alter=True)
    assert {(each.topic, each.field) for each in applied.left} == {
        (incidents, "partitions"),
        (alerts, "retention.ms"),
    }
    assert len(admin.list_topics(timeout=10).topics[incidents].partitions) == 6
    assert configs_of(admin, alerts)["retention.ms"] == str(500 * 86_400_000)


async def test_worker_is_told_all_faults_at_once(settings: Settings, admin: AdminClient) -> None:
    make(admin, settings.topic("incidents"), 4, retention_ms="3600000")
    make(admin, settings.topic("dispatches"), 2, retention_ms="-1")
    with pytest.raises(ConfigurationError) as caught:
        await check_at_start(settings)
    text = str(caught.value)
    assert f"topic {settings.topic('incidents')}: retention.ms must be >= 265h (got 1h)" in text
    assert f"topic {settings.topic('dispatches')}: partitions are 2, the configuration says 4" in text
    assert f"topic {settings.topic('cells')}: is missing; run: vigil topics apply" in text
    assert len(caught.value.faults) == 2 + len(settings.topics.each) - 2


async def test_worker_starts_with_harmless_differences(settings: Settings, admin: AdminClient) -> None:
    make(admin, settings.topic("alerts"), 3)
    await apply(settings)
    told = await check_at_start(settings)
    assert {each.topic for each in told} == {settings.topic("alerts")}
    assert "partitions" in {each.field for each in told}


async def commit(settings: Settings, tp: TopicPartition, metadata: dict[str, Any]) -> None:
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.broker, group_id=settings.group, enable_auto_commit=False
    )
    await consumer.start()
    try:
        consumer.assign([tp])
        await consumer.commit({tp: OffsetAndMetadata(1, json.dumps(metadata))})
    finally:
        await consumer.stop()


async def test_changed_partition_count_is_told_from_the_commits(
    environ: dict[str, str], settings: Settings, admin: AdminClient
) -> None:
    await apply(settings)
    topic = settings.topic("incidents")
    await commit(settings, TopicPartition(topic, 2), {"of": 4})
    assert await check_at_start(settings) == []
    admin.create_partitions([NewPartitions(topic, 6)])[topic].result(30)
    wait_for(admin, topic, 6)
    grown = load(environ={**environ, "VIGIL_TOPICS_INCIDENTS_PARTITIONS": "6"})
    with pytest.raises(ConfigurationError) as caught:
        await check_at_start(grown)
    assert str(caught.value) == (
        f"topic {topic}: partitions are 6, but group {settings.group} has read 4; "
        "restore them, or start anew under another topic_prefix: else an incident is split in two"
    )


async def test_change_of_what_is_counted_needs_a_higher_version(
    environ: dict[str, str], settings: Settings, admin: AdminClient
) -> None:
    await apply(settings)
    said = {"version": 1, "fingerprint": counting_fingerprint(settings)}
    await commit(settings, TopicPartition(settings.topic("incidents"), 0), said)
    assert await check_at_start(settings) == []
    other = {**environ, "VIGIL_COUNTING_ALLOWED_LATENESS": "2h"}
    with pytest.raises(
        ConfigurationError, match=r"^counting\.version must be above 1: what is counted differs"
    ):
        await check_at_start(load(environ=other))
    assert await check_at_start(load(environ={**other, "VIGIL_COUNTING_VERSION": "2"})) == []


async def test_more_copies_than_brokers_are_refused_before_anything_is_made(
    environ: dict[str, str], admin: AdminClient
) -> None:
    many = load(environ={**environ, "VIGIL_TOPICS_REPLICATION_FACTOR": "9"})
    with pytest.raises(ConfigurationError) as caught:
        await apply(many)
    brokers = len(admin.list_topics(timeout=10).brokers)
    assert str(caught.value) == (
        f"topics.replication_factor must be at most the number of brokers, {brokers} (got 9); "
        "lower it or start more brokers"
    )
    assert many.topic("incidents") not in admin.list_topics(timeout=10).topics


async def test_what_the_cluster_refuses_is_told_with_its_topic(
    settings: Settings, admin: AdminClient
) -> None:
    await apply(settings)
    topic = settings.topic("incidents")
    with pytest.raises(
        ConfigurationError, match=f"^topic {topic}: is refused by the cluster: .*retention.ms"
    ):
        async with connected(settings) as cluster:
            await cluster.alter({topic: {"retention.ms": "for ever"}})


async def test_error_of_the_cluster_is_one_message(settings: Settings) -> None:
    with pytest.raises(ConfigurationError, match=r'^broker ".*" answers with an error: .*; see the broker'):
        async with connected(settings):
            raise InvalidTopicError


async def test_topic_made_by_somebody_else_meanwhile_is_no_fault(
    settings: Settings, admin: AdminClient
) -> None:
    spec = topic_table(settings)[0]
    async with connected(settings) as cluster:
        await cluster.create([spec])
        await cluster.create([spec])


async def test_nobody_there_is_said_in_one_message_and_nothing_on_the_screen(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, but nobody listens
        broker = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(ConfigurationError) as caught:
            await plan(load(environ={"VIGIL_BROKER": broker}))
    assert len(caught.value.faults) == 1
    assert str(caught.value).startswith(
        f'broker "{broker}" does not answer (waited up to 5s; Unable connect to'
    )
    assert str(caught.value).endswith(
        "; start it, or name another with VIGIL_BROKER or broker in the configuration file"
    )
    assert capfd.readouterr().err == ""


async def test_broker_that_says_nothing_is_given_up_in_time() -> None:
    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    broker = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    silent = load(environ={"VIGIL_BROKER": broker, "VIGIL_KAFKA_CONNECT_TIMEOUT": "300ms"})
    began = asyncio.get_running_loop().time()
    with pytest.raises(ConfigurationError, match=r"does not answer \(waited up to 300ms"):
        await plan(silent)
    assert asyncio.get_running_loop().time() - began < 3
    server.close()
    await server.wait_closed()


SASL = {
    "listeners": "SASL_PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}",
    "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT",
    "inter.broker.listener.name": "SASL_PLAINTEXT",
    "sasl.enabled.mechanisms": "SCRAM-SHA-256",
    "sasl.mechanism.inter.broker.protocol": "SCRAM-SHA-256",
    "listener.name.sasl_plaintext.scram-sha-256.sasl.jaas.config": (
        "org.apache.kafka.common.security.scram.ScramLoginModule required "
        'username="admin" password="admin-secret";'
    ),
}


async def test_user_and_password_open_a_protected_cluster_and_a_wrong_one_is_said(
    start_kafka: Callable[..., Cluster],
) -> None:
    cluster = await asyncio.to_thread(
        start_kafka,
        properties=SASL,
        scram={"admin": "admin-secret"},
        client={
            "security.protocol": "SASL_PLAINTEXT",
            "sasl.mechanism": "SCRAM-SHA-256",
            "sasl.username": "admin",
            "sasl.password": "admin-secret",
        },
    )
    environ = {
        "VIGIL_BROKER": cluster.bootstrap,
        "VIGIL_KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT",
        "VIGIL_KAFKA_SASL_MECHANISM": "SCRAM-SHA-256",
        "VIGIL_KAFKA_SASL_USERNAME": "admin",
    }
    right = load(environ={**environ, "VIGIL_KAFKA_SASL_PASSWORD": "admin-secret"})
    assert {each.problem for each in await plan(right)} == {"is missing"}
    told = {
        "another password": load(environ={**environ, "VIGIL_KAFKA_SASL_PASSWORD": "geheim"}),
        "does not offer": load(
            environ={**environ, "VIGIL_KAFKA_SASL_PASSWORD": "x", "VIGIL_KAFKA_SASL_MECHANISM": "PLAIN"}
        ),
        "is PLAINTEXT: does it listen with that": load(environ={"VIGIL_BROKER": cluster.bootstrap}),
    }
    for text, wrong in told.items():
        with pytest.raises(ConfigurationError, match=text) as caught:
            await plan(wrong)
        assert "geheim" not in str(caught.value)
