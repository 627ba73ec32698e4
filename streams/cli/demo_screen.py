"""The demo as a moving picture: one screen of lines, drawn anew several times a second.

vigil  riverton                                Mon 24 Nov 2025 17:41
─ alerts ───────────────────────────────────────────────────────────
─ hottest ──────────────────────  ─ response ───────────────────────
─ what you see ─────────────────────────────────────────────────────
metrics http://127.0.0.1:6066/metrics                   Ctrl-C ends
"""

from typing import Final, NamedTuple

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from streams.cli import demo_parts as parts
from streams.demo.scene import Phase, Scene

LEAST_HEIGHT: Final = 24
"""Lines that have room for every part, though not for all of the legend."""

WIDEST: Final = 132
"""Wider than this nothing gets easier to read."""


class Room(NamedTuple):
    """How many lines each part gets."""

    alerts: int
    why: int
    middle: int
    legend: int
    blanks: int


def room_in(height: int) -> Room:
    """How a screen of this height is shared out: a low one does first without legend, then without reasons."""
    lacking, spare = LEAST_HEIGHT - height, height - LEAST_HEIGHT
    kept = []
    for lines, least in ((4, 0), (3, 0), (5, 2), (5, 1)):
        kept.append(lines - min(max(lacking, 0), lines - least))
        lacking -= lines - kept[-1]
    blanks = min(max(spare, 0) // 2, 3)
    spare = max(spare - blanks, 0)
    middle = min(spare // 4, 4)
    legend = min((spare - middle) // 2, 7)
    alerts = spare - middle - legend
    return Room(kept[3] + alerts, kept[1], kept[2] + middle, kept[0] + legend, blanks)


def picture(scene: Scene, width: int, height: int, frame: int = 0) -> list[Text]:
    """The screen: `height` lines of at most `width` characters.

    Args:
        scene: what there is to see.
        width: of the terminal, characters.
        height: of the terminal, lines.
        frame: how many pictures were drawn before; turns the pages of the legend.
    """
    room, width = room_in(height), min(width, WIDEST)
    blanks = [[Text()] if number < room.blanks else [] for number in range(3)]
    lines = [*parts.head(scene, width), *blanks[0]]
    if scene.phase in (Phase.LIVE, Phase.ENDING):
        lines += [*parts.alerts(scene, width, room.alerts, room.why), *blanks[1]]
        lines += [*parts.middle(scene, width, room.middle), *blanks[2]]
        lines += parts.legend(width, room.legend, frame)
    else:
        lines += [*parts.steps(scene, width), Text()]
        lines += parts.legend(width, height - 1 - len(lines), frame)
    del lines[height - 1 :]
    lines += [Text() for _ in range(height - 1 - len(lines))]
    lines.append(parts.foot(scene, width))
    for line in lines:
        line.truncate(width)
    return lines


class Screen:
    """Draws on a terminal; what stood there before comes back at the end."""

    def __init__(self, console: Console) -> None:
        """Draw nothing yet."""
        self._console = console
        self._live = Live(
            console=console, screen=True, auto_refresh=False, redirect_stdout=False, redirect_stderr=False
        )
        self._frame = 0

    def __enter__(self) -> "Screen":
        """Take the whole terminal."""
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Give it back."""
        self._live.stop()

    def show(self, scene: Scene) -> None:
        """Draw how things are now."""
        width, height = self._console.size
        self._live.update(Group(*picture(scene, width, height, self._frame)), refresh=True)
        self._frame += 1
