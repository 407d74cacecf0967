import asyncio
import socket
from typing import Any

from authproxy.event_loop import (
    READ_RECORDS,
    RECORD,
    PeerCertificate,
    choose_transports,
    run_to_end,
)
from tests.support.talking import tls_connection, tls_contexts


async def peer_certificate() -> Any:
    """As the client's side of a connection shows the server's."""
    async with tls_connection() as transport:
        return transport.get_extra_info("peercert")


def test_a_certificate_is_the_same_as_with_the_standard_transports() -> None:
    with asyncio.Runner() as runner:
        standard = runner.run(peer_certificate())
    with asyncio.Runner(loop_factory=choose_transports()) as runner:
        ours = runner.run(peer_certificate())

    assert isinstance(ours, PeerCertificate)
    assert sorted(standard) == sorted(ours)
    assert standard["subjectAltName"] == ours["subjectAltName"] == (("DNS", "localhost"),)
    assert len(standard) == len(ours)


def test_a_connection_that_is_closed_at_once_does_not_make_the_next_one_mute() -> None:
    """The next one has the same number among the open files."""

    class TurningAway(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            transport.close()

    class Echo(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport = transport

        def data_received(self, data: bytes) -> None:
            assert hasattr(self.transport, "write")
            self.transport.write(data)
            self.transport.close()

    async def talk() -> list[bytes]:
        loop = asyncio.get_running_loop()
        protocols = iter([TurningAway(), Echo()] * 10)
        server = await loop.create_server(lambda: next(protocols), "127.0.0.1", 0)
        heard = []
        for _ in range(20):
            with socket.create_connection(server.sockets[0].getsockname()) as sock:
                sock.setblocking(False)
                await loop.sock_sendall(sock, b"hello")
                async with asyncio.timeout(10):
                    heard.append(await hear(sock))
        server.close()
        return heard

    async def hear(sock: socket.socket) -> bytes:
        try:
            return await asyncio.get_running_loop().sock_recv(sock, 100)
        except ConnectionResetError:
            return b""

    with asyncio.Runner(loop_factory=choose_transports()) as runner:
        assert [b"", b"hello"] * 10 == runner.run(talk())


def test_what_commands_run_looks_names_up_in_the_same_way() -> None:
    async def resolver() -> str:
        return type(asyncio.get_running_loop().getaddrinfo.__self__).__name__  # type: ignore[attr-defined]  # -- bound

    assert "Resolver" == run_to_end(resolver())


def test_a_connection_in_tls_reads_no_more_at_a_time_than_it_has_room_for() -> None:
    """aiofastnet's own sizes would keep half a megabyte for each connection."""
    sent = bytes(1_000_000)
    pieces: list[int] = []

    class Giving(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            assert isinstance(transport.get_extra_info("peername"), tuple)
            assert hasattr(transport, "write")
            transport.write(sent)
            transport.close()

    class Taking(asyncio.Protocol):
        def __init__(self) -> None:
            self.is_over = asyncio.Event()

        def data_received(self, data: bytes) -> None:
            pieces.append(len(data))

        def connection_lost(self, exc: Exception | None) -> None:
            self.is_over.set()

    async def take() -> None:
        server_side, client_side = tls_contexts()
        loop = asyncio.get_running_loop()
        server = await loop.create_server(Giving, "127.0.0.1", 0, ssl=server_side)
        port = server.sockets[0].getsockname()[1]
        _, taking = await loop.create_connection(
            Taking, "127.0.0.1", port, ssl=client_side, server_hostname="localhost"
        )
        async with asyncio.timeout(10):
            await taking.is_over.wait()
        server.close()

    with asyncio.Runner(loop_factory=choose_transports()) as runner:
        runner.run(take())

    assert len(sent) == sum(pieces)
    assert max(pieces) <= READ_RECORDS * RECORD
