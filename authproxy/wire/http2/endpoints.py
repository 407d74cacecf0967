"""The two transports of a spliced connection: what they tell goes to the splice."""

import asyncio
from typing import cast

from authproxy.wire.goodbye import Goodbye
from authproxy.wire.http2.interfaces import Ears
from authproxy.wire.loops import Loops


class ClientEnd(asyncio.Protocol):
    """The client's connection."""

    __slots__ = ("_goodbye", "splice", "transport")

    def __init__(self, splice: Ears, transport: asyncio.Transport) -> None:
        self.splice = splice
        self.transport = transport
        self._goodbye = Goodbye(transport)

    def data_received(self, data: bytes) -> None:
        self.splice.from_client(data)

    def pause_writing(self) -> None:
        self.splice.client_congested(True)

    def resume_writing(self) -> None:
        self.splice.client_congested(False)

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self.splice.client_gone()

    def end_writing(self) -> None:
        """Nothing more will be said; the client should close."""
        self._goodbye.end_writing()

    def is_overdue(self, seconds: float, *, hurries: bool) -> bool:
        """Time passed after the end of writing: has it been long enough?"""
        return self._goodbye.is_overdue(seconds, hurries=hurries)

    def __repr__(self) -> str:
        return f"<ClientEnd [{self.transport.get_write_buffer_size()} bytes unsent]>"


class ServiceEnd(asyncio.Protocol):
    """The connection to the service. What comes before the splice knows of it is kept."""

    __slots__ = ("_early", "_is_attached", "_loops", "lost", "splice", "transport")

    transport: asyncio.Transport

    def __init__(self, splice: Ears, loops: Loops) -> None:
        """`loops`: where our own ends of connections to this machine are noted."""
        self.splice = splice
        self._loops = loops
        self.lost: str | None = None
        """Why the connection ended, once it did."""
        self._early = b""
        self._is_attached = False

    @property
    def speaks_http2(self) -> bool:
        """By ALPN (RFC 9113 3.2); without TLS we know it beforehand, or think so (3.3)."""
        ssl_object = self.transport.get_extra_info("ssl_object")
        return ssl_object is None or ssl_object.selected_alpn_protocol() == "h2"

    def attach(self) -> None:
        """From now on the splice hears everything."""
        self._is_attached = True
        if self._early:
            early, self._early = self._early, b""
            self.splice.from_service(early)
        if self.lost is not None:
            self.splice.service_gone(self.lost)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # A cast: aiofastnet's transports have asyncio's methods, not its classes.
        self.transport = cast(asyncio.Transport, transport)
        self._loops.opened(self.transport)

    def data_received(self, data: bytes) -> None:
        if self._is_attached:
            self.splice.from_service(data)
        else:
            self._early += data

    def pause_writing(self) -> None:
        self.splice.service_congested(True)

    def resume_writing(self) -> None:
        self.splice.service_congested(False)

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = str(exc or "the service closed the connection")
        self._loops.closed(self.transport)
        if self._is_attached:
            self.splice.service_gone(self.lost)

    def __repr__(self) -> str:
        return f"<ServiceEnd [{'attached' if self._is_attached else 'not attached'}]>"
