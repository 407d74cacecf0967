"""What pages of other sites may ask, and which of them may read the answer."""

from typing import Any, cast

import pytest

from authproxy.errors import Code, Refused
from authproxy.exchange import RequestHead, make_field
from authproxy.policy.access.networks import AccessList
from authproxy.policy.access.rate_limits import WrongKeyCounter
from authproxy.policy.messages.facts import read_request
from authproxy.policy.messages.headers import service_rules
from authproxy.policy.routes import Routes
from authproxy.values import LOOPBACK, parse_origin
from authproxy.wire.admission.listener_rules import ListenerRules
from authproxy.wire.admission.page_access import PageAccess
from authproxy.wire.upstream.upstream import Upstream

GOOD = b"https://good.example"


def upstream() -> Upstream:
    rules = service_rules(authority="billing.example", token_header="auto")
    unused = cast(Any, None)
    return Upstream("billing", parse_origin("https://billing.example"), rules, unused, unused, None)


def check(page: PageAccess, upstream: Upstream, *fields: tuple[bytes, bytes]) -> bytes:
    """The CORS lines that a page with these fields gets."""
    named = [make_field(*each) for each in ((b"Host", b"localhost"), *fields)]
    facts = read_request(RequestHead(b"GET", b"/", "1.1", named))
    page.cors = b""
    page.check(b"GET", facts, upstream, host=b"localhost", proto=b"http")
    return page.cors


def test_what_was_let_in_is_remembered_with_its_lines_until_the_rules_are_new() -> None:
    rules = ListenerRules(
        routes=Routes({}),
        access=AccessList(allow=LOOPBACK),
        wrong_keys=WrongKeyCounter(),
        allow_origins=frozenset([GOOD]),
    )
    page, billing = PageAccess(rules), upstream()
    first = check(page, billing, (b"Origin", GOOD))
    rules.allow_origins = frozenset()

    assert b"Access-Control-Allow-Origin: " + GOOD in first
    assert first == check(page, billing, (b"Origin", GOOD))
    page.forget()
    with pytest.raises(Refused) as raised:
        check(page, billing, (b"Origin", GOOD))
    assert Code.CROSS_SITE is raised.value.code


def test_who_says_nothing_of_a_page_is_none() -> None:
    page = PageAccess(
        ListenerRules(
            routes=Routes({}), access=AccessList(allow=LOOPBACK), wrong_keys=WrongKeyCounter()
        )
    )

    assert b"" == check(page, upstream())
    assert b"" == check(page, upstream(), (b"Origin", b"http://localhost"))
