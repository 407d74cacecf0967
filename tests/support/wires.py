"""Connections without a network: transports that behave as asyncio's do, in the hands of a test."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar, cast

from authproxy.wire.upstream.connect_errors import reaching
from authproxy.wire.upstream.connector import Connector

Bytes = bytes | bytearray | memoryview
Connect = Callable[[str, int, Callable[[], asyncio.BaseProtocol]], Awaitable["Wire"]]
P = TypeVar("P", bound=asyncio.BaseProtocol)

HIGH_WATER = 256
"""Bytes that may wait for a peer that does not read before the protocol is told to pause."""


class Wire(asyncio.Transport):
    """The proxy's end of a connection; the methods of the first part are the peer's."""

    def __init__(self, protocol: asyncio.Protocol, peer: str) -> None:
        super().__init__({"peername": (peer, 40000), "sockname": ("127.0.0.1", 8080)})
        self.peer = peer
        self.sent = bytearray()
        """All that the proxy wrote."""
        self.heard = bytearray()
        """All that the proxy read."""
        self.dropped = 0
        """Bytes that the proxy wrote after the end."""
        self.switched_at: int | None = None
        """How much had been sent when another protocol than HTTP/1 took the connection over."""
        self.is_lost = False
        self.was_reset = False
        self.ended = False
        """The peer said that nothing more comes."""
        self.spell: Callable[[bytes], bytes] = bytes
        """What the peer really says, decided when the proxy reads it."""
        self._protocol = protocol
        self._inbox: deque[bytes | None] = deque()
        self._paused = self._closing = self._eof = self._stuck = self._congested = False
        self._unsent = 0
        self._note(protocol)
        protocol.connection_made(self)

    @property
    def is_http2(self) -> bool:
        return self.heard.startswith(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")

    def deliver(self, data: bytes) -> None:
        if not self.ended and not self.is_lost:
            self._inbox.append(data)
            self._pump()

    def end(self) -> None:
        """The peer closes its sending side."""
        if not self.ended and not self.is_lost:
            self.ended = True
            self._inbox.append(None)
            self._pump()

    def reset_by_peer(self) -> None:
        self._force(ConnectionResetError(104, "Connection reset by peer"))

    def stall(self) -> None:
        """The peer stops reading."""
        self._stuck = True

    def flow(self) -> None:
        """The peer reads all that waits, and on from here."""
        self._stuck = False
        self._unsent = 0
        if self._congested:
            self._congested = False
            self._protocol.resume_writing()
        if self._closing:
            self._lose(None)

    def _pump(self) -> None:
        while self._inbox and not self._paused and not self._closing:
            data = self._inbox.popleft()
            if data is None:
                if not self._protocol.eof_received():
                    self.close()
            elif data:
                data = self.spell(data)
                self.heard += data
                self._protocol.data_received(data)

    # What the proxy calls.

    def write(self, data: Bytes) -> None:
        if self._eof:
            raise RuntimeError("Cannot call write() after write_eof()")
        if self.is_lost or (self._closing and not self._unsent):
            self.dropped += len(data)
            return
        self.sent += data
        if self._stuck:
            self._unsent += len(data)
            if self._unsent > HIGH_WATER and not self._congested:
                self._congested = True
                self._protocol.pause_writing()

    def writelines(self, list_of_data: Iterable[Bytes]) -> None:
        self.write(b"".join(list_of_data))

    def write_eof(self) -> None:
        self._eof = True

    def can_write_eof(self) -> bool:
        return True

    def get_write_buffer_size(self) -> int:
        return self._unsent

    def pause_reading(self) -> None:
        self._paused = True

    def resume_reading(self) -> None:
        if self._paused:
            self._paused = False
            asyncio.get_running_loop().call_soon(self._pump)

    def is_reading(self) -> bool:
        return not self._paused and not self._closing

    def is_closing(self) -> bool:
        return self._closing

    def close(self) -> None:
        if not self._closing:
            self._closing = True
            if not self._unsent:
                asyncio.get_running_loop().call_soon(self._lose, None)

    def abort(self) -> None:
        self._force(None)

    def get_protocol(self) -> asyncio.BaseProtocol:
        return self._protocol

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._protocol = cast(asyncio.Protocol, protocol)
        self._note(protocol)

    def _note(self, protocol: asyncio.BaseProtocol) -> None:
        if type(protocol).__module__ not in (
            "authproxy.wire.client.connection",
            "authproxy.wire.upstream.connection",
        ):
            self.switched_at = len(self.sent)

    def _force(self, error: Exception | None) -> None:
        if not self.is_lost:
            self._closing = self.was_reset = True
            self._unsent = 0
            asyncio.get_running_loop().call_soon(self._lose, error)

    def _lose(self, error: Exception | None) -> None:
        if not self.is_lost:
            self.is_lost = True
            self._protocol.connection_lost(error)

    def __repr__(self) -> str:
        state = "lost" if self.is_lost else "closing" if self._closing else "open"
        return f"<Wire to {self.peer} [{state}, {len(self.sent)} sent, {len(self.heard)} heard]>"


@dataclass(frozen=True, slots=True, kw_only=True)
class WiredConnector(Connector):
    """Connections are made as the test says. Names are not looked up, addresses not raced."""

    wire: Connect

    async def _open_directly(
        self, factory: Callable[[], P], alpn: str, deadline: float
    ) -> tuple[P, float]:
        async with reaching(self.peer, deadline=deadline, timeout_s=self.timeout_s):
            wire = await self.wire(self.origin.host, self.origin.port, factory)
        return cast(P, wire.get_protocol()), asyncio.get_running_loop().time()
