"""A small egress proxy: it opens connections by CONNECT, with a password and TLS if so told."""

import asyncio
import ssl
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tests.support.raw import NEVER_PAUSES, Call, raw_service


@dataclass
class ConnectProxy:
    url: str
    heads: list[bytes] = field(default_factory=list)


@asynccontextmanager
async def connect_proxy(
    *,
    user: str | None = None,
    tls: ssl.SSLContext | None = None,
    answer: bytes = b"HTTP/1.1 200 Connection established\r\n\r\n",
    at: tuple[str, int] | None = None,
) -> AsyncIterator[ConnectProxy]:
    """`user`: the `USER:PASSWORD` it asks for; `answer`: what it says to a CONNECT that it serves.

    It connects to the address that it is asked for, or always to `at`.
    """

    async def talk(call: Call) -> None:
        head = await call.read_head()
        if user is not None and _basic(user) not in head:
            await call.say(
                b"HTTP/1.1 407 Proxy Authentication Required\r\n"
                b'Proxy-Authenticate: Basic realm="way out"\r\nContent-Length: 0\r\n\r\n'
            )
            return
        if b" 200 " not in answer:
            await call.say(answer)
            return
        host, _, port = head.split()[1].decode().rpartition(":")
        reader, writer = await asyncio.open_connection(*(at or (host.strip("[]"), int(port))))
        try:
            await call.say(answer)
            await asyncio.gather(_copy(call.reader, writer), _copy(reader, call.writer))
        finally:
            writer.close()

    async with raw_service(talk, tls=tls, limit=NEVER_PAUSES) as service:
        yield ConnectProxy(service.url, service.heads)


def _basic(user: str) -> bytes:
    return b"\r\nProxy-Authorization: Basic " + b64encode(user.encode()) + b"\r\n"


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()
