"""Which `VIGIL_…` variables there are, beside those that set a field; any other is a slip."""

import difflib
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Final

from streams.settings.faults import Fault

PREFIX: Final = "VIGIL_"
CONFIG_VARIABLE: Final = "VIGIL_CONFIG"

OTHERS: Final = frozenset(
    {
        CONFIG_VARIABLE,
        "VIGIL_TRACEBACK",  # a traceback in place of a message, for those who mend Vigil
        # for tests and benchmarks:
        "VIGIL_REQUIRE_KAFKA",
        "VIGIL_SHARED",
        "VIGIL_SOAK_SEEDS",
        "VIGIL_TEST_BROKER",
        "VIGIL_WORLDS",
    }
)

_NEAR: Final = 0.85  # a variable this like one of ours is meant to be it
_SERVICE: Final = re.compile(r"VIGIL_(\w+_)?SERVICE_(HOST|PORT(_\w+)?)")
_SERVICE_PORT: Final = re.compile(r"VIGIL_(\w+_)?PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?")


def strange_variables(environ: Mapping[str, str], known: Collection[str]) -> Iterator[Fault]:
    """Variables that nobody reads, though their name begins like ours.

    Args:
        environ: all variables.
        known: those that set a field.
    """
    for name in sorted(environ):
        if not name.startswith(PREFIX) or name in known or name in OTHERS:
            continue
        if _is_of_kubernetes(name, environ[name]):
            continue
        near = difflib.get_close_matches(name, [*known, *OTHERS], n=1, cutoff=_NEAR)
        remedy = f"did you mean {near[0]}?" if near else "vigil config show names the fields; unset it"
        yield Fault(name, "", "is not a variable of Vigil", remedy)


def _is_of_kubernetes(name: str, value: str) -> bool:
    """Whether it tells of a service named vigil, or vigil-something: Kubernetes sets these in every container."""
    if _SERVICE.fullmatch(name):
        return True
    match = _SERVICE_PORT.fullmatch(name)
    return match is not None and (match[2] is not None or re.match(r"(tcp|udp|sctp)://", value) is not None)
