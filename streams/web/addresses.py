"""The address that the server listens on, and the certificate it shows; what is wrong with them in one message."""

import errno
import ipaddress
import socket
import ssl
from typing import Final

from streams.settings import ConfigurationError, Fault, Settings

_WAITING: Final = 128  # connections that wait to be accepted


def is_loopback(bind: str) -> bool:
    """Whether only this machine can reach an address."""
    if bind == "localhost":
        return True
    try:
        return ipaddress.ip_address(bind).is_loopback
    except ValueError:
        return False


def take_address(bind: str, port: int) -> list[socket.socket]:
    """Sockets bound to every address that a name stands for, all on one port.

    Args:
        bind: address or host name.
        port: 0 takes any free one.

    Raises:
        ConfigurationError: one of them cannot be had.
    """
    taken: list[socket.socket] = []
    try:
        found = socket.getaddrinfo(bind, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        for family, _, _, _, address in dict.fromkeys(found):
            each = socket.socket(family, socket.SOCK_STREAM)
            taken.append(each)
            each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                each.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            each.bind((address[0], taken[0].getsockname()[1] if len(taken) > 1 else port, *address[2:]))
            each.listen(_WAITING)
    except OSError as error:
        for each in taken:
            each.close()
        raise ConfigurationError([_cannot_bind(bind, port, error)]) from None
    return taken


def _cannot_bind(bind: str, port: int, error: OSError) -> Fault:
    if error.errno == errno.EADDRINUSE:
        problem = f"{port} is in use on {bind}"
        return Fault(
            "", "web.port", problem, "end the other program, or set VIGIL_WEB_PORT (0 takes any free port)"
        )
    if error.errno == errno.EACCES:
        return Fault("", "web.port", f"{port} may not be used by this user", "take a port from 1024 on")
    reason = (error.strerror or str(error)).lower()
    return Fault(
        "",
        "web.bind",
        f'"{bind}" cannot be listened on ({reason})',
        "127.0.0.1 is this machine, 0.0.0.0 every address",
    )


def tls_context(settings: Settings) -> ssl.SSLContext | None:
    """The certificate that the server shows, None where it speaks plain HTTP.

    Raises:
        ConfigurationError: the certificate cannot be used.
    """
    certificate, key = settings.web.tls_certificate, settings.web.tls_key
    if certificate is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(certificate, key, "")
    except (OSError, ValueError) as error:
        problem = f"cannot be used ({str(getattr(error, 'reason', None) or error).lower().replace('_', ' ')})"
        remedy = "it takes a PEM certificate whose key is web.tls_key, without a password"
        raise ConfigurationError([Fault("", "web.tls_certificate", problem, remedy)]) from None
    return context
