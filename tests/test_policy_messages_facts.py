import pytest
from hypothesis import given
from hypothesis import strategies as st

from authproxy.errors import Code, Refused, UpstreamError
from authproxy.exchange import RequestHead, ResponseHead, make_field
from authproxy.policy.messages.facts import RequestFacts, ResponseFacts, read_request, read_response

HOST = (b"Host", b"localhost")


def request(*fields: tuple[bytes, bytes], version: str = "1.1") -> RequestFacts:
    headers = [make_field(name, value) for name, value in fields]
    return read_request(RequestHead(b"GET", b"/", version, headers))


def response(*fields: tuple[bytes, bytes]) -> ResponseFacts:
    headers = [make_field(name, value) for name, value in fields]
    return read_response(ResponseHead(200, b"OK", headers))


def test_a_plain_request_has_no_body_and_wants_nothing() -> None:
    facts = request(HOST, (b"Accept", b"*/*"))

    assert b"localhost" == facts.host
    assert (False, False, None) == (facts.has_body, facts.chunked, facts.length)
    assert (None, False, False) == (facts.upgrade, facts.has_authorization, facts.wants_trailers)
    assert frozenset() == facts.connection


def test_the_host_keeps_its_port() -> None:
    assert b"localhost:80" == request((b"hOST", b"localhost:80")).host


@pytest.mark.parametrize(
    ("fields", "version", "sentence"),
    [
        pytest.param([], "1.1", "The request has no Host header.", id="no Host"),
        pytest.param(
            [HOST, HOST], "1.1", "The request has more than one Host header.", id="two alike"
        ),
        pytest.param(
            [(b"Host", b""), HOST],
            "1.1",
            "The request has more than one Host header.",
            id="the first one empty",
        ),
        pytest.param(
            [HOST, (b"HOST", b"b")],
            "1.0",
            "The request has more than one Host header.",
            id="two in HTTP/1.0",
        ),
        pytest.param(
            [HOST, (b"Transfer-Encoding", b"chunked")],
            "1.0",
            "An HTTP/1.0 request cannot have a Transfer-Encoding.",
            id="chunks in HTTP/1.0",
        ),
    ],
)
def test_what_leaves_room_for_two_readings_is_refused(
    fields: list[tuple[bytes, bytes]], version: str, sentence: str
) -> None:
    with pytest.raises(Refused) as caught:
        request(*fields, version=version)

    assert (sentence, Code.BAD_REQUEST) == (str(caught.value), caught.value.code)


@pytest.mark.parametrize(
    "coding",
    [
        b"",
        b"identity",
        b"gzip, chunked",
        b"chunked, chunked",
        b"chunked, identity",
        b",chunked",
        b"chunked,",
        b"xchunked",
        b"chunked;q=1",
        b'"chunked"',
        b"chunked\xa0",
    ],
)
def test_any_coding_but_chunked_is_refused(coding: bytes) -> None:
    with pytest.raises(Refused) as caught:
        request(HOST, (b"Transfer-Encoding", coding))

    expected = "The only transfer coding that a request may have is chunked."
    assert expected == str(caught.value)


@pytest.mark.parametrize("coding", [b"chunked", b"Chunked"])
def test_chunks_are_a_body(coding: bytes) -> None:
    facts = request(HOST, (b"Transfer-Encoding", coding))

    assert (True, True) == (facts.chunked, facts.has_body)


@pytest.mark.parametrize(
    ("value", "length", "has_body"), [(b"0", 0, False), (b"5", 5, True), (b"007", 7, True)]
)
def test_a_length_above_zero_is_a_body(value: bytes, length: int, has_body: bool) -> None:
    facts = request(HOST, (b"Content-Length", value))

    assert (length, has_body) == (facts.length, facts.has_body)


def test_http_1_0_needs_no_host() -> None:
    assert request(version="1.0").host is None


@pytest.mark.parametrize("value", [b"Bearer x", b""])
def test_a_clients_own_authorization_is_noticed(value: bytes) -> None:
    assert request(HOST, (b"AUTHORIZATION", value)).has_authorization


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([b"trailers"], True),
        ([b"gzip, Trailers"], True),
        ([b"trailers", b"gzip"], True),
        ([b"gzip"], False),
        ([b"trailersx"], False),
    ],
)
def test_who_takes_trailers_is_known(values: list[bytes], expected: bool) -> None:
    assert expected == request(HOST, *((b"TE", value) for value in values)).wants_trailers


def test_connection_fields_add_up() -> None:
    fields = [(b"Connection", b"close, X-A"), (b"connection", b"x-b ,, TE")]

    expected = frozenset([b"close", b"x-a", b"x-b", b"te", b""])
    assert expected == request(HOST, *fields).connection
    assert expected == response(*fields).connection


@given(st.lists(st.from_regex(rb"[a-zA-Z-]{1,9}", fullmatch=True), min_size=1, max_size=60))
def test_a_connection_field_of_any_length_is_read(names: list[bytes]) -> None:
    expected = frozenset(name.lower() for name in names)

    assert expected == request(HOST, (b"Connection", b", ".join(names))).connection


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param([(b"Upgrade", b"websocket")], b"websocket", id="WebSocket"),
        pytest.param([(b"Upgrade", b"foo/2, bar")], b"foo/2, bar", id="a choice"),
        pytest.param([(b"Upgrade", b"foo"), (b"Upgrade", b"bar")], b"foo, bar", id="two fields"),
        pytest.param([(b"Upgrade", b"h2c")], None, id="h2c"),
        pytest.param([(b"Upgrade", b" H2C ")], None, id="h2c in capitals"),
        pytest.param([(b"Upgrade", b"websocket, h2c")], None, id="h2c in a list"),
        pytest.param([(b"Upgrade", b"h2c"), (b"Upgrade", b"websocket")], None, id="h2c first"),
        pytest.param([(b"Upgrade", b"websocket"), (b"Upgrade", b"h2c")], None, id="h2c last"),
        pytest.param([(b"Upgrade", b"")], None, id="nothing"),
        pytest.param([(b"Upgrade", b" , ")], None, id="an empty list"),
        pytest.param(
            [(b"Upgrade", b"websocket"), (b"Content-Length", b"3")], None, id="with a body"
        ),
        pytest.param(
            [(b"Upgrade", b"websocket"), (b"Transfer-Encoding", b"chunked")], None, id="with chunks"
        ),
        pytest.param([], None, id="Connection alone"),
    ],
)
def test_an_upgrade_passes_if_it_can_be_passed_on_safely(
    fields: list[tuple[bytes, bytes]], expected: bytes | None
) -> None:
    assert expected == request(HOST, (b"Connection", b"Upgrade"), *fields).upgrade


def test_an_upgrade_needs_its_connection_field() -> None:
    assert request(HOST, (b"Connection", b"close"), (b"Upgrade", b"websocket")).upgrade is None


def test_http_1_0_knows_no_upgrade() -> None:
    fields = [HOST, (b"Connection", b"upgrade"), (b"Upgrade", b"websocket")]

    assert request(*fields, version="1.0").upgrade is None


def test_an_answer_says_how_its_body_ends() -> None:
    plain, sized = response((b"Server", b"x")), response((b"content-length", b"12"))
    chunked = response((b"TRANSFER-ENCODING", b"chunked"), (b"Upgrade", b"websocket"))

    assert (None, False, None) == (plain.length, plain.chunked, plain.upgrade)
    assert (12, False) == (sized.length, sized.chunked)
    assert (None, True, b"websocket") == (chunked.length, chunked.chunked, chunked.upgrade)


def test_facts_of_one_head_are_not_those_of_another() -> None:
    request(HOST, (b"Connection", b"x-a"), (b"Content-Length", b"3"), (b"TE", b"trailers"))

    test_a_plain_request_has_no_body_and_wants_nothing()


@pytest.mark.parametrize("coding", [b"gzip, chunked", b"gzip", b"identity", b""])
def test_an_answer_may_be_chunked_and_nothing_else(coding: bytes) -> None:
    head = ResponseHead(200, b"OK", [make_field(b"Transfer-Encoding", coding)])
    with pytest.raises(UpstreamError) as raised:
        read_response(head)

    assert (502, True) == (raised.value.status, raised.value.sent)
    assert "a transfer coding other than chunked" == raised.value.detail


FRAMED_TWICE = {
    "more than one Content-Length": [(b"Content-Length", b"1"), (b"content-length", b"1")],
    "a Content-Length that is not a number": [(b"Content-Length", b"+1")],
    "both a Content-Length and a Transfer-Encoding": [
        (b"Content-Length", b"1"),
        (b"Transfer-Encoding", b"chunked"),
    ],
}


@pytest.mark.parametrize(("detail", "fields"), FRAMED_TWICE.items(), ids=FRAMED_TWICE)
def test_an_answer_that_could_be_read_in_two_ways_is_refused(
    detail: str, fields: list[tuple[bytes, bytes]]
) -> None:
    with pytest.raises(UpstreamError) as raised:
        response(*fields)

    assert detail == raised.value.detail


def test_an_answer_of_http_1_0_has_no_chunks() -> None:
    head = ResponseHead(200, b"OK", [make_field(b"Transfer-Encoding", b"chunked")], "1.0")
    with pytest.raises(UpstreamError) as raised:
        read_response(head)

    assert "a Transfer-Encoding in an HTTP/1.0 answer" == raised.value.detail


@pytest.mark.parametrize(
    ("version", "connection", "stays"),
    [
        ("1.1", None, True),
        ("1.1", b"close", False),
        ("1.1", b"Close, TE", False),
        ("1.1", b"keep-alive", True),
        ("1.0", None, False),
        ("1.0", b"Keep-Alive", True),
        ("1.0", b"keep-alive, close", False),
    ],
)
def test_whether_a_connection_stays_depends_on_version_and_field(
    version: str, connection: bytes | None, stays: bool
) -> None:
    fields = [make_field(b"Connection", connection)] if connection else []
    host = make_field(*HOST)

    assert stays is read_request(RequestHead(b"GET", b"/", version, [host, *fields])).keep_alive
    assert stays is read_response(ResponseHead(200, b"OK", fields, version)).keep_alive


@pytest.mark.parametrize(("value", "found"), [(b"0", 0), (b"12", 12), (b"-1", None), (b"x", None)])
def test_max_forwards_is_a_number_or_ignored(value: bytes, found: int | None) -> None:
    assert found == request(HOST, (b"Max-Forwards", value)).max_forwards


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ((b"Sec-Purpose", b"prefetch;prerender"), b"prefetch;prerender"),
        ((b"Sec-Purpose", b""), b"empty"),
        ((b"Purpose", b"prefetch"), b"prefetch"),
        ((b"X-Purpose", b"preview"), b"preview"),
        ((b"X-Moz", b"Prefetch"), b"Prefetch"),
        ((b"Purpose", b"TREAT"), b""),
        ((b"Accept", b"prefetch"), b""),
    ],
)
def test_what_is_fetched_ahead_says_so(field: tuple[bytes, bytes], expected: bytes) -> None:
    assert expected == request(HOST, field).purpose


def test_of_two_referers_none_counts() -> None:
    own = (b"Referer", b"http://localhost/")

    assert b"http://localhost/" == request(HOST, own).referer
    assert b"several" == request(HOST, own, own).referer
