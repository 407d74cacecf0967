"""The other end of a Unix socket, as the kernel knows it."""

import os
import socket
from collections.abc import Iterator

import pytest

from authproxy.wire.peers.unix_peer import find_uid_refusal


@pytest.fixture
def other_end() -> Iterator[socket.socket]:
    """A socket whose other end belongs to the user 65534."""
    listening = socket.socket(socket.AF_UNIX)
    listening.bind("")
    listening.listen()
    if os.getuid() != 0:  # pragma: no cover -- only root can become somebody else
        pytest.skip("only root can become another user")
    child = os.fork()
    if child == 0:  # pragma: no cover -- in another process
        os.setuid(65534)
        client = socket.socket(socket.AF_UNIX)
        client.connect(listening.getsockname())
        client.recv(1)
        os._exit(0)
    accepted, _ = listening.accept()
    yield accepted
    accepted.close()
    listening.close()
    os.waitpid(child, 0)


def test_ones_own_user_passes() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX)
    with ours, theirs:
        assert find_uid_refusal(ours, ()) is None


def test_another_user_passes_if_named_and_else_the_log_says_who_it_was(
    other_end: socket.socket,
) -> None:
    assert find_uid_refusal(other_end, (65534,)) is None
    assert "the user 65534 is not in peer_uids 1000, 1001" == find_uid_refusal(
        other_end, (1001, 1000)
    )


def test_who_cannot_be_told_is_refused() -> None:
    closed = socket.socket(socket.AF_UNIX)
    closed.close()

    assert (find_uid_refusal(closed, ()) or "").startswith(
        "the user at the other end of the socket cannot be determined: "
    )
