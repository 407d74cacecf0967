"""An answer of our own to an MCP request over HTTP/1.1: it has to name the request's id.

That is in the body, and clients send that after the head, often in a packet of its own. So such an
answer waits for the rest of a small body, but not long.
"""

from collections.abc import Sequence
from typing import Protocol

from authproxy.errors import AuthProxyError, Code
from authproxy.exchange import Exchange, RequestHead
from authproxy.policy.mcp.forms import Form, find_form, is_told, may_batch
from authproxy.policy.mcp.jsonrpc import MAX_BYTES, RpcBody, read_asked
from authproxy.policy.messages.facts import RequestFacts
from authproxy.wire.admission.caller import Caller
from authproxy.wire.mcp_replies import Telling
from authproxy.wire.read_holds import EARLY
from authproxy.wire.upstream.connection import Client
from authproxy.wire.upstream.upstream import Upstream

WAIT_S = 5.0
"""For the rest of a request that is refused."""
NOT_WAITED_WITH = frozenset([Code.BODY_TOO_LARGE, Code.SHUTTING_DOWN])
"""What is said at once: there is no time, or nobody wants to see more of the body."""


class Kept(Protocol):
    """A request's body, as far as it has come."""

    is_whole: bool
    pieces: list[bytes]


class Guest(Client, Protocol):
    """A client's connection, and who it is."""

    caller: Caller


class McpRequest(Protocol):
    """An exchange that will have no answer of the service's."""

    head: RequestHead
    facts: RequestFacts
    exchange: Exchange
    upstream: Upstream
    received_all: bool

    @property
    def unsaid(self) -> AuthProxyError | None:
        """What is to be said once the request has come in; None: nothing waits for that."""

    @property
    def kept(self) -> Kept | None:
        """The request's body, as far as it has come; None while nothing has, or no more is kept."""

    @property
    def client(self) -> Guest:
        """Who gets the answer."""


def waits(relay: McpRequest, error: AuthProxyError) -> bool:
    """Is `error` to be said later? From then on whatever comes ends the wait, or adds to the body.

    Nothing is waited for that need not be said in words of MCP, or that is too long for it.
    """
    if relay.received_all or relay.unsaid is not None or error.code in NOT_WAITED_WITH:
        return False
    if _form(relay, error) is not Form.CALL:
        return False
    too_long = (relay.facts.length or 0) > MAX_BYTES or not (
        relay.kept is None or relay.kept.is_whole
    )
    # Who expects to be told to go on sends nothing before that (RFC 9110 10.1.1).
    if too_long or any(lower == b"expect" for lower, _, _ in relay.head.headers):
        return False
    relay.client.holds.set(EARLY, False)
    return True


def find_telling(relay: McpRequest, error: AuthProxyError) -> Telling | None:
    """How the client is to be told of `error`; None: as everybody."""
    form = _form(relay, error)
    if form is None:
        return None
    asked = _known(relay) if form is Form.CALL else RpcBody()
    return None if asked is None else Telling(form=form, asked=asked)


def asked_of(relay: McpRequest) -> RpcBody:
    """The messages of a POST to a service that may be an MCP server; nothing where it is not."""
    is_call = relay.upstream.mcp and find_form(relay.head) is Form.CALL
    return (_known(relay) if is_call else None) or RpcBody()


def _form(relay: McpRequest, error: AuthProxyError) -> Form | None:
    is_admitted = bool(relay.exchange.service)
    is_on = relay.upstream.mcp if is_admitted else relay.client.caller.tells_mcp
    return form_of(error, relay.exchange, is_on=is_on)


def form_of(error: AuthProxyError, exchange: Exchange, *, is_on: bool) -> Form | None:
    """In what way an MCP client is to be told of `error`; None: not as MCP has it.

    `is_on`: whether that is wanted at all.
    """
    form = find_form(exchange.head) if is_on else None
    if form is None:
        return None
    is_admitted = bool(exchange.service)
    return form if is_told(error, form, exchange.head, is_admitted=is_admitted) else None


def _known(relay: McpRequest) -> RpcBody | None:
    """None for a body that is no MCP message."""
    if not relay.received_all or (relay.kept is not None and not relay.kept.is_whole):
        return RpcBody()
    pieces = relay.kept.pieces if relay.kept is not None else []
    return asked_in(relay.head, pieces)


def asked_in(head: RequestHead, pieces: Sequence[bytes]) -> RpcBody | None:
    """What the whole body of a request says; None for what is no MCP message.

    The batch of a version that has none gets an error, but one that answers nothing in it.
    """
    if sum(map(len, pieces)) > MAX_BYTES:
        return RpcBody()
    asked = read_asked(b"".join(pieces))
    if asked is not None and asked.is_batch and not may_batch(head):
        return RpcBody()
    return asked
