"""Events from a socket, in whatever pieces they come."""

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from authproxy.commands.tail.following import (
    EventParser,
    ListEvent,
    OutputGoneError,
    pause,
    read_events,
)
from authproxy.values import parse_listen

HEAD = b"HTTP/1.0 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
BODY = (
    b'event: hello\nid: a-1\ndata: {"run": "a"}\n\n: nothing new\n\n'
    b'event: changes\nid: a-2\ndata: {"x": "a: b"}\n\n'
)
EVENTS = [ListEvent("hello", {"run": "a"}), ListEvent("changes", {"x": "a: b"})]


@contextmanager
def saying(*parts: bytes, stays: bool = False) -> Iterator[str]:
    """Answers one connection with these; the address."""
    listener = socket.create_server(("127.0.0.1", 0))
    over = threading.Event()

    def answer() -> None:
        connection, _ = listener.accept()
        with connection:
            assert connection.recv(4096).startswith(b"GET /x HTTP/1.0\r\nHost: localhost\r\n")
            for part in parts:
                connection.sendall(part)
            if stays:
                over.wait(20)

    thread = threading.Thread(target=answer)
    thread.start()
    with listener:
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        over.set()
        thread.join()


@contextmanager
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    try:
        yield ends
    finally:
        for end in ends:
            try:
                os.close(end)
            except OSError:
                continue


@pytest.mark.parametrize("size", [1, 7, 4096])
def test_events_are_the_same_however_they_are_cut(size: int) -> None:
    parser, whole = EventParser(), HEAD + BODY
    pieces = [whole[start : start + size] for start in range(0, len(whole), size)]

    assert EVENTS == [event for piece in pieces for event in parser.feed(piece)]
    assert 200 == parser.status


@pytest.mark.parametrize(
    ("head", "status"), [(b"HTTP/1.1 503 No\r\n\r\n", 503), (b"SSH-2.0-OpenSSH\r\n\r\n", 0)]
)
def test_the_status_is_that_of_the_head(head: bytes, status: int) -> None:
    parser = EventParser()

    assert [] == parser.feed(head)
    assert status == parser.status


@pytest.mark.parametrize("said", [HEAD + b"data: {\n\n", b"x" * (17 * 1024 * 1024)])
def test_what_no_authproxy_says_ends_the_connection(said: bytes) -> None:
    with pytest.raises(ConnectionError):
        EventParser().feed(said)


def test_events_come_until_the_listener_ends_them() -> None:
    with pipe() as (_, output), saying(HEAD, BODY) as address:
        found = list(read_events(parse_listen(address), "/x", key="", output=output))

    assert EVENTS == found


def test_an_answer_without_events_is_an_error() -> None:
    with (
        pipe() as (_, output),
        saying(b"HTTP/1.0 503 No\r\n\r\n") as address,
        pytest.raises(ConnectionError, match="503"),
    ):
        list(read_events(parse_listen(address), "/x", key="", output=output))


def test_silence_is_not_waited_out_for_ever() -> None:
    with (
        pipe() as (_, output),
        saying(HEAD, stays=True) as address,
        pytest.raises(TimeoutError),
    ):
        list(read_events(parse_listen(address), "/x", key="", output=output, quiet_s=0.05))


def test_a_reader_that_has_gone_is_noticed_while_nothing_comes() -> None:
    with pipe() as (reader, output), saying(HEAD, stays=True) as address:
        os.close(reader)
        with pytest.raises(OutputGoneError):
            list(read_events(parse_listen(address), "/x", key="", output=output))
        with pytest.raises(OutputGoneError):
            pause(output, 20)


@pytest.mark.parametrize("data", [b"[" * 100_000, b"[]", b"1"])
def test_an_event_that_is_no_object_of_json_is_none_of_ours(data: bytes) -> None:
    with pytest.raises(ConnectionError, match="an event that is no JSON"):
        EventParser().feed(HEAD + b"data: " + data + b"\n\n")
