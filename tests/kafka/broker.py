"""Real Apache Kafka on loopback for tests and benchmarks: one broker or several, each a process of its own.

    with kafka_cluster(brokers=3, properties={"min.insync.replicas": "2"}) as cluster:
        connect_to(cluster.bootstrap)
        cluster.kill(2)  # SIGKILL, as when a machine is gone
        cluster.start(2)  # returns when it is part of the cluster again

Needs Java 17 or later; Maven fetches the jars once into a cache outside the repository. By hand:
`python -m tests.kafka.broker` runs a broker until Ctrl-C, `--fetch` only fills the cache.
"""

import argparse
import base64
import contextlib
import fcntl
import hashlib
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, ClusterMetadata

KAFKA_VERSION = "4.3.1"
MIN_JAVA = 17
START_TIMEOUT_S = 90.0  # a start takes 3 s on an idle machine; CI shares its two cores with other tests
STOP_TIMEOUT_S = 30.0
FETCH_TIMEOUT_S = 540.0
HEAP = "512m"
# Below 32768, where Linux takes the ports of outgoing connections from: a broker that comes back must
# find its port free.
PORTS = range(15_000, 32_000)

_HERE = Path(__file__).parent
_POM = _HERE / "pom.xml"
_LOG4J = _HERE / "log4j2.properties"


class KafkaUnavailable(Exception):
    """No Kafka can be had on this machine, or it did not start; the message says why and what to do."""


def why_no_kafka() -> str | None:
    """What this machine lacks to run Kafka, in words; None when it lacks nothing."""
    if shutil.which("java") is None:
        return f"no java found; install a JRE {MIN_JAVA} or later, or set VIGIL_TEST_BROKER"
    said = subprocess.run(["java", "-version"], capture_output=True, text=True, check=False).stderr
    version = re.search(r'version "(\d+)', said)
    if version is None or int(version[1]) < MIN_JAVA:
        return f"java is older than {MIN_JAVA}: {said.splitlines()[:1]}; install a later one, or set VIGIL_TEST_BROKER"
    if not jars_path().exists() and shutil.which("mvn") is None:
        return "no Maven found to fetch Kafka with; install maven, or set VIGIL_TEST_BROKER"
    return None


def jars_path() -> Path:
    """Where the jars are, or will be; another pom.xml makes another place."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    digest = hashlib.sha256(_POM.read_bytes()).hexdigest()[:8]
    return cache / "vigil" / f"kafka-{KAFKA_VERSION}-{digest}"


def fetch_jars() -> Path:
    """The folder with Kafka's jars, filled by Maven when it is not there yet (55 MB, some seconds).

    Raises:
        KafkaUnavailable: when Java, Maven or an answer from Maven is missing.
    """
    if (lack := why_no_kafka()) is not None:
        raise KafkaUnavailable(lack)
    jars = jars_path()
    jars.parent.mkdir(parents=True, exist_ok=True)
    with jars.with_suffix(".lock").open("w") as lock:  # several test processes may want it at once
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not jars.exists():
            _copy_dependencies(jars)
    return jars


def _copy_dependencies(jars: Path) -> None:
    """Have Maven fill `jars`; it appears whole or not at all."""
    part = Path(tempfile.mkdtemp(prefix=jars.name, dir=jars.parent))
    command = ["mvn", "-q", "-B", "-f", str(_POM), "dependency:copy-dependencies"]
    command += ["-DincludeScope=runtime", f"-DoutputDirectory={part}"]
    try:
        subprocess.run(
            command,
            check=True,
            capture_output=True,
            text=True,
            timeout=FETCH_TIMEOUT_S,
            stdin=subprocess.DEVNULL,
        )
        part.rename(jars)
    except subprocess.SubprocessError as error:
        said = getattr(error, "stdout", None) or ""
        message = f"Maven could not fetch Kafka {KAFKA_VERSION}: {error}\n{said[-2000:]}"
        raise KafkaUnavailable(message) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)


def free_ports(count: int) -> list[int]:
    """As many different ports of loopback that nothing listens on."""
    found: list[int] = []
    for port in random.sample(PORTS, len(PORTS)):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", port))
                found.append(port)
        if len(found) == count:
            return found
    message = f"no {count} free ports between {PORTS.start} and {PORTS.stop}"
    raise KafkaUnavailable(message)


@dataclass
class Broker:
    """One Kafka process, broker and controller in one; it keeps its data and its port when it ends."""

    id: int
    port: int
    controller_port: int
    directory: Path
    jars: Path
    heap: str = HEAP
    _process: subprocess.Popen[bytes] | None = None
    _guard: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """The process id, such as for SIGSTOP and SIGCONT."""
        assert self._process is not None, f"broker {self.id} was never started"
        return self._process.pid

    @property
    def log(self) -> str:
        """The last that the broker wrote."""
        return (self.directory / "broker.log").read_text(errors="replace")[-4000:]

    def java(self, *arguments: str) -> list[str]:
        """The command line of a Java process with Kafka's jars."""
        options = [f"-Xmx{self.heap}", f"-Dlog4j2.configurationFile={_LOG4J}"]
        return ["java", *options, "-cp", f"{self.jars}/*", *arguments]

    def format(self, cluster_id: str, scram: Mapping[str, str]) -> None:
        """Prepare the storage, with SCRAM users (name → password) if there are any."""
        # One word, for the id may begin with "-".
        command = self.java("kafka.tools.StorageTool", "format", f"--cluster-id={cluster_id}")
        command += ["-c", str(self.directory / "server.properties")]
        for name, password in scram.items():
            command += ["--add-scram", f"SCRAM-SHA-256=[name={name},password={password}]"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
        if done.returncode != 0:
            message = f"formatting broker {self.id} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
            raise KafkaUnavailable(message)

    def spawn(self) -> None:
        """Start the process; it answers a few seconds later."""
        if self.running:
            return
        with (self.directory / "broker.log").open("ab") as log:
            self._process = subprocess.Popen(
                self.java("kafka.Kafka", str(self.directory / "server.properties")),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for the tests; they end the broker
            )
        # Tests that are killed cannot clean up. The guard's pipe closes with us, and then it does it.
        clean_up = 'read -r _; kill -9 "$1"; rm -rf "$2"; rmdir "${2%/*}"'
        self._guard = subprocess.Popen(
            ["sh", "-c", clean_up, "sh", str(self._process.pid), self.directory],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def end(self, number: signal.Signals) -> None:
        """Send a signal, and wait until the process is gone (SIGKILL when it will not go)."""
        if self._process is None or self._guard is None:
            return
        if self.running:
            self._process.send_signal(number)
        try:
            self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._guard.kill()  # before its pipe closes: the broker's process id may be another's by now
        self._guard.communicate()
        self._guard = None


@dataclass
class Cluster:
    """Brokers that run together. Every method returns when what it says is so, or raises `KafkaUnavailable`."""

    brokers: dict[int, Broker]
    client: dict[str, str] = field(default_factory=dict)

    @property
    def bootstrap(self) -> str:
        """Addresses of all brokers, `host:port,host:port`."""
        return ",".join(broker.address for broker in self.brokers.values())

    def start(self, broker_id: int) -> None:
        """Start a broker that ended; it is a member again, every partition has a leader."""
        self.brokers[broker_id].spawn()
        self.wait_until_answering()

    def stop(self, broker_id: int) -> None:
        """End a broker in order (SIGTERM): it hands its leaderships over first."""
        self.brokers[broker_id].end(signal.SIGTERM)

    def kill(self, broker_id: int) -> None:
        """End a broker at once (SIGKILL), as when its machine is gone."""
        self.brokers[broker_id].end(signal.SIGKILL)

    def restart(self, broker_id: int) -> None:
        """`stop`, then `start`."""
        self.stop(broker_id)
        self.start(broker_id)

    def close(self) -> None:
        """End every broker at once; nobody needs the data."""
        for broker in self.brokers.values():
            broker.end(signal.SIGKILL)

    def wait_until_answering(self) -> None:
        """Wait until all running brokers are members, no other is, and each partition has a leader."""
        running = {broker.id for broker in self.brokers.values() if broker.running}

        def answering(seen: ClusterMetadata) -> bool:
            leaders = {part.leader for topic in seen.topics.values() for part in topic.partitions.values()}
            return set(seen.brokers) == running and leaders <= running

        self.wait_until(answering, "answering")

    def wait_until_in_sync(self) -> None:
        """Wait until every replica of every partition has caught up."""
        self.wait_until(
            lambda seen: all(
                set(part.isrs) == set(part.replicas)
                for topic in seen.topics.values()
                for part in topic.partitions.values()
            ),
            "in sync",
        )

    def wait_until(self, holds: Callable[[ClusterMetadata], bool], what: str) -> None:
        """Wait until every running broker, asked by itself, tells of a cluster that satisfies `holds`.

        Each is asked: the others go on naming one that was killed for some seconds, and so would name it
        as a member again before it is back.
        """
        deadline = time.monotonic() + START_TIMEOUT_S
        for broker in [broker for broker in self.brokers.values() if broker.running]:
            asker = AdminClient({"bootstrap.servers": broker.address, "log_level": 0, **self.client})
            while not _tells(asker, holds):
                if not broker.running or time.monotonic() > deadline:
                    state = "has ended" if not broker.running else f"is not {what}"
                    message = f"broker {broker.id} {state}; its last words:\n{broker.log}"
                    raise KafkaUnavailable(message)
                time.sleep(0.05)


def _tells(asker: AdminClient, holds: Callable[[ClusterMetadata], bool]) -> bool:
    try:
        return holds(asker.list_topics(timeout=1.0))
    except KafkaException:
        return False


@contextlib.contextmanager
def kafka_cluster(
    brokers: int = 1,
    properties: Mapping[str, str] | None = None,
    *,
    scram: Mapping[str, str] | None = None,
    client: Mapping[str, str] | None = None,
    heap: str = HEAP,
) -> Iterator[Cluster]:
    """Start a fresh cluster, and take it away with everything it holds at the end.

    Args:
        brokers: how many, with the ids 1, 2, …; each is a controller too.
        properties: server properties over ours. `{id}`, `{port}`, `{controller_port}` and `{directory}`
            in a value stand for the broker's own.
        scram: users (name → password) that exist from the start, for SASL.
        client: how the harness itself connects, as librdkafka names it, when a plain connection is refused.
        heap: the most memory each broker's Java heap may take.

    Raises:
        KafkaUnavailable: when it cannot run here, or does not answer in time.
    """
    jars = fetch_jars()
    directory = Path(tempfile.mkdtemp(prefix="vigil-kafka-"))
    ports = free_ports(2 * brokers)
    cluster = Cluster(
        {
            number: Broker(
                number, ports[2 * number - 2], ports[2 * number - 1], directory / str(number), jars, heap
            )
            for number in range(1, brokers + 1)
        },
        dict(client or {}),
    )
    cluster_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    try:
        for broker in cluster.brokers.values():
            broker.directory.mkdir()
            lines = _server_properties(broker, list(cluster.brokers.values()), properties or {})
            (broker.directory / "server.properties").write_text("\n".join(lines) + "\n")
            broker.format(cluster_id, scram or {})
            broker.spawn()
        cluster.wait_until_answering()
        yield cluster
    finally:
        cluster.close()
        shutil.rmtree(directory, ignore_errors=True)


def _server_properties(broker: Broker, members: Sequence[Broker], extra: Mapping[str, str]) -> list[str]:
    """Lines of a broker's server.properties: small, quick to rebalance, no topic made by accident."""
    copies = str(min(len(members), 3))
    chosen = {
        "process.roles": "broker,controller",
        "node.id": "{id}",
        "controller.quorum.voters": ",".join(f"{m.id}@127.0.0.1:{m.controller_port}" for m in members),
        "listeners": "PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT",
        "controller.listener.names": "CONTROLLER",
        "log.dirs": "{directory}/data",
        "auto.create.topics.enable": "false",
        "group.initial.rebalance.delay.ms": "0",
        "broker.session.timeout.ms": "6000",  # a killed broker loses its leaderships after this
        "broker.heartbeat.interval.ms": "1000",
        "offsets.topic.replication.factor": copies,
        "offsets.topic.num.partitions": "4",
        "transaction.state.log.replication.factor": copies,
        "transaction.state.log.min.isr": "1",
        "transaction.state.log.num.partitions": "4",
        "share.coordinator.state.topic.replication.factor": copies,
        "share.coordinator.state.topic.min.isr": "1",
        **extra,
    }
    own = {
        "{id}": str(broker.id),
        "{port}": str(broker.port),
        "{controller_port}": str(broker.controller_port),
        "{directory}": str(broker.directory),
    }
    return [f"{name}={_filled(value, own)}" for name, value in chosen.items()]


def _filled(value: str, own: Mapping[str, str]) -> str:
    for placeholder, stands_for in own.items():
        value = value.replace(placeholder, stands_for)
    return value


def main() -> int:
    """Run a cluster in the foreground until Ctrl-C or SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m tests.kafka.broker", description=main.__doc__)
    parser.add_argument("--brokers", type=int, default=1, help="how many (default: 1)")
    parser.add_argument("--fetch", action="store_true", help="only fill the cache with Kafka's jars")
    chosen = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        if chosen.fetch:
            print(fetch_jars())
            return 0
        with contextlib.suppress(KeyboardInterrupt), kafka_cluster(chosen.brokers) as cluster:
            print(cluster.bootstrap, flush=True)
            while True:
                signal.pause()
    except KafkaUnavailable as lack:
        print(lack, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
