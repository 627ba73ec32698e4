"""The HTTP server beside the worker: /metrics, /healthz, /readyz and questions."""

from streams.web.health import Condition, Health
from streams.web.server import Handler, WebServer, is_loopback

__all__ = ["Condition", "Handler", "Health", "WebServer", "is_loopback"]
