import asyncio
from collections.abc import Awaitable, Callable

import pytest

from authproxy.commands.doctor.report import (
    Check,
    Result,
    Status,
    failed,
    not_needed,
    not_run,
    ok,
)
from authproxy.commands.doctor.runner import STEPS, Step, examine
from authproxy.commands.doctor.subject import NOWHERE, Subject
from authproxy.errors import CredentialError, StartError
from authproxy.identity.machine import Machine
from tests.support.configuring import URL, settings

Run = Callable[[Subject], Awaitable[Result]]


def subject(url: str = URL) -> Subject:
    found = settings(urls=[f"a={url}"])
    return Subject(name="a", service=found.services["a"], settings=found, machine=Machine({}))


async def clock() -> Result:
    return ok("ticks")


def giving(result: Result | Exception) -> Run:
    async def run(_subject: Subject) -> Result:
        if isinstance(result, Exception):
            raise result
        return result

    return run


async def found(*steps: Step, url: str = URL, deadline_s: float = 60) -> list[Result]:
    """Of the steps, without the clock."""
    report = await examine([subject(url)], clock, steps=steps, deadline_s=deadline_s)
    assert ok("ticks") == report.findings[0].result
    return [finding.result for finding in report.findings[1:]]


def test_every_check_of_a_service_is_made_in_order_after_those_that_it_needs() -> None:
    assert [check for check in Check if check is not Check.CLOCK] == [step.check for step in STEPS]
    seen: set[Check] = set()
    for step in STEPS:
        assert set(step.needs) <= seen
        seen.add(step.check)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (ok("x"), ok("y")),
        (not_needed("x"), ok("y")),
        (failed("x", "z"), not_run("dns failed")),
        (not_run("x"), not_run("x")),
    ],
)
async def test_a_check_is_run_unless_what_it_needs_failed(first: Result, second: Result) -> None:
    assert [first, second] == await found(
        Step(check=Check.DNS, run=giving(first)),
        Step(check=Check.CONNECTION, run=giving(ok("y")), needs=(Check.DNS,)),
    )


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (CredentialError("No.", hint="Do."), failed("No.", "Do.")),
        (StartError("No.", hint="Do."), failed("No.", "Do.")),
    ],
)
async def test_a_known_error_is_a_failure_with_its_hint(error: Exception, expected: Result) -> None:
    assert [expected] == await found(Step(check=Check.DNS, run=giving(error)))


async def test_an_unforeseen_error_is_a_failure_without_its_text() -> None:
    [result] = await found(Step(check=Check.DNS, run=giving(KeyError("hunter2"))))

    assert Status.FAILED is result.status
    assert result.message.startswith("the check failed unexpectedly (KeyError at ")


async def test_a_check_that_hangs_is_a_failure() -> None:
    async def hang(_subject: Subject) -> Result:
        await asyncio.Event().wait()
        raise AssertionError

    assert [failed("it did not finish within 0 seconds", "Is the network very slow?")] == (
        await found(Step(check=Check.DNS, run=hang), deadline_s=0)
    )


async def test_without_a_service_only_what_needs_none_is_run() -> None:
    steps = (
        Step(check=Check.DNS, run=giving(ok("x")), at_service=True),
        Step(check=Check.TOKEN, run=giving(ok("y"))),
    )
    report = await examine([subject(NOWHERE)], clock, steps=steps)

    assert [ok("ticks"), not_run("no service was named"), ok("y")] == [
        finding.result for finding in report.findings
    ]
    assert ({""}, {}) == ({finding.service for finding in report.findings}, report.urls)
