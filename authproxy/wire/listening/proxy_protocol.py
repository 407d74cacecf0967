"""Takes connections that begin with a PROXY header, which names the client behind a load balancer.

The header comes before TLS, so it is taken off the bare socket, and not a byte more: a transport is
made only for what follows. A connection without a header is closed, and so is one that does not
come from a trusted proxy: it could name any client that it likes.
"""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable

from authproxy.policy.access.networks import Address, AddressSet, parse_peer
from authproxy.policy.access.proxy_header import find_length, parse_header, parse_port
from authproxy.tasks import Tasks
from authproxy.wire.listening.acceptor import PAUSE_S, Acceptor, show_name
from authproxy.wire.listening.room import Room
from authproxy.wire.listening.tls import Context
from authproxy.wire.listening.without_tls import lacks_tls, readable
from authproxy.wire.rare_warnings import Seldom

logger = logging.getLogger(__name__)

MAX_WAITING = 512
"""Connections whose header has not come yet; more are left to the kernel until one has."""
_PEEK = 512

Factory = Callable[[Address, bool], asyncio.Protocol]
"""For the client's address, and whether it lacks the TLS that it should speak."""


def open_door(
    sock: socket.socket,
    *,
    factory: Factory,
    context: Context | None,
    trusted: AddressSet,
    deadline_s: float,
    room: Room,
    for_itself: Factory | None = None,
    most_unheard: int = MAX_WAITING,
    pause_s: float = PAUSE_S,
) -> "Door":
    """Take the connections that come to `sock` (TCP, ours from now on), until it is closed.

    `deadline_s` bounds the wait for the header and, with `context`, that for the TLS handshake.
    What has been handed to a protocol by then goes on. `for_itself` makes the protocol for a proxy
    that names no client but itself, as for its health checks; without it, `factory` does.
    `most_unheard` connections may be without their header; `pause_s` is the acceptor's.
    """
    door = Door(show_name(sock), factory, context, trusted, deadline_s, room)
    door.for_itself = for_itself or factory
    door.most_unheard = most_unheard
    door.acceptor = Acceptor(sock, door.take, room, door.may_take, pause_s=pause_s)
    door.on_room = door.acceptor.go_on
    door.acceptor.go_on()
    return door


class _Newcomer:
    """A connection that has not said yet whose it is."""

    def __init__(self, sock: socket.socket, peer: Address) -> None:
        self.sock = sock
        self.peer = peer
        self.client: Address | None = None
        self._received = b""

    async def read_client(self) -> Address | None:
        """The address that the header names, unless that is the proxy itself.

        Raises ValueError, EOFError and OSError.
        """
        while True:
            await readable(self.sock)
            with contextlib.suppress(BlockingIOError):
                header = self._take()
                if header is not None:
                    client = parse_header(header)
                    return None if self._is_peer(client, parse_port(header)) else client

    def _is_peer(self, client: Address | None, port: int | None) -> bool:
        return client == self.peer and port == self.sock.getpeername()[1]

    def _take(self) -> bytes | None:
        """The whole header, once it is there; what follows it stays where it is."""
        seen = self.sock.recv(_PEEK, socket.MSG_PEEK)
        if not seen:
            raise EOFError
        length = find_length(self._received + seen)
        missing = len(seen) if length is None else length - len(self._received)
        self._received += self.sock.recv(min(missing, len(seen)))
        return self._received if len(self._received) == length else None


class Door:
    """One listening socket, and the connections that have not been handed on yet."""

    acceptor: Acceptor

    def __init__(
        self,
        where: str,
        factory: Factory,
        context: Context | None,
        trusted: AddressSet,
        deadline_s: float,
        room: Room,
    ) -> None:
        self._where = where
        self._factory = self.for_itself = factory
        self._context = context
        self._trusted = trusted
        self._deadline_s = deadline_s
        self._room = room
        self.on_room: Callable[[], None] = lambda: None
        """Called when fewer wait than before."""
        self.most_unheard = MAX_WAITING
        self._unheard = 0
        """Those whose header has not come."""
        self._newcomers: set[_Newcomer] = set()
        self._tasks = Tasks()
        clock = asyncio.get_running_loop().time
        self._strangers, self._failures = Seldom(clock), Seldom(clock)

    def may_take(self) -> bool:
        """Fewer wait than may."""
        return self._unheard < self.most_unheard

    def take(self, sock: socket.socket, peername: object) -> None:
        """Let a connection say whose it is, if its peer may name others."""
        peer = parse_peer(peername)
        if peer is None or peer not in self._trusted:
            sock.close()
            self._room.arrived()
            self._strangers.warn(
                f"a connection from {peer} to {self._where} was closed: a listener with"
                " proxy_protocol is for trusted_proxies only"
            )
            return
        newcomer = _Newcomer(sock, peer)
        self._newcomers.add(newcomer)
        self._unheard += 1
        self._tasks.spawn(self._greet(newcomer), name=f"connection to {self._where}")

    async def _greet(self, newcomer: _Newcomer) -> None:
        try:
            if await self._hear(newcomer):
                await self._hand_over(newcomer)
        finally:
            if newcomer in self._newcomers:
                self._close(newcomer)
            self._room.arrived()

    async def _hear(self, newcomer: _Newcomer) -> bool:
        """Whether it has said who the client is; else the connection is to be closed."""
        try:
            async with asyncio.timeout(self._deadline_s):
                newcomer.client = await newcomer.read_client()
                return True
        except TimeoutError:
            self._complain(newcomer, f"no PROXY header came within {self._deadline_s:g} s")
        except ValueError as error:
            self._complain(newcomer, str(error))
        except (EOFError, OSError):
            # As some load balancers do to see whether anybody is there.
            logger.debug("a connection from %s ended before its PROXY header did", newcomer.peer)
        finally:
            self._unheard -= 1
            self.on_room()
        return False

    async def _hand_over(self, newcomer: _Newcomer) -> None:
        context, sock, client = self._context, newcomer.sock, newcomer.client
        with contextlib.suppress(OSError):  # a handshake that failed is the client's matter
            is_plain = context is not None and await lacks_tls(sock, self._deadline_s)
            make = self.for_itself if client is None else self._factory
            protocol = make(client or newcomer.peer, is_plain)
            self._newcomers.discard(newcomer)
            tls = None if context is None or is_plain else context()
            with self._room.handshake() if tls is not None else contextlib.nullcontext():
                await asyncio.get_running_loop().connect_accepted_socket(
                    lambda: protocol,
                    sock,
                    ssl=tls,
                    ssl_handshake_timeout=None if tls is None else self._deadline_s,
                )

    def _complain(self, newcomer: _Newcomer, reason: str) -> None:
        self._failures.warn(
            f"a connection from {newcomer.peer} to {self._where} was closed: {reason}; let the"
            " proxy send the PROXY protocol to this port, or take proxy_protocol off the listener"
        )

    def _close(self, newcomer: _Newcomer) -> None:
        self._newcomers.discard(newcomer)
        newcomer.sock.close()

    @property
    def is_empty(self) -> bool:
        """Nobody is on the way in."""
        return not self._tasks

    async def settle(self, seconds: float) -> None:
        """Wait for those who are on their way in, but no longer than `seconds`."""
        await self._tasks.settle(seconds)

    async def close(self) -> None:
        """Those who are still on their way in are closed."""
        await self._tasks.cancel()
        for newcomer in list(self._newcomers):  # its task was cancelled before it had begun
            self._close(newcomer)
            self._room.arrived()
