"""The proxy that one writes first: an `aiohttp.web` handler around a `ClientSession`."""

import os
import ssl
import sys
from collections.abc import AsyncIterator

from aiohttp import ClientSession, DummyCookieJar, TCPConnector, web
from multidict import CIMultiDict

PORT, TARGET, CA_FILE = sys.argv[1:]
OWN = {"host", "connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade"}
SESSION = web.AppKey("session", ClientSession)


async def forward(request: web.Request) -> web.StreamResponse:
    headers = {name: value for name, value in request.headers.items() if name.lower() not in OWN}
    headers["Authorization"] = f"Bearer {os.environ['BENCH_TOKEN']}"
    body = request.content.iter_any() if request.can_read_body else None
    async with request.app[SESSION].request(
        request.method, TARGET + request.raw_path, headers=headers, data=body, allow_redirects=False
    ) as answer:
        kept = [(name, value) for name, value in answer.headers.items() if name.lower() not in OWN]
        response = web.StreamResponse(status=answer.status, headers=CIMultiDict(kept))
        await response.prepare(request)
        async for chunk in answer.content.iter_any():
            await response.write(chunk)
        await response.write_eof()
    return response


async def session(app: web.Application) -> AsyncIterator[None]:
    connector = TCPConnector(ssl=ssl.create_default_context(cafile=CA_FILE), limit=0)
    async with ClientSession(
        connector=connector, auto_decompress=False, cookie_jar=DummyCookieJar()
    ) as app[SESSION]:
        yield


if __name__ == "__main__":
    app = web.Application(client_max_size=1 << 30)
    app.cleanup_ctx.append(session)
    app.router.add_route("*", "/{path:.*}", forward)
    web.run_app(app, host="127.0.0.1", port=int(PORT), access_log=None, print=None)
