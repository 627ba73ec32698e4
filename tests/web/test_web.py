"""The HTTP server: what it answers, to whom, and what it says when it cannot start."""

import asyncio
import errno
import shutil
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from streams.metrics import AtWorkView, JurisdictionView, Metrics, PartitionView
from streams.settings import ConfigurationError, Settings, load
from streams.web import Health, WebServer, is_loopback

Start = Callable[..., Awaitable[WebServer]]


class Worker:
    """An owner of partitions."""

    def __init__(self) -> None:
        self.owned: list[PartitionView] = []

    def partitions(self) -> Iterable[PartitionView]:
        return self.owned

    def jurisdictions(self) -> Iterable[JurisdictionView]:
        return ()

    def at_work(self) -> Iterable[AtWorkView]:
        return ()


@pytest.fixture
def worker() -> Worker:
    return Worker()


@pytest.fixture
def metrics(worker: Worker) -> Metrics:
    made = Metrics()
    made.owner = worker
    return made


@pytest.fixture
def health(metrics: Metrics) -> Health:
    return Health(metrics, stall_after_s=30)


def settings_with(**environ: str) -> Settings:
    return load(environ={"VIGIL_WEB_PORT": "0", **environ})


@pytest.fixture
async def start(metrics: Metrics, health: Health) -> AsyncIterator[Start]:
    """Start a server with settings and routes of the test's own; it ends with the test."""
    running: list[WebServer] = []

    async def begin(settings: Settings | None = None, **routes: Any) -> WebServer:
        server = WebServer(settings or settings_with(), metrics, health)
        for name, handler in routes.items():
            server.questions.add_get(f"/v1/{name}", handler)
        await server.start()
        running.append(server)
        return server

    yield begin
    for server in running:
        await server.stop()


async def get(url: str, **options: Any) -> tuple[int, str, dict[str, str]]:
    async with aiohttp.ClientSession() as client, client.get(url, **options) as answer:
        return answer.status, await answer.text(), dict(answer.headers)


def refusal(status: int, title: str, detail: str) -> dict[str, Any]:
    """A problem document."""
    return {"type": "about:blank", "title": title, "status": status, "detail": detail}


async def get_json(url: str, **options: Any) -> tuple[int, Any]:
    async with aiohttp.ClientSession() as client, client.get(url, **options) as answer:
        return answer.status, await answer.json()


async def test_port_0_takes_a_free_port_and_the_url_names_it(start: Start) -> None:
    server = await start()
    assert server.url == f"http://127.0.0.1:{server.port}"
    assert server.port > 0
    assert (await get_json(server.url))[1] == {
        "vigil": "read-only",
        "paths": ["/healthz", "/metrics", "/readyz"],
    }


async def test_metrics_are_text_that_prometheus_reads(start: Start, worker: Worker) -> None:
    server = await start()
    worker.owned = [PartitionView("incidents", 3, True, 7)]
    status, text, headers = await get(f"{server.url}/metrics")
    assert status == 200
    assert headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert 'vigil_position{partition="3",topic="incidents"} 7.0' in text
    assert text.endswith("\n")


async def test_scrapes_at_the_same_time_share_one_rendering(
    start: Start, metrics: Metrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    rendered = 0

    def render() -> Iterable[str]:
        nonlocal rendered
        rendered += 1
        yield from (f"piece {n}\n" for n in range(50))

    monkeypatch.setattr(metrics, "render", render)
    server = await start()
    answers = await asyncio.gather(*(get(f"{server.url}/metrics") for _ in range(5)))
    assert {text.count("piece") for _, text, _ in answers} == {50}
    assert rendered < 5
    await get(f"{server.url}/metrics")
    assert rendered > 1, "a later scrape is read anew"


async def test_requests_are_counted_by_path_of_ours_and_status(start: Start) -> None:
    server = await start()
    for path in ("/healthz", "/nobody/knows/this", "/nor/this"):
        await get(server.url + path)
    _, text, _ = await get(f"{server.url}/metrics")
    assert 'vigil_web_requests_total{path="/healthz",status="200"} 1.0' in text
    assert 'vigil_web_requests_total{path="other",status="404"} 2.0' in text
    assert "nobody" not in text


async def test_refusals_are_json(start: Start) -> None:
    server = await start()
    nowhere = "GET has no answer here; / names what has one"
    assert await get_json(f"{server.url}/nope") == (404, refusal(404, "Not Found", nowhere))
    async with aiohttp.ClientSession() as client, client.post(f"{server.url}/metrics") as answer:
        nowhere = "POST has no answer here; / names what has one"
        assert answer.content_type == "application/problem+json"
        assert await answer.json() == refusal(405, "Method Not Allowed", nowhere)
        assert answer.headers["Allow"] == "GET,HEAD"
        assert answer.headers["Server"] == "vigil"


# ---- health


async def test_a_worker_that_waits_for_partitions_is_alive_but_not_ready(start: Start) -> None:
    server = await start()
    assert await get_json(f"{server.url}/healthz") == (200, {"alive": True, "reasons": [], "partitions": []})
    assert await get_json(f"{server.url}/readyz") == (
        503,
        {
            "ready": False,
            "reasons": ["no partitions assigned yet"],
            "partitions": [],
        },
    )


async def test_ready_when_connected_assigned_and_folded(start: Start, worker: Worker, health: Health) -> None:
    server = await start()
    health.assigned = True
    worker.owned = [PartitionView("incidents", 0, True, 5, 7, still_s=1.25)]
    assert await get_json(f"{server.url}/readyz") == (
        200,
        {
            "ready": True,
            "reasons": [],
            "partitions": [
                {
                    "topic": "incidents",
                    "partition": 0,
                    "taken_over": True,
                    "position": 5,
                    "lag": 2,
                    "still_s": 1.2,
                }
            ],
        },
    )


def test_partition_being_taken_over_is_alive_not_ready_and_says_how_far(
    health: Health, worker: Worker
) -> None:
    health.assigned = True
    worker.owned = [PartitionView("incidents", 2, taken_over=False, take_over_done=0.42)]
    assert health.alive().is_well
    assert health.ready().reasons == ("incidents[2] is being taken over: 42% of its log folded",)


@pytest.mark.parametrize(
    "view, reasons",
    [
        pytest.param(
            PartitionView("incidents", 0, True, 5, 9, still_s=31),
            ("incidents[0] has 4 records to read and has not moved for 31 s",),
            id="lag and no progress",
        ),
        pytest.param(PartitionView("incidents", 0, True, 5, 9, still_s=29), (), id="lag, but not for long"),
        pytest.param(PartitionView("incidents", 0, True, 9, 9, still_s=3600), (), id="nothing to read"),
        pytest.param(PartitionView("incidents", 0, True, 9, None, still_s=3600), (), id="end not known"),
        pytest.param(
            PartitionView("cells", 1, False, still_s=60),
            ("cells[1] is being taken over and has not moved for 60 s",),
            id="take-over that stands still",
        ),
    ],
)
def test_alive_means_progress_where_there_is_lag(
    health: Health, worker: Worker, view: PartitionView, reasons: tuple[str, ...]
) -> None:
    worker.owned = [view]
    assert health.alive().reasons == reasons
    assert health.alive().is_well is not bool(reasons)


def test_dead_agent_is_neither_alive_nor_ready(health: Health) -> None:
    health.assigned = True
    health.failure = "the intake agent ended: SendFailed"
    assert health.alive().reasons == health.ready().reasons == ("the intake agent ended: SendFailed",)


def test_worker_that_kafka_does_not_answer_is_alive_but_not_ready(health: Health, worker: Worker) -> None:
    health.assigned = True
    worker.owned = [PartitionView("cells", 0, True, 5, 5, silent_s=0.4)]
    assert health.ready().is_well
    worker.owned = [PartitionView("cells", 0, True, 5, 5, silent_s=31)]
    assert health.alive().is_well, "a restart would not help"
    assert health.ready().reasons == ("cells[0]: Kafka has not answered for 31 s",)


# ---- questions


async def answer(_: web.Request) -> web.Response:
    return web.json_response({"counts": []})


async def test_questions_on_loopback_need_nothing(start: Start) -> None:
    server = await start(counts=answer)
    assert await get_json(f"{server.url}/v1/counts") == (200, {"counts": []})
    assert "/v1/counts" in (await get_json(server.url))[1]["paths"]


async def test_questions_from_other_machines_need_token_and_tls(start: Start) -> None:
    for environ in ({}, {"VIGIL_WEB_TOKEN": "geheim"}):
        server = await start(settings_with(VIGIL_WEB_BIND="0.0.0.0", **environ), counts=answer)
        url = f"http://127.0.0.1:{server.port}"
        assert await get_json(f"{url}/v1/counts", headers={"Authorization": "Bearer geheim"}) == (
            403,
            refusal(
                403,
                "Forbidden",
                "questions from other machines need web.token and web.tls_certificate in the configuration",
            ),
        )
        assert (await get(f"{url}/metrics"))[0] == 200


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    if shutil.which("openssl") is None:
        pytest.skip("no openssl to make certificates with")
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-days",
        "2",
    ]
    command += ["-nodes", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(
        [*command, "-keyout", "key.pem", "-out", "cert.pem"], cwd=tmp_path, check=True, capture_output=True
    )
    return tmp_path / "cert.pem"


@pytest.mark.parametrize(
    "headers, status",
    [
        pytest.param({"Authorization": "Bearer geheim"}, 200, id="right"),
        pytest.param({}, 401, id="none"),
        pytest.param({"Authorization": "Bearer Geheim"}, 401, id="wrong"),
        pytest.param({"Authorization": "geheim"}, 401, id="no scheme"),
        pytest.param({"Authorization": "Bearer gehéim"}, 401, id="not ASCII"),
    ],
)
async def test_bearer_token_over_tls(
    start: Start, certificate: Path, headers: dict[str, str], status: int
) -> None:
    settings = settings_with(
        VIGIL_WEB_BIND="0.0.0.0",
        VIGIL_WEB_TOKEN="geheim",
        VIGIL_WEB_TLS_CERTIFICATE=str(certificate),
        VIGIL_WEB_TLS_KEY=str(certificate.with_name("key.pem")),
    )
    server = await start(settings, counts=answer)
    assert server.url.startswith("https://")
    trust = ssl.create_default_context(cafile=certificate)
    got, said = await get_json(f"https://127.0.0.1:{server.port}/v1/counts", headers=headers, ssl=trust)
    assert got == status
    if status == 401:
        assert said == refusal(401, "Unauthorized", "a bearer token is needed: Authorization: Bearer …")


@pytest.mark.parametrize(
    "bind, expected",
    [
        pytest.param("127.0.0.1", True, id="IPv4"),
        pytest.param("127.1.2.3", True, id="all of 127"),
        pytest.param("::1", True, id="IPv6"),
        pytest.param("localhost", True, id="name"),
        pytest.param("0.0.0.0", False, id="every address"),
        pytest.param("vigil.example", False, id="other name"),
    ],
)
def test_loopback_is_what_only_this_machine_reaches(bind: str, *, expected: bool) -> None:
    assert is_loopback(bind) is expected


# ---- what cannot be started


async def refused(settings: Settings, metrics: Metrics, health: Health) -> str:
    with pytest.raises(ConfigurationError) as caught:
        await WebServer(settings, metrics, health).start()
    return str(caught.value)


async def test_port_in_use_is_one_message(start: Start, metrics: Metrics, health: Health) -> None:
    server = await start()
    assert await refused(settings_with(VIGIL_WEB_PORT=str(server.port)), metrics, health) == (
        f"web.port {server.port} is in use on 127.0.0.1; "
        "end the other program, or set VIGIL_WEB_PORT (0 takes any free port)"
    )


async def test_port_is_free_again_after_stop(start: Start, metrics: Metrics, health: Health) -> None:
    server = await start()
    await get(server.url)
    await server.stop()
    await server.stop()
    again = WebServer(settings_with(VIGIL_WEB_PORT=str(server.port)), metrics, health)
    await again.start()
    await again.stop()


@pytest.mark.parametrize(
    "bind, reason",
    [
        pytest.param("192.0.2.1", "cannot assign requested address", id="address of another machine"),
        pytest.param("no-such-host.invalid", "name or service not known", id="unknown name"),
    ],
)
async def test_address_that_cannot_be_had_is_one_message(
    metrics: Metrics, health: Health, bind: str, reason: str
) -> None:
    said = await refused(settings_with(VIGIL_WEB_BIND=bind), metrics, health)
    assert said.startswith(f'web.bind "{bind}" cannot be listened on (')
    assert said.endswith("); 127.0.0.1 is this machine, 0.0.0.0 every address")
    if bind[0].isdigit():
        assert reason in said


async def test_port_that_is_not_allowed_is_one_message(
    metrics: Metrics, health: Health, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("streams.web.addresses.socket.socket.bind", refuse)
    assert await refused(settings_with(VIGIL_WEB_PORT="80"), metrics, health) == (
        "web.port 80 may not be used by this user; take a port from 1024 on"
    )


async def test_address_is_taken_before_anything_starts(
    start: Start, metrics: Metrics, health: Health
) -> None:
    """A worker calls `bind` first: it must not join a group and then find its port in use."""
    server = WebServer(settings_with(), metrics, health)
    server.bind()
    server.bind()
    assert server.port > 0
    said = await refused(settings_with(VIGIL_WEB_PORT=str(server.port)), metrics, health)
    assert said.startswith(f"web.port {server.port} is in use on 127.0.0.1")
    await server.start()
    assert (await get(server.url))[0] == 200
    await server.stop()


async def test_name_of_several_addresses_is_answered_on_all_of_them(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0)) for address in ("127.0.0.1", "127.0.0.2")
    ]
    original = socket.getaddrinfo

    def resolve(host: str, *args: Any, **options: Any) -> Any:
        return found if host == "localhost" else original(host, *args, **options)

    monkeypatch.setattr("streams.web.addresses.socket.getaddrinfo", resolve)
    server = await start(settings_with(VIGIL_WEB_BIND="localhost"))
    for address in ("127.0.0.1", "127.0.0.2"):
        assert (await get(f"http://{address}:{server.port}/healthz"))[0] == 200


async def test_certificate_that_cannot_be_used_is_one_message(
    metrics: Metrics, health: Health, tmp_path: Path
) -> None:
    for name in ("cert.pem", "key.pem"):
        (tmp_path / name).write_text("no certificate")
    settings = settings_with(
        VIGIL_WEB_TLS_CERTIFICATE=str(tmp_path / "cert.pem"), VIGIL_WEB_TLS_KEY=str(tmp_path / "key.pem")
    )
    said = await refused(settings, metrics, health)
    assert said.startswith("web.tls_certificate cannot be used (")
    assert said.endswith("; it takes a PEM certificate whose key is web.tls_key, without a password")


async def test_stop_ends_a_rendering_that_is_under_way(
    start: Start, metrics: Metrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = asyncio.Event()

    def render() -> Iterable[str]:
        while True:
            begun.set()
            yield "piece\n"

    monkeypatch.setattr(metrics, "render", render)
    server = await start()
    asking = asyncio.create_task(get(f"{server.url}/metrics"))
    await begun.wait()
    await server.stop()
    with pytest.raises(aiohttp.ClientError):
        await asking


async def test_ipv6_address_is_in_brackets_in_the_url(start: Start) -> None:
    with socket.socket(socket.AF_INET6) as probe:
        try:
            probe.bind(("::1", 0))
        except OSError:
            pytest.skip("this machine has no IPv6 loopback")
    server = await start(settings_with(VIGIL_WEB_BIND="::1"))
    assert server.url == f"http://[::1]:{server.port}"
    assert (await get(server.url))[0] == 200
