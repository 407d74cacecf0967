import copy
import dataclasses
import json
import time
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authproxy.errors import Code
from authproxy.exchange import (
    NO_TOKEN,
    Exchange,
    RequestHead,
    ResponseHead,
    Secret,
    Token,
    make_field,
)

HEAD = RequestHead(b"GET", b"/", "1.1", [])
TOKEN = Token(
    value=Secret("hunter2"),
    expires_at=1.0,
    audience="a",
    principal="p",
    source="s",
    issued_at=0.0,
)


@pytest.mark.parametrize("show", [str, repr, "{}".format, "{!r}".format, ascii])
def test_a_secret_shows_itself_to_nobody(show: type[str]) -> None:
    assert "***" == show(Secret("hunter2"))


def test_a_secret_cannot_be_formatted_serialised_or_seen_in_what_holds_it() -> None:
    secret = Secret("hunter2")

    with pytest.raises(TypeError):
        f"{secret:>10}"
    with pytest.raises(TypeError):
        json.dumps(secret)
    assert "hunter2" not in f"{TOKEN} {dataclasses.asdict(TOKEN)} {[secret]} %s" % secret
    assert "hunter2" == copy.deepcopy(secret).reveal()


@given(st.text(), st.text())
def test_secrets_are_equal_as_their_texts_are(one: str, other: str) -> None:
    assert (one == other) == (Secret(one) == Secret(other))
    assert hash(Secret(one)) == hash(Secret(one))
    assert bool(one) == bool(Secret(one))
    assert one == Secret(one).reveal()
    assert Secret(one) != one


def test_no_token_is_empty_and_never_expires() -> None:
    assert not NO_TOKEN.value
    assert float("inf") == NO_TOKEN.expires_at
    assert "none" == NO_TOKEN.source


def test_a_token_does_not_change() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        TOKEN.principal = "another"  # type: ignore[misc]  # -- that is what is tried


def test_a_new_exchange_knows_its_client_and_its_start() -> None:
    before = time.time(), time.monotonic()
    exchange = Exchange("abc", 1, ip_address("::1"), HEAD)
    after = time.time(), time.monotonic()

    assert ("abc-1", ip_address("::1"), HEAD) == (
        exchange.request_id,
        exchange.client,
        exchange.head,
    )
    assert before[0] <= exchange.started_at <= after[0]
    assert before[1] <= exchange.started <= after[1]
    assert (0, None, "", 0) == (exchange.status, exchange.code, exchange.aborted, exchange.attempts)
    assert "<Exchange abc-1 [- 0]>" == repr(exchange)


def test_heads_show_nothing_that_may_be_secret() -> None:
    fields = [make_field(b"Authorization", b"Bearer secret")]

    assert "<RequestHead GET [HTTP/1.1]>" == repr(RequestHead(b"GET", b"/?secret", "1.1", fields))
    assert "<ResponseHead 200 [HTTP/2]>" == repr(ResponseHead(200, b"", fields, "2"))


def test_what_one_exchange_records_is_not_in_the_next() -> None:
    exchange = Exchange("abc", 1, None, HEAD)
    exchange.status, exchange.service, exchange.code = 502, "billing", Code.UPSTREAM_BROKE

    assert "<Exchange abc-1 [billing 502]>" == repr(exchange)
    assert "<Exchange abc-2 [- 0]>" == repr(Exchange("abc", 2, None, HEAD))
