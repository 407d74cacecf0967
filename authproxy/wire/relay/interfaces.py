"""Protocols of an exchange, of its client's connection and of the server, for each other."""

import asyncio
from collections.abc import Sequence
from typing import Protocol

from authproxy.errors import AuthProxyError
from authproxy.exchange import Exchange, Field, RequestHead
from authproxy.policy.messages.facts import RequestFacts
from authproxy.settings import LimitSettings, TimeoutSettings
from authproxy.tasks import Tasks
from authproxy.wire.admission.admission import Admission
from authproxy.wire.admission.caller import Caller
from authproxy.wire.interfaces import Register
from authproxy.wire.loops import Loops
from authproxy.wire.recorder import Recorder
from authproxy.wire.relay.hints import Explainer
from authproxy.wire.upstream import connection
from authproxy.wire.upstream.upstream import Upstream


class Server(Register, Protocol):
    """The server, as its exchanges see it."""

    limits: LimitSettings
    timeouts: TimeoutSettings
    tasks: Tasks
    """What waits for something; ends with the server."""
    explainer: Explainer
    recorder: Recorder
    loops: Loops


class ClientExchange(Protocol):
    """An exchange, as its client's connection sees it."""

    head: RequestHead
    facts: RequestFacts
    exchange: Exchange
    received_bytes: int
    answer_bytes: int
    """Of content."""
    keep_alive: bool
    """The client may send another request on this connection."""
    target: bytes
    """What the service is asked for."""
    upstream: Upstream
    admission: Admission
    """Set when it was admitted, as everything about its service."""
    cors: bytes
    """The lines that let a page of an allowed origin read the answer."""


class AnswerBody(Protocol):
    """Writes an answer's body that does not pass as it comes."""

    def add(self, data: bytes, /) -> None:
        """A piece of it."""

    def finish(self, trailers: Sequence[Field], /) -> None:
        """It has come in whole."""

    def break_off(self, exchange: Exchange, error: AuthProxyError, /, *, is_empty: bool) -> bool:
        """End it with `error`; False where that cannot be said. `is_empty`: nothing was added."""

    def drain(self) -> None:
        """End it as soon as it can be."""


class Client(connection.Client, Protocol):
    """A client's connection, as an exchange sees it."""

    @property
    def server(self) -> Server:
        """What all connections of the process share."""

    caller: Caller
    is_congested: bool
    """It reads slower than we write."""

    def is_turn_of(self, relay: ClientExchange, /) -> bool:
        """True while what is written is read as this request's answer, not as one's before it."""

    def flush(self) -> None:
        """Send what has been written."""

    def ended(self, relay: ClientExchange, /) -> None:
        """The exchange is over in good order: go on with the next request, or close."""

    def linger(self, relay: ClientExchange, /) -> None:
        """The exchange is over, though the client still sends: let it read, then close."""

    def abort(self, relay: ClientExchange, /) -> None:
        """The answer broke off: cut the client off, so that it cannot take it for whole."""

    def hand_over(self, protocol: asyncio.Protocol, /) -> bytes:
        """Leave the transport to a tunnel; what the client sent ahead is returned."""
