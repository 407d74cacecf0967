"""The service's side of an exchange: one connection to a service, HTTP/1.1.

Bytes come in, are taken apart by a reader, and what was found goes to the exchange in the same
iteration of the loop. Between exchanges the connection rests in the pool.
"""

import asyncio
import logging
from typing import Protocol, cast

from authproxy.errors import UpstreamError
from authproxy.exchange import ResponseHead
from authproxy.policy.messages.facts import ResponseFacts
from authproxy.policy.messages.headers import response_head
from authproxy.settings import LimitSettings
from authproxy.times import Opening
from authproxy.values import Origin
from authproxy.wire import refusals
from authproxy.wire.http1 import response_reader
from authproxy.wire.http1.heads import HeadError
from authproxy.wire.http1.response_reader import ResponseReader
from authproxy.wire.read_holds import CONGESTED, ReadHolds
from authproxy.wire.transport import resume, send
from authproxy.wire.upstream.mismatch import find_mismatch

logger = logging.getLogger(__name__)


class Client(Protocol):
    """The other end of an exchange, as far as a connection to a service has to do with it."""

    out: list[bytes]
    """What is to be written to it."""
    transport: asyncio.Transport

    @property
    def holds(self) -> ReadHolds:
        """Why nothing is read from it."""


class Exchanging(response_reader.Receiver, Protocol):
    """The exchange that a connection serves: hears what the answer holds, and how it broke off."""

    @property
    def client(self) -> Client:
        """Who the answer is written to, and who is held back while the service takes no more."""

    def service_gone(self, reason: str) -> None:
        """The connection ended before the answer did."""

    def service_broke(self, error: UpstreamError) -> None:
        """What came is no answer; the connection has been cut."""


class Owner(Protocol):
    """Pool of a connection, as the connection sees it."""

    origin: Origin
    limits: LimitSettings

    def opened(self, connection: "ServiceConnection", /) -> None:
        """It stands; it will say `lost` once."""

    def put(self, connection: "ServiceConnection", /) -> None:
        """Its exchange ended in good order."""

    def lost(self, connection: "ServiceConnection", /) -> None:
        """It ended, or carries no more exchanges."""


class ServiceConnection(asyncio.Protocol):
    """The service's bytes on one side, an exchange's orders on the other."""

    __slots__ = (
        "_congested",
        "_heard",
        "_on_hold",
        "_pool",
        "_reader",
        "_written",
        "_written_of",
        "early_error",
        "is_here",
        "opening",
        "out",
        "relay",
        "reused",
        "transport",
        "usable",
    )

    transport: asyncio.Transport

    def __init__(self, pool: Owner) -> None:
        self._pool = pool
        self.relay: Exchanging | None = None
        self.out: list[bytes] = []
        self.opening: Opening | None = None
        """How it was opened; None until it is."""
        self.reused = False
        """It has served an exchange or been idle, so the service may have closed it since."""
        self.early_error: UpstreamError | None = None
        """What is wrong with a service that spoke before it was asked anything."""
        self.is_here = False
        """It leads to this machine."""
        self._heard = False
        self._on_hold = False
        self.usable = True
        """Nothing has been said against another exchange; see also `is_usable`."""
        self._congested = False
        self._written = b""
        self._written_of: ResponseHead | None = None
        """The head that stands in that, for a client who needs nothing else said."""
        self._reader = ResponseReader(
            head_bytes=pool.limits.head_bytes, max_fields=pool.limits.headers
        )

    # What the relay orders.

    @property
    def is_usable(self) -> bool:
        """Fit for another exchange, as far as can be seen."""
        return self.usable and self._reader.may_follow and not self.transport.is_closing()

    @property
    def went_stale(self) -> bool:
        """Idle before, and not a byte was heard since: the service had most likely closed it."""
        return self.reused and not self._heard

    @property
    def was_silent(self) -> bool:
        """New, and not a byte was heard."""
        return not self.reused and not self._heard

    def begin(self, relay: Exchanging, method: bytes, *, hold: bool) -> None:
        """Serve `relay` until it ends; `hold`: its client cannot take more yet.

        `method` is that of the request.
        """
        self.relay = relay
        self._reader.begin(method)
        self._heard = False
        if hold:
            self.hold(True)
        if self._congested:
            relay.client.holds.set(CONGESTED, True)

    def hold(self, on: bool) -> None:
        """Stop reading from the service, or go on."""
        if on is self._on_hold:
            return
        self._on_hold = on
        if on:
            self.transport.pause_reading()
        else:
            resume(self.transport)

    def end(self) -> None:
        """The exchange is over on both sides: rest in the pool, or close."""
        self.relay = None
        self.reused = True
        self.usable = self.usable and self._reader.may_follow
        if self._on_hold:
            self.hold(False)
        self._pool.put(self)

    def abandon(self) -> None:
        """Cut off whatever is under way."""
        self._leave_exchange()
        self.usable = False
        self.transport.abort()

    def close(self) -> None:
        self.usable = False
        self.transport.close()

    def write_plain(self, head: ResponseHead, facts: ResponseFacts) -> bytes:
        """The head for a client who needs nothing else said, written once while the service repeats
        itself; empty where it names an address or the body does not pass as it comes."""
        if head is not self._written_of:
            is_plain = facts.length is not None and not (facts.is_local or facts.is_event_stream)
            self._written = response_head(head, facts, chunked=False) if is_plain else b""
            self._written_of = head
        return self._written

    def flush(self) -> None:
        if self.out:
            send(self.out, self.transport)

    def hand_over(self, protocol: asyncio.Protocol) -> None:
        """Leave the transport to a tunnel."""
        self.relay = None
        self.usable = False
        self.flush()
        self.transport.set_protocol(protocol)
        self._pool.lost(self)

    # What the transport tells.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # A cast: aiofastnet's transports have asyncio's methods, not its classes.
        self.transport = cast(asyncio.Transport, transport)
        self._pool.opened(self)

    def data_received(self, data: bytes) -> None:
        relay = self.relay
        if relay is None:
            # Nobody asked: an answer to no request must not become the answer to the next.
            if not self.reused:
                reason = "it spoke before it was asked"
                found = find_mismatch(data, self._pool.origin, reason, http2=False)
                self.early_error = found or refusals.service_broke(reason)
            self.close()
            return
        self._heard = True
        try:
            self._reader.feed(relay, data)
        except HeadError as error:
            found = None
            if not self._reader.has_head and not self.reused:
                found = find_mismatch(data, self._pool.origin, str(error), http2=False)
            self._broke(relay, found or refusals.service_broke(str(error)))
        except UpstreamError as failure:
            self._broke(relay, failure)
        except Exception:
            logger.exception("an answer could not be handled")
            self._broke(relay, refusals.service_broke("an internal error"))
        client = relay.client
        if client.out:
            send(client.out, client.transport)

    def eof_received(self) -> bool:
        relay = self.relay
        if relay is not None and self._reader.end(relay):
            client = relay.client
            if client.out:
                send(client.out, client.transport)
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self.usable = False
        self._pool.lost(self)
        relay = self._leave_exchange()
        if relay is not None:
            relay.service_gone(str(exc or "the service closed the connection"))

    def pause_writing(self) -> None:
        self._congested = True
        if self.relay is not None:
            self.relay.client.holds.set(CONGESTED, True)

    def resume_writing(self) -> None:
        self._congested = False
        if self.relay is not None:
            self.relay.client.holds.set(CONGESTED, False)

    def _leave_exchange(self) -> Exchanging | None:
        """Another connection may serve it: its client is not held back for this one any more."""
        relay, self.relay = self.relay, None
        if relay is not None and self._congested:
            relay.client.holds.set(CONGESTED, False)
        return relay

    def _broke(self, relay: Exchanging, error: UpstreamError) -> None:
        self.abandon()
        relay.service_broke(error)

    def __repr__(self) -> str:
        state = "busy" if self.relay is not None else "idle" if self.usable else "closed"
        return f"<ServiceConnection {self._pool.origin} [{state}]>"
