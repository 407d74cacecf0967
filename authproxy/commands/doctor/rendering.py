"""A report as text for people, and as JSON for programs."""

import json
from collections.abc import Iterator

from authproxy.commands.doctor.report import Finding, Report, Status

GREEN, RED, DIM, PLAIN = "\x1b[32m", "\x1b[31m", "\x1b[2m", "\x1b[0m"

_COLOURS = {
    Status.OK: GREEN,
    Status.FAILED: RED,
    Status.NOT_RUN: DIM,
    Status.NOT_NEEDED: DIM,
}
_STATUS_WIDTH = max(len(status) for status in Status)
_CHECK_WIDTH = 11
_FIX_INDENT = " " * (2 + _STATUS_WIDTH + 2 + _CHECK_WIDTH + 2)


def as_text(report: Report, *, colour: bool) -> str:
    """A line for each check, and the fix under the first that failed."""
    return "\n".join(_lines(report, colour))


def as_json(report: Report) -> str:
    """One object, with every finding in order."""
    first = report.first_failure
    shown = {
        "ok": first is None,
        "exit_code": report.exit_code,
        "first_failure": first and _values(first),
        "services": dict(report.urls),
        "checks": [_values(finding) for finding in report.findings],
    }
    return json.dumps(shown, indent=2, ensure_ascii=False)


def _values(finding: Finding) -> dict[str, str | None]:
    return {
        "service": finding.service or None,
        "check": finding.check.value,
        "status": finding.result.status.value,
        "message": finding.result.message,
        "fix": finding.result.fix or None,
    }


def _lines(report: Report, colour: bool) -> Iterator[str]:
    first, service = report.first_failure, ""
    for finding in report.findings:
        if finding.service != service:
            service = finding.service
            yield ""
            yield f"{service} {report.urls[service]}" if service in report.urls else service
        yield _line(finding, colour)
        if finding is first and finding.result.fix:
            todo = _painted("What to do:", RED, colour)
            yield f"{_FIX_INDENT}{todo} {_plain(finding.result.fix)}"
    yield ""
    yield _summary(first)


def _line(finding: Finding, colour: bool) -> str:
    result = finding.result
    status = _painted(f"{result.status.value:<{_STATUS_WIDTH}}", _COLOURS[result.status], colour)
    return f"  {status}  {finding.check.value:<{_CHECK_WIDTH}}  {_plain(result.message)}"


def _summary(first: Finding | None) -> str:
    if first is None:
        return "Nothing is wrong."
    of = f" of {first.service}" if first.service else ""
    return f"Fix {first.check.value}{of} first; it may be the cause of the rest."


def _plain(text: str) -> str:
    """Files, tokens and servers say who they are; none of them shall steer a terminal."""
    return "".join(char if char.isprintable() else "?" for char in text)


def _painted(text: str, code: str, colour: bool) -> str:
    return f"{code}{text}{PLAIN}" if colour else text
