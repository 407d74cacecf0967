import asyncio
import socket

import pytest

from authproxy.event_loop import READ_RECORDS, RECORD, choose_transports, run_to_end
from tests.support.talking import tls_contexts


def test_without_a_folder_for_temporary_files_the_standard_transports_serve(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def find() -> str:
        raise FileNotFoundError

    assert choose_transports(find) is None
    assert "set TMPDIR to one, such as /dev/shm" in caplog.text
    assert choose_transports() is not None


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
