"""The service's side of an exchange: one connection to a service, HTTP/1.1.

Bytes come in, are taken apart, and what was found goes to the relay in the same iteration of the
loop. Between exchanges the connection rests in the pool.
"""

import asyncio
import logging
from typing import TYPE_CHECKING, cast

from authproxy.errors import UpstreamError
from authproxy.exchange import Field, ResponseHead
from authproxy.policy.messages.facts import ResponseFacts, read_response
from authproxy.wire import refusals
from authproxy.wire.http1.chunks import Chunks
from authproxy.wire.http1.heads import (
    ANSWER,
    END_OF_HEAD,
    FieldLines,
    HeadError,
    check_begun,
    parse_status_line,
)
from authproxy.wire.relay.interim import InterimCount
from authproxy.wire.transport import resume, send
from authproxy.wire.upstream.mismatch import find_mismatch

if TYPE_CHECKING:
    from authproxy.wire.relay.relay import Relay
    from authproxy.wire.upstream.pool import Pool


logger = logging.getLogger(__name__)

_BODILESS = (204, 304)  # RFC 9112 6.3, besides 1xx and what answers HEAD
_ENDLESS = 1 << 62
"""More bytes than will come: the body ends when the service closes."""


class ServiceConnection(asyncio.Protocol):
    """The service's bytes on one side, a relay's orders on the other."""

    __slots__ = (
        "_begun",
        "_chunks",
        "_congested",
        "_facts",
        "_facts_of",
        "_heard",
        "_interim",
        "_left",
        "_lines",
        "_on_hold",
        "_pool",
        "is_here",
        "out",
        "relay",
        "reused",
        "transport",
        "usable",
    )

    transport: asyncio.Transport

    def __init__(self, pool: "Pool") -> None:
        self._pool = pool
        self.relay: Relay | None = None
        self.out: list[bytes] = []
        self.reused = False
        """It has served an exchange or been idle, so the service may have closed it since."""
        self.is_here = False
        """It leads to this machine."""
        self._heard = False
        self._on_hold = False
        self.usable = True
        """Nothing has been said against another exchange; see also `is_usable`."""
        self._congested = False
        self._lines = FieldLines()
        self._facts = ResponseFacts()
        self._facts_of: tuple[list[Field], str] | None = None
        """The fields and version that the facts were read from."""
        self._begun = b""
        """The beginning of a head that has not come whole."""
        self._left = 0
        """Bytes of a body that are still to come."""
        self._chunks: Chunks | None = None
        self._interim = InterimCount()

    # What the relay orders.

    @property
    def is_usable(self) -> bool:
        """Fit for another exchange, as far as can be seen."""
        return self.usable and not self.transport.is_closing()

    @property
    def went_stale(self) -> bool:
        """Idle before, and not a byte was heard since: the service had most likely closed it."""
        return self.reused and not self._heard

    @property
    def was_silent(self) -> bool:
        """New, and not a byte was heard."""
        return not self.reused and not self._heard

    def begin(self, relay: "Relay", *, hold: bool) -> None:
        """Serve `relay` until it ends; `hold`: its client cannot take more yet."""
        self.relay = relay
        self._heard = False
        if hold:
            self.hold(True)
        if self._congested:
            relay.client.hold_congested(True)

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
        if self._on_hold:
            self.hold(False)
        self._pool.put(self)

    def abandon(self) -> None:
        """Cut off whatever is under way."""
        self.relay = None
        self.usable = False
        self.transport.abort()

    def close(self) -> None:
        self.usable = False
        self.transport.close()

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
            self.close()
            return
        self._heard = True
        try:
            self._read(relay, data)
        except HeadError as error:
            found = None
            if relay.response is None and not self.reused:
                found = find_mismatch(data, self._pool.origin, str(error), http2=False)
            self._broke(relay, found or refusals.service_broke(str(error)))
        except UpstreamError as error:
            self._broke(relay, error)
        except Exception:
            logger.exception("an answer could not be handled")
            self._broke(relay, refusals.service_broke("an internal error"))
        client = relay.client
        if client.out:
            send(client.out, client.transport)

    def eof_received(self) -> bool:
        relay = self.relay
        if relay is not None and self._left >= _ENDLESS >> 1:
            self.usable = False
            self._left = 0
            relay.service_done([])
            relay.client.flush()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self.usable = False
        self._pool.lost(self)
        relay, self.relay = self.relay, None
        if relay is not None:
            relay.service_gone(str(exc or "the service closed the connection"))

    def pause_writing(self) -> None:
        self._congested = True
        if self.relay is not None:
            self.relay.client.hold_congested(True)

    def resume_writing(self) -> None:
        self._congested = False
        if self.relay is not None:
            self.relay.client.hold_congested(False)

    # What the service says.

    def _read(self, relay: "Relay", data: bytes) -> None:
        """Take `data` apart. Raises HeadError and UpstreamError for what is no answer."""
        while data:
            if self._left:
                data = self._read_body(relay, data)
            elif self._chunks is not None:
                data = self._read_chunks(relay, self._chunks, data)
            elif relay.response is None:
                data = self._read_head(relay, data)
            else:
                raise HeadError("a second answer")

    def _read_head(self, relay: "Relay", data: bytes) -> bytes:
        """Read a head if it is complete; what follows it is returned, unless that is the body."""
        seen = len(self._begun)
        if seen:
            data, self._begun = self._begun + data, b""
        end = data.find(END_OF_HEAD)
        if (end if end >= 0 else len(data)) > self._pool.head_bytes:
            raise HeadError("the head of the answer is too large")
        if end < 0:
            check_begun(data, seen, ANSWER)
            self._begun = data
            return b""
        line_end = data.find(b"\r\n")
        version, status, reason = parse_status_line(data[:line_end])
        fields = self._lines.parse(data[line_end + 2 : end]) if end > line_end else []
        if len(fields) > self._pool.max_headers:
            raise HeadError("the answer has too many header fields")
        head = ResponseHead(status, reason, fields, version)
        known = self._facts_of
        if known is None or known[0] is not fields or known[1] != version:
            self._facts = read_response(head)
            self._facts_of = fields, version
        rest = data[end + 4 :]
        if status >= 200:
            return self._final(relay, head, self._facts, rest)
        if status == 101:
            self._switch(relay, head, rest)
            return b""
        self._pass_interim(relay, head, self._facts, size=end)
        return rest

    def _final(
        self, relay: "Relay", head: ResponseHead, facts: ResponseFacts, rest: bytes
    ) -> bytes:
        self.usable = facts.keep_alive
        passes = relay.service_head(head, facts, rest)
        if not passes:
            return b""
        if head.status in _BODILESS or relay.head.method == b"HEAD" or facts.length == 0:
            self._done(relay, [], rest)
            return b""
        if facts.chunked:
            self._chunks = Chunks(
                trailer_bytes=self._pool.head_bytes, trailer_fields=self._pool.max_headers
            )
        elif facts.length is None:
            self._left = _ENDLESS
            self.usable = False
        else:
            self._left = facts.length
        return rest

    def _pass_interim(
        self, relay: "Relay", head: ResponseHead, facts: ResponseFacts, *, size: int
    ) -> None:
        if facts.chunked or facts.length is not None:
            # RFC 9110 15.2 knows no body here: what follows would be read in two ways.
            raise HeadError("an interim answer with a body")
        self._interim.add(relay.exchange.request_id, size)
        relay.silent_s = 0.0
        if relay.head.version != "1.0":  # old clients do not know them
            relay.client.out.append(relay.client.caller.interim_head(head, facts))

    def _switch(self, relay: "Relay", head: ResponseHead, rest: bytes) -> None:
        relay.service_switches(head, self._facts)
        if rest:
            # The tunnel has taken over.
            self.transport.get_protocol().data_received(rest)  # type: ignore[attr-defined]  # -- a Protocol

    def _read_body(self, relay: "Relay", data: bytes) -> bytes:
        rest = b""
        if len(data) > self._left:
            data, rest = data[: self._left], data[self._left :]
        self._left -= len(data)
        relay.from_service(data)
        if not self._left:
            self._done(relay, [], rest)
            return b""
        return rest

    def _read_chunks(self, relay: "Relay", chunks: Chunks, data: bytes) -> bytes:
        try:
            rest = chunks.feed(data)
        finally:
            for piece in chunks.pieces:
                relay.from_service(piece)
            chunks.pieces.clear()
        if chunks.is_over:
            self._chunks = None
            self._done(relay, chunks.trailers, rest)
            return b""
        return rest

    def _done(self, relay: "Relay", trailers: list[Field], rest: bytes) -> None:
        if rest:
            # Bytes after the answer belong to nobody; the next exchange must not get them.
            self.usable = False
        relay.service_done(trailers)

    def _broke(self, relay: "Relay", error: UpstreamError) -> None:
        self.abandon()
        relay.service_broke(error)

    def __repr__(self) -> str:
        state = "busy" if self.relay is not None else "idle" if self.usable else "closed"
        return f"<ServiceConnection {self._pool.origin} [{state}]>"
