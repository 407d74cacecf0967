import asyncio
import socket

import pytest

from authproxy.transports import choose_transports, run_to_end


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
