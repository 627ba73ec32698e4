"""`vigil ack`: the answer to an alert."""

import asyncio
import time

import click

from schemas.codec import encode_event
from schemas.emissions import Outgoing
from schemas.events import AlertAck
from schemas.vocabulary import Verdict
from streams.cli.errors import Failed
from streams.cli.registry import examples
from streams.cli.session import Session
from streams.outbox import Outbox, SendFailed
from streams.reading_back import topic_reader
from streams.settings import Settings
from streams.settings.connection import client_options


@click.command(
    epilog=examples(
        "vigil ack 5425dde873fa3d0a --verdict acknowledged --by 'desk 4'",
        "vigil ack 5425dde873fa3d0a --verdict confirmed --by 'desk 4'",
        "vigil ack 5425dde873fa3d0a --verdict false_alarm --by 'desk 4' --note 'fire drill'",
    )
)
@click.argument("alert_id")
@click.option(
    "--verdict",
    required=True,
    type=click.Choice([str(verdict) for verdict in Verdict]),
    help="What you say of it.",
)
@click.option("--by", required=True, metavar="WHO", help="The desk or role that answers; no person's name.")
@click.option("--note", metavar="TEXT", help="Kept with the answer on alert-acks, shown nowhere else.")
@click.pass_obj
def ack(session: Session, alert_id: str, verdict: str, by: str, note: str | None) -> None:
    """Answer an alert: somebody has it, it was real, or it was a false alarm.

    The alert's next revision shows the answer; a false alarm is not raised again for a day unless it grows rarer.
    An id that no alert has is refused: nothing is sent, and the command ends with 1.
    """
    answer = AlertAck(alert_id, Verdict(verdict), by, round(time.time() * 1000), note)
    try:
        asyncio.run(_send(session.settings, answer))
    except SendFailed as failed:
        raise Failed(str(failed)) from None
    session.terminal.say(f"{alert_id}: {verdict} by {by}")


async def _send(settings: Settings, answer: AlertAck) -> None:
    if not await _is_known(settings, answer.alert_id.encode()):
        message = (
            f'no alert "{answer.alert_id}" is on the topic {settings.topic("alerts")}, so nothing was sent; '
            "vigil alerts --all shows the ids"
        )
        raise Failed(message)
    outbox = Outbox(client_options(settings), idempotent=settings.kafka.idempotent)
    await outbox.start()
    try:
        topic = settings.topic("alert-acks")
        await outbox.publish([Outgoing(topic, answer.alert_id.encode(), encode_event(answer))])
    finally:
        await outbox.stop()


async def _is_known(settings: Settings, key: bytes) -> bool:
    """Whether an alert was told: workers take an answer to any other for one to another worker's, and say nothing."""
    async with topic_reader(settings, "alerts") as reader:
        async for record in reader.to_the_end():
            if record.key == key:
                return True
    return False
