"""Requests that come back to us, from our own sockets and by other proxies on this machine."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

import pytest

from authproxy.errors import Code, Refused
from authproxy.exchange import RequestHead, make_field
from authproxy.policy.messages.facts import RequestFacts
from authproxy.policy.messages.headers import request_fields, service_rules
from authproxy.tasks import Tasks
from authproxy.wire.loops import MAX_HOPS_BYTES, Loops, accepted_link, is_relayed, link_of
from tests.support.behind import free_port
from tests.support.http2 import http2_client
from tests.support.proxying import proxying
from tests.support.raw import OK, always, raw_service
from tests.support.talking import LAST_GET, get

RELAYED = [
    make_field(b"X-Forwarded-For", b"127.0.0.1"),
    make_field(b"X-Forwarded-Proto", b"http"),
    make_field(b"X-Forwarded-Host", b"localhost"),
]
HERE, THERE = ("127.0.0.1", 5000), ("127.0.0.1", 8080)
LINK = b"127.0.0.1|5000>127.0.0.1|8080"


class Connected:
    def __init__(self, sockname: object, peername: object) -> None:
        self._names = {"sockname": sockname, "peername": peername}

    def get_extra_info(self, name: str) -> object:
        return self._names[name]


def connected(sockname: object, peername: object) -> asyncio.Transport:
    return cast(asyncio.Transport, Connected(sockname, peername))


def is_loop(loops: Loops, link: bytes, hops: bytes = b"") -> bool:
    try:
        loops.check(link, hops)
    except Refused as refused:
        return Code.LOOP_DETECTED is refused.code
    return False


@pytest.mark.parametrize(
    ("ours", "theirs", "is_here"),
    [
        (HERE, THERE, True),
        (("::1", 5000, 0, 0), ("::1", 8080, 0, 0), True),
        (("192.0.2.7", 5000), ("192.0.2.7", 8080), True),
        (("192.0.2.7", 5000), ("192.0.2.8", 443), False),
        (None, None, False),
        ("", "/a.sock", False),
    ],
)
def test_what_leads_to_this_machine_is_remembered_while_it_stands(
    ours: object, theirs: object, is_here: bool
) -> None:
    loops = Loops()
    transport = connected(ours, theirs)

    accepted = accepted_link(connected(theirs, ours))

    assert is_here is loops.opened(transport)
    assert is_here is is_loop(loops, accepted)
    loops.closed(transport)
    assert not is_loop(loops, accepted)
    assert "<Loops [0 connections]>" == repr(loops)


def test_a_client_with_the_port_of_a_connection_of_ours_to_elsewhere_is_a_client() -> None:
    """Linux gives the same port to connections that lead to different places."""
    service, listener = ("127.0.0.1", 443), THERE
    loops = Loops()
    ours, other = connected(HERE, service), connected(HERE, ("127.0.0.1", 444))
    loops.opened(ours)
    loops.opened(other)
    client = accepted_link(connected(listener, HERE))

    assert not is_loop(loops, client)
    assert not is_loop(loops, b"", client)
    loops.closed(other)
    assert is_loop(loops, accepted_link(connected(service, HERE)))


def test_an_ipv4_address_in_ipv6_clothes_is_the_same_end() -> None:
    dressed = ("::ffff:127.0.0.1", 5000, 0, 0)

    assert LINK == link_of(HERE, THERE) == link_of(dressed, THERE)


def test_only_what_came_by_an_authproxy_is_marked() -> None:
    loops = Loops()

    assert loops.mark(LINK, b"", RELAYED).startswith(b"X-Authproxy-Hops: %b " % LINK)
    for headers in (RELAYED[:2], RELAYED[1:2] + RELAYED[:1] + RELAYED[2:], RELAYED[::-1], []):
        assert not is_relayed(headers)
        assert b"" == loops.mark(LINK, b"", headers)


def test_a_mark_says_which_way_a_request_came() -> None:
    first, second, third = Loops(), Loops(), Loops()
    first.opened(connected(HERE, THERE))
    line = second.mark(LINK, b"", RELAYED)
    hops = line.removeprefix(b"X-Authproxy-Hops: ").removesuffix(b"\r\n")
    line = third.mark(b"127.0.0.1|5001", hops, RELAYED)
    hops = line.removeprefix(b"X-Authproxy-Hops: ").removesuffix(b"\r\n")

    assert [True] * 3 == [is_loop(each, b"127.0.0.1|5002", hops) for each in (first, second, third)]
    assert not is_loop(Loops(), b"127.0.0.1|5002", hops)


def test_a_mark_without_end_is_a_loop() -> None:
    assert not is_loop(Loops(), b"", b"x" * MAX_HOPS_BYTES)
    assert is_loop(Loops(), b"", b"x" * (MAX_HOPS_BYTES + 1))


async def test_a_proxy_that_is_its_own_service_says_so_at_the_first_turn() -> None:
    port = free_port()
    async with proxying(f"http://127.0.0.1:{port}", port=port) as proxy:
        answer = await proxy.exchange(LAST_GET)
        again = await proxy.exchange(LAST_GET)
        exchanges = await proxy.heard.wait_for(4)

    for each in (answer, again):
        assert each.startswith(b"HTTP/1.1 508 Loop Detected\r\n")
        assert b"X-Authproxy-Error: loop_detected\r\n" in each
    assert 2 == [exchange.code for exchange in exchanges].count(Code.LOOP_DETECTED)


async def test_it_says_so_over_http2_too() -> None:
    port = free_port()
    async with (
        proxying(f"http://127.0.0.1:{port}", port=port) as proxy,
        http2_client(proxy) as client,
    ):
        client.call(1)
        answer = await client.answer(1)
        exchanges = await proxy.heard.wait_for(2)

    assert (b"508", b"loop_detected") == (answer.get(b":status"), answer.get(b"x-authproxy-error"))
    assert {None, Code.LOOP_DETECTED} == {exchange.code for exchange in exchanges}


@pytest.mark.parametrize("speaks_http2", [False, True])
async def test_two_proxies_that_lead_to_each_other_end_at_the_first_turn(
    speaks_http2: bool,
) -> None:
    port = free_port()
    async with (
        proxying(f"http://127.0.0.1:{port}") as first,
        proxying(first.url, port=port) as second,
    ):
        if speaks_http2:
            async with http2_client(first) as client:
                client.call(1)
                answered = (await client.answer(1)).get(b":status")
        else:
            answered = (await first.exchange(LAST_GET)).split(b" ")[1]
        at_first = await first.heard.wait_for(2)
        at_second = await second.heard.wait_for(1)

    assert b"508" == answered
    assert {None, Code.LOOP_DETECTED} == {exchange.code for exchange in at_first}
    assert [None] == [exchange.code for exchange in at_second]


async def test_a_proxy_of_another_kind_in_between_makes_it_two_turns() -> None:
    """One that passes every byte, as an SSH tunnel or a load balancer does."""
    port = free_port()
    async with proxying(f"http://127.0.0.1:{port}") as proxy, passing(port, proxy.port):
        answer = await proxy.exchange(LAST_GET)
        exchanges = await proxy.heard.wait_for(3)

    assert answer.startswith(b"HTTP/1.1 508 ")
    assert 1 == [exchange.code for exchange in exchanges].count(Code.LOOP_DETECTED)


async def test_a_service_on_this_machine_is_sent_hops_of_an_authproxy_only() -> None:
    fields = ("X-Authproxy-Hops: 127.0.0.1|1", "X-Forwarded-Host: a", "X-Forwarded-Proto: http")
    async with (
        raw_service(always(OK)) as service,
        proxying(service.url) as last,
        proxying(last.url) as first,
    ):
        await first.exchange(LAST_GET)
        await last.exchange(get("/", "Connection: close", *fields))
        relayed, own = service.heads

    assert 1 == relayed.count(b"\r\nX-Authproxy-Hops: 127.0.0.1|")
    assert b"hops" not in own.lower()


async def test_what_leaves_this_machine_has_no_hops() -> None:
    """The service's name is what counts: it leads elsewhere, as far as the connection tells."""
    loops = Loops()
    assert not loops.opened(connected(("192.0.2.7", 5000), ("203.0.113.1", 443)))
    rules = service_rules(authority="a.run.app", token_header="auto")
    head = RequestHead(b"GET", b"/", "1.1", [make_field(b"X-Authproxy-Hops", b"x"), *RELAYED])

    assert b"hops" not in request_fields(head.headers, RequestFacts(), rules, forwarded=b"").lower()


@asynccontextmanager
async def passing(port: int, to: int) -> AsyncIterator[None]:
    """Passes the bytes of connections at `port` to the port `to`, and back."""

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
        writer.close()

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back, forth = await asyncio.open_connection("127.0.0.1", to)
        try:
            await asyncio.gather(pump(reader, forth), pump(back, writer))
        finally:
            forth.transport.abort()
            writer.transport.abort()

    tasks = Tasks()
    server = await asyncio.start_server(
        lambda reader, writer: tasks.spawn(take(reader, writer), name="passing"), "127.0.0.1", port
    )
    try:
        yield
    finally:
        server.close()
        await tasks.cancel()
