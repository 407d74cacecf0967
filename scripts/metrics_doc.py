"""The table of metrics in docs/metrics.md, from their definitions: --write puts it there."""

import sys
from pathlib import Path

from authproxy.observe.metrics.definitions import DEFINITIONS

PAGE = Path(__file__).parents[1] / "docs" / "metrics.md"
BEGIN, END = "<!-- metrics: begin -->\n", "<!-- metrics: end -->\n"


def table() -> str:
    rows = ["| metric | type | labels | what it says |\n|---|---|---|---|\n"]
    for each in DEFINITIONS:
        labels = " ".join(f"`{label}`" for label in each.labels) or "–"
        rows.append(f"| `{each.name}` | {each.kind} | {labels} | {each.help} |\n")
    return "".join(rows)


def page(text: str) -> str:
    """`text` with the table of now."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}{table()}{END}{after}"


if __name__ == "__main__":
    text = page(PAGE.read_text())
    if "--write" in sys.argv:
        PAGE.write_text(text)
    sys.exit(text != PAGE.read_text())
