"""What the demo's picture is made of: bars, rules, rows of columns."""

from collections.abc import Iterable, Sequence
from typing import Final

from rich.text import Text

DIM, BOLD, BAR, GOOD, SHORT = "bright_black", "bold", "cyan", "green", "yellow"
HEIGHTS: Final = "▁▂▃▄▅▆▇█"


def bar(share: float, width: int) -> str:
    """A bar of `width` characters at 1, to half a character; thin, so that bars below each other stay apart."""
    full, half = divmod(round(min(max(share, 0.0), 1.0) * width * 2), 2)
    return ("━" * full + "╸" * half).ljust(width)


def columns_of(values: Iterable[int], width: int) -> str:
    """The last `width` values as small columns, the greatest being the highest."""
    shown = list(values)[-width:] if width > 0 else []
    most = max(shown, default=0) or 1
    return "".join(HEIGHTS[value * (len(HEIGHTS) - 1) // most] for value in shown)


def rule(title: str, width: int, right: str = "") -> Text:
    """A line across, with what follows below it, and a remark at its end where there is room."""
    line = Text.assemble(("─ ", DIM), (title, BOLD), " ")
    end = f" {right} ─" if right and len(line) + len(right) + 4 <= width else ""
    return line.append("─" * max(width - len(line) - len(end), 0), DIM).append(end, DIM)


def row(widths: Sequence[int], columns: Sequence[str], style: str = "") -> Text:
    """Columns of fixed widths; what is too long is cut."""
    fields = (f"{text:<{width}.{width}}" for text, width in zip(columns, widths, strict=True))
    return Text(f" {' '.join(fields)}", style)


def sides(left: Text, right: Text, width: int) -> Text:
    """One text on the left, the other on the right; where both have no room, only the left one."""
    between = width - len(left) - len(right)
    return left.append(" " * between).append_text(right) if between > 0 else left


def beside(left: Text, right: Text, width: int) -> Text:
    """Two texts, the second one beginning after `width` characters."""
    left.truncate(width)
    return left.append(" " * (width - len(left))).append_text(right)
