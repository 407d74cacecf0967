"""Takes one request of an aiohttp application to a service, and its answer back.

Both bodies pass in pieces, and each side waits for the slower one. When the client leaves, the
request to the service is broken off; when the service breaks off, so is the client's connection:
half an answer must not look like a whole one.
"""

import asyncio
import logging
import uuid
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import aiohttp
from aiohttp import web
from yarl import URL

from authproxy.embedding.message_heads import (
    Mount,
    fields_to_return,
    fields_to_send,
    head_of,
)
from authproxy.embedding.web_sockets import carry, wants_socket
from authproxy.errors import AuthProxyError, Code, UpstreamError
from authproxy.exchange import RequestHead
from authproxy.tasks import Tasks
from authproxy.wire.refusals import check_method
from authproxy.wire.replies import answer

logger = logging.getLogger(__name__)

Result = TypeVar("Result")

LOOK_EVERY_S = 0.5
"""How often it is looked whether the client is still there: aiohttp tells of it nobody."""
NO_BODY = (204, 304)


class Carrier:
    """Between one mount and its service."""

    def __init__(self, mount: Mount, session: aiohttp.ClientSession) -> None:
        self._mount = mount
        self._session = session

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Our own answers are for what goes wrong before the service's begins."""
        mount = self._mount
        head = head_of(request.method, "/", _version(request), request.raw_headers)
        try:
            check_method(head.method)
            url = URL(mount.origin.root + mount.target(request.raw_path), encoded=True)
            fields = fields_to_send(head, mount, request.host, request.remote or "")
            async with _explaining():
                if wants_socket(request):
                    return await carry(request, self._session, url, fields)
                return await _while_there(request, self._forward(request, url, fields))
        except AuthProxyError as error:
            return own_answer(error, head)

    async def _forward(
        self, request: web.Request, url: URL, fields: list[tuple[str, str]]
    ) -> web.StreamResponse:
        body = request.content.iter_any() if request.can_read_body else None
        came = await self._session.request(
            request.method, url, headers=fields, data=body, allow_redirects=False
        )
        try:
            home = self._mount.home(request.host)
            response = web.StreamResponse(status=came.status, reason=came.reason)
            for name, value in fields_to_return(came.status, came.raw_headers, home):
                response.headers.add(name, value)
            if "Content-Length" not in response.headers and _has_chunks(request, came.status):
                response.enable_chunked_encoding()
            await response.prepare(request)
            await _pass_on(request, came, response)
        finally:
            came.close()  # a connection whose answer was read to its end went back already
        return response


async def _pass_on(
    request: web.Request, came: aiohttp.ClientResponse, response: web.StreamResponse
) -> None:
    try:
        async for piece in came.content.iter_any():
            await response.write(piece)
        await response.write_eof()
    except (aiohttp.ClientError, TimeoutError) as error:
        if request.transport is not None:
            request.transport.abort()
        logger.warning("an answer of %s broke off: %s", came.url.host, type(error).__name__)


def own_answer(error: AuthProxyError, head: RequestHead) -> web.Response:
    """As the proxy answers by itself: a page, JSON or text."""
    if error.detail:
        logger.warning("%s: %s", error.code, error.detail)
    made = answer(error, head, uuid.uuid4().hex[:16])
    response = web.Response(status=made.status, body=made.body)
    for name, value in made.lines:
        if name != "Content-Length":
            response.headers[name] = value
    return response


async def _while_there(
    request: web.Request, work: Coroutine[Any, Any, web.StreamResponse]
) -> web.StreamResponse:
    """`work`, ended when the client leaves."""
    tasks = Tasks()
    task = tasks.start(work, name="carry a request")
    try:
        while True:
            done, _ = await asyncio.wait({task}, timeout=LOOK_EVERY_S)
            if done:
                return task.result()
            if request.transport is None:
                raise ConnectionResetError("the client has left")
    finally:
        await tasks.cancel()


@asynccontextmanager
async def _explaining() -> AsyncIterator[None]:
    """Turns what aiohttp's client raises into errors of ours."""
    try:
        yield
    except (aiohttp.ServerTimeoutError, TimeoutError) as error:
        raise UpstreamError(
            "The service did not answer in time.",
            code=Code.UPSTREAM_TIMEOUT,
            sent=True,
            hint="Is it overloaded? `timeouts` in authproxy.web() says how long to wait.",
        ) from error
    except aiohttp.ClientConnectorError as error:
        raise UpstreamError(
            "The service cannot be reached.",
            code=Code.CONNECT_FAILED,
            sent=False,
            hint="Is its address right, and its certificate trusted?",
            detail=str(error),
        ) from error
    except aiohttp.ClientConnectionResetError:
        raise  # of the application's own client
    except aiohttp.ClientError as error:
        raise UpstreamError(
            "The service broke off, or did not speak HTTP properly.",
            code=Code.UPSTREAM_BROKE,
            sent=True,
            detail=f"{type(error).__name__}: {error}",
        ) from error


def _has_chunks(request: web.Request, status: int) -> bool:
    return request.version >= aiohttp.HttpVersion11 and status not in NO_BODY and status >= 200


def _version(request: web.Request) -> str:
    return f"{request.version.major}.{request.version.minor}"
