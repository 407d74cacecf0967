"""Connecting to a host that has one address or several, some of which are of no use."""

import asyncio
import ctypes
import errno
import socket
import ssl
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from authproxy.tasks import Tasks
from authproxy.wire.upstream.happy_eyeballs import AddressInfo, Race, connect, first_of, in_turn
from tests.support.ears import Ears
from tests.support.talking import tls_contexts, until
from tests.support.vanishing import DROP_ALL, SO_ATTACH_FILTER

NO_WAY = "255.255.255.255"
"""The system itself says that it has none there."""


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[socket.socket]:
    """Each socket that is made from now on to connect."""
    sockets: list[socket.socket] = []

    class Noted(socket.socket):
        def connect(self, *to: Any) -> None:
            sockets.append(self)
            super().connect(*to)

    monkeypatch.setattr(socket, "socket", Noted)
    return sockets


def at(host: str, port: int) -> AddressInfo:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (host, port)


@contextmanager
def listening(*, silent: bool = False) -> Iterator[int]:
    """The port of a socket that accepts; `silent`: or of a machine that is switched off."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        if silent:
            code = ctypes.create_string_buffer(DROP_ALL)
            program = struct.pack("HP", 1, ctypes.addressof(code))
            sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, program)
        yield sock.getsockname()[1]


@pytest.fixture
def port() -> Iterator[int]:
    with listening() as number:
        yield number


@pytest.fixture
def silent_port() -> Iterator[int]:
    with listening(silent=True) as number:
        yield number


@pytest.fixture
def closed_port() -> int:
    with listening() as number:
        return number


def look_up_in(answers: dict[str, list[AddressInfo]], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names that were asked for are noted in what is returned."""
    asked = []

    async def getaddrinfo(host: str, *_: object, **__: object) -> list[AddressInfo]:
        asked.append(host)
        return answers[host]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)
    return asked


async def port_of(addresses: list[AddressInfo], *, delay_s: float) -> int:
    with await first_of(addresses, delay_s=delay_s) as sock:
        assert not sock.getblocking()
        number: int = sock.getpeername()[1]
        return number


def are_closed(sockets: list[socket.socket]) -> bool:
    return bool(sockets) and all(sock.fileno() < 0 for sock in sockets)


async def test_an_address_is_not_looked_up(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    look_up_in({}, monkeypatch)
    transport, _ = await connect(Ears, "127.0.0.1", port, None)

    assert ("127.0.0.1", port) == transport.get_extra_info("peername")
    transport.abort()


@pytest.mark.parametrize(("host", "peer"), [("::1", "::1"), ("::ffff:127.0.0.1", None)])
async def test_an_ipv6_address_is_not_looked_up(
    host: str, peer: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    look_up_in({}, monkeypatch)
    with socket.socket(socket.AF_INET6) as listener:
        listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        listener.bind(("::", 0))
        listener.listen()
        transport, _ = await connect(Ears, host, listener.getsockname()[1], None)

        assert (peer or host) == transport.get_extra_info("peername")[0]
        transport.abort()


async def test_a_name_is_looked_up_for_each_connection(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with listening() as other:
        answers = {"moving.example": [at("127.0.0.1", port)]}
        asked = look_up_in(answers, monkeypatch)
        ports = []
        for where in (port, other, other):
            answers["moving.example"] = [at("127.0.0.1", where)]
            transport, _ = await connect(Ears, "moving.example", 80, None)
            ports.append(transport.get_extra_info("peername")[1])
            transport.abort()

    assert [port, other, other] == ports
    assert ["moving.example"] * 3 == asked


async def test_a_zone_is_left_to_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = look_up_in({"fe80::1%nowhere": []}, monkeypatch)
    with pytest.raises(OSError, match="returned empty list"):
        await connect(Ears, "fe80::1%nowhere", 80, None)

    assert ["fe80::1%nowhere"] == asked


@pytest.mark.parametrize("first", ["::1", "127.0.0.1", NO_WAY])
async def test_an_address_that_fails_is_followed_at_once(
    first: str, port: int, closed_port: int
) -> None:
    addresses = [at(first, closed_port), at("127.0.0.1", port)]

    assert port == await port_of(addresses, delay_s=3600)


async def test_an_address_that_is_silent_is_followed_after_a_while(
    port: int, silent_port: int, made: list[socket.socket]
) -> None:
    silent, good = at("127.0.0.1", silent_port), at("127.0.0.1", port)

    assert port == await port_of([silent, silent, good], delay_s=0.02)
    assert 3 == len(made)
    assert are_closed(made)


async def test_one_that_answers_late_still_wins(
    port: int, silent_port: int, made: list[socket.socket]
) -> None:
    """The first attempt goes on beside those that begin after it."""
    race = Race(
        asyncio.get_running_loop(), iter([at("127.0.0.1", port), at("127.0.0.1", silent_port)])
    )
    race.go_on()
    race.go_on()
    with await race.winner as sock:
        assert port == sock.getpeername()[1]
        assert [sock] == [each for each in made if each.fileno() >= 0]
    assert 2 == len(made)


async def test_of_two_that_answer_in_the_same_turn_one_is_closed(
    port: int, made: list[socket.socket]
) -> None:
    race = Race(asyncio.get_running_loop(), iter([at("127.0.0.1", port)] * 2))
    race.go_on()
    race.go_on()
    with await race.winner as sock:
        assert [sock] == [each for each in made if each.fileno() >= 0]
    assert 2 == len(made)


async def test_a_failure_of_all_says_what_each_said(closed_port: int) -> None:
    one, other = at("127.0.0.1", closed_port), at("::1", closed_port)
    with pytest.raises(ConnectionRefusedError) as alone:
        await first_of([one])
    with pytest.raises(OSError, match="Multiple exceptions") as several:
        await first_of([one, other, at(NO_WAY, 80)])

    assert errno.ECONNREFUSED == alone.value.errno
    assert f"('127.0.0.1', {closed_port})" in str(alone.value)
    for said in ("127.0.0.1", "::1", "unreachable"):
        assert said in str(several.value)


async def test_who_gives_up_leaves_nothing_open(
    silent_port: int, made: list[socket.socket]
) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await first_of([at("127.0.0.1", silent_port)] * 3, delay_s=0)

    assert 3 == len(made)
    assert are_closed(made)


@pytest.mark.parametrize("is_before", [True, False])
async def test_who_gives_up_in_the_turn_in_which_it_stands_leaves_nothing_open(
    is_before: bool, port: int, made: list[socket.socket]
) -> None:
    """asyncio would leave the socket open that has just won."""

    class Cancelled(Race):
        def win(self, sock: socket.socket) -> None:
            if is_before:
                task.cancel()
            super().win(sock)
            task.cancel()

    race = Cancelled(asyncio.get_running_loop(), iter([at("127.0.0.1", port)]))
    task = Tasks().start(race.run(), name="connect")
    with pytest.raises(asyncio.CancelledError):
        await task

    assert are_closed(made)


async def test_who_gives_up_in_the_turn_in_which_it_fails_hears_of_it(closed_port: int) -> None:
    said: list[dict[str, Any]] = []

    class Cancelled(Race):
        def go_on(self) -> None:
            if "task" in names:
                names["task"].cancel()
            super().go_on()

    names: dict[str, asyncio.Task[socket.socket]] = {}
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: said.append(context))
    race = Cancelled(loop, iter([at("127.0.0.1", closed_port)]))
    task = Tasks().start(race.run(), name="connect")
    await asyncio.sleep(0)
    names["task"] = task
    with pytest.raises(asyncio.CancelledError):
        await task

    assert [] == said


async def test_a_handshake_that_fails_closes_the_socket(made: list[socket.socket]) -> None:
    certificate, _ = tls_contexts()
    _, other = tls_contexts()
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0, ssl=certificate)
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(ssl.SSLCertVerificationError):
        await connect(Ears, "127.0.0.1", port, other)

    await until(lambda: are_closed(made))
    server.close()


async def test_a_protocol_that_cannot_be_made_closes_the_socket(
    port: int, made: list[socket.socket]
) -> None:
    def factory() -> Ears:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await connect(factory, "127.0.0.1", port, None)

    assert are_closed(made)


async def test_the_peer_is_watched(port: int) -> None:
    with await first_of([at("127.0.0.1", port)]) as sock:
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)


def test_families_take_turns() -> None:
    four, six = [at(f"10.0.0.{n}", 1) for n in range(3)], [at(f"::{n}", 1) for n in range(2)]

    assert [six[0], four[0], six[1], four[1], four[2]] == list(in_turn([*six, *four]))
    assert four == list(in_turn(four))
    assert [] == list(in_turn([]))
