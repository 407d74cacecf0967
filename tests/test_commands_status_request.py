import socket
import threading
from pathlib import Path

import pytest

from authproxy.commands.status_request import ask, request_for
from authproxy.values import Listen


@pytest.mark.parametrize(
    ("answer", "status", "body"),
    [
        (b"HTTP/1.1 200 OK\r\nX-A: B\r\n\r\nhello", 200, b"hello"),
        (b"HTTP/1.0 503 No\r\n\r\n", 503, b""),
        (b"SSH-2.0-OpenSSH\r\n", 0, b""),
        (b"", 0, b""),
    ],
)
def test_an_answer_is_read_to_its_end(answer: bytes, status: int, body: bytes) -> None:
    listener = socket.create_server(("127.0.0.1", 0))

    def say() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(4096)
            connection.sendall(answer)

    thread = threading.Thread(target=say)
    thread.start()
    with listener:
        reply = ask(Listen("127.0.0.1", listener.getsockname()[1]), "/", timeout_s=5)
        thread.join()

    assert (status, body) == (reply.status, reply.body)
    assert (b"X-A" in answer) == reply.has(b"x-a: b")


def test_a_key_goes_into_a_field_of_its_own() -> None:
    head = b"GET /a HTTP/1.1\r\nHost: localhost\r\n"

    assert head + b"Authorization: Bearer k\r\nConnection: close\r\n\r\n" == request_for(
        "/a", "localhost", "k"
    )


def test_an_abstract_socket_is_asked_too() -> None:
    name = f"authproxy-test-{threading.get_native_id()}"
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(f"\0{name}")
    listener.listen()

    def say() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(4096)
            connection.sendall(b"HTTP/1.1 204 No\r\n\r\n")

    thread = threading.Thread(target=say)
    thread.start()
    with listener:
        assert 204 == ask(Listen(path=Path(f"@{name}")), "/", timeout_s=5).status
        thread.join()
