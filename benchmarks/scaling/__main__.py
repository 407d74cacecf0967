"""Simulate the fleets of docs/scaling.md and print its tables; with --write put them there."""

import sys
from collections.abc import Sequence
from pathlib import Path

from authproxy.bounds import LimitSettings
from benchmarks.scaling.fleet import Plan, simulate
from benchmarks.scaling.google import CREDENTIALS_PER_MINUTE, EXCHANGES_PER_MINUTE
from benchmarks.scaling.table import connections, table

PAGE = Path(__file__).parent.parent.parent / "docs" / "scaling.md"
BEGIN, END = "<!-- {}: begin -->", "<!-- {}: end -->"
REPLICAS = (1, 10, 100, 1_000, 10_000)

PLANS = (
    *(Plan(replicas=n, services=1, per_minute=CREDENTIALS_PER_MINUTE) for n in REPLICAS),
    *(Plan(replicas=n, services=10, per_minute=CREDENTIALS_PER_MINUTE) for n in REPLICAS[2:]),
    Plan(replicas=10_000, services=10, per_minute=CREDENTIALS_PER_MINUTE, start_s=300),
    *(Plan(replicas=n, services=1, per_minute=EXCHANGES_PER_MINUTE) for n in REPLICAS[2:]),
    Plan(replicas=10_000, services=1, per_minute=EXCHANGES_PER_MINUTE, start_s=300),
    Plan(replicas=1_000, services=10, per_minute=EXCHANGES_PER_MINUTE),
)


def tables() -> dict[str, str]:
    """By the name of their place in the page."""
    most = LimitSettings().connections_per_service
    return {
        "mints": table([simulate(plan) for plan in PLANS]),
        "connections": connections(REPLICAS, (1, 20, 200), most),
    }


def put(page: str, name: str, content: str) -> str:
    begin, end = BEGIN.format(name), END.format(name)
    before, after = page.split(begin)[0], page.split(end)[1]
    return f"{before}{begin}\n\n{content}\n\n{end}{after}"


def main(arguments: Sequence[str]) -> None:
    made = tables()
    if "--write" not in arguments:
        print("\n\n".join(made.values()))
        return
    page = PAGE.read_text()
    for name, content in made.items():
        page = put(page, name, content)
    PAGE.write_text(page)


if __name__ == "__main__":
    main(sys.argv[1:])
