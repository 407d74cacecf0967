"""docs/reliability.md promises nothing without a test that is there."""

import re
from pathlib import Path

import pytest

from authproxy.wire import lost_peers

TESTS = Path(__file__).parent
PAGE = (TESTS.parent / "docs/reliability.md").read_text()
TABLE = PAGE.partition("| What happens")[2].partition("\n\n")[0]
ROWS = TABLE.splitlines()[2:]
NAMED = re.compile(r"`(\S+\.py) -k (test_\w+)` \|$")


@pytest.mark.parametrize("row", ROWS, ids=[row[2:40] for row in ROWS])
def test_each_promise_names_a_test_that_is_there(row: str) -> None:
    found = NAMED.search(row)

    assert found is not None, row
    file, name = found.groups()
    assert re.search(rf"^(async )?def {name}\(", (TESTS / file).read_text(), re.MULTILINE), row


def test_each_injected_fault_has_its_row() -> None:
    files = sorted(TESTS.glob("e2e/test_faults_*.py"))
    tests = {name for file in files for name in re.findall(r"def (test_\w+)\(", file.read_text())}

    assert len(files) > 1
    assert tests == tests & {name for _, name in map(named, ROWS)}


def named(row: str) -> tuple[str, str]:
    found = NAMED.search(row)
    assert found is not None
    return found[1], found[2]


def test_the_figures_for_peers_that_are_gone_are_those_of_the_code() -> None:
    probes = lost_peers.PROBE_AFTER_S + lost_peers.PROBES * lost_peers.PROBE_EVERY_S

    assert f"| The service is let go | {probes} s |" in PAGE
    assert f"| {lost_peers.LOST_AFTER_S:g} s of silence |" in PAGE
