"""Findings of `authproxy doctor`: one for each check, in order, and what follows from them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Check(StrEnum):
    """In the order in which they are made: each rests on those before it."""

    CLOCK = "clock"
    LOOKUP = "lookup"
    """Made for a service by name only."""
    DNS = "dns"
    CONNECTION = "connection"
    CREDENTIALS = "credentials"
    METADATA = "metadata"
    GCLOUD = "gcloud"
    TOKEN = "token"
    CLAIMS = "claims"
    PROBE = "probe"
    ROLE = "role"


EXIT_CODES: Mapping[Check, int] = {
    Check.CLOCK: 10,
    Check.LOOKUP: 20,
    Check.DNS: 11,
    Check.CONNECTION: 12,
    Check.CREDENTIALS: 13,
    Check.METADATA: 14,
    Check.GCLOUD: 15,
    Check.TOKEN: 16,
    Check.CLAIMS: 17,
    Check.PROBE: 18,
    Check.ROLE: 19,
}
"""Of the first check that failed. 1 and 2 are as for every command."""


class Status(StrEnum):
    OK = "ok"
    FAILED = "failed"
    NOT_RUN = "not run"
    """It could not be made: an earlier one failed, or there was nothing to make it with."""
    NOT_NEEDED = "not needed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """Outcome of a check."""

    status: Status
    message: str
    fix: str = ""
    """What to do; for a failure only."""


def ok(message: str) -> Result:
    return Result(status=Status.OK, message=message)


def failed(message: str, fix: str) -> Result:
    return Result(status=Status.FAILED, message=message, fix=fix)


def not_run(why: str) -> Result:
    return Result(status=Status.NOT_RUN, message=why)


def not_needed(why: str) -> Result:
    return Result(status=Status.NOT_NEEDED, message=why)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """The result of one check of one service."""

    check: Check
    result: Result
    service: str = ""
    """Its name, and `as ACCOUNT` where keys act as one; empty for what is about this machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Findings about all services that were examined."""

    findings: Sequence[Finding]
    urls: Mapping[str, str]
    """Of the services, by name."""

    @property
    def first_failure(self) -> Finding | None:
        failures = (each for each in self.findings if each.result.status is Status.FAILED)
        return next(failures, None)

    @property
    def exit_code(self) -> int:
        first = self.first_failure
        return 0 if first is None else EXIT_CODES[first.check]
