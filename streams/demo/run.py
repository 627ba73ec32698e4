"""The demo from its beginning to its end: what is started here is ended here, by its id, whatever happens."""

import asyncio
import logging
import signal
import sys
from collections.abc import Coroutine, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any, Final, NamedTuple, Protocol

from streams.demo.alerts import follow_alerts
from streams.demo.broker import DemoFailed, listening, start_broker
from streams.demo.city import DemoCity
from streams.demo.feed import Feed
from streams.demo.files import Web, settings_of, worker_environ, write_files
from streams.demo.ports import free_port
from streams.demo.processes import Child
from streams.demo.readings import read_metrics
from streams.demo.scene import Phase, Scene, Step, Summary
from streams.settings import Settings
from streams.topics import apply

FRAME_S: Final = 0.25
LOOK_S: Final = 1.0
GUARD_S: Final = 0.2
WORKER_GRACE_S: Final = 10.0
BROKER_GRACE_S: Final = 2.0
SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Audience(Protocol):
    """Whoever shows the scene."""

    def show(self, scene: Scene) -> None:
        """Show how things are now; called several times a second."""


class Plan(NamedTuple):
    """What was asked for."""

    program: Path  # the broker's
    web: Web
    seconds: float | None  # None: until somebody ends it
    speed: float


class Demo:
    """One performance."""

    def __init__(self, plan: Plan, city: DemoCity, audience: Audience) -> None:
        """Start nothing yet."""
        self._plan, self._city, self._audience = plan, city, audience
        self.scene = Scene(plan.web.metrics_url, plan.speed, city.start_ms, city.live_ms)
        self._children: list[Child] = []
        self._feed: Feed | None = None
        self._began_s = monotonic()
        self._live_after_s: float | None = None
        self._past_is_counted = asyncio.Event()

    async def run(self) -> Summary:
        """Play until the time is over, somebody ends it, or the city's year is over.

        Raises:
            DemoFailed: the broker or the worker ended by itself.
            ConfigurationError: the broker cannot be used.
        """
        with ExitStack() as stack:
            folder = Path(stack.enter_context(TemporaryDirectory(prefix="vigil-demo-")))
            stack.enter_context(_quiet_logs())
            stopped = stack.enter_context(_stop_signals())
            stack.callback(self._end_children)
            play = _together(
                self._story(folder), self._draw(), self._look(), self._guard(), stopped.wait(), self._time()
            )
            await play
            self._change(Phase.ENDING)
            await self._look_once()
        feed = self._feed
        sent = (feed.messages, len(feed.incidents)) if feed else (0, 0)
        return Summary(self.scene, *sent, monotonic() - self._began_s, self._live_after_s)

    async def _story(self, folder: Path) -> None:
        """Everything in its order."""
        settings = await self._set_up(folder)
        feed = self._feed = Feed(settings, self._city)
        await feed.start()
        try:
            await _together(self._tell(feed), self._hear(settings))
        finally:
            await feed.stop()

    async def _set_up(self, folder: Path) -> Settings:
        """Broker, topics, worker."""
        port = free_port()
        settings = settings_of(write_files(folder, self._city, port, self._plan.web))
        with self._step("a Kafka-compatible broker, in memory"):
            broker = start_broker(self._plan.program, port, folder)
            self._children.append(broker)
            await listening(broker, port)
        with self._step(f"{len(settings.topics.each)} topics"):
            await apply(settings)
        command = [sys.executable, "-m", "streams.cli.main", "-c", str(folder / "vigil.toml"), "worker"]
        self._children.append(Child("worker", command, folder, worker_environ()))
        return settings

    async def _tell(self, feed: Feed) -> None:
        """The city's past, until it is counted, and then its present."""
        self._change(Phase.PAST)
        with self._step("four weeks of the city's past published"):
            await feed.publish_past()
        with self._step("read, counted and watched by a worker", counts=True):
            await self._past_is_counted.wait()
        self._live_after_s = monotonic() - self._began_s
        self.scene.go_live()
        self._show()
        await feed.publish_present(self._plan.speed)

    async def _hear(self, settings: Settings) -> None:
        async for news in follow_alerts(settings):
            self.scene.hear([news])

    async def _draw(self) -> None:
        while True:
            self._show()
            await asyncio.sleep(FRAME_S)

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            await self._look_once()

    async def _look_once(self) -> None:
        reading = await asyncio.to_thread(read_metrics, self._plan.web.metrics_url)
        if reading is not None:
            self.scene.look(reading, monotonic())
            if self.scene.clock_ms >= self._city.counted_ms:
                self._past_is_counted.set()

    async def _guard(self) -> None:
        """See to it that nothing that was started ends unnoticed."""
        while True:
            await asyncio.sleep(GUARD_S)
            for child in self._children:
                if child.code is not None:
                    msg = (
                        f"the {child.name} ended with code {child.code}; it said last:\n{child.last_words()}"
                    )
                    raise DemoFailed(msg)

    async def _time(self) -> None:
        """Wait until the time that was asked for is over."""
        left_s = None if self._plan.seconds is None else self._began_s + self._plan.seconds - monotonic()
        await asyncio.sleep(left_s if left_s is not None else 10**9)

    @contextmanager
    def _step(self, what: str, *, counts: bool = False) -> Iterator[Step]:
        step, began_s = Step(what, counts=counts), monotonic()
        self.scene.steps.append(step)
        yield step
        step.took_s = monotonic() - began_s

    def _change(self, phase: Phase) -> None:
        self.scene.phase = phase
        self._show()

    def _show(self) -> None:
        self._audience.show(self.scene)
        self.scene.news.clear()

    def _end_children(self) -> None:
        """The worker first, so that it can commit."""
        for child in reversed(self._children):
            child.end(BROKER_GRACE_S if child.name == "broker" else WORKER_GRACE_S)


async def _together(*work: Coroutine[Any, Any, Any]) -> None:
    """Run all until one of them ends or fails; the others are cancelled."""
    tasks = [asyncio.ensure_future(each) for each in work]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@contextmanager
def _stop_signals() -> Iterator[asyncio.Event]:
    """An event that is set by Ctrl-C, SIGTERM, or the end of the terminal; a second one changes nothing."""
    loop, stopped = asyncio.get_running_loop(), asyncio.Event()
    for number in SIGNALS:
        loop.add_signal_handler(number, stopped.set)
    try:
        yield stopped
    finally:
        for number in SIGNALS:
            loop.remove_signal_handler(number)


@contextmanager
def _quiet_logs() -> Iterator[None]:
    """Keep what libraries log off the screen; what matters comes as an error."""
    silence = logging.NullHandler()
    logging.getLogger().addHandler(silence)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(silence)
