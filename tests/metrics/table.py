"""The tables of metrics, on the operator's page and in the README: `python -m tests.metrics.table` writes them anew."""

import re
from pathlib import Path

from streams.metrics import ALL

ROOT = Path(__file__).resolve().parents[2]
PAGE, README = ROOT / "docs" / "operating.md", ROOT / "README.md"
PLACE = re.compile(r"(<!-- metrics: [^>]*-->\n).*?(<!-- end of metrics -->)", re.S)


def table() -> str:
    """Every metric as a row."""
    rows = [
        f"| `{metric.name}` | {metric.kind} | {', '.join(f'`{label}`' for label in metric.labels) or '–'} | {metric.help} |"
        for metric in ALL
    ]
    return "\n".join(["| metric | kind | labels | meaning |", "|---|---|---|---|", *rows, ""])


def short_table() -> str:
    """Every metric as a row, without what it means."""
    rows = [
        f"| `{metric.name}` | {metric.kind} | {', '.join(f'`{label}`' for label in metric.labels) or '–'} |"
        for metric in ALL
    ]
    return "\n".join(["| metric | kind | labels |", "|---|---|---|", *rows, ""])


def page_with(made: str, page: Path = PAGE) -> str:
    """A page with this table in it."""
    return PLACE.sub(lambda found: found[1] + made + found[2], page.read_text())


if __name__ == "__main__":
    PAGE.write_text(page_with(table()))
    README.write_text(page_with(short_table(), README))
