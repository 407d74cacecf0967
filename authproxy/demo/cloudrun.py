"""A pretend Cloud Run: the front end of one service over TLS, and the service's app behind it.

One way in which it is kinder than the real one: the app's handler is cancelled when an HTTP/1.1
client leaves, which Cloud Run does not tell a container. So nothing runs on in a test.
"""

import asyncio
import ssl
import time
from collections import deque
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from functools import partial
from typing import Literal

from aiohttp import web

from authproxy.demo import pages
from authproxy.demo.accounts import PROJECT_NUMBER, Accounts
from authproxy.demo.admission import Admission, Gate, Outcome
from authproxy.demo.forwarding import (
    Fields,
    Redaction,
    forwarded_fields,
    new_trace,
    remove_signature,
)
from authproxy.demo.http2 import ByAlpn, Http2Connection, Stream
from authproxy.demo.iap import IdentityAwareProxy, refusal
from authproxy.demo.keys import KeyRing
from authproxy.demo.loopback import listen_on_loopback, reset

App = Callable[[web.Request], Awaitable[web.StreamResponse]]

MAX_BODY = 32 * 1024 * 1024
MAX_HEAD_FIELD = 256 * 1024
SEEN_LIMIT = 20_000
SHUTDOWN_S = 0.1
TRACE_CONTEXT = "X-Cloud-Trace-Context"
ALT_SVC = 'h3=":443"; ma=2592000,h3-29=":443"; ma=2592000'


@dataclass(slots=True, kw_only=True, eq=False)
class Seen:
    """One request as it reached the front end."""

    method: str
    target: bytes
    """As on the wire."""
    headers: tuple[tuple[bytes, bytes], ...]
    """As on the wire, except that tokens have lost their signatures."""
    client_port: int
    """The same for all requests of one connection."""
    principal: str = ""
    reason: str = ""
    """Why the token was not believed; the client is never told."""
    status: int = 0
    """0 until the answer was sent to its end."""
    ended: Literal["", "answered", "aborted", "failed"] = ""
    """`aborted` when the client left before the end, `failed` when the app raised an error."""

    def __repr__(self) -> str:
        return f"<Seen {self.method} {self.status or 'open'} {self.ended}>"

    def header(self, name: str) -> list[str]:
        """All values of a field, in order."""
        wanted = name.lower().encode()
        return [value.decode("latin-1") for field, value in self.headers if field.lower() == wanted]


class PretendCloudRun:
    """One service on one port of both loopback addresses."""

    def __init__(
        self,
        *,
        app: App,
        tls: ssl.SSLContext,
        keys: KeyRing,
        accounts: Accounts,
        invokers: Collection[str],
        name: str = "hello",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.app = app
        self.name = name
        self.gate = Gate(keys=keys, accounts=accounts, invokers=invokers, clock=clock)
        self.redact_authorization: Redaction = "users"
        """Whose tokens in Authorization lose their signature before the app sees them."""
        self.ingress: Literal["all", "internal"] = "all"
        """`internal`: whoever asks comes from outside, and is told that there is nothing here."""
        self.iap: IdentityAwareProxy | None = None
        """Decides who is let in, instead of the gate. See `put_behind_iap`."""
        self.limits_bodies = False
        """Refuse announced bodies of more than 32 MiB, as Cloud Run does over HTTP/1."""
        self.no_instance: int | None = None
        """Answer admitted requests with 429, 500 or 503, as when nothing could be started."""
        self.seen: deque[Seen] = deque(maxlen=SEEN_LIMIT)
        self.port = 0
        self._make_iap = partial(IdentityAwareProxy, keys=keys, accounts=accounts, clock=clock)
        self._tls = tls
        self._runner: web.AppRunner | None = None
        self._listening: list[asyncio.Server] = []
        self._http2: set[Http2Connection] = set()
        self._changed = asyncio.Event()

    def __repr__(self) -> str:
        return f"<PretendCloudRun {self.url} [{len(self.seen)} requests seen]>"

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}"

    @property
    def hosts(self) -> frozenset[str]:
        """`Host` values that lead to the service."""
        loopback = ("localhost", "127.0.0.1", "[::1]", f"{self.name}.localhost")
        return frozenset([*(f"{host}:{self.port}" for host in loopback), *self.run_app_hosts])

    @property
    def run_app_hosts(self) -> tuple[str, str]:
        """The deterministic and the hash form that a real service has."""
        return (
            f"{self.name}-{PROJECT_NUMBER}.europe-west4.run.app",
            f"{self.name}-d3m0d3m0d3-ez.a.run.app",
        )

    @property
    def connections(self) -> int:
        """Connections open now."""
        return len(self._transports())

    def put_behind_iap(self, *accessors: str) -> None:
        """From now on Identity-Aware Proxy lets in those with these emails."""
        self.iap = self._make_iap(accessors=accessors)

    async def start(self) -> None:
        """Listen; after `stop()` on the same port as before."""
        application = web.Application()
        application.router.add_route("*", "/{tail:.*}", self._front, expect_handler=_expect)
        application.middlewares.append(self._middleware)
        application.on_response_prepare.append(_sign_response)
        self._runner = web.AppRunner(
            application,
            access_log=None,
            shutdown_timeout=SHUTDOWN_S,
            handler_cancellation=True,
            auto_decompress=False,
            max_line_size=MAX_HEAD_FIELD,
            max_field_size=MAX_HEAD_FIELD,
            max_headers=1000,
        )
        await self._runner.setup()
        loop = asyncio.get_running_loop()
        assert self._runner.server is not None  # noqa: S101 -- for the type checker: it is set up
        welcome = partial(ByAlpn, self._runner.server, self._http2)
        for listener in listen_on_loopback(self.port):
            self.port = listener.getsockname()[1]
            self._listening.append(await loop.create_server(welcome, sock=listener, ssl=self._tls))
        self.gate.urls |= {f"https://{host}" for host in self.hosts}

    async def stop(self) -> None:
        """Break all connections off and stop listening."""
        for listening in self._listening:
            listening.close()
        self._listening.clear()
        if self._runner is not None:
            self.drop_connections()
            await self._runner.cleanup()
            self._runner = None

    def drop_connections(self) -> None:
        """Reset every connection, the idle ones too."""
        for transport in self._transports():
            reset(transport)

    def _transports(self) -> list[asyncio.Transport]:
        server = self._runner.server if self._runner else None
        found = [each.transport for each in (*self._http2, *(server.connections if server else ()))]
        return [each for each in found if each is not None and not isinstance(each, Stream)]

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until `condition` holds; it is asked again whenever a request comes or ends."""
        while not condition():
            self._changed.clear()
            await self._changed.wait()

    @web.middleware
    async def _middleware(self, request: web.Request, handler: App) -> web.StreamResponse:
        """Every request comes by here, those too whose target no route matches (`OPTIONS *`)."""
        try:
            return await self._front(request)
        except ConnectionError:
            if request.transport is not None and not request.transport.is_closing():
                raise
            return web.Response()  # nobody gets it, nor waits for what else may have failed

    async def _front(self, request: web.Request) -> web.StreamResponse:
        seen = _record(request)
        self.seen.append(seen)
        self._changed.set()
        try:
            response = await self._answer(request, seen)
        except (asyncio.CancelledError, ConnectionError):
            seen.ended = "aborted"
            raise
        except Exception:
            seen.ended = "failed"
            raise
        else:
            seen.status, seen.ended = response.status, "answered"
            return response
        finally:
            self._changed.set()

    async def _answer(self, request: web.Request, seen: Seen) -> web.StreamResponse:
        if not self._is_there(request):
            return await _send(request, _reply(pages.not_found()))
        admission = (self.iap or self.gate).admit(request.raw_headers)
        seen.principal = admission.account.email if admission.account else ""
        seen.reason = admission.reason
        page = self._find_refusal(request, admission)
        if page is not None:
            return await _send(request, _reply(page))
        await _continue(request)
        forwarded = self._forwarded(request, admission)
        try:
            response = await self.app(forwarded)
        except web.HTTPException as answer:
            response = answer
        return await _send(forwarded, response)

    def _is_there(self, request: web.Request) -> bool:
        host = request.headers.get("Host", "").lower()
        return self.ingress == "all" and host in self.hosts and not _is_reserved(request)

    def _find_refusal(self, request: web.Request, admission: Admission) -> pages.Page | None:
        path = request.raw_path.partition("?")[0]
        if self.iap is not None and admission.outcome is not Outcome.ADMITTED:
            accept = request.headers.get("Accept", "")
            return refusal(admission, method=request.method, accept=accept)
        if admission.outcome is Outcome.NOT_BELIEVED:
            return pages.unauthorized(path)
        if admission.outcome is not Outcome.ADMITTED:
            return pages.forbidden(path)
        if self.limits_bodies and (request.content_length or 0) > MAX_BODY:
            return pages.too_large()
        if self.no_instance is not None:
            return pages.no_instance(self.no_instance)
        return None

    def _forwarded(self, request: web.Request, admission: Admission) -> web.Request:
        fields = forwarded_fields(
            _decoded(request.raw_headers),
            peer=request.remote or "",
            trace=new_trace(),
            account=admission.account,
            redaction=self.redact_authorization,
        )
        return request.clone(headers=fields)


def _record(request: web.Request) -> Seen:
    peer = request.transport.get_extra_info("peername") if request.transport else None
    headers = [
        (name, _without_signature(value) if name.lower().endswith(b"authorization") else value)
        for name, value in request.raw_headers
    ]
    return Seen(
        method=request.method,
        target=request.raw_path.encode("utf-8", "surrogateescape"),
        headers=tuple(headers),
        client_port=peer[1] if peer else 0,
    )


def _without_signature(value: bytes) -> bytes:
    return remove_signature(value.decode("latin-1")).encode("latin-1")


def _decoded(headers: tuple[tuple[bytes, bytes], ...]) -> Fields:
    return [(_text(name), _text(value)) for name, value in headers]


def _text(value: bytes) -> str:
    return value.decode("utf-8", "surrogateescape")


def _is_reserved(request: web.Request) -> bool:
    """Paths that never reach a container (Cloud Run's known issues)."""
    path = request.raw_path.partition("?")[0]
    return path in ("/eventlog", "/healthz") or path.startswith("/_ah/")


def _reply(page: pages.Page) -> web.Response:
    headers = {"Content-Type": pages.CONTENT_TYPE, **page.headers}
    return web.Response(status=page.status, body=page.body.encode(), headers=headers)


async def _send(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    """Send it to its end here, so that a record that says `answered` is true."""
    await response.prepare(request)
    await response.write_eof()
    return response


async def _sign_response(request: web.Request, response: web.StreamResponse) -> None:
    """What the front end puts on every answer, its own and the app's."""
    given = request.headers.get(TRACE_CONTEXT, "").partition("/")[0]
    response.headers[TRACE_CONTEXT] = f"{given or new_trace().trace_id};o=1"
    response.headers["Server"] = "Google Frontend"
    response.headers["Alt-Svc"] = ALT_SVC
    if "Set-Cookie" in response.headers:
        response.headers["Cache-Control"] = "private"


async def _expect(_request: web.Request) -> None:
    """Nothing yet: the client is told to continue only after it was admitted."""


async def _continue(request: web.Request) -> None:
    if request.headers.get("Expect", "").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
