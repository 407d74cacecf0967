"""Who is calling, and what follows from the Host they use."""

import asyncio
from typing import Any, cast

import pytest

from authproxy.errors import Code, Refused
from authproxy.policy.access import AccessList
from authproxy.policy.headers import service_rules
from authproxy.policy.routes import Routes
from authproxy.values import LOOPBACK, parse_network, parse_origin
from authproxy.wire.caller import Caller
from authproxy.wire.upstream import Upstream

EVERYBODY = AccessList(allow=[parse_network("0.0.0.0/0"), parse_network("::/0")])


class Connected:
    """The part of a transport that says who is connected."""

    def __init__(self, peername: object, *, tls: bool = False) -> None:
        self._names = {"peername": peername, "sockname": ("127.0.0.1", 8080)}
        if tls:
            self._names["ssl_object"] = object()

    def get_extra_info(self, name: str) -> object:
        return self._names.get(name)


def caller(peername: object, access: AccessList = EVERYBODY) -> Caller:
    return Caller(cast(asyncio.Transport, Connected(peername)), access)


def upstream(name: str = "billing", access: AccessList | None = None) -> Upstream:
    rules = service_rules(
        authority=f"{name}.example", token_header="auto", api_key_header="X-Api-Key", api_key=None
    )
    unused = cast(Any, None)
    return Upstream(name, parse_origin(f"https://{name}.example"), rules, unused, unused, access)


def routes(*upstreams: Upstream) -> Routes[Upstream]:
    return Routes({each.name: (each, ()) for each in upstreams})


def test_an_admitted_client_has_its_forwarded_lines_and_origins() -> None:
    billing, client = upstream(), caller(("192.0.2.7", 5000))

    assert client.admit(b"localhost:8080", routes(billing)) is billing
    assert client.origins == (b"https://billing.example", b"http://localhost:8080")
    assert client.forwarded == (
        b"X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: http\r\n"
        b"X-Forwarded-Host: localhost:8080\r\n"
    )
    assert repr(client) == "<Caller 192.0.2.7 [billing]>"


def test_a_client_in_tls_is_told_apart() -> None:
    billing, connected = upstream(), Connected(("192.0.2.7", 5000), tls=True)
    client = Caller(cast(asyncio.Transport, connected), EVERYBODY)
    client.admit(b"localhost:8443", routes(billing))

    assert client.origins == (b"https://billing.example", b"https://localhost:8443")
    assert b"\r\nX-Forwarded-Proto: https\r\n" in client.forwarded


def test_another_host_on_the_same_connection_leads_elsewhere() -> None:
    billing, reports, client = upstream("billing"), upstream("reports"), caller(("127.0.0.1", 1))
    both = routes(billing, reports)
    hosts = [b"billing.localhost", b"reports.localhost", b"billing.localhost"]

    assert [client.admit(host, both) for host in hosts] == [billing, reports, billing]
    assert client.origins[0] == b"https://billing.example"


def test_a_client_on_a_unix_socket_has_no_address_and_needs_none() -> None:
    client = caller("", AccessList(allow=LOOPBACK))

    assert client.admit(None, routes(billing := upstream())) is billing
    assert client.address is None
    assert client.forwarded == b"X-Forwarded-Proto: http\r\n"
    assert repr(caller("")) == "<Caller None [new]>"


@pytest.mark.parametrize(
    ("peername", "allowed", "narrowed", "rule"),
    [
        pytest.param(
            ("192.0.2.7", 1),
            AccessList(allow=LOOPBACK),
            None,
            "192.0.2.7 is in none of allow 127.0.0.0/8, ::1/128",
            id="listener",
        ),
        pytest.param(
            ("192.0.2.7", 1),
            EVERYBODY,
            AccessList(allow=[parse_network("10.0.0.0/8")]),
            "192.0.2.7 is in none of allow 10.0.0.0/8",
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
        caller(peername, allowed).admit(b"localhost", routes(upstream(access=narrowed)))

    assert (raised.value.code, raised.value.detail) == (Code.ADDRESS_NOT_ALLOWED, rule)


def test_a_host_that_is_not_ours_is_refused_even_after_one_that_is() -> None:
    client, known = caller(("127.0.0.1", 1)), routes(upstream())
    assert client.admit(b"localhost", known).name == "billing"

    with pytest.raises(Refused, match="does not answer for the host name"):
        client.admit(b"evil.example", known)
