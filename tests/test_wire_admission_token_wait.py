"""Who waits for a token hears of it once, or why there is none."""

from typing import Any, cast

import pytest

from authproxy.errors import AuthProxyError, CredentialError
from authproxy.exchange import NO_TOKEN, Token
from authproxy.policy.messages.headers import service_rules
from authproxy.tasks import Tasks
from authproxy.wire.admission.admission import NOWHERE, Admission
from authproxy.wire.admission.token_wait import fetch_token
from authproxy.wire.refusals import no_token
from authproxy.wire.upstream.upstream import Upstream


class Waiting:
    def __init__(self) -> None:
        self.told: list[object] = []

    def token_came(self, token: Token) -> None:
        self.told.append(token)

    def no_token(self, error: AuthProxyError) -> None:
        self.told.append(error.message)


class Tokens:
    """Has a token, or raises what it was given."""

    def __init__(self, error: Exception | None = None) -> None:
        self._error = error

    async def get(self) -> Token:
        if self._error is not None:
            raise self._error
        return NO_TOKEN


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (None, NO_TOKEN),
        (CredentialError("None."), "None."),
        (ZeroDivisionError("a fault of ours"), no_token().message),
    ],
)
async def test_the_waiter_hears_what_came(error: Exception | None, told: object) -> None:
    tasks, waiter = Tasks(), Waiting()
    unused = cast(Any, None)
    rules = service_rules(authority="billing.example", token_header="auto")
    upstream = Upstream("billing", unused, rules, unused, unused, None)
    tokens = cast(Any, Tokens(error))
    admission = Admission(upstream, tokens, b"/", b"", None, "", NOWHERE, b"", b"")
    fetch_token(admission, waiter, tasks)
    await tasks.settle(1)

    assert [told] == waiter.told
