"""WebSockets through the tunnel, `websockets` on both sides: all that they may do works as before.

The proxy knows nothing of WebSockets, so nothing here is about frames: it is about bytes that come
at odd moments, in large numbers, or not at all.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.extensions.permessage_deflate import (
    ClientPerMessageDeflateFactory,
    ServerPerMessageDeflateFactory,
)
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from tests.support.proxying import RunningProxy, proxying
from tests.support.talking import tls_contexts

MIB = 1024 * 1024
BIG = bytes(range(256)) * (16 * MIB // 256)
CLOSE_CODES = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 4999]

Handler = Callable[[ServerConnection], Awaitable[None]]


async def echo(socket: ServerConnection) -> None:
    with contextlib.suppress(ConnectionClosed):
        async for message in socket:
            await socket.send(message)


@asynccontextmanager
async def tunnelled(handler: Handler = echo, **options: object) -> AsyncIterator[RunningProxy]:
    """A proxy in front of a WebSocket service behind TLS."""
    serving, trusting = tls_contexts()
    options = {"max_size": None, "ssl": serving, **options}
    async with serve(handler, "127.0.0.1", 0, **options) as server:  # type: ignore[arg-type]  # -- serve's own
        (sock,) = server.sockets
        url = f"https://localhost:{sock.getsockname()[1]}"
        async with proxying(url, trust=trusting) as proxy:
            yield proxy


def connected(proxy: RunningProxy, **options: object) -> connect:
    options = {"max_size": None, **options}
    return connect(f"ws://localhost:{proxy.port}/path?query", **options)  # type: ignore[arg-type]  # -- connect's own


@pytest.mark.parametrize(
    "message", ["", "text ✓", b"", b"\0\xff", "x" * 125, "y" * 126, "z" * 65536]
)
async def test_message_comes_back_as_it_was(message: str | bytes) -> None:
    async with tunnelled() as proxy, connected(proxy) as socket:
        await socket.send(message)
        assert message == await socket.recv()


async def test_fragments_arrive_one_by_one() -> None:
    """The service sees each while the next does not exist yet."""
    heard: asyncio.Queue[str | bytes] = asyncio.Queue()

    async def listen(socket: ServerConnection) -> None:
        async for fragment in socket.recv_streaming():
            heard.put_nowait(fragment)

    async def speak() -> AsyncIterator[str]:
        for fragment in ("a", "", "b" * 200_000, "c"):
            yield fragment
            assert fragment == await heard.get()

    async with (
        tunnelled(listen, compression=None) as proxy,
        connected(proxy, compression=None) as socket,
        asyncio.timeout(10),
    ):
        await socket.send(speak())


async def test_pings_pass_in_the_middle_of_a_message_both_ways() -> None:
    async def listen(socket: ServerConnection) -> None:
        parts = []
        async for fragment in socket.recv_streaming():
            parts.append(fragment)
            await (await socket.ping(b"from the service"))
        await socket.send("".join(map(str, parts)))

    async def speak(socket: ClientConnection) -> AsyncIterator[str]:
        for fragment in "abc":
            yield fragment
            latency = await (await socket.ping(b"from the client"))
            assert latency >= 0

    async with tunnelled(listen) as proxy, connected(proxy) as socket, asyncio.timeout(10):
        await socket.send(speak(socket))
        assert "abc" == await socket.recv()


@pytest.mark.parametrize("takeover", [True, False], ids=["takeover", "no takeover"])
async def test_compression_is_between_client_and_service(takeover: bool) -> None:
    server = ServerPerMessageDeflateFactory(
        server_no_context_takeover=not takeover, client_no_context_takeover=not takeover
    )
    client = ClientPerMessageDeflateFactory(
        server_no_context_takeover=not takeover, client_no_context_takeover=not takeover
    )
    async with tunnelled(extensions=[server], compression=None) as proxy:
        async with connected(proxy, extensions=[client], compression=None) as socket:
            assert ["permessage-deflate"] == [each.name for each in socket.protocol.extensions]
            for _ in range(20):
                await socket.send("again and again " * 100)
                assert "again and again " * 100 == await socket.recv()
        (exchange,) = await proxy.heard.wait_for(1)

    compressed = 20 * 16 * 100
    assert exchange.bytes_from_client < compressed / 10
    assert exchange.bytes_to_client < compressed / 10


@pytest.mark.parametrize("code", CLOSE_CODES)
@pytest.mark.parametrize("first", ["client", "service"])
async def test_close_code_and_reason_reach_the_other_side(code: int, first: str) -> None:
    reason = "why ✓ " * 12
    heard: asyncio.Future[tuple[int | None, str | None]] = asyncio.Future()

    async def talk(socket: ServerConnection) -> None:
        if first == "service":
            await socket.close(code, reason)
        await socket.wait_closed()
        heard.set_result((socket.close_code, socket.close_reason))

    async with tunnelled(talk) as proxy, connected(proxy) as socket, asyncio.timeout(10):
        if first == "client":
            await socket.close(code, reason)
        await socket.wait_closed()
        assert ((code, reason), (code, reason)) == (
            await heard,
            (socket.close_code, socket.close_reason),
        )


async def test_close_without_a_code_stays_one() -> None:
    codes: asyncio.Future[int | None] = asyncio.Future()

    async def talk(socket: ServerConnection) -> None:
        await socket.wait_closed()
        codes.set_result(socket.close_code)

    async with tunnelled(talk) as proxy, connected(proxy) as socket, asyncio.timeout(10):
        socket.transport.write(b"\x88\x80\0\0\0\0")  # a close frame without a body
        await socket.wait_closed()
        assert 1005 == await codes


@pytest.mark.parametrize("first", ["client", "service"])
async def test_side_that_is_cut_off_is_1006_to_the_other(first: str) -> None:
    codes: asyncio.Future[int | None] = asyncio.Future()

    async def talk(socket: ServerConnection) -> None:
        if first == "service":
            socket.transport.abort()
        await socket.wait_closed()
        codes.set_result(socket.close_code)

    async with tunnelled(talk) as proxy, asyncio.timeout(10):
        async with connected(proxy) as socket:
            if first == "client":
                socket.transport.abort()
            await socket.wait_closed()
        assert (1006, 1006) == (await codes, socket.close_code)


@pytest.mark.parametrize("compression", [None, "deflate"])
async def test_16_mib_pass_both_ways_at_once(compression: str | None) -> None:
    async def send_first(socket: ServerConnection) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(socket.send(BIG))
            received = await socket.recv()
        await socket.send("same" if received == BIG else "other")

    async with (
        tunnelled(send_first, compression=compression) as proxy,
        connected(proxy, compression=compression) as socket,
        asyncio.timeout(40),
    ):
        async with asyncio.TaskGroup() as group:
            group.create_task(socket.send(BIG))
            assert BIG == await socket.recv()
        assert "same" == await socket.recv()


async def test_subprotocol_is_the_services_choice() -> None:
    offered = [Subprotocol("a"), Subprotocol("b.c"), Subprotocol("d")]
    known = [Subprotocol("d"), Subprotocol("b.c")]
    async with (
        tunnelled(subprotocols=known) as proxy,
        connected(proxy, subprotocols=offered) as socket,
    ):
        assert "d" == socket.subprotocol


async def test_head_of_the_handshake_reaches_the_service_with_the_token() -> None:
    async def show(socket: ServerConnection) -> None:
        assert socket.request is not None
        fields = socket.request.headers
        await socket.send(f"{socket.request.path} {fields['X-Own']} {fields['Authorization'][:11]}")

    async with (
        tunnelled(show) as proxy,
        connected(proxy, additional_headers={"X-Own": "a"}) as socket,
    ):
        assert "/path?query a Bearer eyJh" == await socket.recv()


@pytest.mark.parametrize("status", [200, 401, 403, 404, 426, 500, 503])
async def test_refused_handshake_is_the_services_answer(status: int) -> None:
    def refuse(_: ServerConnection, __: Request) -> Response:
        fields = Headers({"X-Own": "b", "Content-Length": "2"})
        return Response(status, "As The Service Says", fields, b"no")

    async with tunnelled(process_request=refuse) as proxy:
        with pytest.raises(InvalidStatus) as caught:
            await connected(proxy, process_exception=lambda error: error)
        (exchange,) = await proxy.heard.wait_for(1)

    answer = caught.value.response
    assert (status, "As The Service Says", b"no") == (
        answer.status_code,
        answer.reason_phrase,
        answer.body,
    )
    assert "b" == answer.headers["X-Own"]
    assert status == exchange.status


async def test_first_message_of_the_service_may_come_with_the_handshake() -> None:
    async def talk(socket: ServerConnection) -> None:
        await socket.send("at once")
        await echo(socket)

    async with tunnelled(talk) as proxy:
        for _ in range(20):
            async with connected(proxy) as socket:
                assert "at once" == await socket.recv()


async def test_first_message_of_the_client_may_come_with_the_handshake() -> None:
    """Before the 101: no library does so, and RFC 6455 4.1 forbids it; bytes are bytes."""
    request = (
        b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    async with tunnelled(compression=None) as proxy, asyncio.timeout(10):
        reader, writer = await proxy.connect()
        writer.write(request + b"\x81\x82\0\0\0\0hi")
        head = await reader.readuntil(b"\r\n\r\n")
        frame = await reader.readexactly(4)
        writer.close()
        await writer.wait_closed()

    assert head.startswith(b"HTTP/1.1 101 Switching Protocols\r\n")
    assert b"\r\nsec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo=\r\n" in head.lower()
    assert b"\x81\x02hi" == frame


async def test_200_at_once_each_get_their_own() -> None:
    async with tunnelled() as proxy:

        async def talk(number: int) -> None:
            async with connected(proxy) as socket:
                for turn in range(5):
                    await socket.send(f"{number}.{turn}")
                for turn in range(5):
                    assert f"{number}.{turn}" == await socket.recv()

        async with asyncio.timeout(50), asyncio.TaskGroup() as group:
            for number in range(200):
                group.create_task(talk(number))
        exchanges = await proxy.heard.wait_for(200)

    assert {101} == {exchange.status for exchange in exchanges}
