"""Connects to whichever of a host's addresses answers first (RFC 8305).

asyncio has this in `create_connection`, where it takes three tasks and ten more turns of the loop
for each connection, also to a host with one address; and cancelled at the wrong moment it leaves
the socket that won open. Here an attempt is a socket that the loop watches.
"""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import chain, zip_longest
from typing import Any, TypeAlias, TypeVar

from authproxy.wire.lost_peers import watch

DELAY_S = 0.25
"""Until the next address is tried beside the one before it; RFC 8305 8 recommends it."""

P = TypeVar("P", bound=asyncio.BaseProtocol)

AddressInfo: TypeAlias = tuple[int, int, int, str, tuple[Any, ...]]
"""As `socket.getaddrinfo` has them."""


async def connect(
    factory: Callable[[], P], host: str, port: int, context: ssl.SSLContext | None
) -> tuple[asyncio.Transport, P]:
    """As the loop's `create_connection`; the peer is watched. Raises OSError."""
    loop = asyncio.get_running_loop()
    addresses: Sequence[AddressInfo] = _literal(host, port) or await loop.getaddrinfo(
        host, port, type=socket.SOCK_STREAM
    )
    sock = await first_of(addresses)
    try:
        return await loop.create_connection(
            factory, sock=sock, ssl=context, server_hostname=host if context is not None else None
        )
    except BaseException:
        sock.close()
        raise


async def first_of(addresses: Sequence[AddressInfo], *, delay_s: float = DELAY_S) -> socket.socket:
    """A socket that is connected to one of them. Raises OSError."""
    return await Race(asyncio.get_running_loop(), in_turn(addresses), delay_s).run()


def in_turn(addresses: Sequence[AddressInfo]) -> Iterator[AddressInfo]:
    """IPv6 and IPv4 one after the other, beginning with the first one's family (RFC 8305 4)."""
    families: dict[int, list[AddressInfo]] = {}
    for address in addresses:
        families.setdefault(address[0], []).append(address)
    return filter(None, chain.from_iterable(zip_longest(*families.values())))


@lru_cache(maxsize=256)
def _literal(host: str, port: int) -> Sequence[AddressInfo]:
    """Of a host that is an address, so that nobody need be asked; else empty."""
    try:
        family = socket.AF_INET if ipaddress.ip_address(host).version == 4 else socket.AF_INET6
    except ValueError:
        return ()
    if "%" in host:  # its zone is a name, which the system knows
        return ()
    where = (host, port) if family == socket.AF_INET else (host, port, 0, 0)
    return [(family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", where)]


class Race:
    """Attempts to connect, of which one wins."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        addresses: Iterator[AddressInfo],
        delay_s: float = DELAY_S,
    ) -> None:
        self.winner: asyncio.Future[socket.socket] = loop.create_future()
        self._loop = loop
        self._left = addresses
        self._delay_s = delay_s
        self._running: set[socket.socket] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._errors: list[OSError] = []

    async def run(self) -> socket.socket:
        """The socket that won. Raises OSError."""
        try:
            self.go_on()
            return await self.winner
        except BaseException:
            self._give_up()
            raise

    def go_on(self) -> None:
        """Begin the next attempt, and have the one after it begin later, or as soon as it fails."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for address in self._left:
            try:
                self._try(address)
            except OSError as error:
                self._errors.append(error)
                continue
            if not self.winner.done():
                self._timer = self._loop.call_later(self._delay_s, self.go_on)
            return
        if not (self._running or self.winner.done()):
            self.winner.set_exception(self._failure())

    def win(self, sock: socket.socket) -> None:
        """`sock` is connected."""
        self._end()
        if self.winner.done():  # given up in this very turn of the loop
            sock.close()
        else:
            self.winner.set_result(sock)

    def _try(self, address: AddressInfo) -> None:
        family, kind, proto, _, where = address
        sock = socket.socket(family, kind, proto)
        try:
            sock.setblocking(False)
            watch(sock)
            sock.connect(where)
        except (BlockingIOError, InterruptedError):
            self._running.add(sock)
            self._loop.add_writer(sock, self._ended, sock, where)
        except BaseException:
            sock.close()
            raise
        else:
            self.win(sock)

    def _ended(self, sock: socket.socket, where: tuple[Any, ...]) -> None:
        self._loop.remove_writer(sock)
        self._running.remove(sock)
        if number := sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            sock.close()
            self._errors.append(OSError(number, f"Connect call failed {where}"))
            self.go_on()
        else:
            self.win(sock)

    def _give_up(self) -> None:
        """Nobody waits any more: leave nothing open, not even the winner."""
        self._end()
        if self.winner.done() and not self.winner.cancelled() and not self.winner.exception():
            self.winner.result().close()

    def _end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        while self._running:
            sock = self._running.pop()
            self._loop.remove_writer(sock)
            sock.close()

    def _failure(self) -> OSError:
        """As asyncio says it: all that went wrong, if it was not the same each time."""
        if not self._errors:
            return OSError("getaddrinfo() returned empty list")
        said = dict.fromkeys(map(str, self._errors))
        if len(said) == 1:
            return self._errors[0]
        return OSError(f"Multiple exceptions: {', '.join(said)}")
