import errno
import os
import socket
import stat
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from authproxy.errors import StartError
from authproxy.values import Listen
from authproxy.wire.listening.sockets import cannot_listen, listener_url, open_listener


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def opened(stack: ExitStack, listen: Listen) -> list[socket.socket]:
    sockets = open_listener(listen)
    for sock in sockets:
        stack.enter_context(sock)
    return sockets


def refusal(listen: Listen) -> StartError:
    with pytest.raises(StartError) as caught:
        open_listener(listen)
    return caught.value


@pytest.fixture
def taken(stack: ExitStack) -> int:
    """A port of 127.0.0.1 that another program listens on."""
    sock = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
    port: int = sock.getsockname()[1]
    return port


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as sock:
            sock.bind(("::1", 0))
    except OSError:
        return False
    return True


def test_localhost_is_one_port_of_all_loopback_families(stack: ExitStack) -> None:
    sockets = opened(stack, Listen("localhost", 0))

    hosts = ["127.0.0.1", "::1"] if has_ipv6() else ["127.0.0.1"]
    assert hosts == [sock.getsockname()[0] for sock in sockets]
    assert 1 == len({sock.getsockname()[1] for sock in sockets})


def test_an_address_is_one_socket_that_accepts(stack: ExitStack) -> None:
    (sock,) = opened(stack, Listen("127.0.0.1", 0))

    assert sock.gettimeout() == 0
    with socket.create_connection(sock.getsockname(), timeout=5):
        pass


def test_a_port_left_out_is_any_free_one(stack: ExitStack) -> None:
    (sock,) = opened(stack, Listen("127.0.0.1"))

    assert sock.getsockname()[1] > 0


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
@pytest.mark.parametrize(("host", "only"), [("::1", 1), ("::", 0)])
def test_all_addresses_means_those_of_ipv4_too(stack: ExitStack, host: str, only: int) -> None:
    (sock,) = opened(stack, Listen(host, 0))

    assert only == sock.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY)


@pytest.mark.parametrize(
    ("listen", "expected"),
    [
        (Listen("127.0.0.1", 0), "http://127.0.0.1:{port}"),
        pytest.param(
            Listen("::1", 0),
            "http://[::1]:{port}",
            marks=pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6"),
        ),
    ],
    ids=["IPv4", "IPv6"],
)
def test_a_listeners_url_is_what_to_type(stack: ExitStack, listen: Listen, expected: str) -> None:
    (sock,) = opened(stack, listen)

    assert expected.format(port=sock.getsockname()[1]) == listener_url(listen, sock)


def test_a_port_in_use_is_named_with_a_way_out(taken: int) -> None:
    error = refusal(Listen("127.0.0.1", taken))

    assert f"cannot listen on 127.0.0.1:{taken}: Address already in use" == str(error)
    expected = (
        f"Another program, perhaps another authproxy, uses port {taken}."
        " Choose another one with --listen PORT, or --listen 0 for any free one."
    )
    assert expected == error.hint


def test_localhost_with_a_port_in_use_leaves_nothing_open(taken: int) -> None:
    error = refusal(Listen("localhost", taken))

    assert f"cannot listen on 127.0.0.1:{taken}: Address already in use" == str(error)


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
def test_localhost_is_not_shared_with_whoever_has_the_other_family(stack: ExitStack) -> None:
    port = port_of_ipv6_alone(stack)

    error = refusal(Listen("localhost", port))
    assert f"cannot listen on [::1]:{port}: Address already in use" == str(error)
    stack.enter_context(socket.create_server(("127.0.0.1", port)))  # the first one was closed


def port_of_ipv6_alone(stack: ExitStack) -> int:
    """One that is taken there; of IPv4 another test might have it."""
    while True:
        other = stack.enter_context(socket.create_server(("::1", 0), family=socket.AF_INET6))
        port: int = other.getsockname()[1]
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


def test_an_address_of_another_machine_is_named() -> None:
    error = refusal(Listen("192.0.2.1", 0))

    assert "cannot listen on 192.0.2.1:0: Cannot assign requested address" == str(error)
    assert "This machine has no address 192.0.2.1." == error.hint


def test_a_name_that_does_not_resolve_is_named() -> None:
    error = refusal(Listen("no-such-host.invalid", 8080))

    assert str(error).startswith("cannot listen on no-such-host.invalid:8080: ")
    assert error.hint.startswith("There is no name no-such-host.invalid. Write HOST:PORT")


def test_a_privileged_port_is_explained() -> None:
    # Root, and everybody in many containers, may listen on it, so that no socket can be asked.
    error = cannot_listen("::1", 80, PermissionError(errno.EACCES, "Permission denied"))

    assert "cannot listen on [::1]:80: Permission denied" == str(error)
    assert "Ports below 1024 need privileges; choose another one than 80." == error.hint


def test_a_unix_socket_is_for_its_owner_alone(stack: ExitStack, tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        listen = Listen(path=tmp_path / "proxy.sock")
        (sock,) = opened(stack, listen)
        assert os.umask(0) == 0
    finally:
        os.umask(before)

    assert 0o600 == stat.S_IMODE((tmp_path / "proxy.sock").stat().st_mode)
    assert f"unix:{tmp_path}/proxy.sock" == listener_url(listen, sock)
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(tmp_path / "proxy.sock"))


def test_a_socket_left_behind_is_replaced(stack: ExitStack, tmp_path: Path) -> None:
    path = tmp_path / "proxy.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))

    opened(stack, Listen(path=path))
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))


def test_a_socket_in_use_is_left_alone(stack: ExitStack, tmp_path: Path) -> None:
    path = tmp_path / "proxy.sock"
    opened(stack, Listen(path=path))

    error = refusal(Listen(path=path))
    assert f"cannot listen on unix:{path}: it is in use" == str(error)
    assert "Another process, perhaps another authproxy, serves it." in error.hint
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))


def test_a_file_in_the_way_is_not_removed(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("dear diary")

    error = refusal(Listen(path=path))
    assert f"cannot listen on unix:{path}: there is a file that is no socket" == str(error)
    assert "dear diary" == path.read_text()


@pytest.mark.parametrize(
    ("name", "reason", "hint"),
    [
        ("missing/proxy.sock", "No such file or directory", "There is no folder "),
        ("x" * 120, "AF_UNIX path too long", "Is the path shorter than 108 bytes?"),
    ],
    ids=["no folder", "too long"],
)
def test_a_path_that_cannot_be_a_socket_is_explained(
    tmp_path: Path, name: str, reason: str, hint: str
) -> None:
    error = refusal(Listen(path=tmp_path / name))

    assert f"cannot listen on unix:{tmp_path / name}: {reason}" == str(error)
    assert error.hint.startswith(hint)
