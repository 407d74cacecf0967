"""Judges a report of pip-audit: PINS REPORT SAID, where SAID is what it wrote on stderr.

pip-audit ends well, with "No known vulnerabilities found", when it could not ask about anything: a
package that its service does not know, or that nobody answered about, is skipped. So the packages
that were really audited are counted, and must be those that are pinned.
"""

import json
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CLEAN, FOUND, UNREACHABLE = 0, 1, 69
"""Exit codes; 69 is EX_UNAVAILABLE of sysexits.h."""
_SEPARATORS = re.compile(r"[-_.]+")
SHOWN = 10


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What came of an audit."""

    code: int
    lines: tuple[str, ...]


def pinned_names(text: str) -> set[str]:
    """Of a file of `NAME==VERSION` lines, each name in one spelling."""
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    return {_spelled(line.partition("==")[0]) for line in lines if line}


def judge(report: str, pinned: Iterable[str], said: str = "") -> Verdict:
    """`report` is pip-audit's JSON, perhaps empty; `said` is what it wrote besides."""
    wanted = {_spelled(name) for name in pinned}
    dependencies = _dependencies(report)
    audited = {_spelled(each["name"]) for each in dependencies if "vulns" in each}
    found = [line for each in dependencies for line in _weaknesses(each)]
    if found:
        return Verdict(code=FOUND, lines=(f"{len(found)} known weaknesses:", *found))
    if not audited:
        why = (said.strip().splitlines() or ["every package was skipped"])[-1]
        return Verdict(
            code=UNREACHABLE,
            lines=(
                f"could not audit: none of {len(wanted)} packages was asked about. This is no proof"
                " that they are without weaknesses.",
                f"pip-audit says: {_skipped(dependencies) or why[:300]}",
            ),
        )
    missing = sorted(wanted - audited)
    if missing:
        names = ", ".join(missing[:SHOWN]) + (", …" if len(missing) > SHOWN else "")
        asked = f"{len(wanted) - len(missing)} of {len(wanted)}"
        return Verdict(code=FOUND, lines=(f"only {asked} packages were audited: not {names}",))
    return Verdict(code=CLEAN, lines=(f"{len(audited)} packages audited, no known weakness.",))


def _dependencies(report: str) -> list[Mapping[str, Any]]:
    try:
        found = list(json.loads(report)["dependencies"])
    except (ValueError, KeyError, TypeError):
        return []
    return [each for each in found if isinstance(each, dict) and isinstance(each.get("name"), str)]


def _weaknesses(dependency: Mapping[str, Any]) -> list[str]:
    return [
        f"{dependency['name']} {dependency.get('version', '')}: {each.get('id', 'without a name')};"
        f" mended in {', '.join(each.get('fix_versions') or ['no version yet'])}"
        for each in dependency.get("vulns") or ()
    ]


def _skipped(dependencies: Iterable[Mapping[str, Any]]) -> str:
    return next((str(each["skip_reason"]) for each in dependencies if "skip_reason" in each), "")


def _spelled(name: str) -> str:
    return _SEPARATORS.sub("-", name.strip()).lower()


def main(pins: str, report: str, said: str) -> int:
    verdict = judge(
        Path(report).read_text(), pinned_names(Path(pins).read_text()), Path(said).read_text()
    )
    print("\n".join(f"audit: {line}" for line in verdict.lines), file=sys.stderr)
    return verdict.code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
