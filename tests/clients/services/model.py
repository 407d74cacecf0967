"""A model server, which wants a key of its own in Authorization."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from authproxy.demo.cloudrun import App


@asynccontextmanager
async def model() -> AsyncIterator[App]:
    yield _complete


async def _complete(request: web.Request) -> web.StreamResponse:
    if request.headers.get("Authorization") != "Bearer the-service-checks-this":
        return web.json_response({"error": {"message": "wrong key"}}, status=401)
    assert (await request.json())["stream"] is True
    response = web.StreamResponse()
    response.content_type = "text/event-stream"
    await response.prepare(request)
    for word in ("A", "pretend", "model"):
        part = {"choices": [{"index": 0, "delta": {"content": word}}]}
        await response.write(f"data: {json.dumps(part)}\n\n".encode())
        await asyncio.sleep(0)
    await response.write(b"data: [DONE]\n\n")
    return response
