"""The table of metrics on the operator's page: `python -m tests.metrics.table` writes it there anew."""

import re
from pathlib import Path

from streams.metrics import ALL

PAGE = Path(__file__).resolve().parents[2] / "docs" / "operating.md"
PLACE = re.compile(r"(<!-- metrics: [^>]*-->\n).*?(<!-- end of metrics -->)", re.S)


def table() -> str:
    """Every metric as a row."""
    rows = [
        f"| `{metric.name}` | {metric.kind} | {', '.join(f'`{label}`' for label in metric.labels) or '–'} | {metric.help} |"
        for metric in ALL
    ]
    return "\n".join(["| metric | kind | labels | meaning |", "|---|---|---|---|", *rows, ""])


def page_with(made: str) -> str:
    """The page with this table in it."""
    return PLACE.sub(lambda found: found[1] + made + found[2], PAGE.read_text())


if __name__ == "__main__":
    PAGE.write_text(page_with(table()))
