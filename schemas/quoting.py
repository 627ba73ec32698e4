"""What messages may quote of what publishers wrote: they travel as headers and in logs, where nobody is to be named."""

import re
from typing import Final

NOT_SHOWN: Final = "(not shown)"

_WORD: Final = re.compile(r"(?=(?:[^0-9]*[0-9]){0,2}[^0-9]*\Z)[A-Za-z0-9_-]{0,24}")
"""A word with at most two digits: a code of a status or a beat. Phones and plates have more, names and addresses spaces."""


def quoted(said: str | bytes) -> str:
    """`said` in quotes where it is a word, else only that it is not shown."""
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    return repr(text) if _WORD.fullmatch(text) else NOT_SHOWN
