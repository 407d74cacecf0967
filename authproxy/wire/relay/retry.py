"""Answers that are not for the client: the request is sent once more, or there is a better one."""

import asyncio
import random
from typing import TYPE_CHECKING

from authproxy.errors import AuthProxyError, UpstreamError
from authproxy.exchange import ResponseHead
from authproxy.policy.google.rejection import is_scaling_up, is_token_rejection
from authproxy.policy.google.sign_in import REDIRECTS
from authproxy.policy.retry import IDEMPOTENT, pause_s
from authproxy.wire.admission import admit

if TYPE_CHECKING:
    from authproxy.wire.relay.relay import Relay

SECOND_THOUGHTS = (302, 303, 307, 401, 429, 503)
"""What Google's front end may say without having asked the service, and redirects to sign in."""

CONNECT_TRIES = 3


def try_after(relay: "Relay", head: ResponseHead) -> bool:
    """Is the answer `head` not for the client, since there will be another?"""
    if head.status in REDIRECTS:
        instead = relay.client.server.explainer.find_instead(
            relay.exchange, relay.upstream, relay.token, head, relay.client.caller.home
        )
        if instead is not None:
            relay.leave_service()
            relay.refuse(instead)
        return instead is not None
    if not relay.is_replayable:
        return False
    if head.status == 401:
        if not _may_try_another_token(relay, head):
            return False
        relay.had_another_token = True
        relay.leave_service()
        admit.fetch_token(relay)
        return True
    if not (is_scaling_up(head) and relay.head.method in IDEMPOTENT):
        return False
    pause = pause_s(relay.exchange.attempts, random.random())  # noqa: S311 -- jitter, not a secret
    if relay.age_s + pause > relay.client.server.timeouts.scale_up:
        return False
    relay.leave_service()
    _send_later(relay, pause)
    return True


def try_to_connect(relay: "Relay", error: AuthProxyError) -> bool:
    """Is it worth another try to connect? Nothing was sent, so any request may have one."""
    if not (isinstance(error, UpstreamError) and error.passing):
        return False
    relay.connect_tries += 1
    if relay.connect_tries >= CONNECT_TRIES:
        return False
    _send_later(relay, pause_s(relay.connect_tries, random.random()))  # noqa: S311 -- jitter
    return True


def _may_try_another_token(relay: "Relay", head: ResponseHead) -> bool:
    """Google's front end turned this token down, and a new one may do."""
    return (
        is_token_rejection(head)
        and not relay.had_another_token
        and relay.upstream.tokens.reject(relay.token)
    )


def _send_later(relay: "Relay", pause: float) -> None:
    tasks = relay.client.server.tasks
    tasks.spawn(_wait_and_send(relay, pause), name=f"another try for {relay.upstream.name}")


async def _wait_and_send(relay: "Relay", pause: float) -> None:
    await asyncio.sleep(pause)
    if relay.is_open:
        admit.send(relay)
        relay.flush()
