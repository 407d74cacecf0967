"""The client's side: one connection to a listener, HTTP/1.1, any number of exchanges in turn.

What the reader finds becomes relays. Requests that a client sends ahead (pipelining) wait in a
queue while the first is answered, and no more is read.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from authproxy.errors import AuthProxyError
from authproxy.exchange import ResponseHead
from authproxy.policy.messages.facts import ResponseFacts
from authproxy.policy.messages.headers import response_head
from authproxy.wire import refusals, replies
from authproxy.wire.admission.caller import Caller
from authproxy.wire.client import holds
from authproxy.wire.client.goodbye import HEAD_GRACE_S, Goodbye
from authproxy.wire.http1.request_reader import RequestReader
from authproxy.wire.relay import cookies
from authproxy.wire.relay.relay import Relay
from authproxy.wire.transport import reset, send

if TYPE_CHECKING:
    from authproxy.settings import TimeoutSettings
    from authproxy.wire.listening.server import ProxyServer

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
    caller: Caller

    def __init__(self, server: "ProxyServer", meet: Callable[[asyncio.Transport], Caller]) -> None:
        self.server = server
        self._meet = meet
        self.out: list[bytes] = []
        self.is_congested = False
        """The client reads slower than we write."""
        self.is_new = True
        """It has sent no request yet."""
        self._reader = RequestReader(self, server.limits)
        self._relay: Relay | None = None
        self._queue: deque[Relay] = deque()
        self._advancing = False
        self._ahead: bytes | None = None
        """What came behind a request that may still switch the protocol."""
        self._holds = self._unsent = 0
        self._idle_s = self._head_age_s = 0.0
        self._goodbye: Goodbye | None = None

    # What the transport tells.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # A cast: aiofastnet's transports have asyncio's methods, not its classes.
        self.transport = cast(asyncio.Transport, transport)
        self.caller = self._meet(self.transport)
        self.server.accepted(self)

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
        relay = self._relay
        if relay is not None and (service := relay.service) is not None and service.out:
            send(service.out, service.transport)
        if self.out:
            send(self.out, self.transport)

    def eof_received(self) -> bool:
        # A client that has closed its sending side is taken for gone, as nginx and Go do: a full
        # close cannot be told from half of one. If it does still read, the part of an answer that
        # it has got must not look like a whole one.
        if self._relay is not None and self._relay.response is not None:
            reset(self.transport)
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._reader.is_deaf = True
        self.server.closed(self)
        waiting, self._queue = self._queue, deque()
        relay, self._relay = self._relay, None
        if relay is not None:
            relay.client_gone()
        for relay in waiting:
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

    def enqueue(self, relay: Relay) -> int:
        """A request's head is in: its turn is now, or after those before it. How many wait now?"""
        self.is_new = False
        if self._relay is None and not self._queue and not self.is_congested:
            self._relay = relay
            relay.start()
        else:
            self._queue.append(relay)
            self._hold(holds.QUEUE, True)
        return len(self._queue)

    def speak_http2(self, data: bytes) -> None:
        """Leave the transport to HTTP/2; `data` begins with its preface."""
        self._reader.is_deaf = True
        # Not above: many runs never see HTTP/2, and importing it takes its time.
        from authproxy.wire.http2.connection import Splice

        Splice(self.server, self.caller, self.transport).start(data)
        self.server.closed(self)

    def await_switch(self, rest: bytes) -> None:
        """Keep `rest` until the service says which protocol it belongs to."""
        self._ahead = rest
        self._hold(holds.SWITCH, True)

    def is_turn_of(self, relay: Relay) -> bool:
        return relay is self._relay

    # What relays ask for.

    def begin_answer(self, relay: Relay, head: ResponseHead, facts: ResponseFacts) -> bool:
        """Send the final head; is its body to be sent in chunks?"""
        bodiless = relay.head.method == b"HEAD" or head.status in (204, 304)
        chunks_allowed = relay.head.version != "1.0"
        unbounded = facts.length is None and not bodiless
        if unbounded and not chunks_allowed:
            relay.keep_alive = False
        named = bodiless and facts.chunked and head.status != 204  # RFC 9112 6.1: never in a 204
        announce = chunks_allowed and (unbounded or named)
        line, home, cors = self._connection_line(relay), self.caller.home, self.caller.cors
        self.out.append(
            response_head(head, facts, chunked=announce, connection=line, home=home, cors=cors)
        )
        if facts.sets_cookies:
            cookies.add_cookies(relay, head)
        return unbounded and chunks_allowed

    def add_to_head(self, line: bytes) -> None:
        """Put more finished lines into the head that was written last."""
        self.out[-1] = self.out[-1][:-2] + line + b"\r\n"

    def reply(self, error: AuthProxyError, relay: Relay) -> int:
        """Answer by ourselves; how many bytes the body has."""
        line = self._connection_line(relay) + self.caller.cors
        answer = replies.render(error, relay.head, relay.exchange.request_id, connection=line)
        self.out.append(answer[0])
        self.flush()
        return answer[1]

    def flush(self) -> None:
        if self.out:
            send(self.out, self.transport)

    def hold_early(self, on: bool) -> None:
        self._hold(holds.EARLY, on)

    def hold_congested(self, on: bool) -> None:
        self._hold(holds.CONGESTED, on)

    def ended(self, relay: Relay) -> None:
        """`relay` is over; go on with the next request, or close."""
        self.server.exchange_ended(relay.exchange)
        if relay is not self._relay:
            return
        self._relay = None
        self._idle_s = self._head_age_s = 0.0
        if self._holds:
            self._hold(holds.CONGESTED | holds.EARLY, False)
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
        self._hold(holds.SWITCH, False)
        self._reader.feed(ahead)
        if self._relay is not None:
            self._relay.flush()

    def linger(self, relay: Relay) -> None:
        """`relay` is over and the client still sends: let it read the answer before we close."""
        self.server.exchange_ended(relay.exchange)
        self._relay = None
        self.turn_away()

    def turn_away(self) -> None:
        """Let the client read what it was sent, though it may still send; then close."""
        self._reader.is_deaf = True
        self._hold(holds.ALL, False)
        self.flush()
        self._goodbye = Goodbye(self.transport)
        self._goodbye.end_writing()

    def abort(self, relay: Relay) -> None:
        """Cut the client off in the middle of an answer, so that it cannot take it for whole."""
        self.server.exchange_ended(relay.exchange)
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
        self._hold(holds.ALL, False)
        return ahead

    # What the server asks for.

    def tick(self, seconds: float, timeouts: "TimeoutSettings") -> None:
        """Time passed."""
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
        """For how long no request has been under way, nor begun."""
        is_idle = self._relay is None and self._goodbye is None and not self._reader.head_open
        return self._idle_s if is_idle else 0.0

    def drain(self) -> None:
        """Close if no request is under way; else that one is the last."""
        if self._relay is not None:
            self._relay.drain()
        elif self._reader.head_open and self._head_age_s < HEAD_GRACE_S:
            pass  # it may be whole in a moment
        elif self._goodbye is None:
            self._goodbye = Goodbye(self.transport)
            self.close()

    def close(self) -> None:
        """Close when all that was written has gone out."""
        self._reader.is_deaf = True
        self.flush()
        self.transport.close()

    def cut(self) -> None:
        if self._relay is not None:
            self._relay.exchange.aborted = "authproxy"
            if self._relay.response is not None:
                reset(self.transport)
        self.transport.abort()

    def time_is_up(self) -> None:
        """Let whoever still waits for an answer hear why there is none."""
        self._relay.give_up(refusals.shutting_down()) if self._relay else self.cut()

    def _connection_line(self, relay: Relay) -> bytes:
        if self.server.draining:
            relay.keep_alive = False
        if not relay.keep_alive:
            return b"Connection: close\r\n"
        return b"Connection: keep-alive\r\n" if relay.head.version == "1.0" else b""

    def _advance(self) -> None:
        """Start what waits. A loop: a thousand refusals in a row must not recurse."""
        if self._advancing:
            return
        self._advancing = True
        while self._relay is None and self._queue and not self.is_congested:
            relay = self._relay = self._queue.popleft()
            if not self._queue:
                self._hold(holds.QUEUE, False)
            relay.start()
            if not self._queue:
                self._reader.go_on()
            if self._relay is not None:
                self._relay.flush()
        self._advancing = False

    def _hold(self, reason: int, on: bool) -> None:
        holds = self._holds | reason if on else self._holds & ~reason
        if bool(holds) != bool(self._holds):
            (self.transport.pause_reading if holds else self.transport.resume_reading)()
        self._holds = holds

    def __repr__(self) -> str:
        state = f"{self._relay or 'idle'}, {len(self._queue)} queued"
        return f"<ClientConnection {self.caller.address} [{state}]>"
