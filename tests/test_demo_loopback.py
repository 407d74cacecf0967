"""Listening on both loopback addresses with one port."""

import asyncio
import socket
from contextlib import ExitStack

import pytest

from authproxy.demo.loopback import listen_on_loopback, reset


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


def test_both_addresses_have_one_port() -> None:
    with ExitStack() as stack:
        names = [stack.enter_context(s).getsockname()[:2] for s in listen_on_loopback()]
    port = names[0][1]

    assert [("127.0.0.1", port), ("::1", port)][: 1 + has_ipv6()] == names


def test_a_port_can_be_asked_for_again() -> None:
    first = listen_on_loopback()
    port = first[0].getsockname()[1]
    for listener in first:
        listener.close()

    with ExitStack() as stack:
        again = [stack.enter_context(s).getsockname()[1] for s in listen_on_loopback(port)]

    assert {port} == set(again)


def test_a_port_that_is_taken_is_an_error() -> None:
    with ExitStack() as stack:
        taken = [stack.enter_context(s) for s in listen_on_loopback()]

        with pytest.raises(OSError, match="Address already in use"):
            listen_on_loopback(taken[0].getsockname()[1])


async def test_the_other_side_of_a_broken_connection_gets_a_reset() -> None:
    def accept(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reset(writer.transport)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    async with server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        with pytest.raises(ConnectionResetError):
            await reader.read()
        writer.close()
