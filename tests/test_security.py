"""What docs/security.md and docs/identity.md promise is held by tests, and these are there."""

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
SECURITY, IDENTITY = (TESTS.parent / "docs" / name for name in ("security.md", "identity.md"))


@pytest.mark.parametrize("page", [SECURITY, IDENTITY])
def test_every_test_that_a_page_names_exists(page: Path) -> None:
    named = set(re.findall(r"`(test_\w+)`", page.read_text()))
    source = "\n".join(path.read_text() for path in TESTS.rglob("test_*.py"))
    existing = set(re.findall(r"^(?:async )?def (test_\w+)\(", source, re.MULTILINE))

    assert set() == named - existing


def test_every_failure_on_the_identity_page_names_the_test_that_holds_it() -> None:
    sections = IDENTITY.read_text().split("## What is said when it fails")[1]
    rows = [line for line in sections.splitlines() if line.startswith("| ")]
    failures = [row for row in rows if not row.startswith(("| what happened", "| what |"))]

    assert [] == [row for row in failures if "`test_" not in row.split("|")[3]]


def test_every_threat_on_the_security_page_names_the_test_that_holds_it() -> None:
    rows = [line for line in SECURITY.read_text().splitlines() if line.startswith("| ")]
    headings = {"| it tries to", "| they try to", "| what they try", "| what could be in them"}
    threats = [row for row in rows if row.split(" |")[0] not in headings]

    assert [] == [row for row in threats if "`test_" not in row.split("|")[3]]
