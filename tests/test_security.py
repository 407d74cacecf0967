"""What docs/security.md promises is held by tests, and these are there."""

import re
from pathlib import Path

TESTS = Path(__file__).parent
SECURITY = TESTS.parent / "docs" / "security.md"


def test_every_test_that_the_security_page_names_exists() -> None:
    named = set(re.findall(r"`(test_\w+)`", SECURITY.read_text()))
    source = "\n".join(path.read_text() for path in TESTS.rglob("test_*.py"))
    existing = set(re.findall(r"^(?:async )?def (test_\w+)\(", source, re.MULTILINE))

    assert set() == named - existing


def test_every_threat_on_the_security_page_names_the_test_that_holds_it() -> None:
    rows = [line for line in SECURITY.read_text().splitlines() if line.startswith("| ")]
    headings = {"| it tries to", "| they try to", "| what could be in them"}
    threats = [row for row in rows if row.split(" |")[0] not in headings]

    assert [] == [row for row in threats if "`test_" not in row.split("|")[3]]
