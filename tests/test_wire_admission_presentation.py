import asyncio
from typing import Any, cast

from authproxy.policy.access.networks import AccessList
from authproxy.policy.access.rate_limits import WrongKeyCounter
from authproxy.policy.messages.headers import service_rules
from authproxy.policy.messages.origin_mapping import url_of
from authproxy.policy.routes import Route, Routes, Target
from authproxy.values import LOOPBACK, parse_origin
from authproxy.wire.admission.listener_rules import ListenerRules
from authproxy.wire.admission.presentation import Presentation, forwarded_of, home_of
from authproxy.wire.admission.sender import Sender
from authproxy.wire.upstream.upstream import Upstream

OTHER = (parse_origin("https://billing.run.app"),)


class Nobody:
    """A transport that knows nothing of its ends."""

    def get_extra_info(self, name: str) -> object:
        return None


def upstream() -> Upstream:
    rules = service_rules(authority="billing.example", token_header="auto")
    url, unused = parse_origin("https://billing.example"), cast(Any, None)
    return Upstream("billing", url, rules, unused, unused, None, other_urls=OTHER)


def test_a_home_has_all_addresses_of_the_service_and_finds_those_of_others() -> None:
    billing = upstream()
    routes = Routes({"billing": Target(service=billing)})
    rules = ListenerRules(
        routes=routes, access=AccessList(allow=LOOPBACK), wrong_keys=WrongKeyCounter()
    )
    route = Route(billing, prefix=b"/b", strips=True, shares_host=True)
    home = home_of(route, b"http://localhost:8080", rules, None)

    assert (b"https://billing.example", b"https://billing.run.app") == home.services
    assert (b"/b", b"billing") == (home.prefix, home.mark)
    there = home.find_address(url_of(b"http://billing.localhost:8080/x"))
    assert b"https://billing.example/x" == there
    assert home.find_address(url_of(b"http://billing.localhost/x")) is None


def test_a_path_that_stays_is_no_prefix() -> None:
    rules = ListenerRules(
        routes=Routes({}), access=AccessList(allow=LOOPBACK), wrong_keys=WrongKeyCounter()
    )
    home = home_of(Route(upstream(), prefix=b"/b"), b"http://localhost", rules, None)

    assert (b"", b"") == (home.prefix, home.mark)


def test_the_service_hears_of_its_own_address_or_of_the_one_that_was_asked() -> None:
    billing = upstream()
    plain, below = Route(billing), Route(billing, prefix=b"/b", strips=True)
    asked = (b"192.0.2.7", b"http", b"localhost:8080")

    own = b"X-Forwarded-Proto: https\r\nX-Forwarded-Host: billing.example\r\n"
    assert b"X-Forwarded-For: 192.0.2.7\r\n" + own == forwarded_of(plain, *asked)
    assert forwarded_of(below, *asked).endswith(own + b"X-Forwarded-Prefix: /b\r\n")
    billing.forwarded_host = "client"
    theirs = b"X-Forwarded-Proto: http\r\nX-Forwarded-Host: localhost:8080\r\n"
    assert b"X-Forwarded-For: 192.0.2.7\r\n" + theirs == forwarded_of(plain, *asked)
    assert b"X-Forwarded-Proto: http\r\n" == forwarded_of(plain, b"", b"http", None)


def test_a_home_is_another_object_only_when_something_of_it_is_another() -> None:
    routes = Routes({"billing": Target(service=upstream())})
    rules = ListenerRules(
        routes=routes, access=AccessList(allow=LOOPBACK), wrong_keys=WrongKeyCounter()
    )
    sender = Sender(cast(asyncio.Transport, Nobody()), rules)
    presentation, route = Presentation(rules, sender), Route(upstream())
    presentation.find(route, b"localhost")
    home = presentation.home
    presentation.find(route, b"localhost")

    assert home is presentation.home
    assert b"X-Forwarded-Host: billing.example\r\n" in presentation.forwarded
    for proto, host in ((b"https", b"localhost"), (b"https", b"other")):
        sender.proto = proto
        presentation.find(route, host)
        assert b"%b://%b" % (proto, host) == presentation.home.client
