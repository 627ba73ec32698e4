"""Random schedules of faults: workers killed, paused, ended and started while records come in; nothing may go wrong.

`VIGIL_SOAK_SEEDS=100` runs more of them.
"""

import os
import random
import signal
import time
from collections.abc import Callable

import pytest

from tests.shell.world import ToyProcess, World, wait_until

pytestmark = pytest.mark.kafka
SEEDS = int(os.environ.get("VIGIL_SOAK_SEEDS", "1"))
STEPS = 25


class Schedule:
    """Up to three workers, to which things happen."""

    def __init__(self, world: World, seed: int) -> None:
        self.world = world
        self.rng = random.Random(seed)
        self.up: list[ToyProcess] = []
        self.paused: list[ToyProcess] = []
        self.ended: list[ToyProcess] = []
        self.committed: dict[int, int] = {}
        self.story: list[str] = []

    def run(self) -> None:
        for _ in range(STEPS):
            happens = self.rng.choice(
                [
                    self.produce,
                    self.produce,
                    self.start,
                    self.start,
                    self.kill,
                    self.end,
                    self.pause,
                    self.wake,
                ]
            )
            happens()
            until = time.monotonic() + self.rng.uniform(0.0, 2.5)
            while time.monotonic() < until:
                self.look()
        while self.paused:
            self.wake()
        self.start()
        self.produce()
        self.world.wait_for_end(120.0)
        self.look()
        self.world.check()

    def look(self) -> None:
        """No commit goes back, and nobody ends who was not told to."""
        for number, (offset, _) in self.world.commits().items():
            assert offset >= self.committed.get(number, 0), (number, offset, self.story)
            self.committed[number] = offset
        for worker in self.up:
            assert worker.process.poll() is None, (self.story, worker.said.read_text()[-4000:])

    def tell(self, what: str, worker: ToyProcess) -> None:
        self.story.append(f"{what} {worker.log.stem}")

    def produce(self) -> None:
        self.world.produce(self.rng.randrange(1, 30_000), keys=50)

    def start(self) -> None:
        if len(self.up) + len(self.paused) < 3:
            worker = self.world.worker(records=200, session_timeout_s=6.0)
            self.up.append(worker)
            self.tell("start", worker)

    def take(self) -> ToyProcess | None:
        return self.up.pop(self.rng.randrange(len(self.up))) if self.up else None

    def kill(self) -> None:
        if (worker := self.take()) is not None:
            self.tell("kill", worker)
            worker.signal(signal.SIGKILL)
            assert worker.wait() == -signal.SIGKILL

    def end(self) -> None:
        if (worker := self.take()) is not None:
            self.tell("end", worker)
            if worker.facts():  # else it may still be starting, and not know the signal yet
                assert worker.stop() < 10.0
            else:
                worker.signal(signal.SIGTERM)
                worker.wait()

    def pause(self) -> None:
        if (worker := self.take()) is not None:
            self.tell("pause", worker)
            worker.signal(signal.SIGSTOP)
            self.paused.append(worker)

    def wake(self) -> None:
        if self.paused:
            worker = self.paused.pop(0)
            self.tell("wake", worker)
            worker.signal(signal.SIGCONT)
            self.up.append(worker)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range(SEEDS))
def test_schedule(new_world: Callable[..., World], seed: int) -> None:
    world = new_world(partitions=4)
    schedule = Schedule(world, seed)
    schedule.run()
    wait_until(lambda: sum(len(worker.owns()) for worker in schedule.up) == 4, "each partition has one owner")
