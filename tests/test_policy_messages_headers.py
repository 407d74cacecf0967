from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authproxy.exchange import (
    NO_TOKEN,
    Field,
    RequestHead,
    ResponseHead,
    Secret,
    Token,
    make_field,
)
from authproxy.policy.messages.facts import ResponseFacts, read_request, read_response
from authproxy.policy.messages.headers import (
    FORWARDED,
    HOP_BY_HOP,
    ServiceRules,
    forwarded_lines,
    last_chunk,
    request_end,
    request_fields,
    request_head,
    response_head,
    service_rules,
    token_line,
    upgrade_head,
)
from authproxy.policy.messages.origin_mapping import Home

AUTHORITY = b"billing.run.app"
JWT = "eyJ.payload.signature"
KEY = "key-of-the-service"
TOKEN = Token(
    value=Secret(JWT),
    expires_at=4e9,
    audience="https://billing.run.app",
    principal="me@example.com",
    source="test",
    issued_at=0.0,
)
TOKEN_LINE = b"Authorization: Bearer eyJ.payload.signature"
NAMES = st.from_regex(rb"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,20}", fullmatch=True)
VALUES = st.from_regex(rb"([!-~\x80-\xff]([ \t]?[!-~\x80-\xff]){0,20})?", fullmatch=True)
CREDENTIALS = ("Authorization", "X-Serverless-Authorization", "X-Api-Key", "X-Token")
ODD_NAMES = st.sampled_from(
    sorted(HOP_BY_HOP | FORWARDED) + [n.encode() for n in (*CREDENTIALS, "Cookie", "X_Api-Key")]
)


def fields(*lines: tuple[bytes, bytes]) -> list[Field]:
    return [make_field(name, value) for name, value in lines]


def rules(token_header: str = "auto", api_key: str | None = None) -> ServiceRules:
    return service_rules(
        authority=AUTHORITY.decode(),
        token_header=token_header,
        secrets=[("X-Api-Key", api_key)] if api_key else [],
    )


def sent(
    *lines: tuple[bytes, bytes],
    by: ServiceRules | None = None,
    token: Token = TOKEN,
    forwarded: bytes = b"",
    version: str = "1.1",
) -> list[bytes]:
    """What the service gets of a request with these fields, line by line."""
    by = by or rules()
    head = RequestHead(b"GET", b"/a?b", version, fields(*lines))
    facts = read_request(head)
    line = token_line(by, token, has_authorization=facts.has_authorization)
    data = request_head(
        b"GET", b"/a?b", request_fields(head.headers, facts, by, forwarded=forwarded), line
    )

    assert data.endswith(b"\r\n\r\n")
    return data.removesuffix(b"\r\n\r\n").split(b"\r\n")


HOST = (b"Host", b"localhost:8080")
FIRST = [b"GET /a?b HTTP/1.1", b"Host: " + AUTHORITY]


def test_a_plain_request_gets_the_services_host_and_a_token() -> None:
    assert [*FIRST, b"Accept: */*", TOKEN_LINE] == sent(HOST, (b"Accept", b"*/*"))


def test_the_host_field_keeps_its_place_and_case() -> None:
    expected = [FIRST[0], b"a: 1", b"hOST: " + AUTHORITY, b"b: 2", TOKEN_LINE]

    assert expected == sent((b"a", b"1"), (b"hOST", b"x.localhost"), (b"b", b"2"))


def test_a_request_of_http_1_0_without_host_gets_one() -> None:
    assert [*FIRST, b"a: 1", TOKEN_LINE] == sent((b"a", b"1"), version="1.0")


def test_the_forwarded_lines_and_the_key_stand_before_the_token() -> None:
    forwarded = forwarded_lines(client=b"::1", proto=b"http", host=b"localhost:8080")

    expected = [
        *FIRST,
        b"X-Forwarded-For: ::1",
        b"X-Forwarded-Proto: http",
        b"X-Forwarded-Host: localhost:8080",
        b"X-Api-Key: " + KEY.encode(),
        TOKEN_LINE,
    ]
    assert expected == sent(HOST, by=rules(api_key=KEY), forwarded=forwarded)


def test_a_client_without_address_or_host_is_not_invented() -> None:
    expected = b"X-Forwarded-Proto: http\r\n"

    assert expected == forwarded_lines(client=b"", proto=b"http", host=None)


@pytest.mark.parametrize("name", sorted(HOP_BY_HOP - {b"transfer-encoding"}))
def test_a_hop_by_hop_field_ends_here(name: bytes) -> None:
    assert [*FIRST, TOKEN_LINE] == sent(HOST, (name.title(), b"x"), (name.upper(), b"y"))


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        pytest.param(
            [(b"Connection", b"close, X-Hop"), (b"x-hop", b"1"), (b"X-Hop", b"2"), (b"X", b"3")],
            [b"X: 3"],
            id="named",
        ),
        pytest.param(
            [(b"Connection", b"x-a"), (b"X-A", b"1"), (b"X-B", b"2"), (b"Connection", b"x-b")],
            [],
            id="named by several",
        ),
        pytest.param([(b"X-A", b"1"), (b"Connection", b"\tX-A ,")], [], id="named afterwards"),
        pytest.param(
            [(b"Connection", b"content-length, host"), (b"Content-Length", b"3")],
            [b"Content-Length: 3"],
            id="framing stays",
        ),
        pytest.param(
            [(b"Connection", b"authorization"), (b"Authorization", b"Basic x")], [], id="credential"
        ),
    ],
)
def test_what_connection_names_ends_here_but_for_what_the_message_needs(
    lines: Sequence[tuple[bytes, bytes]], expected: list[bytes]
) -> None:
    lines_out = sent(HOST, *lines)

    assert FIRST == lines_out[:2]
    assert expected == lines_out[2:-1]
    assert lines_out[-1].endswith(b": Bearer " + JWT.encode())


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        pytest.param(
            [(b"Transfer-Encoding", b"CHUNKED")], [b"Transfer-Encoding: chunked"], id="chunks"
        ),
        pytest.param(
            [(b"TE", b"gzip, trailers")], [b"Connection: TE", b"TE: trailers"], id="trailers"
        ),
        pytest.param([(b"TE", b"gzip")], [], id="no trailers"),
        pytest.param(
            [(b"TE", b"trailers"), (b"transfer-encoding", b"chunked")],
            [b"Transfer-Encoding: chunked", b"Connection: TE", b"TE: trailers"],
            id="both",
        ),
        pytest.param(
            [(b"Connection", b"keep-alive, Upgrade"), (b"Upgrade", b"websocket")],
            [b"Connection: Upgrade", b"Upgrade: websocket"],
            id="WebSocket",
        ),
        pytest.param(
            [
                (b"Connection", b"Upgrade, HTTP2-Settings"),
                (b"Upgrade", b"h2c"),
                (b"HTTP2-Settings", b"AAMAAABk"),
            ],
            [],
            id="h2c",
        ),
    ],
)
def test_each_hop_has_its_own_fields(
    lines: Sequence[tuple[bytes, bytes]], expected: list[bytes]
) -> None:
    assert [*FIRST, *expected, TOKEN_LINE] == sent(HOST, *lines)


@pytest.mark.parametrize(
    "name",
    [
        b"Forwarded",
        b"X-Forwarded-For",
        b"x-forwarded-host",
        b"X-FORWARDED-PROTO",
        b"X_Forwarded_For",
        b"x-forwarded_for",
        b"X_FORWARDED-PROTO",
        b"X-Serverless-Authorization",
        b"X_Serverless_Authorization",
    ],
)
def test_what_only_we_say_is_taken_from_the_client_in_every_spelling(name: bytes) -> None:
    assert [*FIRST, TOKEN_LINE] == sent(HOST, (name, b"10.0.0.1"))


HOME = Home(services=(b"https://svc.run.app",), client=b"http://localhost")
UNFRAMED = [
    b"Transfer_Encoding",
    b"transfer_encoding",
    b"Content_Length",
    b"Keep_Alive",
    b"Proxy_Authorization",
    b"PROXY_CONNECTION",
    b"HTTP2_Settings",
]
"""What CGI and WSGI take for a field of the connection, or for the body's length."""


@pytest.mark.parametrize("name", UNFRAMED)
def test_no_spelling_of_a_field_tells_the_service_of_another_framing(name: bytes) -> None:
    assert [*FIRST, TOKEN_LINE] == sent(HOST, (name, b"5"))
    assert b"0\r\n\r\n" == request_end([make_field(name, b"5")], rules(), HOME)


@pytest.mark.parametrize("name", [b"X-Api-Key", b"x-api-key", b"X_API_KEY", b"x-api_key"])
def test_the_services_key_takes_the_place_of_the_clients(name: bytes) -> None:
    expected = [*FIRST, b"X-Api-Key: " + KEY.encode(), TOKEN_LINE]

    assert expected == sent(HOST, (name, b"guess"), by=rules(api_key=KEY))


def test_without_a_key_of_ours_the_clients_passes() -> None:
    assert [*FIRST, b"X-Api-Key: own", TOKEN_LINE] == sent(HOST, (b"X-Api-Key", b"own"))


def test_with_an_authorization_of_the_clients_the_token_goes_beside_it() -> None:
    expected = [
        *FIRST,
        b"authorization: Basic x",
        b"X-Serverless-Authorization: Bearer " + JWT.encode(),
    ]

    assert expected == sent(HOST, (b"authorization", b"Basic x"))


@pytest.mark.parametrize("name", [b"Authorization", b"AUTHORIZATION"])
def test_a_fixed_token_header_is_ours_alone(name: bytes) -> None:
    by = rules(token_header="Authorization")

    assert [*FIRST, TOKEN_LINE] == sent(HOST, (name, b"Basic x"), by=by)


def test_a_token_header_of_its_own_leaves_authorization_alone() -> None:
    expected = [*FIRST, b"Authorization: Basic x", b"X-Token: Bearer " + JWT.encode()]
    own, guess = (b"Authorization", b"Basic x"), (b"x_token", b"Bearer guess")

    assert expected == sent(HOST, own, guess, by=rules(token_header="X-Token"))


def test_a_header_name_with_many_hyphens_is_ours_alone() -> None:
    name = "-".join("x" * 50)
    guess = (name.replace("-", "_", 8).encode(), b"guess")

    lines = sent(HOST, (name.upper().encode(), b"guess"), guess, by=rules(token_header=name))
    assert [*FIRST, f"{name}: Bearer {JWT}".encode()] == lines


def test_a_token_header_with_underscores_is_ours_alone() -> None:
    name = "_".join("x" * 12)

    lines = sent(HOST, (name.encode(), b"guess"), by=rules(token_header=name))
    assert [*FIRST, f"{name}: Bearer {JWT}".encode()] == lines


def test_no_token_is_no_line() -> None:
    assert [*FIRST, b"Authorization: Basic x"] == sent(
        HOST, (b"Authorization", b"Basic x"), token=NO_TOKEN
    )


@given(st.lists(st.tuples(NAMES, VALUES), max_size=12), st.lists(NAMES, max_size=4))
def test_every_end_to_end_field_passes_in_order_case_and_value_untouched(
    lines: list[tuple[bytes, bytes]], nominated: list[bytes]
) -> None:
    kept = [line for line in lines if line[0].lower() not in {b"host", b"content-length"}]
    named = {name.lower() for name in nominated}
    ours = rules().drop | {b"authorization"}

    out = sent(
        HOST, *[line for line in kept if line[0].lower() not in ours], *connection(nominated)
    )
    expected = [
        b"%b: %b" % line for line in kept if line[0].lower() not in ours | (named - {b"te"})
    ]
    assert [*FIRST, *expected, TOKEN_LINE] == out


def connection(nominated: Sequence[bytes]) -> list[tuple[bytes, bytes]]:
    return [(b"Connection", b", ".join(nominated))] if nominated else []


@given(
    st.lists(st.tuples(st.one_of(ODD_NAMES, NAMES), VALUES), max_size=12),
    st.lists(st.one_of(ODD_NAMES, NAMES), max_size=4),
    st.sampled_from(["auto", "Authorization", "X-Token", "x-serverless-authorization"]),
)
def test_whatever_the_client_sends_token_and_key_go_out_once_and_are_ours(
    lines: list[tuple[bytes, bytes]], nominated: list[bytes], token_header: str
) -> None:
    framing = {b"host", b"content-length", b"transfer-encoding"}
    lines = [line for line in lines if line[0].lower() not in framing]
    by = rules(token_header, api_key=KEY)

    out = [line.partition(b": ") for line in sent(HOST, *lines, *connection(nominated), by=by)[1:]]
    values = [value for _, _, value in out]
    names = [name.lower().replace(b"_", b"-") for name, _, _ in out]
    assert 1 == values.count(b"Bearer " + JWT.encode())
    assert [KEY.encode()] == [v for n, _, v in out if n.lower().replace(b"_", b"-") == b"x-api-key"]
    assert 1 == names.count(b"host")
    assert not set(names) & FORWARDED
    assert names.count(b"x-serverless-authorization") <= 1
    if token_header != "auto":
        assert 1 == names.count(token_header.lower().encode())


ANSWER = ResponseHead(200, b"Very Fine", fields((b"Server", b"x")))


def answered(
    *lines: tuple[bytes, bytes],
    chunked: bool = False,
    connection: bytes = b"",
    home: Home | None = None,
) -> list[bytes]:
    """What the client gets of an answer with these fields, line by line."""
    head = ResponseHead(200, b"Very Fine", fields(*lines))
    facts = read_response(head)
    data = response_head(head, facts, chunked=chunked, connection=connection, home=home)

    assert data.endswith(b"\r\n\r\n")
    return data.removesuffix(b"\r\n\r\n").split(b"\r\n")


STATUS = b"HTTP/1.1 200 Very Fine"


def test_an_answer_passes_with_repeated_fields_in_their_case() -> None:
    lines = [(b"set-cookie", b"a=1"), (b"Set-Cookie", b"b=2"), (b"X-Raw", b"\xe9")]

    assert [STATUS, *(b"%b: %b" % line for line in lines)] == answered(*lines)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        pytest.param(
            [(name.title(), b"chunked") for name in sorted(HOP_BY_HOP)], [], id="hop by hop"
        ),
        pytest.param([(b"Alt-Svc", b'h3=":443"')], [], id="another way to the service"),
        pytest.param([(b"Connection", b"X-Hop"), (b"X-Hop", b"1")], [], id="named"),
        pytest.param(
            [
                (b"Connection", b"set-cookie, content-length, location"),
                (b"Set-Cookie", b"a=1"),
                (b"Content-Length", b"3"),
                (b"Location", b"/x"),
            ],
            [b"Set-Cookie: a=1", b"Content-Length: 3", b"Location: /x"],
            id="needed",
        ),
    ],
)
def test_what_belongs_to_the_services_connection_ends_here(
    lines: Sequence[tuple[bytes, bytes]], expected: list[bytes]
) -> None:
    assert [STATUS, *expected] == answered(*lines)


def test_the_clients_connection_has_its_own_fields() -> None:
    expected = [STATUS, b"a: 1", b"Transfer-Encoding: chunked", b"Connection: close"]

    assert expected == answered((b"a", b"1"), chunked=True, connection=b"Connection: close\r\n")


def test_a_switch_names_the_protocol_that_the_service_chose() -> None:
    lines = [
        (b"Upgrade", b"websocket"),
        (b"Connection", b"upgrade"),
        (b"Sec-WebSocket-Accept", b"x"),
    ]
    head = ResponseHead(101, b"Switching Protocols", fields(*lines))

    expected = (
        b"HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: x\r\n"
        b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    )
    assert expected == upgrade_head(head, read_response(head))
    assert b"Upgrade: \r\n" in upgrade_head(ANSWER, ResponseFacts())


def test_trailers_pass_in_their_case() -> None:
    trailers = fields((b"X-Sum", b"1"), (b"grpc-status", b"0"))

    assert b"0\r\nX-Sum: 1\r\ngrpc-status: 0\r\n\r\n" == last_chunk(trailers)
    assert b"0\r\n\r\n" == last_chunk([])


@pytest.mark.parametrize(
    "name",
    [
        b"Authorization",
        b"X-Serverless-Authorization",
        b"X_Serverless_Authorization",
        b"Proxy-Authorization",
        b"Cookie",
        b"Set-Cookie",
        b"WWW-Authenticate",
        b"Host",
        b"Content-Length",
        b"Transfer-Encoding",
        b"Connection",
        b"X-Forwarded-For",
        b"X_Forwarded_For",
        b"Location",
        b"Destination",
    ],
)
def test_trailers_carry_no_credentials_and_no_framing(name: bytes) -> None:
    assert b"0\r\n\r\n" == last_chunk(fields((name, b"x")))


@given(st.lists(st.tuples(st.one_of(ODD_NAMES, NAMES), VALUES), max_size=8))
def test_no_trailer_stands_where_a_token_or_key_does(lines: list[tuple[bytes, bytes]]) -> None:
    drop = rules("X-Token", api_key=KEY).drop
    forbidden = {name.lower().encode() for name in CREDENTIALS} | FORWARDED | HOP_BY_HOP

    out = last_chunk(fields(*lines), drop).split(b"\r\n")[1:]
    assert not {line.partition(b":")[0].lower().replace(b"_", b"-") for line in out} & forbidden


def test_rules_do_not_show_the_key() -> None:
    assert "<ServiceRules [billing.run.app]>" == repr(rules(api_key=KEY))


def test_what_names_the_service_is_made_local_both_ways() -> None:
    home = Home(services=(b"https://billing.run.app",), client=b"http://localhost:8080")
    location = (b"LOCATION", b"https://billing.run.app/x")
    origin = make_field(b"Origin", b"http://localhost:8080")
    facts = read_request(RequestHead(b"GET", b"/", "1.1", [make_field(b"Host", b"x"), origin]))

    assert [STATUS, b"LOCATION: http://localhost:8080/x"] == answered(location, home=home)
    assert [STATUS, b"LOCATION: https://billing.run.app/x"] == answered(location)
    assert b"Origin: https://billing.run.app" in request_fields(
        [origin], facts, RULES_AT_HOME, forwarded=b"", home=home
    ).split(b"\r\n")


RULES_AT_HOME = service_rules(authority="billing.run.app", token_header="auto")


def test_further_fields_stand_in_place_of_the_clients_and_some_do_not_pass() -> None:
    rules = service_rules(
        authority="b",
        token_header="auto",
        secrets=[("X-Api-Key", "k")],
        add=[("X-Env", "test")],
        remove=["X-Debug"],
    )
    fields_sent = [make_field(name, b"client") for name in (b"X-Env", b"x_debug", b"X-Other")]
    facts = read_request(RequestHead(b"GET", b"/", "1.0", fields_sent))

    assert [b"Host: b", b"X-Other: client", b"X-Env: test", b"X-Api-Key: k", b""] == request_fields(
        fields_sent, facts, rules, forwarded=b""
    ).split(b"\r\n")
