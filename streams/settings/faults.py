"""What is wrong with a configuration: every fault with its place, value and remedy, all of them at once."""

import difflib
from collections.abc import Iterable
from pathlib import Path
from typing import Final, NamedTuple

_LISTED: Final = 8  # known words in a remedy; more of them help nobody


class Fault(NamedTuple):
    """One thing that is wrong, where it is, and what to do about it."""

    where: str  # "vigil.toml:12", "VIGIL_WEB_PORT", "--zones", "topic incidents"
    field: str  # "web.port"; empty where the place says it all
    problem: str  # "must be 0 to 65535 (got 70000)"
    remedy: str  # "0 takes any free port"; may be empty

    def __str__(self) -> str:
        """`where: field problem; remedy`, one line."""
        place = f"{self.where}: " if self.where else ""
        subject = f"{self.field} " if self.field else ""
        return f"{place}{subject}{self.problem}" + (f"; {self.remedy}" if self.remedy else "")


def in_order(faults: Iterable[Fault]) -> list[Fault]:
    """Each fault once: first those of files, by line, then those of variables and of nowhere."""
    once = list(dict.fromkeys(faults))
    files = list(dict.fromkeys(fault.where.rpartition(":")[0] for fault in once))

    def place(fault: Fault) -> tuple[bool, int, int]:
        file, _, line = fault.where.rpartition(":")
        return not line.isdigit(), files.index(file), int(line) if line.isdigit() else 0

    return sorted(once, key=place)


class ConfigurationError(Exception):
    """The configuration, or what it points to, cannot be used; `str()` lists every fault, one a line."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        """Keep the faults in the order they were found.

        Args:
            faults: at least one.
        """
        self.faults = tuple(faults)
        super().__init__("\n".join(str(fault) for fault in self.faults))


class Wrong(Exception):
    """A value is not what its field takes."""

    def __init__(self, problem: str, remedy: str = "", where: str = "") -> None:
        """Say what is wrong with the value, what to write instead, and where when that is not plain."""
        self.problem = problem
        self.remedy = remedy
        self.where = where
        super().__init__(problem)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`did you mean "port"?`, or the known words where none is near (at most `_LISTED` of them)."""
    words = sorted(known)
    lowered = {name.lower(): name for name in words}
    near = difflib.get_close_matches(word.lower(), lowered, n=1, cutoff=0.6)
    if near:
        return f'did you mean "{lowered[near[0]]}"?'
    listed = ", ".join(words[:_LISTED]) + (", …" if len(words) > _LISTED else "")
    return f"one of: {listed}"


def shown(path: Path) -> str:
    """A path as a person would type it: relative to where they are when it lies below."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
