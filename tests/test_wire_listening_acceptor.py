"""Accepting, while there is room and there are descriptors."""

import asyncio
import os
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from authproxy.values import Listen
from authproxy.wire.listening.acceptor import AT_ONCE, PAUSE_S, Acceptor, show_name
from authproxy.wire.listening.room import Room
from authproxy.wire.listening.sockets import open_listener
from tests.support.talking import until


class Taken:
    """What an acceptor has taken, and how much room there is."""

    def __init__(self, most: int | None = None, pause_s: float = PAUSE_S) -> None:
        self.socks: list[socket.socket] = []
        self.may = True
        self.room = Room(lambda: len(self.socks), lambda: None)
        self.room.most = most
        (sock,) = open_listener(Listen("127.0.0.1", 0))
        self.address = sock.getsockname()
        self.acceptor = Acceptor(sock, self.take, self.room, lambda: self.may, pause_s=pause_s)
        self.acceptor.go_on()

    def take(self, sock: socket.socket, peername: object) -> None:
        assert isinstance(peername, tuple)
        self.socks.append(sock)
        self.room.arrived()

    def close(self) -> None:
        self.acceptor.close()
        for sock in self.socks:
            sock.close()


@contextmanager
def taken(most: int | None = None, pause_s: float = PAUSE_S) -> Iterator[Taken]:
    found = Taken(most, pause_s)
    try:
        yield found
    finally:
        found.close()


@contextmanager
def clients(address: tuple[str, int], count: int) -> Iterator[list[socket.socket]]:
    socks = [socket.create_connection(address) for _ in range(count)]
    try:
        yield socks
    finally:
        for sock in socks:
            sock.close()


async def turns(count: int = 10) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_all_that_come_are_taken_and_do_not_block() -> None:
    with taken() as found, clients(found.address, AT_ONCE + 5):
        await until(lambda: len(found.socks) == AT_ONCE + 5)

        assert all(not sock.getblocking() for sock in found.socks)
        assert repr(found.acceptor).endswith("[accepting]>")


async def test_no_more_are_taken_than_there_is_room_for(caplog: pytest.LogCaptureFixture) -> None:
    with taken(most=2) as found, clients(found.address, 5):
        await until(lambda: len(found.socks) == 2)
        await turns()
        assert (2, True) == (len(found.socks), found.room.is_awaited)
        assert repr(found.acceptor).endswith("[waiting]>")
        found.socks.pop().close()
        found.room.freed()
        await until(lambda: len(found.socks) == 2)
        await turns()
        found.room.most = None
        found.room.freed()
        await until(lambda: len(found.socks) == 4)

    assert 1 == len(caplog.messages)
    assert caplog.messages[0].startswith(
        "all places for clients (2) are taken, and more must wait: "
    )


async def test_who_takes_may_have_a_bound_of_its_own() -> None:
    with taken() as found, clients(found.address, 1):
        found.may = False
        await turns()
        assert [] == found.socks
        found.may = True
        found.acceptor.go_on()
        found.acceptor.go_on()
        await until(lambda: len(found.socks) == 1)


async def test_after_the_end_nobody_is_accepted_and_nobody_accepts() -> None:
    with taken() as found:
        found.acceptor.close()
        found.acceptor.go_on()

        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(found.address)
        assert repr(found.acceptor).endswith("[closed]>")


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


async def test_a_shortage_of_files_is_one_line_and_passes(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with taken(pause_s=0.001) as found, clients(found.address, 3):
        with no_more_files():
            await until(lambda: bool(caplog.messages))
            await asyncio.sleep(0.01)  # some more tries
        await until(lambda: len(found.socks) == 3)

    where = f"{found.address[0]}:{found.address[1]}"
    assert [f"cannot accept connections at {where}: Too many open files"] == caplog.messages


@pytest.mark.parametrize(
    ("family", "bound", "expected"),
    [
        (socket.AF_INET, ("127.0.0.1", 0), r"127\.0\.0\.1:\d+"),
        (getattr(socket, "AF_UNIX", None), "\0authproxy-test-{}", r"unix:\x00authproxy-test-.*"),
        (getattr(socket, "AF_UNIX", None), "{}/s", r"unix:/.*/s"),
    ],
    ids=["tcp", "abstract", "unix"],
)
def test_where_it_listens_is_shown(
    family: socket.AddressFamily, bound: object, expected: str, tmp_path: Path
) -> None:
    if isinstance(bound, str):
        bound = bound.format(tmp_path)
    with socket.socket(family) as sock:
        sock.bind(bound)  # type: ignore[arg-type]  # -- of either kind
        assert re.fullmatch(expected, show_name(sock))


async def test_whoever_has_more_than_others_takes_one_only_after_a_moment() -> None:
    with taken() as found:
        asked: list[int] = []

        def hold_back(count: int) -> float:
            asked.append(count)
            return 0.01 if count > 1 else 0.0

        found.room.hold_back = hold_back
        found.acceptor.go_on()
        clients = [socket.create_connection(found.address) for _ in range(4)]
        await until(lambda: len(found.socks) == 4)

        # The last two were left to others first, and these did not come.
        assert [0, 1, 2, 3] == asked
        for client in clients:
            client.close()
