"""Makes the checks, one after the other, each within a deadline; nothing they meet gets further."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from authproxy.commands.doctor.connection import check_connection, check_dns
from authproxy.commands.doctor.credentials import check_credentials, check_gcloud, check_metadata
from authproxy.commands.doctor.report import (
    Check,
    Finding,
    Report,
    Result,
    Status,
    failed,
    not_run,
)
from authproxy.commands.doctor.service import check_lookup, check_probe, check_role
from authproxy.commands.doctor.subject import Subject
from authproxy.commands.doctor.tokens import check_claims, check_token
from authproxy.errors import AuthProxyError, StartError
from authproxy.identity.redaction import unforeseen

DEADLINE_S = 60.0
"""Longer than any check's own; what takes this long has been forgotten somewhere."""

NO_SERVICE = "no service was named"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A check of a service."""

    check: Check
    run: Callable[[Subject], Awaitable[Result]]
    needs: Sequence[Check] = ()
    """It is not run unless these are over and have not failed."""
    at_service: bool = False
    """Whether it takes a service."""


STEPS = (
    Step(check=Check.LOOKUP, run=check_lookup, at_service=True),
    Step(check=Check.DNS, run=check_dns, needs=(Check.LOOKUP,), at_service=True),
    Step(check=Check.CONNECTION, run=check_connection, needs=(Check.DNS,), at_service=True),
    Step(check=Check.CREDENTIALS, run=check_credentials),
    Step(check=Check.METADATA, run=check_metadata, needs=(Check.CREDENTIALS,)),
    Step(check=Check.GCLOUD, run=check_gcloud, needs=(Check.CREDENTIALS,)),
    Step(check=Check.TOKEN, run=check_token, needs=(Check.LOOKUP, Check.METADATA, Check.GCLOUD)),
    Step(check=Check.CLAIMS, run=check_claims, needs=(Check.TOKEN,), at_service=True),
    Step(
        check=Check.PROBE,
        run=check_probe,
        needs=(Check.CONNECTION, Check.TOKEN),
        at_service=True,
    ),
    Step(check=Check.ROLE, run=check_role, needs=(Check.PROBE,), at_service=True),
)
"""In this order."""


async def examine(
    subjects: Sequence[Subject],
    check_clock: Callable[[], Awaitable[Result]],
    *,
    steps: Sequence[Step] = STEPS,
    deadline_s: float = DEADLINE_S,
) -> Report:
    """All checks of all services, the clock's first."""
    with _quiet():
        clock = await _made(check_clock(), deadline_s)
        findings = [Finding(check=Check.CLOCK, result=clock)]
        for subject in subjects:
            findings += await _examine_one(subject, steps, deadline_s)
    urls = {each.title: each.service.address for each in subjects if each.is_somewhere}
    return Report(findings=findings, urls=urls)


async def _examine_one(
    subject: Subject, steps: Sequence[Step], deadline_s: float
) -> Sequence[Finding]:
    results: dict[Check, Result] = {}
    by_name = subject.service.is_nowhere
    for step in steps:
        if step.check is Check.LOOKUP and not by_name:
            continue
        hindered = _find_hindrance(step, subject, results)
        results[step.check] = hindered or await _made(step.run(subject), deadline_s)
    name = subject.title if subject.is_somewhere else ""
    return [Finding(check=check, result=got, service=name) for check, got in results.items()]


def _find_hindrance(step: Step, subject: Subject, results: Mapping[Check, Result]) -> Result | None:
    if step.at_service and not subject.is_somewhere:
        return not_run(NO_SERVICE)
    for check in step.needs:
        if check not in results:
            continue
        if results[check].status is Status.FAILED:
            return not_run(f"{check} failed")
        if results[check].status is Status.NOT_RUN:
            return results[check]
    return None


async def _made(check: Awaitable[Result], deadline_s: float) -> Result:
    try:
        async with asyncio.timeout(deadline_s):
            return await check
    except (AuthProxyError, StartError) as error:
        return failed(str(error), error.hint)
    except TimeoutError:
        late = f"it did not finish within {deadline_s:g} seconds"
        return failed(late, "Is the network very slow?")
    except Exception as error:  # noqa: BLE001 -- a doctor does not fall ill himself
        wrong = unforeseen("the check", error)
        return failed(wrong.message, wrong.hint)


@contextmanager
def _quiet() -> Iterator[None]:
    """What is logged on the way is in the findings too, in fewer words."""
    root, silent = logging.getLogger(), logging.NullHandler()
    root.addHandler(silent)
    try:
        yield
    finally:
        root.removeHandler(silent)
