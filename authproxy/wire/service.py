"""The service's side of an exchange: one connection to a service, HTTP/1.1.

Bytes come in, the parser calls back, and what it found goes to the relay in the same iteration of
the loop. Between exchanges the connection rests in the pool.
"""

import asyncio
import logging
from typing import TYPE_CHECKING, cast

import httptools

from authproxy.errors import UpstreamError
from authproxy.exchange import Field, ResponseHead
from authproxy.wire.output import resume, send

if TYPE_CHECKING:
    from authproxy.wire.pool import Pool
    from authproxy.wire.relay import Relay


logger = logging.getLogger(__name__)

_FRAMING = (b"content-length", b"transfer-encoding")


class ServiceConnection(asyncio.Protocol):
    """A parser's callbacks on one side, a relay's orders on the other."""

    __slots__ = (
        "_congested",
        "_fed",
        "_feeding",
        "_headers",
        "_heard",
        "_on_hold",
        "_parser",
        "_pool",
        "_reason",
        "_returning",
        "fault",
        "idle_s",
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
        self.idle_s = 0.0
        self.reused = False
        """It has served an exchange or been idle, so the service may have closed it since."""
        self._heard = False
        self._on_hold = False
        self.fault = ""
        self.usable = True
        """Nothing has been said against another exchange; see also `is_usable`."""
        self._congested = False
        self._feeding = False
        self._returning = False
        self._parser = httptools.HttpResponseParser(self)
        self._headers: list[Field] = []
        self._reason = b""
        self._fed = 0
        """Bytes read since the head began or the last piece of a body came."""

    # What the relay orders.

    @property
    def is_usable(self) -> bool:
        """Fit for another exchange, as far as can be seen."""
        return self.usable and not self.transport.is_closing()

    @property
    def went_stale(self) -> bool:
        """Idle before, and not a byte was heard since: the service had most likely closed it."""
        return self.reused and not self._heard

    def begin(self, relay: "Relay", *, hold: bool) -> None:
        """Serve `relay` until it ends; `hold`: its client cannot take more yet."""
        self.relay = relay
        self._heard = False
        if hold:
            self.hold(True)
        if self._congested:
            relay.service_congested(True)

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
        """The exchange is over on both sides: rest in the pool, or close.

        Not before all that was read is looked at: bytes after the answer belong to nobody, and the
        next exchange must not take them for its own.
        """
        self.relay = None
        self.reused = True
        if self._feeding:
            self._returning = True
        else:
            self._return()

    def _return(self) -> None:
        self._returning = False
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
        self._pool.opened()

    def data_received(self, data: bytes) -> None:
        relay = self.relay
        if relay is None:
            # Nobody asked: an answer to no request must not become the answer to the next.
            self.close()
            return
        self._heard = True
        self._fed += len(data)
        rest = self._feed(data)
        if self._fed > self._pool.head_bytes:
            self.fault = self.fault or "the head of the answer, or its trailers, are too large"
        if self.fault:
            self._broke()
        elif rest:
            self.transport.get_protocol().data_received(rest)  # type: ignore[attr-defined]  # -- the tunnel has taken over
        elif self._returning:
            self._return()
        client = relay.client
        if client.out:
            send(client.out, client.transport)

    def _feed(self, data: bytes) -> bytes:
        """Parse `data`; what follows a 101 is returned."""
        self._feeding = True
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            return data[upgrade.args[0] :]
        except httptools.HttpParserCallbackError as error:
            logger.exception("an answer could not be handled", exc_info=error.__context__)
            self.fault = "an internal error"
        except httptools.HttpParserError as error:
            self.fault = self.fault or str(error)
        finally:
            self._feeding = False
        return b""

    def eof_received(self) -> bool:
        relay = self.relay
        if relay is not None and relay.ends_with_connection:
            self.usable = False
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
            self.relay.service_congested(True)

    def resume_writing(self) -> None:
        self._congested = False
        if self.relay is not None:
            self.relay.service_congested(False)

    # What the parser found.

    def on_message_begin(self) -> None:
        if self.relay is None:
            self.fault = self.fault or "bytes after the answer"
        self._headers = []
        self._reason = b""
        self._fed = 0

    def on_status(self, reason: bytes) -> None:
        self._reason += reason

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name.lower(), name, value))

    def on_headers_complete(self) -> None:
        relay = self.relay
        headers, self._headers = self._headers, []
        if relay is None or self.fault:
            return
        if relay.response is not None:
            self.fault = "a second answer"
            return
        if len(headers) > self._pool.max_headers:
            self.fault = "the answer has too many header fields"
            return
        head = ResponseHead(self._parser.get_status_code(), self._reason, headers)
        if head.status < 200:
            self._interim(relay, head)
            return
        self.usable = self._parser.should_keep_alive()
        try:
            passes = relay.service_head(head)
        except UpstreamError as error:
            self.fault = error.detail
            return
        if passes and relay.head.method == b"HEAD":
            # llhttp would wait for the body that the head announces and that never comes.
            self._parser = httptools.HttpResponseParser(self)
            relay.service_done([])

    def _interim(self, relay: "Relay", head: ResponseHead) -> None:
        if head.status == 101:
            self._switch(relay, head)
        elif head.status < 100:
            self.fault = "a status below 100"
        elif any(lower in _FRAMING for lower, _, _ in head.headers):
            # llhttp would read a body (RFC 9110 15.2 knows none) and the client another answer.
            self.fault = "an interim answer with a body"
        else:
            relay.service_interim(head)

    def _switch(self, relay: "Relay", head: ResponseHead) -> None:
        try:
            relay.service_switches(head)
        except UpstreamError as error:
            self.fault = error.detail

    def on_body(self, data: bytes) -> None:
        self._fed = 0
        if self.relay is None:
            self.fault = self.fault or "a body after an answer that has none"
        elif not self.fault:
            self.relay.from_service(data)

    def on_message_complete(self) -> None:
        relay = self.relay
        if relay is not None and not self.fault and relay.response is not None:
            relay.service_done(self._headers)

    def _broke(self) -> None:
        relay = self.relay
        self.abandon()
        if relay is not None:
            relay.service_broke(self.fault)

    def __repr__(self) -> str:
        state = "busy" if self.relay is not None else "idle" if self.usable else "closed"
        return f"<ServiceConnection {self._pool.origin} [{state}]>"
