import asyncio
from typing import Any, cast

import pytest

from authproxy.policy.access.networks import AccessList
from authproxy.policy.access.rate_limits import WrongKeyCounter
from authproxy.policy.messages.headers import service_rules
from authproxy.policy.messages.origin_mapping import url_of
from authproxy.policy.routes import Routes, Target
from authproxy.values import LOOPBACK, parse_origin
from authproxy.wire.admission.listener_rules import ListenerRules
from authproxy.wire.upstream.upstream import Upstream


def test_rules_begin_with_their_first_version_and_trust_no_proxy() -> None:
    rules = ListenerRules(
        routes=Routes({}), access=AccessList(allow=LOOPBACK), wrong_keys=WrongKeyCounter()
    )

    assert (0, 0) == (rules.version, len(rules.trusted))
    assert "<ListenerRules [<Routes []>, version 0]>" == repr(rules)


def upstream(name: str) -> Upstream:
    rules = service_rules(authority=f"{name}.example", token_header="auto")
    unused = cast(Any, None)
    return Upstream(name, parse_origin(f"https://{name}.example"), rules, unused, unused, None)


async def not_yet() -> None:
    await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (b"http://localhost:8080/shop/a?b#c", b"https://shop.example/a?b#c"),
        (b"https://127.0.0.1:8080/shop", b"https://shop.example/"),
        (b"//[::1]:8080/shop/", b"https://shop.example/"),
        (b"http://reports.localhost:8080", b"https://reports.example/"),
        (b"http://Reports.Example:8080/a", b"https://reports.example/a"),
        (b"http://later.localhost:8080/a", None),
        (b"http://reports.localhost/a", None),
        (b"http://localhost:8080/", None),
        (b"http://evil.example:8080/", None),
        (b"http://evil_%zz:8080/", None),
    ],
)
def test_an_address_here_has_one_at_its_service(url: bytes, expected: bytes | None) -> None:
    later = upstream("later")
    later.found = not_yet
    routes = Routes(
        {
            "shop": Target(service=upstream("shop"), path="/shop", strips=True),
            "reports": Target(service=upstream("reports"), own_host="reports.example"),
            "later": Target(service=later),
        }
    )
    rules = ListenerRules(
        routes=routes, access=AccessList(allow=LOOPBACK), wrong_keys=WrongKeyCounter()
    )

    assert expected == rules.find_address(None, b"8080", url_of(url))


def test_an_address_of_another_listener_is_one_here_too() -> None:
    by_port: dict[bytes, ListenerRules] = {}
    for port, name in ((b"8080", "shop"), (b"80", "reports")):
        routes = Routes({name: Target(service=upstream(name))})
        access = AccessList(allow=LOOPBACK)
        by_port[port] = ListenerRules(
            routes=routes, access=access, wrong_keys=WrongKeyCounter(), by_port=by_port
        )
    urls = (
        b"http://localhost/a",
        b"http://localhost:8080/a",
        b"//localhost/a",
        b"ws://localhost/a",
    )
    found = [by_port[b"8080"].find_address(None, b"9999", url_of(url)) for url in urls]

    reports = b"https://reports.example/a"
    assert [reports, b"https://shop.example/a", None, reports] == found
