"""Bodies that go to clients in chunks, whole and broken off."""

from authproxy.errors import Code, UpstreamError
from authproxy.exchange import Exchange, RequestHead, make_field
from authproxy.wire.admission.admission import NOWHERE
from authproxy.wire.relay.chunked_body import ChunkedBody

ERROR = UpstreamError("Gone.", code=Code.UPSTREAM_BROKE, sent=True)


def exchange(content_type: bytes) -> Exchange:
    fields = [make_field(b"Content-Type", content_type)]
    return Exchange("run", 1, None, RequestHead(b"POST", b"/", "1.1", fields))


def test_a_whole_body_ends_with_its_trailers() -> None:
    out: list[bytes] = []
    body = ChunkedBody(out, NOWHERE, has_messages=False)
    body.add(b"hello")
    body.drain()
    body.finish([make_field(b"X-Sum", b"1")])

    assert b"5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n" == b"".join(out)
    assert "<ChunkedBody [no messages]>" == repr(body)


def test_only_between_messages_an_error_can_be_told() -> None:
    asked = exchange(b"application/grpc-web+proto")
    out: list[bytes] = []
    body = ChunkedBody(out, NOWHERE, has_messages=True)
    body.add(b"\0\0\0\0\2a")
    assert not body.break_off(asked, ERROR, is_empty=False)
    body.add(b"b")

    assert body.break_off(asked, ERROR, is_empty=False)
    assert b"grpc-status" in b"".join(out)


def test_plain_bodies_have_no_words_for_it() -> None:
    body = ChunkedBody([], NOWHERE, has_messages=False)

    assert not body.break_off(exchange(b"text/plain"), ERROR, is_empty=True)
