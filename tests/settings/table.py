"""The table of settings in the README: `python -m tests.settings.table` writes it there anew."""

import re
from pathlib import Path

from streams.settings import load_with_origins
from streams.settings.showing import Shown, shown_settings

PAGE = Path(__file__).resolve().parents[2] / "README.md"
PLACE = re.compile(r"(<!-- settings: [^>]*-->\n).*?(<!-- end of settings -->)", re.S)
OF_A_TOPIC = re.compile(r"topics\.[\w-]+\.(partitions|retention)")


def table() -> str:
    """Every field as a row; those of one topic stand for those of all."""
    rows: dict[str, str] = {}
    for shown in shown_settings(load_with_origins(None, {})):
        name = OF_A_TOPIC.sub(r"topics.NAME.\1", shown.field)
        default = "see Topics" if name != shown.field and name.endswith("retention") else _default(shown)
        rows.setdefault(name, f"| `{name}` | {default} | {shown.help} |")
    return "\n".join(["| field | default | meaning |", "|---|---|---|", *rows.values(), ""])


def _default(shown: Shown) -> str:
    value = shown.value
    if value in ("", [], {}):
        return "–"
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return f"`{text.lower() if isinstance(value, bool) else text}`"


def page_with(made: str) -> str:
    """The page with this table in it."""
    return PLACE.sub(lambda found: found[1] + made + found[2], PAGE.read_text())


if __name__ == "__main__":
    PAGE.write_text(page_with(table()))
