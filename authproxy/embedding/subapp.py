"""`authproxy.web`: a part of an aiohttp application that forwards to a service with its token.

It inherits none of the proxy's access rules, so it does not start without a rule of its own.
"""

import inspect
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Unpack

import aiohttp
from aiohttp import web as aiohttp_web

from authproxy.auth.auth_keywords import HERE, TokenKeywords, read_keywords
from authproxy.auth.service_auth import ServiceAuth
from authproxy.embedding.carrying import Carrier, own_answer
from authproxy.embedding.message_heads import Mount, head_of
from authproxy.embedding.serve_keywords import File, Words
from authproxy.errors import Code, ConfigError, Problem, Refused
from authproxy.policy.messages.headers import service_rules
from authproxy.settings import ServiceSettings, Settings
from authproxy.wire.upstream.tls import ServiceTls, service_context

WHERE = "web()"
_TAIL = "/{tail:.*}"

Authorize = Callable[[aiohttp_web.Request], Awaitable[bool] | bool]
"""Whether a request may pass; it may raise aiohttp's own refusals, such as HTTPUnauthorized."""

_NO_RULE = (
    "is missing: everybody who reaches this application would use its identity, since it has none"
    " of authproxy's access rules; give a function that looks at the request and returns True for"
    " those who may"
)
_NO_FUNCTION = "must be a function that takes the request and returns True for those who may"


class WebKeywords(TokenKeywords, total=False):
    """Named and written as in the configuration."""

    ca_file: File
    client_cert_file: File
    client_key_file: File
    tls_min_version: str
    add_headers: Words
    remove_headers: Words
    limits: dict[str, int]


_HERE = {*HERE, *WebKeywords.__annotations__} - {"egress_proxy"}


def web(
    service: str, /, *, authorize: Authorize | None = None, **settings: Unpack[WebKeywords]
) -> aiohttp_web.Application:
    """An application for `app.add_subapp("/api/", …)`: everything below goes to `service`.

    `authorize` decides about each request; without it, and for settings that are wrong, ConfigError
    is raised.
    """
    if not callable(authorize):
        message = _NO_RULE if authorize is None else _NO_FUNCTION
        raise ConfigError([Problem(where=WHERE, key="authorize", message=message)])
    read = read_keywords(service, settings, os.environ, where=WHERE, here=_HERE)
    (about,) = read.services.values()
    context = service_context(ServiceTls.of(about), "http/1.1")
    app = aiohttp_web.Application()
    part = _Part(read, about, authorize)
    app.router.add_route("*", _TAIL, part.handle)

    async def running(_: aiohttp_web.Application) -> AsyncIterator[None]:
        async with ServiceAuth.of(read) as auth, _client(read, auth, context) as part.session:
            yield

    app.cleanup_ctx.append(running)
    return app


class _Part:
    """Decides about a request, and hands it on."""

    session: aiohttp.ClientSession

    def __init__(self, settings: Settings, service: ServiceSettings, authorize: Authorize) -> None:
        self._service = service
        self._authorize = authorize
        self._rules = service_rules(
            authority=service.url.authority,
            token_header=service.header_for_token,
            add=service.add_headers,
            remove=service.remove_headers,
        )

    async def handle(self, request: aiohttp_web.Request) -> aiohttp_web.StreamResponse:
        said = self._authorize(request)
        if inspect.isawaitable(said):
            said = await said
        if said is not True:
            head = head_of(request.method, "/", "1.1", request.raw_headers)
            return own_answer(_refused(), head)
        return await Carrier(self._mount(request), self.session).handle(request)

    def _mount(self, request: aiohttp_web.Request) -> Mount:
        resource = request.match_info.route.resource
        prefix = resource.canonical.removesuffix("/{tail}") if resource is not None else ""
        return Mount(origin=self._service.url, rules=self._rules, prefix=prefix.encode())


def _refused() -> Refused:
    return Refused(
        "This application does not let this request pass.",
        code=Code.NOT_AUTHORIZED,
        hint="Its `authorize` decides.",
    )


def _client(settings: Settings, auth: ServiceAuth, context: Any) -> aiohttp.ClientSession:
    """No cookie of one client is another one's, and nothing is added or taken apart."""
    timeouts, limits = settings.timeouts, settings.limits
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=context, limit=limits.connections_per_service),
        cookie_jar=aiohttp.DummyCookieJar(),
        middlewares=[auth.aiohttp()],
        auto_decompress=False,
        trust_env=False,
        skip_auto_headers=["Accept", "Accept-Encoding", "Content-Type", "User-Agent"],
        timeout=aiohttp.ClientTimeout(
            total=timeouts.total or None,
            sock_connect=timeouts.connect,
            sock_read=timeouts.stream_idle,
        ),
        max_line_size=limits.head_bytes,
        max_field_size=limits.head_bytes,
    )
