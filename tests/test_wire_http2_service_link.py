"""Which service a connection belongs to, and what becomes of the way there."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, cast

import pytest

from authproxy.errors import AuthProxyError, Code, CredentialError, UpstreamError
from authproxy.policy.messages.headers import service_rules
from authproxy.tasks import Tasks
from authproxy.times import Opening
from authproxy.values import parse_origin
from authproxy.wire import refusals
from authproxy.wire.http2.endpoints import ServiceEnd
from authproxy.wire.http2.interfaces import Ends
from authproxy.wire.http2.service_link import ServiceLink
from authproxy.wire.loops import Loops
from authproxy.wire.upstream.pool import Tries
from authproxy.wire.upstream.upstream import Upstream

OPENING = Opening(began=1.0, connected=2.0, ready=3.0)


class Wire(asyncio.Transport):
    """A connection whose other end speaks what ALPN says, if anything."""

    def __init__(self, *, alpn: str | None) -> None:
        super().__init__({"ssl_object": self})
        self._alpn = alpn
        self.is_cut = False

    def selected_alpn_protocol(self) -> str | None:
        return self._alpn

    def abort(self) -> None:
        self.is_cut = True


class Told:
    """Stands in for the splice."""

    def __init__(self) -> None:
        self.is_over = False
        self.heard: list[object] = []

    def connected(self, transport: asyncio.Transport, opening: Opening) -> None:
        assert opening is OPENING
        self.heard.append(transport)

    def give_up(self, error: AuthProxyError) -> None:
        self.heard.append(error.code)


class Way:
    """A connector, and the pool that it belongs to."""

    egress = None

    def __init__(self, found: Wire | UpstreamError) -> None:
        self.connector = self
        self.beside = Tasks()
        self.http2_tries = Tries()
        self._found = found

    async def open_timed(
        self, make: Callable[[], ServiceEnd], *, http2: bool
    ) -> tuple[ServiceEnd, Opening]:
        if isinstance(self._found, UpstreamError):
            raise self._found
        end = make()
        end.connection_made(self._found)
        return end, OPENING


async def chosen(
    found: Wire | UpstreamError,
    *,
    is_over: bool = False,
    address: Callable[[], Awaitable[object]] | None = None,
) -> tuple[ServiceLink, list[object]]:
    """A link that has tried to connect, and what the splice heard of it."""
    told, way = Told(), Way(found)
    told.is_over = is_over
    link = ServiceLink(cast(Ends, told), Loops())
    origin, rules = (
        parse_origin("http://127.0.0.1:9"),
        service_rules(authority="a.example", token_header="auto"),
    )
    upstream = Upstream("a", origin, rules, cast(Any, None), cast(Any, way), None, found=address)
    link.choose(upstream)
    assert upstream is link.upstream
    await way.beside.settle(10)
    return link, told.heard


async def test_a_service_that_speaks_http2_is_connected() -> None:
    wire = Wire(alpn="h2")
    link, heard = await chosen(wire)

    assert [wire] == heard
    assert not wire.is_cut
    link.let_go()
    assert (True, None) == (wire.is_cut, link.end)


@pytest.mark.parametrize(("alpn", "is_over"), [("http/1.1", False), ("h2", True)])
async def test_a_connection_that_nobody_can_use_is_cut(alpn: str, is_over: bool) -> None:
    wire = Wire(alpn=alpn)
    link, heard = await chosen(wire, is_over=is_over)

    assert wire.is_cut
    assert link.end is None
    assert len(heard) == (not is_over)


async def test_who_cannot_be_connected_or_found_is_given_up() -> None:
    async def nowhere() -> None:
        raise CredentialError("nobody knows", code=Code.TOKEN_UNAVAILABLE)

    error = refusals.service_gone("refused")
    assert [error.code] == (await chosen(error))[1]
    assert [Code.TOKEN_UNAVAILABLE] == (await chosen(Wire(alpn="h2"), address=nowhere))[1]


async def test_only_of_a_service_that_has_said_nothing_is_more_guessed() -> None:
    link, _ = await chosen(Wire(alpn="h2"))
    silent = link.gone("closed").hint
    link.has_spoken = True

    assert len(link.gone("closed").hint) < len(silent)
