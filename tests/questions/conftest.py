"""A server that answers questions, and a way to ask them."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, NamedTuple

import aiohttp
import pytest

from streams.metrics import Metrics
from streams.questions import Cities, Questions
from streams.settings import Settings, load
from streams.web import Health, WebServer

KPI_WINDOWS = ("1h", "24h", "7d")


class Said(NamedTuple):
    """An answer."""

    status: int
    body: Any
    headers: dict[str, str]


Ask = Callable[..., Awaitable[Said]]


def server_for(
    cities: Cities,
    windows: tuple[str, ...],
    settings: Settings | None = None,
    metrics: Metrics | None = None,
) -> WebServer:
    """A server, not started, that answers questions about cities."""
    metrics = metrics or Metrics()
    server = WebServer(
        settings or load(environ={"VIGIL_WEB_PORT": "0"}), metrics, Health(metrics, stall_after_s=30)
    )
    Questions(cities, windows, KPI_WINDOWS, "0.0.0").add_to(server.questions)
    return server


@pytest.fixture
async def ask() -> AsyncIterator[Ask]:
    """Ask a question of cities, of a server that ends with the test."""
    running: list[WebServer] = []

    async def question(cities: Cities, path: str, windows: tuple[str, ...] = ("15m", "1h")) -> Said:
        server = server_for(cities, windows)
        await server.start()
        running.append(server)
        async with aiohttp.ClientSession() as client, client.get(server.url + path) as answer:
            return Said(answer.status, await answer.json(content_type=None), dict(answer.headers))

    yield question
    for server in running:
        await server.stop()
