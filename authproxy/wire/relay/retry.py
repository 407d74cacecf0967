"""Retries of one exchange: the choice whether to send it again, or to answer by ourselves.

The rules that need no exchange are in `policy.retry`: methods that may go again, and pauses.
"""

import asyncio
import random
from typing import Protocol

from authproxy.errors import AuthProxyError, ClosedEarly, Code, UpstreamError
from authproxy.exchange import ResponseHead, Token
from authproxy.policy.google.rejection import is_scaling_up, is_token_rejection
from authproxy.policy.google.sign_in import REDIRECTS
from authproxy.policy.messages.rpc import Rpc, find_rpc
from authproxy.policy.retry import IDEMPOTENT, may_resend, pause_s
from authproxy.wire import refusals
from authproxy.wire.admission.admission import Admission
from authproxy.wire.mcp.refusing import McpRequest, asked_of
from authproxy.wire.recorder import Recorder
from authproxy.wire.relay.answer_heads import add_lines
from authproxy.wire.relay.interfaces import Client
from authproxy.wire.upstream.connection import ServiceConnection
from authproxy.wire.upstream.mismatch import silence_hint


class Retrying(McpRequest, Protocol):
    """An exchange whose answer, or whose way to the service, was not what it should be."""

    recorder: Recorder
    admission: Admission
    token: Token
    target: bytes
    age_s: float
    connect_tries: int
    had_another_token: bool

    @property
    def client(self) -> Client:
        """Who gets the answer."""

    @property
    def is_open(self) -> bool:
        """It has not ended."""

    @property
    def is_replayable(self) -> bool:
        """We still have all that the client has sent."""

    def leave_service(self) -> None:
        """Give up the connection to the service."""

    def refuse(self, error: AuthProxyError, /) -> None:
        """Answer by ourselves."""

    def send_with_token(self) -> None:
        """Send the request, at once if a token is at hand."""

    def fetch_token(self) -> None:
        """Send the request once there is a new token."""

    def flush(self) -> None:
        """Let go what was written to the service."""

    def wait_in_line(self) -> None:
        """Send the request with the next connection that is free."""


RETRIED_STATUSES = (302, 303, 307, 401, 429, 503)
"""Statuses that Google's front end gives without asking the service, and redirects to sign in."""

CONNECT_TRIES = 3


def goes_again(relay: Retrying, service: ServiceConnection | None) -> bool:
    """Is the request sent once more, since `service`, which had rested, was gone without a word?"""
    if service is None or not service.went_stale or not may_go_again(relay):
        return False
    relay.recorder.again(relay.exchange, Code.UPSTREAM_BROKE)
    # Not on another idle one: that may have been closed in the same moment.
    relay.wait_in_line()
    return True


def find_another(relay: Retrying, head: ResponseHead, begun: bytes) -> bool:
    """Is the answer `head` not for the client, since there is another instead, or will be?

    `begun`: its body, as far as it came with the head.
    """
    if head.status in RETRIED_STATUSES and try_after(relay, head):
        return True
    instead = relay.client.server.explainer.find_refusal(
        relay.exchange, relay.upstream, relay.token, head, begun=begun, path=relay.target
    )
    if instead is None:
        return False
    relay.leave_service()
    relay.refuse(instead)
    return True


def add_hint(relay: Retrying, head: ResponseHead, begun: bytes) -> None:
    """Add to `head`, which has been written but not sent, what there is to say about it."""
    hint = relay.client.server.explainer.find_hint(
        relay.exchange, relay.upstream, relay.token, head, begun=begun, path=relay.target
    )
    if hint:
        add_lines(relay.client.out, b"X-Authproxy-Hint: %b\r\n" % hint)


def guess(relay: Retrying) -> str:
    """What else may be wrong with a service that closed a new connection without a word."""
    is_grpc = find_rpc(relay.head) is Rpc.GRPC
    return silence_hint(relay.upstream.origin, is_grpc=is_grpc)


def with_guess(relay: Retrying, error: AuthProxyError) -> AuthProxyError:
    """`error`, and what else may be wrong if it is such a service's."""
    return refusals.closed_early(guess(relay)) if isinstance(error, ClosedEarly) else error


def try_after(relay: Retrying, head: ResponseHead) -> bool:
    """Is the answer `head` not for the client, since there will be another?"""
    if head.status in REDIRECTS:
        instead = relay.client.server.explainer.find_instead(
            relay.exchange, relay.upstream, relay.token, head, relay.admission.home
        )
        if instead is not None:
            relay.leave_service()
            relay.refuse(instead)
        return instead is not None
    if head.status == 401:
        # Asked first: whatever comes of this request, the next one is to have another token.
        if not _may_try_another_token(relay, head) or not relay.is_replayable:
            return False
        relay.had_another_token = True
        relay.recorder.again(relay.exchange, head.status)
        relay.leave_service()
        relay.fetch_token()
        return True
    if not (relay.is_replayable and is_scaling_up(head) and _is_safe(relay)):
        return False
    pause = pause_s(relay.exchange.attempts, random.random())  # noqa: S311 -- jitter, not a secret
    if relay.age_s + pause > relay.client.server.timeouts.scale_up:
        return False
    relay.recorder.again(relay.exchange, head.status)
    relay.leave_service()
    _send_later(relay, pause)
    return True


def may_go_again(relay: Retrying) -> bool:
    """Can it be sent once more, although the service may have got it?"""
    if not relay.is_replayable:
        return False
    return may_resend(relay.exchange.attempts, is_safe=_is_safe(relay))


def try_to_connect(relay: Retrying, error: AuthProxyError) -> bool:
    """Is it worth another try to connect? Nothing was sent, so any request may have one."""
    if not (isinstance(error, UpstreamError) and error.passing):
        return False
    relay.connect_tries += 1
    if relay.connect_tries >= CONNECT_TRIES:
        return False
    _send_later(relay, pause_s(relay.connect_tries, random.random()))  # noqa: S311 -- jitter
    return True


def _is_safe(relay: Retrying) -> bool:
    """May it be sent twice? Asked of what we still have whole."""
    return relay.head.method in IDEMPOTENT or asked_of(relay).changes_nothing


def _may_try_another_token(relay: Retrying, head: ResponseHead) -> bool:
    """Google's front end turned this token down, and a new one may do."""
    return (
        is_token_rejection(head)
        and not relay.had_another_token
        and relay.admission.tokens.reject(relay.token)
    )


def _send_later(relay: Retrying, pause: float) -> None:
    tasks = relay.client.server.tasks
    tasks.spawn(_wait_and_send(relay, pause), name=f"another try for {relay.upstream.name}")


async def _wait_and_send(relay: Retrying, pause: float) -> None:
    await asyncio.sleep(pause)
    if relay.is_open:
        relay.send_with_token()
        relay.flush()
