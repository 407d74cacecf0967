"""The client's side: one connection to a listener, HTTP/1.1, any number of exchanges in turn.

What the reader finds becomes relays. Requests sent ahead wait in a queue, and no more is read.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Final, cast

from authproxy.errors import Refused
from authproxy.exchange import RequestHead
from authproxy.policy.messages.facts import RequestFacts
from authproxy.settings import TimeoutSettings
from authproxy.wire import refusals
from authproxy.wire.admission.caller import Caller
from authproxy.wire.client import rechecking
from authproxy.wire.client.first_bytes import Spoken, recognise
from authproxy.wire.client.interfaces import Server
from authproxy.wire.client.pipeline import Pipeline
from authproxy.wire.goodbye import FIRST_REQUEST_S, HEAD_GRACE_S, Goodbye
from authproxy.wire.http1.request_reader import RequestReader
from authproxy.wire.read_holds import ALL, CONGESTED, EARLY, SWITCH, ReadHolds
from authproxy.wire.relay.interfaces import ClientExchange
from authproxy.wire.relay.relay import Relay
from authproxy.wire.transport import reset, send

logger = logging.getLogger(__name__)


class ClientConnection(asyncio.Protocol):
    """A reader on one side, relays on the other."""

    __slots__ = (
        "_goodbye",
        "_head_age_s",
        "_idle_s",
        "_meet",
        "_reader",
        "_unsent",
        "caller",
        "holds",
        "is_congested",
        "is_new",
        "out",
        "pipeline",
        "server",
        "transport",
    )

    transport: asyncio.Transport
    kind: Final = "http1"
    caller: Caller

    def __init__(self, server: Server, meet: Callable[[asyncio.Transport], Caller]) -> None:
        self.server = server
        self._meet = meet
        self.out: list[bytes] = []
        self.is_congested = False
        self.is_new = True  # it has sent no request yet
        self.holds = ReadHolds()
        self._reader = RequestReader(self, server.limits)
        self.pipeline: Pipeline[Relay] = Pipeline(self._reader, self.holds)
        self._unsent = 0
        self._idle_s = self._head_age_s = 0.0
        self._goodbye: Goodbye | None = None

    # What the transport tells.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # aiofastnet's has its methods only
        self.holds.attach(self.transport)
        self.caller = self._meet(self.transport)
        refusal = self.server.opened(self, self.caller.address)
        if refusal is not None:
            self._reader.refuse(refusals.too_many_connections(refusal))

    def data_received(self, data: bytes) -> None:
        reader = self._reader
        if reader.is_deaf:
            return
        try:
            reader.feed(data)
        except Exception:
            logger.exception("a request could not be handled")
            self.transport.abort()
        if (relay := self.pipeline.current) and (service := relay.service) and service.out:
            send(service.out, service.transport)
        if self.out:
            send(self.out, self.transport)

    def eof_received(self) -> bool:
        # Who has closed its sending side is taken for gone, as nginx and Go do: it may be all of a
        # close. If it does still read, the part of an answer that it got must not look whole.
        relay = self.pipeline.current
        if relay is not None and relay.response is not None:
            reset(self.transport)
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._reader.is_deaf = True
        self.server.closed(self)
        for relay in self.pipeline.leave():
            relay.client_gone()

    def pause_writing(self) -> None:
        self.is_congested = True
        if self.pipeline.current is not None:
            self.pipeline.current.client_congested(True)

    def resume_writing(self) -> None:
        self.is_congested = False
        if self.pipeline.current is not None:
            self.pipeline.current.client_congested(False)
        self.pipeline.advance(self)

    # What the reader found.

    def request(self, head: RequestHead, facts: RequestFacts, has_body: bool) -> Relay:
        """A request's head is in: its turn is now, or after those before it."""
        relay = Relay(self, head, facts)
        relay.received_all = not has_body
        self.is_new = False
        self.pipeline.add(relay, self)
        return relay

    def bad_request(self, head: RequestHead, refusal: Refused) -> None:
        """Nobody can say what follows, so the refusal, in its turn, is the last answer."""
        self.is_new = False
        self.pipeline.add(Relay(self, head, RequestFacts(), refusal=refusal), self)

    def takes_over(self, data: bytes) -> bool | None:
        """Is `data`, no head of HTTP/1, how a client begins that speaks something else?"""
        spoken = recognise(data) if self.is_new else Spoken.UNKNOWN
        if spoken is Spoken.HTTP2:
            # Not above: many runs never see HTTP/2, and importing it takes its time.
            from authproxy.wire.http2.connection import Splice

            self._reader.is_deaf = True
            Splice(self.server, self.caller, self.transport).start(data)
            self.server.closed(self)
        elif spoken is Spoken.TLS:
            self.server.wrong_ports.note_tls(self.caller.address, self.transport)
            self._reader.refuse(refusals.tls_unexpected())
        return None if spoken is Spoken.PERHAPS_HTTP2 else spoken is not Spoken.UNKNOWN

    def await_switch(self) -> None:
        """The service says which protocol it is that follows."""
        self.holds.set(SWITCH, True)

    def is_turn_of(self, relay: ClientExchange) -> bool:
        return relay is self.pipeline.current

    # What relays ask for.

    def flush(self) -> None:
        if self.out:
            send(self.out, self.transport)

    def ended(self, relay: ClientExchange) -> None:
        """`relay` is over; go on with the next request, or close."""
        self.server.recorder.ended(relay.exchange, relay.received_bytes, relay.answer_bytes)
        pipeline = self.pipeline
        if relay is not pipeline.current:
            return
        pipeline.current = None
        self._idle_s = self._head_age_s = 0.0
        held = self.holds.reasons
        if held:
            self.holds.set(CONGESTED | EARLY, False)
        if not relay.keep_alive:
            self.close()
            return
        if held & SWITCH and relay.facts.upgrade is not None:
            self._stay()
        if pipeline.waiting:
            pipeline.advance(self)

    def _stay(self) -> None:
        """The service did not switch: what the client sent ahead is HTTP."""
        self.holds.set(SWITCH, False)
        self._reader.stay()
        if self.pipeline.current is not None:
            self.pipeline.current.flush()

    def linger(self, relay: ClientExchange) -> None:
        """`relay` is over and the client still sends: let it read the answer before we close."""
        self.server.recorder.ended(relay.exchange, relay.received_bytes, relay.answer_bytes)
        self.pipeline.current = None
        self._reader.is_deaf = True
        self.holds.set(ALL, False)
        self.flush()
        self._goodbye = Goodbye(self.transport)
        self._goodbye.end_writing()

    def abort(self, relay: ClientExchange) -> None:
        """Cut the client off in the middle of an answer, so that it cannot take it for whole."""
        self.server.recorder.ended(relay.exchange, relay.received_bytes, relay.answer_bytes)
        self.pipeline.current = None
        self._reader.is_deaf = True
        reset(self.transport)

    def hand_over(self, protocol: asyncio.Protocol) -> bytes:
        """Leave the transport to a tunnel; what the client sent ahead is returned."""
        self.flush()
        self.server.closed(self)
        self.pipeline.current = None
        self._reader.is_deaf = True
        self.transport.set_protocol(protocol)
        self.holds.set(ALL, False)
        return self._reader.take_ahead()

    def tick(self, seconds: float, timeouts: TimeoutSettings) -> None:
        relay = self.pipeline.current
        if self._goodbye is not None:
            if self._goodbye.is_overdue(seconds, hurries=self.server.draining):
                self.transport.abort()
        elif relay is not None:
            relay.tick(seconds, timeouts)
        elif self._reader.head_open and not self._reader.is_deaf:
            self._head_age_s += seconds
            if self._head_age_s > timeouts.head:
                self._reader.refuse(refusals.slow_head(timeouts.head))
        else:
            self._head_age_s = 0.0
            self._rest(seconds, rechecking.find_rest_s(self.caller, timeouts))

    def _rest(self, seconds: float, limit_s: float) -> None:
        unsent = self.transport.get_write_buffer_size()
        self._idle_s = seconds if unsent != self._unsent else self._idle_s + seconds
        self._unsent = unsent
        if self._idle_s > limit_s:
            # A close would wait for a client that does not read its last answer.
            self.cut() if unsent else self.close()

    @property
    def idle_s(self) -> float:
        """For how long no request has been in flight; the first one may take a moment."""
        is_busy = self.pipeline.count or self._goodbye is not None or self._reader.head_open
        return 0.0 if is_busy else self._idle_s - self.is_new * FIRST_REQUEST_S

    @property
    def in_flight(self) -> int:
        return self.pipeline.count

    def recheck(self) -> None:
        rechecking.recheck(self)

    def drain(self) -> None:
        """Close if no request is in flight; else that one is the last."""
        is_asking = self._reader.head_open or self.is_new
        may_complete = is_asking and max(self._head_age_s, self._idle_s) < HEAD_GRACE_S
        if self.pipeline.current is not None:
            self.pipeline.current.drain()
        elif self._goodbye is None and not may_complete:
            self._goodbye = Goodbye(self.transport)
            self.close()

    def close(self) -> None:
        """Close when all that was written has gone out."""
        self._reader.is_deaf = True
        self.flush()
        self.transport.close()

    def cut(self) -> None:
        if (relay := self.pipeline.current) is not None:
            self.server.recorder.left(relay.exchange, "authproxy")
            if relay.response is not None:
                reset(self.transport)
        self.transport.abort()

    def time_is_up(self) -> None:
        """Let whoever still waits for an answer hear why there is none."""
        relay = self.pipeline.current
        relay.give_up(refusals.shutting_down()) if relay is not None else self.cut()

    def __repr__(self) -> str:
        state = self.pipeline.current or ("in a head" if self._reader.head_open else "idle")
        waiting = len(self.pipeline.waiting)
        return f"<ClientConnection {self.caller.address} [{state}, {waiting} queued]>"
