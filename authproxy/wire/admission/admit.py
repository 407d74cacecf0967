"""Before anything is sent: who is calling, which service do they want, and with whose token?"""

from typing import TYPE_CHECKING

from authproxy.errors import AuthProxyError, Refused
from authproxy.policy.access.targets import split_target
from authproxy.wire import refusals

if TYPE_CHECKING:
    from authproxy.wire.relay.relay import Relay


def admit(relay: "Relay") -> None:
    """Let `relay` send its request, at once if a token is at hand; or have it refuse."""
    try:
        method = relay.head.method
        if method not in refusals.ORDINARY_METHODS:
            refusals.check_method(method)
        if relay.facts.max_forwards == 0 and method == b"OPTIONS":
            raise relay.client.caller.refusal or refusals.last_hop()
        host = relay.facts.host
        if relay.target[0] != _SLASH:
            relay.target, host = split_target(method, relay.target, host)
        relay.exchange.host = host or b""
        caller = relay.client.caller
        route = caller.admit(relay.head, relay.facts, host, relay.target)
        limit = relay.client.server.limits.body_bytes
        if limit and (relay.facts.length or 0) > limit:
            raise refusals.body_too_large(limit)
    except Refused as refusal:
        relay.exchange.client = relay.client.caller.address
        relay.refuse(refusal)
        return
    upstream = relay.upstream = route.service
    relay.exchange.service, relay.exchange.client = upstream.name, caller.address
    if caller.key is not None:
        relay.exchange.key = caller.key.name
    if route.moves:
        relay.target = route.sent(relay.target)
    send(relay)


def send(relay: "Relay") -> None:
    """Let an admitted `relay` send its request, at once if a token is at hand."""
    token = relay.upstream.tokens.current()
    if token is None:
        fetch_token(relay)
    else:
        relay.send(token)


def fetch_token(relay: "Relay") -> None:
    """Let `relay` send its request once there is a token."""
    tasks = relay.client.server.tasks
    tasks.spawn(_await_token(relay), name=f"token for {relay.upstream.name}")


async def _await_token(relay: "Relay") -> None:
    try:
        token = await relay.upstream.tokens.get()
    except AuthProxyError as error:
        relay.refuse(error)
        return
    except Exception:
        relay.refuse(refusals.no_token())
        raise
    if relay.is_open:
        relay.client.caller.settle()
        relay.send(token)
        relay.flush()


_SLASH = ord("/")
