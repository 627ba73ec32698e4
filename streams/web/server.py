"""A small HTTP server beside the worker: /metrics, /healthz, /readyz, and questions under /v1.

It only reads, and answers from what this worker owns at that moment. Health and readiness say why in JSON; 503 means
no. Other routes are added by whoever knows the answers:

    web = WebServer(settings, metrics, health)
    web.questions.add_get("/v1/counts", answer)  # before start
    await web.start()
"""

import asyncio
import hmac
import socket
import ssl
from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web

from streams.metrics import CONTENT_TYPE, Metrics
from streams.settings import Settings
from streams.web.addresses import is_loopback, take_address, tls_context
from streams.web.health import Condition, Health
from streams.web.problems import problem

_LARGEST_REQUEST: Final = 64 * 1024  # bytes; nothing that is asked here is longer
_SHUTDOWN_S: Final = 1.0

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class WebServer:
    """Answers on one address from `start` to `stop`."""

    def __init__(self, settings: Settings, metrics: Metrics, health: Health) -> None:
        """Take no address yet; routes can be added to `questions` until `start`."""
        self._settings = settings
        self._metrics = metrics
        self._health = health
        self._app = web.Application(client_max_size=_LARGEST_REQUEST, middlewares=[self._guard])
        self._app.router.add_get("/", self._index)
        self._app.router.add_get("/metrics", self._answer_metrics)
        self._app.router.add_get("/healthz", self._answer_health)
        self._app.router.add_get("/readyz", self._answer_ready)
        self._sockets: list[socket.socket] = []
        self._context: ssl.SSLContext | None = None
        self._runner: web.AppRunner | None = None
        self._rendering: asyncio.Task[bytes] | None = None
        self.port = 0

    @property
    def questions(self) -> web.UrlDispatcher:
        """Where routes under /v1 are added."""
        return self._app.router

    @property
    def url(self) -> str:
        """Where it answers, such as `http://127.0.0.1:6066`; known once bound."""
        scheme = "https" if self._settings.web.tls_certificate else "http"
        host = self._settings.web.bind
        return f"{scheme}://{f'[{host}]' if ':' in host else host}:{self.port}"

    def bind(self) -> None:
        """Take the address, so that a worker finds out before it does anything else; does nothing when taken.

        Raises:
            ConfigurationError: the address cannot be had, or the certificate cannot be used.
        """
        if self._sockets:
            return
        self._context = tls_context(self._settings)
        self._sockets = take_address(self._settings.web.bind, self._settings.web.port)
        self.port = int(self._sockets[0].getsockname()[1])

    async def start(self) -> None:
        """Listen.

        Raises:
            ConfigurationError: the address cannot be had, or the certificate cannot be used.
        """
        self.bind()
        self._runner = web.AppRunner(
            self._app, access_log=None, handle_signals=False, shutdown_timeout=_SHUTDOWN_S
        )
        await self._runner.setup()
        for each in self._sockets:
            await web.SockSite(self._runner, each, ssl_context=self._context).start()

    async def stop(self) -> None:
        """Close every connection; does nothing when not started."""
        runner, self._runner = self._runner, None
        if self._rendering is not None:
            self._rendering.cancel()
        if runner is not None:
            await runner.cleanup()
        for each in self._sockets:
            each.close()
        self._sockets = []

    async def _answer_metrics(self, _: web.Request) -> web.Response:
        """Scrapes that come while one is being answered share its answer."""
        if self._rendering is None:
            self._rendering = asyncio.create_task(self._render())
            self._rendering.add_done_callback(self._rendered)
        body = await asyncio.shield(self._rendering)
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE})

    async def _render(self) -> bytes:
        pieces = []
        for piece in self._metrics.render():
            pieces.append(piece.encode())
            await asyncio.sleep(0)
        return b"".join(pieces)

    def _rendered(self, _: "asyncio.Task[bytes]") -> None:
        self._rendering = None

    async def _answer_health(self, _: web.Request) -> web.Response:
        return _conditional("alive", self._health.alive())

    async def _answer_ready(self, _: web.Request) -> web.Response:
        return _conditional("ready", self._health.ready())

    async def _index(self, _: web.Request) -> web.Response:
        paths = sorted({resource.canonical for resource in self._app.router.resources()} - {"/"})
        return web.json_response({"vigil": "read-only", "paths": paths})

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Questions beyond loopback need the token; every answer is counted; a refusal is a problem document."""
        resource = request.match_info.route.resource
        path = resource.canonical if resource is not None else "other"
        try:
            answer = self._refusal(request) or await handler(request)
        except web.HTTPException as refused:
            allow = {name: value for name, value in refused.headers.items() if name == "Allow"}
            answer = problem(refused.status, f"{request.method} has no answer here; / names what has one")
            answer.headers.update(allow)
        self._metrics.counters.answered(path, answer.status)
        answer.headers["Server"] = "vigil"
        return answer

    def _refusal(self, request: web.Request) -> web.StreamResponse | None:
        """Why a question may not be asked; None when it may."""
        bind = self._settings.web
        if not request.path.startswith("/v1") or is_loopback(bind.bind):
            return None
        if bind.token is None or bind.tls_certificate is None:
            return problem(
                403,
                "questions from other machines need web.token and web.tls_certificate in the configuration",
            )
        given = request.headers.get("Authorization", "")
        if hmac.compare_digest(given.encode(), f"Bearer {bind.token}".encode()):
            return None
        answer = problem(401, "a bearer token is needed: Authorization: Bearer …")
        answer.headers["WWW-Authenticate"] = "Bearer"
        return answer


def _conditional(name: str, condition: Condition) -> web.Response:
    said = {name: condition.is_well, "reasons": list(condition.reasons), **condition.facts}
    return web.json_response(said, status=200 if condition.is_well else 503)
