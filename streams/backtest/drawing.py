"""What the figures of a report share: paper, colours, and bytes of a PNG."""

import io
from collections.abc import Callable
from datetime import UTC, datetime, tzinfo
from typing import Final

from matplotlib import dates
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from streams.core.civil import HOUR_MS

INK: Final = "#1f2933"
USUAL: Final = "#1f6f8b"
ALERT: Final = "#c8501e"
COUNT: Final = "#9fb3c8"
PALE: Final = "#e4e7eb"
_DPI: Final = 110


def paper(width: float, height: float) -> Figure:
    """An empty figure, inches."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def plain(axes: Axes, title: str, x: str = "", y: str = "") -> None:
    """A title at the left, names of the axes, no box."""
    axes.set_title(title, loc="left", fontsize=10, color=INK)
    axes.set_xlabel(x, fontsize=8, color=INK)
    axes.set_ylabel(y, fontsize=8, color=INK)
    axes.tick_params(labelsize=8, colors=INK)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def dated(axes: Axes, zone: tzinfo) -> None:
    """Days and hours of the jurisdiction's clock along x, as few as fit."""
    locator = dates.AutoDateLocator(tz=zone, maxticks=8)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(dates.ConciseDateFormatter(locator, tz=zone))  # type: ignore[no-untyped-call]


def day_number(at_ms: int) -> float:
    """An instant as matplotlib counts days."""
    return float(dates.date2num(datetime.fromtimestamp(at_ms / 1000, UTC)))  # type: ignore[no-untyped-call]


def hour_number(hour: int) -> float:
    """The beginning of an hour since the epoch, likewise."""
    return day_number(hour * HOUR_MS)


def png(draw: Callable[[], Figure]) -> bytes:
    """A figure as PNG, the same bytes for the same figure."""
    buffer = io.BytesIO()
    draw().savefig(buffer, format="png", dpi=_DPI, metadata={"Software": None})
    return buffer.getvalue()
