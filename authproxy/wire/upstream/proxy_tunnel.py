"""The way out through an egress proxy: a connection that it opens for us by CONNECT.

CONNECT serves for services on plain http:// too: what we send stays ours, and only the proxy hears
what is meant for the proxy.
"""

import asyncio
import re
import ssl
from dataclasses import dataclass
from typing import cast

from authproxy.errors import Code, UpstreamError
from authproxy.values import EgressProxy, Origin
from authproxy.values.hosts import bracketed
from authproxy.wire.upstream.connect_errors import Peer, reaching
from authproxy.wire.upstream.happy_eyeballs import connect

MAX_HEAD = 16 * 1024

_STATUS = re.compile(rb"HTTP/1\.[01] ([0-9]{3})(?: [^\r\n]*)?(?:\r\n|$)")


class Early(asyncio.Protocol):
    """Keeps what comes before the protocol that it is meant for has the transport."""

    transport: asyncio.Transport

    def __init__(self) -> None:
        self.data = b""
        self.lost = False
        self._news = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # A cast: aiofastnet's transports have asyncio's methods, not its classes.
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self.data += data
        self._news.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True
        self._news.set()

    async def take_head(self) -> bytes:
        """All up to an empty line; less when the connection ends, or the bound is reached."""
        while (end := self.data.find(b"\r\n\r\n")) < 0:
            if self.lost or len(self.data) > MAX_HEAD:
                return self.data
            self._news.clear()
            await self._news.wait()
        head, self.data = self.data[:end], self.data[end + 4 :]
        return head


def hand_over(early: Early, transport: asyncio.Transport, to: asyncio.BaseProtocol) -> None:
    """Let `to` go on as if it had had the transport from the beginning. No `await` in here.

    Raises ConnectionResetError when the connection ended meanwhile.
    """
    if early.lost or transport.is_closing():
        raise ConnectionResetError("the connection was closed as soon as it was open")
    transport.set_protocol(to)
    to.connection_made(transport)
    if early.data:
        cast(asyncio.Protocol, to).data_received(early.data)


@dataclass(frozen=True, slots=True, kw_only=True)
class Egress:
    """A way out through a proxy."""

    proxy: EgressProxy
    context: ssl.SSLContext | None
    """For TLS to the proxy itself."""

    @property
    def peer(self) -> Peer:
        return Peer(
            kind="proxy",
            name=f"The egress proxy {self.proxy}",
            host=self.proxy.host,
            hint=f"The proxy was named by {self.proxy.source}.",
        )

    async def open(
        self, origin: Origin, *, deadline: float, timeout_s: float
    ) -> tuple[asyncio.Transport, Early]:
        """A connection that ends at `origin`, with what came on it already.

        Raises UpstreamError, which says that it was the proxy that failed.
        """
        async with reaching(self.peer, deadline=deadline, timeout_s=timeout_s):
            transport, early = await connect(Early, self.proxy.host, self.proxy.port, self.context)
        try:
            transport.write(self._request(origin))
            async with asyncio.timeout_at(deadline):
                head = await early.take_head()
            self._check(head, origin)
        except TimeoutError:
            transport.abort()
            raise self._slow(origin, timeout_s) from None
        except BaseException:
            transport.abort()
            raise
        return transport, early

    def _request(self, origin: Origin) -> bytes:
        """RFC 9110 9.3.6: the target is host and port, the port even when it is the scheme's."""
        target = f"{bracketed(origin.host)}:{origin.port}"
        lines = [f"CONNECT {target} HTTP/1.1", f"Host: {target}"]
        authorization = self.proxy.authorization.reveal()
        if authorization:
            lines.append(f"Proxy-Authorization: {authorization}")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii")

    def _check(self, head: bytes, origin: Origin) -> None:
        found = _STATUS.match(head)
        if found is None:
            what = "closed the connection without an answer" if not head else "is no HTTP proxy"
            raise self._failed(
                what, "Are its address and port right, and http:// or https:// too?", head
            )
        status = int(found[1])
        if status in (407, 401):  # 401 is what tinyproxy 1.11 says to a wrong password
            raise self._unauthorized(status, head)
        if not 200 <= status < 300:
            verb = "could not" if status >= 500 else "refused to"
            raise self._failed(f"{verb} connect to {origin} ({status})", _HINT[verb], head)

    def _unauthorized(self, status: int, head: bytes) -> UpstreamError:
        if not self.proxy.authorization:
            return self._failed(
                f"asks for a user name and a password ({status})",
                "Write them into its URL, http://USER:PASSWORD@HOST:PORT, special characters"
                " percent-encoded.",
                head,
            )
        return self._failed(
            f"does not accept the user name and password ({status})",
            "They are sent by the method Basic, percent-decoded from its URL.",
            head,
        )

    def _slow(self, origin: Origin, timeout_s: float) -> UpstreamError:
        return self._failed(
            f"did not connect to {origin} within {timeout_s:g} seconds",
            "Can the proxy reach the service?",
            b"",
            code=Code.UPSTREAM_TIMEOUT,
        )

    def _failed(
        self, what: str, hint: str, head: bytes, *, code: Code = Code.CONNECT_FAILED
    ) -> UpstreamError:
        peer = self.peer
        said = head.split(b"\r\n", 1)[0][:200].decode("latin-1")
        return UpstreamError(
            f"{peer.name} {what}.",
            code=code,
            sent=False,
            hint=f"{hint} {peer.hint}",
            detail=f"it answered: {said}" if said else "",
        )


_HINT = {
    "could not": "Can the proxy reach the service? See the proxy's own log.",
    "refused to": "The proxy's administrator must allow it. If the proxy is not needed, set"
    ' NO_PROXY or egress_proxy = "none".',
}
