"""After a 101: bytes both ways, whatever they mean.

No WebSocket library is involved, so extensions, close codes and pings pass untouched.
"""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Protocol

from authproxy.exchange import Exchange, ResponseHead
from authproxy.policy.messages.facts import RequestFacts, ResponseFacts
from authproxy.policy.messages.headers import upgrade_head
from authproxy.settings import TimeoutSettings
from authproxy.wire import refusals
from authproxy.wire.admission.admission import Admission
from authproxy.wire.observing import Hooks
from authproxy.wire.recorder import Recorder
from authproxy.wire.relay.interfaces import Client
from authproxy.wire.status import Kind
from authproxy.wire.transport import reset, resume
from authproxy.wire.upstream.connection import ServiceConnection
from authproxy.wire.upstream.upstream import Upstream


class TunnelEnd(asyncio.Protocol):
    """One end of a tunnel; bytes that it receives are written to the other."""

    __slots__ = ("bytes_received", "other", "transport", "tunnel")

    transport: asyncio.Transport
    other: "TunnelEnd"

    def __init__(self, tunnel: "Tunnel") -> None:
        self.tunnel = tunnel
        self.bytes_received = 0

    def data_received(self, data: bytes) -> None:
        self.bytes_received += len(data)
        self.tunnel.silent_s = 0.0
        self.other.transport.write(data)

    def pause_writing(self) -> None:
        self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        resume(self.other.transport)

    def eof_received(self) -> bool:
        # TLS cannot be closed by half, and in a tunnel nobody waits for that.
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        if exc is None:
            self.other.transport.close()
        else:
            reset(self.other.transport)
        self.tunnel.end()

    def __repr__(self) -> str:
        return f"<TunnelEnd [{self.bytes_received} bytes received]>"


class ToldEnd(TunnelEnd):
    """One whose bytes observers want to hear."""

    __slots__ = ("_hear",)

    def __init__(self, tunnel: "Tunnel", hear: Callable[[bytes], None]) -> None:
        super().__init__(tunnel)
        self._hear = hear

    def data_received(self, data: bytes) -> None:
        self._hear(data)
        super().data_received(data)


class Tunnel:
    """Both ends, as the server sees them: something open that can be ticked, drained and cut."""

    __slots__ = (
        "_admission",
        "_caller",
        "_ended",
        "_exchange",
        "_server",
        "_timeouts",
        "client_end",
        "service_end",
        "silent_s",
    )

    def __init__(self, client: Client, exchange: Exchange, admission: Admission) -> None:
        self._server = client.server
        self._caller = client.caller
        self._exchange = exchange
        self._admission = admission
        self._timeouts = admission.service.timeouts
        self._ended = False
        self.silent_s = 0.0
        asked = self._server.recorder
        self.client_end = self._end(asked.request_pieces, asked.request_piece)
        self.service_end = self._end(asked.answer_pieces, asked.answer_piece)
        self.client_end.other, self.service_end.other = self.service_end, self.client_end

    def _end(self, asked: Hooks, tell: Callable[[Exchange, bytes], None]) -> TunnelEnd:
        return ToldEnd(self, partial(self._tell, tell)) if asked else TunnelEnd(self)

    def _tell(self, tell: Callable[[Exchange, bytes], None], data: bytes) -> None:
        if not self._ended:
            tell(self._exchange, data)

    def open(self, client: Client, service: ServiceConnection, rest: bytes) -> None:
        """Take both transports over; what the client sent ahead goes to the service, and `rest`,
        which the service sent, to the client."""
        self._server.opened(self, client.caller.address)
        self.client_end.transport = client.transport
        self.service_end.transport = service.transport
        service.hand_over(self.service_end)
        ahead = client.hand_over(self.client_end)
        if ahead:
            self.client_end.data_received(ahead)
        if client.is_congested:
            self.client_end.pause_writing()
        if rest:
            self.service_end.data_received(rest)

    def end(self) -> None:
        """One side closed, then the other, when all that it was to get has gone out."""
        if self._ended:
            self._server.closed(self)
            # Or both would wait for the garbage collector, with the buffers of TLS in them.
            del self.client_end.transport, self.service_end.transport
            return
        self._ended = True
        received = self.client_end.bytes_received, self.service_end.bytes_received
        self._server.recorder.ended(self._exchange, *received)

    def tick(self, seconds: float, timeouts: TimeoutSettings) -> None:
        self.silent_s += seconds
        if self.silent_s > (self._timeouts or timeouts).stream_idle:
            self.cut()

    @property
    def idle_s(self) -> float:
        """A tunnel is never idle: what its silence means only its sides know."""
        return 0.0

    kind: Kind = "tunnel"
    in_flight = 1

    def recheck(self) -> None:
        self._caller.look_again()
        loss = None if self._ended else self._caller.find_loss(self._admission)
        if loss is not None:
            self._server.recorder.left(self._exchange, "authproxy", loss.detail)
            self.cut()

    def drain(self) -> None:
        """Nothing: a tunnel goes on until its sides end it or the time to drain is up."""

    def cut(self) -> None:
        if not self._ended:
            self._server.recorder.left(self._exchange, "authproxy")
        self.client_end.transport.abort()
        self.service_end.transport.abort()

    time_is_up = cut

    def __repr__(self) -> str:
        return f"<Tunnel {self._exchange.request_id} [{'ended' if self._ended else 'open'}]>"


class Switching(Protocol):
    """An exchange whose service has switched the protocol."""

    exchange: Exchange
    facts: RequestFacts
    recorder: Recorder
    admission: Admission
    upstream: Upstream

    @property
    def client(self) -> Client:
        """Who has asked for that."""


def switch(
    relay: Switching,
    service: ServiceConnection,
    head: ResponseHead,
    facts: ResponseFacts,
    rest: bytes,
) -> None:
    """Pass the 101 on; from here on both sides are a tunnel. `rest` came behind it.

    Raises UpstreamError if nobody asked for that protocol.
    """
    check_switch(relay.facts, facts)
    client, exchange, recorder = relay.client, relay.exchange, relay.recorder
    recorder.answered(exchange, head.status)
    client.out.append(upgrade_head(head, facts, relay.admission.home))
    if recorder.heads:
        recorder.answer_head(exchange, head, client.out[-1])
    recorder.tunnel_opened(exchange)
    Tunnel(client, exchange, relay.admission).open(client, service, rest)


def check_switch(request: RequestFacts, response: ResponseFacts) -> None:
    """Raises UpstreamError for a 101 to what the client did not ask for (RFC 9110 7.8)."""
    asked, switched = _protocols(request.upgrade), _protocols(response.upgrade)
    if not switched or not switched <= asked or b"upgrade" not in response.connection:
        raise refusals.service_broke("a 101 for a protocol that the client did not ask for")


def _protocols(value: bytes | None) -> frozenset[bytes]:
    return frozenset(part.strip().lower() for part in (value or b"").split(b",") if part.strip())
