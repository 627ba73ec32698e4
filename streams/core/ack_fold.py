"""The intake step of `alert-acks`: what operations centres answer → every partition of `cells`.

An answer names an alert, not a jurisdiction, so every watch partition is told; the one that has the alert takes it in.
Going through `cells` puts answers in one order with the counts: every owner of an alert shows the same next revision.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from schemas.audit import UNKNOWN_ACTOR, Action, AuditEntry
from schemas.codec import Rejected, dead_letter_headers, encode_record, read_ack, to_json
from schemas.emissions import DeadLetter, Outgoing
from schemas.events import AlertAck, LogRecord
from schemas.quoting import quoted
from schemas.vocabulary import RejectReason
from streams.core.fold import Step
from streams.core.source_fold import Source, from_the_future, written_stamp

LABEL_VERSION: Final = 0
"""Answers are not counted, so they have no counting version."""


@dataclass(frozen=True)
class AckRules:
    """Where answers go."""

    cells_partitions: int = 1
    cells_topic: str = "cells"
    dead_letters_topic: str = "dead-letters"
    audit_topic: str | None = None  # None: nothing is audited


class AckFold:
    """The fold of one partition of `alert-acks`; it remembers nothing but its position."""

    def __init__(self, source: Source, rules: AckRules) -> None:
        """Start before the first record of the log."""
        self.source = source
        self.rules = rules
        self.position = 0

    def step(self, records: Sequence[LogRecord]) -> Step:
        """Hand answers on; what is no answer becomes a dead letter."""
        sent: list[Outgoing] = []
        answers: list[dict[str, Any]] = []
        tallies = Counter[str]()
        for record in records:
            if record.offset < self.position:
                continue
            self.position = record.offset + 1
            ack = self._read(record)
            if isinstance(ack, Rejected):
                sent.append(self._dead_letter(record, ack))
                tallies[f"dead_letter.{ack.reason}"] += 1
                said = (written_stamp(record), UNKNOWN_ACTOR, "", f"refused: {ack.reason}")
            else:
                # What else was noted stays on `alert-acks`: it may name a person, and no alert shows it.
                answers.append({name: value for name, value in asdict(ack).items() if name != "note"})
                tallies["accepted"] += 1
                said = (ack.at, ack.by, ack.alert_id, f"accepted: {ack.verdict}")
            sent.extend(self._audited(record, *said))
        if answers:
            sent.extend(self._cells(answers))
        return Step(sent, dict(tallies))

    def absorb(self, records: Sequence[LogRecord]) -> None:
        """Nothing of what came before matters."""
        self.step(records)

    def metadata(self) -> str:
        """A take-over starts at the commit."""
        return to_json({"start": self.position, "of": self.source.of}).decode()

    def _read(self, record: LogRecord) -> AlertAck | Rejected:
        ack = read_ack(record.value)
        if isinstance(ack, Rejected):
            return ack
        if record.key != ack.alert_id.encode():
            said = "null" if record.key is None else quoted(record.key)
            return Rejected(
                RejectReason.KEY_MISMATCH,
                f"key: {said} is not the alert_id {ack.alert_id!r}; use the alert_id as the record's key",
            )
        return from_the_future("at", ack.at, record.timestamp) or ack

    def _cells(self, answers: list[dict[str, Any]]) -> list[Outgoing]:
        label = {
            "topic": self.source.topic,
            "partition": self.source.partition,
            "of": self.source.of,
            "version": LABEL_VERSION,
            "fingerprint": "",
            "offset": self.position,
            "cities": [],
            "acks": answers,
        }
        key, value = f"{self.source.topic}-{self.source.partition}".encode(), to_json(label)
        return [
            Outgoing(self.rules.cells_topic, key, value, (), target)
            for target in range(self.rules.cells_partitions)
        ]

    def _audited(
        self, record: LogRecord, at: int, actor: str, subject: str, outcome: str
    ) -> tuple[Outgoing, ...]:
        """Who answered; a repeat after a crash says the same of the same place."""
        if self.rules.audit_topic is None:
            return ()
        place = f"{self.source.topic}[{self.source.partition}]@{record.offset}"
        entry = AuditEntry(at, actor, Action.ANSWER, subject, outcome, {"message": place})
        return (Outgoing(self.rules.audit_topic, actor.encode(), encode_record(entry)),)

    def _dead_letter(self, record: LogRecord, rejected: Rejected) -> Outgoing:
        letter = DeadLetter(
            *self.source[:2], record.offset, written_stamp(record), record.key, record.value, *rejected
        )
        return Outgoing(self.rules.dead_letters_topic, record.key, record.value, dead_letter_headers(letter))
