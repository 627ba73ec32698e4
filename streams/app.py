"""The worker put together: the one place that wires things, in one straight function.

incidents ─┐                         ┌─▶ dead-letters, late-events
           ├─▶ agent ─▶ fold ─▶ outbox ─▶ cells ─▶ agent ─▶ fold ─▶ outbox ─▶ window-counts, alerts, kpis
dispatches ┘
"""

import asyncio
import gc
import logging
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import faust

from streams.agents import Shell, agent_of
from streams.auditing import publish_audited, rules_in_force
from streams.batching import App, batches, new_app
from streams.beating import Beating, rules_of
from streams.core.ack_fold import AckRules
from streams.core.kpis import KPI_WINDOWS_MS
from streams.dead_letter_alarm import DeadLetterAlarm, TooManyDeadLetters
from streams.deadline import Deadline
from streams.intake import FOLDS, open_acks, open_intake
from streams.kept_back import KeptBack
from streams.logs import event, set_up_logs
from streams.metrics import Metrics
from streams.outbox import Outbox, SendFailed
from streams.owned import Owned
from streams.owned_cities import OwnedCities
from streams.ownership import Ownership
from streams.questions import Questions
from streams.recovery import OpenFold, Recovery, TakeOverFailed
from streams.settings import ConfigurationError, Settings
from streams.settings.connection import client_options
from streams.settings.fingerprint import counting_fingerprint
from streams.settings.version import installed_version
from streams.stages import Stages
from streams.topics import check_at_start
from streams.topics.partitions import partitions_of
from streams.watching import open_watch
from streams.web import Health, WebServer

logger = logging.getLogger(__name__)

ALARM_WINDOW: Final = 1000
"""The newest messages of a topic of which the share of dead letters is taken, at least."""


@dataclass
class Worker:
    """One worker, put together and not yet started."""

    app: App
    web: WebServer
    metrics: Metrics
    owned: Owned


def build_app(settings: Settings, partitions: dict[str, int]) -> Worker:
    """Put a worker together.

    Args:
        settings: the configuration.
        partitions: topic (without the prefix) → how many it has in Kafka.

    Raises:
        ConfigurationError: a file that the configuration names cannot be used.
    """
    stages = Stages(settings)
    client = client_options(settings)
    topic = settings.topic
    intake = stages.intake(partitions["cells"])
    folds: dict[str, OpenFold] = {topic(name): open_intake(name, partitions[name], intake) for name in FOLDS}
    acks = AckRules(partitions["cells"], topic("cells"), topic("dead-letters"), topic("audit"))
    folds[topic("alert-acks")] = open_acks(partitions["alert-acks"], acks)
    folds[topic("cells")] = open_watch(stages.watch(), partitions, client)

    outbox = Outbox(client, idempotent=settings.kafka.idempotent)
    recovery = Recovery(client, outbox, stall_s=settings.worker.take_over_deadline_ms / 1000)
    ownership = Ownership(folds, recovery)
    owned = Owned(ownership, stages)
    metrics = Metrics(
        version=installed_version(),
        counting_version=settings.counting.version,
        fingerprint=counting_fingerprint(settings),
    )
    metrics.owner = owned
    health = Health(metrics, settings.worker.stall_after_ms / 1000)
    web = WebServer(settings, metrics, health)
    cities = OwnedCities(ownership, topic("cells"), partitions["cells"])
    windows = tuple(settings.counting.window_lengths_ms)
    Questions(cities, windows, tuple(KPI_WINDOWS_MS), installed_version()).add_to(web.questions)

    app = new_app(
        settings.group,
        client,
        ownership,
        outbox,
        batch_records=settings.worker.batch_size,
        broker_commit_interval=settings.worker.commit_interval_ms / 1000,
        broker_session_timeout=settings.worker.session_timeout_ms / 1000,
        broker_heartbeat_interval=settings.worker.session_timeout_ms / 10_000,
    )
    alarm = DeadLetterAlarm(
        settings.worker.dead_letter_share,
        max(settings.worker.batch_size, ALARM_WINDOW),
        stops=settings.worker.stop_on_dead_letters,
    )
    metrics.dead_letter_shares = alarm.shares
    shell = Shell(ownership, outbox, metrics, health, alarm, KeptBack())
    for name in (*FOLDS, "alert-acks", "cells"):
        app.agent(batches(app, topic(name)), name=f"vigil-{name}")(agent_of(name, shell))
    if settings.heartbeats.enabled:
        beating = Beating(rules_of(settings), owned.watch_folds, ownership, outbox)

        @app.task
        async def send_heartbeats() -> None:
            await beating.forever()

    @app.task
    async def freeze_what_stays() -> None:
        # What was imported and wired stays for good: the collector need not look at it again.
        gc.collect()
        gc.freeze()

    say_what_is_owned(app, shell, web)
    app.companions = [web]
    return Worker(app, web, metrics, owned)


def say_what_is_owned(app: App, shell: Shell, web: WebServer) -> None:
    """At each assignment: count it, tell health, and log it, the first time with the address of /metrics."""

    @app.on_partitions_revoked.connect
    async def on_revoked(_: Any, revoked: Any, **__: Any) -> None:
        shell.health.assigned = False
        shell.alarm.forget()

    @app.on_partitions_assigned.connect
    async def on_assigned(_: Any, assigned: Any, **__: Any) -> None:
        first = not shell.health.was_assigned
        shell.health.assigned = shell.health.was_assigned = True
        shell.metrics.counters.rebalanced()
        owns = owned_words(assigned)
        if first:
            logger.info(
                "vigil %s answers on %s (/metrics, /healthz, /readyz, /v1) and owns %s",
                installed_version(),
                web.url,
                owns,
                extra=event("worker_started", version=installed_version(), url=web.url, owns=owns),
            )
        else:
            logger.info("owns %s", owns, extra=event("partitions_assigned", owns=owns))


def owned_words(assigned: Iterable[tuple[str, int]]) -> str:
    """Partitions in words: `cells 0-1, incidents 0-2 5`."""
    numbers: dict[str, list[int]] = {}
    for topic, number in sorted(assigned):
        numbers.setdefault(topic, []).append(number)
    return ", ".join(f"{topic} {_spans(each)}" for topic, each in numbers.items()) or "nothing yet"


def _spans(numbers: Sequence[int]) -> str:
    """Ascending numbers as spans."""
    spans: list[list[int]] = []
    for number in numbers:
        if spans and number == spans[-1][-1] + 1:
            spans[-1][1:] = [number]
        else:
            spans.append([number])
    return " ".join("-".join(map(str, span)) for span in spans)


async def partition_counts(settings: Settings) -> dict[str, int]:
    """How many partitions the topics have, after all was checked that can be wrong with them.

    Raises:
        ConfigurationError: no broker answers, or topics are missing or would make the counts wrong; all at once.
    """
    for difference in await check_at_start(settings):
        logger.warning("topics: %s", difference.as_fault(), extra=event("topic_differs"))
    return await partitions_of(settings)


class Runner(faust.Worker):
    """Faust's runner, whose end has a deadline."""

    deadline: Deadline

    def _schedule_shutdown(self, signal: Any) -> None:
        logger.info("told to end by %s", signal.name, extra=event("worker_stopping", signal=signal.name))
        self.deadline.begin()
        super()._schedule_shutdown(signal)

    def on_worker_shutdown(self) -> None:
        """It ends, told to or not."""
        self.deadline.begin()


def run_worker(settings: Settings) -> int:
    """Run a worker until it is told to end; its exit code.

    Raises:
        ConfigurationError: something is wrong that a person must put right first; the port in use is one.
        TakeOverFailed: a partition's log cannot be read.
        SendFailed: the brokers did not take what was sent.
        TooManyDeadLetters: that is to stop the worker.
    """
    set_up_logs(settings)
    partitions = asyncio.run(partition_counts(settings))
    worker = build_app(settings, partitions)
    worker.web.bind()  # a port in use is found out before anything is taken over
    asyncio.run(publish_audited(settings, rules_in_force(settings, round(time.time() * 1000))))
    runner = Runner(worker.app, quiet=True, override_logging=False)
    runner.spinner = None  # it writes to the terminal, quiet or not
    runner.deadline = Deadline(settings.worker.shutdown_deadline_ms / 1000)
    code = 0
    try:
        runner.execute_from_commandline()
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
    runner.deadline.met()
    reason = worker.app.crash_reason or runner.crash_reason
    if isinstance(reason, ConfigurationError | TakeOverFailed | SendFailed | TooManyDeadLetters):
        raise reason
    logger.info("ended", extra=event("worker_ended", code=1 if reason else code))
    return 1 if reason else code
