"""Sockets that systemd hands over, told apart from what it does not."""

import os
import socket
from collections.abc import Iterator

import pytest

from authproxy.errors import StartError
from authproxy.wire.listening.systemd import inherited_sockets

OURS = {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1", "LISTEN_FDNAMES": "web"}


@pytest.fixture
def handed_over() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        descriptor = os.dup(sock.fileno())
        os.set_inheritable(descriptor, True)
        yield descriptor


@pytest.mark.parametrize("name", ["", "web"])
def test_a_socket_is_taken_over_by_name_or_as_all(name: str, handed_over: int) -> None:
    [sock] = inherited_sockets(name, OURS, first=handed_over)

    with sock:
        assert (handed_over, False) == (sock.fileno(), sock.get_inheritable())
        with socket.create_connection(sock.getsockname()[:2], timeout=5) as client:
            accepted, address = sock.accept()
            accepted.close()
            assert address == client.getsockname()


def refusal(name: str, environ: dict[str, str], first: int = 3) -> str:
    with pytest.raises(StartError) as raised:
        inherited_sockets(name, environ, first=first)
    return str(raised.value)


@pytest.mark.parametrize(
    "environ", [{}, {**OURS, "LISTEN_PID": "1"}, {**OURS, "LISTEN_FDS": "many"}]
)
def test_without_systemd_there_is_no_socket(environ: dict[str, str]) -> None:
    expected = "cannot listen on systemd:web: systemd has passed no socket"
    assert expected == refusal("web", environ)


def test_a_name_that_is_not_there_is_answered_with_those_that_are() -> None:
    expected = "cannot listen on systemd:x: the sockets of systemd are called web"
    assert expected == refusal("x", OURS)


def test_what_does_not_listen_is_refused_and_left_alone() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        number = sock.fileno()
        expected = f"cannot listen on systemd: descriptor {number} is no stream socket that listens"
        assert expected == refusal("", OURS, number)
        assert number == sock.fileno()
        assert sock.getsockname()


def test_what_is_no_socket_is_refused() -> None:
    reading, writing = os.pipe()
    try:
        assert f"descriptor {reading} is no socket: " in refusal("", OURS, reading)
    finally:
        os.close(reading)
        os.close(writing)


@pytest.mark.parametrize("count", ["99999999", "9" * 5000])
def test_a_number_of_sockets_that_nobody_has_is_none(count: str) -> None:
    said = refusal("web", {**OURS, "LISTEN_FDS": count})

    assert said.startswith("cannot listen on systemd:web: systemd has passed no socket")
