"""The client's side: one connection to a listener, HTTP/1.1, any number of exchanges in turn.

What the reader finds becomes relays. Requests sent ahead wait in a queue, and no more is read.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from typing import Final, cast

from authproxy.errors import AuthProxyError, Refused
from authproxy.exchange import RequestHead, ResponseHead
from authproxy.policy.messages.facts import RequestFacts, ResponseFacts
from authproxy.policy.messages.headers import response_head
from authproxy.settings import TimeoutSettings
from authproxy.wire import refusals, replies
from authproxy.wire.admission.caller import Caller
from authproxy.wire.client import holds
from authproxy.wire.client.first_bytes import Spoken, recognise
from authproxy.wire.client.ports import Server
from authproxy.wire.goodbye import FIRST_REQUEST_S, HEAD_GRACE_S, Goodbye
from authproxy.wire.http1.request_reader import RequestReader
from authproxy.wire.http1.response_writer import add_to_head, connection_line, find_framing
from authproxy.wire.read_holds import ReadHolds
from authproxy.wire.relay import cookies
from authproxy.wire.relay.ports import Asked
from authproxy.wire.relay.relay import Relay
from authproxy.wire.transport import reset, send

logger = logging.getLogger(__name__)


class ClientConnection(asyncio.Protocol):
    """A reader on one side, relays on the other."""

    __slots__ = (
        "_advancing",
        "_ahead",
        "_goodbye",
        "_head_age_s",
        "_holds",
        "_idle_s",
        "_meet",
        "_queue",
        "_reader",
        "_relay",
        "_unsent",
        "caller",
        "is_congested",
        "is_new",
        "out",
        "server",
        "transport",
    )

    transport: asyncio.Transport
    kind: Final = "http1"
    caller: Caller
    _holds: ReadHolds

    def __init__(self, server: Server, meet: Callable[[asyncio.Transport], Caller]) -> None:
        self.server = server
        self._meet = meet
        self.out: list[bytes] = []
        self.is_congested = False
        self.is_new = True  # it has sent no request yet
        self._reader = RequestReader(self, server.limits)
        self._relay: Relay | None = None
        self._queue: deque[Relay] = deque()
        self._advancing = False
        self._ahead: bytes | None = None  # behind a request that may still switch the protocol
        self._unsent = 0
        self._idle_s = self._head_age_s = 0.0
        self._goodbye: Goodbye | None = None

    # What the transport tells.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # aiofastnet's has its methods only
        self._holds = ReadHolds(self.transport)
        self.caller = self._meet(self.transport)
        refusal = self.server.opened(self, self.caller.address)
        if refusal is not None:
            self._reader.refuse(refusals.too_many_connections(refusal))

    def data_received(self, data: bytes) -> None:
        reader = self._reader
        if reader.is_deaf:
            return
        if self._ahead is not None:
            self._ahead += data
            return
        try:
            reader.feed(data)
        except Exception:
            logger.exception("a request could not be handled")
            self.transport.abort()
        if (relay := self._relay) and (service := relay.service) and service.out:
            send(service.out, service.transport)
        if self.out:
            send(self.out, self.transport)

    def eof_received(self) -> bool:
        # Who has closed its sending side is taken for gone, as nginx and Go do: that may be all of
        # a close. If it does still read, the part of an answer that it has got must not look whole.
        if self._relay is not None and self._relay.response is not None:
            reset(self.transport)
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._reader.is_deaf = True
        self.server.closed(self)
        relays = [*([self._relay] if self._relay else []), *self._queue]
        self._relay, self._queue = None, deque()
        for relay in relays:
            relay.client_gone()

    def pause_writing(self) -> None:
        self.is_congested = True
        if self._relay is not None:
            self._relay.client_congested(True)

    def resume_writing(self) -> None:
        self.is_congested = False
        if self._relay is not None:
            self._relay.client_congested(False)
        self._advance()

    # What the reader found.

    def request(self, head: RequestHead, facts: RequestFacts, has_body: bool) -> Relay:
        """A request's head is in: its turn is now, or after those before it."""
        relay = Relay(self, head, facts)
        relay.received_all = not has_body
        self._enqueue(relay)
        return relay

    def bad_request(self, head: RequestHead, refusal: Refused) -> None:
        """Nobody can say what follows, so the refusal, in its turn, is the last answer."""
        self._enqueue(Relay(self, head, RequestFacts(), refusal=refusal))

    def _enqueue(self, relay: Relay) -> None:
        self.is_new = False
        if self._relay is None and not self._queue and not self.is_congested:
            self._relay = relay
            relay.start()
        else:
            self._queue.append(relay)
            self._reader.waiting = len(self._queue)
            self._holds.set(holds.QUEUE, True)

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

    def await_switch(self, rest: bytes) -> None:
        """Keep `rest` until the service says which protocol it belongs to."""
        self._ahead = rest
        self._holds.set(holds.SWITCH, True)

    def is_turn_of(self, relay: Asked) -> bool:
        return relay is self._relay

    # What relays ask for.

    def begin_answer(self, relay: Asked, head: ResponseHead, facts: ResponseFacts) -> bool:
        """Send the final head; is its body to be sent in chunks?"""
        in_chunks = announces = False
        if facts.length is None:
            in_chunks, announces, ends_connection = find_framing(relay.head, head, facts)
            relay.keep_alive &= not ends_connection
        line, home, cors = self._connection_line(relay), relay.admission.home, relay.cors
        self.out.append(
            response_head(head, facts, chunked=announces, connection=line, home=home, cors=cors)
        )
        if facts.sets_cookies:
            self.add_to_head(cookies.lines_for(relay.upstream, head, home, relay.target))
        return in_chunks

    def add_to_head(self, line: bytes) -> None:
        """Put more finished lines into the head that was written last."""
        self.out[-1] = add_to_head(self.out[-1], line)

    def reply(self, error: AuthProxyError, relay: Asked) -> tuple[bytes, int]:
        """Answer by ourselves; the answer, and how many bytes of it are its body."""
        line = self._connection_line(relay) + relay.cors
        answer = replies.render(error, relay.head, relay.exchange.request_id, connection=line)
        self.out.append(answer[0])
        self.flush()
        return answer

    def flush(self) -> None:
        if self.out:
            send(self.out, self.transport)

    def hold_congested(self, on: bool) -> None:
        self._holds.set(holds.CONGESTED, on)

    def hold_early(self, on: bool) -> None:
        self._holds.set(holds.EARLY, on)

    def ended(self, relay: Asked) -> None:
        """`relay` is over; go on with the next request, or close."""
        self.server.recorder.ended(relay.exchange, relay.received_bytes, relay.answer_bytes)
        if relay is not self._relay:
            return
        self._relay = None
        self._idle_s = self._head_age_s = 0.0
        if self._holds.reasons:
            self._holds.set(holds.CONGESTED | holds.EARLY, False)
        if not relay.keep_alive:
            self.close()
            return
        if self._ahead is not None and relay.facts.upgrade is not None:
            self._stay(self._ahead)
        if self._queue:
            self._advance()

    def _stay(self, ahead: bytes) -> None:
        """The service did not switch: what the client sent ahead is HTTP."""
        self._ahead = None
        self._holds.set(holds.SWITCH, False)
        self._reader.feed(ahead)
        if self._relay is not None:
            self._relay.flush()

    def linger(self, relay: Asked) -> None:
        """`relay` is over and the client still sends: let it read the answer before we close."""
        self.server.recorder.ended(relay.exchange, relay.received_bytes, relay.answer_bytes)
        self._relay = None
        self._reader.is_deaf = True
        self._holds.set(holds.ALL, False)
        self.flush()
        self._goodbye = Goodbye(self.transport)
        self._goodbye.end_writing()

    def abort(self, relay: Asked) -> None:
        """Cut the client off in the middle of an answer, so that it cannot take it for whole."""
        self.server.recorder.ended(relay.exchange, relay.received_bytes, relay.answer_bytes)
        self._relay = None
        self._reader.is_deaf = True
        reset(self.transport)

    def hand_over(self, protocol: asyncio.Protocol) -> bytes:
        """Leave the transport to a tunnel; what the client sent ahead is returned."""
        self.flush()
        self.server.closed(self)
        self._relay = None
        self._reader.is_deaf = True
        self.transport.set_protocol(protocol)
        ahead, self._ahead = self._ahead or b"", None
        self._holds.set(holds.ALL, False)
        return ahead

    def tick(self, seconds: float, timeouts: TimeoutSettings) -> None:
        if self._goodbye is not None:
            if self._goodbye.is_overdue(seconds, hurries=self.server.draining):
                self.transport.abort()
        elif self._relay is not None:
            self._relay.tick(seconds, timeouts)
        elif self._reader.head_open and not self._reader.is_deaf:
            self._head_age_s += seconds
            if self._head_age_s > timeouts.head:
                self._reader.refuse(refusals.slow_head(timeouts.head))
        else:
            self._head_age_s = 0.0
            self._rest(seconds, timeouts.keep_alive)

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
        is_busy = self._relay is not None or self._goodbye is not None or self._reader.head_open
        return 0.0 if is_busy else self._idle_s - self.is_new * FIRST_REQUEST_S

    @property
    def in_flight(self) -> int:
        return len(self._queue) + (self._relay is not None)

    def drain(self) -> None:
        """Close if no request is in flight; else that one is the last."""
        may_complete = self._reader.head_open and self._head_age_s < HEAD_GRACE_S
        if self._relay is not None:
            self._relay.drain()
        elif self._goodbye is None and not may_complete:
            self._goodbye = Goodbye(self.transport)
            self.close()

    def close(self) -> None:
        """Close when all that was written has gone out."""
        self._reader.is_deaf = True
        self.flush()
        self.transport.close()

    def cut(self) -> None:
        if self._relay is not None:
            self.server.recorder.left(self._relay.exchange, "authproxy")
            if self._relay.response is not None:
                reset(self.transport)
        self.transport.abort()

    def time_is_up(self) -> None:
        """Let whoever still waits for an answer hear why there is none."""
        self._relay.give_up(refusals.shutting_down()) if self._relay else self.cut()

    def _connection_line(self, relay: Asked) -> bytes:
        if self.server.draining:
            relay.keep_alive = False
        is_usual = relay.keep_alive and relay.head.version == "1.1"
        return b"" if is_usual else connection_line(relay.head, keep_alive=relay.keep_alive)

    def _advance(self) -> None:
        """Start what waits. A loop: a thousand refusals in a row must not recurse."""
        if self._advancing:
            return
        self._advancing = True
        while self._relay is None and self._queue and not self.is_congested:
            relay = self._relay = self._queue.popleft()
            if not self._queue:
                self._holds.set(holds.QUEUE, False)
            relay.start()
            if not self._queue:
                self._reader.go_on()
            if self._relay is not None:
                self._relay.flush()
        self._advancing = False

    def __repr__(self) -> str:
        state = self._relay or ("in a head" if self._reader.head_open else "idle")
        return f"<ClientConnection {self.caller.address} [{state}, {len(self._queue)} queued]>"
