"""Heads taken apart, with llhttp as a second opinion on what may pass."""

import httptools
import pytest
from hypothesis import given
from hypothesis import strategies as st

from authproxy.errors import Code, Refused
from authproxy.exchange import Field
from authproxy.wire.http1.heads import (
    ANSWER,
    KNOWN_LINES,
    REQUEST,
    FieldLines,
    HeadError,
    check_begun,
    parse_field,
    parse_request_line,
    parse_status_line,
)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"GET / HTTP/1.1", (b"GET", b"/", "1.1")),
        (b"PURGE /a%2Fb//c/../d;x=1?q%23 HTTP/1.0", (b"PURGE", b"/a%2Fb//c/../d;x=1?q%23", "1.0")),
        (b"get http://a/\xe9 HTTP/1.1", (b"get", b"http://a/\xe9", "1.1")),
        (b"!#$%&'*+-.^_`|~9z * HTTP/1.1", (b"!#$%&'*+-.^_`|~9z", b"*", "1.1")),
    ],
)
def test_a_request_line_has_any_method_and_any_target(
    line: bytes, expected: tuple[bytes, bytes, str]
) -> None:
    assert expected == parse_request_line(line)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"GET",
        b"GET /",
        b"GET  HTTP/1.1",
        b"GET / HTTP/1.2",
        b"GET / HTTP/2.0",
        b"GET / http/1.1",
        b"GET / HTTP/1.1 ",
        b" GET / HTTP/1.1",
        b"GET  / HTTP/1.1",
        b"GET /a b HTTP/1.1",
        b"GET\t/ HTTP/1.1",
        b"GET /\t HTTP/1.1",
        b"GET /\x7f HTTP/1.1",
        b"GET /\0 HTTP/1.1",
        b"GET /\r HTTP/1.1",
        b"GE(T / HTTP/1.1",
        b"G\xcbT / HTTP/1.1",
    ],
)
def test_what_could_be_read_otherwise_is_no_request_line(line: bytes) -> None:
    with pytest.raises(HeadError, match=r"^the first line is not `METHOD TARGET HTTP/1\.1`$"):
        parse_request_line(line)


@pytest.mark.parametrize("target", [b"/a#b", b"/a?b#", b"#", b"*#", b"http://h/#a", b"http://h#/a"])
def test_a_fragment_is_said_to_have_no_place_in_a_target(target: bytes) -> None:
    with pytest.raises(Refused, match="has a fragment") as caught:
        parse_request_line(b"GET %b HTTP/1.1" % target)

    assert Code.BAD_REQUEST == caught.value.code


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"HTTP/1.1 200 OK", ("1.1", 200, b"OK")),
        (b"HTTP/1.0 404 Not  F\xf6und ", ("1.0", 404, b"Not  F\xf6und ")),
        (b"HTTP/1.1 999 ", ("1.1", 999, b"")),
        (b"HTTP/1.1 204", ("1.1", 204, b"")),
    ],
)
def test_a_status_line_has_any_reason_or_none(
    line: bytes, expected: tuple[str, int, bytes]
) -> None:
    assert expected == parse_status_line(line)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"HTTP/1.1 20 OK",
        b"HTTP/1.1 2000 OK",
        b"HTTP/1.1 099 X",
        b"HTTP/1.1  200 OK",
        b"HTTP/2 200 OK",
        b"HTTP/1.1 200 O\0K",
        b"HTTP/1.1 200 O\rK",
        b"http/1.1 200 OK",
        b"SSH-2.0-OpenSSH",
    ],
)
def test_what_is_not_http_is_no_status_line(line: bytes) -> None:
    with pytest.raises(HeadError, match=r"^the first line is not `HTTP/1\.1 STATUS REASON`$"):
        parse_status_line(line)


@pytest.mark.parametrize(
    ("line", "name", "value"),
    [
        (b"Host: localhost", b"host", b"localhost"),
        (b"X-A:", b"x-a", b""),
        (b"x_a:\t a  b:c\t ", b"x_a", b"a  b:c"),
        (b"X: \xe9\xff", b"x", b"\xe9\xff"),
    ],
)
def test_a_field_keeps_its_line(line: bytes, name: bytes, value: bytes) -> None:
    assert (name, value, line) == parse_field(line)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b" X: a", "a field is folded over two lines"),
        (b"\tX: a", "a field is folded over two lines"),
        (b"X", "a line has no colon"),
        (b"X : a", "a field name has a character that it may not have, or a space before"),
        (b": a", "a field name has a character that it may not have, or a space before"),
        (b"X(: a", "a field name has a character that it may not have, or a space before"),
        (b"X: a\0b", "a control character, or a line that does not end with CR LF"),
        (b"X: a\rb", "a control character, or a line that does not end with CR LF"),
        (b"X: a\nb", "a control character, or a line that does not end with CR LF"),
        (b"X: a\x7f", "a control character, or a line that does not end with CR LF"),
    ],
)
def test_a_bad_field_is_explained_without_being_quoted(line: bytes, reason: str) -> None:
    with pytest.raises(HeadError, match=reason):
        parse_field(line)


class Opinion:
    """What llhttp makes of a head."""

    def __init__(self) -> None:
        self.target = b""
        self.fields: list[tuple[bytes, bytes]] = []
        self.complete = False

    def on_url(self, target: bytes) -> None:
        self.target += target

    def on_header(self, name: bytes, value: bytes) -> None:
        self.fields.append((name, value.strip(b" \t")))

    def on_headers_complete(self) -> None:
        self.complete = True


def ask_llhttp(head: bytes) -> Opinion | None:
    """None when it refuses."""
    opinion = Opinion()
    try:
        httptools.HttpRequestParser(opinion).feed_data(head)
    except httptools.HttpParserUpgrade:
        pass
    except httptools.HttpParserError:
        return None
    return opinion if opinion.complete else None


NAMES = st.sampled_from([b"X", b"Accept", b"x_y", b"X Y", b"X\t", b"", b"X(", b"\xe9", b" X", b"Q"])
VALUES = st.one_of(
    st.sampled_from([b"", b" ", b"a", b" a ", b"\t", b"a\0", b"a\rb", b"a\nb", b"\x7f", b"\xe9"]),
    st.binary(max_size=8),
)
LINES = st.builds(
    lambda *parts: b"".join(parts), NAMES, st.sampled_from([b":", b": ", b""]), VALUES
)


@given(lines=st.lists(LINES, min_size=1, max_size=4))
def test_no_field_passes_that_llhttp_refuses_or_reads_otherwise(lines: list[bytes]) -> None:
    block = b"\r\n".join(lines)
    if b"\r\n\r\n" in block or block.startswith(b"\r\n") or block.endswith((b"\r\n", b"\r")):
        return
    try:
        fields = FieldLines().parse(block)
    except HeadError:
        return
    opinion = ask_llhttp(b"GET / HTTP/1.1\r\n" + block + b"\r\n\r\n")

    assert opinion is not None
    assert [(line.partition(b":")[0], value) for _, value, line in fields] == opinion.fields


@given(target=st.binary(min_size=1, max_size=6), method=st.sampled_from([b"GET", b"POST", b"PUT"]))
def test_no_target_passes_that_llhttp_reads_otherwise(target: bytes, method: bytes) -> None:
    line = method + b" /" + target + b" HTTP/1.1"
    try:
        _, ours, _ = parse_request_line(line)
    except (HeadError, Refused):
        return
    opinion = ask_llhttp(line + b"\r\n\r\n")

    assert opinion is None or ours == opinion.target


@pytest.mark.parametrize(
    "data",
    [b"\x16\x03\x01\x02", b"SSH-2.0-X\r\n", b"GET /\r\nX", b"GET / HTTP/1.1\n"],
)
def test_what_cannot_become_a_request_is_known_at_once(data: bytes) -> None:
    with pytest.raises(HeadError):
        check_begun(data, 0, REQUEST)


@pytest.mark.parametrize("data", [b"SSH-2.0-X", b"HTTP/2", b"HTTP/1.1 200 OK\nX", b"220 smtp\r\n"])
def test_what_cannot_become_an_answer_is_known_at_once(data: bytes) -> None:
    with pytest.raises(HeadError):
        check_begun(data, 0, ANSWER)


def test_every_beginning_of_a_head_may_become_one() -> None:
    request = b"PURGE /a?b HTTP/1.1\r\nHost: a\r\nX: \xe9\r\n\r\n"
    answer = b"HTTP/1.1 200 Very Fine\r\nX: \xe9\r\n\r\n"

    for at in range(1, len(request)):
        check_begun(request[:at], 0, REQUEST)
        check_begun(request[:at], at - 1, REQUEST)
    for at in range(1, len(answer)):
        check_begun(answer[:at], 0, ANSWER)


def test_a_bare_line_feed_is_seen_when_it_comes_by_itself() -> None:
    with pytest.raises(HeadError):
        check_begun(b"GET / HTTP/1.1\r\nX: a\n", 20, REQUEST)


def test_the_same_block_gives_the_same_fields() -> None:
    lines = FieldLines()
    first = lines.parse(b"A: 1\r\nB: 2")

    assert first is lines.parse(b"A: 1\r\nB: 2")
    expected: list[Field] = [(b"a", b"1", b"A: 1"), (b"b", b"3", b"B: 3")]
    assert expected == lines.parse(b"A: 1\r\nB: 3")


def test_a_bad_line_is_bad_again() -> None:
    lines = FieldLines()
    for _ in range(2):
        with pytest.raises(HeadError):
            lines.parse(b"A: 1\r\nB : 2")


def test_what_is_remembered_has_a_bound() -> None:
    lines = FieldLines()
    for number in range(KNOWN_LINES + 1):
        lines.parse(b"X: %d" % number)

    assert "<FieldLines [1 known]>" == repr(lines)


def test_a_line_that_repeats_gives_the_very_same_field_though_others_are_new() -> None:
    lines = FieldLines()
    known = lines.parse(b"A: 1\r\nB: 2")[0]

    assert known is lines.parse(b"A: 1\r\nB: 3")[0]
