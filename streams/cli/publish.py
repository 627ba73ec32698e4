"""`vigil publish`: events of a file to the topics."""

import asyncio
import re
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import click

from schemas.emissions import DeadLetter
from schemas.instants import rfc3339
from streams.cli.errors import Failed
from streams.cli.progress import progress
from streams.cli.registry import examples
from streams.cli.session import Session
from streams.cli.source_options import read_files, settings_for, source_options
from streams.core.source_fold import FUTURE_MS
from streams.publishing import Publisher, paced
from streams.settings import Settings
from streams.sources import Reading, source_named
from streams.sources.messages import INCIDENTS, Message, last_heartbeat, messages
from streams.stages import timeline_of
from streams.topics.partitions import partitions_of
from streams.zones import ZoneMap, with_zone


class Speed(click.ParamType):
    """`max`, or how many seconds of the file's time pass in one."""

    name = "speed"

    def convert(
        self, value: str | float | None, param: click.Parameter | None, ctx: click.Context | None
    ) -> float | None:
        """None for `max`."""
        if value is None or isinstance(value, float) or value == "max":
            return None if value == "max" else value  # type: ignore[return-value]
        found = re.fullmatch(r"(\d+(?:\.\d+)?)x", value)
        if found is None or float(found[1]) == 0:
            self.fail(f'cannot be "{value}"; write max, 1x (as it happened), 60x or another number of times')
        return float(found[1])


@click.command(
    epilog=examples(
        "vigil publish calls.csv.gz --source sffd                as fast as Kafka takes it",
        "vigil publish calls.csv.gz --source sffd --speed 60x    an hour a minute",
    )
)
@source_options
@click.option("--speed", type=Speed(), default="max", metavar="max|1x|60x", help="How fast (max).")
@click.pass_obj
def publish(
    session: Session, files: tuple[Path, ...], source_name: str, zones: str | None, speed: float | None
) -> None:
    """Send a file's events to the topics, in the order in which they became known.

    Rows that cannot be used go to dead-letters. At the end every partition gets a heartbeat, so that the last counts
    are published too. Sending a file twice changes no count. Messages of the future are refused by intake: the heartbeat
    leaves them out, and the command ends with 1.
    """
    source = source_named(source_name)
    settings = settings_for(session.settings, source, None)
    zone_map = ZoneMap.from_option(zones) if zones else None
    asyncio.run(partitions_of(settings, checked=True))
    reading = read_files(session.terminal, source, files)
    sent = asyncio.run(_publish(session, settings, reading, (source.jurisdiction, zone_map, speed)))
    session.terminal.table(("topic", "messages"), sorted(sent.topics.items()), title=settings.broker)
    if sent.refused:
        message = (
            f"{sent.refused} of these messages will be dead letters (from_the_future): more than 10 min ahead of the "
            "clock here; mend the file's times, or the time_zone they are read in, and publish it again"
        )
        raise Failed(message)


class Sent:
    """What was sent, and how far it brings time."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.topics = Counter[str]()  # without the prefix
        self.greatest: int | None = None  # ms, of what intake does not refuse as from the future
        self.refused = 0  # as from the future

    def add(self, items: Iterable[Message | DeadLetter], now_ms: int) -> None:
        """Note what is sent at `now_ms`; its Kafka timestamp, by which intake judges it, is no earlier."""
        for item in items:
            if isinstance(item, DeadLetter):
                self.topics["dead-letters"] += 1
                continue
            self.topics[item.topic] += 1
            if item.at > now_ms + FUTURE_MS:
                self.refused += 1
            elif self.greatest is None or item.at > self.greatest:
                self.greatest = item.at


def _now_ms() -> int:
    return int(time.time() * 1000)


async def _publish(
    session: Session, settings: Settings, reading: Reading, how: tuple[str, ZoneMap | None, float | None]
) -> Sent:
    jurisdiction, zone_map, speed = how
    sent = Sent()
    locate = None if zone_map is None else lambda incident: with_zone(incident, zone_map.zone_of)
    with progress(session.terminal, "publishing", len(reading), unit="events") as bar:
        async with Publisher(settings) as publisher:
            async for chunk in paced(messages(reading, locate), speed):
                sent.add(chunk, _now_ms())
                await publisher.send(chunk)
                bar.advance(len(chunk))
            if sent.greatest is not None:
                timeline = timeline_of(settings)
                beat = last_heartbeat(jurisdiction, sent.greatest, timeline, _now_ms() + FUTURE_MS)
                await publisher.heartbeat(beat, sorted({INCIDENTS, *sent.topics} - {"dead-letters"}))
                session.terminal.note(
                    f"time of {jurisdiction} told to every partition: {rfc3339(beat.heartbeat_at)}"
                )
    return sent
