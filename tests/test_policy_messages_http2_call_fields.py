"""What an HTTP/2 request's fields say, and which ones the service gets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authproxy.errors import Code, Refused
from authproxy.policy.messages.headers import service_rules
from authproxy.policy.messages.http2.call_fields import (
    call_fields,
    check_call,
    read_call,
    trailer_fields,
)

GET = [
    (b":method", b"GET"),
    (b":scheme", b"https"),
    (b":path", b"/a?b"),
    (b":authority", b"localhost:8080"),
]
RULES = service_rules(authority="svc.run.app", token_header="auto", secrets=[("X-Api-Key", "k3y")])


def without(name: bytes) -> list[tuple[bytes, bytes]]:
    return [field for field in GET if field[0] != name]


def instead(name: bytes, value: bytes) -> list[tuple[bytes, bytes]]:
    return [(n, value if n == name else v) for n, v in GET]


@pytest.mark.parametrize(
    "fields",
    [
        GET,
        [*GET, (b"te", b"trailers"), (b"content-length", b"0"), (b"x", b"")],
        [*without(b":authority"), (b"host", b"localhost")],
        [*GET, (b"host", b"LOCALHOST:8080")],
        [(b":method", b"OPTIONS"), *without(b":method")[:1], (b":path", b"*"), GET[3]],
        [(b":method", b"CONNECT"), (b":authority", b"a:443")],
        [*GET, (b"x-latin", b"caf\xe9"), (b"x-tab", b"a\tb")],
    ],
)
def test_well_formed_request_passes(fields: list[tuple[bytes, bytes]]) -> None:
    check_call(fields)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (without(b":method"), "The method is missing or not valid."),
        (instead(b":method", b"G T"), "The method is missing or not valid."),
        (without(b":scheme"), "The scheme is missing or not http or https."),
        (instead(b":scheme", b"ftp"), "The scheme is missing or not http or https."),
        (without(b":path"), "The path is missing or not valid."),
        (instead(b":path", b""), "The path is missing or not valid."),
        (instead(b":path", b"a"), "The path is missing or not valid."),
        (instead(b":path", b"*"), "Only OPTIONS may have `*` for its target (RFC 9112 3.2.4)."),
        (instead(b":path", b"http://h/"), "The path is missing or not valid."),
        *(
            (
                instead(b":path", path),
                "The target of the request has a fragment: `#` and what follows it.",
            )
            for path in (b"/a#b", b"/#", b"/a?b#c", b"#a", b"*#")
        ),
        (instead(b":path", b"/a b"), "The path is missing or not valid."),
        (instead(b":path", b"/\r\nx: y"), "The path is missing or not valid."),
        (without(b":authority"), "The request names no host."),
        (instead(b":authority", b"localhost\r\n"), "The request names no host."),
        (instead(b":authority", b" localhost"), "The request names no host."),
        ([*GET, (b"host", b"other")], "The request names more than one host."),
        (
            [*GET, (b"host", b"localhost:8080"), (b"host", b"b")],
            "The request names more than one host.",
        ),
        ([*GET, GET[0]], "A pseudo-header field is unknown or repeated."),
        ([(b":status", b"200"), *GET], "A pseudo-header field is unknown or repeated."),
        (
            [*GET[:3], (b"x", b"y"), GET[3]],
            "The name of a field is not valid, or is in the wrong place.",
        ),
        ([*GET, (b"X", b"y")], "The name of a field is not valid, or is in the wrong place."),
        ([*GET, (b"", b"y")], "The name of a field is not valid, or is in the wrong place."),
        ([*GET, (b"x y", b"")], "The name of a field is not valid, or is in the wrong place."),
        ([*GET, (b"x", b"a\nb")], "The value of a field is not valid."),
        ([*GET, (b"x", b"a\rb")], "The value of a field is not valid."),
        ([*GET, (b"x", b"a\0b")], "The value of a field is not valid."),
        ([*GET, (b"x", b" a\x00")], "The value of a field is not valid."),
        ([*GET, (b"x", b"a\n")], "The value of a field is not valid."),
        (
            [*GET, (b"connection", b"x")],
            "A field of the request is not allowed in HTTP/2: it belongs to connections of"
            " HTTP/1.1.",
        ),
        (
            [*GET, (b"transfer-encoding", b"chunked")],
            "A field of the request is not allowed in HTTP/2: it belongs to connections of"
            " HTTP/1.1.",
        ),
        (
            [*GET, (b"te", b"gzip")],
            "A field of the request is not allowed in HTTP/2: it belongs to connections of"
            " HTTP/1.1.",
        ),
        ([*GET, (b"content-length", b"1x")], "The Content-Length is not a number, or is repeated."),
        (
            [*GET, (b"content-length", b"1"), (b"content-length", b"1")],
            "The Content-Length is not a number, or is repeated.",
        ),
        (
            [*GET, (b":protocol", b"websocket")],
            "Extended CONNECT (RFC 8441) is not supported; use HTTP/1.1 for WebSockets.",
        ),
    ],
)
def test_malformed_request_is_refused(fields: list[tuple[bytes, bytes]], message: str) -> None:
    with pytest.raises(Refused) as caught:
        check_call(fields)

    assert (Code.BAD_REQUEST, message) == (caught.value.code, str(caught.value))


def test_service_gets_what_came_less_what_is_ours() -> None:
    kept = (b"cookie", b"a=b")
    ours = [
        (b"x-serverless-authorization", b"forged"),
        (b"x_forwarded_for", b"forged"),
        (b"x-api-key", b"forged"),
        (b"forwarded", b"forged"),
        (b"transfer_encoding", b"chunked"),
        (b"content_length", b"5"),
    ]
    call = read_call([*GET, kept, *ours, (b"te", b"trailers"), (b"authorization", b"Basic x")])
    fields = call_fields(
        call,
        RULES,
        target=call.head.target,
        scheme=b"https",
        token_line=b"X-Serverless-Authorization: Bearer t\r\n",
        forwarded=b"X-Forwarded-For: ::1\r\nX-Forwarded-Proto: http\r\n",
    )

    assert [
        (b":method", b"GET"),
        (b":scheme", b"https"),
        (b":authority", b"svc.run.app"),
        (b":path", b"/a?b"),
        kept,
        (b"authorization", b"Basic x"),
        (b"te", b"trailers"),
        (b"x-forwarded-for", b"::1"),
        (b"x-forwarded-proto", b"http"),
        (b"x-api-key", b"k3y"),
        (b"x-serverless-authorization", b"Bearer t"),
    ] == fields
    assert fields[4] is kept
    assert call.facts.has_authorization


def test_head_is_kept_for_observers() -> None:
    call = read_call(
        [*GET, (b"accept", b"text/html"), (b"content-type", b"application/grpc+proto")]
    )

    assert (b"GET", b"/a?b", "2") == (call.head.method, call.head.target, call.head.version)
    assert (b"accept", b"text/html", b"accept: text/html") == call.head.headers[0]
    assert b"localhost:8080" == call.facts.host
    assert call.is_grpc


def test_host_stands_in_for_a_missing_authority() -> None:
    assert b"a" == read_call([*without(b":authority"), (b"host", b"a")]).facts.host


@pytest.mark.parametrize(("method", "sent"), [(b"OPTIONS", b"4"), (b"GET", b"5")])
def test_max_forwards_is_counted_down_for_options(method: bytes, sent: bytes) -> None:
    call = read_call([*instead(b":method", method), (b"max-forwards", b"5")])
    fields = call_fields(call, RULES, target=b"/", scheme=b"https", token_line=b"", forwarded=b"")

    assert sent == dict(fields)[b"max-forwards"]


def test_trailers_lose_what_may_only_stand_in_a_head() -> None:
    fields = [(b"x-sum", b"1"), (b"authorization", b"x"), (b"x-api-key", b"y"), (b"host", b"z")]

    assert [(b"x-sum", b"1")] == trailer_fields(fields, RULES)
    with pytest.raises(Refused):
        trailer_fields([(b":status", b"200")], RULES)


@given(st.lists(st.tuples(st.binary(max_size=12), st.binary(max_size=12)), max_size=8))
def test_any_fields_make_a_call_or_a_refusal(fields: list[tuple[bytes, bytes]]) -> None:
    call = read_call(fields)
    try:
        check_call(fields)
    except Refused:
        return
    assert call.facts.host is not None or call.head.method == b"CONNECT"
