"""Prints the table of settings for docs/configuration.md; with --write puts it there,
and the JSON Schema beside config.example.toml."""

import ast
import inspect
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from authproxy.commands.setup import schema
from authproxy.config.readers.old_names import OLD_NAMES, OldName
from authproxy.config.readers.setting_names import EVERY, FLAGS, PATHS, TABLES, VARIABLES, model_of
from authproxy.tables.field import FieldInfo
from authproxy.tables.frozen import Frozen

PAGE = Path(__file__).parent.parent / "docs" / "configuration.md"
SCHEMA = Path(__file__).parent.parent / "authproxy.schema.json"
BEGIN, END = "<!-- settings: begin -->", "<!-- settings: end -->"
SPELLED = {"--access-log": "--access-log, --no-access-log"}


def texts(model: type[Frozen]) -> dict[str, str]:
    """The sentence beneath each field."""
    body = ast.parse(inspect.getsource(model)).body[0]
    assert isinstance(body, ast.ClassDef)
    found = {}
    for field, text in zip(body.body, body.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(text, ast.Expr):
            found[ast.unparse(field.target)] = str(ast.literal_eval(text.value))
    return found


def shown(name: str, field: FieldInfo) -> str:
    if name == "socket_mode":  # as for chmod, in octal
        return f'`"{field.default:04o}"`'
    if field.is_required:
        return "required"
    value = field.default
    if value is None:
        return "–"
    if isinstance(value, tuple):
        return f"`{json.dumps([str(item) for item in value])}`"
    return f"`{json.dumps(value if isinstance(value, bool | int | float) else str(value))}`"


def row(path: tuple[str, ...]) -> str:
    model = model_of(path)
    flag = next((flag for flag, at in FLAGS.items() if at == path), "")
    variable = next((name for name, at in VARIABLES.items() if at == path), "")
    if path[0] in TABLES and not variable:
        variable = f"AUTHPROXY_{path[0].upper()}_NAME_{path[-1].upper()}"
    cells = (
        f"`{path[-1]}`",
        f"`{SPELLED.get(flag, flag)}`" if flag else "",
        f"`{variable}`",
        shown(path[-1], model.model_fields[path[-1]]),
        texts(model)[path[-1]],
    )
    return f"| {' | '.join(cells)} |"


def table() -> str:
    lines: list[str] = []
    above: tuple[str, ...] | None = None
    for path in sorted(PATHS, key=lambda path: (len(path) > 1, path[0] != "services")):
        if path[:-1] != above:
            above = path[:-1]
            name = ".".join(above).replace(EVERY, "NAME")
            lines += ["", f"### `[{name}]`" if name else "### At the top of the file", ""]
            lines += ["| key | flag | variable | default | meaning |", "|---|---|---|---|---|"]
        lines.append(row(path))
    return "\n".join([*lines, "", "### Old names", "", *old_names(OLD_NAMES)]).strip()


def old_names(rows: Sequence[OldName]) -> list[str]:
    if not rows:
        return ["None yet."]
    lines = ["| old name | new name | since |", "|---|---|---|"]
    for row in rows:
        old, new = (".".join(path).replace(EVERY, "NAME") for path in (row.old, row.new))
        lines.append(f"| `{old}` | `{new}` | {row.since} |")
    return lines


def main() -> None:
    if "--write" not in sys.argv:
        print(table())
        return
    text = PAGE.read_text()
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    PAGE.write_text(f"{before}{BEGIN}\n\n{table()}\n\n{END}{after}")
    SCHEMA.write_text(f"{schema.as_json()}\n")


if __name__ == "__main__":
    main()
