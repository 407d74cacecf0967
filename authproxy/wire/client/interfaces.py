"""Protocols of the server, as its clients' connections see it."""

import asyncio
from typing import Protocol

from authproxy.policy.access.networks import Address
from authproxy.wire.relay import interfaces


class WrongPorts(Protocol):
    """Hears of clients that came to the wrong port."""

    def note_tls(self, client: Address | None, transport: asyncio.Transport, /) -> None:
        """Its first bytes were TLS, at a listener without. `client`: None on a Unix socket."""


class Answered(Protocol):
    """Reader of the answers."""

    is_congested: bool
    """It reads slower than we write."""


class Server(interfaces.Server, Protocol):
    """As exchanges see it, and what only connections need."""

    @property
    def wrong_ports(self) -> WrongPorts:
        """Who is told of clients at the wrong port; the same for all listeners."""
