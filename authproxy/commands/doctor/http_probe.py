"""One request, by the connector that every other goes by, and the beginning of its answer."""

import asyncio
import http.client
import io
import socket
from dataclasses import dataclass
from typing import Literal, cast

from authproxy.errors import Code, UpstreamError
from authproxy.wire.upstream.connector import Connector

MAX_ANSWER = 64 * 1024
"""More than any page of Google's front end."""
ANSWER_S = 30.0
"""An instance may have to be started first."""
REST_S = 2.0
"""For the body, once the head is there: some services never stop answering."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A service's answer, as far as it came."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


class Listening(asyncio.Protocol):
    """Keeps what comes, up to a bound."""

    def __init__(self) -> None:
        self.data = b""
        self._ended = asyncio.Event()
        self._has_head = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self.data += data
        if b"\r\n\r\n" in self.data:
            self._has_head.set()
        if len(self.data) > MAX_ANSWER:
            self._ended.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self._has_head.set()
        self._ended.set()

    async def answer(self, head_s: float, rest_s: float = REST_S) -> bytes:
        """What came until the other side closed. Raises TimeoutError when no head came."""
        async with asyncio.timeout(head_s):
            await self._has_head.wait()
        try:
            async with asyncio.timeout(rest_s):
                await self._ended.wait()
        except TimeoutError:
            pass
        return self.data


async def ask(
    connector: Connector,
    lines: bytes,
    *,
    method: Literal["GET", "HEAD"] = "GET",
    agent: bytes = b"authproxy-doctor",
    answer_s: float = ANSWER_S,
) -> Answer:
    """`lines` are further header lines, finished. Raises UpstreamError."""
    listening = await connector.open(Listening)
    authority = connector.origin.authority.encode()
    try:
        listening.transport.write(
            b"%b %b/ HTTP/1.1\r\nHost: %b\r\nUser-Agent: %b\r\nAccept: */*\r\nConnection: close\r\n"
            b"%b\r\n" % (method.encode(), connector.origin.path.encode(), authority, agent, lines)
        )
        rest_s = REST_S if method == "GET" else 0.0
        return parse(await listening.answer(answer_s, rest_s), str(connector.origin), method)
    except TimeoutError:
        raise UpstreamError(
            f"The service {connector.origin} did not begin to answer within {answer_s:g} seconds.",
            code=Code.UPSTREAM_TIMEOUT,
            sent=True,
            hint="Is it starting? See the service's own log.",
        ) from None
    finally:
        listening.transport.abort()


class _Received:
    """Looks like a socket to http.client."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def makefile(self, *_args: object) -> io.BytesIO:
        return io.BytesIO(self._data)


def parse(data: bytes, name: str, method: str = "GET") -> Answer:
    """An answer that may end anywhere after its head. Raises UpstreamError."""
    response = http.client.HTTPResponse(cast(socket.socket, _Received(data)), method=method)
    try:
        response.begin()
    except (http.client.HTTPException, ValueError, OSError):
        silent = "closed the connection without an answer"
        what = "sent something that is not HTTP/1.1" if data else silent
        raise UpstreamError(
            f"The service {name} {what}.",
            code=Code.UPSTREAM_BROKE,
            sent=True,
            hint="Did it crash? Is it the right port? It may also require a client certificate.",
        ) from None
    try:
        body = response.read()
    except http.client.IncompleteRead as cut:
        body = cut.partial
    except (http.client.HTTPException, ValueError):
        body = b""
    return Answer(status=response.status, headers=tuple(response.getheaders()), body=body)
