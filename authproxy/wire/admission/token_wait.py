"""Waits for a service's token, where none is at hand, for whoever wants to send with it."""

from typing import Protocol

from authproxy.errors import AuthProxyError
from authproxy.exchange import Token
from authproxy.tasks import Tasks
from authproxy.wire import refusals
from authproxy.wire.admission.admission import Admission


class TokenWaiter(Protocol):
    """Hears one of the two, later; it may be over by then."""

    def token_came(self, token: Token, /) -> None:
        """Send with this one."""

    def no_token(self, error: AuthProxyError, /) -> None:
        """There is none: refuse."""


def fetch_token(admission: Admission, waiter: TokenWaiter, tasks: Tasks) -> None:
    """Let `waiter` hear when there is a token for what was admitted, or why there is none."""
    tasks.spawn(_wait(admission, waiter), name=f"token for {admission.service.name}")


async def _wait(admission: Admission, waiter: TokenWaiter) -> None:
    try:
        token = await admission.tokens.get()
    except AuthProxyError as error:
        waiter.no_token(error)
    except Exception:
        waiter.no_token(refusals.no_token())
        raise
    else:
        waiter.token_came(token)
