"""What scripts/audit makes of pip-audit's reports, which are handed in."""

import json
import runpy
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
SCRIPT = runpy.run_path(str(ROOT / "scripts" / "audit.py"))
PINNED = ["aiohttp", "Jinja2", "ruamel.yaml"]


def report(*dependencies: dict[str, Any]) -> str:
    return json.dumps({"dependencies": list(dependencies), "fixes": []})


def audited(name: str, *weaknesses: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "version": "1.0", "vulns": list(weaknesses)}


def skipped(name: str) -> dict[str, Any]:
    return {"name": name, "skip_reason": f"Dependency not found on PyPI: {name} (1.0)"}


def judged(text: str, said: str = "") -> tuple[int, str]:
    verdict = SCRIPT["judge"](text, PINNED, said)
    return verdict.code, "\n".join(verdict.lines)


def test_all_that_is_pinned_and_clean_is_clean() -> None:
    found = judged(report(audited("aiohttp"), audited("jinja2"), audited("ruamel-yaml")))

    assert (0, "3 packages audited, no known weakness.") == found


def test_a_package_that_was_skipped_is_no_clean_one() -> None:
    found = judged(report(audited("aiohttp"), skipped("jinja2"), audited("ruamel-yaml")))

    assert (1, "only 2 of 3 packages were audited: not jinja2") == found


def test_a_package_that_is_not_in_the_report_is_no_clean_one() -> None:
    found = judged(report(audited("aiohttp"), audited("other"), audited("another")))

    assert (1, "only 1 of 3 packages were audited: not jinja2, ruamel-yaml") == found


def test_a_weakness_is_told_with_the_version_that_mends_it() -> None:
    weakness = {"id": "PYSEC-2026-1", "fix_versions": ["1.1", "2.0"]}
    code, said = judged(
        report(audited("aiohttp", weakness, {"id": "X", "fix_versions": []}), skipped("jinja2"))
    )

    assert code == 1
    assert [
        "2 known weaknesses:",
        "aiohttp 1.0: PYSEC-2026-1; mended in 1.1, 2.0",
        "aiohttp 1.0: X; mended in no version yet",
    ] == said.splitlines()


def test_a_report_in_which_all_is_skipped_is_no_audit() -> None:
    """pip-audit calls it "No known vulnerabilities found" and ends with 0."""
    code, said = judged(report(*map(skipped, PINNED)), "No known vulnerabilities found")

    assert code == 69
    assert "could not audit: none of 3 packages was asked about" in said
    assert "pip-audit says: Dependency not found on PyPI: aiohttp (1.0)" in said


@pytest.mark.parametrize("text", ["", "no JSON", "[]", '{"dependencies": null}', report()])
def test_without_a_report_what_was_said_last_is_told(text: str) -> None:
    code, said = judged(text, "Traceback\nConnectionError: api.osv.dev\n")

    assert code == 69
    assert said.endswith("pip-audit says: ConnectionError: api.osv.dev")


def test_it_ends_with_the_code_of_its_verdict(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, text in {
        "pins": "aiohttp==3.0\n# a comment\n",
        "report": report(audited("aiohttp")),
        "said": "",
    }.items():
        (tmp_path / name).write_text(text)

    code = SCRIPT["main"](*(str(tmp_path / name) for name in ("pins", "report", "said")))

    assert (0, "audit: 1 packages audited, no known weakness.\n") == (code, capsys.readouterr().err)


def test_each_pin_counts_once() -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()

    assert len([line for line in lines if line]) == len(SCRIPT["pinned_names"]("\n".join(lines)))
