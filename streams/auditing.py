"""Entries for the topic `audit`, as records to send; and what is told when a worker begins."""

import hashlib
from pathlib import Path

from schemas.audit import Action, AuditEntry
from schemas.codec import encode_record
from schemas.emissions import Outgoing
from streams.outbox import Outbox, SendFailed
from streams.settings import Settings
from streams.settings.connection import client_options
from streams.settings.fingerprint import counting_fingerprint
from streams.settings.version import installed_version


def audited(settings: Settings, entry: AuditEntry) -> Outgoing:
    """An entry as a record to send."""
    return Outgoing(settings.topic("audit"), entry.actor.encode(), encode_record(entry))


def rules_in_force(settings: Settings, now_ms: int) -> AuditEntry:
    """With which rules and configuration a worker begins: two entries differ where something was changed."""
    path = settings.detection.rules_file
    return AuditEntry(
        now_ms,
        f"worker of {settings.group}",
        Action.RULES,
        "none" if path is None else Path(path).name,
        "done",
        {
            "rules_sha256": None if path is None else hashlib.sha256(Path(path).read_bytes()).hexdigest(),
            "counting_version": settings.counting.version,
            "counting_fingerprint": counting_fingerprint(settings),
            "version": installed_version(),
        },
    )


async def publish_audited(settings: Settings, entry: AuditEntry) -> None:
    """Send an entry over a connection of its own.

    Raises:
        SendFailed: it was not acknowledged; nothing may begin that is to be on record.
    """
    outbox = Outbox(client_options(settings), idempotent=settings.kafka.idempotent)
    await outbox.start()
    try:
        await outbox.publish([audited(settings, entry)])
    except SendFailed as failed:
        why = repr(failed.__cause__ or failed)
        msg = f"topic {settings.topic('audit')} took no entry, so nothing was begun ({why}); see who may write there"
        raise SendFailed(msg) from failed
    finally:
        await outbox.stop()
