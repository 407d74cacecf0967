"""What the app gets of a request's header fields."""

import re

import pytest

from authproxy.demo.accounts import Account
from authproxy.demo.forwarding import (
    Fields,
    Redaction,
    Trace,
    forwarded_fields,
    new_trace,
    remove_signature,
)

ROBOT = Account(email="robot@authproxy-demo.iam.gserviceaccount.com")
ANNA = Account(email="anna@example.com", is_user=True)
TRACE = Trace("0af7651916cd43dd8448eb211c80319c", 255)
TOKEN = "Bearer eyJh-_8.eyJz-_9.c2ln-_7"
STRIPPED = "Bearer eyJh-_8.eyJz-_9.SIGNATURE_REMOVED_BY_GOOGLE"

ADDED = [
    ("X-Forwarded-For", "192.0.2.1"),
    ("X-Forwarded-Proto", "https"),
    ("Forwarded", 'for="192.0.2.1";proto=https'),
    ("X-Cloud-Trace-Context", "0af7651916cd43dd8448eb211c80319c/255;o=1"),
    ("Traceparent", "00-0af7651916cd43dd8448eb211c80319c-00000000000000ff-01"),
]


def forward(
    fields: Fields,
    *,
    peer: str = "192.0.2.1",
    account: Account = ROBOT,
    redaction: Redaction = "users",
) -> Fields:
    return forwarded_fields(fields, peer=peer, trace=TRACE, account=account, redaction=redaction)


def test_fields_pass_in_order_and_repeated() -> None:
    fields = [("host", "h"), ("X-A", "1"), ("x-a", "2"), ("Accept-Encoding", "gzip")]

    assert fields + ADDED == forward(fields)


@pytest.mark.parametrize(
    "name",
    [
        "Connection",
        "Keep-Alive",
        "Proxy-Authorization",
        "TE",
        "Trailer",
        "Transfer-Encoding",
        "X-Google-Thing",
        "X-Goog-Thing",
        "X-Forwarded-Host",
    ],
)
def test_fields_that_the_front_end_removes(name: str) -> None:
    assert ADDED == forward([(name, "x")])


def test_upgrade_keeps_its_connection_field() -> None:
    fields = [("Connection", "Upgrade"), ("Upgrade", "websocket")]

    assert fields + ADDED == forward(fields)


def test_client_addresses_are_listed_and_the_scheme_replaced() -> None:
    fields = [
        ("X-Forwarded-For", "10.0.0.1"),
        ("x-forwarded-for", "10.0.0.2"),
        ("X-Forwarded-Proto", "http"),
        ("Forwarded", "for=10.0.0.1"),
    ]

    assert [
        ("X-Forwarded-For", "10.0.0.1,10.0.0.2,192.0.2.1"),
        ("X-Forwarded-Proto", "https"),
        ("Forwarded", 'for=10.0.0.1,for="192.0.2.1";proto=https'),
    ] == forward(fields)[:3]


def test_ipv6_peer_is_in_brackets_in_forwarded() -> None:
    fields = dict(forward([], peer="::1"))

    assert ("::1", 'for="[::1]";proto=https') == (fields["X-Forwarded-For"], fields["Forwarded"])


def test_trace_of_the_client_stays() -> None:
    fields = [("traceparent", "00-mine"), ("X-Cloud-Trace-Context", "mine/1")]

    assert fields + ADDED[:3] == forward(fields)


def test_traces_look_like_googles() -> None:
    trace = new_trace()

    assert re.fullmatch("[0-9a-f]{32}", trace.trace_id)
    assert 0 < trace.span_id < 2**63


@pytest.mark.parametrize("account", [ROBOT, ANNA])
@pytest.mark.parametrize("redaction", ["users", "all", "none"])
def test_serverless_header_always_loses_its_signature(
    account: Account, redaction: Redaction
) -> None:
    fields = forward([("X-Serverless-Authorization", TOKEN)], account=account, redaction=redaction)

    assert ("X-Serverless-Authorization", STRIPPED) == fields[0]


@pytest.mark.parametrize(
    ("account", "redaction", "value"),
    [
        (ROBOT, "users", TOKEN),
        (ANNA, "users", STRIPPED),
        (ROBOT, "all", STRIPPED),
        (ANNA, "none", TOKEN),
    ],
)
def test_authorization_loses_its_signature_for_users(
    account: Account, redaction: Redaction, value: str
) -> None:
    fields = forward([("Authorization", TOKEN)], account=account, redaction=redaction)

    assert ("Authorization", value) == fields[0]


@pytest.mark.parametrize("value", ["Basic dTpw", "Bearer opaque", "", "Bearer a.b.c d"])
def test_what_is_no_token_stays_as_it_is(value: str) -> None:
    assert value == remove_signature(value)
