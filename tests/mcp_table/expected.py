"""What is expected, in a file that people read: a line for each row, and what it is to become.

what | way | client = outcome               it is as it should be
what | way | client = outcome -> wanted     it is like this today
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

FILE = Path(__file__).parent / "expected.txt"
HEAD = """\
# What real MCP clients make of trouble; `scripts/mcp_table --write` writes it.
# An arrow leads to what is wanted, where that does not hold yet.
"""


HELPED = "hint, next works"


@dataclass(frozen=True, slots=True)
class Expected:
    outcome: str
    wanted: str = ""


def read(text: str) -> dict[str, Expected]:
    """By what it is about."""
    found = {}
    for line in text.splitlines():
        about, equals, rest = line.partition(" = ")
        if equals and not line.startswith("#"):
            outcome, _, wanted = rest.partition(" -> ")
            found[about] = Expected(outcome.strip(), wanted.strip())
    return found


def write(rows: Sequence[tuple[str, str]], before: dict[str, Expected]) -> str:
    """What came out; what is wanted stays, until it has come."""
    lines = []
    for about, outcome in rows:
        wanted = before[about].wanted if about in before else _wanted(about)
        arrow = f" -> {wanted}" if wanted and wanted != outcome else ""
        lines.append(f"{about} = {outcome}{arrow}\n")
    return HEAD + "".join(lines)


def differences(rows: Sequence[tuple[str, str]], expected: dict[str, Expected]) -> dict[str, str]:
    """What came out otherwise, also where it is better, and what is not in the file: said of
    each, by what it is about."""
    found = {}
    for about, outcome in rows:
        known = expected.get(about)
        if known is None:
            found[about] = f"{about}: {outcome}, and nothing is expected"
        elif known.outcome != outcome:
            is_wanted = " (as wanted: write it down)" if known.wanted == outcome else ""
            found[about] = f"{about}: {outcome}, not {known.outcome}{is_wanted}"
    return found


def _wanted(about: str) -> str:
    """Every refusal is to be readable and to pass, whatever the client."""
    trouble, way, _ = about.split(" | ")
    is_refused = trouble != "works" and "restart" not in trouble
    return HELPED if way == "run" and is_refused else ""
