import asyncio
import socket
import struct
from collections.abc import Iterable
from pathlib import Path
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authproxy.wire.transport import JOIN_BELOW, add_chunk, has_bounded_writelines, reset, send


class Written:
    """Stands in for a transport: keeps each call."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, bytes]] = []

    def write(self, data: bytes) -> None:
        self.calls.append(("write", data))

    def writelines(self, pieces: Iterable[bytes]) -> None:
        self.calls.append(("writelines", b"".join(pieces)))


def written(pieces: list[bytes]) -> list[tuple[str, bytes]]:
    transport = Written()
    send(pieces, cast(asyncio.Transport, transport), True)
    return transport.calls


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        pytest.param([b"head"], [("write", b"head")], id="one piece as it is"),
        pytest.param([b"head", b"body"], [("write", b"headbody")], id="small ones joined"),
        pytest.param(
            [b"h", b"x" * (JOIN_BELOW - 2)],
            [("write", b"h" + b"x" * (JOIN_BELOW - 2))],
            id="just below the bound",
        ),
        pytest.param(
            [b"h", b"x" * (JOIN_BELOW - 1)],
            [("writelines", b"h" + b"x" * (JOIN_BELOW - 1))],
            id="large ones not copied",
        ),
    ],
)
def test_pieces_leave_in_one_call(pieces: list[bytes], expected: list[tuple[str, bytes]]) -> None:
    assert expected == written(pieces)
    assert [] == pieces


def test_a_chunk_has_its_length_in_hexadecimal() -> None:
    pieces = [b"head"]
    add_chunk(pieces, b"x" * 26)

    assert [b"head", b"1a\r\n", b"x" * 26, b"\r\n"] == pieces


@given(st.lists(st.binary(min_size=1), min_size=1))
def test_chunks_carry_every_byte(bodies: list[bytes]) -> None:
    pieces: list[bytes] = []
    for body in bodies:
        add_chunk(pieces, body)
    ((_, data),) = written(pieces)

    for body in bodies:
        size, _, rest = data.partition(b"\r\n")
        assert (body, b"\r\n") == (rest[: int(size, 16)], rest[int(size, 16) :][:2])
        data = rest[int(size, 16) + 2 :]
    assert b"" == data


class Accepted(asyncio.Protocol):
    """Hands out the transport of the connection it accepted."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.transport: asyncio.Future[asyncio.Transport] = loop.create_future()
        self.lost: asyncio.Future[None] = loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport.set_result(cast(asyncio.Transport, transport))

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost.set_result(None)


async def test_a_reset_is_no_orderly_end() -> None:
    accepted = Accepted()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: accepted, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())

    reset(await accepted.transport)
    with pytest.raises(ConnectionResetError):
        await reader.read(1)

    writer.close()
    server.close()


async def test_a_reset_does_not_wait_for_a_client_that_does_not_read() -> None:
    accepted = Accepted()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: accepted, "127.0.0.1", 0)
    with socket.create_connection(server.sockets[0].getsockname()):
        transport = await accepted.transport
        transport.write(b"x" * 20_000_000)
        assert transport.get_write_buffer_size() > 0

        reset(transport)
        async with asyncio.timeout(10):
            await accepted.lost

    server.close()


async def test_on_a_unix_socket_a_reset_just_ends(tmp_path: Path) -> None:
    accepted = Accepted()
    loop = asyncio.get_running_loop()
    server = await loop.create_unix_server(lambda: accepted, tmp_path / "s")
    reader, writer = await asyncio.open_unix_connection(tmp_path / "s")

    transport = await accepted.transport
    reset(transport)
    assert b"" == await reader.read(1)
    sock = transport.get_extra_info("socket")
    assert socket.AF_UNIX == sock.family

    writer.close()
    server.close()


async def test_a_reset_of_what_is_gone_already_does_no_harm() -> None:
    accepted = Accepted()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: accepted, "127.0.0.1", 0)
    client = socket.create_connection(server.sockets[0].getsockname())
    transport = await accepted.transport
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()
    async with asyncio.timeout(10):
        await accepted.lost

    reset(transport)
    await asyncio.sleep(0)
    assert transport.is_closing()
    server.close()


def test_a_writelines_that_knows_no_bound_is_not_used() -> None:
    transport = Written()
    pieces = [bytes([number]) * JOIN_BELOW for number in range(3)]
    send(pieces.copy(), cast(asyncio.Transport, transport), False)

    assert [("write", piece) for piece in pieces] == transport.calls


@pytest.mark.parametrize(
    ("version", "expected"),
    [("3.11.2", True), ("3.12.8", False), ("3.12.9", True), ("3.13.1", False), ("3.13.2", True)],
)
def test_it_is_known_which_python_has_a_bound(version: str, expected: bool) -> None:
    numbers = tuple(map(int, version.split(".")))

    assert expected is has_bounded_writelines(numbers)
