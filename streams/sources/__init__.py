"""Adapters: files of city portals, and files that a mapping describes → events.

    source = source_named("sffd")
    reading = source.read([Path("calls.csv.gz")], progress=print)
    for item in reading:                       # by known-from, then by row
        match item:
            case SourceEvent(known_from, event):  ...   # event: Incident or Dispatch
            case UnusableRow(raw=raw, message_to_send=why): ...  # a dead letter
    print(reading.facts)

Built-in sources and their jurisdictions: `sffd` and `sfpd` are "san-francisco" (America/Los_Angeles), `chicago` is
"chicago" (America/Chicago). A mapping names its own.

Personal data of a file (addresses, streets, descriptions, free text) never leave the adapters, except within the raw
bytes of an unusable row, which go nowhere but to the dead letters.
"""

from streams.sources.facts import Facts, OnProgress, Progress, SourceEvent, UnusableRow
from streams.sources.reading import Reading, Source
from streams.sources.registry import BUILT_IN, source_named

__all__ = [
    "BUILT_IN",
    "Facts",
    "OnProgress",
    "Progress",
    "Reading",
    "Source",
    "SourceEvent",
    "UnusableRow",
    "source_named",
]
