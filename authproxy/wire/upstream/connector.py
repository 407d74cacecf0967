"""Opens connections to one service: its name is resolved afresh, its certificate always checked."""

import asyncio
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar, cast

from authproxy.config.readers.egress_proxy import find_egress
from authproxy.errors import UpstreamError
from authproxy.settings import ServiceSettings, Settings
from authproxy.threads import in_thread
from authproxy.times import Opening
from authproxy.values import Origin
from authproxy.wire.upstream.connect_errors import Peer, reaching
from authproxy.wire.upstream.happy_eyeballs import connect
from authproxy.wire.upstream.proxy_tunnel import Early, Egress, hand_over
from authproxy.wire.upstream.tls import ServiceTls

HTTP_1 = "http/1.1"
HTTP_2 = "h2"

P = TypeVar("P", bound=asyncio.BaseProtocol)

Contexts = Callable[[str], ssl.SSLContext]
"""Makes the TLS context that offers this one protocol by ALPN. May read files, and so block."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Connector:
    """Opener of connections to one origin."""

    origin: Origin
    timeout_s: float
    """Until a connection stands, proxy and TLS included."""
    contexts: Contexts | None
    """None for a service without TLS."""
    egress: Egress | None = None
    """The proxy in between."""
    _made: dict[str, ssl.SSLContext] = field(default_factory=dict, repr=False)
    """What `contexts` has made, by protocol."""

    def is_same_way(self, other: "Connector") -> bool:
        """Whether `other` opens the same connections, with the very same TLS."""
        one, another = self._made.get(HTTP_1), other._made.get(HTTP_1)
        is_same = (self.origin, self.timeout_s, self.egress) == (
            other.origin,
            other.timeout_s,
            other.egress,
        )
        return is_same and one is another

    async def open(self, factory: Callable[[], P], *, http2: bool = False) -> P:
        """A protocol made by `factory`, on a connection that stands.

        With `http2` a TLS service is offered HTTP/2 and nothing else; one that does not speak it
        either fails the handshake or chooses no protocol: ask the transport's `ssl_object`.
        Raises UpstreamError, with `sent` False.
        """
        return (await self.open_timed(factory, http2=http2))[0]

    async def open_timed(
        self, factory: Callable[[], P], *, http2: bool = False
    ) -> tuple[P, Opening]:
        """As `open`, with the times that it took."""
        now, alpn = asyncio.get_running_loop().time, HTTP_2 if http2 else HTTP_1
        began = now()
        deadline = began + self.timeout_s
        if self.egress is not None:
            protocol, connected = await self._open_through(self.egress, factory, alpn, deadline)
        else:
            protocol, connected = await self._open_directly(factory, alpn, deadline)
        return protocol, Opening(began=began, connected=connected, ready=now())

    async def _open_directly(
        self, factory: Callable[[], P], alpn: str, deadline: float
    ) -> tuple[P, float]:
        """With the moment at which the connection stood, and TLS was to begin."""
        loop = asyncio.get_running_loop()
        connected = 0.0

        def make() -> P:
            nonlocal connected
            connected = loop.time()
            return factory()

        async with reaching(self.peer, deadline=deadline, timeout_s=self.timeout_s):
            context = await self._context(self.contexts, alpn) if self.contexts else None
            _, protocol = await connect(make, self.origin.host, self.origin.port, context)
        return protocol, connected

    async def speaks_http2(self) -> bool:
        """Whether the service can be reached and chooses HTTP/2 when that is offered."""
        if self.contexts is None:
            return False
        try:
            early = await self.open(Early, http2=True)
        except UpstreamError:
            return False
        chosen = early.transport.get_extra_info("ssl_object").selected_alpn_protocol()
        early.transport.abort()
        return bool(chosen == HTTP_2)

    async def _context(self, contexts: Contexts, alpn: str) -> ssl.SSLContext:
        """The same one each time. That for HTTP/2 is made when a client first speaks it."""
        if alpn not in self._made:
            self._made[alpn] = await in_thread(contexts, alpn, name="TLS settings")
        return self._made[alpn]

    @property
    def peer(self) -> Peer:
        through = "" if self.egress is None else f"It was looked up through {self.egress.proxy}."
        return Peer(kind="service", name=str(self.origin), host=self.origin.host, hint=through)

    async def _open_through(
        self, egress: Egress, factory: Callable[[], P], alpn: str, deadline: float
    ) -> tuple[P, float]:
        """As `_open_directly`; the proxy has connected at that moment."""
        transport, early = await egress.open(
            self.origin, deadline=deadline, timeout_s=self.timeout_s
        )
        connected = asyncio.get_running_loop().time()
        async with reaching(self.peer, deadline=deadline, timeout_s=self.timeout_s):
            try:
                if self.contexts is not None:
                    context = await self._context(self.contexts, alpn)
                    transport, early = await self._secure(transport, early, context)
                protocol = factory()
                hand_over(early, transport, protocol)
            except BaseException:
                transport.abort()
                raise
        return protocol, connected

    async def _secure(
        self, transport: asyncio.Transport, early: Early, context: ssl.SSLContext
    ) -> tuple[asyncio.Transport, Early]:
        if early.data or early.lost or transport.is_closing():
            raise ConnectionResetError(
                "the peer sent data, or closed the connection, before TLS began"
            )
        within = Early()
        made = await asyncio.get_running_loop().start_tls(
            transport, within, context, server_hostname=self.origin.host
        )
        return cast(asyncio.Transport, made), within


def connector_for(
    service: ServiceSettings,
    settings: Settings,
    contexts: Callable[[ServiceTls, str], ssl.SSLContext],
    environ: Mapping[str, str],
) -> Connector:
    """The way to `service`; what cannot be used is said now. Raises StartError."""
    of_service, made, tls = None, dict[str, ssl.SSLContext](), ServiceTls.of(service)
    if service.url.scheme == "https":
        of_service = partial(contexts, tls)
        made[HTTP_1] = of_service(HTTP_1)
    proxy = find_egress(service, settings, environ)
    egress = None
    if proxy is not None:
        context = contexts(tls.without_us(), HTTP_1) if proxy.scheme == "https" else None
        egress = Egress(proxy=proxy, context=context)
    return Connector(
        origin=service.url,
        timeout_s=settings.timeouts_of(service).connect,
        contexts=of_service,
        egress=egress,
        _made=made,
    )
