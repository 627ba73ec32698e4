"""Where messages to check come from: rows of a file that a source reads, lines of JSON, or a topic."""

import gzip
import zlib
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition

from schemas.codec import from_json
from streams.checking.checker import Given
from streams.checking.outcomes import Becomes, Outcome, Place
from streams.reading_back import TopicReader
from streams.settings import ConfigurationError, Fault, Settings
from streams.settings.connection import client_options
from streams.settings.faults import shown
from streams.sources import Reading, UnusableRow
from streams.sources.messages import Message, messages
from streams.topics.partitions import partitions_of

_GZIP_MAGIC: Final = b"\x1f\x8b"


def rows_of(reading: Reading, sent_at: int) -> Iterator[Given | Outcome]:
    """The messages of a file's rows, as `vigil publish` would send them at `sent_at` (ms); unusable rows as they are."""
    for item, message in zip(reading, messages(reading), strict=True):
        place = Place(item.file, item.line)
        if isinstance(item, UnusableRow):
            yield _unusable(place, item)
        elif isinstance(message, Message):
            yield Given(place, message.topic, message.key, message.value, sent_at)


def _unusable(place: Place, row: UnusableRow) -> Outcome:
    """Values are shown: they stay on the terminal of whoever has the file."""
    why = f"{row.message}; the rest of the row is used" if row.partly else row.message
    return Outcome(place, "rows", None, Becomes.DEAD_LETTER, reason=str(row.reason), why=why)


def lines_of(files: Sequence[Path], topic: str, separator: str | None, sent_at: int) -> Iterator[Given]:
    """The messages that `kcat -P -K SEPARATOR -l FILE` would send at `sent_at` (ms).

    Args:
        files: a message a line, gzipped or not; blank lines are none.
        topic: without the prefix.
        separator: between key and value; without it the key is the one that the message itself names.
        sent_at: ms.
    """
    for path in files:
        for number, line in enumerate(_lines(path), 1):
            content = line.rstrip(b"\r\n")
            if content.strip():
                key, value = _split(content, separator)
                yield Given(Place(shown(path), number), topic, key, value, sent_at)


def _lines(path: Path) -> Iterator[bytes]:
    """The lines of a file, gzipped or not.

    Raises:
        ConfigurationError: it is damaged.
    """
    with path.open("rb") as file:
        packed = file.read(len(_GZIP_MAGIC)) == _GZIP_MAGIC
        file.seek(0)
        try:
            yield from gzip.GzipFile(fileobj=file) if packed else file
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            problem = f"is damaged ({str(error).lower()})"
            raise ConfigurationError([Fault("", shown(path), problem, "make it anew")]) from None


def _split(content: bytes, separator: str | None) -> tuple[bytes | None, bytes]:
    """(key, value) of a line."""
    if separator is not None:
        key, found, value = content.partition(separator.encode())
        return (key or None, value) if found else (None, content)
    try:
        said = from_json(content)
    except ValueError:
        return None, content
    named = (said.get("incident_id") or said.get("alert_id")) if isinstance(said, dict) else None
    return named.encode() if isinstance(named, str) else None, content


class Topic:
    """The messages of a topic as it stands now, oldest first within a partition."""

    def __init__(self, name: str, reader: TopicReader, partitions: int, there: int) -> None:
        """`there`: how many messages about."""
        self.there = there
        self._name, self._reader, self._partitions = name, reader, partitions

    async def messages(self) -> AsyncIterator[Given]:
        """All of them; nothing is committed, so that reading leaves no trace."""
        async for record in self._reader.to_the_end():
            place = Place(f"{self._name}-{record.partition}", record.offset)
            where = (record.partition, self._partitions)
            yield Given(place, self._name, record.key, record.value, record.timestamp, *where)


@asynccontextmanager
async def topic_of(settings: Settings, name: str, newest: int | None) -> AsyncIterator[Topic]:
    """A topic, named without the prefix.

    Args:
        settings: where Kafka is.
        name: of the topic.
        newest: how many messages of each partition; None: all that are kept.

    Raises:
        ConfigurationError: no broker answers, or the topic is missing.
    """
    count = (await partitions_of(settings, checked=True))[name]
    partitions = [TopicPartition(settings.topic(name), number) for number in range(count)]
    consumer = AIOKafkaConsumer(**client_options(settings), group_id=None, enable_auto_commit=False)
    await consumer.start()
    try:
        consumer.assign(partitions)
        starts, ends = await consumer.beginning_offsets(partitions), await consumer.end_offsets(partitions)
        there = Counter[str]()
        for tp in partitions:
            start = starts[tp] if newest is None else max(starts[tp], ends[tp] - newest)
            consumer.seek(tp, start)
            there["messages"] += ends[tp] - start
        yield Topic(name, TopicReader(consumer, partitions), count, there["messages"])
    finally:
        await consumer.stop()
