"""Who may pass by the user at the other end, over TCP and Unix sockets."""

import asyncio
import os
import socket
from contextlib import ExitStack

from authproxy.errors import Code
from authproxy.policy.access.networks import parse_peer
from authproxy.wire.peers.peer_user import find_refusal


class Transport(asyncio.Transport):
    """What a transport says of its socket."""

    def __init__(self, sock: socket.socket, **said: object) -> None:
        known = {"socket": sock, "peername": sock.getpeername(), "sockname": sock.getsockname()}
        super().__init__(known | said)


def detail(transport: Transport, uids: frozenset[int] | None) -> str | None:
    refusal = find_refusal(transport, parse_peer(transport.get_extra_info("peername")), uids)
    assert refusal is None or refusal.code == Code.ADDRESS_NOT_ALLOWED
    return None if refusal is None else refusal.detail


def test_ones_own_user_passes_by_tcp_and_by_a_unix_socket() -> None:
    with ExitStack() as stack:
        listening = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        stack.enter_context(socket.create_connection(listening.getsockname()))
        accepted = stack.enter_context(listening.accept()[0])
        ours, _theirs = map(stack.enter_context, socket.socketpair(socket.AF_UNIX))

        assert [None] * 4 == [
            detail(Transport(sock), uids)
            for sock in (accepted, ours)
            for uids in (None, frozenset([os.getuid() + 1]))
        ]


def test_who_has_left_before_it_was_asked_for_is_refused() -> None:
    with ExitStack() as stack:
        listening = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        client = stack.enter_context(socket.create_connection(listening.getsockname()))
        accepted = stack.enter_context(listening.accept()[0])
        nameless = Transport(accepted, peername=None)
        placeless = Transport(accepted, sockname=None)
        client.close()
        closed = Transport(accepted)
        everybody = frozenset([0, os.getuid()])

        assert "the client left before its address could be read" == detail(nameless, None)
        assert "the client left before its user could be found" == detail(placeless, everybody)
        assert "no longer open" in (detail(closed, everybody) or "")
        assert detail(closed, None) is None
