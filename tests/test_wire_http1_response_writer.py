"""How a client is told where the body of an answer ends."""

import pytest

from authproxy.exchange import RequestHead, ResponseHead
from authproxy.policy.messages.facts import ResponseFacts
from authproxy.wire.http1.response_writer import add_to_head, connection_line, find_framing


@pytest.mark.parametrize(
    ("method", "version", "status", "length", "chunked", "expected"),
    [
        (b"GET", "1.1", 200, 5, False, (False, False, False)),
        (b"GET", "1.1", 200, None, True, (True, True, False)),
        (b"GET", "1.1", 200, None, False, (True, True, False)),
        (b"GET", "1.0", 200, None, True, (False, False, True)),
        (b"GET", "1.0", 200, 5, False, (False, False, False)),
        (b"HEAD", "1.1", 200, None, True, (False, True, False)),
        (b"HEAD", "1.1", 200, None, False, (False, False, False)),
        (b"HEAD", "1.0", 200, None, True, (False, False, False)),
        (b"GET", "1.1", 204, None, True, (False, False, False)),
        (b"GET", "1.1", 304, None, True, (False, True, False)),
    ],
)
def test_where_the_body_ends(
    method: bytes,
    version: str,
    status: int,
    length: int | None,
    chunked: bool,
    expected: tuple[bool, bool, bool],
) -> None:
    facts = ResponseFacts()
    facts.length, facts.chunked = length, chunked
    request = RequestHead(method, b"/", version, [])

    assert expected == find_framing(request, ResponseHead(status, b"", []), facts)


def test_the_connection_line_is_there_where_the_default_is_another() -> None:
    new, old = (RequestHead(b"GET", b"/", version, []) for version in ("1.1", "1.0"))

    assert b"" == connection_line(new, keep_alive=True)
    assert b"Connection: keep-alive\r\n" == connection_line(old, keep_alive=True)
    assert {b"Connection: close\r\n"} == {connection_line(r, keep_alive=False) for r in (new, old)}


def test_lines_are_added_before_the_end_of_a_head() -> None:
    assert b"HTTP/1.1 200 OK\r\nA: 1\r\nB: 2\r\n\r\n" == add_to_head(
        b"HTTP/1.1 200 OK\r\nA: 1\r\n\r\n", b"B: 2\r\n"
    )
