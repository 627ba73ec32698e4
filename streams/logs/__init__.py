"""What a worker says on standard error: one line per event, for people or as JSON, without personal data.

    logger.warning("a commit was not answered in %.1f s", timeout_s, extra=event("commit_unanswered", topic=tp.topic))

Every line has a time, a level, the name of an event and a message; what is worth searching for is a field of its own.
"""

from streams.logs.events import event
from streams.logs.setting_up import set_up_logs

__all__ = ["event", "set_up_logs"]
