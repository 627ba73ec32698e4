"""What messages would become, and why not, without changing anything: `vigil check`."""

from streams.checking.checker import TOPICS, Checker, Given
from streams.checking.inputs import lines_of, rows_of, topic_of
from streams.checking.outcomes import Becomes, Cell, Outcome, Place
from streams.checking.summary import Summary

__all__ = [
    "TOPICS",
    "Becomes",
    "Cell",
    "Checker",
    "Given",
    "Outcome",
    "Place",
    "Summary",
    "lines_of",
    "rows_of",
    "topic_of",
]
