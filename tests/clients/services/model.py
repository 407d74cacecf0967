"""Model servers: one as OpenAI's, which wants a key of its own in Authorization, and Ollama."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from authproxy.demo.cloudrun import App

WORDS = ("A", "pretend", "model")


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
    for word in WORDS:
        part = {"choices": [{"index": 0, "delta": {"content": word}}]}
        await response.write(f"data: {json.dumps(part)}\n\n".encode())
    await response.write(b"data: [DONE]\n\n")
    return response


@asynccontextmanager
async def ollama() -> AsyncIterator[App]:
    yield _chat


async def _chat(request: web.Request) -> web.StreamResponse:
    assert (await request.json())["stream"] is True
    response = web.StreamResponse()
    response.content_type = "application/x-ndjson"
    await response.prepare(request)
    for word in WORDS:
        part = {"message": {"role": "assistant", "content": word}, "done": word == WORDS[-1]}
        await response.write(f"{json.dumps(part)}\n".encode())
    return response
