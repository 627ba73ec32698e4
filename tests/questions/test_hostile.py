"""Requests made from the OpenAPI document, fitting and hostile ones: no 5xx, no hang, no leak, no surprise."""

import asyncio
import gc
import json
import os
import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import jsonschema
import pytest
import yarl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.instants import rfc3339
from streams.metrics import CellView, JurisdictionView, Metrics, Nobody
from streams.questions.all_questions import questions
from streams.questions.openapi import openapi
from streams.web import WebServer
from tests.questions.cities import MINUTE, NOON, PlainCities, PlainCity, alert, kpi, standing
from tests.questions.conftest import KPI_WINDOWS, server_for

WINDOWS = ("15m", "1h")
DOCUMENT = openapi(questions(WINDOWS, KPI_WINDOWS), "0.0.0")
PATHS = sorted(DOCUMENT["paths"])
BESIDE = ("/metrics", "/healthz", "/")  # what takes no parameters, and is no part of the document
ZONES = ["B04", "B05", "Nob Hill", "Ost/süd", "50%", "*"]
EXAMPLES, AT_ONCE = 400, 25  # 10,000 requests
IN_TIME_S = 10.0
NEVER_SAID = ("Traceback", "site-packages", "streams/", ".py", "desk 3")


def cities() -> PlainCities:
    """Cities with something behind every question."""
    city = PlainCity(
        cells={
            (zone, kind): (n, n + 1) for n, zone in enumerate(ZONES[:-1]) for kind in ("burglary", "medical")
        },
        ids=[(NOON - n * MINUTE, f"I-{n}") for n in range(30)],
        told=[standing(alert(f"a{n}", NOON - n * MINUTE)) for n in range(5)],
        measures=[kpi(), kpi("ems"), kpi(over="24h")],
    )
    return PlainCities(city, PlainCity("shelbyville", known=None), PlainCity("a b&c=d", cells=city.cells))


TEXTS = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        ["", "null", "NaN", "-1", "1e9", "٣", "%00", "\x00", "\r\nX: y", "../../etc", "' OR 1=1", "A" * 3000]
    ),
)
AWKWARD = st.one_of(
    TEXTS.map(lambda text: quote(text, safe="")),
    st.sampled_from(
        ["%", "%zz", "%ff%fe", "%ED%A0%80", "%u0041", "+", "a;b", "%26%3D", "[]", "{}", "<script>"]
    ),
)


def fitting(parameter: dict[str, Any]) -> st.SearchStrategy[str]:
    """Texts of a parameter as the document describes it, percent-encoded."""
    schema = parameter["schema"]
    return _fitting(parameter["name"], schema.get("items", schema)).map(lambda text: quote(text, safe=""))


def _fitting(name: str, schema: dict[str, Any]) -> st.SearchStrategy[str]:
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if schema["type"] == "integer":
        return st.integers(schema["minimum"], schema["maximum"]).map(str)
    if schema.get("format") == "date-time":
        return st.integers(NOON - 90 * MINUTE, NOON + 10 * MINUTE).map(rfc3339)
    known = {"jurisdiction": ["springfield", "shelbyville", "a b&c=d"], "zone": ZONES, "priority": ["1", "*"]}
    anything = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=256)
    return st.integers(0, 9).flatmap(lambda n: st.sampled_from(known.get(name, ["a1"])) if n else anything)


PARAMETERS = {path: DOCUMENT["paths"][path]["get"].get("parameters", []) for path in PATHS}
TEXTS_OF = {(path, each["name"]): fitting(each) for path in PATHS for each in PARAMETERS[path]}
WHICH_PATH = st.sampled_from([*PATHS, *BESIDE])
WHAT = {
    True: st.sampled_from("ffffffffffffffffffffhn2"),
    False: st.sampled_from("nnnnffff2h"),
}  # by "required"
TAIL = st.sampled_from(["", "", "", "", "", "", "/", "//", "/..", "%2e"])
ODD = st.sampled_from([None, None, None, None, "cursor", "limit", "x", "\u00e9"])


@st.composite
def queries(draw: st.DrawFn) -> str:
    """One request: most parameters fitting, some left out or said twice, some hostile, some nobody knows."""
    path, said = draw(WHICH_PATH), []
    for parameter in PARAMETERS.get(path, ()):
        name = parameter["name"]
        what = draw(WHAT[parameter.get("required", False)])
        if what in "f2":
            said += [(name, draw(TEXTS_OF[path, name]))] * (1 if what == "f" else 2)
        elif what == "h":
            said.append((name, draw(AWKWARD)))
    odd = draw(ODD)
    if odd is not None:
        said.append((quote(odd), draw(AWKWARD)))
    return f"{path}{draw(TAIL)}?" + "&".join(f"{name}={text}" for name, text in said)


@cache
def validator(reference: str) -> jsonschema.Draft202012Validator:
    """Of a schema in the document."""
    schema = {"$ref": reference} if reference else {}
    return jsonschema.Draft202012Validator({**schema, "components": DOCUMENT["components"]})


METHODS = st.sampled_from(["GET"] * 8 + ["HEAD", "POST", "DELETE", "OPTIONS"])
Send = Callable[[list[tuple[str, str]]], None]


class Watching(Nobody):
    """An owner of a city with the zones of above, for /metrics."""

    def jurisdictions(self) -> Iterable[JurisdictionView]:
        yield JurisdictionView("a b&c=d", WINDOWS, [CellView(zone, "burglary", (1, 2)) for zone in ZONES])


def watched_server() -> WebServer:
    """A server with something behind every path."""
    metrics = Metrics()
    metrics.owner = Watching()
    return server_for(cities(), WINDOWS, metrics=metrics)


def check(path: str, method: str, status: int, body: bytes, kind: str) -> None:
    """What holds for every answer."""
    assert status < 500, f"{method} {path}: {status} {body[:300]!r}"
    text = body.decode()
    assert not [word for word in NEVER_SAID if word in text and word not in path], text[:500]
    route = path.partition("?")[0]
    if method == "GET" and route in BESIDE:
        assert status == 200, f"{path}: {status}"
        assert route != "/metrics" or 'vigil_incidents{jurisdiction="a b&c=d",zone="Ost/süd"' in text
    if method == "GET" and route in DOCUMENT["paths"]:
        described = DOCUMENT["paths"][route]["get"]["responses"]
        assert str(status) in described, f"{path}: {status} is not described"
        ((media_type, content),) = described[str(status)]["content"].items()
        assert kind == media_type
        validator(content["schema"].get("$ref", "")).validate(json.loads(text))


@contextmanager
def asking(server: WebServer) -> Iterator[Send]:
    """Send requests to a server, all at once, and check each answer; afterwards nothing is left of them."""
    with asyncio.Runner() as runner:
        runner.run(server.start())
        session = runner.run(_session())

        async def one(path: str, method: str) -> None:
            url = yarl.URL(server.url + path, encoded=True)
            async with session.request(method, url) as answer:
                check(path, method, answer.status, await answer.read(), answer.content_type)

        async def send(requests: list[tuple[str, str]]) -> None:
            async with asyncio.timeout(IN_TIME_S):
                await asyncio.gather(*(one(path, method) for path, method in requests))

        yield lambda requests: runner.run(send(requests))
        runner.run(session.close())
        runner.run(server.stop())


async def _session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=AT_ONCE))


def resident_kb() -> int:
    """Resident memory of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_ten_thousand_requests_are_each_answered_as_described() -> None:
    asked, of_metrics = 0, 0
    with asking(watched_server()) as send:

        @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
        @given(requests=st.lists(st.tuples(queries(), METHODS), min_size=AT_ONCE, max_size=AT_ONCE))
        def ask(requests: list[tuple[str, str]]) -> None:
            nonlocal asked, of_metrics
            asked += len(requests)
            of_metrics += sum(path.startswith("/metrics") for path, _ in requests)
            send(requests)

        ask()
    assert asked >= EXAMPLES * AT_ONCE == 10_000
    assert of_metrics > 500


@pytest.mark.slow
def test_requests_leave_nothing_behind() -> None:
    mix = [f"/v1/counts?jurisdiction=springfield&zone={n}&limit=1" for n in range(10)]
    mix += [f"/v1/{n}?x={n}" for n in range(5)] + [
        "/metrics",
        "/v1/alerts?jurisdiction=springfield&state=all",
    ]
    with asking(watched_server()) as send:
        for _ in range(30):
            send([(path, "GET") for path in mix])
        gc.collect()
        before, objects = resident_kb(), len(gc.get_objects())
        for _ in range(100):
            send([(path, "GET") for path in mix])
        gc.collect()
        assert len(gc.get_objects()) - objects < 2000
        assert resident_kb() - before < 8192


RAW = [
    b"GET /v1/counts HTTP/1.1\r\n\r\n",
    b"GET /v1/counts?jurisdiction=springfield HTTP/9.9\r\nHost: x\r\n\r\n",
    b"GET " + b"/" * 20_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /v1/counts HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 5000 + b"\r\n",
    b"POST /v1/counts HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n",
    b"POST /v1/counts HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"GET http://elsewhere.example/v1/counts HTTP/1.1\r\nHost: elsewhere.example\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"\x00" * 100,
]


@pytest.mark.parametrize("sent", RAW, ids=range(len(RAW)))
async def test_bytes_that_are_no_request_are_refused_and_the_next_one_is_answered(sent: bytes) -> None:
    server = server_for(cities(), WINDOWS)
    await server.start()
    try:
        said = await asyncio.to_thread(_exchange, server.port, sent)
        assert not said.startswith(b"HTTP/1.1 5"), said[:200]
        assert b"Traceback" not in said
        async with aiohttp.ClientSession() as client, client.get(f"{server.url}/v1/jurisdictions") as answer:
            assert answer.status == 200
    finally:
        await server.stop()


def _exchange(port: int, sent: bytes) -> bytes:
    """Send bytes, close this side, and read what comes."""
    with socket.create_connection(("127.0.0.1", port), timeout=5.0) as connection:
        said = b""
        try:
            connection.sendall(sent)
            connection.shutdown(socket.SHUT_WR)
            while piece := connection.recv(65_536):
                said += piece
        except ConnectionError:
            return said
        return said
