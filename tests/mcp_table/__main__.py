"""Install, run, print, compare."""

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path

from tests.mcp_table import expected
from tests.mcp_table.installed import install
from tests.mcp_table.rows import Played, Row, Tell, client_rows, server_rows


def words(about: str, played: Played) -> str:
    """What a client said, for people."""
    lines = [about]
    for when, said in (
        ("before", played.before),
        ("in it", played.shown),
        ("after", played.after),
    ):
        text = "it hangs" if said.is_hanging else " ".join(said.text.split())[:600]
        lines.append(f"  {when}: {'works' if said.ok else 'fails'}: {text}")
    return "\n".join(lines)


async def run(folder: Path, only: str, tell: Tell) -> list[Row]:
    began = time.monotonic()
    place = await install(folder)
    print(f"installed after {time.monotonic() - began:.0f} s", flush=True)
    rows = await client_rows(place, "http", only, tell)
    print(f"through authproxy run after {time.monotonic() - began:.0f} s", flush=True)
    rows += await client_rows(place, "stdio", only, tell)
    print(f"through authproxy mcp after {time.monotonic() - began:.0f} s", flush=True)
    rows += await server_rows(place, only, tell)
    print(f"all after {time.monotonic() - began:.0f} s\n", flush=True)
    return sorted(rows, key=lambda row: row[0].startswith("server"))


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/mcp_table", description=__doc__)
    parser.add_argument("--write", action="store_true", help="keep what comes out as expected")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="install there, once")
    parser.add_argument("--only", default="", metavar="WORD", help="rows about that")
    parser.add_argument("--say", action="store_true", help="print what each client said")
    given = parser.parse_args()
    played: dict[str, Played] = {}
    with tempfile.TemporaryDirectory(prefix="mcp-table-") as temporary:
        rows = asyncio.run(run(given.keep or Path(temporary), given.only, played.__setitem__))
    known = expected.read(expected.FILE.read_text() if expected.FILE.exists() else "")
    print(expected.write(rows, known))
    if given.write:
        kept = (
            []
            if not given.only
            else [(about, each.outcome) for about, each in known.items() if about not in dict(rows)]
        )
        expected.FILE.write_text(expected.write([*rows, *kept], known))
        return 0
    found = expected.differences(rows, known)
    print(*found.values(), sep="\n")
    print(*(words(about, played[about]) for about in (played if given.say else found)), sep="\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
