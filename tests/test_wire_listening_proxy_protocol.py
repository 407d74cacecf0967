import asyncio
import logging
import os
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from ipaddress import ip_address, ip_network
from typing import Any, cast

import pytest

from authproxy.policy.access.networks import Address, AddressSet
from authproxy.tasks import Tasks
from authproxy.values import LOOPBACK, Listen
from authproxy.wire.listening.acceptor import PAUSE_S
from authproxy.wire.listening.proxy_protocol import (
    MAX_WAITING,
    Door,
    open_door,
)
from authproxy.wire.listening.room import Room
from authproxy.wire.listening.sockets import open_listener
from authproxy.wire.listening.without_tls import readable
from tests.support.proxy_header import v1, v2, v2_for
from tests.support.talking import read_rest, tls_contexts, until
from tests.test_wire_listening_sockets import has_ipv6

CLIENT = ip_address("192.0.2.7")
EVERYBODY = AddressSet(LOOPBACK)
NOBODY = AddressSet([ip_network("192.0.2.0/24")])
PATIENT_S = 30.0
"""No test waits for so long."""
ADVICE = (
    "; let the proxy send the PROXY protocol to this port, or take proxy_protocol off the listener"
)


class Echo(asyncio.Protocol):
    """Says back what it hears, after the address that it was made with."""

    def __init__(self, client: Address, lacks_tls: bool) -> None:
        self._client = client

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.write(f"{self._client}: ".encode())

    def data_received(self, data: bytes) -> None:
        self.transport.write(data)


class Itself(Echo):
    def __init__(self, peer: Address) -> None:
        super().__init__(peer, False)
        self._client = "itself"  # type: ignore[assignment]  # -- what is said


class Server:
    def __init__(self, sock: socket.socket, tasks: Tasks) -> None:
        self.port: int = sock.getsockname()[1]
        self.tasks = tasks
        self.made: list[Echo] = []
        self.room = Room(lambda: 0, lambda: None)

    def make(self, client: Address, lacks_tls: bool) -> Echo:
        self.made.append(Echo(client, lacks_tls))
        return self.made[-1]

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port)

    async def say(self, *pieces: bytes) -> bytes:
        """What comes back until the other side closes, or has echoed the last piece."""
        reader, writer = await self.connect()
        try:
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
            writer.write_eof()
            return await read_rest(reader)
        except OSError:
            return b"reset"
        finally:
            writer.close()


async def serve(sock: socket.socket, **rules: Any) -> None:
    """Let them come to `sock` until cancelled."""
    door = open_door(sock, **rules)
    try:
        await asyncio.get_running_loop().create_future()
    finally:
        door.acceptor.close()
        await door.close()


@asynccontextmanager
async def serving(
    *,
    trusted: AddressSet = EVERYBODY,
    context: ssl.SSLContext | None = None,
    deadline_s: float = PATIENT_S,
    most_unheard: int = MAX_WAITING,
    pause_s: float = PAUSE_S,
    listen: Listen = Listen("127.0.0.1", 0),  # noqa: B008 -- it is frozen
) -> AsyncIterator[Server]:
    (sock,) = open_listener(listen)
    tasks = Tasks()
    server = Server(sock, tasks)
    tasks.spawn(
        serve(
            sock,
            factory=server.make,
            context=None if context is None else lambda: context,
            trusted=trusted,
            deadline_s=deadline_s,
            room=server.room,
            most_unheard=most_unheard,
            pause_s=pause_s,
        ),
        name="listener",
    )
    try:
        yield server
    finally:
        await tasks.cancel()
        for echo in server.made:
            if hasattr(echo, "transport"):
                echo.transport.abort()
    assert (-1, 0) == (sock.fileno(), server.room.arriving)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        pytest.param(v1("192.0.2.7"), b"192.0.2.7: ", id="v1"),
        pytest.param(v1("2001:db8::7"), b"2001:db8::7: ", id="v1, IPv6"),
        pytest.param(v2_for(CLIENT), b"192.0.2.7: ", id="v2"),
        pytest.param(v2_for(ip_address("2001:db8::7"), bytes(1500)), b"2001:db8::7: ", id="TLVs"),
        pytest.param(v2(0x20, 0, b""), b"127.0.0.1: ", id="LOCAL"),
    ],
)
async def test_the_protocol_gets_the_clients_address_and_all_that_follows_the_header(
    header: bytes, expected: bytes
) -> None:
    async with serving() as server:
        assert expected + b"GET /\r\n" == await server.say(header + b"GET /\r\n")
        assert expected + b"GET /\r\n" == await server.say(header, b"GET /\r\n")


async def test_a_proxy_that_names_its_own_end_asks_for_itself() -> None:
    (sock,) = open_listener(Listen("127.0.0.1", 0))
    tasks = Tasks()
    server = Server(sock, tasks)

    def for_itself(peer: Address, _: bool) -> Echo:
        server.made.append(Itself(peer))
        return server.made[-1]

    serving_it = serve(
        sock,
        factory=server.make,
        for_itself=for_itself,
        context=None,
        trusted=EVERYBODY,
        deadline_s=PATIENT_S,
        room=Room(lambda: 0, lambda: None),
    )
    tasks.spawn(serving_it, name="listener")
    heard = []
    for shift in (0, 1):
        reader, writer = await server.connect()
        host, port = writer.get_extra_info("sockname")
        writer.write(f"PROXY TCP4 {host} 127.0.0.1 {port + shift} {server.port}\r\n".encode())
        writer.write_eof()
        heard.append(await read_rest(reader))
        writer.close()
    await tasks.cancel()

    assert [b"itself: ", b"127.0.0.1: "] == heard


async def test_a_header_may_come_in_pieces() -> None:
    async with serving() as server:
        for header in (v1("192.0.2.7"), v2_for(CLIENT, bytes(20))):
            reader, writer = await server.connect()
            writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for at in range(len(header)):
                writer.write(header[at : at + 1])
                await asyncio.sleep(0)
            assert b"192.0.2.7: " == await reader.readexactly(11)
            writer.close()


@pytest.mark.parametrize("header", [v1("192.0.2.7"), v2_for(CLIENT, bytes(700))])
async def test_tls_begins_after_the_header(header: bytes) -> None:
    server_side, client_side = tls_contexts()
    loop = asyncio.get_running_loop()
    async with serving(context=server_side) as server:
        sock = socket.create_connection(("127.0.0.1", server.port))
        sock.setblocking(False)
        await loop.sock_sendall(sock, header)
        reader, writer = await asyncio.open_connection(
            sock=sock, ssl=client_side, server_hostname="localhost"
        )
        writer.write(b"x" * 100_000)

        assert b"192.0.2.7: " + b"x" * 100_000 == await reader.readexactly(100_011)
        assert server.made[0].transport.get_extra_info("ssl_object") is not None
        writer.transport.abort()


async def test_the_transport_is_of_the_kind_that_other_listeners_have() -> None:
    made: list[asyncio.BaseTransport] = []

    class Note(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            made.append(transport)

    loop = asyncio.get_running_loop()
    other = await loop.create_server(Note, "127.0.0.1", 0)
    async with serving() as server:
        _, one = await server.connect()
        one.write(v1("192.0.2.7"))
        _, two = await asyncio.open_connection(*other.sockets[0].getsockname())
        await until(
            lambda: bool(made) and bool(server.made) and hasattr(server.made[0], "transport")
        )

        assert type(made[0]) is type(server.made[0].transport)
        one.close()
        two.close()
        made[0].close()
    other.close()


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (b"GET / HTTP/1.1\r\n", "it begins with b'GET / HTTP/1' and not with a PROXY header"),
        (b"\x16\x03\x01", "it begins with b'\\x16\\x03\\x01' and not with a PROXY header"),
        (
            b"PROXY UNKNOWN\r\n",
            "its PROXY header says UNKNOWN where the client's address should be",
        ),
        (b"PROXY TCP4\r\n", "its PROXY line is malformed: b'PROXY TCP4\\r\\n'"),
    ],
)
async def test_a_connection_without_a_good_header_is_closed_with_a_word_in_the_log(
    said: bytes, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving() as server:
        assert await server.say(said) in (b"", b"reset")
        assert [] == server.made

    expected = (
        f"a connection from 127.0.0.1 to 127.0.0.1:{server.port} was closed: {reason}{ADVICE}"
    )
    assert [expected] == caplog.messages


async def test_a_stranger_is_not_even_heard(caplog: pytest.LogCaptureFixture) -> None:
    async with serving(trusted=NOBODY) as server:
        for _ in range(3):
            assert await server.say(v1("192.0.2.7")) in (b"", b"reset")
        assert [] == server.made

    expected = (
        f"a connection from 127.0.0.1 to 127.0.0.1:{server.port} was closed: a listener with"
        " proxy_protocol is for trusted_proxies only"
    )
    assert [expected] == caplog.messages


async def test_a_slow_header_is_not_waited_for(caplog: pytest.LogCaptureFixture) -> None:
    async with serving(deadline_s=0.02) as server:
        reader, writer = await server.connect()
        writer.write(b"PROXY TCP4 ")
        assert b"" == await read_rest(reader)
        writer.close()

    assert [f"no PROXY header came within 0.02 s{ADVICE}"] == [
        message.partition("closed: ")[2] for message in caplog.messages
    ]


async def test_who_only_looks_whether_somebody_listens_is_not_worth_a_line(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with serving() as server:
        assert b"" == await server.say(b"")
        assert b"" == await server.say(b"PROX")
        reader, writer = await server.connect()
        writer.transport.abort()
        assert b"192.0.2.7: x" == await server.say(v1("192.0.2.7"), b"x")

    assert [] == [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert reader.at_eof()


async def test_those_who_say_nothing_do_not_keep_others_out() -> None:
    async with serving() as server:
        silent = [await server.connect() for _ in range(20)]
        assert b"192.0.2.7: x" == await server.say(v1("192.0.2.7"), b"x")
        for _, writer in silent:
            writer.close()


async def test_no_more_connections_are_taken_than_may_wait_for_their_header() -> None:
    async with serving(most_unheard=3) as server:
        silent = [await server.connect() for _ in range(4)]
        reader, writer = await server.connect()
        writer.write(v1("192.0.2.7"))
        for _ in range(20):  # turns of the loop, of which it would need three
            await asyncio.sleep(0)
        assert [] == server.made
        for _, other in silent:
            other.write(b"X")  # not a header: it is closed, and its place is free

        assert b"192.0.2.7: " == await reader.readexactly(11)
        for each in (writer, *(other for _, other in silent)):
            each.close()


async def test_a_tls_handshake_that_fails_or_does_not_come_disturbs_nobody(
    caplog: pytest.LogCaptureFixture,
) -> None:
    server_side, _ = tls_contexts()
    async with serving(context=server_side) as server:
        reader, writer = await server.connect()
        writer.write(v1("192.0.2.7") + bytes(50))
        await read_something(reader)
        silent_reader, silent = await server.connect()
        silent.write(v1("192.0.2.8") + b"\x16")
        await until(lambda: len(server.made) == 2)
    assert await read_something(silent_reader) in (b"", b"reset")
    writer.close()
    silent.close()

    assert [] == [record for record in caplog.records if record.levelno >= logging.WARNING]


async def read_something(reader: asyncio.StreamReader) -> bytes:
    try:
        return await read_rest(reader)
    except ConnectionResetError:
        return b"reset"


async def test_a_protocol_that_cannot_be_made_is_a_line_in_the_log_and_no_more(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(client: Address, lacks_tls: bool) -> asyncio.Protocol:
        raise ValueError(f"a defect, with {client}")

    async with serving() as server:
        server.make = fail  # type: ignore[method-assign, assignment]  # -- the one that fails
        (sock,) = open_listener(Listen("127.0.0.1", 0))
        server.port = sock.getsockname()[1]
        listener = serve(
            sock,
            factory=fail,
            context=None,
            trusted=EVERYBODY,
            deadline_s=PATIENT_S,
            room=server.room,
        )
        server.tasks.spawn(listener, name="other")
        assert await server.say(v1("192.0.2.7")) in (b"", b"reset")
        assert await server.say(v1("192.0.2.8")) in (b"", b"reset")

    assert [f"connection to 127.0.0.1:{server.port} failed"] * 2 == caplog.messages


async def test_the_end_closes_the_socket_and_those_who_have_not_spoken() -> None:
    async with serving() as server:
        reader, writer = await server.connect()
        writer.write(b"PROXY ")
        talking_reader, talking = await server.connect()
        talking.write(v1("192.0.2.7"))
        assert b"192.0.2.7: " == await talking_reader.readexactly(11)
        await server.tasks.cancel()

        assert await read_something(reader) in (b"", b"reset")
        with pytest.raises(ConnectionRefusedError):
            await server.connect()
        talking.write(b"goes on")
        assert b"goes on" == await talking_reader.readexactly(7)
        writer.close()
        talking.close()


async def test_the_end_may_come_before_a_connection_was_looked_at() -> None:
    ours, theirs = socket.socketpair()
    room = Room(lambda: 0, lambda: None)
    with ours, theirs:
        door = Door("127.0.0.1:1", Echo, None, EVERYBODY, PATIENT_S, room)
        room.arriving += 1
        door.take(ours, ("127.0.0.1", 2))
        await door.close()

        assert (-1, 0) == (ours.fileno(), room.arriving)
        assert b"" == theirs.recv(1)


async def test_two_may_listen_on_one_socket() -> None:
    """Both are woken by each connection, and one of them finds it gone."""
    async with serving() as server:
        (sock,) = open_listener(Listen("127.0.0.1", 0))
        server.port = sock.getsockname()[1]
        for each in (sock, sock.dup()):
            listener = serve(
                each,
                factory=server.make,
                context=None,
                trusted=EVERYBODY,
                deadline_s=PATIENT_S,
                room=server.room,
            )
            server.tasks.spawn(listener, name="one of two")
        for _ in range(3):
            assert b"192.0.2.7: x" == await server.say(v1("192.0.2.7"), b"x")


async def test_a_wait_may_be_given_up_at_the_moment_when_it_is_over() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        tasks = Tasks()
        tasks.spawn(readable(ours), name="wait")
        await asyncio.sleep(0)
        theirs.send(b"x")
        await asyncio.sleep(0)
        await tasks.cancel()

        assert not asyncio.get_running_loop().remove_reader(ours)


@contextmanager
def no_more_files() -> Iterator[None]:
    import resource  # not every system has it

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest = os.dup(0)
    os.close(lowest)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def test_a_shortage_of_files_is_told_and_survived(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with serving(pause_s=0.01) as server:
        with socket.create_connection(("127.0.0.1", server.port)) as sock, no_more_files():
            await until(lambda: bool(caplog.messages))
        sock.close()
        assert b"192.0.2.7: x" == await server.say(v1("192.0.2.7"), b"x")

    expected = f"cannot accept connections at 127.0.0.1:{server.port}: Too many open files"
    assert [expected] == caplog.messages


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
async def test_an_ipv6_listener_shows_its_address_in_brackets(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with serving(trusted=NOBODY, listen=Listen("::1", 0)) as server:
        reader, writer = await asyncio.open_connection("::1", server.port)
        assert await read_something(reader) in (b"", b"reset")
        writer.close()

    assert caplog.messages[0].startswith(f"a connection from ::1 to [::1]:{server.port} was closed")
