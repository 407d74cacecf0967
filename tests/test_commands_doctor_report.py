import pytest

from authproxy.commands.doctor.report import (
    EXIT_CODES,
    Check,
    Finding,
    Report,
    failed,
    not_needed,
    not_run,
    ok,
)


def test_every_check_has_an_exit_code_of_its_own_beside_those_of_all_commands() -> None:
    assert list(Check) == list(EXIT_CODES)
    assert list(range(10, 21)) == sorted(EXIT_CODES.values())


@pytest.mark.parametrize("check", Check)
def test_the_first_failure_says_the_exit_code(check: Check) -> None:
    findings = [
        Finding(check=Check.CLOCK, result=not_run("x")),
        Finding(check=Check.DNS, result=not_needed("x")),
        Finding(check=Check.DNS, result=ok("x")),
        Finding(check=check, result=failed("x", "y"), service="a"),
        Finding(check=Check.ROLE, result=failed("x", "y"), service="b"),
    ]
    report = Report(findings=findings, urls={})

    assert (findings[3], EXIT_CODES[check]) == (report.first_failure, report.exit_code)


def test_without_a_failure_all_is_well() -> None:
    report = Report(findings=[Finding(check=Check.CLOCK, result=not_run("x"))], urls={})

    assert (None, 0) == (report.first_failure, report.exit_code)
