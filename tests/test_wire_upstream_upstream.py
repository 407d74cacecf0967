import time

import pytest

from authproxy.exchange import NO_TOKEN
from authproxy.identity.token_cache.cache import TokenCache
from authproxy.policy.access.inbound_keys import InboundKey
from authproxy.policy.messages.facts import RequestFacts
from authproxy.policy.messages.headers import service_rules
from authproxy.settings import LimitSettings, TimeoutSettings
from authproxy.values import parse_origin
from authproxy.wire.upstream.connector import Connector
from authproxy.wire.upstream.pool import Pool
from authproxy.wire.upstream.upstream import Upstream
from tests.support.proxying import FixedTokens, as_tokens, make_token
from tests.support.source import FakeSource


def upstream(token_header: str = "auto") -> Upstream:
    origin = parse_origin("https://billing.run.app")
    rules = service_rules(
        authority=origin.authority,
        token_header=token_header,
        secrets=[("X-Api-Key", "key-of-the-service")],
    )
    connector = Connector(origin=origin, timeout_s=1, contexts=None)
    pool = Pool(connector, limits=LimitSettings(), timeouts=TimeoutSettings())
    return Upstream("billing", origin, rules, as_tokens(FixedTokens()), pool, None)


def facts(*, has_authorization: bool) -> RequestFacts:
    made = RequestFacts()
    made.has_authorization = has_authorization
    return made


PLAIN, WITH_OWN = facts(has_authorization=False), facts(has_authorization=True)


async def test_the_line_follows_the_request() -> None:
    service, token = upstream(), make_token("eyJ.a.b")

    assert b"Authorization: Bearer eyJ.a.b\r\n" == service.token_line(token, PLAIN)
    expected = b"X-Serverless-Authorization: Bearer eyJ.a.b\r\n"
    assert expected == service.token_line(token, WITH_OWN)


async def test_a_new_token_takes_the_place_of_the_old_one() -> None:
    service = upstream("X-Token")
    service.token_line(make_token("old"), PLAIN)

    assert b"X-Token: Bearer new\r\n" == service.token_line(make_token("new"), PLAIN)
    assert b"X-Token: Bearer new\r\n" == service.token_line(make_token("new"), WITH_OWN)


async def test_the_line_is_written_once_for_a_token() -> None:
    service, token = upstream(), make_token()

    assert service.token_line(token, PLAIN) is service.token_line(token, PLAIN)


@pytest.mark.parametrize("first", [None, "eyJ.a.b"], ids=["at first", "after another"])
async def test_no_token_has_no_line(first: str | None) -> None:
    service = upstream()
    if first is not None:
        service.token_line(make_token(first), PLAIN)

    assert b"" == service.token_line(NO_TOKEN, PLAIN) == service.token_line(NO_TOKEN, WITH_OWN)


async def test_a_service_shows_its_address_and_no_secret() -> None:
    service = upstream()
    service.token_line(make_token(), PLAIN)

    assert "<Upstream billing [https://billing.run.app]>" == repr(service)


async def test_lines_of_several_accounts_are_each_written_once() -> None:
    service, one, two = upstream(), make_token("eyJ.a.1"), make_token("eyJ.a.2")
    service.supplies = {"": service.own_tokens, "a@p": as_tokens(FixedTokens())}
    lines = [service.token_line(token, PLAIN) for token in (one, two, one, two)]

    assert b"Authorization: Bearer eyJ.a.1\r\n" == lines[0]
    assert b"Authorization: Bearer eyJ.a.2\r\n" == lines[1]
    assert lines[0] is lines[2]
    assert lines[1] is lines[3]
    for number in range(9):
        assert b"eyJ.a.%d\r\n" % number in service.token_line(make_token(f"eyJ.a.{number}"), PLAIN)


async def test_a_key_has_the_tokens_of_its_account_and_no_others() -> None:
    service, of_a = upstream(), as_tokens(FixedTokens())
    service.supplies = {"a@p": of_a}

    assert service.own_tokens is service.tokens_for(None)
    assert service.own_tokens is service.tokens_for(InboundKey(name="plain"))
    assert of_a is service.tokens_for(InboundKey(name="ci", account="a@p"))
    with pytest.raises(KeyError):
        service.tokens_for(InboundKey(name="gone", account="b@p"))


async def test_what_nobody_asks_as_is_not_waited_for() -> None:
    service = upstream()
    cache = TokenCache()
    own, of_a = (cache.tokens_for(FakeSource(time.time), "https://a.example") for _ in range(2))
    assert {"": service.own_tokens} == service.supplies

    service.own_tokens, service.supplies = own, {"": own, "a@p": of_a}
    assert ["", "a@p"] == [each.account for each in service.statuses()]
    service.supplies = {"a@p": of_a}
    assert ["a@p"] == [each.account for each in service.statuses()]
