"""Ports of this machine."""

import os
import socket
from typing import Final

LOOPBACK: Final = "127.0.0.1"


def refusal(address: str, port: int) -> str:
    """Why nothing could listen there now; empty when something could. Port 0 asks about the address alone."""
    try:
        family, kind, protocol, _, where = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(where)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror or str(error)
        return reason.lower()
    return ""


def free_port(address: str = LOOPBACK) -> int:
    """A port that nothing listens on.

    Raises:
        OSError: the address cannot be listened on.
    """
    family, kind, protocol, _, where = socket.getaddrinfo(address, 0, type=socket.SOCK_STREAM)[0]
    with socket.socket(family, kind, protocol) as probe:
        probe.bind(where)
        return int(probe.getsockname()[1])
