"""The user of a TCP connection's client, as the kernel knows it."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from ipaddress import ip_address

import pytest

from authproxy.policy.access.networks import unmapped
from authproxy.wire.peers.tcp_peer import (
    WAYS,
    Connection,
    SocketOwner,
    find_owner,
    find_uid_refusal,
    read_tables,
)

CASES = [
    (socket.AF_INET, "127.0.0.1", socket.AF_INET, "127.0.0.1"),
    (socket.AF_INET, "127.0.0.1", socket.AF_INET6, "::ffff:127.0.0.1"),
    (socket.AF_INET, "127.8.9.10", socket.AF_INET, "127.8.9.10"),
    (socket.AF_INET6, "::1", socket.AF_INET6, "::1"),
    (socket.AF_INET6, "::", socket.AF_INET, "127.0.0.1"),
    (socket.AF_INET6, "::", socket.AF_INET6, "::1"),
]
"""Family and address of a listener, family of a client and the address that it connects to."""

Pair = tuple[socket.socket, Connection]
"""A client's socket, and its connection as the listener's side sees it."""


def connected(stack: ExitStack, case: tuple[int, str, int, str]) -> Pair:
    family, host, client_family, target = case
    listening = stack.enter_context(socket.socket(family))
    if family == socket.AF_INET6:
        listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    listening.bind((host, 0))
    listening.listen()
    client = stack.enter_context(socket.socket(client_family))
    client.connect((target, listening.getsockname()[1]))
    accepted = stack.enter_context(listening.accept()[0])
    return client, seen_by(accepted)


def seen_by(accepted: socket.socket) -> Connection:
    there, here = accepted.getpeername(), accepted.getsockname()
    ends = [unmapped(ip_address(end[0])) for end in (there, here)]
    return Connection(ends[0], there[1], ends[1], here[1])


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.mark.parametrize("find", WAYS)
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[1]} from {case[3]}")
def test_the_user_is_found_by_either_way_and_either_family(
    stack: ExitStack,
    find: Callable[[Connection], SocketOwner | None],
    case: tuple[int, str, int, str],
) -> None:
    client, connection = connected(stack, case)

    assert SocketOwner(os.getuid(), os.fstat(client.fileno()).st_ino) == find(connection)


@pytest.mark.parametrize("find", WAYS)
def test_a_half_closed_client_is_still_known_and_one_that_has_left_is_not(
    stack: ExitStack, find: Callable[[Connection], SocketOwner | None]
) -> None:
    client, connection = connected(stack, CASES[0])
    client.shutdown(socket.SHUT_WR)
    half = find(connection)
    client.close()
    gone = find(connection)

    assert half is not None
    assert 0 != half.inode
    assert gone == SocketOwner(uid=0, inode=0)


def test_who_has_left_does_not_pass_as_root() -> None:
    """The kernel says 0 for the user of a socket that nobody has open any more."""
    with ExitStack() as stack:
        client, connection = connected(stack, CASES[0])
        client.close()

        assert "no longer open" in (find_uid_refusal(connection, (0,)) or "")


def test_a_listener_at_the_clients_port_is_not_taken_for_the_client(stack: ExitStack) -> None:
    listening = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
    here = ip_address("127.0.0.1")
    connection = Connection(here, listening.getsockname()[1], here, 9)

    assert find_owner(connection, WAYS) is None
    assert "its user is unknown" in (find_uid_refusal(connection, ()) or "")


AS_OTHER = """
import os, socket, sys
os.setuid(65534)
client = socket.socket()
client.connect(("127.0.0.1", int(sys.argv[1])))
client.recv(1)
"""


def test_another_user_passes_if_named_and_else_the_log_says_who_it_was(stack: ExitStack) -> None:
    listening = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
    port = str(listening.getsockname()[1])
    other = subprocess.Popen([sys.executable, "-S", "-c", AS_OTHER, port])
    listening.settimeout(20)
    with closing(listening.accept()[0]) as accepted:
        connection = seen_by(accepted)
        answers = [find_uid_refusal(connection, allowed) for allowed in ((65534,), (7, 1))]
    other.wait(20)

    assert [None, "the user 65534 is not in peer_uids 1, 7"] == answers


def test_where_the_kernel_does_not_answer_the_tables_do_and_else_nobody_passes(
    stack: ExitStack,
) -> None:
    def silent(_: Connection) -> SocketOwner | None:
        raise PermissionError("seccomp")

    client, connection = connected(stack, CASES[0])
    inode = os.fstat(client.fileno()).st_ino

    assert SocketOwner(os.getuid(), inode) == find_owner(connection, (silent, read_tables))
    assert (
        "the user at the other end of the connection cannot be determined: seccomp"
        == find_uid_refusal(connection, (os.getuid(),), (silent, silent))
    )
