"""The HTTP server beside the worker: /metrics, /healthz, /readyz and questions."""

from streams.web.addresses import is_loopback
from streams.web.health import Condition, Health
from streams.web.server import Handler, WebServer

__all__ = ["Condition", "Handler", "Health", "WebServer", "is_loopback"]
