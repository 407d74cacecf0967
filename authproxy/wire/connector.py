"""Opens connections to one service: names resolved afresh, TLS checked, failures made ours."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import TypeVar

from authproxy.errors import Code, StartError, UpstreamError
from authproxy.values import Origin

HAPPY_EYEBALLS_DELAY_S = 0.25  # RFC 8305 8 recommends it

HTTP_1 = "http/1.1"
HTTP_2 = "h2"

P = TypeVar("P", bound=asyncio.BaseProtocol)

Contexts = Callable[[str], ssl.SSLContext]
"""The TLS context that offers this one protocol by ALPN, always the same one for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Connector:
    """How to reach one origin."""

    origin: Origin
    timeout_s: float
    """Until a connection stands, TLS included."""
    contexts: Contexts | None
    """None for a service without TLS."""

    async def open(self, factory: Callable[[], P], *, http2: bool = False) -> P:
        """A protocol made by `factory`, on a connection that stands.

        With `http2` a TLS service is offered HTTP/2 and nothing else; one that does not speak it
        either fails the handshake or chooses no protocol: ask the transport's `ssl_object`.
        Raises UpstreamError, with `sent` False.
        """
        deadline = asyncio.get_running_loop().time() + self.timeout_s
        async with self._step(deadline):
            return await self._open(factory, HTTP_2 if http2 else HTTP_1)

    async def _open(self, factory: Callable[[], P], alpn: str) -> P:
        context = self.contexts(alpn) if self.contexts is not None else None
        _, protocol = await asyncio.get_running_loop().create_connection(
            factory,
            self.origin.host,
            self.origin.port,
            ssl=context,
            server_hostname=self.origin.host if context is not None else None,
            happy_eyeballs_delay=HAPPY_EYEBALLS_DELAY_S,
        )
        return protocol

    @contextlib.asynccontextmanager
    async def _step(self, deadline: float) -> AsyncIterator[None]:
        """The one place where failures to connect become ours."""
        try:
            async with asyncio.timeout_at(deadline):
                yield
        except UpstreamError:
            raise
        except Exception as error:
            raise _translate(error, self.origin, self.timeout_s) from error


def _translate(error: Exception, origin: Origin, timeout_s: float) -> UpstreamError:
    code = Code.CONNECT_FAILED
    if isinstance(error, ssl.SSLCertVerificationError):
        message = f"The certificate of {origin} is not trusted: {error.verify_message}."
        hint = "If the service uses a private CA, name its certificate with --ca-file."
    elif isinstance(error, ssl.SSLError):
        message = f"The TLS handshake with {origin} failed."
        hint = "Is this the right port, and does the service speak TLS on it?"
    elif isinstance(error, TimeoutError):
        code = Code.UPSTREAM_TIMEOUT
        message = f"{origin} did not accept a connection within {timeout_s:g} seconds."
        hint = "Is the address right, and does a firewall or a missing egress route stand between?"
    elif isinstance(error, socket.gaierror | UnicodeError):
        message = f"The host name {origin.host} cannot be resolved."
        hint = "Check the URL for a typo, and the DNS of this machine."
    elif isinstance(error, StartError):
        message = f"The settings for TLS to {origin} can no longer be used."
        hint = "A file that they name has changed: authproxy check says which."
    else:
        message = f"{origin} cannot be reached."
        hint = "Is the service running, and are its address and port right?"
    # aiofastnet's errors of TLS carry no text of their own.
    detail = str(error) or repr(error)
    return UpstreamError(message, code=code, sent=False, hint=hint, detail=detail)
