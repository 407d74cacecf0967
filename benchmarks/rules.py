"""What all rules of access together cost a request, in CPU time of this process.

python -m benchmarks.rules

Each request is one call of `Caller.admit`. With all rules: a client behind a trusted proxy, an
allowlist of 100,000 networks, a key among ten, an allowed origin of a page, rules for methods and
paths, and a rate. Without: an allowlist of one network, which is the least that a listener has.
"""

import asyncio
import gc
import time
from collections.abc import Sequence
from itertools import cycle, islice
from random import Random
from typing import Any, cast

from authproxy.exchange import RequestHead, make_field
from authproxy.policy.access.inbound_keys import InboundKey, KeyRing, digest_of
from authproxy.policy.access.networks import AccessList, AddressSet
from authproxy.policy.access.permissions import Permissions
from authproxy.policy.access.rate_limits import RateLimiter, WrongKeyCounter
from authproxy.policy.messages.facts import RequestFacts, read_request
from authproxy.policy.messages.headers import service_rules
from authproxy.policy.routes import Routes, Target
from authproxy.values import parse_network, parse_origin
from authproxy.wire.admission.caller import Caller
from authproxy.wire.admission.listener_rules import ListenerRules
from authproxy.wire.upstream.upstream import Upstream
from benchmarks.access import made_up

REQUESTS = 300_000
KEY = "apk_" + "x" * 43
HOST = b"billing.localhost:8080"
Asked = tuple[RequestHead, RequestFacts]


class Connected:
    """The part of a transport that says who is connected."""

    def get_extra_info(self, name: str) -> object:
        return ("127.0.0.1", 8080) if name in ("peername", "sockname") else None


def billing(permissions: Permissions | None) -> Upstream:
    rules = service_rules(authority="billing.example", token_header="auto")
    unused = cast(Any, None)
    origin = parse_origin("https://billing.example")
    return Upstream("billing", origin, rules, unused, unused, None, permissions=permissions)


def without_rules() -> ListenerRules:
    return ListenerRules(
        routes=Routes({"billing": Target(service=billing(None))}),
        access=AccessList(allow=[parse_network("127.0.0.0/8")]),
        wrong_keys=WrongKeyCounter(),
    )


def with_all() -> ListenerRules:
    permissions = Permissions(methods=frozenset([b"GET"]), deny_methods=frozenset([b"PURGE"]))
    digests = {digest_of(f"{KEY}{n}"): InboundKey(name=f"k{n}") for n in range(9)}
    networks = [*made_up(99_999, Random(1)), parse_network("192.0.2.0/24")]
    return ListenerRules(
        routes=Routes({"billing": Target(service=billing(permissions))}),
        access=AccessList(allow=networks),
        wrong_keys=WrongKeyCounter(),
        trusted=AddressSet([parse_network("127.0.0.1")]),
        allow_origins=frozenset([b"https://good.example"]),
        keys=KeyRing(digests | {digest_of(KEY): InboundKey(name="ci")}),
        limiter=RateLimiter(1e9, 10**9),
    )


def replace_permissions(rules: ListenerRules) -> ListenerRules:
    """With rules for paths besides, which are asked for every request."""
    permissions = Permissions(
        methods=frozenset([b"GET"]), paths=(b"/api", b"/static"), deny_paths=(b"/api/admin",)
    )
    rules.routes = Routes({"billing": Target(service=billing(permissions))})
    return rules


def asked(*more: tuple[bytes, bytes]) -> Asked:
    fields = [(b"Host", HOST), *more]
    head = RequestHead(b"GET", b"/api/x", "1.1", [make_field(*field) for field in fields])
    return head, read_request(head)


def of_a_page(number: int, client: int) -> Asked:
    return asked(
        (b"X-Number", b"%d" % number),
        (b"X-Forwarded-For", b"192.0.2.%d" % client),
        (b"Origin", b"https://good.example"),
        (b"Sec-Fetch-Site", b"cross-site"),
        (b"X-Api-Key", KEY.encode()),
    )


def mean_us(rules: ListenerRules, requests: Sequence[Asked]) -> float:
    caller = Caller(cast(asyncio.Transport, Connected()), rules)
    before = time.thread_time_ns()
    for head, facts in islice(cycle(requests), REQUESTS):
        caller.admit(head, facts, HOST, head.target)
    return (time.thread_time_ns() - before) / REQUESTS / 1000


def main() -> None:
    least, most = without_rules(), with_all()
    plain = [asked((b"X-Number", b"%d" % number)) for number in range(250)]
    page = [of_a_page(number, 1) for number in range(250)]
    pages = [of_a_page(number, number) for number in range(250)]
    print(f"no rules, the same fields again:        {mean_us(least, plain[:1]):.2f} µs")
    print(f"no rules, other fields each time:       {mean_us(least, plain):.2f} µs")
    print(f"all rules, the same fields again:       {mean_us(most, page[:1]):.2f} µs")
    print(f"all rules, other fields each time:      {mean_us(most, page):.2f} µs")
    paths = replace_permissions(with_all())
    print(f"all rules and those for paths, the same fields: {mean_us(paths, page[:1]):.2f} µs")
    print(f"all rules, another client each time:    {mean_us(most, pages):.2f} µs")


if __name__ == "__main__":
    gc.disable()
    main()
