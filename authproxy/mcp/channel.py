"""Channel to the server, as the bridge sees it; and the way through authproxy itself.

Requests go to authproxy in this process, by its Unix socket, as any client's would. So each has its
token, and a refusal comes with authproxy's advice.
"""

import io
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

import aiohttp

from authproxy import __version__
from authproxy.mcp.failures import Failed, lost_answer
from authproxy.mcp.messages import Message

MAX_FIELD = 64 * 1024
MAX_CONNECTIONS = 900
"""Fewer than may wait to be accepted (wire.listening.sockets.BACKLOG): a Unix socket with a full
queue refuses with EAGAIN, which asyncio takes for a connection that stands."""
ORIGIN = "http://localhost"

Deliver = Callable[[Message], Awaitable[None]]
"""Takes a message of the server."""
Fields = Mapping[str, str]

UNREACHED = (aiohttp.ClientError, OSError, TimeoutError)
"""What a request through authproxy raises when a connection ends."""


class Channel(Protocol):
    """One transport to one server."""

    async def exchange(self, message: Message, fields: Fields, deliver: Deliver) -> None:
        """Send `message`, and give what comes for it to `deliver`, until all is answered.

        `fields`: header fields that go with it. Raises Failed.
        """

    async def listen(self, deliver: Deliver) -> None:
        """Give to `deliver` what the server says by itself, for as long as the session lasts.

        Returns when the server says nothing by itself. Raises SessionLost.
        """

    async def end(self) -> None:
        """Tell the server that the session is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Address of an MCP server."""

    shown: str
    """For people."""
    target: str
    """Path and query, as they are asked for."""


class Http:
    """Requests through authproxy in this process."""

    def __init__(self, client: aiohttp.ClientSession, address: Address) -> None:
        self._client = client
        self.address = address

    def request(
        self, method: str, target: str, fields: Fields, body: bytes | None = None
    ) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        """The answer's head; its content is still to come. Raises what UNREACHED has."""
        data = None if body is None else io.BytesIO(body)  # which is sent piece by piece
        return self._client.request(
            method, f"{ORIGIN}{target}", headers=fields, data=data, allow_redirects=False
        )

    def __repr__(self) -> str:
        return f"<Http {self.address.shown}>"


def open_client(socket_path: str) -> aiohttp.ClientSession:
    """Whoever calls closes it. Nothing here has a timeout: those of authproxy hold."""
    return aiohttp.ClientSession(
        connector=aiohttp.UnixConnector(socket_path, limit=MAX_CONNECTIONS),
        timeout=aiohttp.ClientTimeout(total=None),
        # Session affinity of Cloud Run is a cookie, and marked for TLS.
        cookie_jar=aiohttp.CookieJar(unsafe=True, treat_as_secure_origin=[ORIGIN]),
        headers={"User-Agent": f"authproxy/{__version__} (mcp)"},
        max_line_size=MAX_FIELD,
        max_field_size=MAX_FIELD,
    )


def broken_off(address: Address) -> Failed:
    return lost_answer(f"The connection to {address.shown} ended")
