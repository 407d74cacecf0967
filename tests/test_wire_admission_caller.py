"""Who is calling, and what follows from the Host they use."""

import asyncio
import os
import socket
from collections.abc import Sequence
from typing import Any, cast

import pytest

from authproxy.errors import Code, Refused, StartPage
from authproxy.exchange import RequestHead, make_field
from authproxy.policy.access.inbound_keys import InboundKey, KeyRing, digest_of
from authproxy.policy.access.networks import AccessList, AddressSet
from authproxy.policy.access.permissions import Permissions
from authproxy.policy.access.rate_limits import RateLimiter, WrongKeyCounter
from authproxy.policy.messages.facts import RequestFacts, read_request
from authproxy.policy.messages.headers import service_rules
from authproxy.policy.messages.origin_mapping import Home
from authproxy.policy.routes import Routes, Target
from authproxy.values import LOOPBACK, parse_network, parse_origin
from authproxy.wire.admission.admission import Admission
from authproxy.wire.admission.caller import Caller
from authproxy.wire.admission.listener_rules import ListenerRules
from authproxy.wire.upstream.upstream import Upstream

EVERYBODY = AccessList(allow=[parse_network("0.0.0.0/0"), parse_network("::/0")])


HEAD = RequestHead(b"GET", b"/", "1.1", [])


class Connected:
    """The part of a transport that says who is connected."""

    def __init__(self, peername: object, *, tls: bool = False, sock: object = None) -> None:
        self._names = {"peername": peername, "sockname": ("127.0.0.1", 8080), "socket": sock}
        if tls:
            self._names["ssl_object"] = object()

    def get_extra_info(self, name: str) -> object:
        return self._names.get(name)


def rules(
    *upstreams: Upstream, access: AccessList = EVERYBODY, trusted: Sequence[str] = ()
) -> ListenerRules:
    return ListenerRules(
        routes=Routes({each.name: Target(service=each) for each in upstreams}),
        access=access,
        wrong_keys=WrongKeyCounter(),
        trusted=AddressSet([parse_network(text) for text in trusted]),
    )


def caller(
    peername: object, listener: ListenerRules, *, tls: bool = False, sock: object = None
) -> Caller:
    return Caller(cast(asyncio.Transport, Connected(peername, tls=tls, sock=sock)), listener)


def facts(*fields: tuple[bytes, bytes], host: bytes | None = b"localhost") -> RequestFacts:
    named = [(b"Host", host)] if host is not None else []
    return read_request(
        RequestHead(b"GET", b"/", "1.1", [make_field(*field) for field in [*named, *fields]])
    )


def admission(client: Caller, host: bytes = b"localhost", target: bytes = b"/") -> Admission:
    return client.admit(HEAD, facts(host=host), host, target)


def admitted(client: Caller, host: bytes = b"localhost", target: bytes = b"/") -> Upstream:
    return admission(client, host, target).service


def upstream(name: str = "billing", access: AccessList | None = None) -> Upstream:
    rules = service_rules(authority=f"{name}.example", token_header="auto")
    unused = cast(Any, None)
    return Upstream(name, parse_origin(f"https://{name}.example"), rules, unused, unused, access)


def test_an_admitted_client_has_its_forwarded_lines_and_origins() -> None:
    billing = upstream()
    client = caller(("192.0.2.7", 5000), rules(billing))

    found = admission(client, b"localhost:8080")
    assert found.service is billing
    assert found.home == Home(
        services=(b"https://billing.example",), client=b"http://localhost:8080"
    )
    assert found.forwarded == (
        b"X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: https\r\n"
        b"X-Forwarded-Host: billing.example\r\n"
    )
    assert repr(client) == "<Caller 192.0.2.7 [billing]>"


def test_a_client_in_tls_is_told_apart() -> None:
    billing = upstream()
    billing.forwarded_host = "client"
    client = caller(("192.0.2.7", 5000), rules(billing), tls=True)
    found = admission(client, b"localhost:8443")

    assert found.home.client == b"https://localhost:8443"
    assert found.forwarded == (
        b"X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: https\r\n"
        b"X-Forwarded-Host: localhost:8443\r\n"
    )


def test_another_host_on_the_same_connection_leads_elsewhere() -> None:
    billing, reports = upstream("billing"), upstream("reports")
    client = caller(("127.0.0.1", 1), rules(billing, reports))
    hosts = [b"billing.localhost", b"reports.localhost", b"billing.localhost"]

    assert [admitted(client, host) for host in hosts] == [billing, reports, billing]
    assert admission(client, hosts[-1]).home.services[0] == b"https://billing.example"


def test_a_client_on_a_unix_socket_has_no_address_and_needs_none() -> None:
    billing = upstream()
    client = caller("", rules(billing, access=AccessList(allow=LOOPBACK)))

    found = client.admit(HEAD, RequestFacts(), None, b"/")
    assert found.service is billing
    assert found.address is None
    assert found.forwarded == (b"X-Forwarded-Proto: https\r\nX-Forwarded-Host: billing.example\r\n")
    assert repr(caller("", rules(billing))) == "<Caller None [new]>"


@pytest.mark.parametrize(
    ("peername", "allowed", "narrowed", "rule"),
    [
        pytest.param(
            ("192.0.2.7", 1),
            AccessList(allow=LOOPBACK),
            None,
            "192.0.2.7 is not in allow 127.0.0.0/8, ::1/128",
            id="listener",
        ),
        pytest.param(
            ("192.0.2.7", 1),
            EVERYBODY,
            AccessList(allow=[parse_network("10.0.0.0/8")]),
            "192.0.2.7 is not in allow 10.0.0.0/8",
            id="service",
        ),
        pytest.param(
            None,
            EVERYBODY,
            None,
            "the client left before its address could be read",
            id="already gone",
        ),
    ],
)
def test_an_address_that_may_not_pass_is_refused_with_the_rule_for_the_log(
    peername: object, allowed: AccessList, narrowed: AccessList | None, rule: str
) -> None:
    with pytest.raises(Refused) as raised:
        admitted(caller(peername, rules(upstream(access=narrowed), access=allowed)))

    assert (raised.value.code, raised.value.detail) == (Code.ADDRESS_NOT_ALLOWED, rule)


@pytest.mark.parametrize(
    ("host", "target", "expected"),
    [
        (b"localhost:8080", b"/shop/x", b"https://shop.example"),
        (b"billing.localhost:8080", b"/x", b"https://billing.example"),
        (b"billing.example", b"/x", b"https://billing.example"),
    ],
)
def test_what_frameworks_compare_says_the_same(host: bytes, target: bytes, expected: bytes) -> None:
    """Rails and Next.js hold Origin against X-Forwarded-Host, Django against Host."""
    shop, billing = upstream("shop"), upstream("billing")
    routes = Routes(
        {
            "shop": Target(service=shop, path="/shop", strips=True),
            "billing": Target(service=billing, own_host="billing.example"),
        }
    )
    client = caller(
        ("127.0.0.1", 1),
        ListenerRules(routes=routes, access=EVERYBODY, wrong_keys=WrongKeyCounter()),
    )
    head = RequestHead(
        b"POST",
        target,
        "1.1",
        [make_field(b"Host", host), make_field(b"Origin", b"http://" + host)],
    )
    found = read_request(head)
    made = client.admit(head, found, host, target)
    service = made.service
    lines = client.sent_fields.write(head, found, made, service.rules).split(b"\r\n")

    authority = expected.removeprefix(b"https://")
    assert b"Host: " + authority in lines
    assert b"Origin: " + expected in lines
    assert b"X-Forwarded-Host: " + authority in lines
    assert b"X-Forwarded-Proto: https" in lines
    assert (b"X-Forwarded-Prefix: /shop" in lines) is (service is shop)


def test_a_host_that_is_not_ours_is_refused_even_after_one_that_is() -> None:
    client = caller(("127.0.0.1", 1), rules(upstream()))
    assert admitted(client).name == "billing"

    with pytest.raises(Refused, match="does not answer for the host name"):
        admitted(client, b"evil.example")


def test_a_trusted_proxy_says_who_its_client_is_and_what_it_speaks() -> None:
    only = AccessList(allow=[parse_network("192.0.2.0/24")])
    client = caller(("10.0.0.1", 1), rules(upstream(), access=only, trusted=["10.0.0.0/8"]))
    said = facts((b"X-Forwarded-For", b"192.0.2.7"), (b"X-Forwarded-Proto", b"https"))
    found = client.admit(HEAD, said, b"localhost", b"/")

    assert "192.0.2.7" == str(found.address)
    assert found.forwarded.startswith(b"X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: https\r\n")
    assert b"https://localhost" == found.home.client

    for refused in ((b"X-Forwarded-For", b"198.51.100.1"), (b"X-Forwarded-For", b"unknown")):
        with pytest.raises(Refused) as raised:
            client.admit(HEAD, facts(refused), b"localhost", b"/")
        assert raised.value.code == Code.ADDRESS_NOT_ALLOWED
    assert client.admit(HEAD, said, b"localhost", b"/").service.name == "billing"


def test_nobody_else_is_believed() -> None:
    client = caller(("192.0.2.7", 1), rules(upstream(), trusted=["10.0.0.0/8"]))
    said = facts((b"X-Forwarded-For", b"127.0.0.1"), (b"X-Forwarded-Proto", b"https"))
    found = client.admit(HEAD, said, b"localhost", b"/")

    assert ("192.0.2.7", b"http://localhost") == (str(found.address), found.home.client)


def test_new_rules_count_on_a_connection_that_stands() -> None:
    listener = rules(upstream())
    client, same = caller(("192.0.2.7", 1), listener), facts()
    client.admit(HEAD, same, b"localhost", b"/")
    listener.access = AccessList(allow=LOOPBACK)
    client.admit(HEAD, same, b"localhost", b"/")
    listener.version += 1

    with pytest.raises(Refused, match="address is not allowed"):
        client.admit(HEAD, same, b"localhost", b"/")


def test_a_path_that_leads_nowhere_is_answered_with_the_services_names() -> None:
    client = caller(("127.0.0.1", 1), rules(upstream("billing"), upstream("reports")))

    with pytest.raises(Refused, match="No service belongs to localhost"):
        admitted(client, target=b"/x")
    with pytest.raises(StartPage) as raised:
        admitted(client, b"localhost:8080")
    assert [
        ("billing", "http://billing.localhost:8080/"),
        ("reports", "http://reports.localhost:8080/"),
    ] == raised.value.links


def test_after_a_refusal_nothing_of_the_client_before_stands_for_the_proxy_itself() -> None:
    narrow = AccessList(allow=[parse_network("192.0.2.0/24")])
    listener = rules(upstream("billing", narrow))
    listener.trusted = AddressSet([parse_network("127.0.0.1")])
    listener.access = AccessList(allow=[parse_network("192.0.2.0/24"), *LOOPBACK])
    client = caller(("127.0.0.1", 1), listener)

    def asks(*forwarded_for: bytes) -> None:
        fields = [make_field(b"X-Forwarded-For", each) for each in forwarded_for]
        head = RequestHead(b"GET", b"/", "1.1", [make_field(b"Host", b"localhost"), *fields])
        client.admit(head, read_request(head), b"localhost", b"/")

    asks(b"192.0.2.7")
    for who in ((b"198.51.100.1",), ()):
        with pytest.raises(Refused, match="address is not allowed"):
            asks(*who)


def test_from_another_machine_the_start_page_has_what_can_be_reached_from_there() -> None:
    listener = rules(upstream("billing"), upstream("reports"))
    listener.routes = Routes(
        {
            "billing": Target(service=upstream("billing")),
            "reports": Target(service=upstream("reports"), hosts=["reports.lan"]),
        },
        hosts=["box.lan"],
    )
    client = caller(("192.0.2.7", 1), listener)

    with pytest.raises(StartPage) as raised:
        admitted(client, b"box.lan:8080")
    assert [("reports", "http://reports.lan:8080/")] == raised.value.links
    assert raised.value.hint.startswith("billing: from authproxy's own machine only")


GOOD, OTHER = b"apk_good", b"apk_other"


def locked(*upstreams: Upstream, **more: Any) -> ListenerRules:
    listener = rules(*upstreams)
    listener.keys = KeyRing(
        {
            digest_of(GOOD.decode()): InboundKey(name="ci"),
            digest_of(OTHER.decode()): InboundKey(name="other", services=frozenset(["reports"])),
        }
    )
    return listener


def shown(client: Caller, *keys: bytes, host: bytes = b"billing.localhost") -> Code | None:
    """With these keys: what stands in the way, if anything does."""
    head = RequestHead(b"GET", b"/", "1.1", [make_field(b"X-Api-Key", key) for key in keys])
    try:
        client.admit(head, facts(host=host), host, b"/")
    except Refused as refusal:
        return refusal.code
    return None


def with_rights(permissions: Permissions, of_service: Permissions | None = None) -> Caller:
    """A client with the key GOOD."""
    billing = upstream("billing")
    billing.permissions = of_service
    listener = rules(billing)
    listener.keys = KeyRing(
        {digest_of(GOOD.decode()): InboundKey(name="ci", permissions=permissions)}
    )
    return caller(("127.0.0.1", 1), listener)


def asked(
    client: Caller, method: bytes, target: bytes, *more: tuple[bytes, bytes]
) -> tuple[Code, str] | None:
    """Why this is refused, though the key is right."""
    named = ((b"Host", b"localhost"), (b"X-Api-Key", GOOD), *more)
    fields = [make_field(*each) for each in named]
    head = RequestHead(method, target, "1.1", fields)
    try:
        client.admit(head, read_request(head), None, target)
    except Refused as refusal:
        return refusal.code, refusal.message
    return None


OF_CI = Permissions(methods=frozenset([b"GET"]), paths=(b"/api",), key="ci")


@pytest.mark.parametrize(
    "target",
    [
        *(b"/", b"/apis", b"/API", b"/api/../x", b"/api/%2e%2e/x", b"/api%2f..", b"//api/../x"),
        *(b"/api/..;/x", b"/api/\\..\\..\\x", b"/api/%5c../../x", b"/api%3f/x", b"/api/%00", b"*"),
        *(b"/x?/api", b"/./x", b"/%2561pi/../x", b"//x/api/../..", b"/api/%u002e%u002e/x"),
    ],
)
def test_a_key_is_for_its_methods_and_paths_in_every_spelling(target: bytes) -> None:
    client = with_rights(OF_CI)

    for passing in (b"/api", b"/api/x?y=/..", b"/api/a%2fb", target, b"/api/x"):
        found = asked(client, b"GET", passing)
        path = Code.KEY_NOT_ALLOWED, "The key ci may not be used with this path."
        assert (path if passing is target else None) == found
    method = Code.KEY_NOT_ALLOWED, "The key ci may not be used with this method."
    for other in (b"POST", b"get", b"Get", b"HEAD", b"OPTIONS"):
        assert method == asked(client, other, b"/api")


def test_the_service_and_the_key_must_both_let_it_through() -> None:
    of_key = Permissions(paths=(b"/closed", b"/open"), key="ci")
    client = with_rights(of_key, Permissions(deny_paths=(b"/closed",)))

    found = [asked(client, b"GET", target) for target in (b"/closed", b"/open", b"/else")]
    assert [Code.PATH_NOT_ALLOWED, None, Code.KEY_NOT_ALLOWED] == [
        each and each[0] for each in found
    ]
    over = asked(client, b"GET", b"/open", (b"X-Original-URL", b"/closed"))
    assert over is not None
    assert over[0] is Code.OVERRIDE_NOT_ALLOWED


def test_what_was_let_in_as_an_account_ends_with_it() -> None:
    billing = upstream()
    billing.supplies = {"a@p": cast(Any, "tokens of a"), "b@p": cast(Any, "tokens of b")}
    listener, digest = rules(billing), digest_of(GOOD.decode())

    def ring(account: str, name: str = "ci") -> KeyRing:
        return KeyRing({digest: InboundKey(name=name, account=account, digest=digest)})

    listener.keys = ring("a@p")
    client = caller(("127.0.0.1", 1), listener)
    told = facts((b"X-Api-Key", GOOD))
    head = RequestHead(b"GET", b"/", "1.1", [make_field(b"X-Api-Key", GOOD)])
    admission = client.admit(head, told, None, b"/")
    losses = {}
    for what, keys in (
        ("the same", ring("a@p")),
        ("another name", ring("a@p", "cd")),
        ("another account", ring("b@p")),
        ("none", ring("")),
        ("no keys at all", None),
    ):
        listener.keys = keys
        losses[what] = client.find_loss(admission)
    listener.keys = ring("b@p")
    listener.version += 1

    assert "tokens of a" == cast(Any, admission.tokens)
    assert [None, None, *[Code.KEY_NOT_ALLOWED] * 3] == [
        each and each.code for each in losses.values()
    ]
    assert "tokens of b" == cast(Any, client.admit(head, told, None, b"/").tokens)


def test_a_key_opens_its_services() -> None:
    client = caller(("127.0.0.1", 1), locked(upstream("billing"), upstream("reports")))

    assert shown(client, GOOD) is None
    assert Code.KEY_REQUIRED == shown(client)
    assert Code.KEY_REQUIRED == shown(client, b"apk_wrong")
    assert Code.KEY_REQUIRED == shown(client, GOOD, GOOD)
    assert Code.KEY_NOT_ALLOWED == shown(client, OTHER)
    assert shown(client, OTHER, host=b"reports.localhost") is None
    assert Code.KEY_REQUIRED == shown(client, host=b"localhost")  # no list for strangers


def test_a_key_in_a_field_that_is_others_each_time_is_looked_at_each_time() -> None:
    listener = locked(upstream("billing"))
    listener.key_header = b"x-request-id"
    client, same = caller(("127.0.0.1", 1), listener), facts(host=b"billing.localhost")
    for key, code in [(GOOD, None), (b"apk_wrong", Code.KEY_REQUIRED)]:
        head = RequestHead(b"GET", b"/", "1.1", [make_field(b"X-Request-Id", key)])
        if code is None:
            client.admit(head, same, b"billing.localhost", b"/")
            continue
        with pytest.raises(Refused) as raised:
            client.admit(head, same, b"billing.localhost", b"/")
        assert code == raised.value.code


def test_wrong_keys_are_slowed_down_for_their_client_alone() -> None:
    listener = locked(upstream("billing"))
    client, neighbour = (caller((a, 1), listener) for a in ("192.0.2.1", "192.0.2.2"))
    outcomes = [shown(client, b"apk_wrong") for _ in range(12)]

    assert [Code.KEY_REQUIRED] * 11 + [Code.TOO_MANY_REQUESTS] == outcomes
    assert Code.TOO_MANY_REQUESTS == shown(client, GOOD)
    assert shown(neighbour, GOOD) is None


def test_requests_beyond_the_rate_hear_when_to_come_again() -> None:
    listener = rules(upstream())
    listener.limiter = RateLimiter(0.01, 2)
    client = caller(("127.0.0.1", 1), listener)
    assert [admitted(client).name for _ in range(2)] == ["billing"] * 2

    with pytest.raises(Refused) as raised:
        admitted(client)
    assert raised.value.code == Code.TOO_MANY_REQUESTS
    assert raised.value.fields["Retry-After"] == "100"


def test_what_was_decided_is_known_of_the_very_same_request_alone() -> None:
    listener = rules(upstream())
    client = caller(("127.0.0.1", 1), listener)
    head, said = RequestHead(b"GET", b"/", "1.1", []), facts()
    assert client.find_known(head) is None
    found = client.admit(head, said, b"localhost", b"/")

    assert client.find_known(head) is found
    assert client.find_known(RequestHead(b"GET", b"/", "1.1", [])) is None
    listener.version += 1
    assert client.find_known(head) is None


def test_what_is_known_counts_against_the_rate() -> None:
    listener = rules(upstream())
    listener.limiter = RateLimiter(0.01, 2)
    client = caller(("127.0.0.1", 1), listener)
    client.admit(HEAD, facts(), b"localhost", b"/")
    assert client.find_known(HEAD) is not None

    with pytest.raises(Refused, match="sent too many requests"):
        client.find_known(HEAD)


def test_nothing_is_known_of_a_request_after_one_that_was_refused() -> None:
    client = caller(("127.0.0.1", 1), rules(upstream()))
    client.admit(HEAD, facts(), b"localhost", b"/")
    with pytest.raises(Refused):
        client.admit(HEAD, facts(host=b"elsewhere.example"), b"elsewhere.example", b"/")

    assert client.find_known(HEAD) is None


def test_where_more_than_the_head_was_looked_at_nothing_is_known() -> None:
    client = caller(("127.0.0.1", 1), rules(upstream()))
    head = RequestHead(b"GET", b"http://localhost/", "1.1", [])
    client.admit(head, facts(), b"localhost", b"/")
    assert client.find_known(head) is None
    keys = rules(upstream())
    keys.key_header = b"x-request-id"
    client = caller(("127.0.0.1", 1), keys)
    client.admit(HEAD, facts(), b"localhost", b"/")

    assert client.find_known(HEAD) is None


def test_methods_and_paths_are_the_services_own() -> None:
    billing = upstream()
    billing.permissions = Permissions(deny_paths=(b"/admin",))
    client = caller(("127.0.0.1", 1), rules(billing))
    assert admitted(client, target=b"/x") is billing

    with pytest.raises(Refused, match="This path is not allowed for this service"):
        admitted(client, target=b"/x/../admin")


def at_paths(*permissions: Permissions | None, strips: bool) -> Caller:
    """Two services, at /one and at /two, and a client that may ask for both."""
    names = ("one", "two")
    there = [upstream(name) for name in names]
    for each, of_it in zip(there, permissions, strict=False):
        each.permissions = of_it
    listener = rules(*there)
    listener.routes = Routes(
        {each.name: Target(service=each, path=f"/{each.name}", strips=strips) for each in there}
    )
    return caller(("127.0.0.1", 1), listener)


@pytest.mark.parametrize(
    ("target", "passes"),
    [
        (b"/one/x", True),
        (b"/one/admin", False),
        (b"/one//admin", False),
        (b"/one/a/../admin", False),
        (b"/one/%61dmin?x", False),
        (b"/one/one/admin", True),
        (b"/two/admin", True),
    ],
)
def test_with_a_stripped_path_what_the_service_gets_is_judged(target: bytes, passes: bool) -> None:
    for rules in (Permissions(deny_paths=(b"/admin",)), Permissions(paths=(b"/x", b"/one"))):
        client = at_paths(rules, strips=True)
        if passes:
            assert target[1:4] == admitted(client, target=target).name.encode()
            continue
        with pytest.raises(Refused) as caught:
            admitted(client, target=target)
        assert Code.PATH_NOT_ALLOWED == caught.value.code


@pytest.mark.parametrize("strips", [True, False])
@pytest.mark.parametrize(
    "target",
    [
        *(b"/one/..", b"/one/../two/x", b"/one/../admin", b"/one/..;/admin", b"/one/%2e%2e/two/x"),
        *(b"/one/a/../../two", b"/one/..%2ftwo", b"/one/.%252e/two", b"/one\\../two"),
        *(b"/one/\\..\\two", b"/one//../../two", b"/one/../one/x", b"/one/..?x"),
    ],
)
def test_who_is_led_to_a_service_by_a_path_stays_below_it(target: bytes, strips: bool) -> None:
    with pytest.raises(Refused) as caught:
        admitted(at_paths(strips=strips), target=target)

    expected = Code.NO_ROUTE if target.startswith(b"/one\\") else Code.BAD_REQUEST
    assert expected == caught.value.code


def test_dots_that_stay_below_the_path_pass_as_they_are() -> None:
    client = at_paths(strips=False)

    assert "one" == admitted(client, target=b"/one/a/../b?x=/../..").name
    assert "one" == admitted(client, target=b"/one/...").name


def test_by_its_own_name_a_service_is_asked_for_any_path() -> None:
    client = at_paths(Permissions(deny_paths=(b"/admin",)), strips=True)

    assert "one" == admitted(client, b"one.localhost", b"/../x").name
    with pytest.raises(Refused):
        admitted(client, b"one.localhost", b"/../admin")


def test_a_field_that_names_another_path_or_method_is_refused_where_there_are_rules() -> None:
    billing = upstream()
    client = caller(("127.0.0.1", 1), rules(billing))

    def code(name: bytes) -> Code | None:
        try:
            client.admit(HEAD, facts((name, b"/admin")), b"localhost", b"/")
        except Refused as refused:
            return refused.code
        return None

    assert code(b"X-Original-Url") is None
    billing.permissions = Permissions(deny_paths=(b"/admin",))
    assert Code.OVERRIDE_NOT_ALLOWED == code(b"X-Original-Url")
    assert Code.OVERRIDE_NOT_ALLOWED == code(b"x_REWRITE-url")
    assert code(b"X-HTTP-Method-Override") is None
    billing.permissions = Permissions(methods=frozenset([b"GET"]))
    assert Code.OVERRIDE_NOT_ALLOWED == code(b"X-HTTP-Method-Override")
    assert code(b"X-Original-Url") is None
    billing.rules = service_rules(
        authority="a", token_header="auto", remove=["X-HTTP-Method-Override"]
    )
    assert code(b"X-Http_Method_Override") is None


def test_a_client_whom_the_listener_refuses_gets_nowhere() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX)
    listener = rules(upstream())
    listener.peer_uids = frozenset([os.getuid() + 1])
    passes = caller("", listener, sock=ours)
    assert admitted(passes).name == "billing"

    with ours, theirs, pytest.raises(Refused) as raised:
        admitted(caller("", listener, sock=None))
    assert raised.value.detail.startswith(
        "the user at the other end of the socket cannot be determined"
    )


def asked_by(
    client: Caller, origin: bytes, method: bytes = b"GET", *more: tuple[bytes, bytes]
) -> bytes:
    head = RequestHead(method, b"/", "1.1", [])
    return client.admit(head, facts((b"Origin", origin), *more), b"localhost", b"/").cors


def test_a_page_of_another_site_is_refused_and_its_origin_is_for_the_log() -> None:
    client = caller(("127.0.0.1", 1), rules(upstream()))

    assert asked_by(client, b"http://localhost") == b""
    with pytest.raises(Refused) as raised:
        asked_by(client, b"https://evil.example")
    assert raised.value.code == Code.CROSS_SITE
    assert "evil.example" in raised.value.detail
    assert "evil.example" not in raised.value.message + raised.value.hint


def test_what_was_decided_for_one_method_is_decided_anew_for_another() -> None:
    client = caller(("127.0.0.1", 1), rules(upstream()))
    link = facts(
        (b"Sec-Fetch-Site", b"cross-site"),
        (b"Sec-Fetch-Mode", b"navigate"),
        (b"Sec-Fetch-Dest", b"document"),
    )
    client.admit(HEAD, link, b"localhost", b"/")

    with pytest.raises(Refused):
        client.admit(RequestHead(b"POST", b"/", "1.1", []), link, b"localhost", b"/")


def test_who_cannot_be_allowed_is_not_told_to_be() -> None:
    client = caller(("127.0.0.1", 1), rules(upstream()))

    with pytest.raises(Refused) as raised:
        asked_by(client, b"null", b"POST", (b"Sec-Fetch-Site", b"cross-site"))
    assert raised.value.hint.startswith("The page has no origin (a file, a frame in a sandbox")
    assert asked_by(client, b"null", b"POST", (b"Sec-Fetch-Site", b"same-origin")) == b""


@pytest.mark.parametrize(
    ("host", "is_refused"), [(b"proxy.example", True), (b"localhost", False), (b"[::1]:80", False)]
)
def test_a_foreign_referer_counts_where_browsers_say_nothing_else(
    host: bytes, *, is_refused: bool
) -> None:
    listener = rules(upstream())
    listener.routes = Routes({"a": Target(service=upstream())}, hosts=["proxy.example"])
    client = caller(("127.0.0.1", 1), listener)
    image = facts((b"Referer", b"https://evil.example/x"), host=host)
    own = facts((b"Referer", b"http://%b/x" % host), host=host)

    client.admit(HEAD, own, host, b"/")
    if is_refused:
        with pytest.raises(Refused) as raised:
            client.admit(HEAD, image, host, b"/")
        assert raised.value.code == Code.CROSS_SITE
        assert raised.value.hint.startswith("If you followed a link, type the address instead.")
    else:
        client.admit(HEAD, image, host, b"/")


def test_what_was_decided_for_a_page_is_not_decided_for_what_is_fetched_ahead() -> None:
    client = caller(("127.0.0.1", 1), rules(upstream()))
    typed = [
        (b"Sec-Fetch-Site", b"none"),
        (b"Sec-Fetch-Mode", b"navigate"),
        (b"Sec-Fetch-Dest", b"document"),
    ]
    client.admit(HEAD, facts(*typed), b"localhost", b"/")

    with pytest.raises(Refused):
        client.admit(HEAD, facts(*typed, (b"Sec-Purpose", b"prefetch")), b"localhost", b"/")
    client.admit(HEAD, facts(*typed), b"localhost", b"/")


@pytest.mark.parametrize("of_service", [True, False], ids=["the service's", "everybody's"])
def test_an_allowed_origin_may_read_the_answer_and_ask_beforehand(*, of_service: bool) -> None:
    allowed = frozenset([b"https://good.example"])
    billing = upstream()
    listener = rules(billing)
    if of_service:
        billing.allow_origins = allowed
    else:
        listener.allow_origins = allowed
    client = caller(("127.0.0.1", 1), listener)

    assert asked_by(client, b"https://good.example").startswith(
        b"Access-Control-Allow-Origin: https://good.example\r\n"
    )
    with pytest.raises(Refused) as raised:
        asked_by(
            client, b"https://good.example", b"OPTIONS", (b"Access-Control-Request-Method", b"PUT")
        )
    assert raised.value.code == Code.PREFLIGHT
    assert asked_by(client, b"http://localhost") == b""


def test_nothing_of_a_good_request_stands_for_a_bad_one_after_it() -> None:
    """On a connection that a load balancer shares among its clients."""
    client = caller(("127.0.0.1", 1), locked(upstream("billing")))
    host = b"billing.localhost"
    assert shown(client, GOOD) is None

    bad = RequestHead(b"GET", b"/", "1.1", [make_field(b"X-Api-Key", b"apk_wrong")])
    same = facts(host=host)
    for _ in range(3):
        with pytest.raises(Refused) as raised:
            client.admit(bad, same, host, b"/")
        assert raised.value.code == Code.KEY_REQUIRED
    with pytest.raises(Refused):
        client.admit(HEAD, same, b"evil.example", b"/")
    with pytest.raises(Refused):
        client.admit(bad, same, host, b"/")
    assert shown(client, GOOD) is None


def test_a_client_behind_a_proxy_is_not_the_one_before_it() -> None:
    only = AccessList(allow=[parse_network("192.0.2.7")])
    client = caller(("10.0.0.1", 1), rules(upstream(), access=only, trusted=["10.0.0.0/8"]))
    good, bad = (facts((b"X-Forwarded-For", a)) for a in (b"192.0.2.7", b"192.0.2.8"))

    for _ in range(2):
        client.admit(HEAD, good, b"localhost", b"/")
        for _ in range(2):
            with pytest.raises(Refused):
                client.admit(HEAD, bad, b"localhost", b"/")


def test_very_many_clients_are_not_all_remembered() -> None:
    listener = rules(upstream(), trusted=["10.0.0.0/8"])
    client = caller(("10.0.0.1", 1), listener)
    for number in range(5000):
        said = b"192.0.%d.%d" % divmod(number, 250)
        client.admit(HEAD, facts((b"X-Forwarded-For", said)), b"localhost", b"/")

    assert 0 < listener.remembered <= 4096
