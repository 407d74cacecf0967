"""The data path alone, between raw sockets: a proxy with a token that is always at hand."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from authproxy.exchange import Exchange, Observer, Secret, Token
from authproxy.identity.token_cache.cache import Tokens
from authproxy.identity.token_cache.status import TokenStatus
from authproxy.policy.access.networks import AccessList, AddressSet
from authproxy.policy.access.rate_limits import ConnectionCounter, WrongKeyCounter
from authproxy.policy.messages.headers import service_rules
from authproxy.policy.routes import Routes, Target
from authproxy.settings import LimitSettings, TimeoutSettings
from authproxy.values import LOOPBACK, Listen, Network, parse_origin
from authproxy.wire.admission.listener_rules import ListenerRules
from authproxy.wire.listening.server import ProxyServer
from authproxy.wire.listening.sockets import open_listener
from authproxy.wire.observing import Observers
from authproxy.wire.upstream.connector import Connector
from authproxy.wire.upstream.pool import Pool
from authproxy.wire.upstream.upstream import Upstream
from tests.support.hearing import Everything

TOKEN_TEXT = "eyJhbGciOiJub25lIn0.eyJhdWQiOiJ0ZXN0In0.c2lnbmF0dXJl"


def make_token(text: str = TOKEN_TEXT, principal: str = "tester@example.com") -> Token:
    return Token(
        value=Secret(text),
        expires_at=4e9,
        audience="https://service.example",
        principal=principal,
        source="test",
        issued_at=0.0,
    )


class FixedTokens:
    """Stands in for identity.token_cache.cache.Tokens: hands out what the test put in."""

    def __init__(self, token: Token | None = None) -> None:
        self.token = token
        self.asked = asyncio.Event()
        self.arrives: asyncio.Future[Token] = asyncio.get_running_loop().create_future()
        self.replacement: Token | None = None
        self.rejected: list[Token] = []

    def current(self) -> Token | None:
        return self.token

    async def get(self) -> Token:
        if self.token is None:
            self.asked.set()
            self.token = await asyncio.shield(self.arrives)
        return self.token

    def reject(self, token: Token) -> bool:
        self.rejected.append(token)
        if self.replacement is None:
            return False
        self.token, self.replacement = self.replacement, None
        return True

    def statuses(self) -> tuple[TokenStatus, ...]:
        return ()


class Heard:
    """An observer that keeps what it hears, and lets a test wait for it."""

    def __init__(self) -> None:
        self.came: asyncio.Queue[Exchange] = asyncio.Queue()
        self.ids: list[str] = []

    def exchange_ended(self, exchange: Exchange) -> None:
        self.ids.append(exchange.request_id)
        self.came.put_nowait(exchange)

    async def wait_for(self, count: int) -> Sequence[Exchange]:
        """The next `count` exchanges that end, or have ended."""
        async with asyncio.timeout(10):
            return [await self.came.get() for _ in range(count)]


@dataclass
class RunningProxy:
    port: int
    server: ProxyServer
    listener: ListenerRules
    pool: Pool
    tokens: FixedTokens
    heard: Heard = field(default_factory=Heard)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port)

    async def exchange(self, request: bytes) -> bytes:
        """Send `request` on a connection of its own; all that comes until the proxy closes it."""
        reader, writer = await self.connect()
        writer.write(request)
        async with asyncio.timeout(10):
            answer = await reader.read(-1)
        writer.close()
        await writer.wait_closed()
        return answer


@asynccontextmanager
async def proxying(
    service_url: str,
    *,
    tokens: FixedTokens | None = None,
    token_header: str = "auto",
    api_key: str | None = None,
    trust: ssl.SSLContext | None = None,
    allow: Sequence[Network] = LOOPBACK,
    deny: Sequence[Network] = (),
    trusted: Sequence[Network] = (),
    service_access: AccessList | None = None,
    hosts: Sequence[str] = (),
    own_host: str = "",
    path: str | None = None,
    strips: bool = False,
    limits: LimitSettings | None = None,
    timeouts: TimeoutSettings | None = None,
    port: int = 0,
    mcp: bool = True,
    first: Sequence[Observer] = (),
    hears_all: bool = True,
) -> AsyncIterator[RunningProxy]:
    """A proxy on a free port of 127.0.0.1 in front of `service_url`.

    The observers `first` hear of each exchange before `heard` does. When it is left, every
    exchange that began must have been heard of once. All is asked for by an observer that holds
    what it hears to what is promised, unless not `hears_all`: as with observers who ask for little.
    """
    limits, timeouts = limits or LimitSettings(), timeouts or TimeoutSettings()
    tokens = tokens or FixedTokens(make_token())
    origin = parse_origin(service_url)
    pool = Pool(
        Connector(
            origin=origin,
            timeout_s=timeouts.connect,
            contexts=None if trust is None else lambda _: trust,
        ),
        limits=limits,
        timeouts=timeouts,
    )
    rules = service_rules(
        authority=origin.authority,
        token_header=token_header,
        secrets=[("X-Api-Key", api_key)] if api_key else [],
        remove=[name.decode() for name in Observers(first).names_to_send],
    )
    upstream = Upstream("service", origin, rules, as_tokens(tokens), pool, service_access, mcp=mcp)
    heard, everything = Heard(), Everything()
    listener = ListenerRules(
        routes=Routes(
            {
                "service": Target(
                    service=upstream,
                    own_host=own_host,
                    path=path,
                    strips=strips,
                    base=origin.path,
                )
            },
            hosts=hosts,
        ),
        access=AccessList(allow=allow, deny=deny),
        wrong_keys=WrongKeyCounter(),
        trusted=AddressSet(trusted),
        mcp=mcp,
    )
    server = ProxyServer(
        observers=[*first, heard, *([everything] if hears_all else [])],
        limits=limits,
        timeouts=timeouts,
        pools=[pool],
        counts=ConnectionCounter(limits.connections, limits.connections_per_client),
    )
    (sock,) = open_listener(Listen("127.0.0.1", port))
    server.listen(sock, listener)
    try:
        yield RunningProxy(sock.getsockname()[1], server, listener, pool, tokens, heard)
    finally:
        await server.shutdown(0)
    began = server.status().begun
    assert [] == everything.faults, everything.faults
    assert (began, began) == (len(heard.ids), len(set(heard.ids)))


def as_tokens(tokens: FixedTokens) -> Tokens:
    return tokens  # type: ignore[return-value]  # -- has the three methods that the data path calls
