"""Every MUST of RFC 9113 and RFC 7541 that concerns us, each row played against a running proxy.

What a peer sees to by itself is not here: decision 11 says what that is, and why it may.
"""

import struct
from collections.abc import Iterator

import pytest

from authproxy.wire.http2.framing.frames import (
    ACK,
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    GOAWAY,
    HAS_PRIORITY,
    HEADERS,
    PADDED,
    PING,
    PREFACE,
    PRIORITY,
    PUSH_PROMISE,
    RST_STREAM,
    SETTINGS,
    WINDOW_UPDATE,
    Failure,
    frame,
    goaway,
    rst_stream,
    window_update,
)
from authproxy.wire.http2.headers.blocks import plain_block, plain_field
from tests.support.http2 import call_of
from tests.support.rfc import Between, End

PROTOCOL, FLOW, CLOSED = (
    Failure.PROTOCOL_ERROR,
    Failure.FLOW_CONTROL_ERROR,
    Failure.STREAM_CLOSED,
)
SIZE, COMPRESSION, CALM = (
    Failure.FRAME_SIZE_ERROR,
    Failure.COMPRESSION_ERROR,
    Failure.ENHANCE_YOUR_CALM,
)
CALL = plain_block(call_of())
LAST = END_HEADERS | END_STREAM
OK = b"\x88"
LARGER = b"\x3f\xe2\x1f"
"""An update of the table's size to 4097."""


def head(block: bytes, flags: int = END_HEADERS, stream_id: int = 1) -> bytes:
    return frame(HEADERS, flags, stream_id, block)


def call(*more: tuple[bytes, bytes], flags: int = LAST, stream_id: int = 1) -> bytes:
    return head(plain_block(call_of(*more)), flags, stream_id)


def post(length: int | None = None, *, flags: int = END_HEADERS) -> bytes:
    return call(*([(b"content-length", b"%d" % length)] if length is not None else []), flags=flags)


def data(content: bytes, flags: int = 0, stream_id: int = 1) -> bytes:
    return frame(DATA, flags, stream_id, content)


def setting(number: int, value: int) -> bytes:
    return frame(SETTINGS, 0, 0, struct.pack(">HL", number, value))


def answer(*fields: tuple[bytes, bytes], flags: int = LAST, start: bytes = OK) -> bytes:
    return head(start + plain_block(fields), flags)


@pytest.fixture(scope="module")
def between() -> Iterator[Between]:
    with Between() as running:
        yield running


def rows(*table: tuple[str, str, *tuple[object, ...]]) -> pytest.MarkDecorator:
    """RFC and section, the sentence, then what is sent and what must come."""
    return pytest.mark.parametrize(
        "row", [pytest.param(row[2:], id=f"{row[0]} {row[1]}") for row in table]
    )


def coded(text: bytes) -> bytes:
    """A literal field whose value is this Huffman code."""
    return b"\x10\x01a" + bytes((0x80 | len(text),)) + text


CONNECTION_ERRORS_OF_CLIENTS = rows(
    ("9113 3.4", "the preface ends with SETTINGS", frame(PING, 0, 0, bytes(8)), PROTOCOL),
    ("9113 3.4", "a confirmation is not the first SETTINGS", frame(SETTINGS, ACK, 0), PROTOCOL),
    ("9113 4.2", "no frame is larger than announced", data(bytes(16385)), SIZE),
    ("9113 4.3", "a block that cannot be decoded", head(b"\xff\xff", LAST), COMPRESSION),
    ("9113 4.3", "no other frame within a block", head(CALL, 0) + data(b""), PROTOCOL),
    (
        "9113 4.3",
        "no other stream within a block",
        head(CALL, 0) + frame(CONTINUATION, END_HEADERS, 3),
        PROTOCOL,
    ),
    (
        "9113 5.5",
        "no frame of an extension within a block",
        head(CALL, 0) + frame(0x99, 0, 0),
        PROTOCOL,
    ),
    ("9113 5.1", "DATA on an idle stream", data(b"x"), PROTOCOL),
    ("9113 5.1", "WINDOW_UPDATE on an idle stream", window_update(1, 1), PROTOCOL),
    ("9113 5.1", "RST_STREAM on an idle stream", rst_stream(1, Failure.CANCEL), PROTOCOL),
    ("9113 5.1", "WINDOW_UPDATE on a stream of ours", window_update(2, 1), PROTOCOL),
    ("9113 5.1", "RST_STREAM on a stream of ours", rst_stream(2, Failure.CANCEL), PROTOCOL),
    ("9113 5.1.1", "a client's streams are odd", call(stream_id=2), PROTOCOL),
    ("9113 5.1.1", "stream 0 is no request's", call(stream_id=0), PROTOCOL),
    ("9113 6.1", "DATA is not on stream 0", data(b"x", stream_id=0), PROTOCOL),
    (
        "9113 6.1",
        "padding is less than the payload",
        post() + frame(DATA, PADDED, 1, b"\x01"),
        PROTOCOL,
    ),
    ("9113 6.1", "padding has a length", post() + frame(DATA, PADDED, 1), SIZE),
    ("9113 6.2", "padding of HEADERS", head(b"\x05" + CALL[:4], LAST | PADDED), PROTOCOL),
    ("9113 4.2", "HEADERS without its fixed part", head(b"\0\0", LAST | HAS_PRIORITY), SIZE),
    ("9113 6.3", "PRIORITY is not on stream 0", frame(PRIORITY, 0, 0, bytes(5)), PROTOCOL),
    ("9113 6.3", "PRIORITY has 5 bytes", frame(PRIORITY, 0, 1, bytes(4)), SIZE),
    ("9113 6.4", "RST_STREAM is not on stream 0", frame(RST_STREAM, 0, 0, bytes(4)), PROTOCOL),
    ("9113 6.4", "RST_STREAM has 4 bytes", call() + frame(RST_STREAM, 0, 1, bytes(3)), SIZE),
    (
        "9113 6.5",
        "a confirmation is empty",
        frame(SETTINGS, 0, 0) + frame(SETTINGS, ACK, 0, bytes(6)),
        SIZE,
    ),
    ("9113 6.5", "SETTINGS are on stream 0", frame(SETTINGS, 0, 1), PROTOCOL),
    ("9113 6.5", "SETTINGS have 6 bytes each", frame(SETTINGS, 0, 0, bytes(5)), SIZE),
    ("9113 6.5.2", "ENABLE_PUSH is 0 or 1", setting(2, 2), PROTOCOL),
    ("9113 6.5.2", "windows have 31 bits", setting(4, 2**31), FLOW),
    ("9113 6.5.2", "frames of 16 KiB are taken", setting(5, 16383), PROTOCOL),
    ("9113 6.5.2", "frames have 24 bits of length", setting(5, 2**24), PROTOCOL),
    (
        "9113 6.6",
        "a client does not push",
        frame(PUSH_PROMISE, END_HEADERS, 1, bytes(4) + CALL),
        PROTOCOL,
    ),
    ("9113 6.7", "PING is on stream 0", frame(PING, 0, 1, bytes(8)), PROTOCOL),
    ("9113 6.7", "PING has 8 bytes", frame(PING, 0, 0, bytes(7)), SIZE),
    ("9113 6.8", "GOAWAY is on stream 0", frame(GOAWAY, 0, 1, bytes(8)), PROTOCOL),
    ("9113 4.2", "GOAWAY has 8 bytes at least", frame(GOAWAY, 0, 0, bytes(7)), SIZE),
    ("9113 6.9", "the connection's window grows by something", window_update(0, 0), PROTOCOL),
    ("9113 6.9", "WINDOW_UPDATE has 4 bytes", frame(WINDOW_UPDATE, 0, 0, bytes(3)), SIZE),
    ("9113 6.9.1", "no window has more than 31 bits", window_update(0, 2**31 - 1), FLOW),
    ("9113 6.10", "CONTINUATION goes on with something", frame(CONTINUATION, 4, 1, CALL), PROTOCOL),
    (
        "9113 6.10",
        "no CONTINUATION behind END_HEADERS",
        call() + frame(CONTINUATION, 4, 1),
        PROTOCOL,
    ),
    ("7541 2.3.3", "an index beyond the tables", head(b"\xbe", LAST), COMPRESSION),
    ("7541 6.1", "the index 0", head(b"\x80", LAST), COMPRESSION),
    ("7541 4.2", "a size update stands first", head(CALL + b"\x20", LAST), COMPRESSION),
    (
        "7541 6.3",
        "no table is larger than allowed",
        head(LARGER + CALL, LAST),
        COMPRESSION,
    ),
    ("7541 5.1", "numbers have a bound", head(b"\xff" + b"\xff" * 12 + b"\x01", LAST), COMPRESSION),
    ("7541 5.2", "a string ends within its block", head(b"\x10\x01a\x05b", LAST), COMPRESSION),
    ("7541 5.2", "EOS is no symbol", head(CALL + coded(b"\xff\xff\xff\xff"), LAST), COMPRESSION),
    ("7541 5.2", "padding is 7 bits at most", head(CALL + coded(b"\x1f\xff"), LAST), COMPRESSION),
    ("7541 5.2", "padding is of ones", head(CALL + coded(b"\x18"), LAST), COMPRESSION),
)


@CONNECTION_ERRORS_OF_CLIENTS
def test_client_s_breach_ends_its_connection(between: Between, row: tuple[bytes, Failure]) -> None:
    said, failure = row
    greets = said[3] not in (PING, SETTINGS) or said[9:] != bytes(8) or said[8] == 1
    if said in (frame(PING, 0, 0, bytes(8)), frame(SETTINGS, ACK, 0)):
        greets, said = False, PREFACE + said
    with between.client(said, greets=greets) as client:
        between.wait(lambda: client.is_closed)

        assert [failure] == client.goaways()


def without(name: bytes) -> bytes:
    return plain_block([field for field in call_of() if field[0] != name])


REFUSED_REQUESTS = rows(
    ("9113 8.1.1", "a length without content", post(5, flags=LAST)),
    ("9113 8.2.1", "no capitals in names", call((b"X-Up", b"1"))),
    ("9113 8.2.1", "no blanks in names", call((b"x y", b"1"))),
    ("9113 8.2.1", "no colon in names", call((b"x:y", b"1"))),
    ("9113 8.2.1", "no 8-bit names", call((b"x\xe9", b"1"))),
    ("9113 8.2.1", "no empty names", call((b"", b"1"))),
    ("9113 8.2.1", "no NUL in values", call((b"a", b"b\0c"))),
    ("9113 8.2.1", "no CR in values", call((b"a", b"b\rc"))),
    ("9113 8.2.1", "no LF in values", call((b"a", b"b\nc"))),
    ("9113 8.2.2", "no Connection", call((b"connection", b"close"))),
    ("9113 8.2.2", "no Proxy-Connection", call((b"proxy-connection", b"close"))),
    ("9113 8.2.2", "no Keep-Alive", call((b"keep-alive", b"1"))),
    ("9113 8.2.2", "no Transfer-Encoding", call((b"transfer-encoding", b"chunked"))),
    ("9113 8.2.2", "no Upgrade", call((b"upgrade", b"h2c"))),
    ("9113 8.2.2", "TE is trailers only", call((b"te", b"trailers, deflate"))),
    ("9113 8.3", "no unknown pseudo-header field", head(CALL + plain_field(b":x", b"1"), LAST)),
    ("9113 8.3", "none of answers", head(OK + CALL, LAST)),
    ("9113 8.3", "pseudo-header fields first", head(plain_field(b"a", b"b") + CALL, LAST)),
    ("9113 8.3", "each once", head(CALL + plain_field(b":path", b"/"), LAST)),
    ("9113 8.3.1", "a method", head(without(b":method"), LAST)),
    ("9113 8.3.1", "a scheme", head(without(b":scheme"), LAST)),
    ("9113 8.3.1", "a path", head(without(b":path"), LAST)),
    (
        "9113 8.3.1",
        "a path that is not empty",
        head(without(b":path") + plain_field(b":path", b""), LAST),
    ),
    ("9113 8.3.1", "Host says what :authority does", call((b"host", b"other.example"))),
    ("9110 8.6", "one content-length", call((b"content-length", b"1"), (b"content-length", b"2"))),
)


@REFUSED_REQUESTS
def test_malformed_request_is_refused_and_nothing_of_it_passes(
    between: Between, row: tuple[bytes]
) -> None:
    with between.client(row[0]) as client:
        between.wait(lambda: (1, PROTOCOL) in client.resets())
        lives(between, client)

        assert [b"400"] == client.statuses()
        assert None is between.service
        assert "bad_request" == between.exchange().code


def lives(between: Between, client: End) -> None:
    """The connection is good for more."""
    between.say(client, frame(PING, 0, 0, b"still ok"))
    between.wait(lambda: any(f.kind == PING and f.payload == b"still ok" for f in client.heard))


BROKEN_REQUESTS = rows(
    ("9113 8.1.1", "more content than said", post(3), data(b"1234"), PROTOCOL),
    ("9113 8.1.1", "less content than said", post(3), data(b"12", END_STREAM), PROTOCOL),
    ("9113 8.1.1", "padding is no content", post(3), frame(DATA, 9, 1, b"\x01ab\0"), PROTOCOL),
    ("9113 8.1.1", "trailers before all content", post(3), head(b"", LAST), PROTOCOL),
    ("9113 8.1", "trailers end the request", post(), head(b"\x10\x01a\x01b"), PROTOCOL),
    ("9113 8.1", "no pseudo-header field in trailers", post(), head(b"\x84", LAST), PROTOCOL),
    ("9113 8.2.1", "no CR LF in trailers", post(), head(b"\x10\x01a\x02\r\n", LAST), PROTOCOL),
    ("9113 6.9", "a window grows by something", post(), window_update(1, 0), PROTOCOL),
    ("9113 5.1", "no DATA behind the end", call(), data(b"x"), CLOSED),
    ("9113 5.1", "no HEADERS behind the end", call(), head(b"", LAST), CLOSED),
)


@BROKEN_REQUESTS
@pytest.mark.parametrize("answered", [False, True], ids=["not answered", "answered in part"])
def test_request_that_turns_out_malformed_is_reset_on_both_sides(
    between: Between, row: tuple[bytes, bytes, Failure], *, answered: bool
) -> None:
    begun, broken, failure = row
    with between.client(begun) as client:
        between.wait(lambda: between.service is not None and between.service.of(HEADERS))
        service = between.service
        assert service is not None
        if answered:
            between.say(service, answer(flags=END_HEADERS))
            between.wait(lambda: client.of(HEADERS))
        before = len(service.heard)
        between.say(client, broken)
        expected = (1, failure) if answered else (1, PROTOCOL)
        between.wait(
            lambda: expected in client.resets(), lambda: (1, Failure.CANCEL) in service.resets()
        )
        lives(between, client)
        exchange = between.exchange()

        assert [b"200" if answered else b"400"] == client.statuses()
        assert not {f.kind for f in service.heard[before:]} & {DATA, HEADERS}
        assert ("client", "bad_request") == (exchange.aborted, exchange.code)
        assert exchange.detail


CLOSED_STREAMS = rows(
    ("9113 5.1", "DATA behind the client's reset", data(b"x"), CLOSED),
    ("9113 5.1.1", "a new stream has a higher number", call(), CLOSED),
)


@CLOSED_STREAMS
def test_frame_on_a_stream_that_the_client_closed_ends_its_connection(
    between: Between, row: tuple[bytes, Failure]
) -> None:
    with between.client(call(stream_id=3) + rst_stream(3, Failure.CANCEL)) as client:
        said = row[0][:5] + b"\0\0\0\x03" + row[0][9:] if row[0][3] == DATA else row[0]
        between.say(client, said)
        between.wait(lambda: client.is_closed)

        assert [row[1]] == client.goaways()


PASSING = rows(
    ("9113 4.1", "unknown bits mean nothing", frame(HEADERS, 0xC5, 1 | 1 << 31, CALL)),
    ("9113 5.5", "frames of unknown kinds are dropped", frame(0x99, 1, 1, b"x") + call()),
    ("9113 6.5.2", "unknown settings are ignored", setting(0xFE03, 1) + call()),
    ("9113 6.3", "PRIORITY on an idle stream", frame(PRIORITY, 0, 9, bytes(5)) + call()),
    (
        "9113 6.4",
        "unknown error codes mean nothing",
        call() + call(stream_id=3) + frame(RST_STREAM, 0, 3, b"\xff\xff\xff\xff"),
    ),
    ("9113 6.2", "padding of HEADERS is taken off", head(b"\x03" + CALL + bytes(3), LAST | PADDED)),
    (
        "9113 6.10",
        "a block in pieces",
        head(CALL[:9], END_STREAM)
        + frame(CONTINUATION, 0, 1, CALL[9:20])
        + frame(CONTINUATION, END_HEADERS, 1, CALL[20:]),
    ),
    ("9113 8.1.1", "content as long as said", post(3) + data(b"ab") + data(b"c", END_STREAM)),
    ("9113 8.1.1", "padding does not count", post(3) + frame(DATA, 9, 1, b"\x02abc\0\0")),
    ("9113 8.1.1", "no content, as said", post(0, flags=LAST)),
    ("9113 8.2.2", "TE: trailers", call((b"te", b"trailers"))),
    ("7541 4.2", "a smaller table", head(b"\x20" + CALL, LAST)),
    (
        "7541 2.3.2",
        "entries are dropped in turn",
        head(b"\x20\x3f\x0f" + CALL + b"\x40\x01a\x01b" * 2, LAST),
    ),
)


@PASSING
def test_what_is_valid_passes(between: Between, row: tuple[bytes]) -> None:
    with between.client(row[0]) as client:
        between.wait(lambda: between.service is not None and between.service.of(HEADERS))
        service = between.service
        assert service is not None
        between.say(service, answer())
        between.wait(lambda: client.of(HEADERS))

        assert [b"200"] == client.statuses()
        assert not {f.kind for f in service.heard} & {0x99}


CONNECTION_ERRORS_OF_SERVICES = rows(
    ("9113 4.2", "no frame is larger than announced", answer(flags=4) + data(bytes(16385)), SIZE),
    ("9113 4.3", "a block that cannot be decoded", head(b"\xff\xff"), COMPRESSION),
    ("9113 4.3", "no other frame within a block", head(OK, 0) + data(b""), PROTOCOL),
    ("9113 5.1", "DATA on an idle stream", data(b"x", stream_id=3), PROTOCOL),
    ("9113 5.1", "HEADERS on an idle stream", head(OK, stream_id=3), PROTOCOL),
    ("9113 5.1", "HEADERS on a stream of its own", head(OK, stream_id=2), PROTOCOL),
    ("9113 5.1", "WINDOW_UPDATE on an idle stream", window_update(3, 1), PROTOCOL),
    ("9113 5.1", "RST_STREAM on an idle stream", rst_stream(3, Failure.CANCEL), PROTOCOL),
    ("9113 6.1", "DATA is not on stream 0", data(b"x", stream_id=0), PROTOCOL),
    ("9113 6.1", "padding is less than the payload", frame(DATA, PADDED, 1, b"\x01"), PROTOCOL),
    ("9113 6.4", "RST_STREAM has 4 bytes", frame(RST_STREAM, 0, 1, bytes(5)), SIZE),
    ("9113 6.5", "a confirmation is empty", frame(SETTINGS, ACK, 0, bytes(6)), SIZE),
    ("9113 6.5.2", "a server does not ask for pushes", setting(2, 1), PROTOCOL),
    ("9113 6.5.2", "windows have 31 bits", setting(4, 2**31), FLOW),
    ("9113 6.5.2", "frames of 16 KiB are taken", setting(5, 16383), PROTOCOL),
    (
        "9113 6.6",
        "no push where none is wanted",
        frame(PUSH_PROMISE, END_HEADERS, 1, b"\0\0\0\x02" + CALL),
        PROTOCOL,
    ),
    ("9113 6.7", "PING has 8 bytes", frame(PING, 0, 0, bytes(9)), SIZE),
    ("9113 6.8", "GOAWAY is on stream 0", frame(GOAWAY, 0, 1, bytes(8)), PROTOCOL),
    ("9113 6.9", "the connection's window grows by something", window_update(0, 0), PROTOCOL),
    ("9113 6.10", "CONTINUATION goes on with something", frame(CONTINUATION, 4, 1, OK), PROTOCOL),
    ("7541 2.3.3", "an index beyond the tables", head(b"\xbe"), COMPRESSION),
    ("7541 6.1", "the index 0", head(b"\x80"), COMPRESSION),
    ("7541 4.2", "a size update stands first", head(OK + b"\x20"), COMPRESSION),
    ("7541 6.3", "no table is larger than allowed", head(LARGER + OK), COMPRESSION),
    ("7541 5.1", "numbers have a bound", head(b"\xff" + b"\xff" * 12 + b"\x01"), COMPRESSION),
    ("7541 5.2", "a string ends within its block", head(b"\x10\x01a\x05b"), COMPRESSION),
    ("7541 5.2", "EOS is no symbol", head(OK + coded(b"\xff\xff\xff\xff")), COMPRESSION),
    ("7541 5.2", "padding is 7 bits at most", head(OK + coded(b"\x1f\xff")), COMPRESSION),
    ("7541 5.2", "padding is of ones", head(OK + coded(b"\x18")), COMPRESSION),
)


def called(between: Between, client: End) -> End:
    """The service, once it has got the client's call."""
    between.wait(lambda: between.service is not None and between.service.of(HEADERS))
    assert between.service is not None
    return between.service


@CONNECTION_ERRORS_OF_SERVICES
def test_service_s_breach_ends_its_connection(between: Between, row: tuple[bytes, Failure]) -> None:
    said, failure = row
    with between.client(call()) as client:
        service = called(between, client)
        between.say(service, said)
        between.wait(lambda: client.is_closed, lambda: service.is_closed)
        exchange = between.exchange()

        assert [failure] == service.goaways()
        assert [Failure.NO_ERROR] == client.goaways()
        if said[:9] != answer(flags=4)[:9]:
            assert [b"502"] == client.statuses()
        assert "upstream_broke" == exchange.code
        assert exchange.detail


MALFORMED_ANSWERS = rows(
    ("9113 8.1", "an interim answer is no end", answer(start=b"\x08\x03103")),
    ("9113 8.1.1", "a length without content", answer((b"content-length", b"5"))),
    ("9113 8.1", "content before the head", data(b"x")),
    ("9113 8.1", "a head before trailers", head(plain_field(b"a", b"b"), LAST)),
    ("9113 8.2.1", "no capitals in names", answer((b"X-Authproxy-Hint", b"run this"))),
    ("9113 8.2.1", "no capitals in the table", answer(start=OK + b"\x40\x01A\x01b")),
    ("9113 8.2.1", "no blanks in names", answer((b"x y", b"1"))),
    ("9113 8.2.1", "no colon in names", answer((b"x:y", b"1"))),
    ("9113 8.2.1", "no 8-bit names", answer((b"x\xe9", b"1"))),
    ("9113 8.2.1", "no empty names", answer((b"", b"1"))),
    ("9113 8.2.1", "no NUL in values", answer((b"a", b"b\0c"))),
    ("9113 8.2.1", "no CR LF in values", answer((b"a", b"b\r\nset-cookie: c=d"))),
    ("9113 8.2.1", "no LF in Huffman code", answer(start=OK + coded(b"\xff\xff\xff\xf3"))),
    ("9113 8.2.1", "no blank at a value's start", answer((b"a", b" b"))),
    ("9113 8.2.1", "no tab at a value's end", answer((b"a", b"b\t"))),
    ("9113 8.2.2", "no Connection", answer((b"connection", b"close"))),
    ("9113 8.2.2", "no Proxy-Connection", answer((b"proxy-connection", b"close"))),
    ("9113 8.2.2", "no Keep-Alive", answer((b"keep-alive", b"1"))),
    ("9113 8.2.2", "no Transfer-Encoding", answer((b"transfer-encoding", b"chunked"))),
    ("9113 8.2.2", "no Upgrade", answer((b"upgrade", b"h2c"))),
    ("9113 8.2.2", "no TE but trailers", answer((b"te", b"gzip"))),
    ("9113 8.3", "no pseudo-header field of requests", answer(start=OK + b"\x84")),
    ("9113 8.3", "no unknown pseudo-header field", answer((b":x", b"1"))),
    ("9113 8.3", "pseudo-header fields first", head(plain_field(b"a", b"b") + OK, LAST)),
    ("9113 8.3", "each once", answer(start=OK + OK)),
    ("9113 8.3.2", "a :status", head(b"", LAST)),
    ("9110 15", "a :status of three digits", answer(start=b"\x08\x0220")),
    ("9113 8.6", "no 101", answer(start=b"\x08\x03101", flags=END_HEADERS)),
    ("9110 8.6", "one content-length", answer(*[(b"content-length", b"0")] * 2)),
    ("9110 8.6", "a content-length that is a number", answer((b"content-length", b"-1"))),
    ("9113 6.9", "a window grows by something", window_update(1, 0)),
)


@MALFORMED_ANSWERS
def test_malformed_answer_is_a_502_and_nothing_of_it_passes(
    between: Between, row: tuple[bytes]
) -> None:
    with between.client(call()) as client:
        service = called(between, client)
        between.say(service, row[0])
        between.wait(
            lambda: client.statuses() == [b"502"], lambda: (1, PROTOCOL) in service.resets()
        )
        exchange = between.exchange()
        between.say(client, call(stream_id=3))
        between.wait(lambda: service.of(HEADERS, 3))
        between.say(service, head(OK + b"\x40\x01q\x01r", LAST, 3))
        between.wait(lambda: len(client.statuses()) == 2)

        assert [b"502", b"200"] == client.statuses()
        assert (b"q", b"r") in client.heads()[1]
        assert ("upstream_broke", 502) == (exchange.code, exchange.status)
        assert exchange.detail


BROKEN_ANSWERS = rows(
    ("9113 8.1.1", "more content than said", 3, data(b"1234")),
    ("9113 8.1.1", "less content than said", 3, data(b"12", END_STREAM)),
    ("9113 8.1.1", "padding is no content", 3, frame(DATA, 9, 1, b"\x01ab\0")),
    ("9113 8.1.1", "trailers before all content", 3, head(plain_field(b"a", b"b"), LAST)),
    ("9113 8.1", "trailers end the answer", None, head(plain_field(b"a", b"b"))),
    ("9113 8.1", "no second head", None, answer()),
    ("9113 8.1", "no pseudo-header field in trailers", None, head(b"\x84", LAST)),
    ("9113 8.2.1", "no CR LF in trailers", None, head(b"\x10\x01a\x02\r\n", LAST)),
    ("9113 8.2.2", "no Connection in trailers", None, head(plain_field(b"connection", b"a"), LAST)),
)


@BROKEN_ANSWERS
def test_answer_that_turns_out_malformed_is_reset_on_both_sides(
    between: Between, row: tuple[int | None, bytes]
) -> None:
    length, broken = row
    fields = [(b"content-length", b"%d" % length)] if length is not None else []
    with between.client(call()) as client:
        service = called(between, client)
        between.say(service, answer(*fields, flags=END_HEADERS))
        between.wait(lambda: client.of(HEADERS))
        between.say(service, broken)
        between.wait(
            lambda: (1, Failure.INTERNAL_ERROR) in client.resets(),
            lambda: (1, PROTOCOL) in service.resets(),
        )
        lives(between, client)
        exchange = between.exchange()

        assert [1, []] == [len(client.of(HEADERS)), client.of(DATA)]
        assert ("service", "upstream_broke") == (exchange.aborted, exchange.code)
        assert exchange.detail


VALID_ANSWERS = rows(
    (
        "9113 8.1.1",
        "content as long as said",
        b"GET",
        answer((b"content-length", b"2"), flags=4) + data(b"a") + data(b"b", END_STREAM),
    ),
    (
        "9113 8.1.1",
        "padding does not count",
        b"GET",
        answer((b"content-length", b"2"), flags=4) + frame(DATA, 9, 1, b"\x01ab\0"),
    ),
    ("9113 8.1.1", "a length to HEAD", b"HEAD", answer((b"content-length", b"5"))),
    ("9113 8.1.1", "a length with 304", b"GET", answer((b"content-length", b"5"), start=b"\x8b")),
    ("9113 8.1.1", "a length with 204", b"GET", answer((b"content-length", b"5"), start=b"\x89")),
    ("9113 8.1", "interim answers", b"GET", head(b"\x08\x03103") + answer()),
    ("9113 8.1", "trailers", b"GET", answer(flags=4) + head(plain_field(b"a", b"b"), LAST)),
    ("9113 8.1", "an end without content", b"GET", answer(flags=4) + data(b"", END_STREAM)),
    ("9113 5.5", "frames of unknown kinds are dropped", b"GET", frame(0x99, 0, 1, b"x") + answer()),
    ("9113 6.3", "PRIORITY on any stream", b"GET", frame(PRIORITY, 0, 9, bytes(5)) + answer()),
)


@VALID_ANSWERS
def test_valid_answer_passes(between: Between, row: tuple[bytes, bytes]) -> None:
    method, said = row
    fields = [(b":method", method), *call_of()[1:]]
    with between.client(head(plain_block(fields), LAST)) as client:
        service = called(between, client)
        between.say(service, said)
        between.wait(
            lambda: any(f.flags & END_STREAM for f in client.of(HEADERS) + client.of(DATA))
        )
        exchange = between.exchange()

        assert ([], "") == (client.resets(), exchange.aborted)
        assert not {f.kind for f in client.heard} & {0x99}


@pytest.mark.parametrize("method", [b"HEAD", b"GET"])
def test_content_where_there_is_none_does_not_pass(between: Between, method: bytes) -> None:
    """RFC 9113 8.1.1: answers to HEAD, and 204, have no content."""
    fields = [(b":method", method), *call_of()[1:]]
    start = OK if method == b"HEAD" else b"\x89"
    with between.client(head(plain_block(fields), LAST)) as client:
        service = called(between, client)
        between.say(service, answer(start=start, flags=END_HEADERS) + data(b"x", END_STREAM))
        between.wait(lambda: (1, PROTOCOL) in service.resets(), lambda: bool(client.resets()))

        assert [] == client.of(DATA)


def test_blanks_around_metadata_of_grpc_are_taken_off(between: Between) -> None:
    """gRPC over HTTP/2, "Custom-Metadata": they may be stripped."""
    with between.client(call((b"content-type", b"application/grpc"))) as client:
        service = called(between, client)
        between.say(service, answer((b"a", b"b ")))
        between.wait(lambda: bool(client.of(HEADERS)))

        assert (b"a", b"b") in client.heads()[0]


# What we send by ourselves.


def test_settings_of_a_client_that_is_only_refused_are_confirmed(between: Between) -> None:
    """RFC 9113 6.5.3: at once."""
    with between.client(head(plain_block(call_of(host=b"evil.example")), LAST)) as client:
        between.wait(lambda: bool(client.statuses()))

        assert [SETTINGS, ACK] in [[f.kind, f.flags] for f in client.heard]


def test_service_is_told_first_of_all_that_no_push_is_wanted(between: Between) -> None:
    """RFC 9113 3.4 and 6.6: SETTINGS come first, and ENABLE_PUSH of 0 with them."""
    with between.client(setting(2, 1) + call()) as client:
        service = called(between, client)
        said = [f for f in service.heard if f.kind == SETTINGS and not f.flags & ACK]

        assert SETTINGS == service.heard[0].kind
        assert [(2, 0)] == list(struct.iter_unpack(">HL", said[0].payload))
        assert b"" == said[1].payload


def test_refusal_begins_with_the_smaller_table_that_its_client_wants(between: Between) -> None:
    """RFC 9113 4.3.1: the first block behind the confirmation says that it is kept to."""
    said = setting(1, 100) + head(plain_block(call_of(host=b"evil.example")), LAST)
    with between.client(said) as client:
        between.wait(lambda: bool(client.of(HEADERS)))

        assert client.of(HEADERS)[0].payload.startswith(b"\x3f\x45\x10")


def test_service_that_ignores_its_client_s_smaller_table_has_broken_the_protocol(
    between: Between,
) -> None:
    """RFC 9113 4.3.1."""
    with between.client(setting(1, 100) + call()) as client:
        service = called(between, client)
        between.say(service, answer())
        between.wait(lambda: client.is_closed, lambda: service.is_closed)

        assert [COMPRESSION] == service.goaways()


def test_last_stream_of_a_goaway_never_grows(between: Between) -> None:
    """RFC 9113 6.8, of what passes and what is ours; and no call goes out behind it."""
    with between.client(call()) as client:
        service = called(between, client)
        between.say(service, goaway(1, Failure.NO_ERROR) + goaway(7, Failure.NO_ERROR))
        between.wait(lambda: len(client.goaways()) == 2)
        between.say(client, call(stream_id=3))
        between.wait(lambda: (3, Failure.REFUSED_STREAM) in client.resets())
        between.say(service, answer() + frame(WINDOW_UPDATE, 0, 0, bytes(4)))
        between.wait(lambda: client.is_closed)
        last = [int.from_bytes(f.payload[:4], "big") for f in client.heard if f.kind == GOAWAY]

        assert [1, 1, 1] == last
        assert [] == service.of(HEADERS, 3)


def test_nothing_is_sent_on_a_stream_that_was_never_opened(between: Between) -> None:
    """RFC 9113 5.1: the service never heard of a call that was refused."""
    refused = head(plain_block(call_of(host=b"evil.example")), END_HEADERS)
    late = data(b"x") + window_update(1, 5) + rst_stream(1, Failure.CANCEL)
    with between.client(refused + call(stream_id=3) + late) as client:
        between.wait(lambda: between.service is not None and between.service.of(HEADERS, 3))
        service = between.service
        assert service is not None
        lives(between, client)

        assert [] == [f for f in service.heard if f.stream_id == 1]
        assert [1] == [int.from_bytes(f.payload, "big") for f in client.of(WINDOW_UPDATE, 0)]


def test_frames_that_crossed_with_a_reset_are_counted_and_dropped(between: Between) -> None:
    """RFC 9113 5.1 and 6.9: the tables and windows of both connections stay right."""
    with between.client(call(flags=END_HEADERS)) as client:
        service = called(between, client)
        between.say(service, rst_stream(1, Failure.CANCEL))
        between.wait(lambda: bool(client.resets()))
        between.say(client, data(b"12345") + call(flags=END_HEADERS, stream_id=3))
        between.wait(lambda: client.of(WINDOW_UPDATE, 0), lambda: service.of(HEADERS, 3))
        between.say(client, rst_stream(3, Failure.CANCEL))
        between.wait(lambda: (3, Failure.CANCEL) in service.resets())
        before = len(service.heard)
        table = b"\x40\x01q\x01r"
        between.say(service, head(OK + table, stream_id=3) + data(b"1234567", stream_id=3))
        between.wait(lambda: service.of(WINDOW_UPDATE, 0))
        between.say(client, call(stream_id=5))
        between.wait(lambda: service.of(HEADERS, 5))
        between.say(service, head(OK + b"\xbe", LAST, 5))
        between.wait(lambda: client.of(HEADERS, 5))

        assert (b"q", b"r") in client.heads()[-1]
        assert [] == service.of(DATA) + client.of(DATA, 3)
        sizes = [f.payload for end in (client, service) for f in end.of(WINDOW_UPDATE, 0)]
        assert [b"\0\0\0\x05", b"\0\0\0\x07"] == sizes
        assert before


@pytest.mark.parametrize(
    "room",
    [window_update(1, 10_000), setting(4, 10_000)],
    ids=["more for the stream", "more for all streams"],
)
def test_content_of_a_refusal_waits_for_the_window(between: Between, room: bytes) -> None:
    """RFC 9113 6.9.1 and 6.9.2: nobody sends more than the window allows."""
    with between.client(setting(4, 10)) as client:
        between.say(client, head(plain_block(call_of(host=b"evil.example")), LAST))
        between.wait(lambda: bool(client.statuses()))
        lives(between, client)
        assert [] == client.of(DATA)
        between.say(client, room)
        between.wait(lambda: bool(client.of(DATA)))

        assert [END_STREAM] == [f.flags for f in client.of(DATA)]
